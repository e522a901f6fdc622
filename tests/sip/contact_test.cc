#include "sip/contact.h"

#include <gtest/gtest.h>

#include "sip/retry_after.h"
#include "sip/warning.h"

namespace weir::sip {
namespace {

NameAddr contact(std::string_view parameters) {
  return *parse_name_addr("<sip:a@h>" + std::string(parameters));
}

TEST(Contact, ABindingSaysItsTermsAndItsInstance) {
  // RFC 5626 section 4.1.
  const NameAddr binding =
      contact(";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";expires=3600;q=0.7");
  EXPECT_EQ(contact_expires_s(binding), 3600u);
  EXPECT_EQ(contact_q_milli(binding), 700);
  EXPECT_EQ(contact_instance(binding), "urn:uuid:00000000-0000-1000-8000-000A95A0E128");
  EXPECT_EQ(contact_reg_id(binding), 1u);
}

TEST(Contact, WhatIsAbsentMalformedOrTwofoldIsNotSaid) {
  for (const std::string_view parameters :
       {"", ";expires;q;+sip.instance;reg-id", ";expires=x;q=x;+sip.instance=x;reg-id=x",
        ";expires=4294967296;q=1.001;+sip.instance=\"<>\";reg-id=0",
        ";expires=1;expires=2;q=0;q=1;+sip.instance=\"<a>\";+sip.instance=\"<b>\";reg-id=1;reg-id=2",
        ";expires=\"1\";q=0.1234;+sip.instance=\"a\";reg-id=2147483648", ";q=2", ";q=.5", ";q=01"}) {
    const NameAddr binding = contact(parameters);
    EXPECT_FALSE(contact_expires_s(binding)) << parameters;
    EXPECT_FALSE(contact_q_milli(binding)) << parameters;
    EXPECT_EQ(contact_instance(binding), "") << parameters;
    EXPECT_FALSE(contact_reg_id(binding)) << parameters;
  }
}

TEST(Contact, QIsReadInThousandths) {
  EXPECT_EQ(contact_q_milli(contact(";q=0")), 0);
  EXPECT_EQ(contact_q_milli(contact(";q=0.")), 0);
  EXPECT_EQ(contact_q_milli(contact(";q=0.05")), 50);
  EXPECT_EQ(contact_q_milli(contact(";q=0.333")), 333);
  EXPECT_EQ(contact_q_milli(contact(";Q=1.000")), 1000);
}

TEST(Warning, HasACodeAnAgentAndAText) {
  const std::optional<Warning> warning = parse_warning("307 isi.edu:5060 \"Session \\\"parameter\\\" not understood\"");
  ASSERT_TRUE(warning);
  EXPECT_EQ(*warning, (Warning{307, "isi.edu:5060", "Session \"parameter\" not understood"}));
  EXPECT_EQ(parse_warning(write(*warning)), warning);
  for (const std::string_view text : {"", "1812 overture \"In Progress\"", "99 a \"b\"", "099 a \"b\"", "399 a b",
                                      "399 \"b\"", "399 a \"b", "399 a \"b\" c", "399 a/b \"c\""}) {
    EXPECT_FALSE(parse_warning(text)) << text;
  }
}

TEST(RetryAfter, HasSecondsAndPerhapsACommentAndADuration) {
  // RFC 3261 section 20.33.
  EXPECT_EQ(parse_retry_after("18000;duration=3600"), (RetryAfter{18000, 3600, {}}));
  EXPECT_EQ(write(*parse_retry_after("120 (I'm in a (long\\)) meeting) ;x")), "120;x");
  EXPECT_EQ(write(*parse_retry_after("5")), "5");
  for (const std::string_view text : {"", "x", "4294967296", "949302838503028349304023988", "5 (", "5 (()", "5 )",
                                      "5;duration", "5;duration=x", "5;duration=1;duration=2", "5 (a) (b)", "5 6"}) {
    EXPECT_FALSE(parse_retry_after(text)) << text;
  }
}

}  // namespace
}  // namespace weir::sip
