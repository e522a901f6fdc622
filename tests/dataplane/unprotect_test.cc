// Forged, cut, replayed and misplaced packets: what is refused, and that refusing changes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "dataplane/trial.h"
#include "tests/support/media_flows.h"
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

class Unprotect : public testing::TestWithParam<SrtpProfile> {
 protected:
  Unprotect() : flows_(2), info_(proto::srtp_profile(GetParam())) {
    master_ = tests::random_bytes(random_, std::size_t{info_.key_bytes} + info_.salt_bytes);
    transform_ = SrtpOracle::transform(GetParam(), master_);
    flows_.install(0, MediaFlows::spec(0, transform_, {}));
  }

  SrtpOracle sender() { return {GetParam(), master_, SrtpOracle::Direction::kSend}; }

  Packet srtp(SrtpOracle& oracle, std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload_bytes = 20) {
    Packet packet = tests::random_rtp(random_, ssrc, sequence, payload_bytes);
    EXPECT_TRUE(oracle.protect_rtp(packet));
    return packet;
  }
  Packet srtcp(SrtpOracle& oracle, std::uint32_t ssrc) {
    Packet packet = tests::random_rtcp(random_, ssrc, 6);
    EXPECT_TRUE(oracle.protect_rtcp(packet));
    return packet;
  }

  /// One packet alone in a burst.
  DropReason take(const Packet& packet) {
    burst_.clear();
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    return burst_.verdict(0);
  }
  std::vector<DropReason> take_burst(const std::vector<Packet>& packets) {
    burst_.clear();
    for (const Packet& packet : packets) burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    std::vector<DropReason> verdicts;
    for (std::uint32_t i = 0; i < packets.size(); ++i) verdicts.push_back(burst_.verdict(i));
    return verdicts;
  }

  /// Everything a packet could have changed.
  Packet state() {
    Packet bytes = tests::bytes_with_keys(flows_.table(), 0);
    const auto* status = reinterpret_cast<const std::uint8_t*>(&flows_.status(0));
    bytes.insert(bytes.end(), status, status + sizeof(proto::FlowStatus));
    return bytes;
  }

  void expect_every_bit_flip_refused(const Packet& packet) {
    const Packet before = state();
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
      Packet forged = packet;
      forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ (1 << bit % 8));
      ASSERT_NE(take(forged), DropReason::kNone) << "bit " << bit;
      ASSERT_EQ(burst_.burst().media.count, 0u);
      ASSERT_EQ(burst_.burst().noted.count, 0u);
      ASSERT_EQ(state(), before) << "bit " << bit;
    }
  }

  Random random_{42};
  MediaFlows flows_;
  const proto::SrtpProfileInfo& info_;
  Packet master_;
  proto::TransformSpec transform_;
  PacketBurst burst_;
};

TEST_P(Unprotect, TakesALateReportOfTheWindowAndNoneBehindIt) {
  SrtpOracle oracle = sender();
  std::vector<Packet> reports;
  for (std::size_t i = 0; i <= SrtcpWindow::kWindow; ++i) reports.push_back(srtcp(oracle, 7));
  EXPECT_EQ(take(reports.back()), DropReason::kNone);
  EXPECT_EQ(take(reports[1]), DropReason::kNone);
  EXPECT_EQ(take(reports[1]), DropReason::kReplayed);
  EXPECT_EQ(take(reports[0]), DropReason::kIndexTooOld);
  EXPECT_EQ(take(reports[2]), DropReason::kNone);
}

TEST_P(Unprotect, RefusesEverySingleBitFlipAndChangesNothing) {
  SrtpOracle oracle = sender();
  for (const std::size_t payload_bytes : {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{160}}) {
    const Packet packet = srtp(oracle, 7, static_cast<std::uint16_t>(100 + payload_bytes), payload_bytes);
    expect_every_bit_flip_refused(packet);  // the first time on a flow that has seen nothing
    EXPECT_EQ(take(packet), DropReason::kNone);
  }
  const Packet report = srtcp(oracle, 7);
  expect_every_bit_flip_refused(report);
  EXPECT_EQ(take(report), DropReason::kNone);
}

TEST_P(Unprotect, RefusesEveryTruncationAndChangesNothing) {
  SrtpOracle oracle = sender();
  for (const Packet& packet : {srtp(oracle, 7, 1, 40), srtcp(oracle, 7)}) {
    const Packet before = state();
    for (std::size_t bytes = 2; bytes < packet.size(); ++bytes) {
      ASSERT_NE(take(Packet(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(bytes))), DropReason::kNone);
      ASSERT_EQ(state(), before) << bytes;
    }
    EXPECT_EQ(take(packet), DropReason::kNone);
  }
}

TEST_P(Unprotect, SaysWhyItRefuses) {
  SrtpOracle oracle = sender();
  const Packet packet = srtp(oracle, 7, 1);
  Packet short_one(packet.begin(), packet.begin() + 13);
  short_one[0] = 0x80;
  EXPECT_EQ(take(short_one), DropReason::kSrtpTooShort);
  Packet version_one = packet;
  version_one[0] = static_cast<std::uint8_t>(version_one[0] & 0x3f);
  EXPECT_EQ(take(version_one), DropReason::kRtpMalformed);
  Packet wrong_tag = packet;
  wrong_tag.back() ^= 1;
  EXPECT_EQ(take(wrong_tag), DropReason::kAuthFailed);

  const Packet report = srtcp(oracle, 7);
  Packet other_e_bit = report;  // clear, but set where the cipher is NULL
  const std::size_t word_at = other_e_bit.size() - 4 - (info_.aead ? 0 : info_.srtcp_tag_bytes);
  other_e_bit[word_at] ^= 0x80;
  EXPECT_EQ(take(other_e_bit), DropReason::kSrtcpEBitWrong);
  EXPECT_EQ(take(Packet(report.begin(), report.begin() + 20)), DropReason::kSrtpTooShort);
  EXPECT_EQ(take({0x80, 200, 0, 0, 0, 0, 0}), DropReason::kRtcpMalformed);
}

TEST_P(Unprotect, RefusesAnotherKeysPackets) {
  master_[0] ^= 1;
  SrtpOracle stranger = sender();
  const Packet before = state();
  EXPECT_EQ(take(srtp(stranger, 7, 1)), DropReason::kAuthFailed);
  EXPECT_EQ(take(srtcp(stranger, 7)), DropReason::kAuthFailed);
  EXPECT_EQ(state(), before);
}

TEST_P(Unprotect, TakesAPacketOnceAlsoWithinOneBurst) {
  SrtpOracle oracle = sender();
  for (std::uint16_t sequence = 10; sequence < 13; ++sequence) {  // a new SSRC first, then a known one
    const Packet packet = srtp(oracle, 7, sequence);
    const Packet report = srtcp(oracle, 7);
    const std::vector<DropReason> expected = {DropReason::kNone, DropReason::kReplayed, DropReason::kNone,
                                              DropReason::kReplayed, DropReason::kReplayed};
    EXPECT_EQ(take_burst({packet, packet, report, report, packet}), expected);
    EXPECT_EQ(take(packet), DropReason::kReplayed);
    EXPECT_EQ(take(report), DropReason::kReplayed);
  }
  EXPECT_EQ(flows_.status(0).rtp_packets_in, 3u);
  EXPECT_EQ(flows_.status(0).rtcp_packets_in, 3u);
}

TEST_P(Unprotect, RefusesWhatLiesBehindTheWindow) {
  SrtpOracle oracle = sender();
  const Packet old_one = srtp(oracle, 7, 100);
  const Packet within = srtp(oracle, 7, 101);
  const Packet newest = srtp(oracle, 7, 228);
  EXPECT_EQ(take(newest), DropReason::kNone);
  EXPECT_EQ(take(old_one), DropReason::kIndexTooOld);
  EXPECT_EQ(take(within), DropReason::kNone);
}

TEST_P(Unprotect, RefusesAnIndexBeforeTheFirst) {
  SrtpOracle oracle = sender();
  EXPECT_EQ(take(srtp(oracle, 7, 3)), DropReason::kNone);
  SrtpOracle other = sender();
  EXPECT_EQ(take(srtp(other, 7, 65530)), DropReason::kIndexTooOld);
}

TEST_P(Unprotect, FollowsAStreamThatStartsAtTheEndOfItsSequenceInOneBurst) {
  SrtpOracle oracle = sender();
  std::vector<Packet> packets;
  for (std::uint32_t i = 0; i < kBurstMax; ++i) {
    packets.push_back(srtp(oracle, 7, static_cast<std::uint16_t>(65534 + i)));
  }
  EXPECT_EQ(take_burst(packets), std::vector(kBurstMax, DropReason::kNone));
  EXPECT_EQ(flows_.status(0).rtp_index_highest, 65534u + kBurstMax - 1);
}

TEST_P(Unprotect, FollowsWrapsWithPacketsUpToAHundredPlacesOutOfOrder) {
  SrtpOracle oracle = sender();
  EXPECT_EQ(take(srtp(oracle, 7, 60000)), DropReason::kNone);
  std::uint32_t sequence = 60001;
  for (std::uint32_t block = 0; block < 800; ++block) {
    std::vector<Packet> packets;
    for (std::uint32_t i = 0; i < 100; ++i)
      packets.push_back(srtp(oracle, 7, static_cast<std::uint16_t>(sequence++), 0));
    std::shuffle(packets.begin(), packets.end(), random_);
    ASSERT_EQ(take_burst({packets.begin(), packets.begin() + 50}), std::vector(50, DropReason::kNone));
    ASSERT_EQ(take_burst({packets.begin() + 50, packets.end()}), std::vector(50, DropReason::kNone));
  }
  EXPECT_EQ(flows_.flow(0).receive_rtp[0].window.highest, 60000u + 80000u);
}

TEST_P(Unprotect, GoesOnFromTheRolloverCounterItIsGiven) {
  transform_.rtp_roc = 5;
  flows_.install(0, MediaFlows::spec(0, transform_, {}));
  SrtpOracle oracle = sender();
  srtp(oracle, 7, 1);
  oracle.set_roc(7, 5);
  EXPECT_EQ(take(srtp(oracle, 7, 1000)), DropReason::kNone);
  EXPECT_EQ(flows_.status(0).rtp_index_highest, (std::uint64_t{5} << 16) + 1000);
}

TEST_P(Unprotect, KeepsStateForSoManySourcesAndNoneForForgedOnes) {
  SrtpOracle oracle = sender();
  for (std::uint32_t forged = 0; forged < 50; ++forged) {
    Packet packet = srtp(oracle, 1000 + forged, 1);
    packet.back() ^= 1;
    ASSERT_EQ(take(packet), DropReason::kAuthFailed);
  }
  for (std::uint32_t ssrc = 0; ssrc < proto::kSsrcsPerFlowMax; ++ssrc) {
    ASSERT_EQ(take(srtp(oracle, ssrc, 1)), DropReason::kNone);
  }
  const Packet before = state();
  EXPECT_EQ(take(srtp(oracle, 99, 1)), DropReason::kSsrcUnknown);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(take(srtp(oracle, 0, 2)), DropReason::kNone);
}

TEST_P(Unprotect, AStreamThatComesBackAfterAnotherIsTheOneItWas) {
  SrtpOracle oracle = sender();
  const Packet first = srtp(oracle, 7, 65'535);
  EXPECT_EQ(take(first), DropReason::kNone);
  for (std::uint32_t ssrc = 100; ssrc < 112; ++ssrc) EXPECT_EQ(take(srtp(oracle, ssrc, 1)), DropReason::kNone);
  EXPECT_EQ(take(first), DropReason::kReplayed);
  EXPECT_EQ(take(srtp(oracle, 7, 0)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], 65'536u);
  const Packet far_one = srtp(oracle, 111, 2);  // its state lies beyond the entry
  EXPECT_EQ(take(far_one), DropReason::kNone);
  EXPECT_EQ(take(far_one), DropReason::kReplayed);
  FlowTable table = flows_.restarted();
  table.resume(flows_.cipher());
  EXPECT_EQ(take(far_one), DropReason::kReplayed);
  EXPECT_EQ(take(srtp(oracle, 111, 3)), DropReason::kNone);
}

TEST_P(Unprotect, ManyNewStreamsInOneBurstAreTakenOnceEach) {
  SrtpOracle oracle = sender();
  std::vector<Packet> packets;
  for (std::uint32_t i = 0; i < 48; ++i) packets.push_back(srtp(oracle, i % 16, static_cast<std::uint16_t>(i)));
  for (std::uint32_t i = 0; i < 8; ++i) packets.push_back(packets[i]);
  const std::vector<DropReason> verdicts = take_burst(packets);
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(verdicts[i], i < 48 ? DropReason::kNone : DropReason::kReplayed) << i;
  }
}

TEST_P(Unprotect, ForgedFirstPacketsCostABoundedNumberOfTrials) {
  SrtpOracle oracle = sender();
  srtp(oracle, 7, 65'535);  // lost, and the wrap with it
  std::vector<Packet> packets;
  for (std::uint32_t ssrc = 100; ssrc < 140; ++ssrc) {
    packets.push_back(srtp(oracle, ssrc, 5));
    packets.back().back() ^= 1;
  }
  packets.push_back(srtp(oracle, 7, 0));
  const std::vector<DropReason> verdicts = take_burst(packets);
  EXPECT_TRUE(std::all_of(verdicts.begin(), verdicts.end(), [](DropReason v) { return v == DropReason::kAuthFailed; }));
  EXPECT_EQ(burst_.burst().trials, kTrialsPerBurst);
  EXPECT_EQ(take(srtp(oracle, 7, 1)), DropReason::kNone);
}

TEST_P(Unprotect, WithoutAPlaceForMoreStreamsTheFirstOnesGoOn) {
  SrtpOracle oracle = sender();
  for (std::uint32_t flow = 1; flows_.table().more_ssrcs().claim(flow) != 0; ++flow) {
  }
  for (std::uint32_t ssrc = 0; ssrc < 4; ++ssrc) EXPECT_EQ(take(srtp(oracle, ssrc, 1)), DropReason::kNone);
  EXPECT_EQ(take(srtp(oracle, 4, 1)), DropReason::kSsrcUnknown);
  EXPECT_EQ(take(srtp(oracle, 3, 2)), DropReason::kNone);
}

/// What we send comes back to us, as from a mirror: it is under our key, not under the peer's.
TEST_P(Unprotect, OurOwnPacketsMirroredBackAreForeign) {
  SrtpOracle oracle = sender();
  const Packet ours_master = tests::random_bytes(random_, master_.size());
  flows_.install(0, MediaFlows::spec(0, transform_, {}));
  flows_.install(1, MediaFlows::spec(1, {}, SrtpOracle::transform(GetParam(), ours_master)));
  EXPECT_EQ(take(srtp(oracle, 7, 10)), DropReason::kNone);
  const Packet before = state();
  PacketBurst sending;
  sending.add(flows_, 1, tests::random_rtp(random_, 7, 11, 20));
  sending.unprotect(flows_);
  sending.protect(flows_);
  EXPECT_EQ(take(sending.packet(0)), DropReason::kAuthFailed);
  EXPECT_EQ(state(), before);
  // A peer that echoes under its own key, and keeps our SSRC, is a stream like any other: either way has its own key.
  EXPECT_EQ(take(srtp(oracle, 7, 11)), DropReason::kNone);
  EXPECT_EQ(flows_.flow(1).send_rtp[0].window.highest, 11u);
}

TEST_P(Unprotect, RefusesToPassTheKeysLifetime) {
  SrtpOracle oracle = sender();
  const Packet packet = srtp(oracle, 7, 65535);
  EXPECT_EQ(take(packet), DropReason::kNone);
  flows_.flow(0).receive_rtp[0].window.highest = kRtpIndexMax;
  EXPECT_EQ(take(srtp(oracle, 7, 0)), DropReason::kKeyExhausted);
}

TEST_P(Unprotect, NotesTheFirstPacketAndTheKeysEndOnce) {
  SrtpOracle oracle = sender();
  EXPECT_EQ(take_burst({srtp(oracle, 7, 1), srtp(oracle, 7, 2)}), std::vector(2, DropReason::kNone));
  ASSERT_EQ(burst_.burst().noted.count, 1u);
  EXPECT_EQ(burst_.burst().noted.at[0], 0);
  EXPECT_EQ(burst_.burst().notes[0], kNoteFirstAuthenticated);
  EXPECT_EQ(burst_.burst().notes[1], 0);

  flows_.flow(0).receive_rtp[0].window = {.seen = 1, .highest = kRtpIndexMax - 70000};
  oracle.set_roc(7, 0xffffffff);
  const std::vector<Packet> packets = {srtp(oracle, 7, 100), srtp(oracle, 7, 101)};
  EXPECT_EQ(take_burst(packets), std::vector(2, DropReason::kNone));
  EXPECT_EQ(burst_.burst().notes[0], kNoteIndexNearLimit);
  EXPECT_EQ(burst_.burst().notes[1], 0);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Unprotect, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

TEST(UnprotectPlain, TakesValidHeadersAndRefusesTheRest) {
  Random random{1};
  MediaFlows flows(1);
  flows.install(0, MediaFlows::spec(0, {}, {}));
  Packet compound = tests::random_rtcp(random, 7, 4);
  const Packet second = tests::random_rtcp(random, 7, 2);
  compound.insert(compound.end(), second.begin(), second.end());
  Packet overlong = compound;
  overlong.erase(overlong.end() - 4, overlong.end());
  const struct {
    const char* description;
    Packet packet;
    DropReason verdict;
  } rows[] = {
      {"a bare RTP header", tests::random_rtp(random, 7, 1, 0), DropReason::kNone},
      {"RTP with payload", tests::random_rtp(random, 7, 2, 160), DropReason::kNone},
      {"eleven bytes", Packet(11, 0x80), DropReason::kRtpMalformed},
      {"more CSRCs than fit", {0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4}, DropReason::kRtpMalformed},
      {"an RTCP compound", compound, DropReason::kNone},
      {"a compound whose second packet is cut", overlong, DropReason::kRtcpMalformed},
      {"RTCP without a sender", {0x80, 201, 0, 0}, DropReason::kRtcpMalformed},
  };
  for (const auto& row : rows) {
    PacketBurst burst;
    burst.add(flows, 0, row.packet);
    burst.unprotect(flows);
    EXPECT_EQ(burst.verdict(0), row.verdict) << row.description;
    EXPECT_EQ(burst.burst().media.count, row.verdict == DropReason::kNone ? 1u : 0u);
    EXPECT_EQ(burst.packet(0), row.packet);
  }
}

}  // namespace
}  // namespace weir::dataplane
