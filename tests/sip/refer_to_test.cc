#include "sip/refer_to.h"

#include <gtest/gtest.h>

#include "sip/refer_sub.h"
#include "sip/referred_by.h"

namespace weir::sip {
namespace {

TEST(ReferTo, ABlindTransferIsAnInviteToItsTarget) {
  const std::optional<ReferTo> refer_to =
      parse_refer_to("\"Carol\" <sip:carol@cleveland.example.org;transport=tcp>;x=1");
  ASSERT_TRUE(refer_to);
  EXPECT_EQ(refer_to->method, "INVITE");
  EXPECT_EQ(write(refer_to->target.uri), "sip:carol@cleveland.example.org;transport=tcp");
  EXPECT_FALSE(refer_to->replaces);
  EXPECT_EQ(write(*refer_to), "\"Carol\" <sip:carol@cleveland.example.org;transport=tcp>;x=1");
}

TEST(ReferTo, AnAttendedTransferCarriesReplacesInItsUri) {
  // RFC 3891 section 6.1 and RFC 3515 section 2.1.
  const std::optional<ReferTo> refer_to = parse_refer_to(
      "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>");
  ASSERT_TRUE(refer_to && refer_to->replaces);
  EXPECT_EQ(*refer_to->replaces, (Replaces{"12345@192.168.118.3", "12345", "5FFE-3994", false, {}}));
  EXPECT_EQ(write(refer_to->target.uri), "sip:dave@denver.example.org") << "fit for a start line";
  EXPECT_EQ(parse_refer_to(write(*refer_to))->replaces, refer_to->replaces);
}

TEST(ReferTo, MethodAndOtherHeadersAreTakenOutOfTheUri) {
  // RFC 3515 section 2.1.
  const std::optional<ReferTo> refer_to = parse_refer_to(
      "<sips:a8342043f@atlanta.example.com;method=SUBSCRIBE?Accept-Contact=sip:bobsdesk%40biloxi.example.com&Require=x%"
      "2Cy&replaces="
      "a%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only>");
  ASSERT_TRUE(refer_to);
  EXPECT_EQ(refer_to->method, "SUBSCRIBE");
  EXPECT_EQ(refer_to->headers,
            (std::vector<UriHeader>{{"Accept-Contact", "sip:bobsdesk@biloxi.example.com"}, {"Require", "x,y"}}));
  EXPECT_TRUE(refer_to->replaces->early_only);
  EXPECT_EQ(write(refer_to->target.uri), "sips:a8342043f@atlanta.example.com");
  const std::string written = write(*refer_to);
  EXPECT_EQ(write(*parse_refer_to(written)), written);
}

TEST(ReferTo, MalformedOnesAreNone) {
  for (const std::string_view text :
       {"", "carol", "<sip:a@h", "<sip:a@h;method>", "<sip:a@h;method=A;method=B>", "<sip:a@h;method=A%20B>",
        "<sip:a@h?Replaces=x>",
        "<sip:a@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "<sip:a@h?noequals>",
        "<sip:a@h?=x>", "<sip:a@h?a%20b=x>", "<sip:a@h?Subject=x%0D%0AVia:%20y>", "<sip:a@h?Subject=%00>",
        "sip:a@h?Subject=x", "<sip:a@h>, <sip:b@h>"}) {
    EXPECT_FALSE(parse_refer_to(text)) << text;
  }
  std::string many = "<sip:a@h?a=b";
  for (std::size_t i = 1; i < kUriHeadersMax; ++i) many += "&a=b";
  EXPECT_TRUE(parse_refer_to(many + ">"));
  EXPECT_FALSE(parse_refer_to(many + "&a=b>"));
}

TEST(ReferTo, OtherSchemesHaveNeitherMethodNorHeaders) {
  const std::optional<ReferTo> refer_to = parse_refer_to("<tel:+12015550123;phone-context=x>");
  ASSERT_TRUE(refer_to);
  EXPECT_EQ(refer_to->target.uri.user_text(), "+12015550123");
  EXPECT_EQ(write(*refer_to), "<tel:+12015550123;phone-context=x>");
}

TEST(ReferSub, IsTrueOrFalse) {
  EXPECT_EQ(parse_refer_sub("false"), false);
  EXPECT_EQ(parse_refer_sub(" True ;x=y"), true);
  for (const std::string_view text : {"", "no", "false true", "false;", "true,false"}) {
    EXPECT_FALSE(parse_refer_sub(text)) << text;
  }
  EXPECT_EQ(parse_refer_sub(write_refer_sub(true)), true);
  EXPECT_EQ(parse_refer_sub(write_refer_sub(false)), false);
}

TEST(ReferredBy, NamesItsReferrerAndTheProof) {
  // RFC 3892 section 2.
  const std::optional<ReferredBy> referred_by =
      parse_referred_by("<sip:referror@referror.example> ;cid=\"20398823.2UWQFN309shb3@referror.example\"");
  ASSERT_TRUE(referred_by);
  EXPECT_EQ(referred_by->referrer.uri.user, "referror");
  EXPECT_EQ(referred_by->cid, "20398823.2UWQFN309shb3@referror.example");
  EXPECT_EQ(write(*referred_by), "<sip:referror@referror.example>;cid=\"20398823.2UWQFN309shb3@referror.example\"");
  EXPECT_EQ(parse_referred_by("sip:r@ref.example")->cid, "");
  for (const std::string_view text :
       {"", "<sip:a@h>;cid", "<sip:a@h>;cid=\"\"", "<sip:a@h>;cid=\"a\";cid=\"b\"", "a"}) {
    EXPECT_FALSE(parse_referred_by(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
