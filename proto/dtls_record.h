// DTLS 1.0/1.2 record and handshake headers, as they lie in a datagram before encryption starts.
// RFC 6347 sections 4.1 and 4.2.2.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/bytes.h"

namespace weir::proto {

inline constexpr std::size_t kDtlsRecordHeaderBytes = 13;
inline constexpr std::size_t kDtlsHandshakeHeaderBytes = 12;

enum class DtlsContentType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

enum class DtlsHandshakeType : std::uint8_t { kClientHello = 1, kServerHello = 2, kHelloVerifyRequest = 3 };

struct DtlsRecordView {
  std::uint8_t content_type;  ///< not restricted to DtlsContentType
  std::uint16_t version;      ///< 0xfeff DTLS 1.0, 0xfefd DTLS 1.2
  std::uint16_t epoch;
  std::uint64_t sequence;  ///< 48 bits
  Bytes fragment;
  std::size_t record_bytes;  ///< header included
};

/// The record at the front of `rest`; nullopt if its header or length does not fit. Walk as with parse_rtcp.
std::optional<DtlsRecordView> parse_dtls_record(Bytes rest);

struct DtlsHandshakeView {
  std::uint8_t type;  ///< not restricted to DtlsHandshakeType
  std::uint32_t message_bytes;
  std::uint16_t message_sequence;
  std::uint32_t fragment_offset;
  Bytes fragment;
};

/// The handshake fragment in an unencrypted record; offset + fragment bounded by the message's length.
std::optional<DtlsHandshakeView> parse_dtls_handshake(Bytes record_fragment);

}  // namespace weir::proto
