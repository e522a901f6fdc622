// How often a second one source may do what costs.
#include "controlplane/source_rates.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Source source(std::uint32_t number) {
  return {proto::Family::kIpv4,
          {static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
           static_cast<std::uint8_t>(number)}};
}

TEST(SourceRates, EachSourceHasItsOwnAndEarnsItAnew) {
  SourceRates rates;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.take(kSecond, source(1), 3)) << i;
  EXPECT_FALSE(rates.take(kSecond, source(1), 3));
  EXPECT_TRUE(rates.take(kSecond, source(2), 3));
  EXPECT_FALSE(rates.take(kSecond + kSecond / 4, source(1), 3));
  EXPECT_TRUE(rates.take(kSecond + kSecond / 2, source(1), 3));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.take(5 * kSecond, source(1), 3)) << i;
}

TEST(SourceRates, SoManyAreRememberedAndTheQuietAreForgotten) {
  SourceRates rates;
  for (std::uint32_t i = 0; i < SourceRates::kSourcesMax; ++i) ASSERT_TRUE(rates.take(kSecond, source(i), 1));
  EXPECT_FALSE(rates.take(kSecond, source(SourceRates::kSourcesMax), 1)) << "nobody knows what it has had";
  EXPECT_TRUE(rates.take(3 * kSecond, source(SourceRates::kSourcesMax), 1));
}

}  // namespace
}  // namespace weir::controlplane
