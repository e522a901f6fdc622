// A stream whose party has DTLS without use_srtp: its flows, its media through weir-control both ways, and what becomes
// of it when keys are renewed or policy does not want it.
#include <gtest/gtest.h>

#include "controlplane/media.h"
#include "tests/support/hex.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using proto::SrtpProfile;
using tests::Datagram;
using tests::from_hex;
using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr Party kRecords{.secured = true, .rtcp_mux = true, .use_srtp = false};
const Datagram kRtp = from_hex("80080001 00000100 aaaaaaaa 01020304");
const Datagram kReport = from_hex("80c90001 aaaaaaaa");

const MediaLab::Adjust kAllow = [](std::array<MediaLegOptions, 2>& options) {
  for (MediaLegOptions& each : options) each.security.rtp_over_dtls = true;
};

void let_flow(MediaLab& lab) {
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
}

/// From the caller, and to it.
void expect_media_both_ways(MediaLab& lab, const Datagram& packet, std::size_t component) {
  lab.returned.clear();
  lab.peer(Side::kCaller, component).write(packet);
  lab.worker.hand_up(lab.local_port(Side::kCallee, packet == kRtp ? 0 : 1), packet);
  lab.settle();
  ASSERT_EQ(lab.returned.size(), 1u);
  EXPECT_EQ(lab.returned[0].bytes, packet);
  EXPECT_EQ(lab.returned[0].local_port, lab.local_port(Side::kCaller, component));
  EXPECT_EQ(lab.peer(Side::kCaller, component).take_read(), std::vector<Datagram>{packet});
}

TEST(MediaRecords, FlowsOfSuchAPartyHaveNoKeysAndItsMediaGoesThroughUs) {
  for (const bool mux : {true, false}) {
    for (const bool client : {true, false}) {
      Party party = kRecords;
      party.rtcp_mux = mux;
      party.is_dtls_client = client;
      MediaLab lab(party, kPlain, kAllow);
      let_flow(lab);
      EXPECT_EQ(lab.flow(Side::kCaller)->spec.receive.profile, SrtpProfile::kDtlsRecords);
      EXPECT_EQ(lab.flow(Side::kCaller)->spec.send.profile, SrtpProfile::kNone);
      EXPECT_EQ(lab.flow(Side::kCallee)->spec.send.profile, SrtpProfile::kDtlsRecords);
      EXPECT_EQ(lab.last(MediaEvent::Kind::kSecured).secured.profile, SrtpProfile::kDtlsRecords);
      expect_media_both_ways(lab, kRtp, 0);
      expect_media_both_ways(lab, kReport, mux ? 0 : 1);
    }
  }
}

TEST(MediaRecords, BothPartiesMayBeSuch) {
  Party callee = kRecords;
  callee.rtcp_mux = false;
  MediaLab lab(kRecords, callee, kAllow);
  let_flow(lab);
  lab.worker.hand_up(lab.local_port(Side::kCallee), kRtp);
  lab.worker.hand_up(lab.local_port(Side::kCaller), kRtp);
  lab.worker.hand_up(lab.local_port(Side::kCaller), kReport);
  lab.settle();
  EXPECT_EQ(lab.peer(Side::kCaller).take_read(), std::vector<Datagram>{kRtp});
  EXPECT_EQ(lab.peer(Side::kCallee).take_read(), std::vector<Datagram>{kRtp});
  EXPECT_EQ(lab.peer(Side::kCallee, 1).take_read(), std::vector<Datagram>{kReport});
}

TEST(MediaRecords, TheAssociationLivesAsLongAsTheCall) {
  MediaLab lab(kRecords, kPlain, kAllow);
  let_flow(lab);
  for (int minute = 0; minute < 10; ++minute) {
    lab.now_ns += 60'000'000'000;
    lab.settle();
    expect_media_both_ways(lab, kRtp, 0);
  }
  EXPECT_TRUE(lab.media->ends_with_us());
}

TEST(MediaRecords, WithoutThePolicyTheLegFails) {
  MediaLab lab(kRecords, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  lab.now_ns += 60'000'000'000;
  lab.settle();
  ASSERT_TRUE(lab.saw(MediaEvent::Kind::kFailed));
  EXPECT_NE(lab.last(MediaEvent::Kind::kFailed).reason.find("no SRTP profile in common"), std::string::npos);
}

TEST(MediaRecords, AWrongCertificateFailsTheLegAsEver) {
  Party party = kRecords;
  party.wrong_fingerprint = true;
  MediaLab lab(party, kPlain, kAllow);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  EXPECT_TRUE(lab.saw(MediaEvent::Kind::kFailed));
  EXPECT_EQ(lab.worker.installed(), 0u);
}

TEST(MediaRecords, OfAStrangerOrBeforeTheFlowsStandAreLost) {
  MediaLab lab(kRecords, kPlain, kAllow);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_TRUE(lab.peer(Side::kCaller).connected());
  lab.peer(Side::kCaller).write(kRtp);
  lab.settle();
  EXPECT_TRUE(lab.returned.empty()) << "the callee has not answered";
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  lab.peer(Side::kCaller).write(kRtp);
  const Datagram record = lab.peer(Side::kCaller).take_sent().at(0);
  proto::Endpoint stranger = MediaLab::place(Side::kCaller);
  ++stranger.port;
  lab.worker.punt(lab.local_port(Side::kCaller), stranger, record);
  lab.settle();
  EXPECT_TRUE(lab.returned.empty());
}

TEST(MediaRecords, ANewAssociationTakesThePlaceOfTheOneBeforeAndWhatIsUnderWayCounts) {
  MediaLab lab(kRecords, kPlain, kAllow);
  let_flow(lab);
  lab.peer(Side::kCaller).write(kRtp);
  const Datagram late = lab.peer(Side::kCaller).take_sent().at(0);
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  expect_media_both_ways(lab, kRtp, 0);
  lab.returned.clear();
  lab.worker.punt(lab.local_port(Side::kCaller), MediaLab::place(Side::kCaller), late);
  lab.settle();
  EXPECT_EQ(lab.returned.size(), 1u);
  const std::size_t both = lab.media->handshakes();
  lab.now_ns += 60'000'000'000;
  lab.settle();
  EXPECT_EQ(lab.media->handshakes(), both - 1) << "the one before is no more";
  expect_media_both_ways(lab, kRtp, 0);
}

TEST(MediaRecords, APartyThatLearnsUseSrtpIsSecuredByItFromThenOn) {
  MediaLab lab(kRecords, kPlain, kAllow);
  let_flow(lab);
  lab.party(Side::kCaller).use_srtp = true;
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  EXPECT_TRUE(proto::is_srtp(lab.flow(Side::kCaller)->spec.receive.profile));
  EXPECT_TRUE(proto::is_srtp(lab.flow(Side::kCallee)->spec.send.profile));
  EXPECT_FALSE(lab.media->ends_with_us());
  lab.now_ns += 60'000'000'000;
  lab.settle();
  EXPECT_EQ(lab.media->handshakes(), 0u);
}

}  // namespace
}  // namespace weir::controlplane
