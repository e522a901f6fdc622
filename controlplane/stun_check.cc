#include "controlplane/stun_check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

proto::Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::array<std::uint8_t, proto::kStunIntegrityBytes> stun_integrity(std::string_view password, proto::Bytes message) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out;
  unsigned bytes = 0;
  const bool done = HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), message.data(), message.size(),
                         out.data(), &bytes) != nullptr;
  std::array<std::uint8_t, proto::kStunIntegrityBytes> tag;
  WEIR_ASSERT(done && bytes == tag.size());
  std::copy_n(out.begin(), tag.size(), tag.begin());
  return tag;
}

StunTransaction make_stun_transaction() {
  StunTransaction made;
  WEIR_ASSERT(RAND_bytes(made.data(), static_cast<int>(made.size())) == 1);
  return made;
}

proto::Bytes write_check(const StunCheck& check, std::array<std::uint8_t, kStunCheckBytesMax>& room) {
  proto::StunWriter writer(room, proto::kStunBindingRequest, check.transaction);
  writer.attribute(proto::StunAttribute::kUsername,
                   bytes_of(std::string(check.their_ufrag) + ":" + std::string(check.our_ufrag)));
  std::array<std::uint8_t, 4> priority;
  proto::store_be32(priority.data(), check.priority);
  writer.attribute(proto::StunAttribute::kPriority, priority);
  std::array<std::uint8_t, 8> tie_breaker;
  proto::store_be64(tie_breaker.data(), check.tie_breaker);
  const bool controls = check.role == proto::IceRole::kControlling;
  writer.attribute(controls ? proto::StunAttribute::kIceControlling : proto::StunAttribute::kIceControlled,
                   tie_breaker);
  if (check.nominates) writer.attribute(proto::StunAttribute::kUseCandidate, {});
  writer.integrity(stun_integrity(check.their_password, writer.begin_integrity()));
  writer.fingerprint();
  return writer.message();
}

std::optional<StunTransaction> answered_transaction(proto::Bytes datagram) {
  const std::optional<proto::StunView> message = proto::parse_stun(datagram);
  if (!message) return std::nullopt;
  const bool answers = message->type == proto::kStunBindingSuccess || message->type == proto::kStunBindingError;
  return answers ? std::optional(message->transaction_id) : std::nullopt;
}

std::optional<StunResponse> read_response(proto::Bytes datagram, std::string_view password) {
  const std::optional<proto::StunView> message = proto::parse_stun(datagram);
  const auto attributes = message ? proto::read_stun_attributes(*message) : std::nullopt;
  if (!attributes || attributes->integrity_offset == 0) return std::nullopt;
  const std::uint32_t fingerprint = attributes->fingerprint_offset;
  if (fingerprint != 0 && !proto::stun_fingerprint_holds(datagram, fingerprint)) return std::nullopt;
  const std::uint8_t* const theirs = datagram.data() + attributes->integrity_offset + 4;
  std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());  // its length field is written over
  const auto ours = stun_integrity(password, proto::stun_integrity_input(copy, attributes->integrity_offset));
  if (CRYPTO_memcmp(ours.data(), theirs, ours.size()) != 0) return std::nullopt;
  if (message->type == proto::kStunBindingError) {
    if (attributes->error_code == 0) return std::nullopt;
    return StunResponse{.error = attributes->error_code};
  }
  // RFC 8489 section 6.3.3: what we would have to understand and do not makes it worthless.
  if (attributes->unknown_count != 0 || attributes->mapped.address.family == proto::Family::kNone) return std::nullopt;
  return StunResponse{};
}

}  // namespace weir::controlplane
