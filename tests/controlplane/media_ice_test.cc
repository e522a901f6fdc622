// A stream with a leg that speaks ICE: media goes where weir-media says that its party's checks come from.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using tests::MediaLab;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
const proto::Endpoint kChosen{.address = proto::IpAddress::from_ipv4(0xc6120142), .port = 40000};

/// The caller is a browser: DTLS on one port, and ICE.
class MediaIce : public testing::Test {
 protected:
  explicit MediaIce(bool is_dtls_client = true)
      : lab_({.secured = true, .rtcp_mux = true, .is_dtls_client = is_dtls_client}, {},
             {speaks_ice(), sip::SecurityPolicy{}}) {
    remote_ = lab_.remote(Side::kCaller);
    remote_.rtp = {};  // c=0.0.0.0, port 9
    remote_.ice.emplace();
    remote_.ice->credentials = {.ufrag = "abcd", .password = "abcdefghijklmnopqrstuv"};
    offered_ = lab_.media->local_ice(Side::kCaller, &*remote_.ice, lab_.now_ns);
    EXPECT_TRUE(lab_.answer(Side::kCallee).ok());
    EXPECT_TRUE(lab_.media->set_remote(Side::kCaller, remote_, lab_.now_ns).ok());
    if (is_dtls_client) lab_.begin_dtls(Side::kCaller);
    lab_.settle();
  }
  static sip::SecurityPolicy speaks_ice() {
    sip::SecurityPolicy policy = tests::dtls_required();
    policy.ice = true;
    return policy;
  }
  void nominate(const proto::Endpoint& source) { tell(proto::EventKind::kIceNominated, source); }
  void tell(proto::EventKind kind, const proto::Endpoint& source) {
    lab_.worker.event(lab_.flow(Side::kCaller)->id, kind, source);
    lab_.settle();
  }
  [[nodiscard]] proto::Endpoint exit() const { return lab_.flow(Side::kCallee)->spec.rtp.peer; }

  MediaLab lab_;
  RemoteMedia remote_;
  sip::LocalIce offered_;
};

/// The browser is the DTLS server: it has answered actively, or offered actpass.
class MediaIceAsDtlsClient : public MediaIce {
 protected:
  MediaIceAsDtlsClient() : MediaIce(false) {}
};

TEST_F(MediaIceAsDtlsClient, TheHandshakeBeginsWithTheFirstCheckAndMediaWithTheChoice) {
  EXPECT_FALSE(lab_.media->flowing());
  tell(proto::EventKind::kIceChecked, MediaLab::place(Side::kCaller));
  EXPECT_TRUE(lab_.media->flowing());
  EXPECT_EQ(exit().port, 0);
  nominate(MediaLab::place(Side::kCaller));
  EXPECT_EQ(exit(), MediaLab::place(Side::kCaller));
}

TEST_F(MediaIceAsDtlsClient, TheHandshakeFollowsTheChoice) {
  tell(proto::EventKind::kIceChecked, kChosen);  // where nobody answers the ClientHello
  EXPECT_FALSE(lab_.media->flowing());
  nominate(MediaLab::place(Side::kCaller));
  // It is said again, by OpenSSL's own clock.
  for (int i = 0; i < 400 && !lab_.media->flowing(); ++i) {
    usleep(5000);
    lab_.settle();
  }
  EXPECT_TRUE(lab_.media->flowing());
}

TEST_F(MediaIce, NothingIsSentBeforeAPairIsChosenAndThenThere) {
  ASSERT_TRUE(lab_.media->flowing());
  const proto::FlowSpec& spec = lab_.flow(Side::kCaller)->spec;
  EXPECT_EQ(spec.source_policy, proto::SourcePolicy::kIce);
  EXPECT_EQ(std::string(spec.ice[0].ufrag.begin(), spec.ice[0].ufrag.begin() + spec.ice[0].ufrag_bytes),
            offered_.credentials.ufrag);
  EXPECT_EQ(exit().port, 0) << "whatever the SDP says";
  nominate(kChosen);
  EXPECT_EQ(exit(), kChosen);
  EXPECT_EQ(lab_.last(MediaEvent::Kind::kSourceLearned).source, kChosen);
}

TEST_F(MediaIce, ALaterDescriptionKeepsThePairAndARestartKeepsItUntilTheNext) {
  nominate(kChosen);
  ASSERT_TRUE(lab_.media->set_remote(Side::kCaller, remote_, lab_.now_ns).ok());
  lab_.settle();
  EXPECT_EQ(exit(), kChosen);
  remote_.ice->credentials = {.ufrag = "wxyz", .password = "vutsrqponmlkjihgfedcba"};
  const sip::LocalIce next = lab_.media->local_ice(Side::kCaller, &*remote_.ice, lab_.now_ns);
  EXPECT_NE(next.credentials, offered_.credentials);
  ASSERT_TRUE(lab_.media->set_remote(Side::kCaller, remote_, lab_.now_ns).ok());
  lab_.settle();
  EXPECT_EQ(exit(), kChosen);
  EXPECT_NE(lab_.flow(Side::kCaller)->spec.ice[1].ufrag_bytes, 0) << "checks of both are answered";
  EXPECT_EQ(lab_.count(MediaEvent::Kind::kSecured), 1u) << "one handshake";
}

TEST_F(MediaIce, APairChosenBeforeItsPartyHasAnsweredStands) {
  nominate(kChosen);
  remote_.dialog = 2;
  ASSERT_TRUE(lab_.media->set_remote(Side::kCaller, remote_, lab_.now_ns).ok());
  EXPECT_EQ(lab_.last(MediaEvent::Kind::kSourceLearned).source, kChosen);
  nominate(kChosen);
  EXPECT_EQ(lab_.count(MediaEvent::Kind::kSourceLearned), 1u) << "it was not forgotten";
}

TEST_F(MediaIce, WhoChecksNoMoreButIsHeardHasNotGone) {
  nominate(kChosen);
  const proto::FlowId flow = lab_.flow(Side::kCaller)->id;
  lab_.now_ns += 31 * kSecondNs;
  lab_.worker.heard(flow, lab_.now_ns - kSecondNs);
  lab_.worker.event(flow, proto::EventKind::kConsentLost);
  lab_.settle();
  EXPECT_TRUE(lab_.media->flowing());
}

TEST_F(MediaIce, WhoIsNeitherHeardNorChecksHasGone) {
  nominate(kChosen);
  lab_.now_ns += 31 * kSecondNs;
  lab_.worker.event(lab_.flow(Side::kCaller)->id, proto::EventKind::kConsentLost);
  lab_.settle();
  EXPECT_TRUE(lab_.media->failed());
}

}  // namespace
}  // namespace weir::controlplane
