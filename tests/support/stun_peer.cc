#include "tests/support/stun_peer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "proto/assert.h"

namespace weir::tests {
namespace {

constexpr std::uint32_t kCookie = 0x2112a442;
constexpr std::size_t kHeader = 20;

void append16(Packet& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void append32(Packet& to, std::uint32_t value) {
  append16(to, value >> 16);
  append16(to, value & 0xffff);
}

/// The length field as if `more` bytes followed.
void set_length(Packet& message, std::size_t more = 0) {
  proto::store_be16(message.data() + 2, static_cast<std::uint16_t>(message.size() - kHeader + more));
}

void append(Packet& to, std::uint16_t type, const Packet& value) {
  append16(to, type);
  append16(to, static_cast<std::uint32_t>(value.size()));
  to.insert(to.end(), value.begin(), value.end());
  while (to.size() % 4 != 0) to.push_back(0);
  set_length(to);
}

std::uint32_t slow_crc(const Packet& bytes) {
  std::uint32_t remainder = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    remainder ^= byte;
    for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~remainder;
}

Packet be32(std::uint32_t value) {
  Packet bytes;
  append32(bytes, value);
  return bytes;
}

std::string mapped_text(const Packet& message, const std::uint8_t* value, std::size_t bytes) {
  proto::Endpoint endpoint;
  WEIR_ASSERT((value[1] == 1 && bytes == 8) || (value[1] == 2 && bytes == 20));
  endpoint.address.family = bytes == 8 ? proto::Family::kIpv4 : proto::Family::kIpv6;
  for (std::size_t i = 0; i < bytes - 4; ++i) {
    endpoint.address.bytes[i] = static_cast<std::uint8_t>(value[4 + i] ^ message[4 + i]);  // cookie, transaction
  }
  endpoint.port = static_cast<std::uint16_t>(proto::load_be16(value + 2) ^ kCookie >> 16);
  return proto::to_string(endpoint);
}

bool integrity_holds(Packet before, const std::uint8_t* value, std::string_view password) {
  set_length(before, 24);
  const Packet right = openssl_hmac_sha1(password, before);
  return std::equal(right.begin(), right.end(), value);
}

}  // namespace

Packet openssl_hmac_sha1(std::string_view key, const Packet& message) {
  Packet digest(20);
  unsigned bytes = 0;
  WEIR_ASSERT(HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), digest.data(),
                   &bytes) != nullptr);
  return digest;
}

Packet stun_check(const Check& check) {
  Packet message;
  append16(message, check.type);
  append16(message, 0);
  append32(message, kCookie);
  append32(message, check.transaction);
  append32(message, 0x7ea15acf);
  append32(message, check.transaction);
  append(message, 0x0006, {check.username.begin(), check.username.end()});
  append(message, 0x0024, be32(check.priority));
  append(message, check.controlled ? 0x8029 : 0x802a, {1, 2, 3, 4, 5, 6, 7, 8});
  if (check.nominates) append(message, 0x0025, {});
  for (const std::uint16_t type : check.unknown) append(message, type, {});
  if (check.integrity) {
    Packet before = message;
    set_length(before, 24);
    append(message, 0x0008, openssl_hmac_sha1(check.password, before));
  }
  if (check.fingerprint) {
    Packet before = message;
    set_length(before, 8);
    append(message, 0x8028, be32(slow_crc(before) ^ 0x5354554e));
  }
  return message;
}

StunAnswer read_stun_answer(const Packet& payload, std::string_view password) {
  WEIR_ASSERT(payload.size() >= kHeader && proto::load_be16(payload.data() + 2) == payload.size() - kHeader);
  WEIR_ASSERT(proto::load_be32(payload.data() + 4) == kCookie);
  StunAnswer answer{
      .type = proto::load_be16(payload.data()), .transaction = proto::load_be32(payload.data() + 16), .mapped = {}};
  for (std::size_t at = kHeader; at < payload.size();) {
    const std::uint8_t* value = payload.data() + at + 4;
    const std::size_t bytes = proto::load_be16(payload.data() + at + 2);
    const Packet before(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(at));
    WEIR_ASSERT(at + 4 + bytes <= payload.size());
    switch (proto::load_be16(payload.data() + at)) {
      case 0x0020:
        answer.mapped = mapped_text(payload, value, bytes);
        break;
      case 0x0009:
        answer.error = value[2] * 100u + value[3];
        break;
      case 0x000a:
        for (std::size_t i = 0; i < bytes; i += 2) answer.unknown.push_back(proto::load_be16(value + i));
        break;
      case 0x0008:
        answer.integrity_holds = bytes == 20 && integrity_holds(before, value, password);
        break;
      case 0x8028:
        answer.fingerprint_holds =
            at + 8 == payload.size() && proto::load_be32(value) == (slow_crc(before) ^ 0x5354554e);
        break;
      default:
        WEIR_ASSERT(false);
    }
    at += 4 + (bytes + 3) / 4 * 4;
  }
  return answer;
}

proto::IceCredentialsSpec ice_credentials(std::string_view ufrag, std::string_view password) {
  proto::IceCredentialsSpec spec{};
  spec.ufrag_bytes = static_cast<std::uint8_t>(ufrag.size());
  std::copy(ufrag.begin(), ufrag.end(), spec.ufrag.begin());
  spec.password_bytes = static_cast<std::uint8_t>(password.size());
  std::copy(password.begin(), password.end(), spec.password.begin());
  return spec;
}

}  // namespace weir::tests
