// Requests for pictures that weir-control makes, as they leave: in the clear, or as SRTCP that libsrtp2 reads.
#include "dataplane/picture_request.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/hex.h"
#include "tests/support/media_plane.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::EventKind;
using tests::from_hex;
using tests::MediaPlane;
using tests::Packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;
const Packet kRequest = from_hex("80c90001 11111111 81ce0002 11111111 bbbbbbbb");

/// Flow 1, from network 0 to network 1.
proto::Command flow(std::uint8_t absorbs) {
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.rewrite.absorbs = absorbs;
  return command;
}

proto::Inject request_on(proto::FlowId id) {
  const proto::PictureRequest request{.sender = 0x11111111, .sources = 1, .source = {0xbbbbbbbb}};
  proto::Inject inject{};
  inject.flow = id;
  inject.kind = proto::InjectKind::kPictureRequest;
  inject.bytes = sizeof request;
  std::memcpy(inject.data, &request, sizeof request);
  return inject;
}

TEST(PictureRequest, LeavesWhereTheFlowsRtcpDoes) {
  MediaPlane plane;
  const proto::Command command = flow(0);
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.control().inject_producer(0).push(request_on(command.flow)), proto::RingState::kOk);
  plane.run(1);
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(udp_payload(sent[0]), kRequest);
  EXPECT_EQ(proto::load_be16(sent[0].data() + 34), kExit);
  EXPECT_EQ(proto::load_be16(sent[0].data() + 36), 5001);
  EXPECT_EQ(plane.totals().injected, 1u);
  EXPECT_EQ(plane.totals().inject_refused, 0u);
}

class PictureRequestProfiles : public testing::TestWithParam<proto::SrtpProfile> {};

TEST_P(PictureRequestProfiles, TakesItsTurnAmongTheFlowsOwnRtcp) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  std::vector<std::uint8_t> master(info.key_bytes + info.salt_bytes);
  std::iota(master.begin(), master.end(), std::uint8_t{1});
  tests::SrtpOracle oracle(GetParam(), master, tests::SrtpOracle::Direction::kReceive);
  MediaPlane plane;
  proto::Command command = flow(0);
  command.spec.send = tests::SrtpOracle::transform(GetParam(), master);
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  auto ring = plane.control().inject_producer(0);
  const Packet report = from_hex("80c90001 11111111");
  for (int round = 0; round < 10; ++round) {
    plane.arrive(0, 4000, kPort, report);
    ASSERT_EQ(ring.push(request_on(command.flow)), proto::RingState::kOk);
    ASSERT_EQ(ring.push(request_on(command.flow)), proto::RingState::kOk);
    plane.run(2);
    const std::vector<Packet> sent = plane.departed(1);
    ASSERT_EQ(sent.size(), 3u);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      Packet packet = udp_payload(sent[i]);
      ASSERT_TRUE(oracle.unprotect_rtcp(packet)) << "libsrtp2 reads it, and has seen no such index";
      EXPECT_EQ(packet, i == 0 ? report : kRequest);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PictureRequestProfiles, testing::ValuesIn(tests::secured_profiles()),
                         tests::kNameOfProfile);

TEST(PictureRequest, IsRefusedWhereItMayNotLeave) {
  struct Row {
    const char* what;
    void (*change)(proto::Command& command, proto::Inject& inject);
  };
  const Row rows[] = {
      {"a kind of tomorrow", [](auto&, auto& inject) { inject.kind = static_cast<proto::InjectKind>(3); }},
      {"half a request", [](auto&, auto& inject) { inject.bytes = 12; }},
      {"an index beyond the table", [](auto&, auto& inject) { inject.flow.index = MediaPlane::Shape().flows; }},
      {"another generation", [](auto&, auto& inject) { inject.flow.generation = 9; }},
      {"no source", [](auto&, auto& inject) { std::memset(inject.data, 0, sizeof(proto::PictureRequest)); }},
      {"too many", [](auto&, auto& inject) { inject.data[4] = 5; }},
      {"a far side that knows no such request",
       [](auto& command, auto&) { command.spec.rewrite.absorbs = proto::kFeedbackAll; }},
      {"RTCP leads nowhere", [](auto& command, auto&) { command.spec.rtcp.peer.port = 0; }},
      {"a flow that takes no media yet", [](auto& command, auto&) { command.kind = proto::CommandKind::kOpen; }},
      {"no next hop", [](auto& command, auto&) { command.spec.rtcp.peer.address.bytes[3] = 77; }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    MediaPlane plane;
    proto::Command command = flow(0);
    proto::Inject inject = request_on(command.flow);
    row.change(command, inject);
    ASSERT_NE(plane.command(command).kind, EventKind::kRefused);
    ASSERT_EQ(plane.control().inject_producer(0).push(inject), proto::RingState::kOk);
    plane.run(1);
    EXPECT_EQ(plane.totals().inject_refused, 1u);
    EXPECT_EQ(plane.totals().injected, 0u);
  }
}

TEST(PictureRequest, OfAPartyIsToldToWeirControlWhereTheFarSideKnowsNone) {
  MediaPlane plane;
  const proto::Command command = flow(proto::kFeedbackAll);
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.arrive(0, 6666, kPort, kRequest);  // of a stranger
  for (int i = 0; i < 100; ++i) plane.arrive(0, 4000, kPort, kRequest);
  plane.run();
  const auto told = [&plane] {
    std::size_t count = 0;
    for (const proto::Event& event : plane.events()) {
      if (event.kind != EventKind::kPictureAsked) continue;
      EXPECT_EQ(event.flow.index, 1u);
      EXPECT_EQ(event.source, MediaPlane::peer(0, 4000));
      ++count;
    }
    return count;
  };
  EXPECT_EQ(told(), 1u);
  EXPECT_EQ(plane.departed(1).size(), 100u) << "the reports beside it";
  plane.sleep_ms(1'500);
  plane.arrive(0, 4000, kPort, kRequest);
  plane.run();
  EXPECT_EQ(told(), 1u);
}

}  // namespace
}  // namespace weir::dataplane
