// REGISTERs of those who mean harm, and of those who are mistaken: each is refused, and changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <map>

#include "controlplane/registrar.h"
#include "tests/support/registrar_lab.h"

namespace weir::controlplane {
namespace {

using sip::HeaderId;
using sip::Message;
using tests::kCallers;
using tests::RegisterText;
using tests::RegistrarLab;

struct Row {
  const char* description;
  RegisterText text;
  std::uint16_t status;
};

/// Each with a proof of alice's password, while one binding of hers is there.
const Row kRows[] = {
    {"another user's address", {.user = "bob"}, 403},
    {"a user nobody has", {.user = "carol"}, 403},
    {"no user", {.to = "sip:example.com"}, 404},
    {"another domain", {.to = "sip:alice@example.org"}, 404},
    {"a telephone number", {.to = "tel:+441632960123"}, 404},
    {"another domain in the Request-URI", {.uri = "sip:example.org"}, 404},
    {"a user with control characters", {.to = "sip:alice%00@example.com"}, 404},
    {"an endless user", {.to = "sip:" + std::string(200, 'a') + "@example.com"}, 404},
    {"a star without Expires", {.contacts = {"*"}}, 400},
    {"a star that lasts", {.contacts = {"*"}, .headers = "Expires: 100\r\n"}, 400},
    {"a star among others", {.contacts = {"*", "<sip:a@198.18.1.3>"}, .headers = "Expires: 0\r\n"}, 400},
    {"two stars", {.contacts = {"<sip:a@198.18.1.3>", "*"}, .headers = "Expires: 0\r\n"}, 400},
    {"a required extension", {.headers = "Require: path, nothing-like-it\r\n"}, 420},
    {"too brief", {.headers = "Expires: 10\r\n"}, 423},
    {"one of two is too brief", {.contacts = {"<sip:a@198.18.1.3>", "<sip:b@198.18.1.3>;expires=1"}}, 423},
    {"a telephone number as contact", {.contacts = {"<tel:+441632960123>"}}, 400},
    {"a contact with headers", {.contacts = {"<sip:a@198.18.1.3?Route=%3Csip:x%3E>"}}, 400},
    {"a contact of loopback", {.contacts = {"<sip:a@127.0.0.1>"}}, 403},
    {"a contact of localhost", {.contacts = {"<sip:a@LocalHost>"}}, 403},
    {"a contact of multicast", {.contacts = {"<sip:a@224.0.1.75>"}}, 403},
    {"a contact of broadcast", {.contacts = {"<sip:a@255.255.255.255>"}}, 403},
    {"a contact of our own", {.contacts = {"<sip:a@198.18.1.1>"}}, 403},
    {"one of two is our own", {.contacts = {"<sip:a@198.18.1.3>", "<sip:a@198.18.1.1>"}}, 403},
    {"a Path to our own", {.headers = "Supported: path\r\nPath: <sip:198.18.1.1;lr>\r\n"}, 403},
    {"a Path that is none", {.headers = "Supported: path\r\nPath: nothing\r\n"}, 400},
    {"an endless Path",
     {.headers = "Supported: path\r\nPath: <sip:" + std::string(1100, 'p') + "@198.18.1.7;lr>\r\n"},
     400},
    {"an endless contact", {.contacts = {"<sip:" + std::string(600, 'c') + "@198.18.1.3>"}}, 400},
    {"an endless Call-ID", {.call_id = std::string(300, 'i')}, 400},
    {"a malformed q", {.contacts = {"<sip:a@198.18.1.3>;q=1.5"}}, 400},
    {"a q that is no number", {.contacts = {"<sip:a@198.18.1.3>;q=best"}}, 400},
};

TEST(RegistrarHostile, WhatMayNotBeChangesNothing) {
  RegistrarLab lab;
  ASSERT_EQ(lab.register_with({}).status(), 200);
  const std::string before = boost::json::serialize(lab.registrar().registrations_view());
  for (const Row& row : kRows) {
    EXPECT_EQ(lab.register_with(row.text).status(), row.status) << row.description;
    EXPECT_EQ(boost::json::serialize(lab.registrar().registrations_view()), before) << row.description;
  }
}

TEST(RegistrarHostile, AUserMayHaveSeveralAddresses) {
  RegistrarLab lab;
  EXPECT_EQ(lab.register_with({.user = "+441632960123"}).status(), 200);
  EXPECT_EQ(lab.register_with({.to = "sip:%61lice@198.18.1.1:5060;user=phone"}).status(), 200);
  EXPECT_EQ(lab.registrar().lookup(kCallers, "alice").size(), 1u);
}

TEST(RegistrarHostile, ManyContactsAreOneTooMany) {
  RegistrarLab lab;
  std::string all;
  for (int i = 0; i < 400; ++i) all += (i == 0 ? "<sip:" : ",<sip:") + std::to_string(i) + "@1.2.3.4>";
  EXPECT_EQ(lab.register_with({.contacts = {all}}).status(), 403);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(lab.register_with({.contacts = {"<sip:" + std::to_string(i) + "@198.18.1.2>"}}).status(), 200);
  }
  EXPECT_EQ(lab.register_with({.contacts = {"<sip:10@198.18.1.2>"}}).status(), 403);
  EXPECT_EQ(lab.register_with({.contacts = {"<sip:9@198.18.1.2>;expires=0", "<sip:10@198.18.1.2>"}}).status(), 200)
      << "one for another";
  for (const char* twice : {"<sip:0@198.18.1.2>;expires=0", "<sip:0@198.18.1.2>"}) {
    EXPECT_EQ(lab.register_with({.contacts = {"<sip:0@198.18.1.2>;expires=0", twice, "<sip:11@198.18.1.2>",
                                              "<sip:12@198.18.1.2>"}})
                  .status(),
              403)
        << twice;
  }
  EXPECT_EQ(lab.registrar().bindings(), 10u);
}

TEST(RegistrarHostile, BindingsOfAllAreBounded) {
  RegistrarLab lab([](auto& settings) { settings.registrar.bindings_max = 2; });
  EXPECT_EQ(lab.register_with({.contacts = {"<sip:1@198.18.1.2>", "<sip:2@198.18.1.2>"}}).status(), 200);
  const Message full = lab.register_with({.user = "bob", .name = "bob", .password = "builder"});
  EXPECT_EQ(full.status(), 503);
  EXPECT_TRUE(full.has(HeaderId::kRetryAfter));
  EXPECT_EQ(lab.register_with({.contacts = {"<sip:2@198.18.1.2>"}}).status(), 200) << "those that are there stay";
}

// RFC 3261 section 10.3, step 7: of one Call-ID only a higher CSeq changes a binding.
TEST(RegistrarHostile, AnOldRequestOfTheSameCallIdIsRefusedWhole) {
  RegistrarLab lab;
  ASSERT_EQ(lab.register_with({.cseq = 10}).status(), 200);
  const RegisterText late{.contacts = {"<sip:new@198.18.1.2>", "<sip:alice@198.18.1.2:5062>;expires=0"}, .cseq = 9};
  EXPECT_EQ(lab.register_with(late).status(), 500) << "10, with credentials: the binding's own";
  EXPECT_EQ(lab.register_with({.contacts = {"*"}, .headers = "Expires: 0\r\n", .cseq = 5}).status(), 500);
  EXPECT_EQ(lab.registrar().bindings(), 1u);
  EXPECT_EQ(lab.register_with({.call_id = "another", .cseq = 1}).status(), 200);
}

TEST(RegistrarHostile, NoPasswordLeavesNothing) {
  RegistrarLab lab([](auto& settings) {
    settings.registrar.failures_per_min_per_source_max = 0;
    settings.limits.registers_per_s_max = 0;
    settings.limits.registers_per_s_per_source_max = 0;
  });
  EXPECT_EQ(lab.register_with({.password = "guess"}).status(), 401);
  EXPECT_EQ(lab.register_with({.name = "nobody"}).status(), 401);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(lab.ask({.call_id = std::to_string(i)}).status(), 401);
    EXPECT_EQ(lab.register_with({.password = "guess"}).status(), 401);
  }
  EXPECT_TRUE(lab.calls().control().idle()) << "no transaction is left of it";
  EXPECT_EQ(lab.registrar().bindings(), 0u);
  EXPECT_EQ(lab.registrar().counters().failures, 1002u);
}

TEST(RegistrarHostile, AReplayedRequestIsNoProof) {
  RegistrarLab lab;
  RegisterText text;
  const Message challenge = lab.ask(text);
  text.cseq = 0;
  const std::string proof = lab.write(text, &challenge);
  EXPECT_EQ(lab.deliver(proof, lab.phone)->status(), 200);
  EXPECT_EQ(lab.deliver(proof, lab.phone)->status(), 200) << "a retransmission: its transaction answers";
  lab.advance_s(40);
  const auto replay = lab.deliver(proof, lab.phone);
  EXPECT_EQ(replay->status(), 401);
  EXPECT_TRUE(sip::digest_challenges(*replay, HeaderId::kWwwAuthenticate).at(0).stale);

  sip::Hop thief = lab.phone;
  thief.remote.address = proto::parse_ip_address("198.18.1.66").value();
  text = {.contacts = {"<sip:thief@198.18.1.66>"}};
  EXPECT_EQ(lab.deliver(lab.write(text, &challenge, 2), thief)->status(), 401) << "another's nonce";
  text = {};
  EXPECT_EQ(lab.deliver(lab.write(text, &challenge, 2), lab.phone)->status(), 200) << "the phone goes on with it";
  lab.advance_s(400);
  text = {};
  const auto old = lab.deliver(lab.write(text, &challenge, 3), lab.phone);
  EXPECT_TRUE(sip::digest_challenges(*old, HeaderId::kWwwAuthenticate).at(0).stale);
}

TEST(RegistrarHostile, AGuesserIsBlockedForAWhileAndOthersAreNot) {
  RegistrarLab lab([](auto& settings) { settings.registrar.failures_per_min_per_source_max = 5; });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(lab.register_with({.password = std::to_string(i)}).status(), 401);
  const Message blocked = lab.register_with({});
  EXPECT_EQ(blocked.status(), 503) << "even with the right one";
  EXPECT_TRUE(blocked.has(HeaderId::kRetryAfter));
  const sip::Hop guesser = lab.phone;
  lab.phone.remote.address = proto::parse_ip_address("198.18.1.77").value();
  EXPECT_EQ(lab.register_with({}).status(), 200);
  lab.phone = guesser;
  lab.advance_s(61);
  EXPECT_EQ(lab.register_with({}).status(), 200);
}

TEST(RegistrarHostile, AFloodIsAnsweredInPartAndTakesNothingFromThoseWithAPassword) {
  RegistrarLab lab([](auto& settings) { settings.limits.registers_per_s_per_source_max = 10; });
  const Message challenge = lab.ask({});
  std::map<int, int> answers;
  for (int i = 0; i < 100; ++i) {
    RegisterText text;
    const auto answer = lab.deliver(lab.write(text, nullptr), lab.phone);
    ++answers[answer ? answer->status() : 0];
  }
  EXPECT_EQ(answers[401], 9);
  EXPECT_EQ(answers[503], 10);
  EXPECT_EQ(answers[0], 81) << "silence";
  EXPECT_EQ(lab.registrar().counters().limited, 91u);
  RegisterText proof;
  EXPECT_EQ(lab.deliver(lab.write(proof, &challenge), lab.phone)->status(), 200);
  int taken = 1;
  for (std::uint32_t count = 2; count < 30; ++count) {
    RegisterText more;
    const auto answer = lab.deliver(lab.write(more, &challenge, count), lab.phone);
    taken += answer && answer->status() == 200 ? 1 : 0;
  }
  EXPECT_EQ(taken, 10) << "they have the same rate";
}

TEST(RegistrarHostile, ARealmWithoutRegistrarTakesNone) {
  RegistrarLab lab([](auto& settings) {
    settings.realms[kCallers].registrar.domains.clear();
    settings.registrar.users.clear();
  });
  const Message response = lab.ask({});
  EXPECT_EQ(response.status(), 405);
  EXPECT_TRUE(response.has(HeaderId::kAllow));
}

}  // namespace
}  // namespace weir::controlplane
