// Candidates that come after their description: the body of an INFO of package trickle-ice. RFC 8840 section 9.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sip/ice_attributes.h"
#include "sip/sdp.h"

namespace weir::sip {

/// Info-Package, Recv-Info, and the option tag that says the same in Supported (RFC 8840 sections 10.7 and 10.8).
inline constexpr std::string_view kTrickleIce = "trickle-ice";
inline constexpr std::string_view kIceFragmentType = "application/trickle-ice-sdpfrag";

/// What a fragment says of one section of the description that it belongs to. Its m= line is a mark where the section
/// begins, and means nothing else (RFC 8840 section 9.2).
struct IceFragment {
  std::string mid;  ///< empty: it names none, and is the section in the same place
  RemoteIce ice;    ///< credentials say of which generation

  friend bool operator==(const IceFragment&, const IceFragment&) = default;
};

/// By section, in order. 400: it is no fragment (lines of a whole description in it, or broken ones), or a section has
/// no credentials. Candidates that are malformed are counted and passed over, as read_ice does.
std::variant<std::vector<IceFragment>, SdpRefusal> read_ice_fragment(std::string_view body);

/// Adds a fragment's candidates to what its section has said, as far as there is room (kIceCandidatesMax) and they are
/// new. False: they belong to other credentials, and nothing has changed.
bool add_trickled(RemoteIce& to, const RemoteIce& fragment);

}  // namespace weir::sip
