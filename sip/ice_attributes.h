// What one section says of ICE: credentials, candidates and options. RFC 8839 section 5, RFC 8840 section 4 (trickle),
// RFC 8445 (what they mean). Words only: the checks themselves are answered elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/inet.h"
#include "sip/sdp.h"

namespace weir::sip {

/// Lengths in characters (RFC 8839 section 5.4).
inline constexpr std::size_t kIceUfragBytesMin = 4;
inline constexpr std::size_t kIceUfragBytesMax = 256;
inline constexpr std::size_t kIcePasswordBytesMin = 22;
inline constexpr std::size_t kIcePasswordBytesMax = 256;
/// Candidates kept of one section: 100 pairs are all a full agent checks (RFC 8445 section 6.1.2.5). Browsers with many
/// interfaces send some 20.
inline constexpr std::size_t kIceCandidatesMax = 64;

/// One side's username fragment and password. The password signs checks: never log it.
struct IceCredentials {
  std::string ufrag;
  std::string password;

  friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};

/// a=candidate (RFC 8839 section 5.1), without what only describes it: related address, generation, network and cost.
struct IceCandidate {
  std::string foundation;      ///< 1 to 32 ice-chars
  std::uint8_t component = 1;  ///< 1: RTP, or both when muxed; 2: RTCP
  std::uint32_t priority = 0;  ///< 1 to 2^31 - 1
  /// Port 0: nothing is to be sent there. It is a name (mDNS: its address is learned from its checks), of TCP, or no
  /// address of one other host.
  proto::Endpoint endpoint;
  std::string type;  ///< "host", "srflx", "prflx", "relay", or a later one

  friend bool operator==(const IceCandidate&, const IceCandidate&) = default;
};

/// What the peer's section says, session-level values included where the section has none of its own.
struct RemoteIce {
  IceCredentials credentials;
  bool lite = false;
  bool trickle = false;  ///< candidates may follow (RFC 8840)
  bool ended = false;    ///< a=end-of-candidates: none will
  std::vector<IceCandidate> candidates;
  /// Of the lines that say all this: what the peer has spent to make us send checks.
  std::uint32_t bytes = 0;
  std::uint32_t candidates_left_out = 0;  ///< malformed, or more than kIceCandidatesMax
  /// a=remote-candidates: of ours, those the peer has chosen, by component; at most two.
  std::vector<proto::Endpoint> chosen;

  friend bool operator==(const RemoteIce&, const RemoteIce&) = default;
};

/// What we say.
struct LocalIce {
  IceCredentials credentials;
  std::vector<IceCandidate> candidates;  ///< all there will be; of component 2 only where RTCP has a port of its own
  bool lite = true;

  friend bool operator==(const LocalIce&, const LocalIce&) = default;
};

/// nullopt: the section has no ICE. Refused with 400: credentials of broken syntax, or one without the other.
/// Candidates that are malformed are counted and passed over, as are unknown extensions: their checks may come all the
/// same.
std::variant<std::optional<RemoteIce>, SdpRefusal> read_ice(const SessionDescription& session,
                                                            const MediaSection& section);

/// A value of a=candidate; nullopt if it is malformed.
std::optional<IceCandidate> parse_candidate(std::string_view value);
/// "1 1 UDP 2130706431 198.18.0.1 20000 typ host". Its endpoint has a port.
std::string write_candidate(const IceCandidate& candidate);

/// Appends credentials, the candidates of components up to `components` that have a port, and that there are no more.
void append_ice(const LocalIce& ice, std::uint8_t components, MediaSection& section);
/// Appends the session level's part: a=ice-lite, and that we follow RFC 8445 (its section 10) and take candidates that
/// come later (RFC 8840 section 4.1).
void append_ice(const LocalIce& ice, SessionDescription& session);

/// The peer starts ICE over: both ufrag and password are new (RFC 8839 section 4.4.1.1.1).
bool is_ice_restart(const RemoteIce& before, const RemoteIce& now);

}  // namespace weir::sip
