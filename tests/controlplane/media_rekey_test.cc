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

TEST(MediaRekey, CallsThatCameTogetherAreNotRenewedTogether) {
  MediaLab first(kDtls, kPlain, policy(100, 1'000));
  first.chance = KeyAge::kEarlyMax;
  let_flow(first);
  pass(first, 89);
  EXPECT_EQ(first.count(MediaEvent::Kind::kKeysEnding), 0u);
  pass(first, 1);
  EXPECT_EQ(first.count(MediaEvent::Kind::kKeysEnding), 1u) << "a tenth earlier at most";

  MediaLab busy(kDtls, kPlain, policy(0, 1'000));
  busy.chance = KeyAge::kEarlyMax / 2;
  let_flow(busy);
  const proto::FlowId flow = busy.flow(Side::kCaller)->id;
  busy.worker.region().flow_status_mutable(flow.index).rtp_packets_in = 949;
  pass(busy, 1);
  EXPECT_EQ(busy.count(MediaEvent::Kind::kKeysEnding), 0u);
  busy.worker.region().flow_status_mutable(flow.index).rtp_packets_in = 950;
  pass(busy, 1);
  EXPECT_EQ(busy.count(MediaEvent::Kind::kKeysEnding), 1u);
}

TEST(MediaRekey, WhoKeepsItsAssociationKeepsItsKeysAndPeopleAreToldOnce) {
  MediaLab lab(kDtls, kPlain, policy(100, 0));
  let_flow(lab);
  std::size_t asked = 0;
  for (std::uint64_t passed = 0; passed < 7'200; passed += 10) {
    pass(lab, 10);
    if (lab.count(MediaEvent::Kind::kKeysEnding) == asked) continue;
    ++asked;
    lab.media->renew_keys(Side::kCaller);
    EXPECT_EQ(lab.media->local_section(Side::kCaller, false).setup, sip::DtlsSetup::kActive);
    ASSERT_TRUE(lab.media->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
    EXPECT_EQ(lab.media->local_section(Side::kCaller, false).setup, sip::DtlsSetup::kActpass)
        << "it is not asked again";
  }
  EXPECT_EQ(lab.count(MediaEvent::Kind::kRenewalFailed), 1u);
  EXPECT_LE(asked, 4u) << "in two hours";
  EXPECT_GE(asked, 2u);
  EXPECT_TRUE(lab.media->flowing());
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);
}

TEST(MediaRekey, WhatIsSaidAfterARefusalLeavesTheAssociationAsItIs) {
  MediaLab lab(kDtls, kPlain, policy(100, 0));
  let_flow(lab);
  lab.media->renew_keys(Side::kCaller);
  EXPECT_EQ(lab.media->local_section(Side::kCaller, false).setup, sip::DtlsSetup::kActive);
  lab.media->drop_renewal(Side::kCaller);
  EXPECT_EQ(lab.media->local_section(Side::kCaller, false).setup, sip::DtlsSetup::kActpass);
}

// Whose flight is the last: nobody knows whether it has arrived.

/// What the caller is sent is protected with: its leg's flow comes from the callee's side.
proto::SessionKeys sending(MediaLab& lab) {
  return lab.flow(Side::kCallee)->spec.send.rtp;
}

/// The caller's party begins a new association, in the role it has.
void renew(MediaLab& lab) {
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_TRUE(lab.saw(MediaEvent::Kind::kKeysRenewed));
}

bool same(const proto::SessionKeys& a, const proto::SessionKeys& b) {
  return a.encryption == b.encryption && a.salt == b.salt;
}

TEST(MediaRekey, AsServerTheOldKeysAreSentWithUntilThePartyHasShownThatItHasTheNewOnes) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  const proto::SessionKeys before = sending(lab);
  const proto::SessionKeys heard = lab.flow(Side::kCaller)->spec.receive.rtp;
  renew(lab);
  EXPECT_FALSE(same(lab.flow(Side::kCaller)->spec.receive.rtp, heard)) << "both are heard";
  EXPECT_TRUE(same(sending(lab), before));
  lab.worker.event(lab.flow(Side::kCaller)->id, proto::EventKind::kKeysConfirmed);
  lab.settle();
  EXPECT_FALSE(same(sending(lab), before));
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 2u);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.key_grace_ms, Media::kKeyGraceMs) << "what is late is heard still";
}

TEST(MediaRekey, AsServerTheNewKeysAreSentWithIfThePartyIsSilent) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  const proto::SessionKeys before = sending(lab);
  renew(lab);
  pass(lab, 1);
  EXPECT_TRUE(same(sending(lab), before));
  pass(lab, 2);
  EXPECT_FALSE(same(sending(lab), before));
  EXPECT_EQ(lab.flow(Side::kCallee)->key_updates, 2u);
}

TEST(MediaRekey, AsServerOnTwoPortsBothAreWaitedFor) {
  MediaLab lab({.secured = true}, kPlain);
  let_flow(lab);
  const proto::SessionKeys before = sending(lab);
  renew(lab);
  lab.worker.event(lab.flow(Side::kCaller, 0)->id, proto::EventKind::kKeysConfirmed);
  lab.settle();
  EXPECT_TRUE(same(sending(lab), before));
  lab.worker.event(lab.flow(Side::kCaller, 1)->id, proto::EventKind::kKeysConfirmed);
  lab.settle();
  EXPECT_FALSE(same(sending(lab), before));
}

TEST(MediaRekey, AsClientTheNewKeysAreSentWithAtOnceForThePartyHasThem) {
  MediaLab lab({.secured = true, .rtcp_mux = true, .is_dtls_client = false}, kPlain);
  let_flow(lab);
  const proto::SessionKeys before = sending(lab);
  renew(lab);
  EXPECT_FALSE(same(sending(lab), before));
  EXPECT_EQ(lab.flow(Side::kCallee)->key_updates, 1u);
}

TEST(MediaRekey, KeysThatWereNeverSentWithMayBeReplacedToo) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  const proto::SessionKeys before = sending(lab);
  renew(lab);
  renew(lab);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 2u);
  EXPECT_TRUE(same(sending(lab), before));
  const auto kept = lab.media->kept();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->legs[0].sends_before) << "who comes after has still to tell";
  lab.worker.event(lab.flow(Side::kCaller)->id, proto::EventKind::kKeysConfirmed);
  lab.settle();
  EXPECT_FALSE(same(sending(lab), before));
  EXPECT_FALSE(lab.media->kept()->legs[0].sends_before);
}

}  // namespace
}  // namespace weir::controlplane
