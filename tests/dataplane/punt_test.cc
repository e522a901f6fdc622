// DTLS and STUN to weir-control, and what it injects, over ports in memory.
#include "dataplane/punt.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using tests::expect_every_frame_accounted_for;
using tests::MediaPlane;
using tests::Packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

TEST(PuntGate, PuntsDtlsAndStunAndHalfOfTheRateIsThePeersOwn) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
  open.spec.source_policy = proto::SourcePolicy::kLatch;
  open.kind = CommandKind::kOpen;
  open.spec.punts_per_s_max = 10;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  const Packet hello = {22, 254, 255, 0, 0, 1, 2, 3};
  for (int i = 0; i < 20; ++i) plane.arrive(0, 6666, kPort, hello);
  plane.arrive(0, 4000, kPort, {0, 1, 0, 0});
  plane.run();
  const std::vector<proto::Punt> punts = plane.punts();
  ASSERT_EQ(punts.size(), 6u);
  EXPECT_EQ(plane.dropped(DropReason::kPuntRateLimited), 15u);
  EXPECT_EQ(punts[0].flow, open.flow);
  EXPECT_EQ(punts[0].cookie, open.spec.cookie);
  EXPECT_EQ(punts[0].source, MediaPlane::peer(0, 6666));
  EXPECT_EQ(punts[0].kind, static_cast<std::uint8_t>(proto::PacketKind::kDtls));
  EXPECT_EQ(Packet(punts[0].data, punts[0].data + punts[0].bytes), hello);
  EXPECT_EQ(punts[5].kind, static_cast<std::uint8_t>(proto::PacketKind::kStun));
  EXPECT_EQ(punts[5].source, MediaPlane::peer(0, 4000));
  expect_every_frame_accounted_for(plane, 21, 0);
}

TEST(PuntGate, OneSourceThatKnowsManyPortsLeavesTheOthersTheirShare) {
  MediaPlane plane({.punts_per_s_max = 100, .punts_per_s_per_source_max = 20});
  const auto open = [&plane](std::uint32_t index) {
    proto::Command command = MediaPlane::install(index, 0, static_cast<std::uint16_t>(kPort + 2 * index), kExit);
    command.spec.source_policy = proto::SourcePolicy::kLatch;
    command.kind = CommandKind::kOpen;
    ASSERT_EQ(plane.command(command).kind, EventKind::kOpened);
  };
  const auto from = [&plane](std::uint32_t source, std::uint16_t port, std::uint32_t index) {
    plane.arrive(0, tests::udp_frame({.from = MediaPlane::kPeerMac,
                                      .source = source,
                                      .destination = MediaPlane::our_address(0),
                                      .source_port = port,
                                      .destination_port = static_cast<std::uint16_t>(kPort + 2 * index),
                                      .payload = {22, 1, 2}}));
  };
  for (std::uint32_t index = 0; index < 30; ++index) open(index);
  constexpr std::uint32_t kFlooder = 0xc61201c8;
  for (std::uint32_t i = 0; i < 60; ++i) from(kFlooder, 6666, i % 30);
  plane.run();
  EXPECT_EQ(plane.punts().size(), 10u) << "half of what one source has: the rest is its flows' signalled peers'";
  // A spray of sources ends at what all have together, of which again half is kept.
  for (std::uint32_t i = 0; i < 120; ++i) from(0xc6120164 + i, 7777, i % 30);
  plane.run();
  EXPECT_EQ(plane.punts().size(), 40u);
  // The signalled peer of each flow still gets through, though its address is one source too.
  for (std::uint32_t index = 0; index < 20; ++index) from(MediaPlane::peer_address(0), 4000, index);
  plane.run(1);
  EXPECT_EQ(plane.punts().size(), 20u);
  EXPECT_EQ(plane.dropped(DropReason::kPuntRateLimited), 50u + 80u);
  expect_every_frame_accounted_for(plane, 200, 0);
}

TEST(PuntGate, APuntRingThatIsFullIsACountedDrop) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
  open.spec.source_policy = proto::SourcePolicy::kLatch;
  open.kind = CommandKind::kOpen;
  open.spec.punts_per_s_max = 0;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  const std::uint32_t slots = plane.region().shape().punt_slots;
  for (std::uint32_t i = 0; i < slots + 5; ++i) plane.arrive(0, 4000, kPort, {22, 1, 2});
  plane.run(40);
  EXPECT_EQ(plane.dropped(DropReason::kPuntRingFull), 5u);
  EXPECT_EQ(plane.punts().size(), slots);
}

TEST(PuntGate, InjectsFromTheFlowsPortAndRefusesWhatItMust) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
  open.spec.source_policy = proto::SourcePolicy::kLatch;
  open.kind = CommandKind::kOpen;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  auto ring = plane.control().inject_producer(0);
  proto::Inject good{};
  good.flow = open.flow;
  good.destination = MediaPlane::peer(0, 4000);
  good.bytes = 3;
  good.dscp = 46;
  good.data[0] = 22;
  struct Row {
    const char* what;
    void (*change)(proto::Inject&);
  };
  const Row refused[] = {
      {"an index beyond the table", [](proto::Inject& inject) { inject.flow.index = MediaPlane::Shape().flows; }},
      {"a free flow", [](proto::Inject& inject) { inject.flow.index = 9; }},
      {"another generation", [](proto::Inject& inject) { inject.flow.generation = 2; }},
      {"nothing to send", [](proto::Inject& inject) { inject.bytes = 0; }},
      {"more than a datagram", [](proto::Inject& inject) { inject.bytes = proto::kDatagramBytesMax + 1; }},
      {"a DSCP of seven bits", [](proto::Inject& inject) { inject.dscp = 64; }},
      {"no port", [](proto::Inject& inject) { inject.destination.port = 0; }},
      {"IPv6", [](proto::Inject& inject) { inject.destination.address.family = proto::Family::kIpv6; }},
      {"multicast", [](proto::Inject& inject) { inject.destination.address.bytes[0] = 224; }},
      {"media", [](proto::Inject& inject) { inject.data[0] = 0x80; }},
      {"no way there", [](proto::Inject& inject) { inject.destination.address.bytes[0] = 8; }},
  };
  std::uint64_t count = 0;
  for (const Row& row : refused) {
    proto::Inject inject = good;
    row.change(inject);
    ASSERT_EQ(ring.push(inject), proto::RingState::kOk);
    plane.run(1);
    plane.sleep_ms(kInjectPatienceNs / 1'000'000);
    plane.run(1);
    EXPECT_EQ(plane.totals().inject_refused, ++count) << row.what;
  }
  ASSERT_EQ(ring.push(good), proto::RingState::kOk);
  plane.run(1);
  const std::vector<Packet> sent = plane.departed(0);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(udp_payload(sent[0]), (Packet{22, 0, 0}));
  EXPECT_EQ(proto::load_be16(sent[0].data() + 34), kPort);
  EXPECT_EQ(plane.totals().injected, 1u);
}

TEST(PuntGate, AnInjectedFlightWaitsForItsNextHopInItsOrder) {
  MediaPlane plane({.static_neighbours = false});
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
  open.spec.source_policy = proto::SourcePolicy::kLatch;
  open.kind = CommandKind::kOpen;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  auto ring = plane.control().inject_producer(0);
  proto::Inject inject{};
  inject.flow = open.flow;
  inject.destination = MediaPlane::peer(0, 4000);
  inject.bytes = 2;
  inject.data[0] = 22;
  for (std::uint8_t i = 0; i < 3; ++i) {
    inject.data[1] = i;
    ASSERT_EQ(ring.push(inject), proto::RingState::kOk);
  }
  plane.run(10);
  EXPECT_EQ(plane.departed(0).size(), 1u) << "the ARP request";
  plane.arrive(0, tests::arp_frame({.operation = 2, .target = MediaPlane::our_address(0)}));
  plane.run(2);
  const std::vector<Packet> sent = plane.departed(0);
  ASSERT_EQ(sent.size(), 3u);
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_EQ(udp_payload(sent[i]), (Packet{22, i}));
  EXPECT_EQ(plane.totals().injected, 3u);
  EXPECT_EQ(plane.totals().inject_refused, 0u);
}

}  // namespace
}  // namespace weir::dataplane
