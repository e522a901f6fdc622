#include "sip/reason.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(Reason, HasAProtocolACauseAndAText) {
  // RFC 3326 section 2.
  const std::optional<Reason> reason = parse_reason("Q.850 ;cause=16 ;text=\"Terminated\"");
  ASSERT_TRUE(reason);
  EXPECT_EQ(*reason, (Reason{"Q.850", 16, "Terminated", {}}));
  EXPECT_EQ(write(*reason), "Q.850;cause=16;text=\"Terminated\"");
  EXPECT_EQ(write(*parse_reason("SIP;text=\"a \\\"b\\\\\";x=1;cause=600")), "SIP;cause=600;text=\"a \\\"b\\\\\";x=1");
  EXPECT_EQ(write(*parse_reason("preemption")), "preemption");
}

TEST(Reason, EveryValueOfEveryLineIsRead) {
  Message message = Message::request("BYE", "sip:a@h");
  message.add_header(HeaderId::kReason, "SIP;cause=200;text=\"Call completed, elsewhere\", Q.850;cause=16");
  message.add_header(HeaderId::kReason, ";malformed");
  message.add_header(HeaderId::kReason, "SIP;cause=480");
  const std::vector<Reason> all = reasons(message);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].text, "Call completed, elsewhere");
  EXPECT_EQ(all[1].protocol, "Q.850");
  EXPECT_EQ(all[2].cause, 480u);
}

TEST(Reason, AStatusIsWrittenSoThatItsTextCannotEndTheValue) {
  EXPECT_EQ(reason_header(488, "say \"no\" \\ \r\nVia: x"), "SIP;cause=488;text=\"say \\\"no\\\" \\\\   Via: x\"");
  EXPECT_EQ(parse_reason(reason_header(488, "\"\\"))->text, "\"\\");
  EXPECT_EQ(reason_header(408, ""), "SIP;cause=408");
}

TEST(Reason, MalformedOnesAreNone) {
  for (const std::string_view text : {"", ";cause=1", "SIP;cause", "SIP;cause=x", "SIP;cause=1;cause=2",
                                      "SIP;text=\"a\";text=\"b\"", "SIP;text=\"a", "SIP cause=1", "SIP;cause=-1"}) {
    EXPECT_FALSE(parse_reason(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
