// Media that travels as DTLS application data on one side: what weir-control gives back leaves on the other, what
// leaves on this side goes to weir-control, and nothing else gets through.
#include "dataplane/returned_media.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/hex.h"
#include "tests/support/media_plane.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using proto::SrtpProfile;
using tests::from_hex;
using tests::MediaPlane;
using tests::Packet;
using tests::udp_payload;

constexpr std::uint16_t kSecuredPort = 20000;  ///< towards the party with DTLS, on network 0
constexpr std::uint16_t kOtherPort = 20002;    ///< towards the other one, on network 1
const Packet kRtp = from_hex("80000001 00000100 aaaaaaaa 01020304");
const Packet kReport = from_hex("80c90001 aaaaaaaa");

/// Flow 1: from the party with DTLS to the other.
proto::Command from_secured() {
  proto::Command command = MediaPlane::install(1, 0, kSecuredPort, kOtherPort);
  command.spec.receive.profile = SrtpProfile::kDtlsRecords;
  command.spec.punts = proto::kPuntDtls;
  return command;
}

/// Flow 2: back.
proto::Command to_secured() {
  proto::Command command = MediaPlane::install(2, 1, kOtherPort, kSecuredPort);
  command.spec.send.profile = SrtpProfile::kDtlsRecords;
  return command;
}

proto::Inject returned(proto::FlowId id, const Packet& media) {
  proto::Inject inject{};
  inject.flow = id;
  inject.kind = proto::InjectKind::kReceived;
  inject.bytes = static_cast<std::uint16_t>(media.size());
  std::memcpy(inject.data, media.data(), media.size());
  return inject;
}

proto::Inject picture_request(proto::FlowId id) {
  const proto::PictureRequest request{.sender = 0x11111111, .sources = 1, .source = {0xbbbbbbbb}};
  proto::Inject inject{};
  inject.flow = id;
  inject.kind = proto::InjectKind::kPictureRequest;
  inject.bytes = sizeof request;
  std::memcpy(inject.data, &request, sizeof request);
  return inject;
}

void give_back(MediaPlane& plane, const proto::Inject& inject) {
  ASSERT_EQ(plane.control().inject_producer(0).push(inject), proto::RingState::kOk);
  plane.run(1);
}

TEST(ReturnedMedia, LeavesAsTheFlowsMediaDoes) {
  MediaPlane plane;
  const proto::Command command = from_secured();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  give_back(plane, returned(command.flow, kRtp));
  give_back(plane, returned(command.flow, kReport));
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(udp_payload(sent[0]), kRtp);
  EXPECT_EQ(udp_payload(sent[1]), kReport);
  EXPECT_EQ(proto::load_be16(sent[0].data() + 34), kOtherPort);
  const proto::FlowStatus& status = plane.region().flow_status(1);
  EXPECT_EQ(status.receive_profile, SrtpProfile::kDtlsRecords);
  EXPECT_EQ(status.rtp_packets_in, 1u);
  EXPECT_EQ(status.rtcp_packets_in, 1u);
  EXPECT_EQ(status.rtp_packets_out, 1u);
  EXPECT_EQ(plane.totals().returned, 2u);
  EXPECT_EQ(tests::kinds(plane.events()), std::vector{EventKind::kFirstAuthenticated});
}

TEST(ReturnedMedia, IsRewrittenAndProtectedForTheOtherSide) {
  std::vector<std::uint8_t> master(30);
  std::iota(master.begin(), master.end(), std::uint8_t{1});
  constexpr SrtpProfile kProfile = SrtpProfile::kAesCm128HmacSha1_80;
  tests::SrtpOracle oracle(kProfile, master, tests::SrtpOracle::Direction::kReceive);
  MediaPlane plane;
  proto::Command command = from_secured();
  command.spec.send = tests::SrtpOracle::transform(kProfile, master);
  command.spec.rewrite.ssrc_to = 0xbbbbbbbb;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  give_back(plane, returned(command.flow, kRtp));
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  Packet packet = udp_payload(sent[0]);
  ASSERT_TRUE(oracle.unprotect_rtp(packet));
  EXPECT_EQ(packet, from_hex("80000001 00000100 bbbbbbbb 01020304"));
}

TEST(ReturnedMedia, MediaFromTheNetworkItselfIsNeverBelieved) {
  MediaPlane plane;
  const proto::Command command = from_secured();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (const Packet& media : {kRtp, kReport}) plane.arrive(0, 4000, kSecuredPort, media);
  plane.run();
  EXPECT_TRUE(plane.departed(1).empty());
  EXPECT_TRUE(plane.punts().empty());
  EXPECT_EQ(plane.dropped(DropReason::kKindNotAccepted), 2u);
  EXPECT_EQ(plane.region().flow_status(1).rtp_packets_in, 0u);
  EXPECT_TRUE(plane.events().empty());
}

TEST(ReturnedMedia, IsRefusedWhereItMayNotEnter) {
  struct Row {
    const char* what;
    void (*change)(proto::Command& command, proto::Inject& inject);
    bool dropped = false;  ///< it got as far as a verdict
  };
  const Row rows[] = {
      {"a flow that is plain", [](auto& command, auto&) { command.spec.receive.profile = SrtpProfile::kNone; }},
      {"a flow that is not installed", [](auto& command, auto&) { command.kind = proto::CommandKind::kOpen; }},
      {"another generation", [](auto&, auto& inject) { inject.flow.generation = 9; }},
      {"an index beyond the table", [](auto&, auto& inject) { inject.flow.index = MediaPlane::Shape().flows; }},
      {"nothing", [](auto&, auto& inject) { inject.bytes = 0; }},
      {"DTLS in DTLS", [](auto&, auto& inject) { inject.data[0] = 23; }},
      {"more than leaves", [](auto&, auto& inject) { inject.bytes = proto::kDatagramIpv6BytesMax + 1; }},
      {"more than a slot", [](auto&, auto& inject) { inject.bytes = 0xffff; }},
      {"a kind of packet it does not take", [](auto& command, auto&) { command.spec.accepts = proto::kAcceptRtcp; }},
      {"RTP that is cut short", [](auto&, auto& inject) { inject.bytes = 11; }, true},
      {"nowhere to go", [](auto& command, auto&) { command.spec.rtp.peer.port = 0; }, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    MediaPlane plane;
    proto::Command command = from_secured();
    proto::Inject inject = returned(command.flow, kRtp);
    row.change(command, inject);
    ASSERT_NE(plane.command(command).kind, EventKind::kRefused);
    give_back(plane, inject);
    EXPECT_TRUE(plane.departed(1).empty());
    EXPECT_EQ(plane.totals().inject_refused, row.dropped ? 0u : 1u);
    EXPECT_EQ(plane.totals().returned, row.dropped ? 1u : 0u);
  }
}

TEST(ReturnedMedia, PassesWithinTheFlowsRateAndNoFurther) {
  MediaPlane plane;
  proto::Command command = from_secured();
  command.spec.packets_per_s_max = 50;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (int i = 0; i < 500; ++i) give_back(plane, returned(command.flow, kRtp));
  EXPECT_LE(plane.departed(1).size(), 110u) << "half a second, and the burst";
  EXPECT_GE(plane.dropped(DropReason::kPoliced), 390u);
}

TEST(HandedUpMedia, GoesToWeirControlInTheClearAndToNoPort) {
  MediaPlane plane;
  const proto::Command command = to_secured();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (const Packet& media : {kRtp, kReport}) plane.arrive(1, 4000, kOtherPort, media);
  plane.run();
  EXPECT_TRUE(plane.departed(0).empty());
  const std::vector<proto::Punt> punts = plane.punts();
  ASSERT_EQ(punts.size(), 2u);
  EXPECT_EQ(Packet(punts[0].data, punts[0].data + punts[0].bytes), kRtp);
  EXPECT_EQ(Packet(punts[1].data, punts[1].data + punts[1].bytes), kReport);
  EXPECT_EQ(punts[0].flow, command.flow);
  const proto::FlowStatus& status = plane.region().flow_status(2);
  EXPECT_EQ(status.rtp_packets_out, 1u);
  EXPECT_EQ(status.rtp_bytes_out, kRtp.size());
  EXPECT_EQ(status.rtcp_packets_out, 1u);
}

TEST(HandedUpMedia, OfAStrangerOrWithNowhereToGoIsNone) {
  MediaPlane plane;
  proto::Command command = to_secured();
  command.spec.rtcp.peer.port = 0;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.arrive(1, 6666, kOtherPort, kRtp);
  plane.arrive(1, 4000, kOtherPort, kReport);
  plane.run();
  EXPECT_TRUE(plane.punts().empty());
}

TEST(HandedUpMedia, IsBoundedByTheFlowsPunts) {
  MediaPlane plane;
  proto::Command command = to_secured();
  command.spec.punts_per_s_max = 20;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (int i = 0; i < 60; ++i) plane.arrive(1, 4000, kOtherPort, kRtp);
  plane.run();
  EXPECT_EQ(plane.punts().size(), 15u) << "a fourth is kept for the handshakes of its own party";
  EXPECT_EQ(plane.dropped(DropReason::kPuntRateLimited), 45u);
  EXPECT_EQ(plane.region().flow_status(2).rtp_packets_out, 15u);
}

TEST(HandedUpMedia, IsNotChargedToWhoSendsIt) {
  MediaPlane::Shape shape;
  shape.punts_per_s_per_source_max = 20;
  MediaPlane plane(shape);
  proto::Command command = to_secured();
  command.spec.punts_per_s_max = 100;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (int i = 0; i < 60; ++i) plane.arrive(1, 4000, kOtherPort, kRtp);
  plane.run();
  EXPECT_EQ(plane.punts().size(), 60u);
}

TEST(ReturnedMedia, RecordsThatBringItLeaveHalfToHandshakesToo) {
  const Packet record = from_hex("17fefd0001000000000001 0001 aa");
  const Packet handshake = from_hex("16fefd0001000000000002 0001 aa");
  for (const bool by_flow : {false, true}) {
    SCOPED_TRACE(by_flow);
    MediaPlane::Shape shape;
    shape.punts_per_s_max = by_flow ? 0 : 20;
    MediaPlane plane(shape);
    proto::Command command = from_secured();
    if (by_flow) command.spec.punts_per_s_max = 20;
    ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
    for (int i = 0; i < 60; ++i) plane.arrive(0, 4000, kSecuredPort, record);
    plane.run();
    EXPECT_EQ(plane.punts().size(), by_flow ? 15u : 10u);
    plane.arrive(0, 4000, kSecuredPort, handshake);
    plane.run();
    EXPECT_EQ(plane.punts().size(), 1u);
  }
}

TEST(HandedUpMedia, LeavesTheWorkersOtherHalfToHandshakes) {
  MediaPlane::Shape shape;
  shape.punts_per_s_max = 20;
  MediaPlane plane(shape);
  ASSERT_EQ(plane.command(to_secured()).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(from_secured()).kind, EventKind::kInstalled);
  for (int i = 0; i < 60; ++i) plane.arrive(1, 4000, kOtherPort, kRtp);
  plane.run();
  EXPECT_EQ(plane.punts().size(), 10u);
  plane.arrive(0, 4000, kSecuredPort, from_hex("16fefd0000000000000000 0000"));
  plane.run();
  EXPECT_EQ(plane.punts().size(), 1u);
}

TEST(HandedUpMedia, OfBothSidesCrossesTheSlowPathTwice) {
  MediaPlane plane;
  proto::Command command = from_secured();
  command.spec.send.profile = SrtpProfile::kDtlsRecords;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  give_back(plane, returned(command.flow, kRtp));
  ASSERT_EQ(plane.punts().size(), 1u);
  EXPECT_TRUE(plane.departed(1).empty());
}

TEST(HandedUpMedia, RequestsForPicturesTakeTheSameWay) {
  MediaPlane plane;
  const proto::Command command = to_secured();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  give_back(plane, picture_request(command.flow));
  EXPECT_TRUE(plane.departed(0).empty());
  ASSERT_EQ(plane.punts().size(), 1u);
}

TEST(HandedUpMedia, KindsThatLeaveByOtherWaysWaitForEachOther) {
  MediaPlane plane;
  proto::Command command = from_secured();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  auto ring = plane.control().inject_producer(0);
  for (const proto::Inject& inject :
       {returned(command.flow, kRtp), picture_request(command.flow), returned(command.flow, kReport)}) {
    ASSERT_EQ(ring.push(inject), proto::RingState::kOk);
  }
  plane.run(1);
  EXPECT_EQ(plane.departed(1).size(), 1u);
  plane.run(2);
  EXPECT_EQ(plane.departed(1).size(), 2u);
  EXPECT_EQ(plane.totals().injected, 1u);
}

/// A party that knew use_srtp in its first association and not in its second, or the other way round: nothing of
/// either is taken for the other's.
TEST(HandedUpMedia, NewKeysChangeTheWayAtOnce) {
  std::vector<std::uint8_t> master(30, 7);
  constexpr SrtpProfile kProfile = SrtpProfile::kAesCm128HmacSha1_80;
  tests::SrtpOracle oracle(kProfile, master, tests::SrtpOracle::Direction::kReceive);
  MediaPlane plane;
  ASSERT_EQ(plane.command(from_secured()).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(to_secured()).kind, EventKind::kInstalled);
  for (proto::Command command : {from_secured(), to_secured()}) {
    command.kind = proto::CommandKind::kUpdateKeys;
    auto& changed = command.flow.index == 1 ? command.spec.receive : command.spec.send;
    changed = tests::SrtpOracle::transform(kProfile, master);
    command.spec.key_grace_ms = 1'000;
    ASSERT_EQ(plane.command(command).kind, EventKind::kKeysUpdated);
  }
  give_back(plane, returned({1, 1}, kRtp));
  EXPECT_EQ(plane.totals().inject_refused, 1u);
  plane.arrive(0, 4000, kSecuredPort, kRtp);
  plane.arrive(1, 4000, kOtherPort, kRtp);
  plane.run();
  EXPECT_TRUE(plane.departed(1).empty()) << "in the clear";
  EXPECT_TRUE(plane.punts().empty());
  const std::vector<Packet> secured = plane.departed(0);
  ASSERT_EQ(secured.size(), 1u);
  Packet packet = udp_payload(secured[0]);
  EXPECT_TRUE(oracle.unprotect_rtp(packet));
  for (proto::Command command : {from_secured(), to_secured()}) {
    command.kind = proto::CommandKind::kUpdateKeys;
    command.spec.key_grace_ms = 1'000;
    ASSERT_EQ(plane.command(command).kind, EventKind::kKeysUpdated);
  }
  plane.arrive(1, 4000, kOtherPort, kRtp);
  give_back(plane, returned({1, 1}, kRtp));
  plane.run();
  EXPECT_TRUE(plane.departed(0).empty());
  EXPECT_EQ(plane.punts().size(), 1u);
  EXPECT_EQ(plane.departed(1).size(), 1u);
}

TEST(HandedUpMedia, SurvivesARestartOfWeirMedia) {
  MediaPlane plane;
  ASSERT_EQ(plane.command(from_secured()).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(to_secured()).kind, EventKind::kInstalled);
  plane.restart();
  plane.arrive(0, 4000, kSecuredPort, kRtp);
  plane.arrive(1, 4000, kOtherPort, kRtp);
  plane.run();
  EXPECT_TRUE(plane.departed(0).empty() && plane.departed(1).empty());
  EXPECT_EQ(plane.punts().size(), 1u);
  give_back(plane, returned({1, 1}, kRtp));
  EXPECT_EQ(plane.departed(1).size(), 1u);
}

}  // namespace
}  // namespace weir::dataplane
