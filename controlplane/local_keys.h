// What we bring to the keys of one leg: SDES keys and tls-ids, out of the system's random source. RFC 4568 section 6.1,
// RFC 8842 section 4.
#pragma once

#include <string>
#include <vector>

#include "proto/srtp_profile.h"
#include "sip/crypto_attribute.h"
#include "sip/sdp.h"

namespace weir::controlplane {

/// A tls-id that nobody can guess: 128 random bits in hexadecimal.
std::string make_tls_id();

/// One line for each suite, tags from 1, each with a random key and salt, no lifetime and no MKI.
std::vector<sip::CryptoAttribute> make_crypto(const std::vector<proto::SrtpProfile>& suites);

[[nodiscard]] bool has_crypto(const sip::SessionDescription& description);

/// An offer of ours as one target of several gets it: its a=crypto lines, if it has any, with keys that nobody else has
/// been told (RFC 4568 section 7.3). Suites and tags stay.
std::string write_for_one(const sip::SessionDescription& offer);

}  // namespace weir::controlplane
