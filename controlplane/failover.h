// Which refusal sends a request on to another target, and which of several is told. RFC 3261 sections 8.1.3.1 and 16.7,
// RFC 3263 section 4.3.
#pragma once

#include <cstdint>

namespace weir::controlplane {

/// Whether another target may do better.
constexpr bool is_failover(std::uint16_t status) {
  return status == 408 || status == 503;
}

/// RFC 5626 section 11.6, Flow Failed: said between the proxies of one side, to nobody else.
inline constexpr std::uint16_t kFlowFailed = 430;

/// Section 16.7 step 6, for what a B2BUA tells whoever asked: a global failure first, then what is not the mere absence
/// of an answer.
constexpr bool is_better(std::uint16_t status, std::uint16_t than) {
  const auto rank = [](std::uint16_t one) { return one >= 600 ? 0 : is_failover(one) ? 2 : 1; };
  return rank(status) < rank(than);
}

}  // namespace weir::controlplane
