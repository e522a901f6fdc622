#include "sip/replaces.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(Replaces, NamesADialog) {
  // RFC 3891 section 6.1.
  const std::optional<Replaces> replaces = parse_replaces("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff");
  ASSERT_TRUE(replaces);
  EXPECT_EQ(*replaces, (Replaces{"98732@sip.example.com", "ff87ff", "r33th4x0r", false, {}}));
  EXPECT_EQ(write(*replaces), "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r");
}

TEST(Replaces, TakesSpacesFlagsAndOtherParameters) {
  const std::optional<Replaces> replaces =
      parse_replaces("12adf2f34456gs5 ; to-tag = 12345;FROM-TAG=54321;early-only;x=\"1;to-tag=2\"");
  ASSERT_TRUE(replaces);
  EXPECT_TRUE(replaces->early_only);
  EXPECT_EQ(replaces->to_tag, "12345");
  EXPECT_EQ(write(*replaces), "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only;x=\"1;to-tag=2\"");
  EXPECT_EQ(parse_replaces(write(*replaces)), replaces);
  EXPECT_EQ(parse_replaces("87134@171.161.34.23;to-tag=24796;from-tag=0")->from_tag, "0");
}

TEST(Replaces, WithoutExactlyOneTagOfEitherSideThereIsNone) {
  for (const std::string_view text :
       {"", "a@b", "a@b;to-tag=1", "a@b;from-tag=1", "a@b;to-tag=1;from-tag",
        "a@b;to-tag=1;from-tag=", "a@b;to-tag=1;from-tag=2;to-tag=3", "a@b;to-tag=1;from-tag=2;From-Tag=2",
        ";to-tag=1;from-tag=2", "a@;to-tag=1;from-tag=2", "a@b@c;to-tag=1;from-tag=2", "a b;to-tag=1;from-tag=2",
        "a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2"}) {
    EXPECT_FALSE(parse_replaces(text)) << text;
  }
}

TEST(TargetDialog, NamesADialog) {
  // RFC 4538 section 7.
  const std::optional<TargetDialog> target =
      parse_target_dialog("fa77as7dad8-sd98ajzz@host.example.com ;local-tag=kkaz- ;remote-tag=6544");
  ASSERT_TRUE(target);
  EXPECT_EQ(*target, (TargetDialog{"fa77as7dad8-sd98ajzz@host.example.com", "kkaz-", "6544", {}}));
  EXPECT_EQ(parse_target_dialog(write(*target)), target);
  EXPECT_FALSE(parse_target_dialog("a@b;local-tag=1"));
  EXPECT_FALSE(parse_target_dialog("a@b;to-tag=1;from-tag=2"));
  EXPECT_FALSE(parse_target_dialog("a@b;local-tag=1;remote-tag=2;local-tag=1"));
}

}  // namespace
}  // namespace weir::sip
