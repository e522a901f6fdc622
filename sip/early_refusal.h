// Early refusal: says no to a new INVITE for a fraction of what it costs to parse one. For a border that is offered
// more calls than it carries: what it does not take on must leave it its time for the calls it has.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/hop.h"
#include "sip/via.h"

namespace weir::sip {

/// A new INVITE at a glance: what its refusal repeats. Views into the datagram.
struct EarlyInvite {
  Via via;                             ///< the top one
  std::vector<std::string_view> vias;  ///< the others, in order
  std::string_view from;
  std::string_view to;
  std::string_view call_id;
  std::string_view cseq;
};

/// nullopt: anything but an INVITE of the usual form that belongs to no dialog and could be answered; then only
/// parse_message can tell what it is. What only bodies, the Request-URI or other headers have wrong is not seen.
std::optional<EarlyInvite> glance_at_invite(std::string_view datagram);

/// Where the refusal of an INVITE goes, which came from `source` over an unreliable transport: as response_hop says.
Hop refusal_hop(const EarlyInvite& invite, const Hop& source);

/// 503 with Retry-After (RFC 3261 section 21.5.4) for an INVITE that came from `source`; To gets `tag`.
std::string write_refusal(EarlyInvite invite, const Hop& source, std::string_view tag);

}  // namespace weir::sip
