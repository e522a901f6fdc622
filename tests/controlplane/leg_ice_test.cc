#include "controlplane/leg_ice.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/stun_check.h"
#include "proto/stun.h"

namespace weir::controlplane {
namespace {

proto::Endpoint place(std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(0xc612010a), .reserved = 0, .port = port};
}

const LegPlaces kPlaces = {{{place(20000)}, {place(20001)}}};

/// IPv4 is the default, and there is IPv6.
proto::Endpoint ipv6(std::uint8_t host, std::uint16_t port) {
  proto::Endpoint endpoint;
  endpoint.address.family = proto::Family::kIpv6;
  endpoint.address.bytes = {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host};
  endpoint.port = port;
  return endpoint;
}
const LegPlaces kBoth = {{{place(20000), ipv6(10, 20000)}, {place(20001), ipv6(10, 20001)}}};

sip::RemoteIce remote(const std::string& ufrag, const std::string& password) {
  sip::RemoteIce ice;
  ice.credentials = {.ufrag = ufrag, .password = password};
  return ice;
}

std::string_view ufrag(const proto::IceCredentialsSpec& spec) {
  return {reinterpret_cast<const char*>(spec.ufrag.data()), spec.ufrag_bytes};
}

const sip::RemoteIce kBefore = remote("abcd", "abcdefghijklmnopqrstuv");
const sip::RemoteIce kRestarted = remote("wxyz", "vutsrqponmlkjihgfedcba");

TEST(LegIce, CredentialsHaveTheRandomnessOfRfc8445AndStay) {
  LegIce ice;
  const sip::LocalIce first = ice.local(nullptr, kPlaces);
  EXPECT_GE(first.credentials.ufrag.size() * 4, 24u) << "hexadecimal digits";
  EXPECT_GE(first.credentials.password.size() * 4, 128u);
  EXPECT_EQ(ice.local(nullptr, kPlaces).credentials, first.credentials);
  EXPECT_NE(LegIce().local(nullptr, kPlaces).credentials, first.credentials);
}

TEST(LegIce, ThereIsAHostCandidateForEachPort) {
  const sip::LocalIce local = LegIce().local(nullptr, kPlaces);
  ASSERT_EQ(local.candidates.size(), 2u);
  EXPECT_EQ(local.candidates[0].component, 1);
  EXPECT_EQ(local.candidates[0].endpoint, place(20000));
  EXPECT_EQ(local.candidates[1].component, 2);
  EXPECT_EQ(local.candidates[1].endpoint, place(20001));
  EXPECT_GT(local.candidates[0].priority, local.candidates[1].priority);
  EXPECT_EQ(local.candidates[0].priority, (126u << 24) + (65535u << 8) + 255u) << "RFC 8445 section 5.1.2.1";
  EXPECT_TRUE(local.lite);
}

TEST(LegIce, OfBothFamiliesThereAreCandidatesAndTheFirstAddressIsTheDefault) {
  const sip::LocalIce local = LegIce().local(nullptr, kBoth);
  ASSERT_EQ(local.candidates.size(), 4u);
  const sip::IceCandidate& ipv4_rtp = local.candidates[0];
  const sip::IceCandidate& ipv6_rtp = local.candidates[1];
  EXPECT_EQ(ipv4_rtp.endpoint, place(20000));
  EXPECT_EQ(ipv6_rtp.endpoint, ipv6(10, 20000));
  EXPECT_EQ(local.candidates[2].component, 2);
  EXPECT_EQ(local.candidates[3].component, 2);
  EXPECT_GT(ipv6_rtp.priority, ipv4_rtp.priority) << "RFC 8421";
  EXPECT_NE(ipv6_rtp.foundation, ipv4_rtp.foundation) << "RFC 8445 section 5.1.1.3: another base";
  EXPECT_EQ(ipv4_rtp.foundation, local.candidates[2].foundation);
}

TEST(LegIce, ARestartBringsOthersAndThoseBeforeStayUntilAPairIsChosen) {
  LegIce ice;
  const sip::IceCredentials before = ice.local(&kBefore, kPlaces).credentials;
  ice.follow(kBefore, 2);
  EXPECT_EQ(ice.local(&kBefore, kPlaces).credentials, before) << "the same offer again";
  const sip::IceCredentials next = ice.local(&kRestarted, kPlaces).credentials;
  EXPECT_NE(next.ufrag, before.ufrag);
  EXPECT_NE(next.password, before.password);
  EXPECT_EQ(ice.local(&kRestarted, kPlaces).credentials, next);
  EXPECT_EQ(ufrag(ice.spec().credentials[0]), before.ufrag);
  EXPECT_EQ(ufrag(ice.spec().credentials[1]), next.ufrag);
  EXPECT_FALSE(ice.choose(0)) << "the pair before, once more";
  EXPECT_EQ(ufrag(ice.spec().credentials[0]), before.ufrag);
  EXPECT_TRUE(ice.choose(1));
  EXPECT_EQ(ufrag(ice.spec().credentials[0]), next.ufrag);
  EXPECT_EQ(ice.spec().credentials[1].ufrag_bytes, 0);
}

TEST(LegIce, AnotherRestartBeforeThatDropsTheOldest) {
  LegIce ice;
  (void)ice.local(&kBefore, kPlaces);
  ice.follow(kBefore, 2);
  const sip::IceCredentials second = ice.local(&kRestarted, kPlaces).credentials;
  const sip::RemoteIce again = remote("1234", "1234567890123456789012");
  const sip::IceCredentials third = ice.local(&again, kPlaces).credentials;
  EXPECT_EQ(ufrag(ice.spec().credentials[0]), second.ufrag);
  EXPECT_EQ(ufrag(ice.spec().credentials[1]), third.ufrag);
}

/// A full agent's leg, and a party that answers every check it gets.
class FullLegIce : public testing::Test {
 protected:
  static constexpr std::uint64_t kMsNs = 1'000'000;
  static proto::Endpoint party(std::uint8_t host) {
    return {.address = proto::IpAddress::from_ipv4(0xc6120100u + host), .reserved = 0, .port = 40000};
  }
  static sip::RemoteIce from(const sip::RemoteIce& who, std::uint8_t host) {
    sip::RemoteIce ice = who;
    ice.bytes = 1000;
    ice.candidates = {{.foundation = "1", .component = 1, .priority = 100, .endpoint = party(host), .type = "host"}};
    return ice;
  }
  sip::LocalIce describe(const sip::RemoteIce* offer) { return ice_.local(offer, kPlaces); }
  void run(std::uint64_t ms) {
    for (const std::uint64_t end = now_ns_ + ms * kMsNs; now_ns_ < end; now_ns_ += 5 * kMsNs) {
      ice_.advance(now_ns_, pacer_, [this](std::uint8_t, const proto::Endpoint& to, proto::Bytes check) {
        asked_.push_back({to, {check.begin(), check.end()}});
      });
      for (const auto& [to, check] : std::exchange(asked_, {})) {
        if (to.address.family != silent_) answer(to, check);
      }
    }
  }
  void nominated(const proto::Endpoint& source, std::uint32_t by) {
    proto::Event event{};
    event.kind = proto::EventKind::kIceNominated;
    event.source = source;
    event.ssrc = by;
    event.priority = 1;
    ice_.take(0, event);
  }
  LegIce ice_{true};
  std::uint64_t now_ns_ = 1'000'000'000;
  proto::Family silent_ = proto::Family::kNone;

 private:
  /// Signed with the password of the generation that the check's USERNAME names.
  void answer(const proto::Endpoint& from, const std::vector<std::uint8_t>& check) {
    const proto::StunView message = *proto::parse_stun(check);
    const auto attributes = proto::read_stun_attributes(message);
    const std::string username(attributes->username.begin(), attributes->username.end());
    const bool before = username.starts_with(kBefore.credentials.ufrag + ":");
    std::array<std::uint8_t, 128> room;
    proto::StunWriter response(room, proto::kStunBindingSuccess, message.transaction_id);
    response.xor_mapped_address(place(20000));
    const std::string& password = (before ? kBefore : kRestarted).credentials.password;
    response.integrity(stun_integrity(password, response.begin_integrity()));
    ice_.on_response(0, from, response.message(), now_ns_);
  }
  IcePacer pacer_;
  std::vector<std::pair<proto::Endpoint, std::vector<std::uint8_t>>> asked_;
};

TEST_F(FullLegIce, WhoOffersControlsAndBesideALiteAgentAlways) {
  EXPECT_FALSE(describe(nullptr).lite);
  EXPECT_EQ(ice_.role(), proto::IceRole::kControlling);
  LegIce answering(true);
  (void)answering.local(&kBefore, kPlaces);
  EXPECT_EQ(answering.role(), proto::IceRole::kControlled);
  sip::RemoteIce lite = kBefore;
  lite.lite = true;
  LegIce beside_lite(true);
  (void)beside_lite.local(&lite, kPlaces);
  EXPECT_EQ(beside_lite.role(), proto::IceRole::kControlling);
}

TEST_F(FullLegIce, OfBothFamiliesTheOneThatAnswersIsChosen) {
  (void)ice_.local(nullptr, kBoth);
  sip::RemoteIce both = from(kBefore, 2);
  both.candidates.push_back(
      {.foundation = "2", .component = 1, .priority = 200, .endpoint = ipv6(3, 40000), .type = "host"});
  ice_.follow(both, 1);
  run(900);
  EXPECT_EQ(ice_.route(0), ipv6(3, 40000)) << "by priority";
  LegIce adopted(true);
  adopted.adopt(ice_.ours(), proto::IceRole::kControlling, kBefore, kBoth);
  adopted.adopt_route(0, ipv6(3, 40000), now_ns_);
  EXPECT_EQ(adopted.route(0), ipv6(3, 40000));
}

TEST_F(FullLegIce, AFamilyThatIsSilentIsLeftForTheOther) {
  (void)ice_.local(nullptr, kBoth);
  sip::RemoteIce both = from(kBefore, 2);
  both.candidates.push_back(
      {.foundation = "2", .component = 1, .priority = 200, .endpoint = ipv6(3, 40000), .type = "host"});
  silent_ = proto::Family::kIpv6;
  ice_.follow(both, 1);
  run(900);
  EXPECT_EQ(ice_.route(0), party(2));
}

TEST_F(FullLegIce, ThatItsPortHearsChecksFromTheStartDoesNotMakeItTheOfferer) {
  ice_.prepare();
  const std::string ufrag = ice_.ours()[0].ufrag;
  EXPECT_FALSE(ufrag.empty());
  EXPECT_EQ(describe(&kBefore).credentials.ufrag, ufrag);
  EXPECT_EQ(ice_.role(), proto::IceRole::kControlled);
  LegIce offers(true);
  offers.prepare();
  (void)offers.local(nullptr, kPlaces);
  EXPECT_EQ(offers.role(), proto::IceRole::kControlling);
}

TEST_F(FullLegIce, ControllingItFindsAPairByItself) {
  (void)describe(nullptr);
  ice_.follow(from(kBefore, 2), 1);
  run(300);
  EXPECT_EQ(ice_.route(0), party(2));
}

TEST_F(FullLegIce, AChoiceThatComesBeforeTheDescriptionIsRemembered) {
  (void)describe(&kBefore);
  nominated(party(9), 0);
  EXPECT_FALSE(ice_.route(0));
  ice_.follow(from(kBefore, 2), 1);
  run(300);
  EXPECT_EQ(ice_.route(0), party(9)) << "checked, found to work, and in use";
}

TEST_F(FullLegIce, ARestartKeepsThePairBeforeItUntilAnotherIsChosen) {
  (void)describe(&kBefore);
  ice_.follow(from(kBefore, 2), 1);
  nominated(party(2), 0);
  run(300);
  ASSERT_EQ(ice_.route(0), party(2));
  const sip::RemoteIce restarted = from(kRestarted, 3);
  (void)describe(&restarted);
  ice_.follow(restarted, 1);
  (void)ice_.take_change();
  run(1'000);
  EXPECT_EQ(ice_.route(0), party(2)) << "the new one works, but nobody chose it";
  nominated(party(3), 1);
  run(300);
  EXPECT_EQ(ice_.route(0), party(3));
  EXPECT_TRUE(ice_.take_change()) << "the credentials before are good no more";
  EXPECT_EQ(ice_.spec().credentials[1].ufrag_bytes, 0);
}

TEST_F(FullLegIce, TheRoleThatWeirMediaSaysIsTaken) {
  (void)describe(nullptr);
  proto::Event event{};
  event.kind = proto::EventKind::kIceRoleLost;
  event.ssrc = static_cast<std::uint32_t>(proto::IceRole::kControlled);
  for (int flow = 0; flow < 2; ++flow) ice_.take(0, event);
  EXPECT_EQ(ice_.role(), proto::IceRole::kControlled);
  EXPECT_EQ(ice_.spec().role, proto::IceRole::kControlled);
}

TEST_F(FullLegIce, WhatAnEarlierWeirControlFoundGoesOnAndIsAskedForConsent) {
  ice_.adopt({sip::IceCredentials{"ours", "oursoursoursoursoursours"}, {}}, proto::IceRole::kControlled, kBefore,
             kPlaces);
  ice_.adopt_route(0, party(2), now_ns_);
  EXPECT_EQ(ice_.route(0), party(2));
  run(60'000);
  EXPECT_FALSE(ice_.consent_lost(now_ns_));
}

}  // namespace
}  // namespace weir::controlplane
