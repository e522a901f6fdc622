#include "sip/identity.h"

#include <gtest/gtest.h>

#include "sip/privacy.h"

namespace weir::sip {
namespace {

Message with(HeaderId header, std::initializer_list<std::string_view> lines) {
  Message message = Message::request("INVITE", "sip:a@h");
  for (const std::string_view line : lines) message.add_header(header, line);
  return message;
}

Identity asserted(std::initializer_list<std::string_view> lines) {
  return identity_of(with(HeaderId::kPAssertedIdentity, lines), HeaderId::kPAssertedIdentity);
}

TEST(Identity, IsASipAndATelUri) {
  // RFC 3325 section 10.2.
  const Identity identity = asserted({"\"Cullen Jennings\" <sip:fluffy@cisco.com>", "tel:+14085264000"});
  ASSERT_TRUE(identity.sip && identity.tel);
  EXPECT_EQ(identity.sip->display_name, "Cullen Jennings");
  EXPECT_EQ(identity.tel->uri.user_text(), "+14085264000");
  EXPECT_EQ(write(identity), "\"Cullen Jennings\" <sip:fluffy@cisco.com>, <tel:+14085264000>");
  EXPECT_EQ(write(asserted({write(identity)})), write(identity)) << "on one line as on two";
}

TEST(Identity, TheFirstOfEitherKindCounts) {
  // RFC 5876 section 4.5.
  const Identity identity = asserted({"<http://x>, <sips:a@h>, <sip:b@h>, <tel:+1>, <tel:+2>"});
  EXPECT_EQ(write(identity), "<sips:a@h>, <tel:+1>");
  EXPECT_TRUE(asserted({}).empty());
  EXPECT_TRUE(asserted({""}).empty());
  EXPECT_EQ(write(Identity{}), "");
}

TEST(Identity, HalfAHeaderIsNoAssertion) {
  EXPECT_TRUE(asserted({"<sip:a@h>, <sip:b@"}).empty());
  EXPECT_TRUE(asserted({"<sip:a@h>", "nonsense"}).empty());
  EXPECT_TRUE(asserted({"\"x <sip:a@h>"}).empty());
}

Privacy privacy(std::initializer_list<std::string_view> lines) {
  return privacy_of(with(HeaderId::kPrivacy, lines));
}

TEST(Privacy, HoldsEveryWishOnce) {
  const Privacy wishes = privacy({"header; Session ;critical", "id, HEADER"});
  EXPECT_EQ(write(wishes), "header;Session;critical;id");
  EXPECT_TRUE(wishes.wants("session") && wishes.wants("ID"));
  EXPECT_FALSE(wishes.wants("user"));
  EXPECT_EQ(privacy({write(wishes)}), wishes);
  EXPECT_EQ(write(privacy({"", ";;"})), "");
}

TEST(Privacy, WhatCannotBeReadAsksForThePrivacyOfTheIdentity) {
  EXPECT_EQ(write(privacy({"user; i d"})), "user;id");
  EXPECT_EQ(write(privacy({"\"none\""})), "id");
}

}  // namespace
}  // namespace weir::sip
