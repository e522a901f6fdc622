// What a flow knows of ICE, as weir-control says it.
#pragma once

#include <array>
#include <cstdint>

#include "proto/flow.h"

namespace weir::controlplane {

/// See FlowSpec::ice, ice_role and ice_tie_breaker.
struct IceSpec {
  std::array<proto::IceCredentialsSpec, proto::kIceCredentials> credentials{};
  proto::IceRole role = proto::IceRole::kNone;
  std::uint64_t tie_breaker = 0;

  [[nodiscard]] bool speaks() const { return credentials[0].ufrag_bytes != 0; }
  void write_to(proto::FlowSpec& spec) const {
    spec.ice = credentials;
    spec.ice_role = role;
    spec.ice_tie_breaker = tie_breaker;
  }
};

}  // namespace weir::controlplane
