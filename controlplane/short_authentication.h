// The short authentication string of a DTLS-SRTP association: what two people read to each other to learn whether both
// of their ends saw the same handshake. draft-ietf-sip-dtls-srtp-framework section 8.5, which RFC 5763 section 8.5
// names without saying how it is made.
//
// Five characters commit to nobody beforehand: who is in the middle and has 2^25 hashes' time between two flights can
// choose randoms that make both of its halves alike. It is a check beside the fingerprint, not in place of it. Weir is
// an end of each association itself, so every leg has a string of its own.
#pragma once

#include <openssl/ssl.h>

#include <optional>
#include <string>

#include "proto/bytes.h"

namespace weir::controlplane {

/// What both ends of a handshake know: certificates in DER, randoms of 32 bytes.
struct HandshakeTranscript {
  proto::Bytes client_certificate;
  proto::Bytes client_random;
  proto::Bytes server_certificate;
  proto::Bytes server_random;
};

/// The low 25 bits of SHA-1 over client certificate, client random, server certificate and server random, in this
/// order; five characters of five bits each, the highest first, of RFC 4648 section 6 (A to Z, 2 to 7), in upper case:
/// the draft says base-32 and names no other alphabet. nullopt: OpenSSL has no SHA-1.
std::optional<std::string> short_authentication_string(const HandshakeTranscript& transcript);

/// The same of a finished handshake of OpenSSL's. nullopt: an end showed no certificate.
std::optional<std::string> short_authentication_string(const SSL& ssl);

}  // namespace weir::controlplane
