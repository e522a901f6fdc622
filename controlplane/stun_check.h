// Binding requests as connectivity checks, and the responses to them: written and verified. RFC 8445 sections 7.1 and
// 7.2.5, RFC 8489 section 9.1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/bytes.h"
#include "proto/stun.h"

namespace weir::controlplane {

using StunTransaction = std::array<std::uint8_t, 12>;

/// Nobody can guess it.
StunTransaction make_stun_transaction();

/// MESSAGE-INTEGRITY of what StunWriter::begin_integrity or stun_integrity_input names.
std::array<std::uint8_t, proto::kStunIntegrityBytes> stun_integrity(std::string_view password, proto::Bytes message);

struct StunCheck {
  StunTransaction transaction{};
  std::string_view their_ufrag;
  std::string_view our_ufrag;
  std::string_view their_password;  ///< keys MESSAGE-INTEGRITY
  std::uint32_t priority = 0;       ///< of a candidate that the peer would learn by this check
  proto::IceRole role = proto::IceRole::kControlling;
  std::uint64_t tie_breaker = 0;
  bool nominates = false;  ///< USE-CANDIDATE
};

/// The longest, in bytes: with two ufrags of 256 characters.
inline constexpr std::size_t kStunCheckBytesMax = 640;

/// Writes it into `room`, with FINGERPRINT.
proto::Bytes write_check(const StunCheck& check, std::array<std::uint8_t, kStunCheckBytesMax>& room);

struct StunResponse {
  std::uint16_t error = 0;  ///< 0: success
};

/// The transaction that a datagram answers; nullopt: it is no response to a Binding request.
std::optional<StunTransaction> answered_transaction(proto::Bytes datagram);
/// A response that is signed with `password`; nullopt: it is not, or it is broken, or it asks for what we do not
/// understand.
std::optional<StunResponse> read_response(proto::Bytes datagram, std::string_view password);

}  // namespace weir::controlplane
