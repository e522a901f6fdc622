#include "sip/session_expires.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(SessionExpires, SaysItsSecondsAndItsRefresher) {
  const std::optional<SessionExpires> value = parse_session_expires("4000;refresher=uac");  // RFC 4028 section 4
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, (SessionExpires{4000, Refresher::kUac, {}}));
  EXPECT_EQ(parse_session_expires("1800 ; Refresher = UAS")->refresher, Refresher::kUas);
  EXPECT_FALSE(parse_session_expires("90")->refresher);
}

TEST(SessionExpires, IsWrittenAsItWasRead) {
  for (const std::string_view text : {"4000;refresher=uac", "90;refresher=uas", "0", "1800;refresher=uas;x=\"y\";z"}) {
    EXPECT_EQ(write(*parse_session_expires(text)), text);
  }
}

TEST(SessionExpires, MalformedOnesAreNone) {
  for (const std::string_view text : {"", "x", "-1", "4294967296", "90;", "90;refresher", "90;refresher=me",
                                      "90;refresher=uac;refresher=uas", "90;refresher=\"uac\"", "90, 91", "90 uac"}) {
    EXPECT_FALSE(parse_session_expires(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
