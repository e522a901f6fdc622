// A party that redoes its DTLS handshake inside the association: its new keys take the old ones' place as those of a
// renewal do, and only where policy has it. RFC 5763 section 6.7, RFC 5764 section 5.2.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "controlplane/media.h"
#include "controlplane/srtp_keys.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr std::uint64_t kSecondNs = 1'000'000'000;

const MediaLab::Adjust kAllow = [](std::array<MediaLegOptions, 2>& options) {
  for (MediaLegOptions& each : options) each.security.renegotiates = true;
};

Party dtls(bool client, bool rtcp_mux = true) {
  return {.secured = true, .rtcp_mux = rtcp_mux, .is_dtls_client = client};
}

/// Flows, and the first handshake is long ago.
void let_flow(MediaLab& lab) {
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  lab.now_ns += 11 * kSecondNs;
  lab.settle();
}

void renegotiate(MediaLab& lab, std::size_t component = 0) {
  lab.peer(Side::kCaller, component).renegotiate();
  lab.settle();
}

bool same(const proto::SessionKeys& a, const proto::SessionKeys& b) {
  return a.encryption == b.encryption && a.authentication == b.authentication && a.salt == b.salt;
}

/// What the caller's party exports now, for the SRTP that it sends and for what it hears.
std::pair<proto::SessionKeys, proto::SessionKeys> of_peer(MediaLab& lab) {
  const proto::SrtpProfile profile = lab.media->secured(Side::kCaller).profile;
  const MasterKeyPair pair = split_exporter(profile, lab.peer(Side::kCaller).exporter(exporter_bytes(profile)));
  const bool client = lab.party(Side::kCaller).is_dtls_client;
  return {*derive_rtp_keys(profile, client ? *pair.client_write : *pair.server_write),
          *derive_rtp_keys(profile, client ? *pair.server_write : *pair.client_write)};
}

class MediaRenegotiation : public testing::TestWithParam<bool> {};

TEST_P(MediaRenegotiation, BringsOtherKeysIntoForceMakeBeforeBreak) {
  MediaLab lab(dtls(GetParam()), kPlain, kAllow);
  let_flow(lab);
  const proto::SessionKeys sent_before = lab.flow(Side::kCallee)->spec.send.rtp;
  const std::string sas = lab.media->secured(Side::kCaller).short_authentication;
  renegotiate(lab);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  const auto [sends, hears] = of_peer(lab);
  EXPECT_TRUE(same(lab.flow(Side::kCaller)->spec.receive.rtp, sends));
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.key_grace_ms, Media::kKeyGraceMs);
  EXPECT_EQ(same(lab.flow(Side::kCallee)->spec.send.rtp, sent_before), GetParam()) << "whose flight is the last?";
  lab.worker.event(lab.flow(Side::kCaller)->id, proto::EventKind::kKeysConfirmed);
  lab.settle();
  EXPECT_TRUE(same(lab.flow(Side::kCallee)->spec.send.rtp, hears));
  EXPECT_NE(lab.media->secured(Side::kCaller).short_authentication, sas);
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kRenewalFailed));
}

TEST_P(MediaRenegotiation, KeepsTheAssociationAndCostsNoTimeMeanwhile) {
  MediaLab lab(dtls(GetParam()), kPlain, kAllow);
  let_flow(lab);
  EXPECT_EQ(lab.media->handshakes(), 1u);
  EXPECT_FALSE(lab.media->advance(lab.now_ns)) << "nothing is polled for it";
  renegotiate(lab);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  lab.now_ns += 11 * kSecondNs;
  lab.settle();
  EXPECT_FALSE(lab.media->advance(lab.now_ns));
  renegotiate(lab);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 2u);
}

TEST_P(MediaRenegotiation, IsOfTheAssociationInForceAlone) {
  MediaLab lab(dtls(GetParam()), kPlain, kAllow);
  let_flow(lab);
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  lab.now_ns += 11 * kSecondNs;
  lab.settle();
  EXPECT_EQ(lab.media->handshakes(), 1u) << "the one before has gone";
  renegotiate(lab);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 2u);
}

TEST_P(MediaRenegotiation, WithAnotherCertificateLeavesTheKeysInForceAndSaysSo) {
  MediaLab lab(dtls(GetParam()), kPlain, kAllow);
  let_flow(lab);
  const proto::SessionKeys before = lab.flow(Side::kCaller)->spec.receive.rtp;
  lab.peer(Side::kCaller).change_certificate();
  renegotiate(lab);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 0u);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kRenewalFailed), 1u);
  EXPECT_NE(lab.last(MediaEvent::Kind::kRenewalFailed).reason.find("certificate"), std::string::npos);
  EXPECT_TRUE(same(lab.flow(Side::kCaller)->spec.receive.rtp, before));
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);
  EXPECT_TRUE(lab.media->flowing());
  EXPECT_EQ(lab.media->handshakes(), 0u);
}

TEST_P(MediaRenegotiation, IsNotHeardWithoutThePolicy) {
  MediaLab lab(dtls(GetParam()), kPlain);
  let_flow(lab);
  EXPECT_EQ(lab.media->handshakes(), 0u);
  renegotiate(lab);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 0u);
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);
}

TEST_P(MediaRenegotiation, DoesNotBeginWhileMediaIsEarlyAndAnotherForkMayWin) {
  MediaLab lab(dtls(GetParam()), kPlain, kAllow);
  RemoteMedia early = lab.remote(Side::kCaller);
  early.dialog = 1;
  early.early = true;
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, early, lab.now_ns).ok());
  if (GetParam()) lab.begin_dtls(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  lab.now_ns += 11 * kSecondNs;
  lab.settle();
  const proto::SessionKeys before = lab.flow(Side::kCaller)->spec.receive.rtp;
  renegotiate(lab);
  EXPECT_TRUE(same(lab.flow(Side::kCaller)->spec.receive.rtp, before));
  early.early = false;
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, early, lab.now_ns).ok());
  lab.settle();
  EXPECT_TRUE(same(lab.flow(Side::kCaller)->spec.receive.rtp, before));
  if (GetParam()) {
    EXPECT_FALSE(lab.peer(Side::kCaller).connected()) << "it has heard nothing, and asks again";
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    lab.peer(Side::kCaller).advance();
    lab.settle();
    EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  }
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kRenewalFailed));
}

TEST_P(MediaRenegotiation, OfOneOfTwoPortsChangesTheKeysOfItsOwnPackets) {
  MediaLab lab(dtls(GetParam(), false), kPlain, kAllow);
  let_flow(lab);
  const proto::TransformSpec before = lab.flow(Side::kCaller)->spec.receive;
  renegotiate(lab);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  const proto::TransformSpec first = lab.flow(Side::kCaller)->spec.receive;
  EXPECT_FALSE(same(first.rtp, before.rtp));
  EXPECT_TRUE(same(first.rtcp, before.rtcp));
  renegotiate(lab, 1);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 2u);
  const proto::TransformSpec second = lab.flow(Side::kCaller)->spec.receive;
  EXPECT_TRUE(same(second.rtp, first.rtp));
  EXPECT_FALSE(same(second.rtcp, first.rtcp));
}

INSTANTIATE_TEST_SUITE_P(Parties, MediaRenegotiation, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& row) { return row.param ? "AsClient" : "AsServer"; });

}  // namespace
}  // namespace weir::controlplane
