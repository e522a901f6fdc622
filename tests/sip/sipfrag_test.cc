#include "sip/sipfrag.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

TEST(Sipfrag, AStatusIsWrittenAndRead) {
  EXPECT_EQ(write_sipfrag(100), "SIP/2.0 100 Trying\r\n");
  EXPECT_EQ(write_sipfrag(486, "Gone\r\nFishing"), "SIP/2.0 486 Gone  Fishing\r\n");
  for (const int code : {100, 180, 200, 302, 486, 503, 603}) {
    const auto status = static_cast<std::uint16_t>(code);
    const std::string body = write_sipfrag(status);
    const std::optional<StatusLine> line = parse_sipfrag(body);
    ASSERT_TRUE(line) << status;
    EXPECT_EQ(line->status, status);
    EXPECT_FALSE(line->reason.empty());
  }
}

TEST(Sipfrag, HeadersAndAMissingLineEndAreTaken) {
  // RFC 3420 section 2.2, and NOTIFY bodies as phones write them.
  EXPECT_EQ(parse_sipfrag("SIP/2.0 603 Declined\r\nFrom: <sip:a@h>\r\n\r\n")->reason, "Declined");
  EXPECT_EQ(parse_sipfrag("SIP/2.0 200 OK")->status, 200);
  EXPECT_EQ(parse_sipfrag("SIP/2.0 200")->reason, "");
  EXPECT_EQ(parse_sipfrag("sip/2.0 180 Ringing\n")->status, 180);
}

TEST(Sipfrag, WithoutAStatusLineThereIsNoStatus) {
  for (const std::string_view body :
       {"", "\r\n", "INVITE sip:a@h SIP/2.0\r\n", "From: <sip:a@h>\r\n", "SIP/2.0", "SIP/2.0 99 x", "SIP/2.0 700 x",
        "SIP/2.0 2000 x", "SIP/3.0 200 OK", "SIP/2.0  200 OK", "SIP/2.0 200OK", "\r\nSIP/2.0 200 OK"}) {
    EXPECT_FALSE(parse_sipfrag(body)) << body;
  }
}

TEST(Sipfrag, OfAMessageItIsReadByItsType) {
  Message notify = Message::request("NOTIFY", "sip:a@h");
  notify.set_body("SIP/2.0 180 Ringing\r\n", kSipfragType);
  EXPECT_EQ(sipfrag_status(notify)->status, 180);
  notify.set_body("SIP/2.0 180 Ringing\r\n", "text/plain");
  EXPECT_FALSE(sipfrag_status(notify));
}

}  // namespace
}  // namespace weir::sip
