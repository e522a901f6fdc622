// What a party of a call can make a full agent do: send to who has not asked, check for ever, take others' turns.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "controlplane/ice_agent.h"
#include "tests/controlplane/ice_agent_lab.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kHeadersBytes = 28;  // IPv4 and UDP
constexpr std::size_t kCheckBytes = 128;   // of ours, on the wire
constexpr std::size_t kOwedBytes = IceAgent::kOwedChecks * kCheckBytes;

class HostileParty : public IceAgents {
 protected:
  /// A check that says it is from there, and brings so much more than its answer.
  void forge(const proto::Endpoint& from, std::uint32_t bytes, bool nominates = false) {
    left.agent.on_checked({.local = 0, .source = from, .priority = 1, .nominates = nominates, .bytes = bytes},
                          network.now_ns);
  }
  /// What went to each place.
  std::map<std::uint16_t, std::size_t> bytes_sent() const {
    std::map<std::uint16_t, std::size_t> sent;
    for (const Datagram& one : network.sent) {
      if (one.from == place(1, 4000)) sent[one.to.port] += one.bytes.size() + kHeadersBytes;
    }
    return sent;
  }
};

TEST_F(HostileParty, NoPlaceThatItForgesGetsMoreThanTwoChecksAndWhatCameInItsName) {
  left.agent.set_role(kControlled);
  std::map<std::uint16_t, std::size_t> came;
  for (unsigned round = 0; round < 40; ++round) {
    for (std::uint16_t port = 1; port <= 8; ++port) {
      const std::uint32_t bytes = 10u * port;
      forge(place(66, port), bytes, round % 2 == 1);
      came[port] += bytes;
    }
    network.run(100);
  }
  network.run(60'000);
  const auto sent = bytes_sent();
  EXPECT_EQ(sent.size(), 8u);
  for (const auto& [port, bytes] : sent) EXPECT_LE(bytes, came[port] + kOwedBytes) << port;
}

TEST_F(HostileParty, WhatTheDescriptionAllowsIsSpentOnceForAllPlaces) {
  left.agent.add_remote({}, kDescriptionBytes);
  for (std::uint16_t port = 1; port <= 90; ++port) forge(place(66, port), 20);
  network.run(120'000);
  std::size_t all = 0;
  for (const auto& [port, bytes] : bytes_sent()) all += bytes;
  EXPECT_GT(all, 0u);
  EXPECT_LE(all, kDescriptionBytes + 90 * (kOwedBytes + 20));
}

TEST_F(HostileParty, AFirstCheckIsFollowedByTwoOfOursAndNoMore) {
  forge(place(66, 1), 0);
  network.run(60'000);
  EXPECT_EQ(network.sent.size(), IceAgent::kOwedChecks);
}

TEST_F(HostileParty, WhereOneOfOursGetsLostTheNextIsNotPaidForEither) {
  int count = 0;
  network.loses = [&](auto&, auto&) { return ++count == 1; };
  forge(place(2, 5000), 0);
  network.run(2'000);
  ASSERT_TRUE(left.agent.route(1));
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
}

TEST_F(HostileParty, WhatThePeerHasChosenIsChosenAlsoWhereChecksOfItFailedBefore) {
  left.agent.set_role(kControlled);
  network.loses = [](auto&, auto&) { return true; };
  forge(place(2, 5000), 0, true);
  network.run(60'000);
  EXPECT_FALSE(left.agent.route(1));
  network.loses = [](auto&, auto&) { return false; };
  forge(place(2, 5000), 300);
  network.run(2'000);
  EXPECT_TRUE(left.agent.completed());
}

TEST_F(HostileParty, OnePlaceThatIsTriedInVainIsNotWaitedForForEver) {
  forge(place(66, 1), 10);
  bool more = true;
  for (std::uint64_t ms = 0; ms < 60'000; ms += 50) {
    more = left.agent.advance(network.now_ns + ms * kMsNs, network.pacer, [](auto, auto&, auto) {});
  }
  EXPECT_FALSE(more);
}

TEST_F(HostileParty, WhoAnswersIsCheckedAsOftenAsEver) {
  right.agent.add_remote(left.locals, kDescriptionBytes);
  left.agent.add_remote({}, 0);
  int count = 0;
  network.loses = [&](auto&, auto&) { return ++count % 3 == 0; };
  // Beyond what its agent sends once, the party goes on as browsers do.
  for (unsigned round = 0; round < 40 && !left.agent.completed(); ++round) {
    forge(place(2, 5000), 40);
    network.run(100);
  }
  EXPECT_TRUE(left.agent.completed());
  EXPECT_EQ(left.agent.route(1)->remote, place(2, 5000));
}

TEST_F(HostileParty, OneThatAlwaysWantsTheOtherRoleIsAskedAFewTimes) {
  left.agent.add_remote(right.locals, kDescriptionBytes);
  for (unsigned round = 0; round < 600; ++round) {
    left.agent.advance(network.now_ns, network.pacer, [&](auto, const proto::Endpoint& to, proto::Bytes check) {
      network.sent.push_back({network.now_ns, place(1, 4000), to, {check.begin(), check.end()}});
      left.agent.on_response(0, to, response_to(check, kRight.password, 487, place(1, 4000)), network.now_ns);
    });
    forge(place(2, 5000), 40);
    network.now_ns += 50 * kMsNs;
  }
  EXPECT_EQ(network.sent.size(), IceAgent::kConflictsMax + 1u);
}

/// Agents that have much to check, looked at in the same order each time.
TEST(IcePacer, TurnsComeRound) {
  constexpr std::size_t kAgents = 40;
  std::vector<sip::IceCandidate> many;
  for (std::uint8_t host = 100; host < 200; ++host) many.push_back(candidate(place(host, 1)));
  std::vector<IceAgent> agents;
  for (std::size_t i = 0; i < kAgents; ++i) {
    agents.emplace_back(IceAgentTerms{.role = kControlling,
                                      .tie_breaker = i,
                                      .ours = kLeft,
                                      .theirs = kRight,
                                      .locals = {candidate(place(1, 4000))}});
    agents.back().add_remote(many, 1'000'000);
  }
  IcePacer pacer;
  std::vector<std::set<std::uint8_t>> checked(kAgents);
  for (std::uint64_t now_ns = kSecondNs; now_ns < 3 * kSecondNs; now_ns += kMsNs) {
    for (std::size_t i = 0; i < kAgents; ++i) {
      agents[i].advance(now_ns, pacer,
                        [&](auto, const proto::Endpoint& to, auto) { checked[i].insert(to.address.bytes[3]); });
    }
  }
  for (const auto& places : checked) EXPECT_EQ(places.size(), 10u) << "2 s, 5 ms apart, between forty";
}

}  // namespace
}  // namespace weir::controlplane
