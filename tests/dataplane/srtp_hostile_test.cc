// What an attacker, a bad network and a damaged weir-control send: good packets are taken, nothing else changes a
// thing, and every packet is counted. Long ones run to a tenth of their length: see tests/support/soak.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "dataplane/cipher.h"
#include "dataplane/flow_table.h"
#include "dataplane/srtp_iv.h"
#include "tests/support/accounting.h"
#include "tests/support/media_flows.h"
#include "tests/support/media_plane.h"
#include "tests/support/random_media.h"
#include "tests/support/soak.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::MediaPlane;
using tests::PacketBurst;
using tests::Random;
using tests::SrtpOracle;
using Packet = std::vector<std::uint8_t>;

class Hostile : public testing::TestWithParam<SrtpProfile> {
 protected:
  Hostile() { renew(); }

  /// A flow that has seen nothing, and its peer.
  void renew() {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    master_ = tests::random_bytes(random_, std::size_t{info.key_bytes} + info.salt_bytes);
    oracle_.emplace(GetParam(), master_, SrtpOracle::Direction::kSend);
    transform_ = SrtpOracle::transform(GetParam(), master_);
    flows_.install(0, MediaFlows::spec(0, transform_, {}));
  }
  Packet srtp(std::uint32_t sequence, std::size_t payload_bytes = 10) {
    Packet packet = tests::random_rtp(random_, 7, static_cast<std::uint16_t>(sequence), payload_bytes);
    EXPECT_TRUE(oracle_->protect_rtp(packet));
    return packet;
  }
  Packet srtcp() {
    Packet packet = tests::random_rtcp(random_, 7, 6);
    EXPECT_TRUE(oracle_->protect_rtcp(packet));
    return packet;
  }
  DropReason take(const Packet& packet) {
    burst_.clear();
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    return burst_.verdict(0);
  }

  Random random_{77};
  MediaFlows flows_{1};
  Packet master_;
  std::optional<SrtpOracle> oracle_;
  proto::TransformSpec transform_;
  PacketBurst burst_;
};

TEST_P(Hostile, AnIndexFarAheadWithABadTagMovesNeitherWindowNorRolloverCounter) {
  EXPECT_EQ(take(srtp(60'000)), DropReason::kNone);
  const SrtpWindow before = flows_.flow(0).receive_rtp[0].window;
  for (const std::uint32_t ahead : {1u, 100u, 5'536u, 20'000u, 32'767u, 32'768u, 40'000u, 65'535u}) {
    Packet forged = tests::random_rtp(random_, 7, static_cast<std::uint16_t>(60'000 + ahead), 30);
    EXPECT_NE(take(forged), DropReason::kNone);
    EXPECT_EQ(std::memcmp(&before, &flows_.flow(0).receive_rtp[0].window, sizeof before), 0) << ahead;
  }
  EXPECT_EQ(take(srtp(60'001)), DropReason::kNone);
}

TEST_P(Hostile, AnSrtcpIndexFarAheadWithABadTagMovesNoWindowAndAnUnknownSsrcLeavesNoTrace) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(srtcp()), DropReason::kNone);
  const SsrcStates rtp = flows_.flow(0).receive_rtp;
  const SrtcpStates rtcp = flows_.flow(0).receive_rtcp;
  const bool index_is_last = proto::srtp_profile(GetParam()).srtcp_tag_bytes == kGcmTagBytes;
  const Packet good = srtcp();
  const std::size_t index_at =
      good.size() - kSrtcpIndexBytes - (index_is_last ? 0 : proto::srtp_profile(GetParam()).srtcp_tag_bytes);
  for (const std::uint32_t ssrc : {7u, 8u}) {
    for (const std::uint32_t index : {5u, 64u, 1000u, 0x4000'0000u, 0x7fff'ffffu}) {
      Packet forged = good;
      proto::store_be32(forged.data() + 4, ssrc);
      proto::store_be32(forged.data() + index_at, kSrtcpEncryptedBit | index);
      EXPECT_EQ(take(forged), DropReason::kAuthFailed) << index;
    }
    EXPECT_EQ(take(tests::random_rtp(random_, 8, static_cast<std::uint16_t>(random_()), 30)), DropReason::kAuthFailed);
  }
  EXPECT_EQ(std::memcmp(&rtp, &flows_.flow(0).receive_rtp, sizeof rtp), 0);
  EXPECT_EQ(std::memcmp(&rtcp, &flows_.flow(0).receive_rtcp, sizeof rtcp), 0);
  EXPECT_EQ(take(good), DropReason::kNone);
}

/// Sends what the network delivers and expects that all is taken.
TEST_P(Hostile, StreamsThatStartBeforeAWrapAndLoseTheirFirstPacketsAreTakenThroughFiveWraps) {
  for (std::uint32_t first = 65'500; first < 65'536; ++first) {
    for (const std::uint32_t lost : {0u, 1u, 20u, 36u, 100u, 1000u}) {
      renew();
      for (std::uint32_t i = 0; i < lost; ++i) srtp(first + i, 0);
      for (std::uint32_t i = lost; i < lost + 50; ++i) ASSERT_EQ(take(srtp(first + i, 0)), DropReason::kNone) << first;
    }
  }
  renew();
  std::uint32_t sequence = 65'520;
  for (std::uint32_t i = 0; i < 30; ++i) srtp(sequence++, 0);  // lost, over the first wrap
  for (int wrap = 0; wrap < 5; ++wrap) {
    for (std::uint32_t i = 0; i < 64'000; ++i) ASSERT_EQ(take(srtp(sequence++, 0)), DropReason::kNone);
    while (sequence % 65'536 != 65'400) ASSERT_EQ(take(srtp(sequence++, 0)), DropReason::kNone);
    for (int block = 0; block < 3; ++block) {  // reordered by up to a hundred, before, across and after
      std::vector<Packet> packets;
      for (int i = 0; i < 100; ++i) packets.push_back(srtp(sequence++, 0));
      std::shuffle(packets.begin(), packets.end(), random_);
      for (const Packet& packet : packets) ASSERT_EQ(take(packet), DropReason::kNone) << wrap;
    }
  }
  EXPECT_EQ(flows_.status(0).auth_failed + flows_.status(0).replayed, 0u);
  EXPECT_GE(flows_.flow(0).receive_rtp[0].window.highest >> 16, 5u);
}

TEST_P(Hostile, TenMinutesReplayedLetNothingIn) {
  std::vector<Packet> recorded;
  for (std::uint32_t i = 0; i < 600 * 50; ++i) {
    recorded.push_back(srtp(50'000 + i));
    if (i % 250 == 0) recorded.push_back(srtcp());
  }
  for (const Packet& packet : recorded) ASSERT_EQ(take(packet), DropReason::kNone);
  const proto::FlowStatus before = flows_.status(0);
  for (const Packet& packet : recorded) ASSERT_NE(take(packet), DropReason::kNone);
  std::shuffle(recorded.begin(), recorded.end(), random_);
  for (const Packet& packet : recorded) ASSERT_NE(take(packet), DropReason::kNone);
  EXPECT_EQ(flows_.status(0).rtp_packets_in, before.rtp_packets_in);
  EXPECT_EQ(flows_.status(0).rtcp_packets_in, before.rtcp_packets_in);
}

TEST_P(Hostile, RtcpOfEveryTypeAndLengthStaysInBounds) {
  proto::FlowSpec spec = MediaFlows::spec(0, transform_, transform_);
  spec.rewrite.ssrc_to = 1;
  spec.rewrite.ssrc_reverse_from = 2;
  spec.rewrite.ssrc_reverse_to = 3;
  proto::FlowSpec plain = spec;
  plain.receive = {};
  for (const bool secured : {true, false}) {
    flows_.install(0, secured ? spec : plain);
    for (std::uint32_t type = 192; type < 224; ++type) {
      for (std::size_t bytes = 0; bytes < 28; ++bytes) {
        for (std::uint32_t words = 0; words <= 7; ++words) {
          Packet packet = tests::random_bytes(random_, bytes);
          const std::array<std::uint8_t, 4> head = {static_cast<std::uint8_t>(0x80 | (random_() & 0x1f)),
                                                    static_cast<std::uint8_t>(type), 0,
                                                    static_cast<std::uint8_t>(words)};
          std::copy_n(head.begin(), std::min(bytes, head.size()), packet.begin());
          if (secured && words % 2 == 0 && bytes >= 8) {
            ASSERT_TRUE(oracle_->protect_rtcp(packet));  // authentic, and still nonsense
          }
          burst_.clear();
          burst_.add(flows_, 0, packet);
          burst_.burst().kind[0] = proto::PacketKind::kRtcp;
          burst_.unprotect(flows_);
          burst_.rewrite();
          burst_.protect(flows_);
          ASSERT_EQ(burst_.verdict(0) == DropReason::kNone ? 1u : 0u, burst_.burst().media.count);
          if (bytes < 8) {
            ASSERT_NE(burst_.verdict(0), DropReason::kNone);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, Hostile,
                         testing::Values(SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
                                         SrtpProfile::kAeadAes128Gcm),
                         [](const auto& parameter) { return std::string(proto::srtp_profile(parameter.param).name); });

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

TEST(HostilePlane, AFloodOfBadTagsCostsALiveCallNothing) {
  const std::uint32_t flood = tests::soak(1'000'000);
  const Packet master(30, 9);
  const auto profile = SrtpProfile::kAesCm128HmacSha1_80;
  SrtpOracle caller(profile, master, SrtpOracle::Direction::kSend);
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.receive = SrtpOracle::transform(profile, master);
  command.spec.media_timeout_ms = 1000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  Random random{3};
  std::uint32_t sent = 0;
  std::uint32_t departed = 0;
  for (std::uint32_t forged = 0; forged < flood;) {
    for (std::uint32_t i = 0; i < 50 && forged < flood; ++i, ++forged) {
      Packet packet = tests::random_rtp(random, forged % 3 == 0 ? 7 : 1000 + forged % 5,
                                        static_cast<std::uint16_t>(sent + tests::below(random, 200)), 20);
      packet.resize(packet.size() + 10, 0x55);
      plane.arrive(0, 4000, kPort, packet);
    }
    Packet good = tests::random_rtp(random, 7, static_cast<std::uint16_t>(sent++), 160);
    ASSERT_TRUE(caller.protect_rtp(good));
    plane.arrive(0, 4000, kPort, good);
    plane.run(2);
    departed += static_cast<std::uint32_t>(plane.departed(1).size());
  }
  EXPECT_EQ(departed, sent) << "no good packet is lost";
  const proto::WorkerCounters totals = plane.totals();
  const auto dropped = [&](DropReason reason) { return totals.dropped[static_cast<std::size_t>(reason)]; };
  // A forged packet of the live stream may name an index that was seen, and is refused before its tag is looked at.
  EXPECT_EQ(dropped(DropReason::kAuthFailed) + dropped(DropReason::kReplayed) + dropped(DropReason::kIndexTooOld) +
                dropped(DropReason::kRtpMalformed),
            flood);
  EXPECT_GT(dropped(DropReason::kAuthFailed), flood / 2);
  EXPECT_EQ(plane.control().flow_status(1).dropped, flood);
  EXPECT_EQ(plane.control().flow_status(1).auth_failed, dropped(DropReason::kAuthFailed));
  EXPECT_EQ(tests::kinds(plane.events()), std::vector{EventKind::kFirstAuthenticated}) << "and nobody is told";
  tests::expect_every_frame_accounted_for(plane, std::uint64_t{flood} + sent, departed);
}

/// A damaged weir-control: mutated commands in worker 0's ring, while another thread flips bytes of the ring itself.
class DamagedControl {
 public:
  explicit DamagedControl(MediaPlane& plane)
      : plane_(plane),
        slots_max_(plane.region().shape().command_slots),
        ring_(plane.control().command_producer(0)),
        events_(plane.control().event_consumer(0)),
        flipper_([this] { flip(); }) {}
  DamagedControl(const DamagedControl&) = delete;
  DamagedControl& operator=(const DamagedControl&) = delete;
  ~DamagedControl() {
    stop_.store(true);
    flipper_.join();
  }

  void send(const proto::Command& command) {
    proto::RingState state;
    proto::Command* slot = ring_.claim(state);
    while (slot == nullptr) {
      pass();
      slot = ring_.claim(state);
    }
    if (slots_.size() < slots_max_) slots_.push_back(slot);
    if (slots_.size() == slots_max_) ready_.store(true);
    *slot = command;
    ring_.publish();
  }
  void finish() {
    for (std::uint32_t i = 0; i <= slots_max_ / 16; ++i) pass();
  }

  std::uint64_t answered = 0;
  std::uint64_t refused = 0;

 private:
  void flip() {
    Random random{5};
    while (!ready_.load() && !stop_.load()) std::this_thread::yield();
    while (!stop_.load(std::memory_order_relaxed)) {
      auto* bytes = reinterpret_cast<std::uint8_t*>(slots_[random() % slots_.size()]);
      const std::atomic_ref<std::uint8_t> byte(bytes[random() % sizeof(proto::Command)]);
      byte.store(static_cast<std::uint8_t>(byte.load(std::memory_order_relaxed) ^ (1u << random() % 8)),
                 std::memory_order_relaxed);
    }
  }
  void pass() {
    plane_.run(1);
    proto::Event event;
    while (events_.pop(event) == proto::RingState::kOk) {
      if (event.kind > EventKind::kRefused) continue;  // no answer
      ++answered;
      refused += event.kind == EventKind::kRefused ? 1 : 0;
      EXPECT_EQ(event.kind == EventKind::kRefused, event.refusal != proto::Refusal::kNone);
    }
  }

  MediaPlane& plane_;
  std::uint32_t slots_max_;
  proto::RingProducer<proto::Command> ring_;
  proto::RingConsumer<proto::Event> events_;
  std::vector<proto::Command*> slots_;  ///< all of the ring, once `ready_`
  std::atomic<bool> ready_ = false;
  std::atomic<bool> stop_ = false;
  std::thread flipper_;
};

/// Names the generation that the flow has, or the next: a damaged one would else end all that may come for it.
proto::Command mutated_command(Random& random, MediaPlane& plane) {
  const std::uint32_t index = tests::below(random, 12);
  proto::Command command = MediaPlane::install(index, 0, kPort, kExit);
  command.kind = static_cast<proto::CommandKind>(1 + random() % 6);
  command.flow.generation = plane.control().flow_status(index).generation + tests::below(random, 2);
  for (std::uint32_t changes = tests::below(random, 6); changes > 0; --changes) {
    reinterpret_cast<std::uint8_t*>(&command)[random() % sizeof command] = static_cast<std::uint8_t>(random());
  }
  return command;
}

TEST(HostilePlane, MutatedCommandsAreAnsweredEachAndBreakNoFlowOfAnotherWorker) {
  const std::uint32_t commands = tests::soak(10'000'000);
  MediaPlane plane({.workers = 2});
  constexpr std::uint32_t kOther = 9;
  constexpr std::uint16_t kOtherPort = 20002;
  static_assert(proto::worker_of_port(kOtherPort, 2) == 1);
  ASSERT_EQ(plane.command(MediaPlane::install(kOther, 0, kOtherPort, kOtherPort)).kind, EventKind::kInstalled);
  plane.run(200);  // housekeeping has seen it
  const FlowTable table(plane.region().private_memory(), plane.region().shape().flows_max, 2, KeyRoom::kGcm, nullptr);
  const auto bytes_of_other = [&] { return tests::bytes_with_keys(table, kOther); };
  const Packet before = bytes_of_other();

  Random random{4};
  DamagedControl control(plane);
  for (std::uint32_t i = 0; i < commands; ++i) control.send(mutated_command(random, plane));
  control.finish();

  const proto::WorkerCounters totals = plane.totals();
  EXPECT_EQ(control.answered, commands);
  EXPECT_EQ(totals.commands + totals.commands_refused, commands + 1u) << "one is the other worker's";
  EXPECT_EQ(totals.commands_refused, control.refused);
  EXPECT_GT(control.refused, commands / 10);
  EXPECT_GT(totals.commands, commands / 100);
  EXPECT_EQ(bytes_of_other(), before);
  plane.arrive(0, 4000, kOtherPort, tests::rtp_packet(1, 1, 20));
  plane.run();
  EXPECT_EQ(plane.control().flow_status(kOther).rtp_packets_out, 1u);
}

}  // namespace
}  // namespace weir::dataplane
