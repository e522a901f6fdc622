#include "dataplane/punt_budget.h"

#include <cstring>

#include "dataplane/token_bucket.h"

namespace weir::dataplane {
namespace {

std::uint64_t hash(const proto::IpAddress& address, std::uint64_t seed) {
  std::uint64_t words[2];
  static_assert(sizeof words == sizeof address.bytes);
  std::memcpy(words, address.bytes.data(), sizeof words);
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ull;
  std::uint64_t mixed = (words[0] ^ seed) * kOdd;
  mixed = (mixed ^ mixed >> 32 ^ words[1]) * kOdd;
  return mixed ^ mixed >> 32;
}

bool has_room(const TokenBucket& bucket, bool expected) {
  return has_tokens(bucket, 1, expected ? 0 : bucket.rate_per_s / 2);
}

}  // namespace

PuntBudget::PuntBudget(const PuntRates& rates, std::uint64_t seed)
    : seed_(seed), in_all_{.updated_ns = 0, .rate_per_s = rates.in_all, .tokens = 0}, per_source_(rates.per_source) {}

bool PuntBudget::allows(const proto::IpAddress* source, bool expected, std::uint64_t now_ns) {
  refill(in_all_, now_ns);
  if (!has_room(in_all_, expected)) return false;
  asked_ = per_source_ == 0 || source == nullptr ? &unlimited_ : &bucket_of(*source);
  refill(*asked_, now_ns);
  return has_room(*asked_, expected);
}

void PuntBudget::take() {
  take_tokens(in_all_, 1);
  take_tokens(*asked_, 1);
}

TokenBucket& PuntBudget::bucket_of(const proto::IpAddress& source) {
  std::array<Source, kWays>& set = sources_[hash(source, seed_) % kSets];
  Source* oldest = &set.front();
  for (Source& known : set) {
    if (known.address == source) return known.bucket;
    if (known.bucket.updated_ns < oldest->bucket.updated_ns) oldest = &known;
  }
  *oldest = {.address = source, .bucket = {.updated_ns = 0, .rate_per_s = per_source_, .tokens = 0}};
  return oldest->bucket;
}

}  // namespace weir::dataplane
