// The examples of RFC 8225 (appendix A, section 5.2.2), RFC 8224, RFC 8588 and RFC 8946. The signatures that RFC 8225
// and RFC 8224 print are not those of the key that appendix A prints: they are read here, and what they are over is
// compared byte by byte; the key signs it anew. RFC 8224 and RFC 8588 print iat as a text, which RFC 8225 section 5.1.1
// forbids (errata 6656): refused.
#include <gtest/gtest.h>

#include "controlplane/base64url.h"
#include "controlplane/passport.h"
#include "controlplane/passport_signer.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kRfcHeader =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9";
constexpr std::string_view kRfcClaims =
    "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUx"
    "MjEyIn19";
constexpr std::string_view kRfcSignature =
    "VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw";
constexpr std::string_view kRfcKey =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIFeZ1R208QCvcu5GuYyMfG4W7sH4m99/7eHSDLpdYllFoAoGCCqGSM49\n"
    "AwEHoUQDQgAE8HNbQd/TmvCKwPKHkMF9fScavGeH78YTU8qLS8I5HLHSSmlATLcs\n"
    "lQMhNC/OhlWBYC626nIlo7XeebYS7Sb37g==\n"
    "-----END EC PRIVATE KEY-----\n";

std::string rfc_token() {
  return std::string(kRfcHeader) + "." + std::string(kRfcClaims) + "." + std::string(kRfcSignature);
}

/// What appendix A's token says.
Passport rfc_passport() {
  Passport passport;
  passport.x5u = "https://cert.example.org/passport.cer";
  passport.orig.tns = {"12155551212"};
  passport.dest.uris = {"sip:alice@example.com"};
  passport.iat_s = 1471375418;
  return passport;
}

proto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Passport read(std::string_view token) {
  auto parsed = parse_passport(token);
  if (const auto* refusal = std::get_if<PassportRefusal>(&parsed)) {
    ADD_FAILURE() << refusal->reason;
    return {};
  }
  return std::get<ParsedPassport>(std::move(parsed)).passport;
}

std::string token_of(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + "." + encode_base64url(claims) + "." + std::string(kRfcSignature);
}

TEST(PassportRfc, AppendixAIsReadAndWrittenByteByByte) {
  const Passport passport = read(rfc_token());
  EXPECT_EQ(passport.x5u, "https://cert.example.org/passport.cer");
  EXPECT_EQ(passport.orig, rfc_passport().orig);
  EXPECT_EQ(passport.dest, rfc_passport().dest);
  EXPECT_EQ(passport.iat_s, 1471375418);
  EXPECT_EQ(write_passport_header(passport),
            R"({"alg":"ES256","typ":"passport","x5u":"https://cert.example.org/passport.cer"})");
  EXPECT_EQ(write_passport_claims(passport),
            R"({"dest":{"uri":["sip:alice@example.com"]},"iat":1471375418,"orig":{"tn":"12155551212"}})");
  EXPECT_EQ(passport_signing_input(rfc_passport()), std::string(kRfcHeader) + "." + std::string(kRfcClaims));
}

TEST(PassportRfc, AppendixAsKeySignsAppendixAsToken) {
  const auto key = SigningKey::parse(kRfcKey);
  ASSERT_TRUE(key) << key.error();
  const auto identity = sign_passport(rfc_passport(), *key, false);
  ASSERT_TRUE(identity) << identity.error();
  EXPECT_EQ(identity->token.substr(0, identity->token.rfind('.')), rfc_token().substr(0, rfc_token().rfind('.')));
  const auto parsed = std::get<ParsedPassport>(parse_passport(identity->token));
  EXPECT_TRUE(es256_verifies(key->key(), bytes_of(parsed.signed_bytes), parsed.signature));
  // As printed it is another key's.
  const auto printed = std::get<ParsedPassport>(parse_passport(rfc_token()));
  EXPECT_FALSE(es256_verifies(key->key(), bytes_of(printed.signed_bytes), printed.signature));
}

TEST(PassportRfc, TheCompactFormOfSection7LeavesHeaderAndClaimsOut) {
  const auto key = SigningKey::parse(kRfcKey).value();
  const auto identity = sign_passport(rfc_passport(), key, true);
  ASSERT_TRUE(identity) << identity.error();
  EXPECT_TRUE(identity->token.starts_with(".."));
  EXPECT_EQ(identity->token.size(), 2u + 86u);
  EXPECT_TRUE(es256_verifies(key.key(), bytes_of(passport_signing_input(rfc_passport())),
                             *parse_passport_signature(identity->token)));
}

TEST(PassportRfc, TheMediaKeysOfSection522AreInOrder) {
  Passport passport = rfc_passport();
  passport.iat_s = 1443208345;
  for (const std::string_view line :
       {"sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1",
        "sha-256 02:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2"}) {
    passport.mky.push_back(std::get<sip::Fingerprint>(sip::parse_fingerprint(line)));
  }
  const std::string claims = write_passport_claims(passport);
  EXPECT_EQ(claims, R"({"dest":{"uri":["sip:alice@example.com"]},"iat":1443208345,"mky":[)"
                    R"({"alg":"sha-256","dig":"021ACC5427ABEB9C533F3E4B652E7D463F5442CD54F17A03A27DF9B07F4619B2"},)"
                    R"({"alg":"sha-256","dig":"4AADB9B13F82183B540212DF3E5D496B19E57CAB3E4B652E7D463F5442CD54F1"}],)"
                    R"("orig":{"tn":"12155551212"}})");
  EXPECT_EQ(read(token_of(write_passport_header(passport), claims)).mky.size(), 2u);
}

TEST(PassportRfc, Rfc8224PrintsATimeThatIsNoNumber) {
  const auto parsed = parse_passport(
      "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9."
      "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6IjE0NDMyMDgzNDUiLCJvcmlnIjp7InRuIjoiMTIxNTU1"
      "NTEyMTIifX0."
      "rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w");
  ASSERT_TRUE(std::holds_alternative<PassportRefusal>(parsed));
  EXPECT_EQ(std::get<PassportRefusal>(parsed).reason, "iat is missing, or no number");
}

TEST(PassportRfc, Rfc8588Section6IsShaken) {
  constexpr std::string_view kHeader =
      R"({"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"})";
  constexpr std::string_view kClaims =
      R"({"attest":"A","dest":{"tn":["12155550131"]},"iat":1443208345,"orig":{"tn":"12155550121"},)"
      R"("origid":"123e4567-e89b-12d3-a456-426655440000"})";
  const Passport passport = read(token_of(kHeader, kClaims));
  EXPECT_EQ(passport.ppt, "shaken");
  EXPECT_EQ(passport.attest, "A");
  EXPECT_EQ(passport.origid, "123e4567-e89b-12d3-a456-426655440000");
  EXPECT_EQ(write_passport_header(passport), kHeader);
  EXPECT_EQ(write_passport_claims(passport), kClaims);
}

TEST(PassportRfc, Rfc8946Section3IsADiversionAndSection5CarriesTheTokenFromBefore) {
  const Passport div = read(token_of(
      R"({"typ":"passport","ppt":"div","alg":"ES256","x5u":"https://www.example.com/cert.cer"})",
      R"({"orig":{"tn":"12155551212"},"dest":{"tn":["12155551214"]},"iat":1443208345,"div":{"tn":"12155551213"}})"));
  ASSERT_TRUE(div.div);
  EXPECT_EQ(div.div->tns, std::vector<std::string>{"12155551213"});
  const Passport hi = read(token_of(
      R"({"typ":"passport","ppt":"div","alg":"ES256","x5u":"https://www.example.com/cert.cer"})",
      R"({"orig":{"tn":"12155551212"},"dest":{"tn":["12155551214"]},"iat":1443208345,"div":{"tn":"121555551213","hi":"1"}})"));
  EXPECT_EQ(hi.div_hi, "1");
  EXPECT_EQ(write_passport_claims(hi),
            R"({"dest":{"tn":["12155551214"]},"div":{"hi":"1","tn":"121555551213"},"iat":1443208345,)"
            R"("orig":{"tn":"12155551212"}})");
  const Passport with_opt = read(token_of(
      R"({"typ":"passport","ppt":"div-o","alg":"ES256","x5u":"https://www.example.com/cert.cer"})",
      R"({"orig":{"tn":"12155551212"},"dest":{"tn":["12155551214"]},"iat":1443208345,"div":{"tn":"12155551213"},)"
      R"("opt":")" +
          rfc_token() + R"("})"));
  EXPECT_EQ(with_opt.opt, rfc_token());
}

TEST(PassportRfc, Rfc8443Section4HasPrioritiesAndRfc9795Names) {
  const Passport rph = read(token_of(
      R"({"typ":"passport","ppt":"rph","alg":"ES256","x5u":"https://www.example.org/cert.cer"})",
      R"({"orig":{"tn":"12155550112"},"dest":{"tn":["12125550113"]},"iat":1443208345,"rph":{"auth":["ets.0","wps.0"]}})"));
  EXPECT_TRUE(rph.others.contains("rph"));
  EXPECT_NE(write_passport_claims(rph).find(R"("rph":{"auth":["ets.0","wps.0"]})"), std::string::npos);
  const Passport rcd = read(token_of(
      R"({"alg":"ES256","typ":"passport","ppt":"rcd","x5u":"https://biloxi.example.org/biloxi.cer"})",
      R"({"orig":{"tn":"12025551000"},"dest":{"tn":["12155551001"]},"iat":1443208345,"rcd":{"nam":"James Bond"},"crn":"x"})"));
  EXPECT_TRUE(rcd.others.contains("rcd"));
  EXPECT_TRUE(rcd.others.contains("crn"));
}

}  // namespace
}  // namespace weir::controlplane
