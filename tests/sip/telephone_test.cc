#include "sip/telephone.h"

#include <gtest/gtest.h>

#include "sip/info_package.h"

namespace weir::sip {
namespace {

std::optional<Telephone> of(std::string_view uri) {
  const std::optional<Uri> parsed = parse_uri(uri);
  return parsed ? telephone_of(*parsed) : std::nullopt;
}

TEST(Telephone, AGlobalNumberIsItsDigits) {
  // RFC 3966 section 6.
  const std::optional<Telephone> number = of("tel:+1-201-555-0123");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->number, "+12015550123");
  EXPECT_TRUE(number->global());
  EXPECT_EQ(write(make_tel_uri(*number)), "tel:+12015550123");
  EXPECT_EQ(of("tel:+(44).20.7946-0000;ext=12;isub=3")->number, "+442079460000");
}

TEST(Telephone, ALocalNumberHasAContext) {
  const std::optional<Telephone> number = of("tel:863-1234;x=y;phone-context=+1-914-555");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->number, "8631234");
  EXPECT_EQ(number->context, "+1-914-555");
  EXPECT_FALSE(number->global());
  EXPECT_EQ(write(make_tel_uri(*number)), "tel:8631234;phone-context=+1-914-555;x=y");
  EXPECT_EQ(of("tel:7042;phone-context=example.com")->context, "example.com");
  EXPECT_EQ(of("tel:*21%23a")->number, "*21#A");
  EXPECT_EQ(telephone_of(make_tel_uri(*of("tel:*21%23a"))), of("tel:*21%23a"));
  EXPECT_EQ(of("tel:911")->context, "");
}

TEST(Telephone, AUserWhoIsAPhoneHasANumber) {
  // RFC 3261 section 19.1.6.
  EXPECT_EQ(of("sip:+358-555-1234567;postd=pp22@foo.com;user=phone")->number, "+3585551234567");
  EXPECT_EQ(of("sip:+358-555-1234567;postd=pp22@foo.com;user=phone")->parameters.value("postd"), "pp22");
  EXPECT_EQ(of("sips:%2B15551234@h;user=PHONE")->number, "+15551234");
  EXPECT_FALSE(of("sip:+15551234@h"));
  EXPECT_FALSE(of("sip:+15551234@h;user=ip"));
}

TEST(Telephone, MalformedOnesAreNone) {
  for (const std::string_view uri :
       {"tel:+", "tel:-", "tel:()", "tel:+1a", "tel:12g", "tel:1+2", "tel:++1", "tel:+*1", "tel:1;phone-context",
        "tel:1;phone-context=", "tel:1;phone-context=a;phone-context=b", "tel:1;", "tel:1;;a=b", "tel:+1%00",
        "sip:alice@h;user=phone", "sip:h;user=phone", "http:1"}) {
    EXPECT_FALSE(of(uri)) << uri;
  }
}

TEST(InfoPackage, HasANameAndParameters) {
  const std::optional<InfoPackage> package = parse_info_package("foo-bar ; x = y;z");
  ASSERT_TRUE(package);
  EXPECT_EQ(package->name, "foo-bar");
  EXPECT_EQ(write(*package), "foo-bar;x=y;z");
  EXPECT_EQ(parse_info_package(write(*package)), package);
  for (const std::string_view text : {"", ";x", "a b", "a,b", "a;"}) EXPECT_FALSE(parse_info_package(text)) << text;
}

}  // namespace
}  // namespace weir::sip
