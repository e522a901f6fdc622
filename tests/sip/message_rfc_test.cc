// RFC 4475: what the torture messages say, read in parts. Which of them are taken and which refused: torture_test.cc.
#include <gtest/gtest.h>

#include "sip/date.h"
#include "sip/multipart.h"
#include "sip/parse.h"
#include "sip/write.h"
#include "tests/sip/torture_messages.h"
#include "tests/sip/torture_multipart.h"

namespace weir::sip {
namespace {

Message parsed(std::string_view name) {
  ParseResult result = parse_message(torture(name));
  if (!result.ok()) {
    ADD_FAILURE() << name << ": " << result.error().reason;
    return {};
  }
  return std::move(result.message());
}

TEST(Torture, WsinvSaysWhatItMeansDespiteItsFoldsAndSpaces) {
  const Message message = parsed("wsinv");
  EXPECT_EQ(message.method(), Method::kInvite);
  EXPECT_TRUE(message.request_uri()->parameters.has("unknownparam"));
  EXPECT_EQ(message.to()->tag(), "1918181833n");
  EXPECT_EQ(message.to()->uri.user, "vivekg");
  EXPECT_EQ(message.from()->display_name, "J Rosenberg \\\"");
  EXPECT_EQ(message.from_tag(), "98asjd8");
  EXPECT_EQ(message.max_forwards(), 68);
  EXPECT_EQ(message.cseq(), make_cseq(9, Method::kInvite));
  const std::vector<Via> vias = message.vias();
  ASSERT_EQ(vias.size(), 3u);
  EXPECT_EQ(write(vias[0]), "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw");
  EXPECT_FALSE(vias[0].has_branch_cookie());
  EXPECT_EQ(write(vias[1]), "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8");
  EXPECT_EQ(write(vias[2]), "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239");
  EXPECT_EQ(message.header(HeaderId::kSubject), "");
  EXPECT_EQ(message.header("newfangledheader"), "newfangled value   continued newfangled value");
  EXPECT_EQ(message.header("UnknownHeaderWithUnusualValue"), ";;,,;;,;");
  EXPECT_TRUE(message.name_addr(HeaderId::kRoute)->uri.has_lr());
  const NameAddr contact = *message.contact();
  EXPECT_EQ(contact.display_name, "Quoted string \"\"");
  EXPECT_EQ(contact.parameters.value("newparam"), "newvalue");
  EXPECT_TRUE(contact.parameters.has("secondparam"));
  EXPECT_EQ(contact.parameters.value("q"), "0.33");
  EXPECT_EQ(message.body().size(), 150u);
}

TEST(Torture, IntmethKeepsItsUnusualCharacters) {
  const Message message = parsed("intmeth");
  EXPECT_EQ(message.method(), Method::kUnknown);
  EXPECT_EQ(message.method_name(), "!interesting-Method0123456789_*+`.%indeed'~");
  const Uri uri = *message.request_uri();
  EXPECT_EQ(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  EXPECT_EQ(uri.host, "example.com");
  EXPECT_EQ(message.to()->display_name, std::string_view("BEL:\x07 NUL:\0 DEL:\x7f", 17));
  EXPECT_EQ(message.from()->display_name, "token1~` token2'+_ token3*%!.-");
  EXPECT_EQ(message.from_tag(), "_token~1'+`*%!-.");
  EXPECT_EQ(message.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
  EXPECT_EQ(message.max_forwards(), 255);
  EXPECT_EQ(message.top_via()->branch(), "z9hG4bK-.!%66*_+`'~");
  const ParseResult again = parse_message(write(message));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.message().to()->display_name, message.to()->display_name);
}

TEST(Torture, EscapesAreDecodedWhereTheyAreEscapesAndOnlyThere) {
  const Message escaped = parsed("esc01");
  EXPECT_EQ(escaped.request_uri()->user_text(), "sips:user@example.com");
  EXPECT_EQ(escaped.request_uri()->host, "example.net");
  EXPECT_TRUE(equivalent(escaped.to()->uri, *parse_uri("sip:user@example.com")));
  EXPECT_EQ(escaped.from()->uri.user_text(), "I have spaces");
  EXPECT_TRUE(equivalent(escaped.contact()->uri, *parse_uri("sip:caller@host5.example.net;lr;name=value%2541")));

  const Message null = parsed("escnull");
  EXPECT_EQ(null.to()->uri.user_text(), std::string_view("null-\0-null", 11));
  ASSERT_EQ(null.name_addrs(HeaderId::kContact).size(), 2u);
  EXPECT_EQ(null.name_addrs(HeaderId::kContact)[1].uri.user_text(), std::string_view("\0\0", 2));

  const Message not_escapes = parsed("esc02");
  EXPECT_EQ(not_escapes.method(), Method::kUnknown);
  EXPECT_EQ(not_escapes.to()->display_name, "%Z%45");
  EXPECT_EQ(not_escapes.name_addrs(HeaderId::kContact).size(), 2u) << "C%6Fntact is another header";
}

TEST(Torture, DblreqIsOneRequestAndTheRestOfTheDatagramIsCutOff) {
  const Message message = parsed("dblreq");
  EXPECT_EQ(message.method(), Method::kRegister);
  EXPECT_TRUE(message.body().empty());
}

TEST(Torture, Mpart01KeepsItsBinaryPart) {
  const Message message = parsed("mpart01");
  EXPECT_EQ(message.body().size(), 553u);
  const auto parts = split_multipart(message.content_type(), message.body());
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].content_type, "text/plain");
  EXPECT_EQ((*parts)[0].body, "Hello");
  EXPECT_EQ((*parts)[1].content_type, "application/octet-stream");
  EXPECT_EQ((*parts)[1].encoding, "binary");
  EXPECT_EQ((*parts)[1].body, torture_signature());
  EXPECT_EQ(parse_date(message.header(HeaderId::kDate).value_or("")), 1129351496);
}

TEST(Torture, LongreqKeepsItsLengthsAndItsThirtyFourVias) {
  const Message message = parsed("longreq");
  EXPECT_EQ(message.vias().size(), 34u);
  EXPECT_EQ(message.vias().back().received(), "192.0.2.5");
  EXPECT_EQ(message.to()->uri.port, 6000);
  EXPECT_EQ(message.to()->uri.parameters.size(), 3u);
  EXPECT_EQ(message.call_id().size(), 141u);
}

TEST(Torture, SemicolonsOfTheUserAreNoParameters) {
  const Uri uri = *parsed("semiuri").request_uri();
  EXPECT_EQ(uri.user_text(), "user;par=u@example.net");
  EXPECT_EQ(uri.host, "example.com");
  EXPECT_TRUE(uri.parameters.empty());
  EXPECT_EQ(parsed("semiuri").values(HeaderId::kAccept).size(), 6u);
}

TEST(Torture, AnyTransportMayStandInAVia) {
  const std::vector<Via> vias = parsed("transports").vias();
  ASSERT_EQ(vias.size(), 5u);
  EXPECT_EQ(vias[3].transport, "UNKNOWN");
}

TEST(Torture, ReasonsMayBeAnythingAndNothing) {
  EXPECT_EQ(parsed("unreason").status(), 200);
  EXPECT_EQ(parsed("unreason").reason().substr(0, 15), "= 2**3 * 5**2 \xd0");
  EXPECT_EQ(parsed("noreason").status(), 100);
  EXPECT_EQ(parsed("noreason").reason(), "");
}

TEST(Torture, ParametersOfAnUnbracketedContactBelongToTheHeader) {
  EXPECT_TRUE(parsed("cparam01").contact()->parameters.has("unknownparam"));
  EXPECT_TRUE(parsed("cparam02").contact()->uri.parameters.has("unknownparam"));
  EXPECT_EQ(parsed("regescrt").contact()->uri.headers, "Route=%3Csip:sip.example.com%3E");
}

TEST(Torture, OtherSchemesAreOpaque) {
  EXPECT_EQ(parsed("unkscm").request_uri()->scheme, Scheme::kOther);
  EXPECT_EQ(parsed("novelsc").request_uri()->opaque, "soap.beep://192.0.2.103:3002");
  EXPECT_EQ(parsed("unksm2").to()->uri.opaque, "isbn:2983792873");
}

TEST(Torture, ABranchOfTheCookieAloneIsNoRfc3261Branch) {
  EXPECT_FALSE(parsed("badbranch").top_via()->has_branch_cookie());
}

TEST(Torture, Rfc2543InviteIsTakenWithoutBranchTagAndMaxForwards) {
  const Message message = parsed("inv2543");
  EXPECT_FALSE(message.max_forwards());
  EXPECT_EQ(message.from_tag(), "");
  EXPECT_EQ(message.to()->parameters.value("user"), "phone");
}

TEST(Torture, WrittenMessagesParseToTheSameMessage) {
  for (const std::string& name : torture_names()) {
    const ParseResult result = parse_message(torture(name));
    if (!result.ok()) continue;
    const Message& first = result.message();
    const std::string text = write(first);
    const ParseResult second = parse_message(text);
    ASSERT_TRUE(second.ok()) << name;
    EXPECT_EQ(write(second.message()), text) << name;
    EXPECT_EQ(second.message().header_count(), first.header_count() + (first.has(HeaderId::kContentLength) ? 0 : 1))
        << name;
    EXPECT_EQ(second.message().body(), first.body()) << name;
  }
}

}  // namespace
}  // namespace weir::sip
