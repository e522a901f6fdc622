// The whole pipeline over ports in memory: frames in, frames out, and an account of every one.
#include "dataplane/worker.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "proto/stream_reading.h"
#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using proto::SrtpProfile;
using tests::expect_every_frame_accounted_for;
using tests::kinds;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

TEST(Worker, ForwardsRtpAndRtcpToTheirExits) {
  MediaPlane plane;
  ASSERT_EQ(plane.command(MediaPlane::install(1, 0, kPort, kExit)).kind, EventKind::kInstalled);
  const Packet rtp = rtp_packet(1, 0xabc, 160);
  const Packet rtcp = {0x80, 201, 0, 1, 0, 0, 0, 7};
  plane.arrive(0, 4000, kPort, rtp);
  plane.arrive(0, 4000, kPort, rtcp);
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(udp_payload(sent[0]), rtp);
  EXPECT_EQ(udp_payload(sent[1]), rtcp);
  EXPECT_EQ(sent[0][15], 46 << 2) << "DSCP";
  EXPECT_EQ(proto::load_be32(sent[0].data() + 26), MediaPlane::our_address(1));
  EXPECT_EQ(proto::load_be32(sent[0].data() + 30), MediaPlane::peer_address(1));
  EXPECT_EQ(proto::load_be16(sent[0].data() + 34), kExit);
  EXPECT_EQ(proto::load_be16(sent[0].data() + 36), 5000);
  EXPECT_EQ(proto::load_be16(sent[1].data() + 36), 5001);
  const proto::FlowStatus& status = plane.control().flow_status(1);
  EXPECT_EQ(status.rtp_packets_in, 1u);
  EXPECT_EQ(status.rtp_packets_out, 1u);
  EXPECT_EQ(status.rtp_bytes_out, rtp.size());
  EXPECT_EQ(status.rtcp_packets_out, 1u);
  expect_every_frame_accounted_for(plane, 2, 2);
}

TEST(Worker, EachReasonToDropIsCountedForTheWorkerAndTheFlow) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.accepts = proto::kAcceptRtp;
  command.spec.punts = proto::kPuntStun;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  proto::Command open = MediaPlane::install(2, 0, 20004, kExit);
  open.kind = CommandKind::kOpen;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  struct Row {
    const char* what;
    std::uint16_t peer_port;
    std::uint16_t port;
    Packet payload;
    DropReason reason;
    bool of_flow;
  };
  const Row rows[] = {
      {"no flow", 4000, 30000, rtp_packet(1, 1, 10), DropReason::kPortClosed, false},
      {"another source", 4001, kPort, rtp_packet(1, 1, 10), DropReason::kSourceNotAllowed, true},
      {"an unknown kind", 4000, kPort, {0xff, 0}, DropReason::kKindUnknown, true},
      {"an empty datagram", 4000, kPort, {}, DropReason::kKindUnknown, true},
      {"RTCP, which is not accepted", 4000, kPort, {0x80, 200, 0, 1, 0, 0, 0, 1}, DropReason::kKindNotAccepted, true},
      {"DTLS, which is not punted", 4000, kPort, {22, 254, 253}, DropReason::kKindNotAccepted, true},
      {"half an RTP header", 4000, kPort, {0x80, 0, 0, 1}, DropReason::kRtpMalformed, true},
      {"media before the flow is installed", 4000, 20004, rtp_packet(1, 1, 10), DropReason::kFlowNotReady, true},
  };
  std::uint64_t arrived = 0;
  for (const Row& row : rows) {
    const std::uint64_t before = plane.dropped(row.reason);
    const std::uint64_t flow_before = plane.control().flow_status(1).dropped + plane.control().flow_status(2).dropped;
    plane.arrive(0, row.peer_port, row.port, row.payload);
    plane.run(1);
    ++arrived;
    EXPECT_EQ(plane.dropped(row.reason), before + 1) << row.what;
    EXPECT_EQ(plane.control().flow_status(1).dropped + plane.control().flow_status(2).dropped,
              flow_before + (row.of_flow ? 1 : 0))
        << row.what;
  }
  expect_every_frame_accounted_for(plane, arrived, 0);
}

/// RTP -> SRTP -> RTP: out of flow 1 on network 1, back in on network 1 into flow 2, out on network 0.
class WorkerProfiles : public testing::TestWithParam<SrtpProfile> {};

TEST_P(WorkerProfiles, RtpThatWasProtectedAndUnprotectedIsWhatItWas) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  std::vector<std::uint8_t> master(info.key_bytes + info.salt_bytes);
  std::iota(master.begin(), master.end(), std::uint8_t{1});
  const proto::TransformSpec keys = tests::SrtpOracle::transform(GetParam(), master);
  tests::SrtpOracle oracle(GetParam(), master, tests::SrtpOracle::Direction::kReceive);

  MediaPlane plane;
  proto::Command out = MediaPlane::install(1, 0, kPort, kExit);
  out.spec.send = keys;
  proto::Command back = MediaPlane::install(2, 1, kExit, kPort);
  back.spec.receive = keys;
  back.spec.peer = MediaPlane::peer(1, 5000);
  ASSERT_EQ(plane.command(out).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(back).kind, EventKind::kInstalled);

  std::uint64_t arrived = 0;
  std::uint64_t departed = 0;
  for (std::uint16_t round = 0; round < 20; ++round) {
    std::vector<Packet> sent;
    for (std::uint16_t i = 0; i < 100; ++i, ++arrived) {
      sent.push_back(
          rtp_packet(static_cast<std::uint16_t>(round * 100 + i), 0x5eed, 20 + i, static_cast<std::uint8_t>(i)));
      plane.arrive(0, 4000, kPort, sent.back());
    }
    plane.run();
    const std::vector<Packet> secured = plane.departed(1);
    ASSERT_EQ(secured.size(), sent.size());
    departed += secured.size();
    for (std::size_t i = 0; i < secured.size(); ++i, ++arrived) {
      const Packet srtp = udp_payload(secured[i]);
      ASSERT_EQ(srtp.size(), sent[i].size() + info.srtp_tag_bytes);
      Packet clear = srtp;
      ASSERT_TRUE(oracle.unprotect_rtp(clear)) << "libsrtp2 reads it";
      ASSERT_EQ(clear, sent[i]);
      plane.arrive(1, 5000, kExit, srtp);
    }
    plane.run();
    const std::vector<Packet> returned = plane.departed(0);
    ASSERT_EQ(returned.size(), sent.size());
    departed += returned.size();
    for (std::size_t i = 0; i < returned.size(); ++i) ASSERT_EQ(udp_payload(returned[i]), sent[i]);
  }
  expect_every_frame_accounted_for(plane, arrived, departed);
}

INSTANTIATE_TEST_SUITE_P(All, WorkerProfiles, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

TEST(Worker, AnUnauthenticatedPacketChangesNothingAndAnAuthenticOneLatches) {
  std::vector<std::uint8_t> master(30, 7);
  const proto::TransformSpec keys = tests::derive_transform(
      SrtpProfile::kAesCm128HmacSha1_80, proto::Bytes(master).first(16), proto::Bytes(master).subspan(16));
  tests::SrtpOracle caller(SrtpProfile::kAesCm128HmacSha1_80, master, tests::SrtpOracle::Direction::kSend);
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.receive = keys;
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.packets_per_s_max = 10;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);

  for (std::uint16_t i = 0; i < 30; ++i) plane.arrive(0, 6666, kPort, rtp_packet(i, 1, 60));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kAuthFailed), 30u) << "forged packets spend no tokens";
  EXPECT_TRUE(plane.events().empty());
  EXPECT_EQ(plane.control().flow_status(1).source, MediaPlane::peer(0, 4000));

  Packet good = rtp_packet(5, 1, 60);
  ASSERT_TRUE(caller.protect_rtp(good));
  plane.arrive(0, 4444, kPort, good);
  plane.run();
  EXPECT_EQ(plane.departed(1).size(), 1u);
  const std::vector<proto::Event> events = plane.events();
  EXPECT_EQ(kinds(events), (std::vector{EventKind::kSourceLearned, EventKind::kFirstAuthenticated}));
  EXPECT_EQ(events[0].source, MediaPlane::peer(0, 4444));
  EXPECT_EQ(events[0].cookie, command.spec.cookie);
  EXPECT_EQ(plane.control().flow_status(1).source, MediaPlane::peer(0, 4444));

  plane.arrive(0, 4000, kPort, rtp_packet(6, 1, 60));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kSourceNotAllowed), 1u) << "latched: only that source";
}

TEST(Worker, OfTwoSourcesInOneBurstTheFirstValidOneLatches) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = 60'000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.arrive(0, 4444, kPort, rtp_packet(1, 1, 20));
  plane.arrive(0, 5555, kPort, rtp_packet(2, 2, 20));
  plane.run();
  EXPECT_EQ(plane.departed(1).size(), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kSourceNotAllowed), 1u);
  EXPECT_EQ(plane.control().flow_status(1).source.port, 4444);
}

TEST(Worker, AFlowIsPolicedByPacketsAndByBytes) {
  for (const bool by_bytes : {false, true}) {
    MediaPlane plane;
    proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
    (by_bytes ? command.spec.bytes_per_s_max : command.spec.packets_per_s_max) = by_bytes ? 10 * 172 : 10;
    ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
    for (std::uint16_t i = 0; i < 40; ++i) plane.arrive(0, 4000, kPort, rtp_packet(i, 1, 160));
    plane.run();
    EXPECT_EQ(plane.departed(1).size(), 10u);
    EXPECT_EQ(plane.dropped(DropReason::kPoliced), 30u);
    plane.sleep_ms(500);
    for (std::uint16_t i = 40; i < 80; ++i) plane.arrive(0, 4000, kPort, rtp_packet(i, 1, 160));
    plane.run();
    EXPECT_EQ(plane.departed(1).size(), 5u);
  }
}

TEST(Worker, AFloodOnALatchedFlowIsPolicedAndCountedExactly) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = 60'000;
  command.spec.packets_per_s_max = 225;
  command.spec.bytes_per_s_max = 100'000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  std::uint64_t arrived = 0;
  std::uint64_t departed = 0;
  std::uint16_t sequence = 0;
  const auto flood = [&](std::uint32_t packets) {
    std::uint64_t passed = 0;
    for (std::uint32_t i = 0; i < packets; ++i, ++arrived) {
      plane.arrive(0, 4444, kPort, rtp_packet(sequence++, 1, 160));
      if (i % 64 != 63) continue;
      plane.run(1);
      passed += plane.departed(1).size();
    }
    departed += passed;
    return passed;
  };
  // A burst of 64 each millisecond: a second's worth passes, and what the 99 ms from the first to the last bring.
  EXPECT_EQ(flood(6'400), 225u + 225 * 99 / 1000);
  EXPECT_EQ(plane.dropped(DropReason::kPoliced), 6'400u - departed);
  plane.sleep_ms(4'000);
  EXPECT_EQ(flood(6'400), 225u + 225 * 99 / 1000) << "what was not used for long is a second's worth at most";
  const proto::FlowStatus& status = plane.control().flow_status(1);
  EXPECT_EQ(plane.dropped(DropReason::kPoliced), arrived - departed);
  EXPECT_EQ(status.dropped, arrived - departed);
  EXPECT_EQ(status.rtp_packets_in, departed) << "what was policed was not accepted";
  expect_every_frame_accounted_for(plane, arrived, departed);
}

TEST(Worker, AG711CallLosesNoPacketToItsRate) {
  // What weir-control installs for G.711 with telephone-events, the margin of 2 included (media_rates_test.cc).
  constexpr std::uint32_t kPackets = 2 * 125;
  constexpr std::uint32_t kBytes = 2 * 19'400;
  struct Row {
    const char* what;
    std::uint32_t packet_ms;
    std::uint32_t stall_ms;  // every 10 s the network holds everything up for so long, then delivers it at once
  };
  for (const Row& row : {Row{"20 ms", 20, 0}, Row{"10 ms, unannounced", 10, 0}, Row{"20 ms, stalls of 2 s", 20, 2000},
                         Row{"10 ms, stalls of 1 s", 10, 1000}}) {
    MediaPlane plane;
    proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
    command.spec.packets_per_s_max = kPackets;
    command.spec.bytes_per_s_max = kBytes;
    ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
    std::uint64_t arrived = 0;
    std::uint64_t departed = 0;
    std::uint16_t sequence = 0;
    for (std::uint32_t ms = 0; ms < 60'000; ms += 10, plane.sleep_ms(9)) {
      if (ms % row.packet_ms == 0) {
        plane.arrive(0, 4000, kPort, rtp_packet(sequence++, 1, 8 * row.packet_ms));
        ++arrived;
      }
      if (ms % 5000 == 0) {
        plane.arrive(0, 4000, kPort, Packet{0x80, 201, 0, 1, 0, 0, 0, 7});
        ++arrived;
      }
      if (ms % 10'000 < row.stall_ms) {
        plane.sleep_ms(1);
        continue;
      }
      plane.run(1);
      while (true) {
        const std::size_t sent = plane.departed(1).size();
        if (sent == 0) break;
        departed += sent;
        plane.run(1);
      }
    }
    plane.run();
    departed += plane.departed(1).size();
    EXPECT_EQ(plane.dropped(DropReason::kPoliced), 0u) << row.what;
    expect_every_frame_accounted_for(plane, arrived, departed);
    EXPECT_EQ(arrived, departed) << row.what;
  }
}

TEST(Worker, StreamStatisticsGoOnOverARestart) {
  std::vector<std::uint8_t> master(30, 7);
  const proto::TransformSpec keys = tests::derive_transform(
      SrtpProfile::kAesCm128HmacSha1_80, proto::Bytes(master).first(16), proto::Bytes(master).subspan(16));
  tests::SrtpOracle caller(SrtpProfile::kAesCm128HmacSha1_80, master, tests::SrtpOracle::Direction::kSend);
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.receive = keys;
  command.spec.rtp_clock_hz = 8000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  const auto arrive = [&](std::uint32_t number) {
    const auto sequence = static_cast<std::uint16_t>(65500 + number);
    Packet packet = rtp_packet(sequence, 0xabc, 160);
    proto::store_be32(packet.data() + 4, 160 * number);
    ASSERT_TRUE(caller.protect_rtp(packet));
    plane.arrive(0, 4000, kPort, packet);
    plane.arrive(0, 4000, kPort, packet);  // replayed
    proto::store_be16(packet.data() + 2, static_cast<std::uint16_t>(sequence + 200));
    plane.arrive(0, 4000, kPort, packet);  // forged
    plane.run(1);
    plane.sleep_ms(19);
  };
  for (std::uint32_t i = 0; i < 50; ++i) arrive(i);
  plane.restart();
  for (std::uint32_t i = 55; i < 105; ++i) arrive(i);
  const std::vector<proto::StreamReading> streams = proto::read_streams(plane.control().flow_status(1));
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0].ssrc, 0xabcu);
  EXPECT_EQ(streams[0].packets, 100u);
  EXPECT_EQ(streams[0].expected, 105u);
  EXPECT_EQ(streams[0].lost, 5u);
  EXPECT_EQ(streams[0].duplicates, 100u);
  EXPECT_EQ(streams[0].reordered, 0u);
  EXPECT_LT(streams[0].jitter_ms, 10) << "100 ms of packets are missing, their time is not";
  EXPECT_EQ(plane.control().flow_status(1).auth_failed, 100u);
  EXPECT_EQ(plane.control().flow_status(1).rtp_index_highest, 65604u);
}

TEST(Worker, CommandsWaitWhileThereIsNoRoomForTheirAnswers) {
  MediaPlane plane;
  auto commands = plane.control().command_producer(0);
  auto events = plane.control().event_consumer(0);
  proto::Command removal{};
  removal.kind = CommandKind::kRemove;
  const std::uint32_t event_slots = plane.region().shape().event_slots;
  std::uint32_t pushed = 0;
  for (int round = 0; round < 1000 && pushed < event_slots + 100; ++round) {
    for (; pushed < event_slots + 100; ++pushed) {
      removal.request = pushed + 1;
      if (commands.push(removal) != proto::RingState::kOk) break;
    }
    plane.run(1);
  }
  plane.run(400);
  EXPECT_EQ(plane.totals().commands, event_slots);
  proto::Event answer;
  for (std::uint32_t request = 1; request <= event_slots + 100; ++request) {
    ASSERT_EQ(events.pop(answer), proto::RingState::kOk);
    ASSERT_EQ(answer.request, request);
    if (request % 50 == 0) plane.run(50);
  }
  EXPECT_EQ(plane.totals().events_lost, 0u);
}

TEST(Worker, MediaFollowsANextHopWhoseHardwareAddressChanged) {
  constexpr proto::MacAddress kFirst = {0x02, 0, 0, 0, 0, 0x21};
  constexpr proto::MacAddress kSecond = {0x02, 0, 0, 0, 0, 0x22};
  MediaPlane plane({.static_neighbours = false});
  ASSERT_EQ(plane.command(MediaPlane::install(1, 0, kPort, kExit)).kind, EventKind::kInstalled);
  std::uint16_t sequence = 1;
  for (const proto::MacAddress& mac : {kFirst, kSecond}) {
    plane.run(1);
    const std::vector<Packet> questions = plane.departed(1);
    ASSERT_EQ(questions.size(), 1u);
    proto::MacAddress ours;
    std::copy_n(questions[0].begin() + 6, ours.size(), ours.begin());
    plane.arrive(1, tests::arp_frame({.to = ours,
                                      .operation = 2,
                                      .sender_mac = mac,
                                      .sender = MediaPlane::peer_address(1),
                                      .target_mac = ours,
                                      .target = MediaPlane::our_address(1)}));
    plane.run(1);
    plane.arrive(0, 4000, kPort, rtp_packet(sequence++, 1, 20));
    plane.run(1);
    const std::vector<Packet> sent = plane.departed(1);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(std::equal(mac.begin(), mac.end(), sent[0].begin()));
    plane.now_ns += kNeighbourFreshNs + kSecondNs;  // old enough to be asked again
  }
}

TEST(Worker, AFullPortIsACountedDropAndEveryFrameStillAccountedFor) {
  MediaPlane plane({.transmit_slots = 16});
  ASSERT_EQ(plane.command(MediaPlane::install(1, 0, kPort, kExit)).kind, EventKind::kInstalled);
  for (std::uint16_t i = 0; i < 50; ++i) plane.arrive(0, 4000, kPort, rtp_packet(i, 1, 20));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kTransmitFull), 34u);
  EXPECT_EQ(plane.control().flow_status(1).rtp_packets_out, 16u);
  EXPECT_EQ(plane.control().flow_status(1).dropped, 34u);
  expect_every_frame_accounted_for(plane, 50, plane.departed(1).size());
}

TEST(Worker, ARestartedMediaPlaneGoesOnWithItsFlowsAndNeverRepeatsASendIndex) {
  std::vector<std::uint8_t> master(28, 9);
  const proto::TransformSpec keys = tests::derive_transform(SrtpProfile::kAeadAes128Gcm, proto::Bytes(master).first(16),
                                                            proto::Bytes(master).subspan(16));
  tests::SrtpOracle callee(SrtpProfile::kAeadAes128Gcm, master, tests::SrtpOracle::Direction::kReceive);
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.send = keys;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (std::uint16_t i = 0; i < 10; ++i) {
    plane.arrive(0, 4000, kPort, rtp_packet(i, 1, 20));
    plane.run(1);
    for (const Packet& frame : plane.departed(1)) {
      Packet packet = udp_payload(frame);
      ASSERT_TRUE(callee.unprotect_rtp(packet));
      ASSERT_EQ(packet, rtp_packet(i, 1, 20));
    }
    if (i == 5) plane.restart();
  }
  EXPECT_EQ(plane.engine().flows(), 1u);
  plane.arrive(0, 4000, kPort, rtp_packet(5, 1, 20, 0xaa));
  plane.run(1);
  EXPECT_TRUE(plane.departed(1).empty());
  EXPECT_EQ(plane.dropped(DropReason::kSendReplayed), 1u);
  EXPECT_EQ(plane.control().media_header().incarnation.load(), 2u);
}

TEST(Worker, ManyFlowsAreForwardedAsFewAre) {
  // More than stay near: their lines are asked for ahead.
  MediaPlane plane({.flows = kFlowsNear + 64});
  for (std::uint32_t flow = 1; flow <= kFlowsNear + 1; ++flow) {
    const auto port = static_cast<std::uint16_t>(kPort + 2 * flow);
    ASSERT_EQ(plane.command(MediaPlane::install(flow, 0, port, kExit)).kind, EventKind::kInstalled);
  }
  for (std::uint16_t i = 0; i < 50; ++i) {
    plane.arrive(0, 4000, static_cast<std::uint16_t>(kPort + 2 + 2 * i), rtp_packet(i, i, 20));
  }
  plane.run();
  expect_every_frame_accounted_for(plane, 50, plane.departed(1).size());
  EXPECT_EQ(plane.totals().forwarded, 50u);
}

TEST(Worker, SurvivesMutatedFramesAndAccountsForEachOfThem) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = 60'000;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  std::mt19937 random(11);
  const auto udp = [](const Packet& payload) {
    return tests::udp_frame(
        {.source = MediaPlane::peer_address(0), .destination = MediaPlane::our_address(0), .payload = payload});
  };
  const Packet seeds[] = {udp(rtp_packet(1, 1, 40)), udp({0x80, 200, 0, 1, 0, 0, 0, 1}), udp({22, 254, 253, 0}),
                          tests::arp_frame({}), tests::echo_frame({.payload = {}}, 16)};
  std::uint64_t arrived = 0;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 32; ++i, ++arrived) {
      Packet frame = seeds[random() % std::size(seeds)];
      for (unsigned flips = random() % 4; flips > 0; --flips) {
        frame[random() % frame.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
      }
      if (random() % 8 == 0) frame.resize(1 + random() % frame.size());
      plane.arrive(random() % 2, frame);
    }
    plane.run(1);
    plane.departed(0);
    plane.departed(1);
    plane.punts();
    plane.events();
  }
  const proto::WorkerCounters sum = plane.totals();
  expect_every_frame_accounted_for(plane, arrived, sum.forwarded + sum.answered + sum.injected + sum.originated);
  EXPECT_GT(sum.forwarded, 0u);
  EXPECT_GT(sum.punted, 0u);
  EXPECT_GT(sum.answered, 0u);
}

}  // namespace
}  // namespace weir::dataplane
