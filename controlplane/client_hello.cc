#include "controlplane/client_hello.h"

#include <algorithm>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::uint16_t kDtls10 = 0xfeff;
constexpr std::uint16_t kDtls12 = 0xfefd;
constexpr std::size_t kSessionIdBytesMax = 32;

bool is_plain_handshake(const proto::DtlsRecordView& record) {
  return record.content_type == static_cast<std::uint8_t>(proto::DtlsContentType::kHandshake) && record.epoch == 0;
}

void store_be24(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 16);
  proto::store_be16(at + 1, static_cast<std::uint16_t>(value));
}

/// Record and handshake header of one unfragmented message; returns where its body starts.
std::uint8_t* write_headers(std::uint8_t* at, std::uint16_t version, std::uint64_t record_sequence,
                            proto::DtlsHandshakeType type, std::uint16_t message_sequence, std::uint32_t body_bytes) {
  at[0] = static_cast<std::uint8_t>(proto::DtlsContentType::kHandshake);
  proto::store_be16(at + 1, version);
  proto::store_be64(at + 3, record_sequence & 0xffffffffffffull);  // epoch 0 above 48 bits of sequence
  proto::store_be16(at + 11, static_cast<std::uint16_t>(proto::kDtlsHandshakeHeaderBytes + body_bytes));
  std::uint8_t* handshake = at + proto::kDtlsRecordHeaderBytes;
  handshake[0] = static_cast<std::uint8_t>(type);
  store_be24(handshake + 1, body_bytes);
  proto::store_be16(handshake + 4, message_sequence);
  store_be24(handshake + 6, 0);
  store_be24(handshake + 9, body_bytes);
  return handshake + proto::kDtlsHandshakeHeaderBytes;
}

}  // namespace

std::optional<ClientHelloStart> parse_client_hello_start(const proto::DtlsRecordView& record) {
  if (!is_plain_handshake(record)) return std::nullopt;
  const std::optional<proto::DtlsHandshakeView> handshake = proto::parse_dtls_handshake(record.fragment);
  if (!handshake || handshake->type != static_cast<std::uint8_t>(proto::DtlsHandshakeType::kClientHello) ||
      handshake->fragment_offset != 0) {
    return std::nullopt;
  }
  const proto::Bytes body = handshake->fragment;
  std::size_t at = 2;
  if (body.size() < at + kClientRandomBytes + 1) return std::nullopt;
  if (body[0] != 0xfe) return std::nullopt;  // DTLS 1.x
  ClientHelloStart start{};
  std::copy_n(body.begin() + 2, kClientRandomBytes, start.random.begin());
  at += kClientRandomBytes;
  const std::size_t session_id_bytes = body[at];
  at += 1 + session_id_bytes;
  if (session_id_bytes > kSessionIdBytesMax || body.size() < at + 1) return std::nullopt;
  const std::size_t cookie_bytes = body[at];
  if (body.size() < at + 1 + cookie_bytes) return std::nullopt;
  start.cookie = body.subspan(at + 1, cookie_bytes);
  start.message_bytes = handshake->message_bytes;
  start.message_sequence = handshake->message_sequence;
  start.record_sequence = record.sequence;
  return start;
}

std::array<std::uint8_t, kHelloVerifyRequestBytes> write_hello_verify_request(const DtlsCookie& cookie,
                                                                              std::uint64_t record_sequence) {
  std::array<std::uint8_t, kHelloVerifyRequestBytes> datagram{};
  // DTLS 1.0 in both places whatever will be negotiated (RFC 6347 section 4.2.1).
  std::uint8_t* body = write_headers(datagram.data(), kDtls10, record_sequence,
                                     proto::DtlsHandshakeType::kHelloVerifyRequest, 0, 3 + kDtlsCookieBytes);
  proto::store_be16(body, kDtls10);
  body[2] = kDtlsCookieBytes;
  std::copy(cookie.begin(), cookie.end(), body + 3);
  return datagram;
}

ClientHelloAssembly::ClientHelloAssembly(const ClientHelloStart& start)
    : message_sequence_(start.message_sequence),
      record_sequence_(start.record_sequence),
      missing_bytes_(start.message_bytes),
      body_(start.message_bytes),
      present_(start.message_bytes) {
  WEIR_ASSERT(fits(start));
}

void ClientHelloAssembly::add(const proto::DtlsRecordView& record) {
  if (!is_plain_handshake(record)) return;
  const std::optional<proto::DtlsHandshakeView> handshake = proto::parse_dtls_handshake(record.fragment);
  if (!handshake || handshake->type != static_cast<std::uint8_t>(proto::DtlsHandshakeType::kClientHello) ||
      handshake->message_bytes != body_.size() || handshake->message_sequence != message_sequence_) {
    return;
  }
  for (std::size_t i = 0; i < handshake->fragment.size(); ++i) {
    const std::size_t place = handshake->fragment_offset + i;
    if (present_[place]) continue;
    present_[place] = true;
    body_[place] = handshake->fragment[i];
    --missing_bytes_;
  }
}

std::vector<std::uint8_t> ClientHelloAssembly::record() const {
  WEIR_ASSERT(complete());
  std::vector<std::uint8_t> whole(proto::kDtlsRecordHeaderBytes + proto::kDtlsHandshakeHeaderBytes + body_.size());
  std::uint8_t* body = write_headers(whole.data(), kDtls12, record_sequence_, proto::DtlsHandshakeType::kClientHello,
                                     message_sequence_, static_cast<std::uint32_t>(body_.size()));
  std::copy(body_.begin(), body_.end(), body);
  return whole;
}

}  // namespace weir::controlplane
