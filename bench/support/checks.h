// Connectivity checks as browsers send them: one for each flow, made with the flow's credentials.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/support/workload.h"
#include "proto/flow.h"

namespace weir::bench {

/// Checks for so many flows, and what their flows need to answer them.
class Checks {
 public:
  explicit Checks(std::uint32_t flows);

  [[nodiscard]] const std::vector<Packet>& packets() const { return packets_; }
  /// Every flow's ICE credentials are the same: their number is what costs memory.
  [[nodiscard]] static proto::FlowSpec spec();

  /// The HMACs of a check and its answer, by OpenSSL, one by one.
  static void by_openssl(const std::vector<Packet>& packets);

 private:
  std::vector<std::uint8_t> memory_;
  std::vector<Packet> packets_;
};

}  // namespace weir::bench
