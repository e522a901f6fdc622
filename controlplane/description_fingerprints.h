// The certificates that a message's session description names. RFC 8122, RFC 8225 section 5.2.2.
#pragma once

#include <vector>

#include "sip/dtls_attributes.h"
#include "sip/message.h"

namespace weir::controlplane {

/// Those of every section, once each; none if the body is no description.
std::vector<sip::Fingerprint> fingerprints_in(const sip::Message& message);

}  // namespace weir::controlplane
