// protect and unprotect beside libsrtp2, byte for byte: 100,000 SRTP and 25,000 SRTCP packets each way and profile.
#include <gtest/gtest.h>

#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::below;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using tests::SrtpOracle;
using Packet = std::vector<std::uint8_t>;

constexpr std::uint32_t kFlows = 12;
constexpr std::uint32_t kStreamsPerFlow = proto::kSsrcsPerFlowMax;
constexpr std::uint32_t kRtpPackets = 100'000;
constexpr std::uint32_t kRtcpEvery = 5;
constexpr std::size_t kPayloadBytesMax = 1400;

struct Stream {
  std::uint32_t ssrc;
  std::uint16_t sequence;
};

struct Side {
  Packet master;
  proto::TransformSpec transform;
  std::array<Stream, kStreamsPerFlow> streams;
  std::vector<SrtpOracle> oracle;
};

struct Sample {
  std::uint32_t flow;
  bool rtcp;
  Packet clear;
  Packet secured;  ///< by libsrtp2
};

class LibsrtpComparison : public testing::TestWithParam<SrtpProfile> {
 protected:
  LibsrtpComparison() : flows_(kFlows) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    for (Side& side : sides_) {
      side.master = tests::random_bytes(random_, std::size_t{info.key_bytes} + info.salt_bytes);
      side.transform = SrtpOracle::transform(GetParam(), side.master);
      for (Stream& stream : side.streams) {
        stream.ssrc = static_cast<std::uint32_t>(random_());
        stream.sequence = static_cast<std::uint16_t>(65535 - below(random_, 40));
      }
      side.oracle.emplace_back(GetParam(), side.master, SrtpOracle::Direction::kSend);
    }
  }

  /// The next packet of any stream. Sequence numbers skip ahead, so that every stream wraps several times.
  Sample next() {
    Sample sample;
    sample.flow = below(random_, kFlows);
    Side& side = sides_[sample.flow];
    sample.rtcp = below(random_, kRtcpEvery) == 0;
    if (sample.rtcp) {
      // One SSRC a flow: libsrtp2 counts the SRTCP index for each SSRC apart, Weir for the flow.
      sample.clear = tests::random_rtcp(random_, side.streams[0].ssrc, below(random_, 300));
    } else {
      Stream& stream = side.streams[below(random_, kStreamsPerFlow)];
      stream.sequence = static_cast<std::uint16_t>(stream.sequence + 1 + below(random_, 200));
      sample.clear = tests::random_rtp(random_, stream.ssrc, stream.sequence, below(random_, kPayloadBytesMax + 1));
      ++rtp_packets_;
    }
    sample.secured = sample.clear;
    EXPECT_TRUE(sample.rtcp ? side.oracle[0].protect_rtcp(sample.secured) : side.oracle[0].protect_rtp(sample.secured));
    return sample;
  }

  std::vector<Sample> next_burst() {
    std::vector<Sample> samples;
    for (std::uint32_t count = 1 + below(random_, kBurstMax); count > 0; --count) samples.push_back(next());
    return samples;
  }

  Random random_{20240711};
  std::array<Side, kFlows> sides_;
  MediaFlows flows_;
  PacketBurst burst_;
  std::uint32_t rtp_packets_ = 0;
};

TEST_P(LibsrtpComparison, UnprotectTakesWhatLibsrtpProtects) {
  for (std::uint32_t i = 0; i < kFlows; ++i) flows_.install(i, MediaFlows::spec(i, sides_[i].transform, {}));
  while (rtp_packets_ < kRtpPackets) {
    const std::vector<Sample> samples = next_burst();
    burst_.clear();
    for (const Sample& sample : samples) burst_.add(flows_, sample.flow, sample.secured);
    burst_.unprotect(flows_);
    for (std::uint32_t i = 0; i < samples.size(); ++i) {
      ASSERT_EQ(burst_.verdict(i), DropReason::kNone) << "packet " << rtp_packets_;
      ASSERT_EQ(burst_.packet(i), samples[i].clear);
    }
  }
}

TEST_P(LibsrtpComparison, ProtectGivesWhatLibsrtpGives) {
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    flows_.install(i, MediaFlows::spec(i, {}, sides_[i].transform));
    flows_.flow(i).send_rtcp_next = 1;  // libsrtp2 counts before it sends; RFC 3711 section 3.4 starts at 0
  }
  while (rtp_packets_ < kRtpPackets) {
    const std::vector<Sample> samples = next_burst();
    burst_.clear();
    for (const Sample& sample : samples) burst_.add(flows_, sample.flow, sample.clear);
    burst_.unprotect(flows_);
    burst_.rewrite();
    burst_.protect(flows_);
    for (std::uint32_t i = 0; i < samples.size(); ++i) {
      ASSERT_EQ(burst_.verdict(i), DropReason::kNone) << "packet " << rtp_packets_;
      ASSERT_EQ(burst_.packet(i), samples[i].secured);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, LibsrtpComparison, testing::ValuesIn(tests::secured_profiles()),
                         tests::kNameOfProfile);

/// All profiles in one burst: a flow for each pair of them.
TEST(LibsrtpMixedBurst, SecuredByOneProfileLeavesSecuredByAnother) {
  constexpr std::uint32_t kRounds = 400;
  const std::vector<SrtpProfile> profiles = tests::secured_profiles();
  const auto count = static_cast<std::uint32_t>(profiles.size() * profiles.size());
  Random random{7};
  MediaFlows flows(count);
  std::vector<SrtpOracle> senders;
  std::vector<SrtpOracle> receivers;
  const auto keyed = [&](SrtpProfile profile, SrtpOracle::Direction direction, std::vector<SrtpOracle>& oracles) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    const Packet master = tests::random_bytes(random, std::size_t{info.key_bytes} + info.salt_bytes);
    oracles.emplace_back(profile, master, direction);
    return SrtpOracle::transform(profile, master);
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto receive = keyed(profiles[i / profiles.size()], SrtpOracle::Direction::kSend, senders);
    const auto send = keyed(profiles[i % profiles.size()], SrtpOracle::Direction::kReceive, receivers);
    flows.install(i, MediaFlows::spec(i, receive, send));
  }
  std::vector<std::uint16_t> sequences(count, 65500);
  PacketBurst burst;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    std::vector<Packet> clear;
    std::vector<std::uint32_t> flow_of;
    burst.clear();
    for (std::uint32_t i = 0; i < kBurstMax; ++i) {
      const std::uint32_t flow = below(random, count);
      const bool rtcp = below(random, 8) == 0;
      clear.push_back(rtcp ? tests::random_rtcp(random, 77, below(random, 40))
                           : tests::random_rtp(random, 77, sequences[flow]++, below(random, 400)));
      flow_of.push_back(flow);
      Packet secured = clear.back();
      ASSERT_TRUE(rtcp ? senders[flow].protect_rtcp(secured) : senders[flow].protect_rtp(secured));
      burst.add(flows, flow, secured);
    }
    burst.unprotect(flows);
    burst.rewrite();
    burst.protect(flows);
    for (std::uint32_t i = 0; i < kBurstMax; ++i) {
      ASSERT_EQ(burst.verdict(i), DropReason::kNone);
      Packet packet = burst.packet(i);
      SrtpOracle& receiver = receivers[flow_of[i]];
      const bool rtcp = burst.burst().kind[i] == proto::PacketKind::kRtcp;
      ASSERT_TRUE(rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet));
      ASSERT_EQ(packet, clear[i]);
    }
  }
}

}  // namespace
}  // namespace weir::dataplane
