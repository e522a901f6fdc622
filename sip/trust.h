// Trust headers: what only a network that is trusted may say of a call: who calls, over which network, by which
// diversions, and what is charged. RFC 3324, RFC 3325 section 5, RFC 7315 section 4, RFC 8224; 3GPP TS 24.229.
#pragma once

#include <string_view>

#include "sip/message.h"

namespace weir::sip {

/// Whether a header of that name counts as one: every one known by name, every P- header (they are private by RFC 3427
/// section 4), every X- header (nobody but a trusted network's own elements agrees on what they mean), and every name
/// that is one of these but for case, escapes, or characters that are neither letters nor digits: some readers take
/// P_Asserted_Identity for P-Asserted-Identity.
bool is_trust_header(std::string_view name);

/// Removes every trust header of a message that came from an untrusted realm. What the message asks for with Privacy or
/// P-Preferred-Identity has to be read before (privacy_of, identity_of). Headers inside URIs are not looked into: they
/// become headers only by who makes a request from them (see uri_headers.h), who asks is_trust_header() first.
void remove_trust_headers(Message& message);

}  // namespace weir::sip
