// A rekey, make before break: libsrtp2 sends under the old key and under the new one, and what is good is taken, within
// the grace and no longer.
#include "dataplane/key_epochs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/media_flows.h"
#include "tests/support/media_plane.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using tests::SrtpOracle;
using Packet = std::vector<std::uint8_t>;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint32_t kGraceMs = 5000;
constexpr std::uint32_t kSsrc = 7;

/// One key of the far side, and what libsrtp2 sends under it.
struct Key {
  Key(SrtpProfile profile, Random& random) : master(random_master(profile, random)), oracle(sender(profile)) {
    transform = SrtpOracle::transform(profile, master);
  }
  static Packet random_master(SrtpProfile profile, Random& random) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    return tests::random_bytes(random, std::size_t{info.key_bytes} + info.salt_bytes);
  }
  [[nodiscard]] SrtpOracle sender(SrtpProfile profile) const { return {profile, master, SrtpOracle::Direction::kSend}; }

  Packet master;
  SrtpOracle oracle;
  proto::TransformSpec transform;
};

class KeyEpochs : public testing::TestWithParam<SrtpProfile> {
 protected:
  KeyEpochs() { flows_.install(0, MediaFlows::spec(0, old_.transform, {})); }

  bool rekey(const Key& key, std::uint32_t grace_ms = kGraceMs, std::uint8_t keeps_indexes = 0) {
    proto::FlowSpec update{};
    update.receive = key.transform;
    update.receive.keeps_indexes = keeps_indexes;
    update.key_grace_ms = grace_ms;
    return flows_.table().update_keys(0, update, now_ns_, flows_.cipher());
  }

  Packet srtp(Key& key, int sequence) {
    clear_ = tests::random_rtp(random_, kSsrc, static_cast<std::uint16_t>(sequence), 33);
    Packet packet = clear_;
    EXPECT_TRUE(key.oracle.protect_rtp(packet));
    return packet;
  }
  Packet srtcp(Key& key) {
    clear_ = tests::random_rtcp(random_, kSsrc, 6);
    Packet packet = clear_;
    EXPECT_TRUE(key.oracle.protect_rtcp(packet));
    return packet;
  }

  DropReason take(const Packet& packet) {
    burst_.clear();
    burst_.burst().now_ns = now_ns_;
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    return burst_.verdict(0);
  }
  /// Taken, and what the sender meant.
  void expect_taken(const Packet& packet) {
    const Packet meant = clear_;
    EXPECT_EQ(take(packet), DropReason::kNone);
    EXPECT_EQ(burst_.packet(0), meant);
  }
  bool noted_confirmation() { return (burst_.burst().notes[0] & kNoteKeysConfirmed) != 0; }
  void sleep_ms(std::uint64_t ms) {
    now_ns_ += ms * kMs;
    end_old_keys(flows_.table(), 0, now_ns_);
  }

  /// An epoch with its keys.
  Packet bytes_of(Place place) {
    const auto* epoch = reinterpret_cast<const std::uint8_t*>(&flows_.table().epochs().at(place));
    return {epoch - dataplane::bytes_of(flows_.table().key_room()), epoch + sizeof(KeyEpoch)};
  }

  /// Everything that a packet could have changed.
  Packet state() {
    Packet bytes = tests::bytes_with_keys(flows_.table(), 0);
    const auto* status = reinterpret_cast<const std::uint8_t*>(&flows_.status(0));
    bytes.insert(bytes.end(), status, status + sizeof(proto::FlowStatus));
    const Packet epoch = bytes_of(flows_.flow(0).epoch);
    bytes.insert(bytes.end(), epoch.begin(), epoch.end());
    return bytes;
  }

  Random random_{42};
  MediaFlows flows_{2};
  Key old_{GetParam(), random_};
  Key new_{GetParam(), random_};
  Packet clear_;
  PacketBurst burst_;
  std::uint64_t now_ns_ = 1'000'000 * kMs;
};

TEST_P(KeyEpochs, TheOldKeyReceivesUntilTheNewOneHasAuthenticatedAndLatePacketsAreIn) {
  expect_taken(srtp(old_, 100));
  expect_taken(srtcp(old_));
  ASSERT_TRUE(rekey(new_));
  sleep_ms(3000);
  expect_taken(srtp(old_, 101));
  expect_taken(srtcp(old_));
  EXPECT_FALSE(noted_confirmation());
  const Packet late = srtp(old_, 102);
  const Packet late_clear = clear_;
  expect_taken(srtp(new_, 103));
  EXPECT_TRUE(noted_confirmation());
  expect_taken(srtp(new_, 104));
  EXPECT_FALSE(noted_confirmation()) << "said once";
  expect_taken(srtcp(new_));
  clear_ = late_clear;
  expect_taken(late);
  sleep_ms(999);
  expect_taken(srtp(old_, 105));
  sleep_ms(1);
  EXPECT_EQ(take(srtp(old_, 106)), DropReason::kAuthFailed);
  EXPECT_EQ(take(srtcp(old_)), DropReason::kAuthFailed);
  expect_taken(srtp(new_, 107));
  EXPECT_EQ(flows_.flow(0).epoch, 0u);
}

TEST_P(KeyEpochs, TheGraceIsBoundedAlsoIfTheNewKeyIsNeverUsed) {
  ASSERT_TRUE(rekey(new_));
  now_ns_ += kGraceMs * kMs - 1;
  expect_taken(srtp(old_, 1));
  now_ns_ += 1;  // before housekeeping has looked
  EXPECT_EQ(take(srtp(old_, 2)), DropReason::kAuthFailed);
  expect_taken(srtp(new_, 2));
}

TEST_P(KeyEpochs, WithoutAGraceTheOldKeyEndsAtOnce) {
  ASSERT_TRUE(rekey(new_, 0));
  EXPECT_EQ(take(srtp(old_, 1)), DropReason::kAuthFailed);
  expect_taken(srtp(new_, 1));
  EXPECT_FALSE(noted_confirmation());
  EXPECT_EQ(flows_.flow(0).epoch, 0u);
}

TEST_P(KeyEpochs, WhatTheOldKeyLetInComesInNoSecondTime) {
  const std::vector<Packet> before = {srtp(old_, 10), srtcp(old_), srtp(old_, 12)};
  for (const Packet& packet : before) EXPECT_EQ(take(packet), DropReason::kNone);
  ASSERT_TRUE(rekey(new_));
  const std::vector<Packet> after = {srtp(old_, 13), srtcp(old_)};
  for (const Packet& packet : after) EXPECT_EQ(take(packet), DropReason::kNone);
  for (const auto& packets : {before, after}) {
    for (const Packet& packet : packets) EXPECT_EQ(take(packet), DropReason::kAuthFailed);
  }
  EXPECT_EQ(flows_.status(0).rtp_packets_in, 3u);
  EXPECT_EQ(flows_.status(0).rtcp_packets_in, 2u);
}

TEST_P(KeyEpochs, AForgedPacketChangesNothingAndGoodOnesAreStillTaken) {
  expect_taken(srtp(old_, 10));
  ASSERT_TRUE(rekey(new_));
  for (Key* key : {&old_, &new_}) {
    for (const Packet& good : {srtp(*key, 20), srtcp(*key)}) {
      const Packet before = state();
      for (std::size_t bit = 0; bit < good.size() * 8; bit += 5) {
        Packet forged = good;
        forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ (1 << bit % 8));
        ASSERT_NE(take(forged), DropReason::kNone) << bit;
        ASSERT_EQ(state(), before) << bit;
      }
      EXPECT_EQ(take(good), DropReason::kNone);
    }
  }
}

TEST_P(KeyEpochs, IndexesGoOnUnderTheNewKeyWhereTheTransformSaysSo) {
  srtp(old_, 1);
  old_.oracle.set_roc(kSsrc, 2);
  flows_.flow(0).receive_rtp_roc = 2;
  expect_taken(srtp(old_, 65'000));
  ASSERT_TRUE(rekey(new_, kGraceMs, 1));
  // Half a cycle and more under the old key, before the new one comes into use.
  expect_taken(srtp(old_, 20'000));
  expect_taken(srtp(old_, 50'000));
  srtp(new_, 1);
  new_.oracle.set_roc(kSsrc, 3);
  expect_taken(srtp(new_, 50'001));
  EXPECT_EQ(burst_.burst().index[0], (std::uint64_t{3} << 16) + 50'001);
}

/// Without rtcp-mux SRTP and SRTCP have associations of their own, and one may be made anew without the other.
TEST_P(KeyEpochs, TheKindWhoseKeyStaysKeepsItsWindowPastTheGrace) {
  for (const bool rtcp : {false, true}) {
    flows_.install(0, MediaFlows::spec(0, old_.transform, {}));
    proto::FlowSpec update{};
    update.receive = new_.transform;
    (rtcp ? update.receive.rtcp : update.receive.rtp) = rtcp ? old_.transform.rtcp : old_.transform.rtp;
    update.key_grace_ms = kGraceMs;
    Key staying{GetParam(), random_};
    staying.oracle = old_.sender(GetParam());
    const auto next = [&](int sequence) { return rtcp ? srtcp(staying) : srtp(staying, sequence); };
    expect_taken(next(1));
    ASSERT_TRUE(flows_.table().update_keys(0, update, now_ns_, flows_.cipher()));
    const Packet within = next(2);
    EXPECT_EQ(take(within), DropReason::kNone);
    EXPECT_FALSE(noted_confirmation()) << "that key is not new";
    if (!rtcp) expect_taken(next(30'000));
    sleep_ms(kGraceMs);
    if (!rtcp) expect_taken(next(60'000));
    EXPECT_NE(take(within), DropReason::kNone) << "a replay";
    expect_taken(next(60'001));
  }
}

TEST_P(KeyEpochs, AKeyThatStayedAndIsReplacedNextTakesItsWindowAlong) {
  proto::FlowSpec update{};
  update.receive = new_.transform;
  update.receive.rtp = old_.transform.rtp;
  update.key_grace_ms = kGraceMs;
  ASSERT_TRUE(flows_.table().update_keys(0, update, now_ns_, flows_.cipher()));
  const Packet packet = srtp(old_, 1);
  EXPECT_EQ(take(packet), DropReason::kNone);
  ASSERT_TRUE(rekey(new_));
  EXPECT_NE(take(packet), DropReason::kNone) << "a replay";
  expect_taken(srtp(old_, 2));
  expect_taken(srtcp(old_));
}

TEST_P(KeyEpochs, ARekeyThatIsTakenBackLeavesTheWindowsAsTheyWere) {
  srtp(old_, 1);
  old_.oracle.set_roc(kSsrc, 2);
  flows_.flow(0).receive_rtp_roc = 2;
  const Packet before = srtp(old_, 65'000);
  EXPECT_EQ(take(before), DropReason::kNone);
  ASSERT_TRUE(rekey(new_));
  std::vector<Packet> within;
  for (std::uint32_t ssrc = kSsrc; ssrc < kSsrc + proto::kSsrcsNearMax + 2; ++ssrc) {
    within.push_back(tests::random_rtp(random_, ssrc, 65'001, 33));
    ASSERT_TRUE(old_.oracle.protect_rtp(within.back()));
    if (ssrc != kSsrc) flows_.table().epochs().at(flows_.flow(0).epoch).rtp_roc = 0;  // of those that are new
    EXPECT_EQ(take(within.back()), DropReason::kNone) << ssrc;
  }
  ASSERT_TRUE(rekey(old_));
  EXPECT_NE(take(before), DropReason::kNone) << "a replay";
  for (const Packet& packet : within) EXPECT_NE(take(packet), DropReason::kNone) << "a replay";
  expect_taken(srtp(old_, 65'002));
  sleep_ms(kGraceMs);
  expect_taken(srtp(old_, 65'003));
  EXPECT_NE(take(before), DropReason::kNone) << "a replay";
}

TEST_P(KeyEpochs, KeysThatNeverCameIntoUseMakeWayForThoseBefore) {
  Key newest{GetParam(), random_};
  expect_taken(srtp(old_, 10));
  ASSERT_TRUE(rekey(new_));
  ASSERT_TRUE(rekey(newest));
  expect_taken(srtp(old_, 11));
  EXPECT_EQ(take(srtp(new_, 12)), DropReason::kAuthFailed);
  expect_taken(srtp(newest, 12));
  ASSERT_TRUE(rekey(new_));
  expect_taken(srtp(newest, 13));
  expect_taken(srtp(new_, 14));
}

TEST_P(KeyEpochs, GoOnAfterARestart) {
  const Packet first = srtp(old_, 10);
  EXPECT_EQ(take(first), DropReason::kNone);
  ASSERT_TRUE(rekey(new_));
  tests::spoil_hash_keys(receive_side(flows_.table().epochs().at(flows_.flow(0).epoch)));
  const Place lost = flows_.table().epochs().claim(1);  // a flow that weir-media did not get to tell of it
  ASSERT_NE(lost, 0u);
  FlowTable table = flows_.restarted();
  table.resume(flows_.cipher());
  EXPECT_EQ(table.epochs().holder(lost), 0u);
  EXPECT_NE(flows_.flow(0).epoch, 0u);
  EXPECT_EQ(take(first), DropReason::kAuthFailed);
  expect_taken(srtp(old_, 11));
  expect_taken(srtcp(old_));
  expect_taken(srtp(new_, 12));
  flows_.flow(0).transforms &= static_cast<std::uint8_t>(~kDetourEpoch);  // killed while they were being ended
  table.resume(flows_.cipher());
  EXPECT_EQ(flows_.flow(0).epoch, 0u);
  EXPECT_EQ(take(srtp(old_, 13)), DropReason::kAuthFailed);
}

TEST_P(KeyEpochs, LeaveNoKeysBehind) {
  for (const bool removed : {false, true}) {
    flows_.install(0, MediaFlows::spec(0, old_.transform, {}));
    ASSERT_TRUE(rekey(new_));
    const Place place = flows_.flow(0).epoch;
    if (removed) {
      flows_.table().remove(0);
    } else {
      sleep_ms(kGraceMs);
    }
    const Packet bytes = bytes_of(place);
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
    EXPECT_EQ(flows_.table().epochs().holder(place), 0u);
  }
}

TEST_P(KeyEpochs, ARekeyWithoutAPlaceForTheOldKeysIsRefusedAndTheyGoOn) {
  for (std::uint32_t flow = 1; flows_.table().epochs().claim(flow) != 0; ++flow) {
  }
  EXPECT_FALSE(rekey(new_));
  expect_taken(srtp(old_, 1));
  EXPECT_EQ(take(srtp(new_, 2)), DropReason::kAuthFailed);
}

TEST_P(KeyEpochs, SendingChangesOnce) {
  SrtpOracle receiver(GetParam(), new_.master, SrtpOracle::Direction::kReceive);
  proto::FlowSpec update{};
  flows_.install(0, MediaFlows::spec(0, {}, old_.transform));
  update.send = new_.transform;
  update.key_grace_ms = kGraceMs;
  ASSERT_TRUE(flows_.table().update_keys(0, update, now_ns_, flows_.cipher()));
  for (int sequence = 1; sequence < 20; ++sequence) {
    const Packet packet = tests::random_rtp(random_, kSsrc, static_cast<std::uint16_t>(sequence), 20);
    burst_.clear();
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    burst_.protect(flows_);
    Packet sent = burst_.packet(0);
    ASSERT_TRUE(receiver.unprotect_rtp(sent));
    EXPECT_EQ(sent, packet);
  }
  EXPECT_EQ(flows_.flow(0).epoch, 0u) << "a plain receiver has no old keys";
}

INSTANTIATE_TEST_SUITE_P(Profiles, KeyEpochs, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

/// Through the whole plane: weir-control is told, housekeeping ends what has had its time.
TEST(KeyEpochsPlane, ARekeyLosesNoPacketAndIsConfirmedByAnEvent) {
  constexpr std::uint16_t kPort = 20000;
  Random random{8};
  Key old_key{SrtpProfile::kAeadAes128Gcm, random};
  Key new_key{SrtpProfile::kAeadAes128Gcm, random};
  tests::MediaPlane plane;
  proto::Command command = tests::MediaPlane::install(1, 0, kPort, 20002);
  command.spec.receive = old_key.transform;
  ASSERT_EQ(plane.command(command).kind, proto::EventKind::kInstalled);
  int sequence = 65'000;
  const auto passes = [&](Key& key) {
    Packet packet = tests::random_rtp(random, kSsrc, static_cast<std::uint16_t>(sequence++), 50);
    EXPECT_TRUE(key.oracle.protect_rtp(packet));
    plane.arrive(0, 4000, kPort, packet);
    plane.run(2);
    return plane.departed(1).size() == 1;
  };
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(passes(old_key));
  plane.events();
  command.kind = proto::CommandKind::kUpdateKeys;
  command.spec.receive = new_key.transform;
  command.spec.key_grace_ms = kGraceMs;
  ASSERT_EQ(plane.command(command).kind, proto::EventKind::kKeysUpdated);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(passes(old_key));
  EXPECT_TRUE(plane.events().empty());
  EXPECT_TRUE(passes(new_key));
  const std::vector<proto::Event> events = plane.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, proto::EventKind::kKeysConfirmed);
  EXPECT_EQ(events[0].cookie, command.spec.cookie);
  EXPECT_TRUE(passes(old_key));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(passes(new_key));
  plane.run(2100);  // late packets have had their time, and housekeeping has seen every flow
  EXPECT_FALSE(passes(old_key));
  EXPECT_TRUE(passes(new_key));
  EXPECT_EQ(plane.dropped(DropReason::kAuthFailed), 1u);
}

}  // namespace
}  // namespace weir::dataplane
