#include "proto/stun.h"

#include <algorithm>

#include "proto/assert.h"
#include "proto/crc32.h"

namespace weir::proto {
namespace {

constexpr std::size_t kAttributeHeaderBytes = 4;
constexpr std::uint16_t kComprehensionOptional = 0x8000;
constexpr std::uint32_t kFingerprintMask = 0x5354554e;
constexpr std::size_t kFingerprintBytes = 4;
constexpr std::uint8_t kFamilyIpv4 = 1;
constexpr std::uint8_t kFamilyIpv6 = 2;
constexpr std::uint16_t kXorPort = kStunMagicCookie >> 16;

constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + 3) & ~std::size_t{3};
}

/// RFC 8489 section 14.2: the address is hidden from NATs that rewrite what looks like one. IPv6 is combined with
/// cookie and transaction ID as they lie in the header, IPv4 with the cookie.
void mask_address(std::span<std::uint8_t> address, const std::array<std::uint8_t, 12>& transaction_id) {
  std::array<std::uint8_t, 16> mask;
  store_be32(mask.data(), kStunMagicCookie);
  std::copy(transaction_id.begin(), transaction_id.end(), mask.begin() + 4);
  for (std::size_t i = 0; i < address.size(); ++i) address[i] = static_cast<std::uint8_t>(address[i] ^ mask[i]);
}

bool read_mapped(Bytes value, const StunView& message, Endpoint& to) {
  const bool ipv4 = value.size() == 8 && value[1] == kFamilyIpv4;
  if (!ipv4 && (value.size() != 20 || value[1] != kFamilyIpv6)) return false;
  if (to.address.family != Family::kNone) return true;
  to.address.family = ipv4 ? Family::kIpv4 : Family::kIpv6;
  std::copy(value.begin() + 4, value.end(), to.address.bytes.begin());
  mask_address(std::span(to.address.bytes).first(value.size() - 4), message.transaction_id);
  to.port = static_cast<std::uint16_t>(load_be16(value.data() + 2) ^ kXorPort);
  return true;
}

bool read_error(Bytes value, std::uint16_t& to) {
  if (value.size() < 4) return false;
  const unsigned hundreds = value[2] & 7;
  if (hundreds < 3 || hundreds > 6 || value[3] > 99) return false;  // RFC 8489 section 14.8
  if (to == 0) to = static_cast<std::uint16_t>(hundreds * 100 + value[3]);
  return true;
}

bool read_role(Bytes value, IceRole role, StunAttributes& to) {
  if (value.size() != 8) return false;
  if (to.role != IceRole::kNone) return true;
  to.role = role;
  to.tie_breaker = load_be64(value.data());
  return true;
}

void note_unknown(std::uint16_t type, StunAttributes& to) {
  if (type < kComprehensionOptional && to.unknown_count < to.unknown.size()) to.unknown[to.unknown_count++] = type;
}

/// One attribute before MESSAGE-INTEGRITY, or that one.
bool read_attribute(std::uint16_t type, Bytes value, const StunView& message, std::uint32_t offset,
                    StunAttributes& to) {
  switch (static_cast<StunAttribute>(type)) {
    case StunAttribute::kUsername:
      if (to.username.data() == nullptr) to.username = value;
      return true;
    case StunAttribute::kPriority:
      if (value.size() != 4) return false;
      if (to.priority == 0) to.priority = load_be32(value.data());
      return true;
    case StunAttribute::kUseCandidate:
      to.use_candidate = true;
      return value.empty();
    case StunAttribute::kIceControlling:
      return read_role(value, IceRole::kControlling, to);
    case StunAttribute::kIceControlled:
      return read_role(value, IceRole::kControlled, to);
    case StunAttribute::kMessageIntegrity:
      to.integrity_offset = offset;
      return value.size() == kStunIntegrityBytes;
    case StunAttribute::kXorMappedAddress:
      return read_mapped(value, message, to.mapped);
    case StunAttribute::kErrorCode:
      return read_error(value, to.error_code);
    case StunAttribute::kMappedAddress:
    case StunAttribute::kUnknownAttributes:
    case StunAttribute::kRealm:
    case StunAttribute::kNonce:
    case StunAttribute::kSoftware:
    case StunAttribute::kFingerprint:
      return true;
  }
  note_unknown(type, to);
  return true;
}

}  // namespace

std::optional<StunView> parse_stun(Bytes datagram) {
  if (datagram.size() < kStunHeaderBytes || (datagram[0] & 0xc0) != 0) return std::nullopt;
  const std::size_t length = load_be16(datagram.data() + 2);
  if (length % 4 != 0 || datagram.size() != kStunHeaderBytes + length) return std::nullopt;
  if (load_be32(datagram.data() + 4) != kStunMagicCookie) return std::nullopt;
  StunView view{
      .type = load_be16(datagram.data()), .transaction_id = {}, .attributes = datagram.subspan(kStunHeaderBytes)};
  std::copy_n(datagram.begin() + 8, view.transaction_id.size(), view.transaction_id.begin());
  return view;
}

std::optional<StunAttributes> read_stun_attributes(const StunView& message) {
  StunAttributes attributes;
  for (Bytes rest = message.attributes; !rest.empty();) {
    if (rest.size() < kAttributeHeaderBytes) return std::nullopt;
    const std::uint16_t type = load_be16(rest.data());
    const std::size_t bytes = load_be16(rest.data() + 2);
    if (padded(bytes) > rest.size() - kAttributeHeaderBytes) return std::nullopt;
    const Bytes value = rest.subspan(kAttributeHeaderBytes, bytes);
    const auto offset = static_cast<std::uint32_t>(kStunHeaderBytes + message.attributes.size() - rest.size());
    rest = rest.subspan(kAttributeHeaderBytes + padded(bytes));
    if (static_cast<StunAttribute>(type) == StunAttribute::kFingerprint) {
      if (bytes != kFingerprintBytes || !rest.empty()) return std::nullopt;
      attributes.fingerprint_offset = offset;
    } else if (attributes.integrity_offset == 0 && !read_attribute(type, value, message, offset, attributes)) {
      return std::nullopt;
    }
  }
  return attributes;
}

bool stun_fingerprint_holds(Bytes datagram, std::uint32_t offset) {
  WEIR_ASSERT(datagram.size() >= std::size_t{offset} + kAttributeHeaderBytes + kFingerprintBytes);
  // It is the last attribute, so that the length field already says what it has to (RFC 8489 section 14.7).
  return (crc32(datagram.first(offset)) ^ kFingerprintMask) ==
         load_be32(datagram.data() + offset + kAttributeHeaderBytes);
}

Bytes stun_integrity_input(MutableBytes datagram, std::uint32_t offset) {
  const std::size_t end = std::size_t{offset} + kAttributeHeaderBytes + kStunIntegrityBytes;
  WEIR_ASSERT(offset >= kStunHeaderBytes && end <= datagram.size());
  store_be16(datagram.data() + 2, static_cast<std::uint16_t>(end - kStunHeaderBytes));
  return datagram.first(offset);
}

StunWriter::StunWriter(MutableBytes room, std::uint16_t type, const std::array<std::uint8_t, 12>& transaction_id)
    : room_(room) {
  WEIR_ASSERT(room.size() >= kStunHeaderBytes);
  store_be16(room.data(), type);
  store_be16(room.data() + 2, 0);
  store_be32(room.data() + 4, kStunMagicCookie);
  std::copy(transaction_id.begin(), transaction_id.end(), room.begin() + 8);
}

/// Makes room for an attribute, writes its header, padding and the message's length, and returns where its value goes.
std::uint8_t* StunWriter::add(StunAttribute type, std::size_t value_bytes) {
  const std::size_t whole = kAttributeHeaderBytes + padded(value_bytes);
  WEIR_ASSERT(whole <= room_.size() - bytes_);
  std::uint8_t* at = room_.data() + bytes_;
  std::fill_n(at, whole, std::uint8_t{0});
  store_be16(at, static_cast<std::uint16_t>(type));
  store_be16(at + 2, static_cast<std::uint16_t>(value_bytes));
  bytes_ += whole;
  store_be16(room_.data() + 2, static_cast<std::uint16_t>(bytes_ - kStunHeaderBytes));
  return at + kAttributeHeaderBytes;
}

void StunWriter::attribute(StunAttribute type, Bytes value) {
  std::copy(value.begin(), value.end(), add(type, value.size()));
}

void StunWriter::xor_mapped_address(const Endpoint& endpoint) {
  const bool ipv4 = endpoint.address.family == Family::kIpv4;
  const std::size_t address_bytes = ipv4 ? 4 : 16;
  std::uint8_t* value = add(StunAttribute::kXorMappedAddress, 4 + address_bytes);
  value[1] = ipv4 ? kFamilyIpv4 : kFamilyIpv6;
  store_be16(value + 2, static_cast<std::uint16_t>(endpoint.port ^ kXorPort));
  std::copy_n(endpoint.address.bytes.begin(), address_bytes, value + 4);
  std::array<std::uint8_t, 12> transaction_id;
  std::copy_n(room_.begin() + 8, transaction_id.size(), transaction_id.begin());
  mask_address({value + 4, address_bytes}, transaction_id);
}

void StunWriter::error_code(std::uint16_t code, std::string_view reason) {
  WEIR_ASSERT(code >= 300 && code <= 699);
  std::uint8_t* value = add(StunAttribute::kErrorCode, 4 + reason.size());
  value[2] = static_cast<std::uint8_t>(code / 100);
  value[3] = static_cast<std::uint8_t>(code % 100);
  std::copy(reason.begin(), reason.end(), value + 4);
}

void StunWriter::unknown_attributes(std::span<const std::uint16_t> types) {
  std::uint8_t* value = add(StunAttribute::kUnknownAttributes, 2 * types.size());
  for (const std::uint16_t type : types) {
    store_be16(value, type);
    value += 2;
  }
}

Bytes StunWriter::begin_integrity() {
  const std::size_t before = bytes_;
  add(StunAttribute::kMessageIntegrity, kStunIntegrityBytes);
  return {room_.data(), before};
}

void StunWriter::integrity(std::span<const std::uint8_t, kStunIntegrityBytes> value) {
  std::copy(value.begin(), value.end(), room_.data() + bytes_ - kStunIntegrityBytes);
}

void StunWriter::fingerprint() {
  std::uint8_t* value = add(StunAttribute::kFingerprint, kFingerprintBytes);
  store_be32(value, crc32({room_.data(), bytes_ - kAttributeHeaderBytes - kFingerprintBytes}) ^ kFingerprintMask);
}

}  // namespace weir::proto
