// Whose packets a flow takes, through the whole plane: signalled, latched within a window and a mask, latched anew; and
// DTLS and STUN from where the policy says.
#include "dataplane/source_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/support/accounting.h"
#include "tests/support/media_plane.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using proto::SourcePolicy;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;
constexpr std::uint32_t kPeer = MediaPlane::peer_address(0);

class SourcePolicyTest : public testing::Test {
 protected:
  void install(SourcePolicy policy, std::uint32_t window_ms = 0, std::uint8_t prefix_bits = 0) {
    command_ = MediaPlane::install(1, 0, kPort, kExit);
    command_.flow.generation = ++generation_;
    command_.spec.source_policy = policy;
    command_.spec.latch_window_ms = window_ms;
    command_.spec.latch_prefix_bits = prefix_bits;
    if (secured_) {
      command_.spec.receive = tests::SrtpOracle::transform(proto::SrtpProfile::kAesCm128HmacSha1_80, master_);
    }
    ASSERT_EQ(plane_.command(command_).kind, EventKind::kInstalled);
  }
  void arrive(std::uint32_t address, std::uint16_t port, const Packet& payload) {
    plane_.arrive(0, tests::udp_frame({.from = MediaPlane::kPeerMac,
                                       .source = address,
                                       .destination = MediaPlane::our_address(0),
                                       .source_port = port,
                                       .destination_port = kPort,
                                       .payload = payload}));
    plane_.run(1);
  }
  /// Whether media from there leaves on the other side.
  bool passes(std::uint32_t address, std::uint16_t port, bool good = true) {
    Packet packet = rtp_packet(++sequence_, 1, 20);
    if (secured_) {
      EXPECT_TRUE(oracle_.protect_rtp(packet));
    }
    if (!good) packet.back() ^= 1;
    arrive(address, port, packet);
    return !plane_.departed(1).empty();
  }
  bool is_punted(std::uint32_t address, std::uint16_t port, const Packet& payload) {
    arrive(address, port, payload);
    return !plane_.punts().empty();
  }
  std::uint64_t refused() { return plane_.dropped(DropReason::kSourceNotAllowed); }
  std::size_t learned() {
    const auto events = tests::kinds(plane_.events());
    return static_cast<std::size_t>(std::ranges::count(events, EventKind::kSourceLearned));
  }
  void move_peer(std::uint16_t port) {
    proto::Command move = command_;
    move.kind = proto::CommandKind::kSetPeer;
    move.spec.peer = MediaPlane::peer(0, port);
    ASSERT_EQ(plane_.command(move).kind, EventKind::kPeerSet);
  }

  bool secured_ = false;
  const std::vector<std::uint8_t> master_ = std::vector<std::uint8_t>(30, 7);
  tests::SrtpOracle oracle_{proto::SrtpProfile::kAesCm128HmacSha1_80, master_, tests::SrtpOracle::Direction::kSend};
  MediaPlane plane_;
  proto::Command command_;
  std::uint16_t sequence_ = 0;
  std::uint32_t generation_ = 0;
};

TEST_F(SourcePolicyTest, SignalledTakesThePeerAloneWhateverComesFirst) {
  install(SourcePolicy::kSignalled, 5000);
  EXPECT_FALSE(passes(kPeer, 4444));
  EXPECT_FALSE(passes(kPeer + 1, 4000));
  EXPECT_TRUE(passes(kPeer, 4000));
  EXPECT_EQ(refused(), 2u);
  EXPECT_EQ(learned(), 0u);
}

TEST_F(SourcePolicyTest, APlainLegLatchesOnceAndOnlyWithinItsWindow) {
  install(SourcePolicy::kLatch, 300);
  plane_.sleep_ms(250);
  EXPECT_TRUE(passes(kPeer, 4444));
  EXPECT_EQ(learned(), 1u);
  EXPECT_FALSE(passes(kPeer, 5555));
  EXPECT_FALSE(passes(kPeer, 4000)) << "nor the signalled one any more";

  ASSERT_NO_FATAL_FAILURE(move_peer(4444));
  EXPECT_FALSE(passes(kPeer, 5555)) << "the source in force again opens nothing";
  ASSERT_NO_FATAL_FAILURE(move_peer(7000));
  plane_.sleep_ms(301);
  EXPECT_FALSE(passes(kPeer, 5555)) << "its window has passed";
  EXPECT_TRUE(passes(kPeer, 7000));
}

TEST_F(SourcePolicyTest, APlainLegsLatchStaysShutAfterItsWindowForEver) {
  install(SourcePolicy::kLatch, 300);
  plane_.run(400);  // housekeeping looks at every flow in a second
  plane_.run(700);
  plane_.sleep_ms((std::uint64_t{1} << 32) - 1200);  // the clock of windows has gone round
  EXPECT_FALSE(passes(kPeer, 5555));
  EXPECT_TRUE(passes(kPeer, 4000));
}

TEST_F(SourcePolicyTest, ASecuredLegsOpenLatchShutsWhenItBecomesPlain) {
  secured_ = true;
  install(SourcePolicy::kLatch);
  proto::Command update = command_;
  update.kind = proto::CommandKind::kUpdateKeys;
  update.spec.receive = {};
  ASSERT_EQ(plane_.command(update).kind, EventKind::kKeysUpdated);
  secured_ = false;
  EXPECT_FALSE(passes(kPeer, 5555)) << "nobody authenticates here";
  EXPECT_TRUE(passes(kPeer, 4000));
}

TEST_F(SourcePolicyTest, APlainLegWithoutAWindowDoesNotLatch) {
  install(SourcePolicy::kLatch, 0);
  EXPECT_FALSE(passes(kPeer, 4444));
  EXPECT_TRUE(passes(kPeer, 4000));
}

TEST_F(SourcePolicyTest, ARestrictedLatchLearnsWithinItsMaskOnly) {
  install(SourcePolicy::kLatch, 5000, 30);
  EXPECT_FALSE(passes(kPeer ^ 4, 4000)) << "bit 29 differs";
  EXPECT_TRUE(passes(kPeer ^ 3, 4444)) << "bits 30 and 31 may";
  EXPECT_EQ(learned(), 1u);
  EXPECT_FALSE(passes(kPeer, 4000));
  EXPECT_EQ(refused(), 2u);
}

TEST_F(SourcePolicyTest, ASecuredLegLatchesByAnAuthenticatedPacketAtAnyTime) {
  secured_ = true;
  install(SourcePolicy::kLatch);
  plane_.sleep_ms(3'600'000);
  EXPECT_FALSE(passes(kPeer, 6666, false));
  EXPECT_EQ(learned(), 0u);
  EXPECT_TRUE(passes(kPeer, 4444));
  EXPECT_EQ(learned(), 1u);
  EXPECT_FALSE(passes(kPeer, 5555)) << "good, but latched";
  ASSERT_NO_FATAL_FAILURE(move_peer(4444));
  EXPECT_FALSE(passes(kPeer, 6666, false));
  EXPECT_TRUE(passes(kPeer, 5555)) << "an answer opens it again, for who authenticates";
}

TEST_F(SourcePolicyTest, WhatComesUnderOlderKeysIsHeardButMovesNoSource) {
  constexpr auto kProfile = proto::SrtpProfile::kAesCm128HmacSha1_80;
  const std::vector<std::uint8_t> next(30, 9);
  secured_ = true;
  install(SourcePolicy::kLatch);
  EXPECT_TRUE(passes(kPeer, 4444));
  EXPECT_EQ(learned(), 1u);
  proto::Command rekey = command_;
  rekey.kind = proto::CommandKind::kUpdateKeys;
  rekey.spec.receive = tests::SrtpOracle::transform(kProfile, next);
  rekey.spec.key_grace_ms = 5000;
  ASSERT_EQ(plane_.command(rekey).kind, EventKind::kKeysUpdated);
  ASSERT_NO_FATAL_FAILURE(move_peer(5555));  // another party has come, and the one before does not know yet

  EXPECT_TRUE(passes(kPeer, 4444)) << "within the grace, while nobody has come";
  EXPECT_EQ(learned(), 0u);
  tests::SrtpOracle before =
      std::exchange(oracle_, tests::SrtpOracle(kProfile, next, tests::SrtpOracle::Direction::kSend));
  EXPECT_TRUE(passes(kPeer, 5555));
  EXPECT_EQ(learned(), 1u);
  std::swap(oracle_, before);
  EXPECT_FALSE(passes(kPeer, 4444)) << "good, but the flow is the other's";
  EXPECT_EQ(refused(), 1u);
}

TEST_F(SourcePolicyTest, ARelatchFollowsAuthenticatedPacketsWithinItsMask) {
  secured_ = true;
  install(SourcePolicy::kRelatch, 0, 24);
  for (const std::uint16_t port : {std::uint16_t{4444}, std::uint16_t{5555}, std::uint16_t{4444}}) {
    EXPECT_FALSE(passes(kPeer, 6666, false));
    EXPECT_TRUE(passes(kPeer + 1, port));
    EXPECT_EQ(learned(), 1u);
  }
  EXPECT_FALSE(passes(kPeer + 0x100, 4444)) << "good, but from another network";
  EXPECT_TRUE(passes(kPeer, 4444));
}

TEST_F(SourcePolicyTest, DtlsAndStunComeFromWhereThePolicySays) {
  const Packet hello = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  Packet binding(20, 0);
  binding[1] = 1;
  proto::store_be32(binding.data() + 4, 0x2112a442);
  const struct {
    const char* description;
    SourcePolicy policy;
    std::uint8_t prefix_bits;
    std::uint32_t address;
    std::uint16_t port;
    bool punted;
  } rows[] = {
      {"signalled: the peer", SourcePolicy::kSignalled, 0, kPeer, 4000, true},
      {"signalled: another port", SourcePolicy::kSignalled, 0, kPeer, 4001, false},
      {"signalled: another address", SourcePolicy::kSignalled, 0, kPeer + 1, 4000, false},
      {"latch: anyone", SourcePolicy::kLatch, 0, kPeer + 1, 9999, true},
      {"restricted: within the mask", SourcePolicy::kLatch, 30, kPeer ^ 3, 9999, true},
      {"restricted: beyond it", SourcePolicy::kLatch, 30, kPeer ^ 4, 4000, false},
  };
  for (const auto& row : rows) {
    install(row.policy, 0, row.prefix_bits);
    const std::uint64_t before = refused();
    EXPECT_EQ(is_punted(row.address, row.port, hello), row.punted) << row.description;
    EXPECT_EQ(is_punted(row.address, row.port, binding), row.punted) << row.description;
    EXPECT_EQ(refused() - before, row.punted ? 0u : 2u) << row.description;
    proto::Command remove = command_;
    remove.kind = proto::CommandKind::kRemove;
    ASSERT_EQ(plane_.command(remove).kind, EventKind::kRemoved);
  }
}

}  // namespace
}  // namespace weir::dataplane
