#include "dataplane/neighbours.h"

#include <gtest/gtest.h>

#include "dataplane/arp.h"

namespace weir::dataplane {
namespace {

using Heard = Neighbours::Heard;

constexpr Network kNetwork = {.address = 0xc612010a, .mask = 0xffffff00};
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
  const Network wide = {.address = 0xc612000a, .mask = 0xffff0000};
  Neighbours neighbours(wide);
  for (std::uint32_t host = 0x100; host < 0x500; ++host) {
    neighbours.want(0xc6120000 | host, kStart);
    neighbours.heard(Heard::kReply, 0xc6120000 | host, to_mac(host), kStart);
  }
  for (std::uint32_t host = 0x100; host < 0x500; ++host) EXPECT_EQ(neighbours.find(0xc6120000 | host), host);
}

TEST(Neighbours, OnAVeryWideNetworkEqualLowBitsAreToldApartAndTheLeastWantedMakesRoom) {
  const Network wide = {.address = 0x0a00000a, .mask = 0xff000000};
  Neighbours neighbours(wide);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    const std::uint32_t host = 0x0a000002 | i << 16;
    neighbours.want(host, kStart + i);
    neighbours.heard(Heard::kReply, host, to_mac(i), kStart + i);
  }
  EXPECT_EQ(neighbours.find(0x0a010002), 0u);
  for (std::uint32_t i = 2; i <= 5; ++i) EXPECT_EQ(neighbours.find(0x0a000002 | i << 16), i);
}

TEST(Neighbours, TheTableIsBoundedAndForgetsTheLeastWanted) {
  const Network wide = {.address = 0xc612000a, .mask = 0xffff0000};
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
  network.gateway = 0xc61201fe;
  EXPECT_EQ(network.next_hop(0x08080808), 0xc61201feu);
  const Network pair = {.address = 0xc6120100, .mask = 0xfffffffe};
  EXPECT_EQ(pair.next_hop(0xc6120101), 0xc6120101u) << "RFC 3021";
}

}  // namespace
}  // namespace weir::dataplane
