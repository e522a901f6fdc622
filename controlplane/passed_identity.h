// Identity of others that goes on to the other side, as it came: tokens of RFC 8225 that its next reader can still
// check.
#pragma once

#include <string_view>

#include "sip/message.h"

namespace weir::controlplane {

/// Adds to `out` the Identity values of `in` whose tokens are still true in it: whole ones, for a compact one is
/// rebuilt of headers that are ours (RFC 8225 section 7); without mky, for there the media's keys are ours; and none of
/// RFC 4474, which has signed every header. Of more than sip::kIdentitiesMax only the first are looked at.
void pass_identities(const sip::Message& in, sip::Message& out);

/// Whether a token with this extension stands in the request.
bool has_identity_of(const sip::Message& request, std::string_view ppt);

}  // namespace weir::controlplane
