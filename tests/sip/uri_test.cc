#include "sip/uri.h"

#include <gtest/gtest.h>

#include "sip/limits.h"

namespace weir::sip {
namespace {

bool same(std::string_view a, std::string_view b) {
  const std::optional<Uri> left = parse_uri(a);
  const std::optional<Uri> right = parse_uri(b);
  EXPECT_TRUE(left && right) << a << " | " << b;
  if (!left || !right) return false;
  EXPECT_EQ(equivalent(*left, *right), equivalent(*right, *left)) << a << " | " << b;
  return equivalent(*left, *right);
}

TEST(Uri, EveryPartStandsInItsPlace) {
  const Uri uri = *parse_uri("sips:alice:secret@[2001:2::1]:5061;transport=tcp;lr?subject=x&to=a");
  EXPECT_EQ(uri.scheme, Scheme::kSips);
  EXPECT_EQ(uri.user, "alice");
  EXPECT_EQ(uri.password, "secret");
  EXPECT_EQ(uri.host, "2001:2::1");
  EXPECT_EQ(uri.port, 5061);
  EXPECT_EQ(uri.transport(), "tcp");
  EXPECT_TRUE(uri.has_lr());
  EXPECT_EQ(uri.headers, "subject=x&to=a");
}

TEST(Uri, WritesWhatItRead) {
  for (const std::string_view text :
       {"sip:alice@atlanta.com", "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com", "sip:alice@192.0.2.4", "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com", "sip:[2001:2::9]:5060;lr", "tel:+1-201-555-0123;ext=7",
        "http://example.com/x?y=z", "urn:service:sos", "sip:user:@host", "sip:h;maddr=[2001:2::1]"}) {
    const std::optional<Uri> uri = parse_uri(text);
    ASSERT_TRUE(uri) << text;
    EXPECT_EQ(write(*uri), text);
    EXPECT_TRUE(is_uri(text));
  }
}

TEST(Uri, RefusesWhatTheGrammarRefuses) {
  for (const std::string_view text : {"",
                                      "sip:",
                                      "sip",
                                      ":alice",
                                      "sip:@host",
                                      "sip:alice@",
                                      "sip:al ice@host",
                                      "sip:alice@host:",
                                      "sip:alice@host:0",
                                      "sip:alice@host:65536",
                                      "sip:alice@host:99999999999999999999",
                                      "sip:alice@ho st",
                                      "sip:al%4@host",
                                      "sip:al%zzb@host",
                                      "sip:alice@host;",
                                      "sip:alice@host;=x",
                                      "sip:alice@host?",
                                      "sip:alice@host;a=b;;c",
                                      "sip:alice@[2001:2::1",
                                      "sip:alice@[2001:2::1]x",
                                      "sip:alice@[198.18.0.1]",
                                      "sip:alice@[::g]",
                                      "sip:a@b@c",
                                      "<sip:alice@host>",
                                      "1sip:alice@host",
                                      "tel:",
                                      "sip:alice@host;a b",
                                      "sip:alice@host\n"}) {
    EXPECT_FALSE(parse_uri(text)) << text;
    EXPECT_FALSE(is_uri(text)) << text;
  }
}

TEST(Uri, AStartLineTakesNoHeaders) {
  EXPECT_TRUE(is_request_uri("sip:alice@host;lr"));
  EXPECT_FALSE(is_request_uri("sip:alice@host?subject=x"));
  EXPECT_TRUE(is_request_uri("tel:+12015550123"));
}

TEST(Uri, TooManyParametersAreRefused) {
  std::string text = "sip:h";
  for (std::size_t i = 0; i < kParametersMax; ++i) text += ";p" + std::to_string(i);
  EXPECT_TRUE(parse_uri(text));
  EXPECT_FALSE(parse_uri(text + ";one=more"));
}

TEST(Uri, UsersAreEscapedAndDecoded) {
  const Uri uri = make_sip_uri("a b@c:%/\xc3\xa9", "198.18.0.1", 5062);
  EXPECT_EQ(write(uri), "sip:a%20b%40c%3A%25/%C3%A9@198.18.0.1:5062");
  EXPECT_EQ(parse_uri(write(uri))->user_text(), "a b@c:%/\xc3\xa9");
  EXPECT_EQ(write(make_sip_uri("", "2001:2::5")), "sip:[2001:2::5]");
  EXPECT_EQ(parse_uri("tel:+1-201;ext=5")->user_text(), "+1-201");
  EXPECT_EQ(unescape("%4"), "%4");
  EXPECT_EQ(unescape("100%"), "100%");
  EXPECT_EQ(unescape("%zz%41"), "%zzA");
}

// The examples of RFC 3261 section 19.1.4.
TEST(UriComparison, EquivalentUrisOfTheRfc) {
  EXPECT_TRUE(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"));
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  EXPECT_TRUE(same("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                   "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  EXPECT_TRUE(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                   "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
}

TEST(UriComparison, DifferentUrisOfTheRfc) {
  EXPECT_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  EXPECT_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  EXPECT_FALSE(same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
  EXPECT_FALSE(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
}

TEST(UriComparison, EscapedReservedCharactersAreNotTheCharacters) {
  EXPECT_FALSE(same("sip:a%3Bb@host", "sip:a;b@host"));
  EXPECT_TRUE(same("sip:a%3bb@host", "sip:a%3Bb@host"));
  EXPECT_FALSE(same("sip:a%2541@host", "sip:a%41@host"));
}

TEST(UriComparison, SchemesMatter) {
  EXPECT_FALSE(same("sip:alice@host", "sips:alice@host"));
  EXPECT_TRUE(same("tel:+1-201-555-0123", "TEL:+12015550123"));
  EXPECT_TRUE(same("tel:7042;ext=1;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com;ext=1"));
  EXPECT_FALSE(same("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"));
  EXPECT_TRUE(same("HTTP://x/y", "http://x/y"));
  EXPECT_FALSE(same("http://x/y", "http://x/Y"));
}

}  // namespace
}  // namespace weir::sip
