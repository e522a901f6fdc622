// Streams whose parties and keys change: SDES, plain and secured in turn, forks that answer on the same ports, a
// transfer. RFC 4568 section 7, RFC 3261 section 13.2.2.4, RFC 3711 section 9.1.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "controlplane/local_keys.h"
#include "controlplane/media.h"
#include "tests/support/media_lab.h"
#include "tests/support/srtp_kdf.h"

namespace weir::controlplane {
namespace {

using proto::SrtpProfile;
using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr Party kDtls{.secured = true, .rtcp_mux = true};
constexpr std::array kSides = {Side::kCaller, Side::kCallee};

sip::SecurityPolicy any_security() {
  sip::SecurityPolicy policy;
  policy.suites = {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAes256CmHmacSha1_80, SrtpProfile::kAeadAes128Gcm};
  return policy;
}

bool same_keys(const proto::SessionKeys& a, const proto::SessionKeys& b) {
  return a.encryption == b.encryption && a.authentication == b.authentication && a.salt == b.salt;
}

/// What a party that speaks SDES agreed to: its own key under our tag.
RemoteMedia sdes_remote(MediaLab& lab, Side side, SrtpProfile suite = SrtpProfile::kAesCm128HmacSha1_80) {
  RemoteMedia remote = lab.remote(side);
  remote.keying = sip::Keying::kSdes;
  const sip::LocalSection section = lab.media->local_section(side, true);
  sip::SdesAgreement sdes;
  for (const sip::CryptoAttribute& line : section.crypto) {
    if (line.suite == suite) sdes.local = line;
  }
  sdes.remote = make_crypto({suite}).front();
  remote.sdes = sdes;
  return remote;
}

void expect_transform(const proto::TransformSpec& found, const sip::CryptoAttribute& line) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(line.suite);
  const sip::CryptoKey& key = *line.keys.front();
  const proto::TransformSpec wanted =
      tests::derive_transform(line.suite, {key.key.data(), info.key_bytes}, {key.salt.data(), info.salt_bytes});
  EXPECT_EQ(found.profile, line.suite);
  EXPECT_TRUE(same_keys(found.rtp, wanted.rtp));
  EXPECT_TRUE(same_keys(found.rtcp, wanted.rtcp));
  EXPECT_EQ(found.mki_bytes, key.mki_bytes);
  EXPECT_EQ(found.mki, key.mki);
  EXPECT_EQ(found.lifetime_log2, key.lifetime_log2);
}

TEST(MediaSdes, EachSideSendsWithItsOwnKeyAndWeirMediaHearsOfLifetimeAndMki) {
  for (const SrtpProfile suite : any_security().suites) {
    MediaLab lab(kPlain, kPlain, {any_security(), any_security()});
    RemoteMedia remote = sdes_remote(lab, Side::kCaller, suite);
    sip::CryptoKey& theirs = *remote.sdes->remote.keys.front();
    theirs.mki_bytes = 2;
    theirs.mki = {1, 2};
    theirs.lifetime_log2 = 20;
    ASSERT_TRUE(lab.media->set_remote(Side::kCaller, remote, lab.now_ns).ok());
    ASSERT_TRUE(lab.answer(Side::kCallee).ok());
    lab.settle();
    ASSERT_TRUE(lab.media->flowing());
    EXPECT_EQ(lab.last(MediaEvent::Kind::kSecured).secured.profile, suite);
    expect_transform(lab.flow(Side::kCaller, 0)->spec.receive, remote.sdes->remote);
    expect_transform(lab.flow(Side::kCaller, 1)->spec.receive, remote.sdes->remote);
    expect_transform(lab.flow(Side::kCallee, 0)->spec.send, remote.sdes->local);
    expect_transform(lab.flow(Side::kCallee, 1)->spec.send, remote.sdes->local);
    EXPECT_EQ(lab.flow(Side::kCallee)->spec.receive.profile, SrtpProfile::kNone);
  }
}

TEST(MediaSdes, SaidAgainNothingChangesAndNewKeysTakeTheirPlaceBesideTheOldOnes) {
  MediaLab lab(kPlain, kPlain, {any_security(), any_security()});
  const RemoteMedia first = sdes_remote(lab, Side::kCaller);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, first, lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, first, lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCaller)->key_updates, 0u);
  const sip::LocalSection again = lab.media->local_section(Side::kCaller, true);
  ASSERT_TRUE(again.sdes);
  EXPECT_TRUE(sip::is_same_crypto(again.sdes->local, first.sdes->local));

  const RemoteMedia second = sdes_remote(lab, Side::kCaller);
  EXPECT_FALSE(sip::is_same_crypto(second.sdes->local, first.sdes->local))
      << "a key that was in use is not offered anew";
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, second, lab.now_ns).ok());
  lab.settle();
  const proto::FlowSpec& spec = lab.flow(Side::kCaller)->spec;
  expect_transform(spec.receive, second.sdes->remote);
  EXPECT_EQ(spec.receive.keeps_indexes, 0);
  EXPECT_EQ(spec.key_grace_ms, Media::kKeyGraceMs);
  expect_transform(lab.flow(Side::kCallee)->spec.send, second.sdes->local);
  EXPECT_TRUE(lab.saw(MediaEvent::Kind::kKeysRenewed));
}

TEST(MediaSdes, AKeyNearItsEndAsksForANewOneAndRenewKeysBringsIt) {
  MediaLab lab(kPlain, kPlain, {any_security(), any_security()});
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, sdes_remote(lab, Side::kCaller), lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  lab.worker.event(lab.flow(Side::kCallee)->id, proto::EventKind::kIndexNearLimit);
  lab.settle();
  ASSERT_EQ(lab.count(MediaEvent::Kind::kKeysEnding), 1u);
  EXPECT_EQ(lab.last(MediaEvent::Kind::kKeysEnding).side, Side::kCaller) << "the plain leg has none";
  EXPECT_TRUE(lab.media->flowing());
  lab.media->renew_keys(Side::kCaller);
  EXPECT_FALSE(lab.media->local_section(Side::kCaller, true).sdes);
  EXPECT_FALSE(lab.media->local_section(Side::kCaller, true).crypto.empty());
}

TEST(MediaPolicy, WhatItForbidsIsRefusedWhateverTheSdpAgreedOn) {
  sip::SecurityPolicy required = any_security();
  required.srtp = sip::SrtpDemand::kRequired;
  sip::SecurityPolicy forbidden = any_security();
  forbidden.srtp = sip::SrtpDemand::kForbidden;
  MediaLab lab(kPlain, kPlain, {required, forbidden});
  EXPECT_FALSE(lab.media->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
  EXPECT_FALSE(lab.media->set_remote(Side::kCallee, sdes_remote(lab, Side::kCallee), lab.now_ns).ok());
  RemoteMedia suite = sdes_remote(lab, Side::kCaller);
  suite.sdes->local.suite = suite.sdes->remote.suite = SrtpProfile::kNullHmacSha1_80;
  EXPECT_FALSE(lab.media->set_remote(Side::kCaller, suite, lab.now_ns).ok());
  EXPECT_TRUE(lab.media->set_remote(Side::kCaller, sdes_remote(lab, Side::kCaller), lab.now_ns).ok());
}

TEST(MediaSecurity, PlainBecomesSdesAndPlainAgain) {
  MediaLab lab(kPlain, kPlain, {any_security(), any_security()});
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const RemoteMedia secured = sdes_remote(lab, Side::kCaller);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, secured, lab.now_ns).ok());
  lab.settle();
  expect_transform(lab.flow(Side::kCallee)->spec.send, secured.sdes->local);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.source_policy, proto::SourcePolicy::kLatch);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee)->spec.send.profile, SrtpProfile::kNone);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.source_policy, proto::SourcePolicy::kSignalled);
}

TEST(MediaSecurity, PlainThatBecomesDtlsSaysNothingUntilTheKeysAreThere) {
  MediaLab lab({.rtcp_mux = true}, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  lab.renew_peer(Side::kCaller);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
  lab.worker.run();
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer.port, 0) << "nothing clear for a secured peer";
  EXPECT_EQ(lab.flow(Side::kCallee, 1)->spec.rtcp.peer.port, 0);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.rtp.peer.port, 0) << "and nothing that did not authenticate from it";
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.punts, proto::kPuntDtls);
  lab.begin_dtls(Side::kCaller);
  lab.settle();
  EXPECT_NE(lab.flow(Side::kCallee, 0)->spec.send.profile, SrtpProfile::kNone);
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, MediaLab::place(Side::kCaller));
  EXPECT_NE(lab.flow(Side::kCaller)->spec.rtp.peer.port, 0);
}

// Forks: two parties of the callee's side, with certificates of their own, at places of their own.

class MediaForks : public testing::Test {
 protected:
  MediaForks() {
    EXPECT_TRUE(lab_.answer(Side::kCaller).ok());
    lab_.settle();
  }
  /// The callee's side as a fork says it.
  RemoteMedia fork(std::uint64_t dialog, bool early) {
    RemoteMedia remote = lab_.remote(Side::kCallee);
    remote.dialog = dialog;
    remote.early = early;
    return remote;
  }
  void answer(const RemoteMedia& remote, bool begins) {
    ASSERT_TRUE(lab_.media->set_remote(Side::kCallee, remote, lab_.now_ns).ok());
    if (begins) lab_.begin_dtls(Side::kCallee);
    lab_.settle();
  }
  proto::TransformSpec sent_to_callee() { return lab_.flow(Side::kCaller, 0)->spec.send; }

  MediaLab lab_{kPlain, kDtls, true};
};

TEST_F(MediaForks, TheLatestCountsAndTheWinnersKeysComeBackThoughTheirHandshakeRanBefore) {
  const RemoteMedia first = fork(1, true);
  answer(first, true);
  ASSERT_TRUE(lab_.media->flowing()) << "early media, before the answer";
  const proto::TransformSpec firsts = sent_to_callee();

  lab_.renew_peer(Side::kCallee);
  const RemoteMedia second = fork(2, true);
  ASSERT_TRUE(lab_.media->set_remote(Side::kCallee, second, lab_.now_ns).ok());
  lab_.settle();
  EXPECT_EQ(lab_.flow(Side::kCaller, 0)->spec.rtp.peer.port, 0) << "the second has no keys yet";
  lab_.begin_dtls(Side::kCallee);
  lab_.settle();
  const proto::TransformSpec seconds = sent_to_callee();
  EXPECT_FALSE(same_keys(seconds.rtp, firsts.rtp));
  EXPECT_EQ(seconds.keeps_indexes, 1) << "the first may come back: no index of its keys may then";
  EXPECT_NE(lab_.flow(Side::kCaller, 0)->spec.rtp.peer.port, 0);

  RemoteMedia won = first;
  won.early = false;
  answer(won, false);
  EXPECT_TRUE(same_keys(sent_to_callee().rtp, firsts.rtp));
  EXPECT_EQ(sent_to_callee().keeps_indexes, 1);
  EXPECT_FALSE(lab_.saw(MediaEvent::Kind::kFailed));
  lab_.now_ns += 11'000'000'000;
  lab_.settle();
  EXPECT_EQ(lab_.media->handshakes(), 0u) << "nothing is left of the others";
}

TEST_F(MediaForks, ALoserThatNeverShookHandsIsForgottenWithTheFinalAnswer) {
  answer(fork(1, true), false);
  EXPECT_EQ(lab_.media->handshakes(), 1u);
  lab_.renew_peer(Side::kCallee);
  answer(fork(2, true), false);
  EXPECT_EQ(lab_.media->handshakes(), 2u);
  answer(fork(2, false), true);
  ASSERT_TRUE(lab_.media->flowing());
  EXPECT_EQ(lab_.media->handshakes(), 1u);
}

TEST_F(MediaForks, OneWhoseHandshakeFailsEndsNothingWhileAnotherMayWin) {
  RemoteMedia wrong = fork(1, true);
  wrong.fingerprints = {tests::DtlsPeer({}).fingerprint()};
  answer(wrong, true);
  EXPECT_FALSE(lab_.saw(MediaEvent::Kind::kFailed));
  EXPECT_TRUE(lab_.saw(MediaEvent::Kind::kRenewalFailed));
  lab_.renew_peer(Side::kCallee);
  answer(fork(2, false), true);
  EXPECT_TRUE(lab_.media->flowing());
}

TEST_F(MediaForks, AnyNumberOfThemCostsABoundedNumberOfHandshakes) {
  for (std::uint64_t dialog = 1; dialog <= 50; ++dialog) {
    lab_.renew_peer(Side::kCallee);
    answer(fork(dialog, true), false);
  }
  EXPECT_LE(lab_.media->handshakes(), MediaLeg::kForksMax);
}

// Transfer.

MediaLegOptions options_of(std::uint8_t network, const sip::SecurityPolicy& policy) {
  return {.network = network, .security = policy, .listens_early = false};
}

TEST(MediaReplace, TheOtherPartyKeepsPortsAndKeysAndHearsTheNextOneAsAnotherSource) {
  MediaLab lab(kDtls, kPlain, {tests::dtls_required(), any_security()});
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  const std::uint16_t callers_port = lab.local_port(Side::kCaller);
  const proto::FlowId callers_flow = lab.flow(Side::kCaller)->id;
  const proto::TransformSpec before = lab.flow(Side::kCaller)->spec.receive;
  std::set<std::uint32_t> ssrcs;
  std::set<std::uint16_t> ports{lab.local_port(Side::kCallee)};
  for (int transfer = 0; transfer < 5; ++transfer) {
    ASSERT_TRUE(lab.media->replace(Side::kCallee, options_of(1, any_security()), lab.now_ns).ok());
    lab.settle();
    EXPECT_FALSE(lab.media->flowing());
    EXPECT_TRUE(ports.insert(lab.local_port(Side::kCallee)).second) << "late packets find a closed port";
    EXPECT_EQ(lab.worker.installed(), 1u);
    EXPECT_EQ(lab.flow(Side::kCaller)->spec.rtp.peer.port, 0) << "nobody is there";

    // The next one speaks SDES, each with other keys.
    const RemoteMedia next = sdes_remote(lab, Side::kCallee);
    ASSERT_TRUE(lab.media->set_remote(Side::kCallee, next, lab.now_ns).ok());
    lab.settle();
    ASSERT_TRUE(lab.media->flowing());
    EXPECT_EQ(lab.local_port(Side::kCaller), callers_port);
    EXPECT_EQ(lab.flow(Side::kCaller)->id, callers_flow) << "its windows and rollover counters go on";
    EXPECT_TRUE(same_keys(lab.flow(Side::kCaller)->spec.receive.rtp, before.rtp));
    expect_transform(lab.flow(Side::kCaller)->spec.send, next.sdes->local);
    EXPECT_EQ(lab.flow(Side::kCaller)->spec.rtp.local_port, lab.local_port(Side::kCallee));
    for (const std::size_t component : {0u, 1u}) {
      const proto::FlowSpec& towards_caller = lab.flow(Side::kCallee, component)->spec;
      EXPECT_NE(towards_caller.rewrite.ssrc_to, 0u) << "no index of a source it has heard comes twice";
      if (component == 0) {
        EXPECT_TRUE(ssrcs.insert(towards_caller.rewrite.ssrc_to).second);
      }
      EXPECT_EQ(towards_caller.rewrite.ssrc_to, lab.flow(Side::kCallee, 0)->spec.rewrite.ssrc_to);
      EXPECT_NE(towards_caller.send.profile, SrtpProfile::kNone);
    }
  }
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kFailed));
  lab.media->close(lab.now_ns);
  lab.settle();
  EXPECT_EQ(lab.worker.flows(), 0u);
  EXPECT_EQ(lab.engine->ports().in_use(0), 0u);
  EXPECT_EQ(lab.engine->ports().in_use(1), 0u);
}

TEST(MediaReplace, BeforeAnythingFlowsItBeginsAnew) {
  MediaLab lab(kDtls, kDtls);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->replace(Side::kCallee, options_of(1, tests::dtls_required()), lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_TRUE(lab.media->flowing());
}

TEST(MediaReplace, WhereCodecsAreConvertedTheNextPartysAreNotKnownYet) {
  sip::SecurityPolicy converts;
  converts.codecs.transcode = true;
  MediaLab lab(kPlain, kPlain, {converts, converts});
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->replace(Side::kCallee, options_of(1, converts), lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.transcode.pairs, 0);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_TRUE(lab.media->flowing());
}

proto::settings::Settings with_common_ports() {
  proto::settings::Settings settings = tests::media_settings();
  settings.networks[1].port_first = settings.networks[0].port_first;
  settings.networks[1].port_last = settings.networks[0].port_last;
  return settings;
}

TEST(MediaReplace, ALegOfTwoNetworksHasPortsOnBothAndGivesThemBack) {
  MediaLab lab(kPlain, kPlain, false, with_common_ports());
  MediaLegOptions both = options_of(1, {});
  both.also_network = 0;
  ASSERT_TRUE(lab.media->replace(Side::kCallee, both, lab.now_ns).ok());
  EXPECT_EQ(lab.engine->ports().in_use(0), 2u);
  EXPECT_EQ(lab.engine->ports().in_use(1), 1u);
  EXPECT_EQ(lab.media->local_ice(Side::kCallee, nullptr, lab.now_ns).candidates.size(), 4u);
  lab.media->close(lab.now_ns);
  EXPECT_EQ(lab.engine->ports().in_use(0), 0u);
  EXPECT_EQ(lab.engine->ports().in_use(1), 0u);
}

TEST(MediaReplace, WhereNoPairIsFreeOnBothOneNetworkHasToDo) {
  MediaLab lab(kPlain, kPlain, false, with_common_ports());
  while (lab.engine->ports().take(0, 0, lab.now_ns).ok()) {
  }
  const std::uint32_t taken = lab.engine->ports().in_use(0);
  MediaLegOptions both = options_of(1, {});
  both.also_network = 0;
  ASSERT_TRUE(lab.media->replace(Side::kCallee, both, lab.now_ns).ok());
  EXPECT_EQ(lab.media->local_ice(Side::kCallee, nullptr, lab.now_ns).candidates.size(), 2u);
  lab.media->close(lab.now_ns);
  EXPECT_EQ(lab.engine->ports().in_use(0), taken - 1) << "the caller's";
}

TEST(MediaReplace, WithoutAPortLeftNothingChanges) {
  MediaLab lab(kPlain, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  while (lab.engine->ports().take(1, 0, lab.now_ns).ok()) {
  }
  const std::uint64_t commands = lab.worker.commands();
  EXPECT_FALSE(lab.media->replace(Side::kCallee, options_of(1, {}), lab.now_ns).ok());
  lab.settle();
  EXPECT_TRUE(lab.media->flowing());
  EXPECT_EQ(lab.worker.commands(), commands);
}

}  // namespace
}  // namespace weir::controlplane
