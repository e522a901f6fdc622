// Streams: what is installed in weir-media, when, and what never is.
#include "controlplane/media.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controlplane/srtp_keys.h"
#include "tests/support/media_lab.h"

namespace weir::controlplane {
namespace {

using tests::FakeWorker;
using tests::MediaLab;
using tests::Party;

constexpr std::array kSides = {Side::kCaller, Side::kCallee};

// The role matrix: who is secured, who is DTLS client, who has rtcp-mux.

struct MatrixRow {
  Party caller;
  Party callee;
};

std::string describe(const Party& party) {
  if (!party.secured) return party.rtcp_mux ? "RtpMux" : "Rtp";
  return std::string("Dtls") + (party.is_dtls_client ? "Active" : "Passive") + (party.rtcp_mux ? "Mux" : "");
}

class MediaMatrix : public testing::TestWithParam<MatrixRow> {
 protected:
  MediaLab lab_{GetParam().caller, GetParam().callee};

  /// The session keys that a party's own exporter gives, for what it sends or receives on one component.
  proto::SessionKeys keys_of(Side side, std::size_t component, bool it_sends) {
    const std::size_t carrier = lab_.party(side).rtcp_mux ? 0 : component;
    const proto::SrtpProfile profile = lab_.media->secured(side).profile;
    const MasterKeyPair pair = split_exporter(profile, lab_.peer(side, carrier).exporter(exporter_bytes(profile)));
    const bool client_write = lab_.party(side).is_dtls_client == it_sends;
    const MasterKey& master = client_write ? *pair.client_write : *pair.server_write;
    return component == 0 ? *derive_rtp_keys(profile, master) : *derive_rtcp_keys(profile, master);
  }

  void expect_keys(Side side, bool it_sends, const proto::TransformSpec& transform) {
    if (!lab_.party(side).secured) {
      EXPECT_EQ(transform.profile, proto::SrtpProfile::kNone);
      return;
    }
    EXPECT_EQ(transform.profile, lab_.media->secured(side).profile);
    for (std::size_t component = 0; component < 2; ++component) {
      const proto::SessionKeys wanted = keys_of(side, component, it_sends);
      const proto::SessionKeys& found = component == 0 ? transform.rtp : transform.rtcp;
      EXPECT_EQ(found.encryption, wanted.encryption);
      EXPECT_EQ(found.authentication, wanted.authentication);
      EXPECT_EQ(found.salt, wanted.salt);
    }
  }

  void expect_exit(Side to, std::size_t component, const proto::Exit& exit) {
    const std::size_t carrier = lab_.party(to).rtcp_mux ? 0 : component;
    EXPECT_EQ(exit.peer, MediaLab::place(to, carrier));
    EXPECT_EQ(exit.local_port, lab_.local_port(to, carrier));
    EXPECT_EQ(exit.network, static_cast<std::uint8_t>(to));
  }

  void expect_flow(Side from, std::size_t component) {
    const FakeWorker::Flow* flow = lab_.flow(from, component);
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->state, proto::FlowState::kInstalled);
    const proto::FlowSpec& spec = flow->spec;
    const Party& party = lab_.party(from);
    const bool rtcp = component == 1 || party.rtcp_mux;
    EXPECT_EQ(spec.accepts, (component == 0 ? proto::kAcceptRtp : 0) | (rtcp ? proto::kAcceptRtcp : 0));
    EXPECT_EQ(spec.punts, party.secured ? proto::kPuntDtls : 0);
    EXPECT_EQ(spec.network, static_cast<std::uint8_t>(from));
    EXPECT_EQ(spec.peer, MediaLab::place(from, component));
    EXPECT_EQ(spec.source_policy, party.secured ? proto::SourcePolicy::kLatch : proto::SourcePolicy::kSignalled);
    if (component == 0) expect_exit(opposite(from), 0, spec.rtp);
    if (component == 1) {
      EXPECT_EQ(spec.rtp.peer.port, 0);
    }
    if (rtcp) expect_exit(opposite(from), 1, spec.rtcp);
    if (!rtcp) {
      EXPECT_EQ(spec.rtcp.peer.port, 0);
    }
    expect_keys(from, true, spec.receive);
    expect_keys(opposite(from), false, spec.send);
  }
};

TEST_P(MediaMatrix, AStreamFlowsBothWaysWithTheRightKeysAndExits) {
  for (const Side side : kSides) {
    EXPECT_EQ(lab_.media->local_rtp(side).port % 2, 0);
    EXPECT_EQ(lab_.media->local_rtcp(side).port, lab_.media->local_rtp(side).port + 1);
    EXPECT_EQ(lab_.worker.installed(), 0u);
    ASSERT_TRUE(lab_.answer(side).ok());
    lab_.settle();
  }
  ASSERT_FALSE(lab_.saw(MediaEvent::Kind::kFailed)) << lab_.last(MediaEvent::Kind::kFailed).reason;
  ASSERT_TRUE(lab_.media->flowing());
  EXPECT_EQ(lab_.count(MediaEvent::Kind::kFlowing), 1u);
  std::size_t secured_legs = 0;
  std::size_t flows = 0;
  for (const Side side : kSides) {
    secured_legs += lab_.party(side).secured ? 1 : 0;
    for (std::size_t component = 0; component < (lab_.party(side).rtcp_mux ? 1u : 2u); ++component) {
      expect_flow(side, component);
      ++flows;
    }
  }
  EXPECT_EQ(lab_.count(MediaEvent::Kind::kSecured), secured_legs);
  EXPECT_EQ(lab_.worker.flows(), flows);

  lab_.media->close(lab_.now_ns);
  lab_.settle();
  EXPECT_EQ(lab_.worker.flows(), 0u);
  EXPECT_EQ(lab_.engine->ports().in_use(0), 0u);
  EXPECT_EQ(lab_.engine->ports().in_use(1), 0u);
}

std::vector<MatrixRow> matrix() {
  std::vector<Party> parties;
  for (const bool mux : {false, true}) {
    parties.push_back({.secured = false, .rtcp_mux = mux});
    for (const bool client : {false, true}) {
      parties.push_back({.secured = true, .rtcp_mux = mux, .is_dtls_client = client});
    }
  }
  std::vector<MatrixRow> rows;
  for (const Party& caller : parties) {
    for (const Party& callee : parties) rows.push_back({caller, callee});
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Roles, MediaMatrix, testing::ValuesIn(matrix()), [](const auto& row) {
  return describe(row.param.caller) + "To" + describe(row.param.callee);
});

// The calls of most of what follows: a secured caller, a plain callee.

constexpr Party kSecured{.secured = true, .rtcp_mux = true};
constexpr Party kPlain{};

TEST(Media, SecuredLegsSayHow) {
  MediaLab lab(kSecured, kPlain);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  const MediaEvent& event = lab.last(MediaEvent::Kind::kSecured);
  EXPECT_EQ(event.side, Side::kCaller);
  EXPECT_EQ(event.secured.version, "DTLSv1.2");
  EXPECT_NE(event.secured.cipher_suite.find("ECDHE"), std::string::npos);
  EXPECT_EQ(event.secured.role, sip::DtlsRole::kServer);
  EXPECT_EQ(event.secured.short_authentication, lab.peer(Side::kCaller).short_authentication());
  EXPECT_EQ(event.secured.fingerprint, sip::write_fingerprint(lab.peer(Side::kCaller).fingerprint()));
  EXPECT_EQ(event.secured.verdict, "matches the SDP (sha-256)");
  EXPECT_EQ(event.secured.peer, MediaLab::place(Side::kCaller));
}

TEST(Media, NothingIsInstalledBeforeBothLegsAreKnown) {
  MediaLab lab(kSecured, kPlain);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  EXPECT_TRUE(lab.saw(MediaEvent::Kind::kSecured));
  EXPECT_EQ(lab.worker.installed(), 0u);
  EXPECT_EQ(lab.worker.flows(), 1u);  // open for DTLS
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_EQ(lab.worker.installed(), 3u);
}

TEST(Media, ACertificateThatDoesNotMatchInstallsNothingAndEndsTheStream) {
  for (const bool client : {true, false}) {
    MediaLab lab({.secured = true, .is_dtls_client = client, .wrong_fingerprint = true}, kPlain);
    ASSERT_TRUE(lab.answer(Side::kCallee).ok());
    ASSERT_TRUE(lab.answer(Side::kCaller).ok());
    lab.settle();
    EXPECT_FALSE(lab.saw(MediaEvent::Kind::kSecured));
    ASSERT_EQ(lab.count(MediaEvent::Kind::kFailed), 1u);
    EXPECT_EQ(lab.last(MediaEvent::Kind::kFailed).side, Side::kCaller);
    EXPECT_EQ(lab.last(MediaEvent::Kind::kFailed).reason, "the peer's certificate does not match the SDP (sha-256)");
    EXPECT_EQ(lab.worker.flows(), 0u);
    EXPECT_TRUE(lab.media->failed());
    EXPECT_FALSE(lab.media->set_remote(Side::kCallee, lab.remote(Side::kCallee), lab.now_ns).ok());
  }
}

TEST(Media, ASecuredLegWithoutFingerprintIsRefused) {
  MediaLab lab(kSecured, kPlain);
  RemoteMedia remote = lab.remote(Side::kCaller);
  remote.fingerprints.clear();
  EXPECT_EQ(lab.media->set_remote(Side::kCaller, remote, lab.now_ns).error(), "the SDP has no usable fingerprint");
  lab.settle();
  EXPECT_EQ(lab.worker.flows(), 0u);
}

TEST(Media, AHandshakeThatNeverComesFailsTheStream) {
  MediaLab lab(kSecured, kPlain);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  lab.now_ns += 11'000'000'000;
  lab.settle();
  ASSERT_EQ(lab.count(MediaEvent::Kind::kFailed), 1u);
  EXPECT_EQ(lab.last(MediaEvent::Kind::kFailed).reason, "no DTLS handshake within 10 s");
  EXPECT_EQ(lab.worker.flows(), 0u);
}

TEST(Media, AClientHelloMayOvertakeTheAnswer) {
  MediaLab lab(kPlain, kSecured, true);
  ASSERT_TRUE(lab.answer(Side::kCaller).ok());
  lab.settle();
  lab.begin_dtls(Side::kCallee);
  lab.settle();
  EXPECT_TRUE(lab.peer(Side::kCallee).connected());
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kSecured));
  EXPECT_EQ(lab.worker.installed(), 0u);
  ASSERT_TRUE(lab.media->set_remote(Side::kCallee, lab.remote(Side::kCallee), lab.now_ns).ok());
  lab.settle();
  EXPECT_TRUE(lab.media->flowing());
}

TEST(Media, ARefusedCommandFailsTheStreamWithItsReason) {
  for (const proto::CommandKind kind : {proto::CommandKind::kOpen, proto::CommandKind::kInstall}) {
    MediaLab lab(kSecured, kPlain);
    lab.worker.refuse(kind);
    ASSERT_TRUE(lab.answer(Side::kCaller).ok());
    ASSERT_TRUE(lab.answer(Side::kCallee).ok());
    lab.settle();
    ASSERT_EQ(lab.count(MediaEvent::Kind::kFailed), 1u);
    EXPECT_NE(lab.last(MediaEvent::Kind::kFailed).reason.find("weir-media refused"), std::string::npos);
    EXPECT_EQ(lab.worker.flows(), 0u);
  }
}

TEST(Media, AnAddressThatMovesMovesTheExitsOfTheOtherLegsFlows) {
  MediaLab lab(kPlain, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  RemoteMedia moved = lab.remote(Side::kCallee);
  moved.rtp.port = 7000;
  moved.rtcp.port = 7001;
  ASSERT_TRUE(lab.media->set_remote(Side::kCallee, moved, lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCaller, 0)->spec.rtp.peer.port, 7000);
  EXPECT_EQ(lab.flow(Side::kCaller, 1)->spec.rtcp.peer.port, 7001);
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.peer.port, 7000);
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, MediaLab::place(Side::kCaller));
  EXPECT_EQ(lab.worker.installed(), 4u);
}

TEST(Media, HoldStopsWhatIsSentToTheHoldingParty) {
  MediaLab lab(kSecured, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  RemoteMedia held = lab.remote(Side::kCaller);
  held.rtp.address = proto::IpAddress::from_ipv4(0);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, held, lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer.port, 0);
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, MediaLab::place(Side::kCaller));
}

TEST(Media, RtcpMuxDoesNotChangeWhileMediaFlows) {
  MediaLab lab(kSecured, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const std::uint64_t commands = lab.worker.commands();
  RemoteMedia changed = lab.remote(Side::kCaller);
  changed.rtcp_mux = false;
  EXPECT_FALSE(lab.media->set_remote(Side::kCaller, changed, lab.now_ns).ok());
  lab.settle();
  EXPECT_TRUE(lab.media->flowing());
  EXPECT_EQ(lab.worker.commands(), commands);
}

TEST(Media, AnAuthenticatedSourceMovesTheExitsTowardsItAndOnlyOnce) {
  MediaLab lab(kSecured, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const proto::Endpoint behind_nat{.address = proto::IpAddress::from_ipv4(0xc6120142), .port = 40000};
  const proto::FlowId flow = lab.flow(Side::kCaller)->id;
  lab.worker.event(flow, proto::EventKind::kSourceLearned, behind_nat);
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, behind_nat);
  EXPECT_EQ(lab.flow(Side::kCallee, 1)->spec.rtcp.peer, behind_nat);
  EXPECT_EQ(lab.last(MediaEvent::Kind::kSourceLearned).source, behind_nat);
  const std::uint64_t commands = lab.worker.commands();
  lab.worker.event(flow, proto::EventKind::kSourceLearned, behind_nat);
  lab.settle();
  EXPECT_EQ(lab.worker.commands(), commands) << "a flow that latches again says it again: no endless exchange";
}

TEST(Media, APlainSourceElsewhereMovesNothing) {
  MediaLab lab(kPlain, kPlain);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const std::uint64_t commands = lab.worker.commands();
  lab.worker.event(lab.flow(Side::kCaller)->id, proto::EventKind::kSourceLearned,
                   {.address = proto::IpAddress::from_ipv4(0xc6120199), .port = 5000});
  lab.settle();
  EXPECT_EQ(lab.worker.commands(), commands);
  EXPECT_FALSE(lab.saw(MediaEvent::Kind::kSourceLearned));
}

TEST(Media, APlainLegLatchesAsFarAsTheSettingsSay) {
  proto::settings::Settings settings = tests::media_settings();
  settings.control.plain_latch_ms = 4000;
  settings.control.plain_latch_prefix_bits = 24;
  MediaLab lab(kPlain, kSecured, false, settings);
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const proto::FlowSpec& plain = lab.flow(Side::kCaller)->spec;
  EXPECT_EQ(plain.source_policy, proto::SourcePolicy::kLatch);
  EXPECT_EQ(plain.latch_window_ms, 4000u);
  EXPECT_EQ(plain.latch_prefix_bits, 24);
  const proto::FlowSpec& secured = lab.flow(Side::kCallee)->spec;
  EXPECT_EQ(secured.latch_window_ms, 0u) << "there only an authenticated packet latches";
  EXPECT_EQ(secured.latch_prefix_bits, 0);
  const proto::Endpoint said = MediaLab::place(Side::kCaller);
  const auto learn = [&](std::uint32_t address) {
    lab.worker.event(lab.flow(Side::kCaller)->id, proto::EventKind::kSourceLearned,
                     {.address = proto::IpAddress::from_ipv4(address), .port = 5000});
    lab.settle();
    return lab.flow(Side::kCallee)->spec.rtp.peer.address.ipv4() == address;
  };
  EXPECT_FALSE(learn(said.address.ipv4() ^ 0x100)) << "another network";
  EXPECT_TRUE(learn(said.address.ipv4() ^ 0x40));
}

TEST(Media, APlainLegThatBeginsOnHoldLatchesUnderTheMaskOfItsFamily) {
  proto::settings::Settings settings = tests::media_settings();
  settings.networks[0].address = proto::parse_ip_address("2001:2::1").value();
  settings.control.plain_latch_ms = 4000;
  MediaLab lab(kPlain, kSecured, false, settings);
  RemoteMedia on_hold = lab.remote(Side::kCaller);
  on_hold.rtp = on_hold.rtcp = {};
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, on_hold, lab.now_ns).ok());
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  EXPECT_EQ(lab.flow(Side::kCaller)->spec.latch_prefix_bits, 128);
}

TEST(Media, ThePlaceOfTheHandshakeIsWhereMediaGoes) {
  MediaLab lab(kSecured, kPlain);
  RemoteMedia behind_nat = lab.remote(Side::kCaller);
  behind_nat.rtp = {.address = proto::IpAddress::from_ipv4(0xc6130001), .port = 4000};  // what it thinks it is
  ASSERT_TRUE(lab.media->set_remote(Side::kCaller, behind_nat, lab.now_ns).ok());
  lab.begin_dtls(Side::kCaller);
  ASSERT_TRUE(lab.answer(Side::kCallee).ok());
  lab.settle();
  ASSERT_TRUE(lab.media->flowing());
  EXPECT_EQ(lab.flow(Side::kCallee, 0)->spec.rtp.peer, MediaLab::place(Side::kCaller));
  EXPECT_EQ(lab.flow(Side::kCaller, 0)->spec.peer, MediaLab::place(Side::kCaller));
}

/// A stream of two plain legs that flows since `flowing_ns`, and its caller's and callee's RTP flow.
class MediaSilence : public testing::Test {
 protected:
  MediaSilence() {
    for (const Side side : kSides) EXPECT_TRUE(lab_.answer(side).ok());
    lab_.settle();
    flowing_ns_ = lab_.now_ns;
    caller_ = lab_.flow(Side::kCaller)->id;
    callee_ = lab_.flow(Side::kCallee)->id;
  }
  void settle_at(std::uint64_t seconds) {
    lab_.now_ns = flowing_ns_ + seconds * 1'000'000'000;
    lab_.settle();
  }
  std::size_t timeouts() const { return lab_.count(MediaEvent::Kind::kTimeout); }

  MediaLab lab_{kPlain, kPlain};
  std::uint64_t flowing_ns_ = 0;
  proto::FlowId caller_{};
  proto::FlowId callee_{};
};

TEST_F(MediaSilence, IsATimeoutWhenEveryFlowIsSilentAndNotBefore) {
  settle_at(31);
  lab_.worker.heard(callee_, flowing_ns_ + 20'000'000'000);
  lab_.worker.event(caller_, proto::EventKind::kMediaTimeout);
  settle_at(32);
  settle_at(52);
  EXPECT_EQ(timeouts(), 0u) << "the callee's flow has not said anything yet";
  lab_.worker.event(callee_, proto::EventKind::kMediaTimeout);
  settle_at(53);
  EXPECT_EQ(timeouts(), 1u);
  settle_at(90);
  EXPECT_EQ(timeouts(), 1u);
}

TEST_F(MediaSilence, IsNoTimeoutWhileAPartyHoldsAndOneSomeTimeAfterItComesBack) {
  RemoteMedia held = lab_.remote(Side::kCallee);
  held.on_hold = true;
  ASSERT_TRUE(lab_.media->set_remote(Side::kCallee, held, lab_.now_ns).ok());
  settle_at(31);
  for (const proto::FlowId flow : {caller_, callee_}) lab_.worker.event(flow, proto::EventKind::kMediaTimeout);
  settle_at(32);
  settle_at(100);
  EXPECT_EQ(timeouts(), 0u);
  ASSERT_TRUE(lab_.media->set_remote(Side::kCallee, lab_.remote(Side::kCallee), lab_.now_ns).ok());
  settle_at(129);
  EXPECT_EQ(timeouts(), 0u);
  settle_at(131);
  EXPECT_EQ(timeouts(), 1u);
}

TEST(Media, PayloadTypesAreRenumberedPerDirection) {
  MediaLab lab(kPlain, kPlain);
  lab.media->set_rewrite({.from_caller = {{.from = 96, .to = 111}}, .from_callee = {{.from = 111, .to = 96}}});
  for (const Side side : kSides) ASSERT_TRUE(lab.answer(side).ok());
  lab.settle();
  const proto::RewriteSpec& towards_callee = lab.flow(Side::kCaller)->spec.rewrite;
  ASSERT_EQ(towards_callee.payload_types, 1);
  EXPECT_EQ(towards_callee.payload_type_map[0].from, 96);
  EXPECT_EQ(towards_callee.payload_type_map[0].to, 111);
  EXPECT_EQ(lab.flow(Side::kCallee)->spec.rewrite.payload_type_map[0].from, 111);
}

TEST(Media, AStreamDestroyedAtAnyMomentLeavesNothing) {
  for (int moment = 0; moment < 6; ++moment) {
    MediaLab lab(kSecured, {.secured = true, .is_dtls_client = false});
    if (moment > 0) {
      ASSERT_TRUE(lab.answer(Side::kCaller).ok());
    }
    if (moment > 1) lab.worker.run();
    if (moment > 2) lab.settle();
    if (moment > 3) {
      ASSERT_TRUE(lab.answer(Side::kCallee).ok());
    }
    if (moment > 4) lab.settle();
    lab.media.reset();
    for (int i = 0; i < 5; ++i) {
      lab.worker.run();
      lab.engine->poll(lab.now_ns += 2'000'000'000);
    }
    EXPECT_EQ(lab.worker.flows(), 0u) << moment;
    EXPECT_EQ(lab.engine->ports().in_use(0), 0u);
  }
}

TEST(Media, PortsRunOutAsAnErrorAndAreUsedAgainAfterTheirRest) {
  MediaLab lab(kPlain, kPlain);
  std::vector<std::unique_ptr<Media>> streams;
  for (int i = 0; i < 49; ++i) {
    auto made = lab.engine->create_media({.network = 0}, {.network = 1}, {}, lab.now_ns);
    ASSERT_TRUE(made.ok());
    streams.push_back(std::move(made).value());
  }
  EXPECT_FALSE(lab.engine->create_media({.network = 0}, {.network = 1}, {}, lab.now_ns).ok());
  streams.clear();
  EXPECT_FALSE(lab.engine->create_media({.network = 0}, {.network = 1}, {}, lab.now_ns).ok());
  lab.now_ns += PortPool::kQuarantineNs + 1;
  EXPECT_TRUE(lab.engine->create_media({.network = 0}, {.network = 1}, {}, lab.now_ns).ok());
}

TEST(Media, AnObserverMayCloseTheStreamThatSpeaksToIt) {
  MediaLab lab(kSecured, kPlain);
  auto made =
      lab.engine->create_media({.network = 0, .security = tests::dtls_required()}, {.network = 1}, {}, lab.now_ns);
  ASSERT_TRUE(made.ok());
  lab.media.reset();
  std::unique_ptr<Media> stream;
  std::size_t said = 0;
  made = lab.engine->create_media(
      {.network = 0, .security = tests::dtls_required()}, {.network = 1},
      [&](const MediaEvent&) {
        ++said;
        stream->close(lab.now_ns);
      },
      lab.now_ns);
  stream = std::move(made).value();
  ASSERT_TRUE(stream->set_remote(Side::kCaller, lab.remote(Side::kCaller), lab.now_ns).ok());
  lab.worker.run();
  lab.now_ns += 11'000'000'000;
  for (int i = 0; i < 3; ++i) {
    lab.worker.run();
    lab.engine->poll(lab.now_ns += 1'000'000'000);
  }
  EXPECT_EQ(said, 1u);
  EXPECT_EQ(lab.worker.flows(), 0u);
}

class DeafHandler : public FlowHandler {
 public:
  void on_flow_event(const proto::Event&, std::uint64_t) override {}
  void on_punt(const proto::Punt&, std::uint64_t) override {}
};

TEST(Media, ANewEngineRemovesTheFlowsItFindsAndLetsTheirPortsRest) {
  MediaLab lab(kPlain, kPlain);
  // What a killed weir-control leaves: flows, and nobody to remove them.
  DeafHandler nobody;
  for (const std::uint16_t port : std::vector<std::uint16_t>{20000, 20001, 30000}) {
    proto::FlowSpec spec{};
    spec.local_port = port;
    spec.network = port >= 30000 ? 1 : 0;
    ASSERT_TRUE(lab.client->install(*lab.client->reserve(port, nobody), spec, lab.now_ns, {}).ok());
  }
  lab.worker.run();
  ASSERT_EQ(lab.worker.installed(), 3u);
  lab.media.reset();
  lab.engine.reset();
  lab.client.reset();
  lab.region.reset();

  auto attached = proto::Region::attach(lab.directory.path());
  ASSERT_TRUE(attached.ok());
  proto::Region region = std::move(attached).value();
  DataplaneClient client(region);
  EXPECT_EQ(client.flows_found().size(), 3u);
  auto engine = MediaEngine::create(client, tests::media_settings());
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->remove_unadopted(lab.now_ns), 3u);
  for (int i = 0; i < 3; ++i) {
    lab.worker.run();
    (*engine)->poll(lab.now_ns += 1'000'000);
  }
  EXPECT_EQ(lab.worker.flows(), 0u);
  for (const std::uint8_t network : std::vector<std::uint8_t>{0, 1}) {
    std::size_t taken = 0;
    while ((*engine)->ports().take(network, 0, lab.now_ns).ok()) ++taken;
    EXPECT_EQ(taken, 49u);
  }
}

}  // namespace
}  // namespace weir::controlplane
