#include "controlplane/certificate_cache.h"

#include <algorithm>

namespace weir::controlplane {

using proto::settings::IdentityFetchSettings;

namespace {

constexpr std::uint64_t kMsPerSecond = 1000;
constexpr std::uint32_t kUnsaidSeconds = 3600;
constexpr std::uint64_t kLifetimeMsMin = 60 * kMsPerSecond;
constexpr std::uint32_t kDoublingsMax = 4;

}  // namespace

std::uint64_t certificate_lifetime_ms(const FetchResult& fetched, std::int64_t not_after_s, std::int64_t now_s,
                                      const IdentityFetchSettings& settings) {
  if (not_after_s <= now_s) return failure_lifetime_ms(1, settings);
  const std::uint64_t said_ms = fetched.fresh_for_s.value_or(kUnsaidSeconds) * kMsPerSecond;
  const std::uint64_t left_ms = static_cast<std::uint64_t>(not_after_s - now_s) * kMsPerSecond;
  return std::min({std::max(said_ms, kLifetimeMsMin), std::uint64_t{settings.cache_ms_max}, left_ms});
}

std::uint64_t failure_lifetime_ms(std::uint32_t failures, const IdentityFetchSettings& settings) {
  const std::uint32_t doublings = std::min(std::max(failures, 1u) - 1, kDoublingsMax);
  return std::uint64_t{settings.negative_ms} << doublings;
}

}  // namespace weir::controlplane
