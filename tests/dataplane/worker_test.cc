// The whole pipeline over ports in memory: frames in, frames out, and an account of every one.
#include "dataplane/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/support/frames.h"
#include "tests/support/media_plane.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using proto::SrtpProfile;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

/// received == forwarded + punted + answered + absorbed + sum(dropped), and what was sent is what left the ports.
void expect_every_frame_accounted_for(MediaPlane& plane, std::uint64_t arrived, std::uint64_t departed) {
  const proto::WorkerCounters sum = plane.totals();
  const std::uint64_t dropped = std::accumulate(sum.dropped.begin(), sum.dropped.end(), std::uint64_t{0});
  EXPECT_EQ(sum.received, arrived);
  EXPECT_EQ(sum.received, sum.forwarded + sum.punted + sum.answered + sum.absorbed + dropped);
  EXPECT_EQ(sum.forwarded + sum.answered + sum.injected + sum.originated, departed);
}

std::vector<EventKind> kinds(const std::vector<proto::Event>& events) {
  std::vector<EventKind> found;
  for (const proto::Event& event : events) found.push_back(event.kind);
  return found;
}

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
  const proto::TransformSpec keys = tests::derive_transform(GetParam(), proto::Bytes(master).first(info.key_bytes),
                                                            proto::Bytes(master).subspan(info.key_bytes));
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

INSTANTIATE_TEST_SUITE_P(All, WorkerProfiles,
                         testing::Values(SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
                                         SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm));

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

TEST(Worker, PuntsDtlsAndStunAndHalfOfTheRateIsThePeersOwn) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
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

TEST(Worker, APuntRingThatIsFullIsACountedDrop) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
  open.kind = CommandKind::kOpen;
  open.spec.punts_per_s_max = 0;
  ASSERT_EQ(plane.command(open).kind, EventKind::kOpened);
  const std::uint32_t slots = plane.region().shape().punt_slots;
  for (std::uint32_t i = 0; i < slots + 5; ++i) plane.arrive(0, 4000, kPort, {22, 1, 2});
  plane.run(40);
  EXPECT_EQ(plane.dropped(DropReason::kPuntRingFull), 5u);
  EXPECT_EQ(plane.punts().size(), slots);
}

TEST(Worker, InjectsFromTheFlowsPortAndRefusesWhatItMust) {
  MediaPlane plane;
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
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
      {"an index beyond the table", [](proto::Inject& inject) { inject.flow.index = MediaPlane::kFlows; }},
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

TEST(Worker, AnInjectedFlightWaitsForItsNextHopInItsOrder) {
  MediaPlane plane({.static_neighbours = false});
  proto::Command open = MediaPlane::install(1, 0, kPort, kExit);
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

TEST(Worker, AnswersArpAndPing) {
  MediaPlane plane;
  plane.arrive(0, tests::arp_frame({}));
  plane.arrive(0, tests::echo_frame({.payload = {}}, 56));
  plane.arrive(0, tests::arp_frame({.target = 0xc6120177}));
  plane.arrive(0, Packet(20, 0));
  plane.run();
  EXPECT_EQ(plane.departed(0).size(), 2u);
  EXPECT_EQ(plane.dropped(DropReason::kArpNotForUs), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kEtherTypeUnknown), 1u);
  expect_every_frame_accounted_for(plane, 4, 2);
}

TEST(Worker, PingsAreAnsweredUpToARate) {
  MediaPlane plane;
  for (int i = 0; i < 1500; ++i) plane.arrive(0, tests::echo_frame({.payload = {}}, 8));
  for (int i = 0; i < 30; ++i) {
    plane.engine().worker(0).run_once(plane.now_ns);
    plane.departed(0);
  }
  EXPECT_EQ(plane.totals().answered, kEchoesPerSecondMax);
  EXPECT_EQ(plane.dropped(DropReason::kPoliced), 1500u - kEchoesPerSecondMax);
}

TEST(Worker, AsksForTheNextHopOfAFlowBeforeItsFirstPacket) {
  MediaPlane plane({.static_neighbours = false});
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.run(1);
  const std::vector<Packet> questions = plane.departed(1);
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(proto::load_be32(questions[0].data() + 38), MediaPlane::peer_address(1));

  plane.arrive(0, 4000, kPort, rtp_packet(1, 1, 20));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kNextHopUnknown), 1u);
  EXPECT_TRUE(plane.departed(1).empty()) << "no second question within the second";

  plane.arrive(1, tests::arp_frame({.operation = 2,
                                    .sender_mac = MediaPlane::kPeerMac,
                                    .sender = MediaPlane::peer_address(1),
                                    .target = MediaPlane::our_address(1)}));
  plane.run();
  plane.arrive(0, 4000, kPort, rtp_packet(2, 1, 20));
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(std::equal(MediaPlane::kPeerMac.begin(), MediaPlane::kPeerMac.end(), sent[0].begin()));
  EXPECT_EQ(plane.totals().absorbed, 1u);
}

TEST(Worker, AStrangersPacketIsNoReasonToAsk) {
  MediaPlane plane({.static_neighbours = false});
  plane.arrive(0, 4000, 30000, rtp_packet(1, 1, 20));
  plane.arrive(0, tests::arp_frame({.operation = 2, .target = MediaPlane::our_address(0)}));
  plane.run();
  EXPECT_TRUE(plane.departed(0).empty());
  EXPECT_EQ(plane.totals().originated, 0u);
}

TEST(Worker, SaysOnceThatMediaFellSilentAndAgainWhenItDoesSoAgain) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.media_timeout_ms = 500;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (std::uint16_t round = 0; round < 2; ++round) {
    plane.arrive(0, 4000, kPort, rtp_packet(round, 1, 20));
    plane.run(400);
    EXPECT_TRUE(std::ranges::count(kinds(plane.events()), EventKind::kMediaTimeout) == 0);
    EXPECT_NE(plane.control().flow_status(1).media_last_ns, 0u);
    plane.run(2000);
    EXPECT_EQ(kinds(plane.events()), std::vector{EventKind::kMediaTimeout});
  }
}

TEST(Worker, AFlowThatNeverHeardMediaTimesOutToo) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.media_timeout_ms = 500;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.run(2000);
  EXPECT_EQ(kinds(plane.events()), std::vector{EventKind::kMediaTimeout});
  EXPECT_EQ(plane.control().flow_status(1).media_last_ns, 0u);
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

/// Workers that share a port: packets of every port end up with the worker that owns it.
class WorkerQueues : public testing::TestWithParam<std::pair<std::uint16_t, std::uint16_t>> {};

TEST_P(WorkerQueues, EveryPacketReachesItsOwnerWhereverItArrives) {
  const auto [receive_queues, transmit_queues] = GetParam();
  MediaPlane plane({.workers = 3, .receive_queues = receive_queues, .transmit_queues = transmit_queues});
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto port = static_cast<std::uint16_t>(kPort + 2 * i);
    ASSERT_EQ(plane.command(MediaPlane::install(i, 0, port, port)).kind, EventKind::kInstalled);
  }
  std::mt19937 random(1);
  std::uint64_t arrived = 0;
  std::vector<std::uint64_t> per_flow(6);
  for (std::uint16_t round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 6; ++i, ++arrived) {
      plane.arrive(0, 4000, static_cast<std::uint16_t>(kPort + 2 * i), rtp_packet(round, i, 20 + i),
                   static_cast<unsigned>(random() % receive_queues));
    }
    plane.arrive(0, tests::arp_frame({}), static_cast<unsigned>(random() % receive_queues));
    ++arrived;
    plane.run(2);
  }
  plane.run(4);
  for (const Packet& frame : plane.departed(1)) {
    ++per_flow[proto::load_be32(udp_payload(frame).data() + 8)];
  }
  EXPECT_EQ(per_flow, std::vector<std::uint64_t>(6, 50));
  EXPECT_EQ(plane.departed(0).size(), 50u) << "ARP, answered by worker 0";
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(plane.control().worker_counters(worker).forwarded, 100u) << "each owns two of the six ports";
  }
  expect_every_frame_accounted_for(plane, arrived, 350);
}

INSTANTIATE_TEST_SUITE_P(Queues, WorkerQueues,
                         testing::Values(std::pair{1, 1}, std::pair{3, 3}, std::pair{3, 1}, std::pair{1, 3}));

TEST(Worker, AHopThatAnotherWorkerMissesIsAskedForByWorker0) {
  MediaPlane plane({.workers = 2, .static_neighbours = false});
  ASSERT_EQ(plane.command(MediaPlane::install(1, 0, 20002, kExit)).kind, EventKind::kInstalled) << "worker 1";
  plane.run(2);
  EXPECT_EQ(plane.departed(1).size(), 1u);
  EXPECT_EQ(plane.control().worker_counters(0).originated, 2u) << "for the exit, and for the peer";
}

TEST(Worker, AHandoffRingThatIsFullIsACountedDrop) {
  MediaPlane plane({.workers = 2});
  for (std::uint32_t i = 0; i < 600; ++i) plane.arrive(0, 4000, 20002, rtp_packet(1, 1, 20));
  for (int i = 0; i < 20; ++i) plane.engine().worker(0).run_once(plane.now_ns);  // worker 1 has stalled
  EXPECT_EQ(plane.dropped(DropReason::kHandoffFull), 600u - kHandoffSlots);
  plane.run(20);
  EXPECT_EQ(plane.dropped(DropReason::kPortClosed), kHandoffSlots);
  expect_every_frame_accounted_for(plane, 600, 0);
}

TEST(Worker, SurvivesMutatedFramesAndAccountsForEachOfThem) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.source_policy = proto::SourcePolicy::kLatch;
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
