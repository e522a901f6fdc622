// The authentication service's pen: tokens signed. RFC 8224 section 6.1 step 4, RFC 8225 sections 6 and 7.
#pragma once

#include <string>

#include "controlplane/passport.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

/// The Identity value for a passport: token, info (its x5u), alg and ppt. `compact` leaves header and claims out, which
/// the receiver then makes of the request: only for a passport without extension, whose time is the request's Date.
/// Errors: the passport is none that parse_passport would take, has no x5u, or the key refuses.
proto::Result<sip::IdentityHeader> sign_passport(const Passport& passport, const SigningKey& key, bool compact);

}  // namespace weir::controlplane
