// Early refusal: the same answer that the long way gives, and nothing said of what is not a new INVITE.
#include "sip/early_refusal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sip/limits.h"
#include "sip/parse.h"
#include "sip/write.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

constexpr const char* kInvite =
    "INVITE sip:bob@198.18.1.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.18.1.2:5070;branch=z9hG4bKone;rport\r\n"
    "v: SIP/2.0/TCP inner.example;branch=z9hG4bKtwo\r\n"
    "Max-Forwards: 70\r\n"
    "f: \"Alice, \\\"A\\\"\" <sip:alice@198.18.1.2>;tag=a\r\n"
    "To: <sip:bob@198.18.1.1>\r\n"
    "Call-ID: one@198.18.1.2\r\n"
    "CSeq: 7 INVITE\r\n"
    "Contact: <sip:alice@198.18.1.2:5070>\r\n"
    "Subject: folded\r\n lunch\r\n"
    "Content-Length: 3\r\n\r\nv=0";

const Hop kSource{1, {proto::parse_ip_address("198.18.1.9").value(), 0, 5099}, Reliability::kUnreliable};

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kInvite;
  return text.replace(text.find(from), from.size(), to);
}

std::string flags(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += ";p" + std::to_string(i);
  return text;
}

/// What TransactionLayer::respond_statelessly sends.
std::string the_long_way(std::string_view datagram, std::string_view tag) {
  Message request = parse_message(datagram).message();
  Via via = request.top_via().value();
  via.set_source(proto::to_string(kSource.remote.address), kSource.remote.port);
  request.set_top_via(via);
  Message response = make_response(request, 503, "", tag);
  response.add_header(HeaderId::kRetryAfter, kRetryAfterSeconds);
  return write(response);
}

/// Headers by name; those of one name in their order.
std::vector<std::pair<std::string, std::string>> headers_of(const std::string& response) {
  const Message message = parse_message(response).message();
  std::vector<std::pair<std::string, std::string>> headers;
  for (std::size_t i = 0; i < message.header_count(); ++i) {
    headers.emplace_back(to_string(message.header_at(i).id), message.header_at(i).value);
  }
  std::stable_sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return headers;
}

Hop the_long_hop(std::string_view datagram) {
  return response_hop(parse_message(datagram).message(), kSource);
}

TEST(EarlyRefusal, IsWhatTheLongWayAnswers) {
  for (const std::string& text : {std::string(kInvite), changed(";rport", ""), changed(":5070;branch", ";branch"),
                                  changed("198.18.1.2:5070;branch", "198.18.1.9:5099;branch"),
                                  changed(";rport", ";rport;maddr=198.18.9.9"), changed("Via:", "vIA :")}) {
    SCOPED_TRACE(text);
    const std::optional<EarlyInvite> invite = glance_at_invite(text);
    ASSERT_TRUE(invite);
    EXPECT_EQ(write_refusal(*invite, kSource, "ours"), the_long_way(text, "ours"));
    EXPECT_EQ(refusal_hop(*invite, kSource), the_long_hop(text));
  }
}

TEST(EarlyRefusal, WhatIsNoNewInviteOfTheUsualFormIsLeftToTheParser) {
  const std::pair<const char*, std::string> rows[] = {
      {"in a dialog", changed("<sip:bob@198.18.1.1>", "<sip:bob@198.18.1.1>;tag=b")},
      {"another method", changed("INVITE sip", "OPTIONS sip")},
      {"a method in lower case", changed("INVITE sip", "invite sip")},
      {"another version", changed("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")},
      {"a CSeq of another method", changed("7 INVITE", "7 ACK")},
      {"a CSeq that is none", changed("7 INVITE", "x INVITE")},
      {"no Via", changed("Via: SIP", "Vya: SIP").replace(changed("Via: SIP", "Vya: SIP").find("v: "), 3, "w: ")},
      {"two Vias on a line", changed(";rport", ";rport, SIP/2.0/UDP x")},
      {"a malformed Via", changed("SIP/2.0/UDP", "SIP/2.0UDP")},
      {"a second Via that is malformed", changed("SIP/2.0/TCP inner.example", "SIP/2.0/TCP")},
      {"an RFC 2543 client", changed("z9hG4bKone", "1")},
      {"no To", changed("To: <sip:bob", "Tp: <sip:bob")},
      {"two To", changed("Subject: folded", "To: <sip:eve@x>;tag=1")},
      {"two From", changed("Subject: folded", "From: <sip:eve@x>")},
      {"a From that is none", changed("<sip:alice@198.18.1.2>", "<sip:alice")},
      {"two Call-IDs", changed("Subject: folded", "i: two")},
      {"a Call-ID that is none", changed("one@198", "one, two@198")},
      {"no Call-ID", changed("Call-ID: one@198.18.1.2", "Call-ID: ")},
      {"a folded To", changed("To: <sip:bob@198.18.1.1>", "To:\r\n <sip:bob@198.18.1.1>")},
      {"a control character", changed("lunch", std::string("lu\0nch", 6))},
      {"a bare line feed", changed("Max-Forwards: 70\r\n", "Max-Forwards: 70\n")},
      {"no end of the head", std::string(kInvite).substr(0, 200)},
      {"a Via without room for our parameter", changed(";rport", ";rport" + flags(kParametersMax - 2))},
      {"a To without room for our tag",
       changed("<sip:bob@198.18.1.1>", "<sip:bob@198.18.1.1>" + flags(kParametersMax))},
      {"nothing", ""},
      {"a keep-alive", "\r\n\r\n"},
  };
  for (const auto& [description, text] : rows) EXPECT_FALSE(glance_at_invite(text)) << description;
}

TEST(EarlyRefusal, OfTheTortureMessagesOnlyInvitesOutsideDialogs) {
  std::size_t invites = 0;
  for (const std::string& name : torture_names()) {
    SCOPED_TRACE(name);
    const std::string text = torture(name);
    const std::optional<EarlyInvite> invite = glance_at_invite(text);
    if (!invite) continue;
    ++invites;
    const ParseResult parsed = parse_message(text);
    if (!parsed) continue;
    EXPECT_EQ(parsed.message().method(), Method::kInvite);
    EXPECT_EQ(parsed.message().to_tag(), "");
    EXPECT_EQ(headers_of(write_refusal(*invite, kSource, "t")), headers_of(the_long_way(text, "t")));
  }
  EXPECT_GT(invites, 5u);
}

}  // namespace
}  // namespace weir::sip
