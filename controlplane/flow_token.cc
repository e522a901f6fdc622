#include "controlplane/flow_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "controlplane/hex.h"
#include "controlplane/places.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

using Hash = std::array<std::uint8_t, 32>;

Hash hmac(proto::Bytes key, proto::Bytes text) {
  Hash hash;
  unsigned bytes = 0;
  const void* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), hash.data(), &bytes);
  WEIR_ASSERT(made != nullptr && bytes == hash.size());
  return hash;
}

}  // namespace

FlowTokens::FlowTokens(proto::Bytes secret, const proto::settings::Settings& settings) {
  std::string listeners = "flow tokens";
  for (const proto::settings::RealmSettings& realm : settings.realms) {
    listeners += "\n" + realm.name;
    for (const proto::settings::ListenerSettings& listener : realm.listeners) {
      listeners += " " + std::string(to_string(listener.transport)) + ":" + proto::to_string(listener.local);
    }
  }
  *key_ = hmac(secret, {reinterpret_cast<const std::uint8_t*>(listeners.data()), listeners.size()});
}

FlowTokens::Mac FlowTokens::mac_of(const Flow& flow) const {
  const Hash hash = hmac(*key_, flow);
  Mac mac;
  std::copy_n(hash.begin(), mac.size(), mac.begin());
  return mac;
}

std::string FlowTokens::make(const sip::Hop& hop) const {
  Flow flow{};
  flow[0] = hop.reliability == sip::Reliability::kReliable ? 1 : 0;
  proto::store_be64(flow.data() + 1, hop.handle);
  flow[9] = static_cast<std::uint8_t>(hop.remote.address.family);
  std::copy(hop.remote.address.bytes.begin(), hop.remote.address.bytes.end(), flow.begin() + 10);
  proto::store_be16(flow.data() + 26, hop.remote.port);
  return to_hex(mac_of(flow)) + to_hex(flow);
}

bool FlowTokens::is_shaped(std::string_view user) {
  std::array<std::uint8_t, kMacBytes + kFlowBytes> bytes;
  return from_hex(user, bytes);
}

std::optional<sip::Hop> FlowTokens::read(std::string_view user) const {
  std::array<std::uint8_t, kMacBytes + kFlowBytes> bytes;
  if (!from_hex(user, bytes)) return std::nullopt;
  Flow flow;
  std::copy(bytes.begin() + kMacBytes, bytes.end(), flow.begin());
  const Mac mac = mac_of(flow);
  if (CRYPTO_memcmp(mac.data(), bytes.data(), mac.size()) != 0) return std::nullopt;
  sip::Hop hop;
  hop.reliability = flow[0] == 1 ? sip::Reliability::kReliable : sip::Reliability::kUnreliable;
  hop.handle = proto::load_be64(flow.data() + 1);
  hop.remote.address.family = static_cast<proto::Family>(flow[9]);
  std::copy_n(flow.begin() + 10, 16, hop.remote.address.bytes.begin());
  hop.remote.port = proto::load_be16(flow.data() + 26);
  return hop;
}

}  // namespace weir::controlplane
