// What is no PASSporT, and why.
#include "controlplane/passport.h"

#include <gtest/gtest.h>

#include "controlplane/base64url.h"
#include "controlplane/passport_signer.h"
#include "controlplane/token_json.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kHeader = R"({"alg":"ES256","typ":"passport","x5u":"https://h/c"})";
constexpr std::string_view kClaims = R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"}})";

std::string token(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + "." + encode_base64url(claims) + "." + encode_base64url(std::string(64, 'x'));
}

/// The fault and its reason; "" if it is read.
std::pair<PassportFault, std::string> fault_of(std::string_view text) {
  const auto parsed = parse_passport(text);
  const auto* refusal = std::get_if<PassportRefusal>(&parsed);
  return refusal == nullptr ? std::pair{PassportFault::kSyntax, std::string{}}
                            : std::pair{refusal->fault, refusal->reason};
}

TEST(Passport, WhatIsWellFormedIsRead) {
  EXPECT_EQ(fault_of(token(kHeader, kClaims)).second, "");
  EXPECT_EQ(fault_of(token(R"({"x":[1,{"y":null}],"typ":"passport","alg":"ES256"})", kClaims)).second, "");
}

TEST(Passport, AHeaderThatIsNoneIsRefused) {
  using enum PassportFault;
  for (const auto& [header, fault, reason] : {
           std::tuple{R"({"typ":"passport","x5u":"https://h/c"})", kAlgorithm, "alg is not ES256"},
           {R"({"alg":"none","typ":"passport"})", kAlgorithm, "alg is not ES256"},
           {R"({"alg":"RS256","typ":"passport"})", kAlgorithm, "alg is not ES256"},
           {R"({"alg":"HS256","typ":"passport"})", kAlgorithm, "alg is not ES256"},
           {R"({"alg":"es256","typ":"passport"})", kAlgorithm, "alg is not ES256"},
           {R"({"alg":1,"typ":"passport"})", kSyntax, "alg, typ, x5u or ppt is no text"},
           {R"({"alg":"ES256","typ":"JWT"})", kSyntax, "typ is not passport"},
           {R"({"alg":"ES256"})", kSyntax, "typ is not passport"},
           {R"({"alg":"ES256","typ":"passport","ppt":"fancy"})", kExtension, "ppt is unknown here"},
           {R"({"alg":"ES256","typ":"passport","ppt":""})", kSyntax, "alg, typ, x5u or ppt is no text"},
           {R"({"alg":"ES256","typ":"passport","crit":["x"]})", kSyntax, "something critical is unknown here"},
           {R"({"alg":"none","alg":"ES256","typ":"passport"})", kSyntax,
            "the header: a name stands twice in one object"},
           {R"(["alg"])", kSyntax, "the header: no JSON object"},
       }) {
    EXPECT_EQ(fault_of(token(header, kClaims)), std::pair(fault, std::string(reason))) << header;
  }
}

TEST(Passport, ClaimsThatAreNoneAreRefused) {
  for (const auto& [claims, reason] : {
           std::pair{R"({"dest":{"tn":["2"]},"iat":1})", "orig is missing, or no object"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":"1"})", "orig is missing, or no object"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{}})", "orig is not exactly one of tn and uri"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1","uri":"sip:a@h"}})",
            "orig is not exactly one of tn and uri"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":["1","3"]}})", "orig is no text, or too long"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":""}})", "orig is no text, or too long"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"},"orig":{"tn":"3"}})",
            "the claims: a name stands twice in one object"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1","tn":"3"}})",
            "the claims: a name stands twice in one object"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1","\u0074n":"3"}})",
            "the claims: a name stands twice in one object"},
           {R"({"iat":1,"orig":{"tn":"1"}})", "dest is missing, or no object"},
           {R"({"dest":{},"iat":1,"orig":{"tn":"1"}})", "dest is empty"},
           {R"({"dest":{"tn":[]},"iat":1,"orig":{"tn":"1"}})", "dest is empty"},
           {R"({"dest":{"tn":"2"},"iat":1,"orig":{"tn":"1"}})", "dest's tn or uri is no list of texts, or too long"},
           {R"({"dest":{"tn":[2]},"iat":1,"orig":{"tn":"1"}})", "dest's tn or uri is no list of texts, or too long"},
           {R"({"dest":{"tn":["2"]},"orig":{"tn":"1"}})", "iat is missing, or no number"},
           {R"({"dest":{"tn":["2"]},"iat":"1","orig":{"tn":"1"}})", "iat is missing, or no number"},
           {R"({"dest":{"tn":["2"]},"iat":-1,"orig":{"tn":"1"}})", "iat is no time in whole seconds"},
           {R"({"dest":{"tn":["2"]},"iat":1.5,"orig":{"tn":"1"}})", "iat is no time in whole seconds"},
           {R"({"dest":{"tn":["2"]},"iat":99999999999999999999999,"orig":{"tn":"1"}})",
            "iat is no time in whole seconds"},
           {R"({"dest":{"tn":["2"]},"iat":1e300,"orig":{"tn":"1"}})", "iat is no time in whole seconds"},
           {R"({"dest":{"tn":["2"]},"iat":18446744073709551615,"orig":{"tn":"1"}})", "iat is no time in whole seconds"},
           {R"({"dest":{"tn":["2"]},"iat":1,"mky":{},"orig":{"tn":"1"}})", "mky is no list, empty or too long"},
           {R"({"dest":{"tn":["2"]},"iat":1,"mky":[],"orig":{"tn":"1"}})", "mky is no list, empty or too long"},
           {R"({"dest":{"tn":["2"]},"iat":1,"mky":["x"],"orig":{"tn":"1"}})", "mky is no list of alg and dig"},
           {R"({"dest":{"tn":["2"]},"iat":1,"mky":[{"alg":"sha-256","dig":"00"}],"orig":{"tn":"1"}})",
            "a digest in mky is malformed"},
           {R"({"dest":{"tn":["2"]},"iat":1,"mky":[{"alg":"md5","dig":"00"}],"orig":{"tn":"1"}})",
            "mky has no hash that is known here"},
           {R"({"attest":"D","dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"}})", "attest is none of A, B and C"},
           {R"({"attest":"A","dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"},"origid":"x"})", "origid is no UUID"},
           {R"({"dest":{"tn":["2"]},"div":{"tn":"1","uri":"sip:a@h"},"iat":1,"orig":{"tn":"1"}})",
            "div is not exactly one of tn and uri"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"},"rph":{"auth":"ets.0"}})",
            "rph holds something that is no list of texts"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"},"rcd":{"nam":7}})", "rcd is no object with a name"},
           {R"({"dest":{"tn":["2"]},"iat":1,"orig":{"tn":"1"},"rcdi":[]})", "rcdi is no object of texts"},
       }) {
    EXPECT_EQ(fault_of(token(kHeader, claims)).second, reason) << claims;
  }
}

TEST(Passport, AnExtensionsClaimsHaveToBeThere) {
  for (const auto& [ppt, reason] : {std::pair{"shaken", "attest or origid is missing"},
                                    {"div", "div is missing"},
                                    {"div-o", "div is missing"},
                                    {"rph", "rph is missing, or no object"},
                                    {"rcd", "rcd is missing"}}) {
    const std::string header = R"({"alg":"ES256","ppt":")" + std::string(ppt) + R"(","typ":"passport"})";
    EXPECT_EQ(fault_of(token(header, kClaims)).second, reason);
  }
}

TEST(Passport, WhatIsNoTokenIsRefused) {
  const std::string good = token(kHeader, kClaims);
  const std::string header = encode_base64url(kHeader);
  std::string deep = R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}";
  for (const auto& [text, reason] :
       {std::pair<std::string, std::string>{"", "the token is not in three parts"},
        {"a.b", "the token is not in three parts"},
        {good + ".x", "the token is not in three parts"},
        {".." + encode_base64url(std::string(64, 'x')), "the header: no JSON: incomplete JSON"},
        {"!." + good, "the token is not in three parts"},
        {"e30=." + good.substr(good.find('.') + 1), "the header: no base64url"},
        {good + "AA", "the signature is not 64 bytes in base64url"},
        {good.substr(0, good.size() - 2), "the signature is not 64 bytes in base64url"},
        {std::string(8193, 'a'), "the token is too long"}}) {
    EXPECT_EQ(fault_of(text).second, reason) << text.substr(0, 60);
  }
  EXPECT_NE(fault_of(token(kHeader, deep)).second.find("too deep"), std::string::npos)
      << fault_of(token(kHeader, deep)).second;
}

TEST(Passport, WhatIsWrittenIsReadAgain) {
  Passport passport;
  passport.x5u = "https://h/c";
  passport.ppt = "shaken";
  passport.orig.uris = {"sip:\"quoted\"@h"};
  passport.dest.tns = {"1", "2"};
  passport.dest.uris = {"sip:a@h"};
  passport.iat_s = 1'700'000'000;
  passport.mky = {sip::Fingerprint{.hash = sip::FingerprintHash::kSha512}, sip::Fingerprint{}, sip::Fingerprint{}};
  passport.attest = "B";
  passport.origid = make_origid();
  passport.others["zz"] = boost::json::object{{"b", 1}, {"a", boost::json::array{1, "x"}}};
  const std::string claims = write_passport_claims(passport);
  EXPECT_NE(claims.find(R"("zz":{"a":[1,"x"],"b":1}})"), std::string::npos) << claims;
  const auto parsed = parse_passport(token(write_passport_header(passport), claims));
  ASSERT_TRUE(std::holds_alternative<ParsedPassport>(parsed)) << std::get<PassportRefusal>(parsed).reason;
  const Passport& read = std::get<ParsedPassport>(parsed).passport;
  EXPECT_EQ(read.mky.size(), 2u);
  EXPECT_EQ(write_passport_claims(read), claims);
  EXPECT_EQ(write_passport_header(read), write_passport_header(passport));
}

TEST(Passport, WhatNobodyWouldBelieveIsNotSigned) {
  const SigningKey key = SigningKey::make(KeyHandle(EVP_EC_gen("P-256"))).value();
  Passport passport;
  passport.x5u = "https://h/c";
  passport.orig.tns = {"1"};
  passport.dest.tns = {"2"};
  EXPECT_TRUE(sign_passport(passport, key, false));
  const auto refused = [&key](Passport one, bool compact = false) { return sign_passport(one, key, compact).error(); };
  Passport other = passport;
  other.alg = "none";
  EXPECT_EQ(refused(other), "only ES256 passports are signed");
  other = passport;
  other.x5u.clear();
  EXPECT_EQ(refused(other), "it does not say where the certificate is");
  other = passport;
  other.orig.uris = {"sip:a@h"};
  EXPECT_EQ(refused(other), "it does not have exactly one caller");
  other = passport;
  other.dest = {};
  EXPECT_EQ(refused(other), "it has no destination");
  other = passport;
  other.ppt = "shaken";
  EXPECT_EQ(refused(other, true), "its extension cannot be rebuilt out of a request");
}

TEST(Passport, AnOrigidIsARandomUuid) {
  const std::string one = make_origid();
  EXPECT_EQ(one.size(), 36u);
  EXPECT_EQ(one[14], '4');
  EXPECT_NE(one, make_origid());
}

TEST(TokenJson, NamesStandInTheOrderOfTheirCodePoints) {
  const auto object = read_token_object(encode_base64url(R"({"b":{"z":1,"a":[{"d":1,"c":"x:\"y"}]},"B":2.5,"a":":"})"));
  ASSERT_TRUE(object) << object.error();
  EXPECT_EQ(write_canonical(*object), R"({"B":2.5E0,"a":":","b":{"a":[{"c":"x:\"y","d":1}],"z":1}})");
}

TEST(Base64url, WhatIsEncodedIsDecodedAgain) {
  for (const std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xff\xfe\xfb"}) {
    EXPECT_EQ(decode_base64url(encode_base64url(text)), std::string(text));
  }
  EXPECT_EQ(encode_base64url("fooba"), "Zm9vYmE");
  EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
}

}  // namespace
}  // namespace weir::controlplane
