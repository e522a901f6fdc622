// SIPS URIs: who asks for one is promised TLS on every hop of the signalling, which is what vouches for keys and
// fingerprints in it where nobody signs them. What realms want of that, and what a destination has to keep. RFC 5630,
// RFC 3261 section 26.2.2.
#pragma once

#include <optional>
#include <vector>

#include "controlplane/destination.h"
#include "controlplane/end_cause.h"
#include "controlplane/path.h"
#include "proto/settings/settings.h"
#include "sip/message.h"

namespace weir::controlplane {

/// The request is to a SIPS URI.
bool is_sips(const sip::Message& request);

/// Whether a request may come in from its realm as it came; 403 where the realm takes SIPS over TLS or WSS alone.
std::optional<Refusal> check_sips(const proto::settings::RealmSettings& realm, const Path& from,
                                  const sip::Message& request);
/// Whatever leads to the realm is to be SIPS.
bool wants_sips(const proto::settings::RealmSettings& realm);

/// A sip URI becomes the sips URI of the same place.
void secure(Target& target);
/// Whose address is looked up: the first route's, or the target's own; with a SIPS target it is a SIPS URI, whatever
/// the route says (RFC 3261 section 8.1.2).
sip::Uri next_hop(const Target& target);
/// Leaves TLS and secured WebSockets.
void drop_unsecured(std::vector<Path>& ways);
/// Why no way is left to a target: 480 for SIPS (RFC 5630 section 5.3), else 500.
EndCause no_way(const Destination& destination);

}  // namespace weir::controlplane
