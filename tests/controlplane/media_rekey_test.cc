// Keys that policy lets live for so long, or for so many packets: others are asked for in time, and once. RFC 5763
// section 6.7.
#include <gtest/gtest.h>

#include "controlplane/media.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr Party kDtls{.secured = true, .rtcp_mux = true};
constexpr std::uint64_t kSecondNs = 1'000'000'000;

MediaLab::Adjust policy(std::uint32_t seconds, std::uint32_t packets) {
  return [=](std::array<MediaLegOptions, 2>& options) {
    for (MediaLegOptions& each : options) {
      each.security.rekey_s = seconds;
      each.security.rekey_packets = packets;
    }
  };
}

void let_flow(MediaLab& lab) {
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
}

void pass(MediaLab& lab, std::uint64_t seconds) {
  lab.now_ns += seconds * kSecondNs;
  lab.settle();
}

TEST(MediaRekey, KeysThatAreOldAreAskedToBeRenewedOnTheirLegAlone) {
  MediaLab lab(kDtls, kPlain, policy(100, 0));
  let_flow(lab);
  pass(lab, 90);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 0u);
  pass(lab, 11);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u);
  EXPECT_EQ(lab.last(MediaEvent::Kind::kKeysEnding).side, Side::kCaller);
  pass(lab, 1);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u) << "said once";
}

TEST(MediaRekey, WhatIsNotGivenIsAskedForAgainLater) {
  MediaLab lab(kDtls, kPlain, policy(100, 0));
  let_flow(lab);
  pass(lab, 101);
  pass(lab, Media::kRenewalRetryNs / kSecondNs + 1);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 2u);
}

TEST(MediaRekey, NewKeysHaveALifeOfTheirOwn) {
  MediaLab lab(kDtls, kPlain, policy(100, 0));
  let_flow(lab);
  pass(lab, 101);
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u);
  lab.media->renew_keys(Side::kCaller);
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.key_grace_ms, Media::kKeyGraceMs) << "make before break";
  pass(lab, 90);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u);
  pass(lab, 11);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 2u);
}

TEST(MediaRekey, PacketsOfThePartyCountFromWhenTheKeysCame) {
  MediaLab lab(kDtls, kPlain, policy(0, 1'000));
  let_flow(lab);
  const proto::FlowId flow = lab.flow(Side::kCaller)->id;
  proto::FlowStatus& status = lab.worker.region().flow_status_mutable(flow.index);
  status.rtp_packets_in = 999;
  pass(lab, 1);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 0u);
  status.rtcp_packets_in = 1;
  pass(lab, 1);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u);
}

TEST(MediaRekey, NothingIsAskedWithoutAPolicyOrOfAPlainLeg) {
  MediaLab none(kDtls, kPlain, policy(0, 0));
  let_flow(none);
  pass(none, 1'000'000);
  EXPECT_EQ(none.count(MediaEvent::Kind::kKeysEnding), 0u);
  MediaLab plain(kPlain, kPlain, policy(100, 1));
  let_flow(plain);
  pass(plain, 1'000);
  EXPECT_EQ(plain.count(MediaEvent::Kind::kKeysEnding), 0u);
}

}  // namespace
}  // namespace weir::controlplane
