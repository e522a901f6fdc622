// Dialogs that RFCs print message by message: who is sent the next request, and by which way. RFC 7118 section 8.2, and
// RFC 5626 section 9.3, where Via and Max-Forwards are left out: here they are in.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sip/dialog.h"
#include "sip/parse.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

/// A message without a body; lines end in LF.
Message parsed(std::string_view text) {
  std::string wire;
  for (const char c : text) wire += c == '\n' ? std::string("\r\n") : std::string(1, c);
  ParseResult result = parse_message(wire + "\r\n");
  if (!result.ok()) {
    ADD_FAILURE() << result.error().reason;
    return {};
  }
  return std::move(result.message());
}

std::vector<std::string> routes(const Message& request) {
  std::vector<std::string> list;
  for (const NameAddr& one : request.name_addrs(HeaderId::kRoute)) list.push_back("<" + write(one.uri) + ">");
  return list;
}

using Uris = std::vector<std::string>;

constexpr std::string_view kF1 = R"(INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks
From: sip:alice@example.com;tag=asdyka899
To: sip:bob@example.com
Call-ID: asidkj3ss
CSeq: 1 INVITE
Max-Forwards: 70
Supported: path, outbound, gruu
Route: <sip:proxy.example.com:443;transport=ws;lr>
Contact: <sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1;ob>
)";

constexpr std::string_view kF3 = R"(INVITE sip:bob@203.0.113.22:5060 SIP/2.0
Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKhjhjqw32c
Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks
Record-Route: <sip:proxy.example.com;transport=udp;lr>,
  <sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>
From: sip:alice@example.com;tag=asdyka899
To: sip:bob@example.com
Call-ID: asidkj3ss
CSeq: 1 INVITE
Max-Forwards: 69
Supported: path, outbound, gruu
Contact: <sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1;ob>
)";

constexpr std::string_view kF5 = R"(SIP/2.0 200 OK
Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks
Record-Route: <sip:proxy.example.com;transport=udp;lr>,
  <sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>
From: sip:alice@example.com;tag=asdyka899
To: sip:bob@example.com;tag=bmqkjhsd
Call-ID: asidkj3ss
CSeq: 1 INVITE
Contact: <sip:bob@203.0.113.22:5060;transport=udp>
)";

TEST(Rfc7118, Section82TheViasOfTheFlow) {
  const Message invite = parsed(kF3);
  const std::vector<Via> vias = invite.vias();
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_EQ(write(vias[1]), "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks");
  EXPECT_TRUE(vias[1].has_branch_cookie());
  const NameAddr contact = *invite.contact();
  EXPECT_TRUE(contact.uri.parameters.has("ob"));
  EXPECT_EQ(contact.uri.parameters.value("gr"), "urn:uuid:f81-7dec-14a06cf1");
}

TEST(Rfc7118, Section82F6TheCallersAck) {
  const Message invite = parsed(kF1);
  const auto dialog = Dialog::from_response(invite, parsed(kF5));
  ASSERT_TRUE(dialog);
  const Message ack = dialog->make_ack(invite, invite.vias()[0]);
  EXPECT_EQ(ack.request_uri_text(), "sip:bob@203.0.113.22:5060;transport=udp");
  EXPECT_EQ(routes(ack),
            (Uris{"<sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>", "<sip:proxy.example.com;transport=udp;lr>"}));
  EXPECT_EQ(ack.cseq(), make_cseq(1, Method::kAck));
  EXPECT_EQ(ack.from_tag(), "asdyka899");
  EXPECT_EQ(ack.to_tag(), "bmqkjhsd");
}

TEST(Rfc7118, Section82F8TheCalleesBye) {
  const Message invite = parsed(kF3);
  auto dialog = Dialog::from_request(invite, "bmqkjhsd", *parsed(kF5).contact());
  ASSERT_TRUE(dialog);
  const Message bye = dialog->make_request(Method::kBye, invite.vias()[0]);
  EXPECT_EQ(bye.request_uri_text(), "sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1;ob");
  EXPECT_EQ(routes(bye),
            (Uris{"<sip:proxy.example.com;transport=udp;lr>", "<sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>"}));
  EXPECT_EQ(bye.from_tag(), "bmqkjhsd");
  EXPECT_EQ(bye.to_tag(), "asdyka899");
}

TEST(Rfc7118, Section82F9TheByeAsItReachesTheCaller) {
  const Message invite = parsed(kF1);
  auto dialog = Dialog::from_response(invite, parsed(kF5));
  ASSERT_TRUE(dialog);
  const Message bye = parsed(R"(BYE sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1;ob SIP/2.0
Via: SIP/2.0/WSS proxy.example.com:443;branch=z9hG4bKmma01m3r5
Via: SIP/2.0/UDP 203.0.113.22;branch=z9hG4bKbiuiansd001
From: sip:bob@example.com;tag=bmqkjhsd
To: sip:alice@example.com;tag=asdyka899
Call-ID: asidkj3ss
CSeq: 1201 BYE
Max-Forwards: 69
)");
  EXPECT_EQ(dialog->on_request(bye), DialogVerdict::kInOrder);
}

TEST(Rfc5626, Section93ThePathOfTheFlowIsTheRouteOfTheDialog) {
  const Message invite = parsed(R"(INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/TCP a.example;branch=z9hG4bKalice
Max-Forwards: 70
To: Bob <sip:bob@example.com>
From: Alice <sip:alice@a.example>;tag=02935
Call-ID: klmvCxVWGp6MxJp2T2mb
CSeq: 1 INVITE
Contact: <sip:alice@a.example>
)");
  const Message message28 = parsed(R"(SIP/2.0 200 OK
Via: SIP/2.0/TCP a.example;branch=z9hG4bKalice
To: Bob <sip:bob@example.com>;tag=skduk2
From: Alice <sip:alice@a.example>;tag=02935
Call-ID: klmvCxVWGp6MxJp2T2mb
CSeq: 1 INVITE
Contact: <sip:bob@192.0.2.2;transport=tcp>
Record-Route:
     <sip:wazHDLdIMtUg6r0I/oRZ15zx3zHE1w1Z@ep2.example.com;lr>
)");
  auto dialog = Dialog::from_response(invite, message28);
  ASSERT_TRUE(dialog);
  const Uris flow = {"<sip:wazHDLdIMtUg6r0I/oRZ15zx3zHE1w1Z@ep2.example.com;lr>"};
  const Message message29 = dialog->make_ack(invite, invite.vias()[0]);
  EXPECT_EQ(message29.request_uri_text(), "sip:bob@192.0.2.2;transport=tcp");
  EXPECT_EQ(routes(message29), flow);
  const Message message31 = dialog->make_request(Method::kBye, invite.vias()[0]);
  EXPECT_EQ(message31.request_uri_text(), "sip:bob@192.0.2.2;transport=tcp");
  EXPECT_EQ(routes(message31), flow);
  EXPECT_EQ(message31.cseq(), make_cseq(2, Method::kBye));
}

TEST(Rfc5626, Section91ASubscribeToTheProfile) {
  const Message subscribe = parsed(R"(SUBSCRIBE sip:00000000-0000-1000-8000-AABBCCDDEEFF@example.com SIP/2.0
Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKnlsdkdj2
Max-Forwards: 70
From: <sip:anonymous@example.com>;tag=23324
To: <sip:00000000-0000-1000-8000-AABBCCDDEEFF@example.com>
Call-ID: nSz1TWN54x7My0GvpEBj
CSeq: 1 SUBSCRIBE
Event: ua-profile ;profile-type=device
 ;vendor="example.com";model="uPhone";version="1.1"
Expires: 0
Supported: path, outbound
Accept: message/external-body, application/x-uPhone-config
Contact: <sip:192.0.2.2;transport=tcp;ob>
 ;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"
Content-Length: 0
)");
  EXPECT_EQ(subscribe.number(HeaderId::kExpires), 0u);
  EXPECT_TRUE(subscribe.lists(HeaderId::kSupported, "outbound"));
  const NameAddr contact = *subscribe.contact();
  EXPECT_TRUE(contact.uri.user.empty());
  EXPECT_TRUE(contact.uri.parameters.has("ob"));
  EXPECT_TRUE(contact.parameters.has("+sip.instance"));
}

}  // namespace
}  // namespace weir::sip
