#include "sip/identity_header.h"

#include <gtest/gtest.h>

#include "sip/message.h"

namespace weir::sip {
namespace {

// RFC 8224 section 4.1: the token and parameters of its example.
constexpr std::string_view kRfcToken =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9."
    "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6IjE0NDMyMDgzNDUiLCJvcmlnIjp7InRuIjoiMTIxNTU1"
    "NTEyMTIifX0."
    "rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w";

TEST(IdentityHeader, TheExampleOfRfc8224IsRead) {
  const std::string value = std::string(kRfcToken) + ";info=<https://biloxi.example.org/biloxi.cert>";
  const auto read = parse_identity_header(value);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->token, kRfcToken);
  EXPECT_EQ(read->info, "https://biloxi.example.org/biloxi.cert");
  EXPECT_EQ(read->alg, "");
  EXPECT_EQ(read->ppt, "");
  EXPECT_FALSE(read->compact());
  EXPECT_EQ(write(*read), value);
}

TEST(IdentityHeader, ACompactTokenHasOnlyASignature) {
  const auto read = parse_identity_header("..c2ln ; info=<https://a.example/b.pem> ;alg=ES256;ppt=\"shaken\";x=y;z");
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->compact());
  EXPECT_EQ(read->alg, "ES256");
  EXPECT_EQ(read->ppt, "shaken");
  EXPECT_EQ(read->others.value("x"), "y");
  EXPECT_TRUE(read->others.has("z"));
  EXPECT_EQ(write(*read), "..c2ln;info=<https://a.example/b.pem>;alg=ES256;ppt=shaken;x=y;z");
}

TEST(IdentityHeader, AURIMayHoldWhatPartsParameters) {
  const Message request = [] {
    Message message = Message::request("INVITE", "sip:b@h");
    message.add_header(HeaderId::kIdentity, "a.b.c;info=<https://h/x;y?z=1,2>;alg=ES256, ..d;info=<https://h/e>");
    message.add_header("y", "f.g.h;info=<https://h/i>");
    return message;
  }();
  const auto values = request.values(HeaderId::kIdentity);
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(parse_identity_header(values[0])->info, "https://h/x;y?z=1,2");
  EXPECT_EQ(parse_identity_header(values[1])->info, "https://h/e");
  EXPECT_EQ(parse_identity_header(values[2])->token, "f.g.h");
}

TEST(IdentityHeader, WhatIsNotSaidIsEmpty) {
  const auto read = parse_identity_header("a.b.c");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (IdentityHeader{.token = "a.b.c", .info = "", .alg = "", .ppt = "", .others = {}}));
}

TEST(IdentityHeader, WhatIsMalformedIsRefusedWithAReason) {
  for (const std::string_view text : {"",
                                      "a",
                                      "a.b",
                                      "a.b.c.d",
                                      "a..c",
                                      ".b.c",
                                      "a.b.",
                                      "..",
                                      "a.b.c;info=https://h/e",
                                      "a.b.c;info=<>",
                                      "a.b.c;info=<no uri>",
                                      "a.b.c;info",
                                      "a.b.c;info=<https://h/e",
                                      "a.b.c;info=<https://h/e>;info=<https://h/f>",
                                      "a.b.c;alg=",
                                      "a.b.c;alg",
                                      "a.b.c;alg=ES256;alg=none",
                                      "a.b.c;ppt=a;ppt=b",
                                      "a.b.c;;x",
                                      "a.b.c;x=\"y",
                                      "a.b.c x",
                                      "a.b.\x80",
                                      "a b.c.d;info=<https://h/e>",
                                      "\"abc\""}) {
    EXPECT_FALSE(parse_identity_header(text)) << text;
  }
}

TEST(IdentityHeader, ATokenOfAMegabyteIsRefused) {
  const std::string part(kIdentityTokenBytesMax / 2, 'a');
  EXPECT_TRUE(parse_identity_header("a." + part + ".c"));
  EXPECT_FALSE(parse_identity_header(part + "." + part + ".c"));
  EXPECT_EQ(parse_identity_header(std::string(1'000'000, 'a')).error(), "the token is too long");
  std::string many = "a.b.c";
  for (int i = 0; i < 65; ++i) many += ";x";
  EXPECT_FALSE(parse_identity_header(many));
}

TEST(IdentityHeader, TheOlderFormIsASignatureInQuotes) {
  EXPECT_TRUE(is_legacy_identity(" \"abc=\""));
  EXPECT_FALSE(is_legacy_identity("a.b.c"));
  const auto read = parse_legacy_identity("\"sv5CTo05==\"", "<https://atlanta.example.com/atlanta.cer>;alg=rsa-sha1");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->signature, "sv5CTo05==");
  EXPECT_EQ(read->info, "https://atlanta.example.com/atlanta.cer");
  EXPECT_EQ(read->alg, "rsa-sha1");
  EXPECT_EQ(write_legacy_identity(*read), "\"sv5CTo05==\"");
  EXPECT_EQ(write_identity_info(*read), "<https://atlanta.example.com/atlanta.cer>;alg=rsa-sha1");
  for (const auto& [identity, info] : {std::pair{"abc", "<https://h/e>"},
                                       {"\"a b\"", "<https://h/e>"},
                                       {"\"\"", "<https://h/e>"},
                                       {"\"abc\"x", "<https://h/e>"},
                                       {"\"abc\"", ""},
                                       {"\"abc\"", "https://h/e"},
                                       {"\"abc\"", "<https://h/e>;alg="}}) {
    EXPECT_FALSE(parse_legacy_identity(identity, info)) << identity << ' ' << info;
  }
}

TEST(IdentityHeader, IdentityInfoIsAHeaderOfItsOwn) {
  EXPECT_EQ(header_by_name("identity-info"), HeaderId::kIdentityInfo);
  EXPECT_EQ(header_by_name("n"), HeaderId::kIdentityInfo);
  EXPECT_TRUE(is_single(HeaderId::kIdentityInfo));
  EXPECT_FALSE(is_single(HeaderId::kIdentity));
}

}  // namespace
}  // namespace weir::sip
