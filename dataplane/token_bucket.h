// How much may go to weir-control: token buckets. A bucket holds one second's worth of its rate.
#pragma once

#include <cstdint>

namespace weir::dataplane {

/// Tokens per second with a depth of one second. Rate 0: no limit. Zeroed, it is full on its first use.
struct TokenBucket {
  std::uint64_t updated_ns;
  std::uint32_t rate_per_s;
  std::uint32_t tokens;
};
static_assert(sizeof(TokenBucket) == 16);

/// Adds what time has brought. Only time changes the bucket here, so this may run before a packet is authenticated.
inline void refill(TokenBucket& bucket, std::uint64_t now_ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t elapsed_ns = now_ns - bucket.updated_ns;
  if (elapsed_ns >= kSecond) {
    bucket.tokens = bucket.rate_per_s;
    bucket.updated_ns = now_ns;
    return;
  }
  const std::uint64_t brought = elapsed_ns * bucket.rate_per_s / kSecond;  // < 2^30 * 2^32
  if (brought == 0) return;
  const std::uint64_t tokens = bucket.tokens + brought;
  bucket.tokens = tokens < bucket.rate_per_s ? static_cast<std::uint32_t>(tokens) : bucket.rate_per_s;
  // Only the time of whole tokens is used up, so that a slow rate loses none to rounding.
  bucket.updated_ns += brought * kSecond / bucket.rate_per_s;
}

/// May `cost` tokens be taken, with `reserve` left over? Rate 0 is no limit. Call refill first.
inline bool has_tokens(const TokenBucket& bucket, std::uint32_t cost, std::uint32_t reserve = 0) {
  return bucket.rate_per_s == 0 || bucket.tokens >= std::uint64_t{cost} + reserve;
}

/// has_tokens said yes.
inline void take_tokens(TokenBucket& bucket, std::uint32_t cost) {
  if (bucket.rate_per_s != 0) bucket.tokens -= cost;
}

}  // namespace weir::dataplane
