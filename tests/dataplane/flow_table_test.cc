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

Packet bytes_of(const FlowEntry& flow) {
  Packet bytes(sizeof flow);
  std::memcpy(bytes.data(), &flow, sizeof flow);
  return bytes;
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

TEST(FlowTable, RemovingWipesKeysAndState) {
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes256Gcm}) {
    Random random{2};
    MediaFlows flows(1);
    flows.install(0, MediaFlows::spec(0, transform_of(profile, random), transform_of(profile, random)));
    flows.flow(0).receive_rtp[0].window.commit(5);
    flows.table().remove(0);
    const Packet bytes = bytes_of(flows.flow(0));
    EXPECT_TRUE(
        std::all_of(bytes.begin() + offsetof(FlowEntry, peer), bytes.end(), [](auto byte) { return byte == 0; }));
    EXPECT_EQ(flows.flow(0).owner, 0);
    EXPECT_EQ(flows.flow(0).generation, 1u);
  }
}

TEST(FlowTable, UpdatingKeysLeavesNothingOfTheOldOnes) {
  Random random{3};
  MediaFlows flows(1);
  const proto::TransformSpec old_receive = transform_of(SrtpProfile::kAeadAes256Gcm, random);
  flows.install(0, MediaFlows::spec(0, old_receive, transform_of(SrtpProfile::kAeadAes256Gcm, random)));
  flows.update_keys(0, transform_of(SrtpProfile::kAesCm128HmacSha1_80, random), {});
  const Packet bytes = bytes_of(flows.flow(0));
  for (const proto::SessionKeys* keys : {&old_receive.rtp, &old_receive.rtcp}) {
    const auto found = std::search(bytes.begin(), bytes.end(), keys->encryption.begin(), keys->encryption.begin() + 16);
    EXPECT_EQ(found, bytes.end());
  }
  EXPECT_EQ(flows.flow(0).state, FlowState::kInstalled);
}

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

  tests::spoil_hash_keys(GetParam(), flows.flow(1).receive_keys);
  tests::spoil_hash_keys(GetParam(), flows.flow(1).send_keys);
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

TEST(FlowEntry, KeepsToItsBudget) {
  // What an AES-CM flow, AES-256 included, would need without the room for GCM's keys.
  constexpr std::size_t kState = offsetof(FlowEntry, receive_keys);
  constexpr std::size_t kSession = sizeof(FlowEntry) - offsetof(FlowEntry, receive_srtcp_key);
  EXPECT_LE(kState + 2 * sizeof(ExpandedKeys::aes_cm) + kSession, 2048u);
  EXPECT_LE(sizeof(FlowEntry), 3072u);
}

}  // namespace
}  // namespace weir::dataplane
