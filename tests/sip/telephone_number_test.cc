// RFC 8224 section 8: what two ends make of the same number, however it is written.
#include "sip/telephone_number.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

using enum CanonicalIdentity::Kind;

CanonicalIdentity of(std::string_view uri, const NumberPlan& plan = {}) {
  return canonical_identity(*parse_uri(uri), plan);
}

TEST(TelephoneNumber, ANumberIsItsDigits) {
  const CanonicalIdentity number{kNumber, "12155551212"};
  for (const std::string_view uri :
       {"tel:+1-215-555-1212", "tel:+12155551212;ext=7", "sip:+1(215)555-1212@h;user=phone", "sip:+12155551212@h",
        "sips:+1.215.555.1212@[2001:db8::1]:5061;user=phone", "sip:12155551212@h;user=phone",
        "sip:+12155551212;npdi;rn=+12155550000@h;user=phone", "sip:%2B12155551212@h;user=phone"}) {
    EXPECT_EQ(of(uri), number) << uri;
  }
  EXPECT_EQ(of("tel:*67;phone-context=example.com"), (CanonicalIdentity{kNumber, "*67"}));
  EXPECT_EQ(of("tel:911"), (CanonicalIdentity{kNumber, "911"}));
  EXPECT_EQ(of("tel:555-1212;phone-context=+1-215"), (CanonicalIdentity{kNumber, "12155551212"}));
}

TEST(TelephoneNumber, WhatIsNoNumberIsItsUserAndHost) {
  for (const auto& [uri, canonical] :
       {std::pair{"sip:alice@example.com", "sip:alice@example.com"},
        {"SIP:Alice:secret@EXAMPLE.com:5060;transport=tcp?Subject=x", "sip:Alice@example.com"},
        {"sips:%61lice@Example.com", "sips:alice@example.com"},
        {"sip:a%2fb%20c@h", "sip:a%2Fb%20c@h"},
        {"sip:h.example:5060", "sip:h.example"},
        {"sip:7042@h", "sip:7042@h"},
        {"sip:12155551212@h", "sip:12155551212@h"},
        {"sip:+1215x@h", "sip:+1215x@h"},
        {"sip:12a@h;user=phone", "sip:12a@h"},
        {"im:alice@h", "im:alice@h"},
        {"sip:c@[2001:DB8::1]:5060", "sip:c@[2001:db8::1]"}}) {
    EXPECT_EQ(of(uri), (CanonicalIdentity{kUri, canonical})) << uri;
  }
}

TEST(TelephoneNumber, APlanMakesNationalNumbersGlobal) {
  const NumberPlan plan{.country_code = "49",
                        .national_prefix = "0",
                        .national_digits = 0,
                        .international_prefix = "00",
                        .digits_are_numbers = true};
  EXPECT_EQ(of("tel:030-123456", plan).text, "4930123456");
  EXPECT_EQ(of("tel:004930123456", plan).text, "4930123456");
  EXPECT_EQ(of("sip:030123456@h", plan), (CanonicalIdentity{kNumber, "4930123456"}));
  EXPECT_EQ(of("sip:+12155551212@h", plan).text, "12155551212");
  EXPECT_EQ(of("tel:112", plan).text, "112");
  EXPECT_EQ(of("tel:*100%23", plan), (CanonicalIdentity{kNumber, "*100#"}));
  EXPECT_EQ(of("sip:7042@h", plan), (CanonicalIdentity{kUri, "sip:7042@h"}));
}

TEST(TelephoneNumber, APlanOfOneLengthKnowsNationalNumbersByIt) {
  const NumberPlan plan{.country_code = "1",
                        .national_prefix = "1",
                        .national_digits = 10,
                        .international_prefix = "011",
                        .digits_are_numbers = true};
  for (const char* const number : {"tel:2155551212", "tel:(215)555-1212", "tel:12155551212", "sip:2155551212@h"}) {
    EXPECT_EQ(of(number, plan), (CanonicalIdentity{kNumber, "12155551212"})) << number;
  }
  EXPECT_EQ(of("tel:0114930123456", plan).text, "4930123456");
  EXPECT_EQ(of("tel:5551212", plan).text, "5551212");
  EXPECT_EQ(of("tel:911", plan).text, "911");
  EXPECT_EQ(of("tel:+2155551212", plan).text, "2155551212") << "global already";
}

Message request() {
  Message message = Message::request("INVITE", "sip:+12155550000@target.example");
  message.add_header(HeaderId::kFrom, "<sip:+12155551212@a.example>;tag=1");
  message.add_header(HeaderId::kTo, "Bob <sip:bob@B.example;x=y>");
  return message;
}

TEST(TelephoneNumber, TheCallerIsWhoATrustedNetworkAssertsElseFrom) {
  Message message = request();
  const CanonicalIdentity from{kNumber, "12155551212"};
  EXPECT_EQ(calling_identities(message, true), std::vector{from});
  message.add_header(HeaderId::kPAssertedIdentity, "<sip:carol@c.example>, <tel:+1-215-555-9999>");
  EXPECT_EQ(calling_identities(message, false), std::vector{from});
  EXPECT_EQ(calling_identities(message, true),
            (std::vector<CanonicalIdentity>{{kNumber, "12155559999"}, {kUri, "sip:carol@c.example"}}));
  message.set_header(HeaderId::kPAssertedIdentity, "<sip:+12155559999@c.example>, <tel:+1-215-555-9999>");
  EXPECT_EQ(calling_identities(message, true).size(), 1u);
}

TEST(TelephoneNumber, TheCalledIsToAndTheTargetIsTheRequestUri) {
  EXPECT_EQ(called_identities(request()), (std::vector<CanonicalIdentity>{{kUri, "sip:bob@b.example"}}));
  EXPECT_EQ(target_identities(request()), (std::vector<CanonicalIdentity>{{kNumber, "12155550000"}}));
  EXPECT_TRUE(called_identities(Message::request("INVITE", "sip:b@h")).empty());
  EXPECT_TRUE(calling_identities(Message::request("INVITE", "sip:b@h"), true).empty());
}

}  // namespace
}  // namespace weir::sip
