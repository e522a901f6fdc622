// Connectivity checks of those who do not know the password: no answer, no state, no noise, and a name for each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/ice_answer.h"
#include "dataplane/ice_state.h"
#include "tests/support/ice_flow.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using testing::ElementsAre;
using tests::Check;
using tests::IceFlow;
using tests::kinds;
using tests::Packet;
using tests::stun_check;

Packet long_check() {
  Check check;
  check.username = "abcd:" + std::string(500, 'x');
  return stun_check(check);
}

TEST(IceHostile, WhatIsNoCheckOfThePeersIsDroppedByName) {
  const struct {
    const char* what;
    Packet payload;
    DropReason reason;
  } rows[] = {
      {"a response", stun_check({.type = 0x0101}), DropReason::kStunNotRequest},
      {"an error response", stun_check({.type = 0x0111}), DropReason::kStunNotRequest},
      {"an indication", stun_check({.type = 0x0011}), DropReason::kStunNotRequest},
      {"another method", stun_check({.type = 0x0003}), DropReason::kStunNotRequest},
      {"no ufrag of ours", stun_check({.username = "abce:efgh"}), DropReason::kIceUserUnknown},
      {"a longer ufrag", stun_check({.username = "abcde:efgh"}), DropReason::kIceUserUnknown},
      {"a shorter ufrag", stun_check({.username = "abc:efgh"}), DropReason::kIceUserUnknown},
      {"our ufrag alone", stun_check({.username = "abcd"}), DropReason::kIceUserUnknown},
      {"an empty name", stun_check({.username = ""}), DropReason::kIceUserUnknown},
      {"the ufrags the other way round", stun_check({.username = "efgh:abcd"}), DropReason::kIceUserUnknown},
      {"another password", stun_check({.password = "VOkJxbRl1RmTxUk/WvJxBT"}), DropReason::kIceAuthFailed},
      {"no integrity", stun_check({.integrity = false}), DropReason::kIceAuthFailed},
      {"neither integrity nor fingerprint", stun_check({.integrity = false, .fingerprint = false}),
       DropReason::kIceAuthFailed},
      {"a name as long as names may be", long_check(), DropReason::kStunMalformed},
      {"RFC 3489's STUN",
       {0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
       DropReason::kStunMalformed},
  };
  IceFlow flow;
  for (const auto& row : rows) {
    const std::uint64_t before = flow.dropped(row.reason);
    flow.arrive(row.payload);
    EXPECT_EQ(flow.dropped(row.reason), before + 1) << row.what;
    EXPECT_TRUE(flow.plane.departed(0).empty()) << row.what;
  }
  EXPECT_FALSE(flow.punts_dtls(4000));
  EXPECT_TRUE(flow.plane.events().empty());
  EXPECT_TRUE(flow.check({}));
}

/// Waits until the bucket is full again, so that a flood is not what is measured.
void breathe(IceFlow& flow) {
  flow.plane.sleep_ms(1000);
  flow.plane.run(1);
}

TEST(IceHostile, NoBitOfACheckMayBeAnother) {
  IceFlow flow;
  Check check;
  check.nominates = true;
  const Packet good = stun_check(check);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    if (bit % 64 == 0) breathe(flow);
    const std::size_t before_end = good.size() - bit / 8;
    if (before_end == 8 || before_end == 7) continue;  // FINGERPRINT's type: another attribute there is ignored
    Packet other = good;
    other[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    flow.arrive(other);
    ASSERT_TRUE(flow.plane.departed(0).empty()) << bit;
  }
  EXPECT_EQ(flow.dropped(DropReason::kIceRateLimited), 0u);
  EXPECT_FALSE(flow.passes(4000));
  EXPECT_FALSE(flow.punts_dtls(4000));
  EXPECT_TRUE(flow.plane.events().empty());
}

TEST(IceHostile, WithoutAFingerprintTheIntegrityStillSeesEveryBit) {
  IceFlow flow;
  Check check = {.nominates = true, .fingerprint = false};
  const Packet good = stun_check(check);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    if (bit % 64 == 0) breathe(flow);
    Packet other = good;
    other[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    flow.arrive(other);
    ASSERT_TRUE(flow.plane.departed(0).empty()) << bit;
  }
  EXPECT_TRUE(flow.plane.events().empty());
  EXPECT_TRUE(flow.check(check)) << "a check without FINGERPRINT is one";
}

TEST(IceHostile, NoPieceOfACheckIsOne) {
  IceFlow flow;
  const Packet good = stun_check({});
  for (std::size_t bytes = 1; bytes < good.size(); ++bytes) {
    Packet piece = tests::cut(good, bytes);
    if (bytes % 64 == 0) breathe(flow);
    flow.arrive(piece);
    ASSERT_TRUE(flow.plane.departed(0).empty()) << bytes;
    if (bytes < 20) continue;
    // The same with a length that fits: FINGERPRINT is off at 8 bytes before the end, where the integrity still holds.
    proto::store_be16(piece.data() + 2, static_cast<std::uint16_t>(bytes - 20));
    flow.arrive(piece);
    ASSERT_EQ(flow.plane.departed(0).empty(), bytes != good.size() - 8) << bytes;
  }
}

TEST(IceHostile, WhoSawACheckCannotSendItAgainFromElsewhere) {
  IceFlow flow;
  Check check;
  check.nominates = true;
  ASSERT_TRUE(flow.check(check, 4000));
  (void)flow.plane.events();
  flow.plane.sleep_ms(60'000);
  EXPECT_FALSE(flow.check(check, 4001));
  EXPECT_FALSE(flow.check(check, 4000, IceFlow::kPeer + 1));
  EXPECT_EQ(flow.dropped(DropReason::kIceReplayed), 2u);
  EXPECT_TRUE(flow.passes(4000));
  EXPECT_FALSE(flow.punts_dtls(4001));
  for (const EventKind kind : kinds(flow.plane.events())) EXPECT_NE(kind, EventKind::kIceNominated);
}

/// The bound of that: kIceTransactions checks later nobody knows it any more. It then moves the flow until the peer's
/// next check of the kind, which it sends every five seconds (RFC 7675 section 5.1).
TEST(IceHostile, AnOldCheckMovesTheFlowNoLongerThanUntilThePeersNext) {
  IceFlow flow;
  flow.nominate(4000, 1);
  for (std::uint32_t i = 0; i < kIceTransactions; ++i) {
    flow.plane.sleep_ms(5000);
    flow.nominate(4000, 2 + i);
  }
  EXPECT_TRUE(flow.check({.transaction = 1, .nominates = true}, 4001));
  EXPECT_FALSE(flow.passes(4000));
  flow.plane.sleep_ms(5000);
  flow.nominate(4000, 1000);
  EXPECT_TRUE(flow.passes(4000));
}

TEST(IceHostile, AFloodOfForgedChecksDoesNotKeepThePeersFromBeingHeard) {
  IceFlow flow;
  flow.nominate(4000, 1);
  Packet forged = stun_check({.transaction = 9, .fingerprint = false});
  forged.back() ^= 1;
  for (std::uint32_t round = 0; round < 20; ++round) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      flow.plane.arrive(0, static_cast<std::uint16_t>(5000 + i), IceFlow::kPort, forged);
      flow.plane.arrive(0, 4000, IceFlow::kPort, forged);
    }
    flow.plane.run(4);
    EXPECT_TRUE(flow.check({.transaction = 10 + round}, 4000)) << round;
  }
  EXPECT_GT(flow.dropped(DropReason::kIceRateLimited), 1000u);
  EXPECT_TRUE(flow.passes(4000));
}

TEST(IceHostile, AFloodOfGoodChecksIsBoundedAndSoIsTheNoise) {
  IceFlow flow;
  flow.nominate(4000, 1);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    flow.plane.arrive(0, static_cast<std::uint16_t>(5000 + i), IceFlow::kPort, stun_check({.transaction = 10 + i}));
    if (i % 100 == 99) flow.plane.run(2);
  }
  EXPECT_LE(flow.plane.departed(0).size(), kIceChecksPerSecondMax);
  EXPECT_LE(flow.plane.events().size(), 1 + kIceTellingsPerSecondMax + 1);
  EXPECT_TRUE(flow.passes(4000)) << "the selected source made room for none of them";
}

TEST(IceHostile, NoAnswerIsLongerThanItsCheck) {
  IceFlow flow;
  const Packet check = stun_check({.nominates = true});
  flow.arrive(check);
  const std::vector<Packet> frames = flow.plane.departed(0);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_LE(tests::udp_payload(frames[0]).size(), check.size());
}

TEST(IceHostile, AStrangersForgedCheckAsksForNoNextHop) {
  IceFlow flow;
  flow.arrive(stun_check({.password = "notthepasswordatallnotit"}), 4000, IceFlow::kPeer + 0x53);
  EXPECT_EQ(flow.dropped(DropReason::kIceAuthFailed), 1u);
  EXPECT_TRUE(flow.plane.departed(0).empty());
}

}  // namespace
}  // namespace weir::dataplane
