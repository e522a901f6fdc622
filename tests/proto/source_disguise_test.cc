#include "proto/source_disguise.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir::proto {
namespace {

constexpr std::uint64_t kSecret = 0x0123456789abcdef;

std::string cname_of(std::uint64_t secret) {
  const auto cname = SourceDisguise(secret).cname();
  return {cname.begin(), cname.end()};
}

TEST(SourceDisguise, FindsAgainWhatItHasHidden) {
  const SourceDisguise disguise(kSecret);
  for (std::uint32_t ssrc : {0u, 1u, 0xffffu, 0x10000u, 0x12345678u, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(disguise.find(disguise.hide(ssrc)), ssrc);
    EXPECT_EQ(disguise.hide(disguise.find(ssrc)), ssrc);
  }
}

TEST(SourceDisguise, DifferentSourcesStayDifferent) {
  const SourceDisguise disguise(kSecret);
  std::set<std::uint32_t> hidden;
  for (std::uint32_t ssrc = 0; ssrc < 100'000; ++ssrc) hidden.insert(disguise.hide(ssrc * 0x9e3779b1u));
  EXPECT_EQ(hidden.size(), 100'000u);
}

TEST(SourceDisguise, OneSourceHasAnotherNameUnderEverySecret) {
  std::set<std::uint32_t> names;
  for (std::uint64_t secret = 0; secret < 10'000; ++secret) names.insert(SourceDisguise(secret).hide(0x12345678));
  EXPECT_GE(names.size(), 9'990u) << "as many as chance lets meet";
}

TEST(SourceDisguise, TwoSourcesOfOneCallAreNoPairThatIsKnownAgain) {
  std::set<std::uint32_t> differences;
  for (std::uint64_t secret = 0; secret < 10'000; ++secret) {
    const SourceDisguise disguise(secret);
    differences.insert(disguise.hide(0x12345678) ^ disguise.hide(0x12345679));
  }
  EXPECT_GE(differences.size(), 9'990u);
}

TEST(SourceDisguise, TheCnameIsOfBase64AndAnotherUnderEverySecret) {
  std::set<std::string> names;
  for (std::uint64_t secret = 0; secret < 1'000; ++secret) names.insert(cname_of(secret));
  EXPECT_EQ(names.size(), 1'000u);
  for (const std::string& name : names) {
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
              std::string::npos);
  }
  EXPECT_EQ(cname_of(kSecret), cname_of(kSecret));
}

}  // namespace
}  // namespace weir::proto
