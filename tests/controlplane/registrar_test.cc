// The registrar in virtual time: what RFC 3261 section 10 says, and where calls for its users go.
#include "controlplane/registrar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sip/digest.h"
#include "tests/support/registrar_lab.h"

namespace weir::controlplane {
namespace {

using sip::HeaderId;
using sip::Message;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::kCallers;
using tests::RegisterText;
using tests::RegistrarLab;

std::vector<std::string> uris(const std::vector<Target>& targets) {
  std::vector<std::string> list;
  for (const Target& target : targets) list.push_back(std::to_string(target.rank) + " " + write(target.uri));
  return list;
}

// RFC 3665 section 2.1: REGISTER, 401, REGISTER with credentials, 200.
TEST(Registrar, ChallengesAndThenRegisters) {
  RegistrarLab lab;
  const Message challenge = lab.ask({});
  ASSERT_EQ(challenge.status(), 401);
  const auto offered = sip::digest_challenges(challenge, HeaderId::kWwwAuthenticate);
  ASSERT_EQ(offered.size(), 2u) << "one for each algorithm";
  EXPECT_EQ(offered[0].realm, "example.com");
  EXPECT_FALSE(challenge.to_tag().empty());

  const Message response = lab.register_with({});
  EXPECT_EQ(response.status(), 200);
  EXPECT_THAT(RegistrarLab::contacts_of(response), ElementsAre("sip:alice@198.18.1.2:5062 3600"));
  EXPECT_TRUE(response.has(HeaderId::kDate));
  EXPECT_THAT(uris(lab.registrar().lookup(kCallers, "alice")), ElementsAre("0 sip:alice@198.18.1.2:5062"));
  EXPECT_THAT(lab.registrar().lookup(kCallers, "bob"), IsEmpty());
  EXPECT_THAT(lab.registrar().lookup(tests::kCallees, "alice"), IsEmpty());
}

// RFC 3665 section 2.2: another contact; 2.3: only asks; 2.4: one is cancelled.
TEST(Registrar, ContactsAreAddedAskedForAndRemoved) {
  RegistrarLab lab;
  lab.register_with({.headers = "Expires: 600\r\n"});
  lab.advance_s(100);
  const Message both = lab.register_with({.contacts = {"<sip:alice@198.18.1.9>;expires=1000"}});
  EXPECT_THAT(RegistrarLab::contacts_of(both),
              ElementsAre("sip:alice@198.18.1.2:5062 500", "sip:alice@198.18.1.9 1000"));
  EXPECT_EQ(RegistrarLab::contacts_of(lab.register_with({.contacts = {}})), RegistrarLab::contacts_of(both));
  const Message one = lab.register_with({.contacts = {"<sip:alice@198.18.1.2:5062>;expires=0"}});
  EXPECT_THAT(RegistrarLab::contacts_of(one), ElementsAre("sip:alice@198.18.1.9 1000"));
  const Message none = lab.register_with({.contacts = {"*"}, .headers = "Expires: 0\r\n"});
  EXPECT_EQ(none.status(), 200);
  EXPECT_THAT(RegistrarLab::contacts_of(none), IsEmpty());
  EXPECT_EQ(lab.registrar().bindings(), 0u);
}

TEST(Registrar, BindingsExpire) {
  RegistrarLab lab;
  lab.register_with({.contacts = {"<sip:alice@198.18.1.2:5062>;expires=60", "<sip:alice@198.18.1.3>;expires=120"}});
  lab.advance_s(59);
  EXPECT_EQ(lab.registrar().lookup(kCallers, "alice").size(), 2u);
  lab.advance_s(1);
  EXPECT_THAT(uris(lab.registrar().lookup(kCallers, "alice")), ElementsAre("0 sip:alice@198.18.1.3"));
  lab.advance_s(60);
  EXPECT_EQ(lab.registrar().bindings(), 0u);
}

TEST(Registrar, ExpiresIsBoundedAndDefaulted) {
  RegistrarLab lab;
  const auto granted = [&lab](const std::string& parameters, const std::string& headers) {
    const Message response = lab.register_with({.contacts = {"<sip:a@198.18.1.2>" + parameters}, .headers = headers});
    return response.status() == 200 ? RegistrarLab::contacts_of(response).at(0) : std::to_string(response.status());
  };
  EXPECT_EQ(granted("", ""), "sip:a@198.18.1.2 3600");
  EXPECT_EQ(granted(";expires=7201", "Expires: 100\r\n"), "sip:a@198.18.1.2 7200");
  EXPECT_EQ(granted(";expires=99999999999", ""), "sip:a@198.18.1.2 3600") << "malformed";
  EXPECT_EQ(granted(";expires=soon", ""), "sip:a@198.18.1.2 3600");
  EXPECT_EQ(granted("", "Expires: 4294967295\r\n"), "sip:a@198.18.1.2 7200");
  EXPECT_EQ(granted("", "Expires: 60\r\n"), "sip:a@198.18.1.2 60");
  EXPECT_EQ(granted(";expires=59", ""), "423");
  const Message brief = lab.register_with({.headers = "Expires: 1\r\n"});
  EXPECT_EQ(brief.number(HeaderId::kMinExpires), 60u);
}

TEST(Registrar, AContactIsKnownByItsUriAndInALaterRequestUpdated) {
  RegistrarLab lab;
  lab.register_with({.contacts = {"<sip:alice@198.18.1.2:5062>;q=0.3"}});
  const Message again = lab.register_with(
      {.contacts = {"<sip:alice@198.18.1.2:5062;user=phone>;q=0.5", "<sip:%61lice@198.18.1.2:5062>;q=0.7"}});
  const auto contacts = again.name_addrs(HeaderId::kContact);
  ASSERT_EQ(contacts.size(), 2u) << "user=phone makes another URI, an escape does not";
  EXPECT_EQ(contacts[0].parameters.value("q"), "0.7");
}

TEST(Registrar, OrderIsByQAndEqualOnesShareARank) {
  RegistrarLab lab;
  lab.register_with({.contacts = {"<sip:1@198.18.1.2>;q=0.5", "<sip:2@198.18.1.2>", "<sip:3@198.18.1.2>;q=0.5",
                                  "<sip:4@198.18.1.2>;q=0", "<sip:5@198.18.1.2>;q=1.000"}});
  EXPECT_THAT(uris(lab.registrar().lookup(kCallers, "alice")),
              ElementsAre("0 sip:2@198.18.1.2", "0 sip:5@198.18.1.2", "1 sip:1@198.18.1.2", "1 sip:3@198.18.1.2",
                          "2 sip:4@198.18.1.2"));
}

TEST(Registrar, AContactThatIsElsewhereIsCalledWhereItsRegisterCameFrom) {
  RegistrarLab lab;
  lab.register_with({.contacts = {"<sip:alice@192.168.1.5:5060>"}});
  auto targets = lab.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 1u);
  ASSERT_TRUE(targets[0].flow);
  EXPECT_EQ(targets[0].flow->hop, lab.phone);
  EXPECT_EQ(write(targets[0].uri), "sip:alice@192.168.1.5:5060");
  lab.connection_gone = true;
  EXPECT_THAT(lab.registrar().lookup(kCallers, "alice"), IsEmpty()) << "nothing leads there any more";

  RegistrarLab plain([](auto& settings) { settings.realms[kCallers].registrar.nat = false; });
  plain.register_with({.contacts = {"<sip:alice@192.168.1.5:5060>"}});
  targets = plain.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_FALSE(targets[0].flow);
}

TEST(Registrar, APathIsKeptAnsweredAndFollowed) {
  RegistrarLab lab;
  const std::string path = "<sip:edge2@198.18.1.8;lr>, <sip:edge1@198.18.1.7;lr>";
  const Message response = lab.register_with({.contacts = {"<sip:alice@192.168.1.5>"},
                                              .headers = "Supported: path\r\nPath: " + path + "\r\n",
                                              .via_below = "SIP/2.0/UDP 192.168.1.5;branch=z9hG4bKp"});
  ASSERT_EQ(response.status(), 200);
  EXPECT_EQ(response.header(HeaderId::kPath), path);
  const auto targets = lab.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_FALSE(targets[0].flow);
  ASSERT_EQ(targets[0].routes.size(), 2u);
  EXPECT_EQ(write(targets[0].routes[0].uri), "sip:edge2@198.18.1.8;lr");

  const Message refused = lab.register_with({.headers = "Path: " + path + "\r\n"});
  EXPECT_EQ(refused.status(), 420);
  EXPECT_EQ(refused.header(HeaderId::kUnsupported), "path");
}

TEST(Registrar, ServiceRouteIsGiven) {
  RegistrarLab lab([](auto& settings) { settings.realms[kCallers].registrar.service_route = "sip:198.18.1.1;lr"; });
  EXPECT_EQ(lab.register_with({}).header(HeaderId::kServiceRoute), "<sip:198.18.1.1;lr>");
}

// RFC 5626 section 6.
TEST(Registrar, AFlowIsKnownByItsInstanceWhateverItsAddress) {
  RegistrarLab lab;
  const std::string flow = R"(;+sip.instance="<urn:uuid:1>";reg-id=1)";
  const Message first =
      lab.register_with({.contacts = {"<sip:alice@10.0.0.1>" + flow}, .headers = "Supported: path, outbound\r\n"});
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(first.header(HeaderId::kRequire), "outbound");
  const Message second =
      lab.register_with({.contacts = {"<sip:alice@10.0.0.2>" + flow}, .headers = "Supported: outbound\r\n"});
  EXPECT_THAT(RegistrarLab::contacts_of(second), ElementsAre("sip:alice@10.0.0.2 3600"));
  ASSERT_EQ(lab.registrar().lookup(kCallers, "alice").size(), 1u);
  EXPECT_TRUE(lab.registrar().lookup(kCallers, "alice")[0].flow);
  const Message far = lab.register_with({.contacts = {"<sip:alice@10.0.0.3>" + flow},
                                         .headers = "Supported: outbound\r\n",
                                         .via_below = "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKp"});
  EXPECT_EQ(far.status(), 439);
}

// RFC 5626 section 5.3, step 1: never more than one of an instance at a time.
TEST(Registrar, OfAnInstanceOneFlowIsAskedAndTheOthersAfterIt) {
  RegistrarLab lab;
  const auto flow = [](const std::string& instance, const std::string& rest) {
    return "<sip:alice@10.0.0.1>;+sip.instance=\"<urn:uuid:" + instance + ">\"" + rest;
  };
  const std::string outbound = "Supported: path, outbound\r\n";
  lab.register_with({.contacts = {flow("1", ";reg-id=1;q=0.5")}, .headers = outbound});
  lab.register_with({.contacts = {flow("1", ";reg-id=2")}, .headers = outbound});
  lab.register_with({.contacts = {flow("2", ";reg-id=1")}, .headers = outbound});
  lab.register_with({.contacts = {"<sip:alice@198.18.1.9>"}});
  const auto targets = lab.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 3u);
  ASSERT_EQ(targets[0].other_flows.size(), 1u) << "the better one first";
  EXPECT_THAT(targets[1].other_flows, IsEmpty());
  EXPECT_THAT(targets[2].other_flows, IsEmpty());
}

class RegistrarGruu : public testing::Test {
 protected:
  static constexpr const char* kInstance = R"(;+sip.instance="<urn:uuid:1>")";
  /// Registers that contact, and keeps the GRUUs that are given.
  void take(const std::string& contact, const std::string& call_id = "c1", const std::string& more = "gruu") {
    const Message response =
        lab.register_with({.contacts = {contact}, .headers = "Supported: " + more + "\r\n", .call_id = call_id});
    ASSERT_EQ(response.status(), 200);
    const auto given = response.name_addrs(HeaderId::kContact).back().parameters;
    const auto bare = [](std::string_view text) { return std::string(text.substr(1, text.size() - 2)); };
    lasting = bare(given.value("pub-gruu").value_or("--"));
    temporary = bare(given.value("temp-gruu").value_or("--"));
  }
  /// Whom it reaches: "USER: URI", "status", or "other".
  std::string reached(const std::string& gruu) {
    const auto found = lab.registrar().resolve(sip::parse_uri(gruu).value());
    if (const auto* refusal = std::get_if<Refusal>(&found)) return std::to_string(refusal->status);
    const auto* const instance = std::get_if<Instance>(&found);
    if (instance == nullptr) return "other";
    const auto targets = lab.registrar().lookup(*instance);
    EXPECT_LE(targets.size(), 1u);
    return instance->user + ": " + (targets.empty() ? "nowhere" : write(targets.front().uri));
  }
  RegistrarLab lab{[](auto& settings) { settings.registrar.store = "here"; }};
  std::string lasting;
  std::string temporary;
};

TEST_F(RegistrarGruu, AnInstanceIsToldTwoAndBothReachItAlone) {
  take("<sip:alice@198.18.1.2:5062>" + std::string(kInstance));
  take("<sip:alice@198.18.1.3>;+sip.instance=\"<urn:uuid:2>\"", "c2");
  EXPECT_EQ(lasting, "sip:alice@example.com;gr=urn:uuid:2");
  EXPECT_TRUE(temporary.ends_with("@example.com;gr")) << temporary;
  EXPECT_EQ(temporary.find("alice"), std::string::npos);
  EXPECT_EQ(reached(lasting), "alice: sip:alice@198.18.1.3");
  EXPECT_EQ(reached(temporary), "alice: sip:alice@198.18.1.3");
  EXPECT_EQ(reached("sip:alice@example.com;gr=urn:uuid:1"), "alice: sip:alice@198.18.1.2:5062");
}

TEST_F(RegistrarGruu, WhoDoesNotAskOrIsNoInstanceIsToldNone) {
  take("<sip:alice@198.18.1.2:5062>" + std::string(kInstance), "c1", "path");
  EXPECT_EQ(lasting, "");
  take("<sip:alice@198.18.1.2:5062>;+sip.instance=\"phone\"");
  EXPECT_EQ(lasting, "");
  take("<sip:alice@198.18.1.2:5062>");
  EXPECT_EQ(lasting, "");
}

// Section 5.1: the temporary ones of one Call-ID are all good; another Call-ID ends them.
TEST_F(RegistrarGruu, TemporaryOnesLastAsLongAsTheCallIdAndTheBinding) {
  const std::string contact = "<sip:alice@198.18.1.2:5062>" + std::string(kInstance);
  take(contact);
  const std::string first = temporary;
  take(contact);
  const std::string second = temporary;
  EXPECT_NE(first, second);
  EXPECT_EQ(reached(first), reached(second));
  EXPECT_EQ(reached(first), "alice: sip:alice@198.18.1.2:5062");
  lab.restart();
  EXPECT_EQ(reached(first), "alice: sip:alice@198.18.1.2:5062") << "the store keeps what they are made with";
  take(contact, "another");
  EXPECT_EQ(reached(first), "404");
  EXPECT_EQ(reached(second), "404");
  EXPECT_EQ(reached(temporary), "alice: sip:alice@198.18.1.2:5062");
  lab.register_with({.contacts = {contact + ";expires=0"}, .call_id = "another"});
  EXPECT_EQ(reached(temporary), "404");
  EXPECT_EQ(reached(lasting), "alice: nowhere") << "it may come back";
}

TEST_F(RegistrarGruu, WhatIsNoneIsUnknown) {
  EXPECT_EQ(reached("sip:alice@example.com"), "other");
  EXPECT_EQ(reached("sip:alice@example.org;gr=urn:uuid:1"), "other");
  EXPECT_EQ(reached("sip:eve@example.com;gr=urn:uuid:1"), "404");
  EXPECT_EQ(reached("sip:alice@example.com;gr"), "404");
  EXPECT_EQ(reached("sip:tgruu.00@EXAMPLE.com;gr"), "404");
  EXPECT_EQ(reached("sip:alice@example.com;gr=urn:uuid:1"), "alice: nowhere");
  EXPECT_EQ(lab.register_with({.contacts = {"<sip:alice@example.com;gr=urn:uuid:1>"}}).status(), 403);
}

TEST_F(RegistrarGruu, OfSeveralFlowsOneIsReachedAndThenTheOther) {
  take("<sip:alice@198.18.1.2:5062>;reg-id=1" + std::string(kInstance), "c1", "gruu, outbound");
  take("<sip:alice@198.18.1.2:5063>;reg-id=2" + std::string(kInstance), "c1", "gruu, outbound");
  const auto found = lab.registrar().resolve(sip::parse_uri(lasting).value());
  const auto targets = lab.registrar().lookup(std::get<Instance>(found));
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].other_flows.size(), 1u);
}

TEST(Registrar, WithoutAuthenticationAnybodyIsTaken) {
  RegistrarLab lab([](auto& settings) { settings.realms[kCallers].registrar.auth = false; });
  EXPECT_EQ(lab.ask({.user = "carol"}).status(), 200);
  EXPECT_EQ(lab.registrar().lookup(kCallers, "carol").size(), 1u);
}

TEST(Registrar, OtherUsersTakeThePlaceOfThoseBefore) {
  RegistrarLab lab;
  EXPECT_EQ(lab.register_with({}).status(), 200);
  lab.registrar().use(UserDirectory::load(lab.settings).value());
  EXPECT_EQ(lab.register_with({}).status(), 200);
  lab.registrar().use(UserDirectory());
  EXPECT_EQ(lab.register_with({}).status(), 401);
}

TEST(Registrar, WhoHasRegisteredOverAConnectionIsKnownByItAlone) {
  RegistrarLab lab;
  lab.phone = lab.calls().connect(kCallers, proto::settings::SipTransport::kTcp);
  EXPECT_EQ(lab.register_with({}).status(), 200);
  controlplane::Path from;
  from.realm = kCallers;
  from.hop = lab.phone;
  sip::NameAddr caller;
  caller.uri = sip::make_sip_uri("alice", "example.com");
  EXPECT_TRUE(lab.registrar().is_user(from, caller));
  sip::NameAddr bob;
  bob.uri = sip::make_sip_uri("bob", "example.com");
  EXPECT_FALSE(lab.registrar().is_user(from, bob));
  sip::NameAddr elsewhere;
  elsewhere.uri = sip::make_sip_uri("alice", "example.org");
  EXPECT_FALSE(lab.registrar().is_user(from, elsewhere));
  controlplane::Path other = from;
  ++other.hop.handle;
  EXPECT_FALSE(lab.registrar().is_user(other, caller));
  from.hop.reliability = sip::Reliability::kUnreliable;
  EXPECT_FALSE(lab.registrar().is_user(from, caller)) << "datagrams prove nothing of who sends the next one";
}

TEST(Registrar, BindingsAreShown) {
  RegistrarLab lab;
  lab.register_with({.contacts = {"<sip:alice@192.168.1.5>;q=0.5"}});
  const boost::json::value view = lab.registrar().registrations_view();
  ASSERT_EQ(view.as_array().size(), 1u);
  const auto& row = view.as_array()[0].as_object();
  EXPECT_EQ(row.at("realm"), "callers");
  EXPECT_EQ(row.at("user"), "alice");
  EXPECT_EQ(row.at("contact"), "<sip:alice@192.168.1.5>;q=0.5");
  EXPECT_EQ(row.at("source"), "198.18.1.2:5062");
  EXPECT_EQ(row.at("transport"), "udp");
  EXPECT_EQ(row.at("called_at"), "source");
  EXPECT_EQ(row.at("user_agent"), "lab phone");
  EXPECT_EQ(row.at("expires_s").to_number<int>(), 3600);
}

}  // namespace
}  // namespace weir::controlplane
