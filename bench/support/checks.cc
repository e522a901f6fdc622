#include "bench/support/checks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "proto/assert.h"
#include "proto/stun.h"

namespace weir::bench {
namespace {

constexpr std::string_view kUfrag = "abcdefgh";
constexpr std::string_view kUsername = "abcdefgh:Wxyz";
constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBtVO";
constexpr std::size_t kRoom = 256;

proto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::array<std::uint8_t, proto::kStunIntegrityBytes> hmac(proto::Bytes message) {
  std::array<std::uint8_t, proto::kStunIntegrityBytes> digest;
  unsigned bytes = 0;
  WEIR_ASSERT(HMAC(EVP_sha1(), kPassword.data(), kPassword.size(), message.data(), message.size(), digest.data(),
                   &bytes) != nullptr);
  return digest;
}

/// Returns its length.
std::uint32_t write_check(proto::MutableBytes room, std::uint32_t number) {
  std::array<std::uint8_t, 12> transaction_id{};
  proto::store_be32(transaction_id.data() + 8, number + 1);
  const std::array<std::uint8_t, 8> word = {0x6e, 0, 1, 0xff, 1, 2, 3, 4};
  proto::StunWriter writer(room, proto::kStunBindingRequest, transaction_id);
  writer.attribute(proto::StunAttribute::kUsername, bytes_of(kUsername));
  writer.attribute(proto::StunAttribute::kIceControlling, word);
  writer.attribute(proto::StunAttribute::kUseCandidate, {});
  writer.attribute(proto::StunAttribute::kPriority, proto::Bytes(word).first(4));
  writer.integrity(hmac(writer.begin_integrity()));
  writer.fingerprint();
  return static_cast<std::uint32_t>(writer.message().size());
}

}  // namespace

Checks::Checks(std::uint32_t flows) : memory_(flows * kRoom), packets_(flows) {
  for (std::uint32_t flow = 0; flow < flows; ++flow) {
    std::uint8_t* at = memory_.data() + flow * kRoom;
    packets_[flow] = {.data = at, .bytes = write_check({at, kRoom}, flow), .stream = flow};
  }
}

proto::FlowSpec Checks::spec() {
  proto::FlowSpec spec{};
  proto::IceCredentialsSpec& ice = spec.ice[0];
  ice.ufrag_bytes = kUfrag.size();
  std::copy(kUfrag.begin(), kUfrag.end(), ice.ufrag.begin());
  ice.password_bytes = kPassword.size();
  std::copy(kPassword.begin(), kPassword.end(), ice.password.begin());
  return spec;
}

void Checks::by_openssl(const std::vector<Packet>& packets) {
  for (const Packet& packet : packets) {
    for (int message = 0; message < 2; ++message) {
      const auto digest = hmac({packet.data, packet.bytes});
      asm volatile("" : : "r"(digest.data()) : "memory");
    }
  }
}

}  // namespace weir::bench
