// What a realm's media may be, as offer and answer work with it: settings to policies. RFC 4568, RFC 5763, RFC 8643.
#pragma once

#include <cstdint>

#include "proto/settings/settings.h"
#include "sip/media_security.h"

namespace weir::controlplane {

/// What offers of a realm's parties may bring.
sip::SecurityPolicy policy_from(const proto::settings::RealmSettings& realm);

/// What parties of a realm are offered under a route's profile, and may come back with.
sip::SecurityPolicy policy_towards(const proto::settings::RealmSettings& realm, proto::settings::MediaProfile profile);

/// A call is transcoded if either side's realm wants it.
void join_codecs(sip::SecurityPolicy& policy, const proto::settings::RealmSettings& other);

}  // namespace weir::controlplane
