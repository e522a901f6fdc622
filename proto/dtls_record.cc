#include "proto/dtls_record.h"

namespace weir::proto {

std::optional<DtlsRecordView> parse_dtls_record(Bytes rest) {
  if (rest.size() < kDtlsRecordHeaderBytes) return std::nullopt;
  const std::size_t length = load_be16(rest.data() + 11);
  if (rest.size() < kDtlsRecordHeaderBytes + length) return std::nullopt;
  return DtlsRecordView{
      .content_type = rest[0],
      .version = load_be16(rest.data() + 1),
      .epoch = load_be16(rest.data() + 3),
      .sequence = load_be64(rest.data() + 3) & 0xffffffffffffull,
      .fragment = rest.subspan(kDtlsRecordHeaderBytes, length),
      .record_bytes = kDtlsRecordHeaderBytes + length,
  };
}

std::optional<DtlsHandshakeView> parse_dtls_handshake(Bytes record_fragment) {
  if (record_fragment.size() < kDtlsHandshakeHeaderBytes) return std::nullopt;
  const std::uint32_t message_bytes = load_be24(record_fragment.data() + 1);
  const std::uint32_t fragment_offset = load_be24(record_fragment.data() + 6);
  const std::uint32_t fragment_bytes = load_be24(record_fragment.data() + 9);
  if (fragment_offset + fragment_bytes > message_bytes) return std::nullopt;
  if (record_fragment.size() < kDtlsHandshakeHeaderBytes + fragment_bytes) return std::nullopt;
  return DtlsHandshakeView{
      .type = record_fragment[0],
      .message_bytes = message_bytes,
      .message_sequence = load_be16(record_fragment.data() + 4),
      .fragment_offset = fragment_offset,
      .fragment = record_fragment.subspan(kDtlsHandshakeHeaderBytes, fragment_bytes),
  };
}

}  // namespace weir::proto
