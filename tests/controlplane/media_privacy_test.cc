// Legs whose party must not know ours, or the other side, again: a certificate of their own, and sources that have
// other names in every call. RFC 3323, RFC 7022 section 4.2, RFC 8122 section 5.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "controlplane/certificate.h"
#include "controlplane/media.h"
#include "proto/source_disguise.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using tests::FakeWorker;
using tests::MediaLab;
using tests::Party;

constexpr Party kPlain{};
constexpr Party kDtls{.secured = true, .rtcp_mux = true};
constexpr Party kDtlsServer{.secured = true, .rtcp_mux = true, .is_dtls_client = false};

const MediaLab::Adjust kAnonymousToCallee = [](std::array<MediaLegOptions, 2>& options) {
  options[1].fresh_certificate = true;
  options[1].unlinkable = true;
};

void let_flow(MediaLab& lab) {
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
}

TEST(MediaPrivacy, AFreshCertificateIsWhatTheDescriptionNamesAndThePartySees) {
  for (const Party& callee : {kDtls, kDtlsServer}) {
    MediaLab lab(kDtls, callee, kAnonymousToCallee);
    let_flow(lab);
    const auto said = lab.media->fingerprints(Side::kCallee);
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(lab.peer(Side::kCallee).seen_fingerprint(), said.front());
    EXPECT_NE(said.front(), lab.engine->fingerprint());
    EXPECT_EQ(lab.media->fingerprints(Side::kCaller), std::vector{lab.engine->fingerprint()});
    EXPECT_EQ(lab.peer(Side::kCaller).seen_fingerprint(), lab.engine->fingerprint());
  }
}

TEST(MediaPrivacy, TwoAnonymousCallsHaveNoCertificateTlsIdOrIceCredentialsInCommon) {
  MediaLab lab(kPlain, kDtls, kAnonymousToCallee);
  std::array<MediaLegOptions, 2> options;
  options[1].network = 1;
  options[1].security = tests::dtls_required();
  options[1].security.ice = true;
  kAnonymousToCallee(options);
  std::set<std::string> seen;
  for (int call = 0; call < 5; ++call) {
    auto media = lab.engine->create_media(
        options[0], options[1], [](const MediaEvent&) {}, lab.now_ns);
    ASSERT_TRUE(media.ok());
    seen.insert(sip::write_fingerprint((*media)->fingerprints(Side::kCallee).front()));
    seen.insert((*media)->local_section(Side::kCallee, false).tls_id);
    const sip::LocalIce ice = (*media)->local_ice(Side::kCallee, nullptr, lab.now_ns);
    seen.insert(ice.credentials.ufrag);
    seen.insert(ice.credentials.password);
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(MediaPrivacy, ANewAssociationOfTheLegStillHasItsOwnCertificate) {
  MediaLab lab(kPlain, kDtls, kAnonymousToCallee);
  let_flow(lab);
  const auto before = lab.media->fingerprints(Side::kCallee);
  lab.renew_peer(Side::kCallee);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  EXPECT_EQ(lab.peer(Side::kCallee).seen_fingerprint(), before.front());
}

TEST(MediaPrivacy, APartyThatTakesAnothersPlaceGetsACertificateOfItsOwnToo) {
  MediaLab lab(kPlain, kDtls, kAnonymousToCallee);
  let_flow(lab);
  const auto before = lab.media->fingerprints(Side::kCallee);
  MediaLegOptions options;
  options.network = 1;
  options.security = tests::dtls_required();
  options.fresh_certificate = true;
  ASSERT_TRUE(lab.media->replace(Side::kCallee, options, lab.now_ns).ok());
  EXPECT_NE(lab.media->fingerprints(Side::kCallee), before);
  EXPECT_NE(lab.media->fingerprints(Side::kCallee).front(), lab.engine->fingerprint());
}

TEST(MediaPrivacy, APartyThatStaysGetsAnotherCertificateWithItsNextDescription) {
  MediaLab lab(kPlain, kDtls);
  let_flow(lab);
  const std::string tls_id = lab.media->local_section(Side::kCallee, false).tls_id;
  MediaLegOptions comer;
  ASSERT_TRUE(lab.media->replace(Side::kCaller, comer, lab.now_ns).ok());
  ASSERT_TRUE(lab.media->make_unlinkable(Side::kCallee, lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing()) << "under the keys there are";
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.rewrite.strips_extensions, proto::kHidesSources);
  EXPECT_EQ(lab.flow(Side::kCallee)->spec.rewrite.strips_extensions, proto::kFindsSources);
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 0u);

  const auto said = lab.media->fingerprints(Side::kCallee);
  EXPECT_NE(said.front(), lab.engine->fingerprint());
  EXPECT_NE(lab.media->local_section(Side::kCallee, false).tls_id, tls_id);
  lab.renew_peer(Side::kCallee);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_EQ(lab.count(MediaEvent::Kind::kKeysRenewed), 1u);
  EXPECT_EQ(lab.peer(Side::kCallee).seen_fingerprint(), said.front());
}

TEST(MediaPrivacy, APortThatListensForNobodyYetAnswersWithTheOtherCertificateToo) {
  const MediaLab::Adjust listening = [](std::array<MediaLegOptions, 2>& options) {
    options[1].listens_early = true;
    options[1].security = {};
  };
  MediaLab lab(kPlain, {.rtcp_mux = true}, listening);
  let_flow(lab);
  MediaLegOptions comer;
  ASSERT_TRUE(lab.media->replace(Side::kCaller, comer, lab.now_ns).ok());
  ASSERT_TRUE(lab.media->make_unlinkable(Side::kCallee, lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  lab.renew_peer(Side::kCallee);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.worker.run();  // nothing clear leaves any more
  lab.settle();
  EXPECT_EQ(lab.peer(Side::kCallee).seen_fingerprint(), lab.media->fingerprints(Side::kCallee).front());
  EXPECT_NE(lab.peer(Side::kCallee).seen_fingerprint(), lab.engine->fingerprint());
}

TEST(MediaPrivacy, TowardsAnUnlinkableLegSourcesAreHiddenAndFromItFoundAgain) {
  MediaLab lab(kDtls, kDtls, kAnonymousToCallee);
  let_flow(lab);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.rewrite.strips_extensions & proto::kHidesSources, proto::kHidesSources);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.rewrite.strips_extensions & proto::kFindsSources, 0);
  EXPECT_EQ(lab.flow(Side::kCallee)->spec.rewrite.strips_extensions & proto::kFindsSources, proto::kFindsSources);
  EXPECT_EQ(lab.flow(Side::kCallee)->spec.rewrite.strips_extensions & proto::kHidesSources, 0);
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.cookie, lab.flow(Side::kCallee)->spec.cookie) << "one secret for both ways";
}

TEST(MediaPrivacy, WhoIsAskedForAPictureLearnsTheSourceByItsHiddenName) {
  MediaLab lab(kPlain, kPlain, kAnonymousToCallee);
  for (const Side side : kSides) {
    RemoteMedia remote = lab.remote(side);
    remote.terms.understands = proto::kFeedbackPli;
    ASSERT_TRUE(lab.media->set_remote(side, remote, lab.now_ns).ok());
  }
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  constexpr std::uint32_t kCallers = 0x12345678;
  lab.worker.heard(lab.flow(Side::kCaller)->id, lab.now_ns, kCallers);
  lab.worker.heard(lab.flow(Side::kCallee)->id, lab.now_ns, 0x22222222);
  lab.media->ask_for_picture(Side::kCallee, {});
  lab.worker.run();
  ASSERT_FALSE(lab.worker.sent().empty());
  const FakeWorker::Sent& asked = lab.worker.sent().back();
  ASSERT_EQ(asked.kind, proto::InjectKind::kPictureRequest);
  proto::PictureRequest request{};
  std::memcpy(&request, asked.bytes.data(), std::min(sizeof request, asked.bytes.size()));
  EXPECT_NE(request.sender, kCallers);
  EXPECT_EQ(request.sender, proto::SourceDisguise(lab.flow(Side::kCaller)->spec.cookie).hide(kCallers));
  EXPECT_EQ(request.source[0], 0x22222222u) << "its own, as it knows it";
}

TEST(MediaPrivacy, StreamsHaveSecretsThatFollowFromNothing) {
  MediaLab lab(kPlain, kPlain, kAnonymousToCallee);
  MediaLab other(kPlain, kPlain, kAnonymousToCallee);
  let_flow(lab);
  let_flow(other);
  const std::uint64_t difference = lab.flow(Side::kCaller)->spec.cookie - other.flow(Side::kCaller)->spec.cookie;
  EXPECT_GT(std::min(difference, ~difference), std::uint64_t{1} << 32);
}

TEST(MediaPrivacy, EveryHashThatIsOfferedNamesTheSameCertificate) {
  const MediaLab::Adjust two_hashes = [](std::array<MediaLegOptions, 2>& options) {
    options[1].security.fingerprints_offered =
        sip::FingerprintHashes(std::array{sip::FingerprintHash::kSha512, sip::FingerprintHash::kSha256});
  };
  MediaLab lab(kPlain, kDtls, two_hashes);
  const auto said = lab.media->fingerprints(Side::kCallee);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].hash, sip::FingerprintHash::kSha512);
  EXPECT_EQ(said[1], lab.engine->fingerprint());
  EXPECT_EQ(said[0], fingerprint_of(*lab.engine->dtls().certificate().x509(), sip::FingerprintHash::kSha512));
  let_flow(lab);
}

}  // namespace
}  // namespace weir::controlplane
