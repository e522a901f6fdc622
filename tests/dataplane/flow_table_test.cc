#include "dataplane/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::FlowState;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using Packet = std::vector<std::uint8_t>;

proto::TransformSpec transform_of(SrtpProfile profile, Random& random) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  return tests::derive_transform(profile, tests::random_bytes(random, info.key_bytes),
                                 tests::random_bytes(random, info.salt_bytes));
}

TEST(FlowTable, FindsAFlowAtItsNetworkAndPortOnly) {
  MediaFlows flows(4, 2);
  proto::FlowSpec spec = MediaFlows::spec(3, {}, {});
  spec.network = 1;
  EXPECT_EQ(flows.table().flow_at(1, spec.local_port), kNoFlow);
  flows.install(3, spec);
  EXPECT_EQ(flows.table().flow_at(1, spec.local_port), 3u);
  EXPECT_EQ(flows.table().flow_at(0, spec.local_port), kNoFlow);
  EXPECT_EQ(flows.table().flow_at(1, static_cast<std::uint16_t>(spec.local_port + 1)), kNoFlow);
  EXPECT_EQ(flows.table().flow_at(1, 0), kNoFlow);
  EXPECT_EQ(flows.table().flow_at(1, 65535), kNoFlow);
  flows.table().remove(3);
  EXPECT_EQ(flows.table().flow_at(1, spec.local_port), kNoFlow);
}

TEST(FlowTable, CountsTheFlowsOfEachWorker) {
  MediaFlows flows(4);
  FlowTable& table = flows.table();
  const proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
  ASSERT_TRUE(table.claim(0, 0));
  table.open({.index = 0, .generation = 1}, spec);
  table.install({.index = 0, .generation = 1}, spec, 0, flows.cipher());
  ASSERT_TRUE(table.claim(1, 3));
  table.install({.index = 1, .generation = 1}, MediaFlows::spec(1, {}, {}), 0, flows.cipher());
  EXPECT_EQ(table.flows_of(0), 1u) << "open, then installed, is one flow";
  EXPECT_EQ(table.flows_of(3), 1u);
  table.remove(0);
  EXPECT_EQ(table.flows_of(0), 0u);
  table.remove(1);
  EXPECT_EQ(table.flows_of(3), 0u);
}

TEST(FlowTable, SaysInTheStatusWhatWasInstalled) {
  Random random{1};
  MediaFlows flows(2);
  proto::FlowSpec spec = MediaFlows::spec(1, transform_of(SrtpProfile::kAeadAes128Gcm, random), {});
  spec.peer = {.address = proto::IpAddress::from_ipv4(0xc6120001), .port = 4000};
  spec.rtp.peer.port = 5000;
  spec.rtcp.peer.port = 5001;
  ASSERT_TRUE(flows.table().claim(1, 7));
  flows.table().open({.index = 1, .generation = 9}, spec);
  EXPECT_EQ(flows.status(1).state, FlowState::kOpen);
  EXPECT_EQ(flows.status(1).worker, 7);
  flows.table().install({.index = 1, .generation = 9}, spec, 0, flows.cipher());
  const proto::FlowStatus& status = flows.status(1);
  EXPECT_EQ(status.state, FlowState::kInstalled);
  EXPECT_EQ(status.cookie, spec.cookie);
  EXPECT_EQ(status.generation, 9u);
  EXPECT_EQ(status.local_port, spec.local_port);
  EXPECT_EQ(status.receive_profile, SrtpProfile::kAeadAes128Gcm);
  EXPECT_EQ(status.send_profile, SrtpProfile::kNone);
  EXPECT_EQ(status.source, spec.peer);
  EXPECT_EQ(status.rtp_exit.port, 5000);
  EXPECT_EQ(status.rtcp_exit.port, 5001);
  flows.table().drain(1);
  EXPECT_EQ(flows.status(1).state, FlowState::kDraining);
  flows.table().remove(1);
  EXPECT_EQ(flows.status(1).state, FlowState::kFree);
}

TEST(FlowTable, ANewPeerForgetsTheOneThatWasLatched) {
  MediaFlows flows(1);
  flows.install(0, MediaFlows::spec(0, {}, {}));
  flows.flow(0).marks |= kMarkLatched;
  const proto::Endpoint peer{.address = proto::IpAddress::from_ipv4(0xc6120002), .port = 6000};
  proto::FlowSpec spec{};
  spec.peer = peer;
  spec.rtp.peer.port = 7000;
  flows.table().set_peer(0, spec, 0);
  EXPECT_EQ(flows.flow(0).marks & kMarkLatched, 0);
  EXPECT_EQ(flows.flow(0).peer, peer);
  EXPECT_EQ(flows.flow(0).rtp_exit.peer.port, 7000);
  EXPECT_EQ(flows.status(0).source, peer);
}

/// Three flows of a table: what belongs to one must not reach into its neighbours.
class FlowTableOfAnyRoom : public testing::TestWithParam<KeyRoom> {
 protected:
  FlowTableOfAnyRoom() {
    for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
      if (proto::is_srtp(info.profile) && has_room_for(GetParam(), info.profile)) fitting_.push_back(info.profile);
    }
  }
  static bool is_zero(const Packet& bytes, std::size_t first, std::size_t last) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                       bytes.begin() + static_cast<std::ptrdiff_t>(last), [](auto byte) { return byte == 0; });
  }
  void install(std::uint32_t index, SrtpProfile profile) {
    flows_.install(index, MediaFlows::spec(index, transform_of(profile, random_), transform_of(profile, random_)),
                   flows_.flow(index).generation + 1);
  }
  [[nodiscard]] Packet bytes(std::uint32_t index) { return tests::bytes_with_keys(flows_.table(), index); }

  Random random_{2};
  MediaFlows flows_{3, 1, GetParam()};
  std::vector<SrtpProfile> fitting_;
};

TEST_P(FlowTableOfAnyRoom, RemovingWipesKeysAndState) {
  const std::size_t room = bytes_of(GetParam());
  for (const SrtpProfile profile : fitting_) {
    for (const std::uint32_t index : {0u, 1u, 2u}) install(index, profile);
    const Packet below = bytes(0);
    const Packet above = bytes(2);
    flows_.flow(1).receive_rtp[0].window.commit(5);
    EXPECT_FALSE(is_zero(bytes(1), 0, room));
    EXPECT_FALSE(is_zero(bytes(1), room + sizeof(FlowEntry), 2 * room + sizeof(FlowEntry)));
    flows_.table().remove(1);
    EXPECT_TRUE(is_zero(bytes(1), 0, room));
    EXPECT_TRUE(is_zero(bytes(1), room + offsetof(FlowEntry, peer), 2 * room + sizeof(FlowEntry)));
    EXPECT_EQ(flows_.flow(1).owner, 0);
    EXPECT_NE(flows_.flow(1).generation, 0u);
    EXPECT_EQ(bytes(0), below);
    EXPECT_EQ(bytes(2), above);
    for (const std::uint32_t index : {0u, 2u}) flows_.table().remove(index);
  }
}

TEST_P(FlowTableOfAnyRoom, UpdatingKeysLeavesNothingOfTheOldOnes) {
  for (const SrtpProfile profile : fitting_) {
    const proto::TransformSpec old_receive = transform_of(profile, random_);
    const proto::TransformSpec old_send = transform_of(profile, random_);
    flows_.install(1, MediaFlows::spec(1, old_receive, old_send), flows_.flow(1).generation + 1);
    const auto find = [&](const proto::SessionKeys& keys) {
      const Packet all = bytes(1);
      return std::search(all.begin(), all.end(), keys.encryption.begin(), keys.encryption.begin() + 16) != all.end();
    };
    EXPECT_TRUE(find(old_receive.rtp) && find(old_receive.rtcp) && find(old_send.rtp) && find(old_send.rtcp));
    flows_.update_keys(1, transform_of(SrtpProfile::kAesCm128HmacSha1_80, random_), {});
    EXPECT_FALSE(find(old_receive.rtp) || find(old_receive.rtcp) || find(old_send.rtp) || find(old_send.rtcp));
    EXPECT_EQ(flows_.flow(1).state, FlowState::kInstalled);
    flows_.table().remove(1);
  }
}

/// Neighbouring flows with media both ways, an epoch of older keys each, a restart between.
TEST_P(FlowTableOfAnyRoom, FlowsOfEveryProfileThatFitsStandSideBySide) {
  for (const SrtpProfile profile : fitting_) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    std::vector<tests::SrtpOracle> senders;
    std::vector<tests::SrtpOracle> receivers;
    std::vector<proto::TransformSpec> transforms;
    for (std::uint32_t i = 0; i < 6; ++i) {
      const Packet master = tests::random_bytes(random_, std::size_t{info.key_bytes} + info.salt_bytes);
      senders.emplace_back(profile, master, tests::SrtpOracle::Direction::kSend);
      receivers.emplace_back(profile, master, tests::SrtpOracle::Direction::kReceive);
      transforms.push_back(tests::SrtpOracle::transform(profile, master));
    }
    for (std::uint32_t index = 0; index < 3; ++index) {
      flows_.install(index, MediaFlows::spec(index, transforms[index], transforms[index]),
                     flows_.flow(index).generation + 1);
      proto::FlowSpec update{};
      update.receive = transforms[index + 3];
      update.send = transforms[index + 3];
      update.key_grace_ms = 60'000;
      ASSERT_TRUE(flows_.table().update_keys(index, update, 0, flows_.cipher()));
    }
    FlowTable table = flows_.restarted();
    table.resume(flows_.cipher());
    for (std::uint32_t i = 0; i < 12; ++i) {
      const std::uint32_t index = i % 3;
      const bool rtcp = i % 4 == 3;
      const Packet meant = rtcp ? tests::random_rtcp(random_, 7, 5)
                                : tests::random_rtp(random_, 7, static_cast<std::uint16_t>(5000 + i), 900);
      Packet packet = meant;
      tests::SrtpOracle& sender = senders[i % 6];  // the older key's and the newer one's
      ASSERT_TRUE(rtcp ? sender.protect_rtcp(packet) : sender.protect_rtp(packet));
      PacketBurst burst;
      burst.add(flows_, index, packet);
      burst.unprotect(flows_);
      ASSERT_EQ(burst.verdict(0), DropReason::kNone) << info.name << ", " << i;
      EXPECT_EQ(burst.packet(0), meant);
      burst.protect(flows_);
      packet = burst.packet(0);
      tests::SrtpOracle& receiver = receivers[index + 3];
      ASSERT_TRUE(rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet));
      EXPECT_EQ(packet, meant);
    }
    for (const std::uint32_t index : {0u, 1u, 2u}) flows_.table().remove(index);
  }
}

INSTANTIATE_TEST_SUITE_P(Rooms, FlowTableOfAnyRoom, testing::Values(KeyRoom::kAesCm, KeyRoom::kGcm),
                         [](const auto& room) { return room.param == KeyRoom::kGcm ? "gcm" : "aes_cm"; });

TEST(FlowTable, AnEntryHasOneOwner) {
  MediaFlows flows(1);
  EXPECT_TRUE(flows.table().claim(0, 0));
  EXPECT_TRUE(flows.table().claim(0, 0));
  EXPECT_FALSE(flows.table().claim(0, 1));
  flows.table().remove(0);
  EXPECT_TRUE(flows.table().claim(0, 1));
}

class Restart : public testing::TestWithParam<SrtpProfile> {};

TEST_P(Restart, FindsPortsKeysAndWindowsWhereTheyWere) {
  Random random{4};
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const Packet master = tests::random_bytes(random, std::size_t{info.key_bytes} + info.salt_bytes);
  const proto::TransformSpec transform = tests::SrtpOracle::transform(GetParam(), master);
  tests::SrtpOracle sender(GetParam(), master, tests::SrtpOracle::Direction::kSend);
  MediaFlows flows(3);
  flows.install(1, MediaFlows::spec(1, transform, transform));
  const auto take = [&](const Packet& packet) {
    PacketBurst burst;
    burst.add(flows, 1, packet);
    burst.unprotect(flows);
    return burst.verdict(0);
  };
  std::vector<Packet> packets;
  for (std::uint32_t i = 0; i < 4; ++i) {
    packets.push_back(tests::random_rtp(random, 7, static_cast<std::uint16_t>(65534 + i), 50));
    ASSERT_TRUE(sender.protect_rtp(packets.back()));
  }
  Packet report = tests::random_rtcp(random, 7, 5);
  ASSERT_TRUE(sender.protect_rtcp(report));
  EXPECT_EQ(take(packets[0]), DropReason::kNone);
  EXPECT_EQ(take(packets[2]), DropReason::kNone);

  tests::spoil_hash_keys(receive_side(flows.flow(1)));
  tests::spoil_hash_keys(send_side(flows.flow(1)));
  FlowTable table = flows.restarted();
  table.resume(flows.cipher());
  EXPECT_EQ(table.flow_at(0, flows.flow(1).local_port), 1u);
  EXPECT_EQ(table.flow_at(0, 20000), kNoFlow);
  EXPECT_EQ(take(packets[0]), DropReason::kReplayed);
  EXPECT_EQ(take(packets[2]), DropReason::kReplayed);
  EXPECT_EQ(take(packets[1]), DropReason::kReplayed) << "what lies behind the highest index counts as seen";
  EXPECT_EQ(take(packets[3]), DropReason::kNone);
  EXPECT_EQ(take(report), DropReason::kNone);
}

/// The two stores of a commit in either order, with a kill between them.
TEST_P(Restart, AWindowThatAKillLeftHalfStoredRepeatsNothing) {
  Random random{6};
  for (const bool bits_first : {true, false}) {
    MediaFlows flows(1);
    flows.install(0, MediaFlows::spec(0, {}, transform_of(GetParam(), random)));
    const auto send = [&](int sequence) {
      PacketBurst burst;
      burst.add(flows, 0, tests::random_rtp(random, 7, static_cast<std::uint16_t>(sequence), 20));
      burst.unprotect(flows);
      burst.protect(flows);
      return burst.verdict(0);
    };
    for (const int sequence : {10, 12, 13, 15}) EXPECT_EQ(send(sequence), DropReason::kNone);
    SrtpWindow& window = flows.flow(0).send_rtp[0].window;
    SrtpWindow next = window;
    next.commit(17);
    if (bits_first) {
      window.seen = next.seen;
    } else {
      window.highest = next.highest;
    }
    FlowTable table = flows.restarted();
    table.resume(flows.cipher());
    for (const int sequence : {10, 12, 13, 15}) EXPECT_EQ(send(sequence), DropReason::kSendReplayed);
    EXPECT_EQ(send(18), DropReason::kNone);
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, Restart, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

TEST(FlowTable, GivesBackEntriesThatWereOnlyClaimedWhenWeirMediaEnded) {
  MediaFlows flows(2);
  ASSERT_TRUE(flows.table().claim(1, 3));
  FlowTable table = flows.restarted();
  table.resume(flows.cipher());
  EXPECT_TRUE(table.claim(1, 0));
}

TEST(FlowTable, AFlowKilledWhileItsKeysChangedTakesNoMediaAfterTheRestart) {
  Random random{5};
  MediaFlows flows(1);
  flows.install(0, MediaFlows::spec(0, transform_of(SrtpProfile::kAeadAes128Gcm, random), {}));
  flows.flow(0).state = FlowState::kOpen;  // as update_keys leaves it until it is done
  FlowTable table = flows.restarted();
  table.resume(flows.cipher());
  EXPECT_EQ(flows.status(0).state, FlowState::kOpen);
}

/// Of one flow more: entry, status and share of the pools. The marks are 2 KiB, and 3 KiB with GCM.
static_assert(flow_bytes(KeyRoom::kAesCm) == 1954);
static_assert(flow_bytes(KeyRoom::kGcm) == 3244);

TEST(FlowEntry, CostsWhatItSays) {
  constexpr std::uint32_t kFlows = 1u << 16;
  for (const KeyRoom room : {KeyRoom::kAesCm, KeyRoom::kGcm}) {
    const std::uint64_t more =
        FlowTable::private_bytes(2 * kFlows, 1, room) - FlowTable::private_bytes(kFlows, 1, room);
    EXPECT_EQ(more / kFlows + sizeof(proto::FlowStatus), flow_bytes(room));
  }
}

}  // namespace
}  // namespace weir::dataplane
