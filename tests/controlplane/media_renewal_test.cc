// Streams whose descriptions change: hold, new addresses and codecs, new keys beside old ones, and no clear packet at
// any moment. RFC 3264 section 8, RFC 4568 section 7.1.4, RFC 8842 section 3.1.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "controlplane/local_keys.h"
#include "controlplane/media.h"
#include "controlplane/srtp_keys.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using proto::SrtpProfile;
using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr Party kDtls{.secured = true, .rtcp_mux = true};
constexpr std::array kSides = {Side::kCaller, Side::kCallee};
const std::string kTlsId = "dbc8de77cddef001be90";
const std::string kOtherTlsId = "abc3de65cddef001be82";

/// A stream of two parties that flows.
void let_flow(MediaLab& lab) {
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
}

proto::TransformSpec receive_of(MediaLab& lab, Side side) {
  return lab.flow(side)->spec.receive;
}

/// What the caller's party exports for the SRTP it sends.
proto::SessionKeys callers_keys(MediaLab& lab) {
  const SrtpProfile profile = lab.media->secured(Side::kCaller).profile;
  const MasterKeyPair pair = split_exporter(profile, lab.peer(Side::kCaller).exporter(exporter_bytes(profile)));
  return *derive_rtp_keys(profile, lab.party(Side::kCaller).is_dtls_client ? *pair.client_write : *pair.server_write);
}

bool same_keys(const proto::SessionKeys& a, const proto::SessionKeys& b) {
  return a.encryption == b.encryption && a.authentication == b.authentication && a.salt == b.salt;
}

// DTLS: RFC 8842's four reasons, one by one.

struct Renewal {
  std::string name;
  bool tls_ids;  ///< both sides say tls-id
  std::function<void(MediaLab&, RemoteMedia&)> change;
  bool is_new;
};

RemoteMedia described(MediaLab& lab, bool tls_ids) {
  RemoteMedia remote = lab.remote(Side::kCaller);
  if (tls_ids) remote.tls_id = kTlsId;
  if (tls_ids) remote.our_tls_id = "0123456789abcdef0123";
  return remote;
}

class MediaRenewal : public testing::TestWithParam<Renewal> {};

TEST_P(MediaRenewal, HappensWhenItIsDueAndTheOldKeysServeUntilThen) {
  MediaLab lab(kDtls, kPlain);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, described(lab, GetParam().tls_ids), lab.now_ns).ok());
  lab.begin_dtls(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  const proto::TransformSpec before = receive_of(lab, Side::kCaller);

  RemoteMedia changed = described(lab, GetParam().tls_ids);
  GetParam().change(lab, changed);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, changed, lab.now_ns).ok());
  if (lab.party(Side::kCaller).is_dtls_client) {
    lab.settle();
    EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u) << "the peer has not begun";
    EXPECT_TRUE(same_keys(receive_of(lab, Side::kCaller).rtp, before.rtp));
    EXPECT_TRUE(lab.media->flowing());
  }
  if (!GetParam().is_new) {
    EXPECT_EQ(lab.media->local_section(Side::kCaller, true).current_role, changed.role);
    return;
  }
  if (lab.party(Side::kCaller).is_dtls_client) lab.begin_dtls(Side::kCaller);
  lab.settle();
  ASSERT_FALSE(lab.saw(MediaEvent::Kind::kFailed));
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kSecured), 1u);
  const proto::FlowSpec& spec = lab.flow(Side::kCaller)->spec;
  EXPECT_TRUE(same_keys(spec.receive.rtp, callers_keys(lab)));
  EXPECT_EQ(spec.receive.keeps_indexes, 0) << "RFC 5764 section 4.2: a new association starts at 0";
  EXPECT_EQ(spec.key_grace_ms, Media::kKeyGraceMs) << "what is on its way under the old keys still comes in";
  EXPECT_EQ(spec.send.profile, SrtpProfile::kNone);
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.send.profile, spec.receive.profile);
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.send.keeps_indexes, 0);
}

void take_other_certificate(MediaLab& lab, RemoteMedia& remote) {
  lab.renew_peer(Side::kCaller);
  remote.fingerprints = lab.remote(Side::kCaller).fingerprints;
}

INSTANTIATE_TEST_SUITE_P(Rfc8842, MediaRenewal,
                         testing::Values(Renewal{"TheSameAgain", false, [](MediaLab&, RemoteMedia&) {}, false},
                                         Renewal{"TheSameAgainWithTlsId", true, [](MediaLab&, RemoteMedia&) {}, false},
                                         Renewal{"Fingerprint", false, take_other_certificate, true},
                                         Renewal{"FingerprintWithTlsId", true, take_other_certificate, true},
                                         Renewal{"TlsId", true,
                                                 [](MediaLab& lab, RemoteMedia& remote) {
                                                   take_other_certificate(lab, remote);
                                                   remote.tls_id = kOtherTlsId;
                                                 },
                                                 true},
                                         Renewal{"Setup", true,
                                                 [](MediaLab& lab, RemoteMedia& remote) {
                                                   lab.renew_peer(Side::kCaller, true);
                                                   const RemoteMedia turned = lab.remote(Side::kCaller);
                                                   remote.role = turned.role;
                                                   remote.fingerprints = turned.fingerprints;
                                                 },
                                                 true},
                                         Renewal{"AnAddressMovesButTlsIdStays", true,
                                                 [](MediaLab&, RemoteMedia& remote) { remote.rtp.port = 5010; }, false},
                                         Renewal{"HoldByAddressWithoutTlsId", false,
                                                 [](MediaLab&, RemoteMedia& remote) { remote.rtp = remote.rtcp = {}; },
                                                 false},
                                         Renewal{"HoldByDirection", false,
                                                 [](MediaLab&, RemoteMedia& remote) {
                                                   remote.on_hold = true;
                                                   remote.direction = sip::Direction::kRecvOnly;
                                                 },
                                                 false}),
                         [](const testing::TestParamInfo<Renewal>& row) { return row.param.name; });

TEST(MediaRenewal, AnAddressThatMovesWithoutTlsIdWantsANewAssociationButMediaGoesOn) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  RemoteMedia moved = lab.remote(Side::kCaller);
  moved.rtp.port = 5010;
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, moved, lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, moved.rtp);
  EXPECT_EQ(lab.media->local_section(Side::kCaller, true).association->their_transport, MediaLab::place(Side::kCaller))
      << "the one in force";
  lab.now_ns += 11'000'000'000;
  lab.settle();
  EXPECT_TRUE(lab.saw(MediaEvent::Kind::kRenewalFailed)) << "the peer kept its association";
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kFailed));
  EXPECT_TRUE(lab.media->flowing());
}

TEST(MediaRenewal, OneThatFailsLeavesTheOldKeysInForceAndSaysSo) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  const proto::TransformSpec before = receive_of(lab, Side::kCaller);
  lab.renew_peer(Side::kCaller);
  RemoteMedia changed = lab.remote(Side::kCaller);
  changed.fingerprints = {tests::DtlsPeer({}).fingerprint()};
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, changed, lab.now_ns).ok());
  lab.begin_dtls(Side::kCaller);
  lab.settle();
  ASSERT_TRUE(lab.saw(MediaEvent::Kind::kRenewalFailed));
  EXPECT_NE(lab.last(MediaEvent::Kind::kRenewalFailed).reason.find("certificate"), std::string::npos);
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kFailed));
  EXPECT_TRUE(same_keys(receive_of(lab, Side::kCaller).rtp, before.rtp));
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);

  // And it may be tried again.
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
}

TEST(MediaRenewal, WithTwoPortsBothAssociationsAreThereBeforeTheKeysChange) {
  MediaLab lab({.secured = true}, {.secured = true});
  let_flow(lab);
  lab.renew_peer(Side::kCallee);
  ASSERT_TRUE(lab.media->set_remote(Side::kCallee, lab.remote(Side::kCallee), lab.now_ns).ok());
  lab.peer(Side::kCallee, 0).step();
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->key_updates, 0u);
  lab.peer(Side::kCallee, 1).step();
  lab.settle();
  for (const Side side : kSides) {
    for (const std::size_t component : {0u, 1u}) EXPECT_EQ(lab.flow(side, component)->key_updates, 1u);
  }
}

TEST(MediaRenewal, OursTakesAnotherTlsIdOrToWhoHasNoneAnotherRole) {
  MediaLab lab(kDtls, kPlain);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, described(lab, true), lab.now_ns).ok());
  lab.begin_dtls(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  const sip::LocalSection before = lab.media->local_section(Side::kCaller, true);
  EXPECT_EQ(lab.media->local_section(Side::kCaller, true).tls_id, before.tls_id) << "asked again it says the same";
  lab.media->renew_keys(Side::kCaller);
  const sip::LocalSection renewed = lab.media->local_section(Side::kCaller, true);
  EXPECT_NE(renewed.tls_id, before.tls_id);
  EXPECT_EQ(renewed.setup, sip::DtlsSetup::kActpass);

  MediaLab old(kDtls, kPlain);
  let_flow(old);
  old.media->renew_keys(Side::kCaller);
  EXPECT_EQ(old.media->local_section(Side::kCaller, true).setup, sip::DtlsSetup::kActive) << "we are the server now";
}

TEST(MediaRenewal, OpenSslsObjectsGoWhenThePeerHasNothingToRepeat) {
  MediaLab lab(kDtls, kDtls);
  let_flow(lab);
  EXPECT_EQ(lab.media->handshakes(), 2u);
  lab.now_ns += 11'000'000'000;
  lab.settle();
  EXPECT_EQ(lab.media->handshakes(), 0u);
  EXPECT_TRUE(lab.media->flowing());
  // A stranger's ClientHello finds nobody.
  lab.renew_peer(Side::kCaller);
  lab.begin_dtls(Side::kCaller);
  lab.settle();
  EXPECT_EQ(lab.media->handshakes(), 0u);
  EXPECT_FALSE(lab.peer(Side::kCaller).connected());
}

TEST(MediaRenewal, WhatAnEstablishedStreamKeepsIsAQuarterOfACallsShare) {
  // 16 KiB for a call, both legs, signalling and all: the DTLS objects of one leg alone would have 70 KB.
  EXPECT_LE(sizeof(Media) + 2 * sizeof(MediaLeg) + 4 * sizeof(MediaPort), 4096u);
}

// Hold.

TEST(MediaHold, WhoDoesNotReceiveGetsRtcpButNoRtpAndItsKeysAreKept) {
  MediaLab lab(kDtls, kPlain);
  let_flow(lab);
  RemoteMedia held = lab.remote(Side::kCaller);
  for (const sip::Direction ours : {sip::Direction::kRecvOnly, sip::Direction::kInactive}) {
    held.on_hold = true;
    held.direction = ours;
    ASSERT_TRUE(lab.media->set_remote(Side::kCaller, held, lab.now_ns).ok());
    lab.settle();
    EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer.port, 0);
    EXPECT_NE(lab.flow(Side::kCallee, 1)->spec.rtcp.peer.port, 0);
    EXPECT_NE(lab.flow(Side::kCaller)->spec.rtp.peer.port, 0) << "music on hold goes the other way";
  }
  held.direction = sip::Direction::kSendOnly;
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, held, lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, MediaLab::place(Side::kCaller));
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);
}

TEST(MediaTerms, RatesAndClockFollowTheCodec) {
  MediaLab lab(kPlain, kPlain);
  let_flow(lab);
  RemoteMedia other = lab.remote(Side::kCaller);
  other.terms.clock_hz = 48'000;
  other.terms.rates = {.packets_per_s = 70, .bytes_per_s = 9'000};
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, other, lab.now_ns).ok());
  lab.settle();
  const proto::FlowSpec& spec = lab.flow(Side::kCaller)->spec;
  EXPECT_EQ(spec.rtp_clock_hz, 48'000u);
  EXPECT_EQ(spec.packets_per_s_max, 140u) << "media_rate_factor is 2";
  EXPECT_EQ(spec.bytes_per_s_max, 18'000u);
}

TEST(MediaAddresses, NothingIsSentToOurselvesOrToAll) {
  MediaLab lab(kPlain, kPlain);
  for (const std::string_view bad : {"127.0.0.1", "0.1.2.3", "255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.1.1",
                                     "198.18.2.1", "198.18.1.255"}) {
    for (const bool rtcp : {false, true}) {
      RemoteMedia remote = lab.remote(Side::kCaller);
      (rtcp ? remote.rtcp : remote.rtp).address = proto::parse_ip_address(bad).value();
      EXPECT_FALSE(lab.media->set_remote(Side::kCaller, remote, lab.now_ns).ok()) << bad << (rtcp ? " rtcp" : "");
    }
  }
  let_flow(lab);
}

}  // namespace
}  // namespace weir::controlplane
