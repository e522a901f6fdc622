// Checks, roles, nomination and consent of two agents, and what may be spent on places that nobody has shown to be the
// peer's.
#include "controlplane/ice_agent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/controlplane/ice_agent_lab.h"

namespace weir::controlplane {
namespace {

TEST_F(IceAgents, FindEachOtherAndSelectTheSamePair) {
  introduce();
  network.run(400);
  ASSERT_TRUE(left.agent.completed() && right.agent.completed());
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
  EXPECT_EQ(right.agent.route(1)->remote, place(1, 4000));
}

TEST_F(IceAgents, WhoIsControlledSelectsNothingByItself) {
  right.agent.add_remote(left.locals, kDescriptionBytes);
  left.acts = false;
  network.run(2'000);
  ASSERT_TRUE(right.agent.route(1)) << "it works";
  EXPECT_FALSE(right.agent.completed()) << "but nobody chose it";
}

TEST_F(IceAgents, ThatBothWantToControlSettleItByTheTieBreaker) {
  right.agent.set_role(kControlling);
  introduce();
  network.run(1'500);
  EXPECT_EQ(left.agent.role(), kControlling);
  EXPECT_EQ(right.agent.role(), kControlled);
  EXPECT_TRUE(left.agent.completed() && right.agent.completed());
}

TEST_F(IceAgents, OfWhomNeitherWantsToControlSettleItToo) {
  left.agent.set_role(kControlled);
  introduce();
  network.run(1'500);
  EXPECT_EQ(left.agent.role(), kControlling);
  EXPECT_EQ(right.agent.role(), kControlled);
  EXPECT_TRUE(left.agent.completed() && right.agent.completed());
}

TEST_F(IceAgents, LearnAPeerThatNobodyHasNamed) {
  right.agent.add_remote(left.locals, kDescriptionBytes);  // left knows of nothing: an mDNS name, say
  left.agent.add_remote({}, kDescriptionBytes);
  network.run(1'000);
  ASSERT_TRUE(left.agent.completed());
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
}

TEST_F(IceAgents, TakeCandidatesThatComeLater) {
  left.agent.add_remote({candidate(place(99, 1))}, kDescriptionBytes);
  right.answers = false;
  network.run(500);
  EXPECT_FALSE(left.agent.route(1));
  right.answers = true;
  left.agent.add_remote(right.locals, 100);
  network.run(500);
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
}

TEST_F(IceAgents, PreferTheBetterOfTwoPairsAndWaitForIt) {
  right.locals = {candidate(place(2, 5000), 100), candidate(place(3, 5001), 2'000'000'000)};
  right.agent =
      IceAgent({.role = kControlled, .tie_breaker = 5, .ours = kRight, .theirs = kLeft, .locals = right.locals});
  introduce();
  int first = 0;
  network.loses = [&](auto&, const proto::Endpoint& to) { return to == place(3, 5001) && first++ == 0; };
  network.run(3'000);
  ASSERT_TRUE(left.agent.completed());
  EXPECT_EQ(left.agent.route(1)->remote, place(3, 5001));
}

TEST_F(IceAgents, GoOnWithWhatWorksIfTheBetterPairIsDead) {
  right.locals = {candidate(place(2, 5000), 100), candidate(place(3, 5001), 2'000'000'000)};
  right.agent =
      IceAgent({.role = kControlled, .tie_breaker = 5, .ours = kRight, .theirs = kLeft, .locals = right.locals});
  introduce();
  network.loses = [](const proto::Endpoint& from, const proto::Endpoint& to) {
    return from == place(3, 5001) || to == place(3, 5001);
  };
  network.run(1'000);
  ASSERT_TRUE(left.agent.completed());
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
}

TEST_F(IceAgents, SelectAPairForEachComponent) {
  for (Party* party : {&left, &right}) {
    proto::Endpoint rtcp = party->locals[0].endpoint;
    ++rtcp.port;
    party->locals.push_back(candidate(rtcp, 2'130'706'430, 2));
  }
  left.agent =
      IceAgent({.role = kControlling, .tie_breaker = 7, .ours = kLeft, .theirs = kRight, .locals = left.locals});
  right.agent =
      IceAgent({.role = kControlled, .tie_breaker = 5, .ours = kRight, .theirs = kLeft, .locals = right.locals});
  introduce();
  network.run(1'000);
  ASSERT_TRUE(left.agent.completed() && right.agent.completed());
  EXPECT_EQ(left.agent.route(2)->remote, place(2, 5001));
  EXPECT_EQ(right.agent.route(2)->remote, place(1, 4001));
}

TEST_F(IceAgents, LoseEveryThirdDatagramAndFindEachOtherAllTheSame) {
  int count = 0;
  network.loses = [&](auto&, auto&) { return ++count % 3 == 0; };
  introduce();
  network.run(40'000);
  EXPECT_TRUE(left.agent.completed() && right.agent.completed());
}

TEST_F(IceAgents, AskForConsentEveryFiveSecondsOrSo) {
  introduce();
  network.run(1'000);
  network.sent.clear();
  network.run(60'000);
  const auto asked = std::count_if(network.sent.begin(), network.sent.end(), [](const Datagram& one) {
    return one.from == place(1, 4000) && one.bytes[0] == 0 && one.bytes[1] == 1;
  });
  EXPECT_GE(asked, 9);
  EXPECT_LE(asked, 15);
  EXPECT_FALSE(left.agent.consent_lost(network.now_ns));
}

TEST_F(IceAgents, LoseConsentThirtySecondsAfterTheLastAnswer) {
  introduce();
  network.run(1'000);
  right.answers = false;
  network.run(23'000);
  EXPECT_FALSE(left.agent.consent_lost(network.now_ns));
  network.run(8'000);
  EXPECT_TRUE(left.agent.consent_lost(network.now_ns));
}

TEST_F(IceAgents, PaceTheirChecks) {
  std::vector<sip::IceCandidate> many;
  for (std::uint8_t host = 100; host < 120; ++host) many.push_back(candidate(place(host, 1)));
  left.agent.add_remote(many, 1'000'000);
  network.run(400);
  EXPECT_GE(network.sent.size(), 8u);
  EXPECT_LE(network.sent.size(), 9u) << "50 ms apart";
}

TEST_F(IceAgents, SendLessToAVictimThanItCostToNameIt) {
  std::vector<sip::IceCandidate> many;
  for (std::uint16_t port = 1; port <= 5'000; ++port) many.push_back(candidate(place(200, port)));
  left.agent.add_remote(many, kDescriptionBytes);
  network.run(120'000);
  std::size_t bytes = 0;
  std::set<std::uint16_t> ports;
  for (const Datagram& one : network.sent) {
    bytes += one.bytes.size() + 28;
    ports.insert(one.to.port);
  }
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, kDescriptionBytes);
  EXPECT_LE(ports.size(), IceCheckList::kPairsPerAddressMax);
}

TEST_F(IceAgents, KeepAHundredPairsAtMost) {
  for (unsigned host = 1; host < 250; ++host) {
    left.agent.add_remote({candidate(place(static_cast<std::uint8_t>(host), 7))}, 1'000'000);
  }
  network.run(60'000);
  std::set<std::string> reached;
  for (const Datagram& one : network.sent) reached.insert(proto::to_string(one.to));
  EXPECT_LE(reached.size(), IceCheckList::kPairsMax);
}

TEST_F(IceAgents, PassOverForgedResponses) {
  introduce();
  right.answers = false;
  network.run(5);
  ASSERT_FALSE(network.sent.empty());
  const std::vector<std::uint8_t> request = network.sent.front().bytes;
  const auto answers = [&](const std::string& password, const proto::Endpoint& from) {
    return left.agent.on_response(0, from, response_to(request, password, 0, place(1, 4000)), network.now_ns);
  };
  EXPECT_FALSE(answers("not the password, is it", place(2, 5000)));
  EXPECT_FALSE(left.agent.route(1));
  EXPECT_TRUE(answers(kRight.password, place(66, 6666))) << "RFC 8445 section 7.2.5.2.1: the pair has failed";
  EXPECT_FALSE(left.agent.route(1));
  EXPECT_FALSE(answers(kRight.password, place(2, 5000))) << "and is over";
  EXPECT_FALSE(left.agent.route(1));
}

}  // namespace
}  // namespace weir::controlplane
