#include "sip/rack.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(RAck, SaysWhichResponseOfWhichRequest) {
  const std::optional<RAck> rack = parse_rack("776656 1 INVITE");  // RFC 3262 section 7.2
  ASSERT_TRUE(rack);
  EXPECT_EQ(*rack, (RAck{776656, make_cseq(1, Method::kInvite)}));
  EXPECT_EQ(write(*rack), "776656 1 INVITE");
  EXPECT_EQ(parse_rack(" 1 \t 2   UPDATE "), (RAck{1, make_cseq(2, Method::kUpdate)}));
}

TEST(RAck, MalformedOnesAreNone) {
  for (const std::string_view text :
       {"", "1", "1 2", "1 INVITE", "0 1 INVITE", "4294967296 1 INVITE", "1 2147483648 INVITE", "1 2 INV ITE",
        "-1 2 INVITE", "1,2 INVITE", "1 2 INVITE;x", "12INVITE"}) {
    EXPECT_FALSE(parse_rack(text)) << text;
  }
}

TEST(RSeq, IsANumberFromOne) {
  EXPECT_EQ(parse_rseq("988789"), 988789u);
  EXPECT_EQ(parse_rseq(" 4294967295"), 4294967295u);
  for (const std::string_view text : {"", "0", "4294967296", "1 2", "1;a", "0x1", "+1"}) {
    EXPECT_FALSE(parse_rseq(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
