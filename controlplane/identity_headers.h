// Which headers of a message cross the border from one party to the other, and what of them is shown. RFC 3323 and RFC
// 3325 (privacy, identity between trusted networks), RFC 5806 (Diversion), RFC 7044 (History-Info), RFC 7092.
#pragma once

#include <string_view>

#include "controlplane/identity_service.h"
#include "proto/settings/settings.h"
#include "sip/message.h"

namespace weir::controlplane {

/// Nobody, as others see who is not to be known (RFC 3323 section 4.1).
sip::NameAddr nobody();

/// The caller as the other side is to see it: display name and user; the host is `our_host` unless that side is shown
/// the other's. Anonymous (RFC 3323 section 4.1) towards an untrusted realm if the caller asks for privacy. Without a
/// tag.
sip::NameAddr shown_caller(const sip::Message& in, const proto::settings::RealmSettings& to, std::string_view our_host);

/// Adds to `out`, a request or response towards a party of `to`, those headers of `in`, which came from one of `from`,
/// that may cross: see the table in identity_headers.cc. Hosts in them become that of `out`'s Contact where topology is
/// hidden. What is malformed does not cross; nothing crosses that `out` has already.
void pass_headers(const sip::Message& in, const proto::settings::RealmSettings& from,
                  const proto::settings::RealmSettings& to, sip::Message& out);

/// Says in `out`, an INVITE to a party of `to`, what became of the Identity of its caller, if that realm is trusted: as
/// verstat of the number in P-Asserted-Identity, or in From where there is none (3GPP TS 24.229 section 7.2A.20); who
/// has passed is asserted as signed if nobody else asserts a name.
void say_verdict(const JudgedIdentity& verdict, const proto::settings::RealmSettings& to, sip::Message& out);

}  // namespace weir::controlplane
