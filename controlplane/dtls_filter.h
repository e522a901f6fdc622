// What of an unauthenticated datagram may reach OpenSSL. RFC 6347 section 4.1: everything in epoch 0 can be forged by
// anyone who knows both addresses, and OpenSSL takes some of it at its word: an alert ends the handshake, a ClientHello
// in the wrong place fails it.
#pragma once

#include <cstdint>

#include "proto/bytes.h"
#include "proto/dtls_record.h"
#include "proto/limits.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

enum class DtlsStage : std::uint8_t {
  kHandshaking,  ///< the hellos are done or, for a client, on their way
  kConnected,    ///< only a repetition of the peer's encrypted last flight still matters
  kCarrying,     ///< the same, and media comes as application data
};

/// Added to a record: a tag, and with AES-GCM an explicit nonce (RFC 5288 section 3, RFC 7905 section 2).
inline constexpr std::size_t kChachaBytes = 16;
inline constexpr std::size_t kGcmBytes = 24;

/// Copies the records of `datagram` that the local `role` may see at `stage` into `out`, which holds at least
/// datagram.size() bytes. Returns how many bytes; 0 means that nothing is left. Kept are
///   epoch 0, handshaking: handshake records with nothing but messages the other role sends (never ClientHello, which a
///     server assembles before there is an association), and ChangeCipherSpec;
///   epoch 1: handshake and alert records, and carrying application data, which OpenSSL authenticates before it looks
///     at them; but none that is shorter than what a cipher adds: between the peer's ChangeCipherSpec and its Finished
///     that would end the handshake.
/// Records of epoch 0 are numbered anew from `sequence_next`, which moves on: a forged record with a high number would
/// push OpenSSL's replay window past all that the peer still has to send. Handshake messages have numbers of their own.
std::size_t filter_dtls_records(proto::Bytes datagram, sip::DtlsRole role, DtlsStage stage,
                                std::uint64_t& sequence_next, proto::MutableBytes out);

/// Which records may reach OpenSSL in an association that the peer may renegotiate, one by one. None of epoch 0, and
/// none whose keys it has not yet: those it would store without having authenticated them. The others it authenticates
/// before it looks at them.
struct LaterRecords {
  std::uint16_t epoch = 1;              ///< that in force for reading when no handshake runs
  std::size_t added_bytes = kGcmBytes;  ///< what its cipher adds to a record. One too short for it breaks OpenSSL
  bool may_begin = false;  ///< a new handshake: else only a repetition of the peer's Finished, known by its length
  bool runs = false;       ///< a handshake does: ChangeCipherSpec is in order too
  bool has_next = false;   ///< it was there: the epoch in force is the next, and Finished is to come
};
/// Alerts are none of them: by one of them OpenSSL would be deaf for ever, and the call is not.
[[nodiscard]] bool is_taken(const proto::DtlsRecordView& record, const LaterRecords& taken);

}  // namespace weir::controlplane
