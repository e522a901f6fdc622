// Senders whose packets cannot leave as they came: they start their sequence numbers anew, or have more SSRCs than a
// flow keeps states. Through the whole plane, with libsrtp2 as the receiver.
#include "dataplane/continuation.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/accounting.h"
#include "tests/support/media_plane.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::MediaPlane;
using tests::Packet;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint32_t kSsrc = 7;

class Continuation : public testing::TestWithParam<SrtpProfile> {
 protected:
  Continuation()
      : master_(tests::random_bytes(random_, std::size_t{proto::srtp_profile(GetParam()).key_bytes} +
                                                 proto::srtp_profile(GetParam()).salt_bytes)),
        receiver_(GetParam(), master_, tests::SrtpOracle::Direction::kReceive) {
    proto::Command command = MediaPlane::install(1, 0, kPort, 20002);
    command.spec.send = tests::SrtpOracle::transform(GetParam(), master_);
    EXPECT_EQ(plane_.command(command).kind, proto::EventKind::kInstalled);
  }

  void arrive(std::uint32_t ssrc, int sequence) {
    sent_.push_back(tests::random_rtp(random_, ssrc, static_cast<std::uint16_t>(sequence), 20));
    plane_.arrive(0, 4000, kPort, sent_.back());
  }
  /// What the far side gets of all that has arrived, in clear, each with its payload as it was sent.
  std::vector<Packet> received() {
    plane_.run(2);
    std::vector<Packet> packets;
    for (const Packet& frame : plane_.departed(1)) {
      packets.push_back(tests::udp_payload(frame));
      EXPECT_TRUE(receiver_.unprotect_rtp(packets.back())) << "index used twice, or lost";
    }
    return packets;
  }
  static std::uint16_t sequence_of(const Packet& packet) { return proto::load_be16(packet.data() + 2); }
  static std::uint32_t ssrc_of(const Packet& packet) { return proto::load_be32(packet.data() + 8); }
  static bool same_payload(const Packet& a, const Packet& b) {
    return std::equal(a.begin() + 12, a.end(), b.begin() + 12, b.end());
  }

  tests::Random random_{17};
  Packet master_;
  tests::SrtpOracle receiver_;
  MediaPlane plane_;
  std::vector<Packet> sent_;
};

TEST_P(Continuation, ASenderThatStartsAnewIsHeardAgainAfterThreePackets) {
  int expected = 1000;
  for (int i = 0; i < 50; ++i) arrive(kSsrc, expected++);
  EXPECT_EQ(received().size(), 50u);
  int sequence = 60'000;  // in front of 1000
  for (int restart = 0; restart < 4; ++restart) {
    for (int i = 0; i < 2; ++i) arrive(kSsrc, sequence++);
    EXPECT_TRUE(received().empty());
    for (int i = 0; i < 10; ++i) arrive(kSsrc, sequence++);  // in one burst
    std::vector<Packet> packets = received();
    for (int i = 0; i < 40; ++i) {
      arrive(kSsrc, sequence++);
      for (Packet& packet : received()) packets.push_back(packet);
    }
    ASSERT_EQ(packets.size(), 50u);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      EXPECT_EQ(ssrc_of(packets[i]), kSsrc);
      ASSERT_EQ(sequence_of(packets[i]), expected++ % 65'536) << restart << ' ' << i;
      EXPECT_TRUE(same_payload(packets[i], sent_[sent_.size() - 50 + i]));
    }
    sequence = (sequence + 40'000) % 65'536;
  }
  EXPECT_EQ(plane_.dropped(DropReason::kSendReplayed), 8u);
}

TEST_P(Continuation, LatePacketsAndDuplicatesAreNoNewStart) {
  for (int i = 1000; i < 1300; ++i) {
    arrive(kSsrc, i);
    EXPECT_EQ(received().size(), 1u);
  }
  for (const int late : {1000, 1001, 1200, 1201, 1003, 1004, 1299, 1299, 1299, 1250, 1251, 1252}) arrive(kSsrc, late);
  EXPECT_TRUE(received().empty());
  arrive(kSsrc, 1300);
  const std::vector<Packet> packets = received();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(sequence_of(packets[0]), 1300);
}

TEST_P(Continuation, AnotherStreamOfTheFlowIsLeftAlone) {
  for (int i = 0; i < 10; ++i) {
    arrive(kSsrc, 1000 + i);
    arrive(8, 5000 + i);
  }
  EXPECT_EQ(received().size(), 20u);
  for (int i = 0; i < 10; ++i) {
    arrive(kSsrc, 60'000 + i);
    arrive(8, 5010 + i);
    for (const Packet& packet : received()) {
      EXPECT_EQ(sequence_of(packet), ssrc_of(packet) == 8 ? 5010 + i : 1010 + i - 2) << i;
    }
  }
  EXPECT_EQ(plane_.dropped(DropReason::kSendReplayed), 2u);
}

TEST_P(Continuation, ManySsrcsOneAfterTheOtherAreAllHeard) {
  std::set<std::uint32_t> seen;
  for (std::uint32_t ssrc = 100; ssrc < 200; ++ssrc) {
    const int first = static_cast<int>(tests::below(random_, 65'536));
    for (int i = 0; i < 30; ++i) arrive(ssrc, (first + i) % 65'536);
    const std::vector<Packet> packets = received();
    ASSERT_EQ(packets.size(), 30u) << ssrc;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      seen.insert(ssrc_of(packets[i]));
      EXPECT_TRUE(same_payload(packets[i], sent_[sent_.size() - 30 + i]));
      if (i != 0) {
        EXPECT_EQ(static_cast<std::uint16_t>(sequence_of(packets[i]) - sequence_of(packets[i - 1])), 1);
      }
    }
  }
  EXPECT_EQ(seen.size(), proto::kSsrcsPerFlowMax);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Continuation, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

}  // namespace
}  // namespace weir::dataplane
