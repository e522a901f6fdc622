#include "sip/message.h"

#include <gtest/gtest.h>

#include "sip/parse.h"
#include "sip/write.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

Message invite() {
  ParseResult result = parse_message(crlf(R"(INVITE sip:bob@198.18.0.2 SIP/2.0
Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKa, SIP/2.0/UDP 198.18.0.3;branch=z9hG4bKb
v: SIP/2.0/TCP 198.18.0.4;branch=z9hG4bKc
Record-Route: <sip:p1@198.18.0.1;lr>, <sip:p2@198.18.0.1;lr>
Record-Route: <sip:p3@198.18.0.1;lr>
Max-Forwards: 70
From: "Alice" <sip:alice@198.18.0.1>;tag=f1
To: <sip:bob@198.18.0.2>
Call-ID: c1@198.18.0.1
CSeq: 5 INVITE
Contact: <sip:alice@198.18.0.1>
Supported: timer, 100rel
Timestamp: 54
Content-Type: Application/SDP ; charset=utf-8
Content-Length: 5

v=0
)"));
  EXPECT_TRUE(result.ok());
  return std::move(result.message());
}

TEST(Message, ListsGoOverLinesAndCommas) {
  const Message message = invite();
  ASSERT_EQ(message.vias().size(), 3u);
  EXPECT_EQ(message.vias()[2].branch(), "z9hG4bKc");
  const std::vector<NameAddr> routes = message.name_addrs(HeaderId::kRecordRoute);
  ASSERT_EQ(routes.size(), 3u);
  EXPECT_EQ(routes[1].uri.user, "p2");
  EXPECT_TRUE(message.lists(HeaderId::kSupported, "100REL"));
  EXPECT_FALSE(message.lists(HeaderId::kSupported, "100"));
  EXPECT_TRUE(message.content_is("application/sdp"));
}

TEST(Message, ACopyStandsOnItsOwn) {
  Message first = invite();
  const Message copy = first;
  first.set_header(HeaderId::kCallId, "other");
  first = Message::request("BYE", "sip:x");
  EXPECT_EQ(copy.call_id(), "c1@198.18.0.1");
  EXPECT_EQ(copy.body(), "v=0\r\n");
}

TEST(Message, TheTopViaIsChangedAloneEvenOnASharedLine) {
  Message message = invite();
  Via via = *message.top_via();
  via.set_source("198.18.0.9", 7);
  message.set_top_via(via);
  ASSERT_EQ(message.vias().size(), 3u);
  EXPECT_EQ(message.top_via()->received(), "198.18.0.9");
  EXPECT_EQ(message.vias()[1].branch(), "z9hG4bKb");
  message.remove_top_via();
  EXPECT_EQ(message.top_via()->branch(), "z9hG4bKb");
  message.remove_top_via();
  EXPECT_EQ(message.top_via()->branch(), "z9hG4bKc");
  message.remove_top_via();
  EXPECT_FALSE(message.top_via());
  message.remove_top_via();
}

TEST(Message, HeadersAreSetAddedAndRemoved) {
  Message message = invite();
  message.set_header(HeaderId::kRecordRoute, "<sip:one@h;lr>");
  EXPECT_EQ(message.values(HeaderId::kRecordRoute).size(), 1u);
  message.add_header("X-Weir", "1");
  EXPECT_EQ(message.header("x-weir"), "1");
  message.add_header("s", "compact");
  EXPECT_EQ(message.header(HeaderId::kSubject), "compact");
  message.remove_header("X-WEIR");
  EXPECT_FALSE(message.header("X-Weir"));
  message.remove_header(HeaderId::kContact);
  EXPECT_FALSE(message.contact());
  message.prepend_header(HeaderId::kVia, "SIP/2.0/UDP me;branch=z9hG4bKm");
  EXPECT_EQ(message.top_via()->host, "me");
}

TEST(Message, AHeaderMayBeSetFromAViewOfTheMessageItself) {
  Message message = Message::request("INVITE", "sip:a@h");
  message.add_header("X-A-Header-With-A-Long-Name", std::string(40, 'v'));
  for (int i = 0; i < 200; ++i) {
    const HeaderView view = message.header_at(message.header_count() - 1);
    message.add_header(view.name, view.value);
  }
  EXPECT_EQ(message.header_at(200).name, "X-A-Header-With-A-Long-Name");
  EXPECT_EQ(message.header_at(200).value, std::string(40, 'v'));
  message.set_body("body", "text/plain");
  for (int i = 0; i < 50; ++i) message.set_body(message.body(), message.content_type());
  EXPECT_EQ(message.body(), "body");
  EXPECT_EQ(message.content_type(), "text/plain");
}

TEST(Message, NoValueCanEndItsLine) {
  Message message = Message::request("INVITE", "sip:a@h");
  message.add_header(HeaderId::kSubject, "x\r\nContent-Length: 5\r\n\r\nevil");
  message.add_header("X-\r\nY", std::string("a\0b", 3));
  EXPECT_EQ(write(message),
            "INVITE sip:a@h SIP/2.0\r\nSubject: x  Content-Length: 5    evil\r\nX-  Y: a b\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(Message, ContentLengthIsTheBodysAndOnlyOne) {
  Message message = Message::response(200, "OK");
  message.add_header(HeaderId::kContentLength, "77");
  message.add_header("l", "78");
  message.set_body("four", "text/plain");
  EXPECT_EQ(write(message), "SIP/2.0 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nfour");
  message.set_body("", "");
  EXPECT_EQ(write(message), "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(Message, NumbersStopAtParametersAndComments) {
  Message message = Message::response(503, "");
  message.add_header(HeaderId::kRetryAfter, "18000;duration=3600");
  message.add_header(HeaderId::kExpires, "120 (two minutes)");
  message.add_header(HeaderId::kMinExpires, "12x");
  message.add_header(HeaderId::kRSeq, "4294967296");
  EXPECT_EQ(message.number(HeaderId::kRetryAfter), 18000u);
  EXPECT_EQ(message.number(HeaderId::kExpires), 120u);
  EXPECT_FALSE(message.number(HeaderId::kMinExpires));
  EXPECT_FALSE(message.number(HeaderId::kRSeq));
  EXPECT_FALSE(message.number(HeaderId::kMinSe));
}

TEST(Request, HasTheSixMandatoryHeaders) {
  RequestHead head;
  head.request_uri = "sip:bob@198.18.0.2";
  head.via.transport = "UDP";
  head.via.host = "198.18.0.1";
  head.via.parameters.set("branch", "z9hG4bKx");
  head.from.uri = make_sip_uri("alice", "198.18.0.1");
  head.from.set_tag("f");
  head.to.uri = make_sip_uri("bob", "198.18.0.2");
  head.call_id = "c";
  head.cseq = 3;
  const std::string text = write(make_request(head));
  EXPECT_EQ(text,
            "INVITE sip:bob@198.18.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"
            "From: <sip:alice@198.18.0.1>;tag=f\r\nTo: <sip:bob@198.18.0.2>\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_TRUE(parse_message(text).ok());
}

TEST(Response, CopiesWhatSection8_2_6Names) {
  EXPECT_EQ(write(make_response(invite(), 486, "", "t9")), crlf(R"(SIP/2.0 486 Busy Here
Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKa, SIP/2.0/UDP 198.18.0.3;branch=z9hG4bKb
Via: SIP/2.0/TCP 198.18.0.4;branch=z9hG4bKc
From: "Alice" <sip:alice@198.18.0.1>;tag=f1
To: <sip:bob@198.18.0.2>;tag=t9
Call-ID: c1@198.18.0.1
CSeq: 5 INVITE
Content-Length: 0

)"));
}

TEST(Response, TryingHasTheTimestampAndNoTag) {
  const Message trying = make_response(invite(), 100, "", "t9");
  EXPECT_EQ(trying.to_tag(), "");
  EXPECT_EQ(trying.header(HeaderId::kTimestamp), "54");
}

TEST(Response, ATagThatIsThereStays) {
  Message request = invite();
  request.set_header(HeaderId::kTo, "<sip:bob@198.18.0.2>;tag=theirs");
  EXPECT_EQ(make_response(request, 200, "", "t9").header(HeaderId::kTo), "<sip:bob@198.18.0.2>;tag=theirs");
}

}  // namespace
}  // namespace weir::sip
