// What of an unauthenticated datagram may reach OpenSSL. RFC 6347 section 4.1: everything in epoch 0 can be forged by
// anyone who knows both addresses, and OpenSSL takes some of it at its word: an alert ends the handshake, a ClientHello
// in the wrong place fails it.
#pragma once

#include <cstdint>

#include "proto/bytes.h"
#include "proto/limits.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

enum class DtlsStage : std::uint8_t {
  kHandshaking,  ///< the hellos are done or, for a client, on their way
  kConnected,    ///< only a repetition of the peer's encrypted last flight still matters
  kCarrying,     ///< the same, and media comes as application data
};

/// Copies the records of `datagram` that the local `role` may see at `stage` into `out`, which holds at least
/// datagram.size() bytes. Returns how many bytes; 0 means that nothing is left. Kept are
///   epoch 0, handshaking: handshake records with nothing but messages the other role sends (never ClientHello, which a
///     server assembles before there is an association), and ChangeCipherSpec;
///   epoch 1: handshake and alert records, and carrying application data, which OpenSSL authenticates before it looks
///     at them.
/// Records of epoch 0 are numbered anew from `sequence_next`, which moves on: a forged record with a high number would
/// push OpenSSL's replay window past all that the peer still has to send. Handshake messages have numbers of their own.
std::size_t filter_dtls_records(proto::Bytes datagram, sip::DtlsRole role, DtlsStage stage,
                                std::uint64_t& sequence_next, proto::MutableBytes out);

}  // namespace weir::controlplane
