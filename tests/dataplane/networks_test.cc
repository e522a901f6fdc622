// Networks of both families, and several of them on one port, over ports in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using proto::settings::NetworkSettings;
using tests::Datagram6;
using tests::expect_every_frame_accounted_for;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;
constexpr const char* kOurs6 = "2001:2:0:1::a";
constexpr const char* kPeer6 = "2001:2:0:1::2";

proto::IpAddress ip(const char* text) {
  return proto::parse_ip_address(text).value();
}

proto::Endpoint peer6(std::uint16_t port) {
  return {.address = ip(kPeer6), .port = port};
}

/// Network 1 becomes IPv6. `known`: its peer is configured.
MediaPlane::Shape ipv6_inside(bool known, std::uint16_t workers = 1) {
  return {.workers = workers, .adjust = [known](std::vector<NetworkSettings>& networks) {
            networks[1].address = ip(kOurs6);
            networks[1].prefix_bits = 64;
            networks[1].neighbours.clear();
            if (known) networks[1].neighbours.push_back({ip(kPeer6), MediaPlane::kPeerMac});
          }};
}

/// A flow of each direction between peer(0, 4000) and the IPv6 peer's port 5000.
void install_both_ways(MediaPlane& plane) {
  proto::Command inwards = MediaPlane::install(1, 0, kPort, kExit);
  inwards.spec.rtp.peer = peer6(5000);
  inwards.spec.rtcp.peer = peer6(5001);
  ASSERT_EQ(plane.command(inwards).kind, EventKind::kInstalled);
  proto::Command outwards = MediaPlane::install(2, 1, kExit, kPort);
  outwards.spec.peer = peer6(5000);
  ASSERT_EQ(plane.command(outwards).kind, EventKind::kInstalled);
}

TEST(Networks, MediaGoesFromIpv4ToIpv6AndBack) {
  MediaPlane plane(ipv6_inside(true));
  install_both_ways(plane);
  const Packet payload = rtp_packet(1, 7, 160);
  plane.arrive(0, 4000, kPort, payload);
  plane.run();
  const std::vector<Packet> inside = plane.departed(1);
  ASSERT_EQ(inside.size(), 1u);
  EXPECT_EQ(tests::udp_payload(inside[0]), payload);
  EXPECT_EQ(Address::load_ipv6(inside[0].data() + 38), Address(ip(kPeer6)));
  EXPECT_EQ((inside[0][14] & 0x0f) << 2 | inside[0][15] >> 6, 46) << "DSCP";

  plane.arrive(1, tests::udp6_frame({.source_port = 5000, .destination_port = kExit, .payload = payload}));
  plane.run();
  const std::vector<Packet> outside = plane.departed(0);
  ASSERT_EQ(outside.size(), 1u);
  EXPECT_EQ(tests::udp_payload(outside[0]), payload);
  EXPECT_EQ(proto::load_be32(outside[0].data() + 30), MediaPlane::peer_address(0));
  expect_every_frame_accounted_for(plane, 2, 2);
}

TEST(Networks, RtcpAndALatchedSourceCrossTheFamilies) {
  MediaPlane plane(ipv6_inside(true));
  proto::Command command = MediaPlane::install(2, 1, kExit, kPort);
  command.spec.peer = {};
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = 60'000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.arrive(1, tests::udp6_frame({.source_port = 5002, .destination_port = kExit, .payload = rtp_packet(1, 7, 20)}));
  const Packet report = {0x80, 200, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9};
  plane.arrive(1, tests::udp6_frame({.source_port = 5002, .destination_port = kExit, .payload = report}));
  plane.run();
  EXPECT_EQ(plane.departed(0).size(), 2u);
  const std::vector<proto::Event> events = plane.events();
  const auto learned = std::find_if(events.begin(), events.end(),
                                    [](const proto::Event& event) { return event.kind == EventKind::kSourceLearned; });
  ASSERT_NE(learned, events.end());
  EXPECT_EQ(proto::to_string(learned->source), "[2001:2:0:1::2]:5002");
}

TEST(Networks, ARestrictedLatchLearnsWithinItsIpv6MaskOnly) {
  MediaPlane plane(ipv6_inside(true));
  proto::Command command = MediaPlane::install(2, 1, kExit, kPort);
  command.spec.peer = peer6(5000);
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = 60'000;
  command.spec.latch_prefix_bits = 64;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  const auto passes = [&](const char* source) {
    plane.arrive(
        1, tests::udp6_frame(
               {.source = source, .source_port = 5002, .destination_port = kExit, .payload = rtp_packet(1, 7, 20)}));
    plane.run();
    return !plane.departed(0).empty();
  };
  EXPECT_FALSE(passes("2001:2:0:2::2")) << "another network";
  EXPECT_TRUE(passes("2001:2:0:1:8000::7")) << "another host";
  EXPECT_FALSE(passes(kPeer6)) << "latched";
}

TEST(Networks, WhatFitsIpv4ButNotIpv6IsTooLong) {
  MediaPlane plane(ipv6_inside(true));
  install_both_ways(plane);
  plane.arrive(0, 4000, kPort, rtp_packet(1, 7, proto::kDatagramIpv6BytesMax - 12));
  plane.arrive(0, 4000, kPort, rtp_packet(2, 7, proto::kDatagramIpv6BytesMax - 11));
  plane.run();
  EXPECT_EQ(plane.departed(1).size(), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kTooLong), 1u);
}

TEST(Networks, AnIpv6NextHopIsAskedForAndLearned) {
  for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
    MediaPlane plane(ipv6_inside(false, workers));
    install_both_ways(plane);
    plane.run(1);
    const std::vector<Packet> questions = plane.departed(1);
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_EQ(questions[0][54], 135);
    EXPECT_EQ(Address::load_ipv6(questions[0].data() + 62), Address(ip(kPeer6)));
    plane.arrive(1,
                 tests::nd_frame(
                     {.addresses = {.hop_limit = 255, .payload = {}}, .type = 136, .flags = 0x60, .target = kPeer6}));
    plane.run();
    plane.arrive(0, 4000, kPort, rtp_packet(1, 7, 20));
    plane.run();
    const std::vector<Packet> sent = plane.departed(1);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(std::equal(MediaPlane::kPeerMac.begin(), MediaPlane::kPeerMac.end(), sent[0].begin()));
    EXPECT_EQ(plane.totals().absorbed, 1u);
  }
}

TEST(Networks, Ipv6AnswersSolicitationsAndPingsAndDropsTheRest) {
  MediaPlane plane(ipv6_inside(true));
  plane.arrive(1, tests::nd_frame({}));
  plane.arrive(1, tests::echo6_frame({.payload = {}}, 56));
  plane.arrive(1, tests::ipv6_frame({.payload = {}}, 44, Packet(20, 17)));
  plane.arrive(1, tests::ipv6_frame({.payload = {}}, 0, Packet(20, 17)));
  plane.arrive(1, tests::icmp6_frame({.destination = "ff02::1", .hop_limit = 255, .payload = {}},
                                     Packet{134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  plane.run();
  EXPECT_EQ(plane.departed(1).size(), 2u);
  EXPECT_EQ(plane.dropped(DropReason::kIpFragment), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kIpExtension), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kNdNotForUs), 1u);
  expect_every_frame_accounted_for(plane, 5, 2);
}

TEST(Networks, AnUnsolicitedAdvertisementMovesNothing) {
  MediaPlane plane(ipv6_inside(false));
  plane.arrive(1, tests::nd_frame({.addresses = {.destination = "ff02::1", .hop_limit = 255, .payload = {}},
                                   .type = 136,
                                   .flags = 0x20,
                                   .target = kPeer6}));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kNdNotForUs), 1u);
  install_both_ways(plane);
  plane.run(1);
  EXPECT_EQ(plane.departed(1).size(), 1u) << "nobody was learned: it is asked";
}

/// Four networks on one port: two VLANs, and on one of them two IPv4 addresses and an IPv6 one.
MediaPlane::Shape crowded(std::uint16_t workers, std::uint16_t queues) {
  return {.workers = workers,
          .receive_queues = queues,
          .transmit_queues = queues,
          .adjust = [](std::vector<NetworkSettings>& networks) {
            NetworkSettings second = networks[0];
            second.name = "second";
            second.address = proto::IpAddress::from_ipv4(MediaPlane::our_address(0) + 1);
            NetworkSettings sixth = networks[0];
            sixth.name = "sixth";
            sixth.address = ip(kOurs6);
            sixth.prefix_bits = 64;
            sixth.neighbours = {{ip(kPeer6), MediaPlane::kPeerMac}};
            NetworkSettings tagged = networks[0];
            tagged.name = "tagged";
            tagged.vlan = 100;
            tagged.address = proto::IpAddress::from_ipv4(MediaPlane::our_address(7));
            tagged.neighbours[0].address = proto::IpAddress::from_ipv4(MediaPlane::peer_address(7));
            networks.insert(networks.end(), {second, sixth, tagged});
          }};
}

TEST(Networks, OnOnePortEachHasItsOwnPorts) {
  struct Row {
    std::uint8_t network;
    Packet frame;
  };
  const auto datagram = [](std::uint32_t destination, std::uint32_t source, int vlan) {
    return tests::udp_frame(
        {.vlan = vlan, .source = source, .destination = destination, .payload = rtp_packet(1, 7, 20)});
  };
  const Row rows[] = {
      {0, datagram(MediaPlane::our_address(0), MediaPlane::peer_address(0), -1)},
      {2, datagram(MediaPlane::our_address(0) + 1, MediaPlane::peer_address(0), -1)},
      {3, tests::udp6_frame({.payload = rtp_packet(1, 7, 20)})},
      {4, datagram(MediaPlane::our_address(7), MediaPlane::peer_address(7), 100)},
  };
  for (const auto& [workers, queues] : {std::pair<std::uint16_t, std::uint16_t>{1, 1}, {2, 1}, {2, 2}}) {
    MediaPlane plane(crowded(workers, queues));
    std::uint32_t flow = 1;
    for (const Row& row : rows) {
      proto::Command command = MediaPlane::install(flow, 0, kPort, kExit);
      command.flow.index = flow++;
      command.spec.network = row.network;
      command.spec.source_policy = proto::SourcePolicy::kLatch;
      command.spec.latch_window_ms = 60'000;
      command.spec.peer = {};
      // Out by the same network, through the port they share.
      command.spec.rtp.network = row.network;
      command.spec.rtp.peer = row.network == 3 ? peer6(5000) : MediaPlane::peer(row.network == 4 ? 7 : 0, 5000);
      ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled) << int{row.network};
    }
    flow = 1;
    for (const Row& row : rows) {
      plane.arrive(0, row.frame, queues - 1u);
      plane.run();
      EXPECT_EQ(plane.region().flow_status(flow++).rtp_packets_in, 1u) << int{row.network};
      const std::vector<Packet> sent = plane.departed(0);
      ASSERT_EQ(sent.size(), 1u) << int{row.network};
      EXPECT_EQ(proto::load_be16(sent[0].data() + 12), row.network == 4 ? 0x8100 : row.network == 3 ? 0x86dd : 0x0800);
    }
    plane.arrive(0, datagram(MediaPlane::our_address(0), MediaPlane::peer_address(0), 100));
    plane.arrive(0, datagram(MediaPlane::our_address(7), MediaPlane::peer_address(7), 101));
    plane.run();
    EXPECT_EQ(plane.dropped(DropReason::kIpNotForUs), 1u);
    EXPECT_EQ(plane.dropped(DropReason::kVlanUnknown), 1u);
    expect_every_frame_accounted_for(plane, 6, 4);
  }
}

TEST(Networks, OnOnePortEachAnswersForItsOwnAddress) {
  MediaPlane plane(crowded(2, 2));
  plane.arrive(0, tests::arp_frame({.target = MediaPlane::our_address(0) + 1}), 1);
  plane.arrive(0, tests::nd_frame({}), 1);
  plane.run();
  const std::vector<Packet> answers = plane.departed(0);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(proto::load_be32(answers[0].data() + 28), MediaPlane::our_address(0) + 1);
  EXPECT_EQ(answers[1][54], 136);
}

TEST(Networks, WhenAGatewayFallsSilentMediaTakesTheNextAndComesBack) {
  constexpr std::uint32_t kFirst = MediaPlane::peer_address(1) + 1;
  constexpr std::uint32_t kSecond = MediaPlane::peer_address(1) + 2;
  MediaPlane plane({.adjust = [](std::vector<NetworkSettings>& networks) {
    networks[1].gateways = {proto::IpAddress::from_ipv4(kFirst), proto::IpAddress::from_ipv4(kSecond)};
  }});
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.rtp.peer = {.address = proto::IpAddress::from_ipv4(0xc6130001), .port = 5000};
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  std::uint16_t sequence = 1;
  /// Who media goes to after so many seconds in which the gateways answer as said.
  const auto gateway_after = [&](unsigned seconds, bool first, bool second) {
    for (unsigned step = 0; step < seconds * 10; ++step) {
      plane.run(2);
      for (const Packet& question : plane.departed(1)) {
        const std::uint32_t target = proto::load_be32(question.data() + 38);
        if ((target != kFirst || !first) && (target != kSecond || !second)) continue;
        plane.arrive(1, tests::arp_frame({.operation = 2,
                                          .sender_mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(target)},
                                          .sender = target,
                                          .target = MediaPlane::our_address(1)}));
      }
      plane.sleep_ms(98);
    }
    plane.arrive(0, 4000, kPort, rtp_packet(sequence++, 7, 20));
    plane.run(2);
    for (const Packet& sent : plane.departed(1)) {
      if (sent[13] == 0x00) return sent[5];
    }
    return std::uint8_t{0};
  };
  constexpr auto kFirstMac = static_cast<std::uint8_t>(kFirst);
  constexpr auto kSecondMac = static_cast<std::uint8_t>(kSecond);
  EXPECT_EQ(gateway_after(3, true, true), kFirstMac);
  EXPECT_EQ(plane.totals().gateway_changes, 0u);
  EXPECT_EQ(gateway_after(8, false, true), kSecondMac);
  EXPECT_EQ(plane.totals().gateway_changes, 1u);
  EXPECT_EQ(plane.engine().gateway(1), 1u);
  EXPECT_EQ(gateway_after(3, true, true), kFirstMac);
  EXPECT_EQ(plane.totals().gateway_changes, 2u);
}

}  // namespace
}  // namespace weir::dataplane
