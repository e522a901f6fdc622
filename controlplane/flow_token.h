// Flow tokens: the user of the Path that an upstream registrar is told, by which its requests come back to the flow
// that a party registered by, and to no other. RFC 5626 sections 5.1 and 5.2. Nothing is kept of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/secret.h"
#include "proto/settings/settings.h"
#include "sip/hop.h"

namespace weir::controlplane {

class FlowTokens {
 public:
  using Key = std::array<std::uint8_t, 32>;

  explicit FlowTokens(const Key& key) { *key_ = key; }
  /// With a key of their own from a lasting `secret`. What tells listeners apart goes into it: tokens of another
  /// configuration, whose UDP flows might be another listener's, are none.
  FlowTokens(proto::Bytes secret, const proto::settings::Settings& settings);

  /// In hexadecimal: whoever writes it in another case changes nothing.
  [[nodiscard]] std::string make(const sip::Hop& flow) const;
  /// nullopt: no such token was made with this key. Whether the flow is still there, the transports know.
  [[nodiscard]] std::optional<sip::Hop> read(std::string_view user) const;
  /// Whether it is as long as a token and written as one.
  [[nodiscard]] static bool is_shaped(std::string_view user);

 private:
  /// Reliability, handle, family, address, port: all that a hop has.
  static constexpr std::size_t kFlowBytes = 1 + 8 + 1 + 16 + 2;
  static constexpr std::size_t kMacBytes = 16;
  using Flow = std::array<std::uint8_t, kFlowBytes>;
  using Mac = std::array<std::uint8_t, kMacBytes>;
  [[nodiscard]] Mac mac_of(const Flow& flow) const;

  Secret<Key> key_;
};

}  // namespace weir::controlplane
