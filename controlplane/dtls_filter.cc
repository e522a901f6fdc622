#include "controlplane/dtls_filter.h"

#include <algorithm>
#include <optional>

#include "proto/dtls_record.h"

namespace weir::controlplane {
namespace {

constexpr std::uint16_t kDtls10 = 0xfeff;
constexpr std::uint16_t kDtls12 = 0xfefd;

/// Epoch and sequence lie in one 64-bit word of the record header; epoch 0 leaves its upper 16 bits clear.
constexpr std::size_t kSequenceOffset = 3;
constexpr std::uint64_t kSequenceMask = 0xffffffffffff;

/// A message longer than this is none of a DTLS-SRTP handshake: certificates are the longest.
constexpr std::uint32_t kHandshakeMessageBytesMax = 16'384;

/// RFC 5246 section 7.4. HelloRequest is left out on purpose: there is no renegotiation.
bool server_sends(std::uint8_t type) {
  switch (type) {
    case 2:   // ServerHello
    case 3:   // HelloVerifyRequest
    case 11:  // Certificate
    case 12:  // ServerKeyExchange
    case 13:  // CertificateRequest
    case 14:  // ServerHelloDone
      return true;
    default:
      return false;
  }
}

bool client_sends(std::uint8_t type) {
  switch (type) {
    case 11:  // Certificate
    case 15:  // CertificateVerify
    case 16:  // ClientKeyExchange
      return true;
    default:
      return false;
  }
}

/// Every message in the record is one the peer of `role` sends.
bool handshake_expected(proto::Bytes fragment, sip::DtlsRole role) {
  if (fragment.empty()) return false;
  while (!fragment.empty()) {
    const std::optional<proto::DtlsHandshakeView> message = proto::parse_dtls_handshake(fragment);
    if (!message || message->message_bytes > kHandshakeMessageBytesMax) return false;
    const bool expected = role == sip::DtlsRole::kServer ? client_sends(message->type) : server_sends(message->type);
    if (!expected) return false;
    fragment = fragment.subspan(proto::kDtlsHandshakeHeaderBytes + message->fragment.size());
  }
  return true;
}

bool keeps(const proto::DtlsRecordView& record, sip::DtlsRole role, DtlsStage stage) {
  if (record.version != kDtls10 && record.version != kDtls12) return false;
  const auto type = static_cast<proto::DtlsContentType>(record.content_type);
  if (record.epoch == 1) {
    if (record.fragment.size() < kGcmBytes) return false;
    if (type == proto::DtlsContentType::kApplicationData) return stage == DtlsStage::kCarrying;
    return type == proto::DtlsContentType::kHandshake || type == proto::DtlsContentType::kAlert;
  }
  if (record.epoch != 0 || stage != DtlsStage::kHandshaking) return false;
  if (type == proto::DtlsContentType::kHandshake) return handshake_expected(record.fragment, role);
  return type == proto::DtlsContentType::kChangeCipherSpec && record.fragment.size() == 1 && record.fragment[0] == 1;
}

/// A Finished of DTLS 1.2, 12 bytes behind a header of 12: no ClientHello is as short, no HelloRequest as long.
constexpr std::size_t kFinishedBytes = proto::kDtlsHandshakeHeaderBytes + 12;

}  // namespace

bool is_taken(const proto::DtlsRecordView& record, const LaterRecords& taken) {
  if (record.version != kDtls12 || record.epoch != taken.epoch + (taken.has_next ? 1 : 0)) return false;
  const std::size_t bytes = record.fragment.size();
  const auto type = static_cast<proto::DtlsContentType>(record.content_type);
  if (type == proto::DtlsContentType::kChangeCipherSpec) {
    return taken.runs && !taken.has_next && bytes == 1 + taken.added_bytes;
  }
  if (type != proto::DtlsContentType::kHandshake) return false;
  // The next epoch's cipher is not known here: long enough for any.
  if (taken.has_next) return bytes == kFinishedBytes + kGcmBytes || bytes == kFinishedBytes + kChachaBytes;
  if (bytes < proto::kDtlsHandshakeHeaderBytes + taken.added_bytes) return false;
  return taken.runs || taken.may_begin || bytes == kFinishedBytes + taken.added_bytes;
}

std::size_t filter_dtls_records(proto::Bytes datagram, sip::DtlsRole role, DtlsStage stage,
                                std::uint64_t& sequence_next, proto::MutableBytes out) {
  std::size_t kept_bytes = 0;
  while (const std::optional<proto::DtlsRecordView> record = proto::parse_dtls_record(datagram)) {
    if (keeps(*record, role, stage)) {
      std::uint8_t* to = out.data() + kept_bytes;
      std::copy_n(datagram.begin(), record->record_bytes, to);
      if (record->epoch == 0) proto::store_be64(to + kSequenceOffset, sequence_next++ & kSequenceMask);
      kept_bytes += record->record_bytes;
    }
    datagram = datagram.subspan(record->record_bytes);
  }
  return kept_bytes;
}

}  // namespace weir::controlplane
