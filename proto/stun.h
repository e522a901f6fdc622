// STUN messages: a reader and a writer of the attributes that connectivity checks carry. No crypto: who has the key
// computes MESSAGE-INTEGRITY over what the reader and the writer name. RFC 8489 sections 5 and 14, RFC 8445
// section 16.1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proto/bytes.h"
#include "proto/ice_role.h"
#include "proto/inet.h"

namespace weir::proto {

inline constexpr std::size_t kStunHeaderBytes = 20;
inline constexpr std::size_t kStunIntegrityBytes = 20;  ///< HMAC-SHA1
inline constexpr std::uint32_t kStunMagicCookie = 0x2112a442;

inline constexpr std::uint16_t kStunBindingRequest = 0x0001;
inline constexpr std::uint16_t kStunBindingIndication = 0x0011;
inline constexpr std::uint16_t kStunBindingSuccess = 0x0101;
inline constexpr std::uint16_t kStunBindingError = 0x0111;

/// RFC 8489 section 18.3, RFC 8445 section 20.1. Those below 0x8000 have to be understood.
enum class StunAttribute : std::uint16_t {
  kMappedAddress = 0x0001,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kXorMappedAddress = 0x0020,
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kSoftware = 0x8022,
  kFingerprint = 0x8028,
  kIceControlled = 0x8029,
  kIceControlling = 0x802a,
};

struct StunView {
  std::uint16_t type;  ///< method and class, 14 bits
  std::array<std::uint8_t, 12> transaction_id;
  Bytes attributes;  ///< all that follows the header
};

/// Header with magic cookie, and a length that is a multiple of four and ends exactly at the datagram's end.
std::optional<StunView> parse_stun(Bytes datagram);

/// Attributes that the reader names in UNKNOWN-ATTRIBUTES' terms at most.
inline constexpr std::size_t kStunUnknownMax = 8;

/// What a message's attributes say. Of an attribute that comes twice the first counts (RFC 8489 section 14). Offsets
/// are from the message's first byte, of the attribute's header; 0: it has none.
struct StunAttributes {
  Bytes username;                ///< data() nullptr: none
  std::uint32_t priority = 0;    ///< 0: none
  std::uint16_t error_code = 0;  ///< 300..699, 0: none
  bool use_candidate = false;
  IceRole role = IceRole::kNone;
  std::uint64_t tie_breaker = 0;
  Endpoint mapped;  ///< XOR-MAPPED-ADDRESS; port 0 and no family: none
  std::uint32_t integrity_offset = 0;
  std::uint32_t fingerprint_offset = 0;
  std::uint8_t unknown_count = 0;  ///< comprehension-required attributes that are none of StunAttribute
  std::array<std::uint16_t, kStunUnknownMax> unknown{};
};

/// Reads the attributes of a parsed message. What follows MESSAGE-INTEGRITY is not protected by it and ignored, but for
/// FINGERPRINT, which has to be the last. nullopt: an attribute reaches beyond the message, or one of those above has a
/// length or value that it cannot have.
std::optional<StunAttributes> read_stun_attributes(const StunView& message);

/// Whether the message's FINGERPRINT is right (RFC 8489 section 14.7). `offset` as read_stun_attributes gives it.
bool stun_fingerprint_holds(Bytes datagram, std::uint32_t offset);

/// What MESSAGE-INTEGRITY is computed over when it starts at `offset`: the message up to there, its length field as if
/// it ended behind that attribute (RFC 8489 section 14.5). Writes that length: it is not the message's any more.
Bytes stun_integrity_input(MutableBytes datagram, std::uint32_t offset);

/// Writes one message into memory of the caller's, which has room for all that is written: anything else is our bug.
class StunWriter {
 public:
  /// `room` begins with the message. Writes type and cookie; the transaction ID is copied, and may be that of a request
  /// that lies in `room`.
  StunWriter(MutableBytes room, std::uint16_t type, const std::array<std::uint8_t, 12>& transaction_id);

  /// Any attribute: its value, padded with zeros.
  void attribute(StunAttribute type, Bytes value);
  /// RFC 8489 section 14.2.
  void xor_mapped_address(const Endpoint& endpoint);
  /// RFC 8489 section 14.8. `code` 300..699.
  void error_code(std::uint16_t code, std::string_view reason);
  /// RFC 8489 section 14.9.
  void unknown_attributes(std::span<const std::uint16_t> types);

  /// Adds MESSAGE-INTEGRITY without its value and returns what that is computed over; integrity() then writes it.
  Bytes begin_integrity();
  void integrity(std::span<const std::uint8_t, kStunIntegrityBytes> value);
  /// Adds FINGERPRINT: the last attribute.
  void fingerprint();

  /// The message as it stands, its length written.
  [[nodiscard]] Bytes message() const { return {room_.data(), bytes_}; }

 private:
  std::uint8_t* add(StunAttribute type, std::size_t value_bytes);

  MutableBytes room_;
  std::size_t bytes_ = kStunHeaderBytes;
};

}  // namespace weir::proto
