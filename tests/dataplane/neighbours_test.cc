#include "dataplane/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "dataplane/arp.h"

namespace weir::dataplane {
namespace {

using Heard = Neighbours::Heard;

constexpr Network kNetwork = {.address = 0xc612010a, .prefix_bits = 24};
constexpr std::uint32_t kPeer = 0xc6120102;
constexpr proto::MacAddress kMac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
constexpr proto::MacAddress kOther = {0x02, 0x66, 0x77, 0x88, 0x99, 0xaa};
constexpr std::uint64_t kStart = 100 * kSecondNs;

/// Asks as long as there is something to ask at this moment, like a worker that passes often.
std::vector<Neighbours::Question> questions(Neighbours& neighbours, std::uint64_t now_ns) {
  std::vector<Neighbours::Question> asked;
  while (const auto question = neighbours.next_question(now_ns)) asked.push_back(*question);
  return asked;
}

TEST(Neighbours, AWantedHopIsAskedForByBroadcastAndLearnedFromItsAnswer) {
  Neighbours neighbours(kNetwork);
  EXPECT_EQ(neighbours.find(kPeer), 0u);
  const auto question = neighbours.want(kPeer, kStart);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->address, kPeer);
  EXPECT_EQ(question->to, kBroadcastMac);
  EXPECT_TRUE(neighbours.heard(Heard::kReply, kPeer, kMac, kStart + 1));
  EXPECT_EQ(neighbours.find(kPeer), to_word(kMac));
  EXPECT_EQ(to_mac(neighbours.find(kPeer)), kMac);
}

TEST(Neighbours, AskedAtMostOnceASecondAndGivenUpAfterFourQuestions) {
  Neighbours neighbours(kNetwork);
  ASSERT_TRUE(neighbours.want(kPeer, kStart));
  EXPECT_FALSE(neighbours.want(kPeer, kStart + 1));
  EXPECT_TRUE(questions(neighbours, kStart + kSecondNs - 1).empty());
  for (unsigned second = 1; second < kNeighbourTriesMax; ++second) {
    EXPECT_EQ(questions(neighbours, kStart + second * kSecondNs).size(), 1u);
  }
  EXPECT_TRUE(questions(neighbours, kStart + 10 * kSecondNs).empty());
  EXPECT_EQ(neighbours.tracked(), 0u);
  EXPECT_TRUE(neighbours.want(kPeer, kStart + 11 * kSecondNs)) << "wanted again, asked again";
}

TEST(Neighbours, TheVersionChangesWithWhatFindHasGiven) {
  Neighbours neighbours(kNetwork);
  ASSERT_TRUE(neighbours.want(kPeer, kStart));
  neighbours.heard(Heard::kReply, kPeer, kMac, kStart + 1);
  const std::uint32_t known = neighbours.version();
  EXPECT_NE(known, 0u);
  const std::uint64_t old = kStart + kNeighbourFreshNs + kSecondNs;
  ASSERT_EQ(questions(neighbours, old).size(), 1u);
  neighbours.heard(Heard::kReply, kPeer, kMac, old + 1);
  EXPECT_EQ(neighbours.version(), known) << "the same answer again";
  const std::uint64_t later = old + kNeighbourFreshNs + kSecondNs;
  ASSERT_EQ(questions(neighbours, later).size(), 1u);
  neighbours.heard(Heard::kReply, kPeer, kOther, later + 1);
  const std::uint32_t moved = neighbours.version();
  EXPECT_NE(moved, known);
  for (unsigned second = 1; neighbours.tracked() != 0 && second < 100; ++second) {
    questions(neighbours, later + kNeighbourFreshNs + second * kSecondNs);
  }
  EXPECT_EQ(neighbours.find(kPeer), 0u);
  EXPECT_NE(neighbours.version(), moved) << "forgotten";
}

TEST(Neighbours, WhatNobodyAskedForIsNotLearned) {
  Neighbours neighbours(kNetwork);
  EXPECT_FALSE(neighbours.heard(Heard::kReply, kPeer, kMac, kStart));
  EXPECT_FALSE(neighbours.heard(Heard::kUnsolicited, kPeer, kMac, kStart));
  EXPECT_EQ(neighbours.find(kPeer), 0u);
  EXPECT_EQ(neighbours.tracked(), 0u);
}

TEST(Neighbours, AnUnsolicitedPacketMovesNothingButIsAReasonToAsk) {
  Neighbours neighbours(kNetwork);
  neighbours.want(kPeer, kStart);
  neighbours.heard(Heard::kReply, kPeer, kMac, kStart);
  for (const Heard how : {Heard::kReply, Heard::kUnsolicited}) {
    EXPECT_TRUE(neighbours.heard(how, kPeer, kOther, kStart + 5 * kSecondNs));
    EXPECT_EQ(neighbours.find(kPeer), to_word(kMac));
  }
  auto asked = questions(neighbours, kStart + 5 * kSecondNs);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, kMac) << "first where it was";
  asked = questions(neighbours, kStart + 6 * kSecondNs);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, kBroadcastMac) << "then by broadcast";
  EXPECT_EQ(neighbours.find(kPeer), to_word(kMac)) << "media goes on meanwhile";
  EXPECT_TRUE(neighbours.heard(Heard::kReply, kPeer, kOther, kStart + 6 * kSecondNs));
  EXPECT_EQ(neighbours.find(kPeer), to_word(kOther)) << "the answer decides";
}

TEST(Neighbours, APacketThatAgreesWithTheTableAsksNothing) {
  Neighbours neighbours(kNetwork);
  neighbours.want(kPeer, kStart);
  neighbours.heard(Heard::kReply, kPeer, kMac, kStart);
  neighbours.heard(Heard::kUnsolicited, kPeer, kMac, kStart + 2 * kSecondNs);
  EXPECT_TRUE(questions(neighbours, kStart + 2 * kSecondNs).empty());
}

TEST(Neighbours, AnOldAnswerIsAskedForAgainAndASilentNeighbourForgotten) {
  Neighbours neighbours(kNetwork);
  neighbours.want(kPeer, kStart);
  neighbours.heard(Heard::kReply, kPeer, kMac, kStart);
  EXPECT_TRUE(questions(neighbours, kStart + kNeighbourFreshNs - 1).empty());
  std::uint64_t now_ns = kStart + kNeighbourFreshNs;
  EXPECT_EQ(questions(neighbours, now_ns).size(), 1u);
  EXPECT_TRUE(neighbours.heard(Heard::kReply, kPeer, kMac, now_ns + 1));
  EXPECT_TRUE(questions(neighbours, now_ns + kSecondNs).empty());
  now_ns += 2 * kNeighbourFreshNs;
  for (unsigned tries = 0; tries < kNeighbourTriesMax; ++tries, now_ns += kSecondNs) {
    EXPECT_EQ(neighbours.find(kPeer), to_word(kMac));
    EXPECT_EQ(questions(neighbours, now_ns).size(), 1u);
  }
  EXPECT_TRUE(questions(neighbours, now_ns).empty());
  EXPECT_EQ(neighbours.find(kPeer), 0u);
}

TEST(Neighbours, AStaticNeighbourIsNeverAskedAndNeverChanged) {
  Neighbours neighbours(kNetwork);
  neighbours.add_static(kPeer, kMac);
  EXPECT_FALSE(neighbours.want(kPeer, kStart));
  EXPECT_FALSE(neighbours.heard(Heard::kReply, kPeer, kOther, kStart));
  EXPECT_EQ(neighbours.find(kPeer), to_word(kMac));
}

TEST(Neighbours, EveryHostOfANetworkHasItsOwnPlace) {
  const Network wide = {.address = 0xc612000a, .prefix_bits = 16};
  Neighbours neighbours(wide);
  for (std::uint32_t host = 0x100; host < 0x500; ++host) {
    neighbours.want(0xc6120000 | host, kStart);
    neighbours.heard(Heard::kReply, 0xc6120000 | host, to_mac(host), kStart);
  }
  for (std::uint32_t host = 0x100; host < 0x500; ++host) EXPECT_EQ(neighbours.find(0xc6120000 | host), host);
}

TEST(Neighbours, HostsThatShareASetAreToldApartAndTheLeastWantedMakesRoom) {
  const Network wide = {.address = 0x0a00000a, .prefix_bits = 8};
  const NeighbourTable table(0);
  Neighbours neighbours(wide, 0);
  std::vector<std::uint32_t> sharing;
  for (std::uint32_t host = 0x0a000100; sharing.size() < NeighbourTable::kWays + 1; ++host) {
    if (table.first_slot(host) == table.first_slot(kPeer)) sharing.push_back(host);
  }
  for (std::uint32_t i = 0; i < sharing.size(); ++i) {
    neighbours.want(sharing[i], kStart + i);
    neighbours.heard(Heard::kReply, sharing[i], to_mac(i + 1), kStart + i);
  }
  EXPECT_EQ(neighbours.find(sharing[0]), 0u);
  for (std::uint32_t i = 1; i < sharing.size(); ++i) EXPECT_EQ(neighbours.find(sharing[i]), i + 1);
}

TEST(Neighbours, Ipv6HostsAreKeptByTheirWholeAddress) {
  const Network network = {.address = Address{0x2001'0002'0000'0001, 0x0a}, .prefix_bits = 48};
  Neighbours neighbours(network, 7);
  for (std::uint64_t i = 0; i < 500; ++i) {
    for (const Address host :
         {Address{0x2001'0002'0000'0001, i << 32 | 2}, Address{0x2001'0002'0000'0002, i << 32 | 2}}) {
      neighbours.want(host, kStart);
      neighbours.heard(Heard::kReply, host, to_mac(i << 8 | (host.high & 0xff)), kStart);
    }
  }
  for (std::uint64_t i = 0; i < 500; ++i) {
    EXPECT_EQ(neighbours.find(Address{0x2001'0002'0000'0001, i << 32 | 2}), i << 8 | 1);
    EXPECT_EQ(neighbours.find(Address{0x2001'0002'0000'0002, i << 32 | 2}), i << 8 | 2);
  }
  EXPECT_EQ(neighbours.find(Address{0x2001'0002'0000'0003, 2}), 0u);
}

TEST(Neighbours, AReaderNeverSeesOneHostsAddressWithAnothersHardware) {
  NeighbourTable table(0);
  const Address hosts[] = {Address{1, 1}, Address{2, 1}};  // alike but for one half
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop; ++i) table.put(table.first_slot(hosts[0]), hosts[i % 2], i % 2 + 1);
  });
  for (std::uint32_t seen = 0; seen < 10'000;) {
    const std::uint64_t mac = table.find(hosts[0]);
    EXPECT_TRUE(mac == 0 || mac == 1) << mac;
    seen += mac != 0 ? 1 : 0;
  }
  stop = true;
  writer.join();
}

/// Answers every question of the network's that is asked of one of `alive`, for `seconds`.
void live(Neighbours& neighbours, std::uint64_t& now_ns, unsigned seconds, const std::vector<Address>& alive,
          unsigned& moves) {
  for (unsigned step = 0; step < seconds * 10; ++step, now_ns += kSecondNs / 10) {
    bool moved = false;
    std::vector<Neighbours::Question> asked = questions(neighbours, now_ns);
    if (const auto first = neighbours.watch_gateways(now_ns, moved)) asked.push_back(*first);
    moves += moved ? 1 : 0;
    for (const Neighbours::Question& question : asked) {
      if (std::find(alive.begin(), alive.end(), question.address) == alive.end()) continue;
      neighbours.heard(Heard::kReply, question.address, kMac, now_ns);
    }
  }
}

TEST(Neighbours, TheBestGatewayThatAnswersIsInForce) {
  const Address first = 0xc61201fe;
  const Address second = 0xc61201fd;
  Network network = kNetwork;
  network.gateways = {first, second};
  Neighbours neighbours(network);
  std::uint64_t now_ns = kStart;
  unsigned moves = 0;
  live(neighbours, now_ns, 3, {first, second}, moves);
  EXPECT_EQ(neighbours.gateway(), 0u);
  EXPECT_EQ(moves, 0u);
  const std::uint32_t before = neighbours.version();
  live(neighbours, now_ns, 8, {second}, moves);
  EXPECT_EQ(neighbours.gateway(), 1u);
  EXPECT_EQ(moves, 1u);
  EXPECT_NE(neighbours.version(), before) << "headers are made anew";
  EXPECT_EQ(network.next_hop(0x08080808, neighbours.gateway()), second);
  live(neighbours, now_ns, 8, {}, moves);
  EXPECT_EQ(neighbours.gateway(), 1u) << "nobody answers: no reason to change";
  live(neighbours, now_ns, 8, {first, second}, moves);
  EXPECT_EQ(neighbours.gateway(), 0u) << "back";
  EXPECT_EQ(moves, 2u);
}

TEST(Neighbours, AGatewayWithoutAnotherIsNotWatched) {
  Network network = kNetwork;
  network.gateways[0] = 0xc61201fe;
  Neighbours neighbours(network);
  bool moved = false;
  EXPECT_FALSE(neighbours.watch_gateways(kStart, moved));
  EXPECT_EQ(neighbours.tracked(), 0u);
}

TEST(Neighbours, TheTableIsBoundedAndForgetsTheLeastWanted) {
  const Network wide = {.address = 0xc612000a, .prefix_bits = 16};
  Neighbours neighbours(wide);
  for (std::uint32_t i = 0; i < kNeighboursMax + 10; ++i) neighbours.want(0xc6121000 + i, kStart + i);
  EXPECT_EQ(neighbours.tracked(), kNeighboursMax);
  EXPECT_FALSE(neighbours.heard(Heard::kReply, 0xc6121000, kMac, kStart + kSecondNs));
  EXPECT_TRUE(neighbours.heard(Heard::kReply, 0xc6121000 + kNeighboursMax + 9, kMac, kStart + kSecondNs));
}

TEST(Network, TheNextHopIsTheHostItselfTheGatewayOrNobody) {
  Network network = kNetwork;
  EXPECT_EQ(network.next_hop(kPeer), kPeer);
  EXPECT_EQ(network.next_hop(0x08080808), 0u);
  EXPECT_EQ(network.next_hop(0xc61201ff), 0u) << "broadcast";
  EXPECT_EQ(network.next_hop(0xc6120100), 0u) << "the network itself";
  EXPECT_EQ(network.next_hop(0xc612010a), 0u) << "us";
  network.gateways[0] = 0xc61201fe;
  EXPECT_EQ(network.next_hop(0x08080808), 0xc61201feu);
  const Network pair = {.address = 0xc6120100, .prefix_bits = 31};
  EXPECT_EQ(pair.next_hop(0xc6120101), 0xc6120101u) << "RFC 3021";
}

TEST(Network, TheNextHopOfIpv6) {
  const Address ours{0x2001'0002'0000'0001, 0x0a};
  const Address gateway{0xfe80'0000'0000'0000, 1};
  const Network network = {.address = ours, .prefix_bits = 64, .gateways = {gateway}};
  const Address on_link{0x2001'0002'0000'0001, 0xffff'0000'0000'0001};
  EXPECT_EQ(network.next_hop(on_link), on_link);
  EXPECT_EQ(network.next_hop(Address{0x2001'0002'0000'0002, 1}), gateway);
  EXPECT_EQ(network.next_hop(ours), Address());
  EXPECT_EQ(network.next_hop(Address()), Address());
  EXPECT_EQ(network.next_hop(kPeer), Address()) << "the other family";
  EXPECT_TRUE(network.is_neighbour(gateway));
  for (const unsigned bits : {1u, 63u, 65u, 127u, 128u}) {
    const Network other = {.address = ours, .prefix_bits = static_cast<std::uint8_t>(bits)};
    const Address near = bits > 64 ? Address{ours.high, ours.low ^ (std::uint64_t{1} << (128 - bits) % 64)}
                                   : Address{ours.high ^ (std::uint64_t{1} << (64 - bits)), ours.low};
    EXPECT_FALSE(other.on_link(near)) << bits;
    EXPECT_TRUE(other.on_link(ours)) << bits;
  }
}

}  // namespace
}  // namespace weir::dataplane
