// Flows that are transcoded, through the whole pipeline: what leaves, in which order, and what is counted.
#include "dataplane/transcode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dataplane/g711.h"
#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"
#include "tests/support/tone.h"

namespace weir::dataplane {
namespace {

using proto::AudioCodec;
using proto::DropReason;
using proto::EventKind;
using proto::Refusal;
using tests::MediaPlane;
using tests::Packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;
constexpr std::uint8_t kOpus = 111;
constexpr std::uint8_t kPcma = 8;
constexpr std::uint8_t kFastEvents = 110;
constexpr std::uint8_t kSlowEvents = 126;

MediaPlane::Shape with_transcoders(unsigned transcoders = 1) {
  MediaPlane::Shape shape;
  shape.transcoders = transcoders;
  return shape;
}

proto::Command to_opus(std::uint32_t index = 1, std::uint16_t port = kPort) {
  proto::Command command = MediaPlane::install(index, 0, port, kExit);
  command.spec.rewrite.rtcp_timestamps = proto::TimestampScale::kTimes6;
  command.spec.transcode.pairs = 2;
  command.spec.transcode.pair[0] = {kPcma, kOpus, AudioCodec::kPcma, AudioCodec::kOpus};
  command.spec.transcode.pair[1] = {kSlowEvents, kFastEvents, AudioCodec::kEvents8k, AudioCodec::kEvents48k};
  return command;
}

proto::Command to_pcma() {
  proto::Command command = MediaPlane::install(2, 1, kPort, kExit);
  command.spec.rewrite.rtcp_timestamps = proto::TimestampScale::kBy6;
  command.spec.transcode.pairs = 1;
  command.spec.transcode.pair[0] = {kOpus, kPcma, AudioCodec::kOpus, AudioCodec::kPcma};
  return command;
}

Packet rtp(std::uint8_t type, std::uint16_t sequence, std::uint32_t timestamp, const Packet& payload) {
  Packet packet(12 + payload.size());
  std::copy(payload.begin(), payload.end(), packet.begin() + 12);
  packet[0] = 0x80;
  packet[1] = type;
  proto::store_be16(packet.data() + 2, sequence);
  proto::store_be32(packet.data() + 4, timestamp);
  proto::store_be32(packet.data() + 8, 0xabc);
  return packet;
}

Packet tone_of(std::size_t packet) {
  Packet codes(160);
  encode_g711(G711::kALaw, tests::tone(440, 160 * packet, 160), codes);
  return codes;
}

TEST(Transcode, ATonePassesThroughOpusAndBackPacketForPacket) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(to_pcma()).kind, EventKind::kInstalled);
  std::vector<std::int16_t> heard;
  for (std::uint16_t i = 0; i < 50; ++i) {
    plane.arrive(0, 4000, kPort, rtp(kPcma | 0x80, i, 160u * i, tone_of(i)));
    plane.run();
    const std::vector<Packet> there = plane.departed(1);
    ASSERT_EQ(there.size(), 1u);
    const Packet opus = udp_payload(there[0]);
    EXPECT_EQ(opus[1], kOpus | 0x80) << "the marker stays";
    EXPECT_EQ(proto::load_be16(opus.data() + 2), i);
    EXPECT_EQ(proto::load_be32(opus.data() + 4), 960u * i);
    EXPECT_LT(opus.size(), 100u);
    plane.arrive(1, 4000, kPort, opus);
    plane.run();
    const std::vector<Packet> back = plane.departed(0);
    ASSERT_EQ(back.size(), 1u);
    const Packet law = udp_payload(back[0]);
    EXPECT_EQ(law[1], kPcma | 0x80);
    EXPECT_EQ(proto::load_be32(law.data() + 4), 160u * i);
    ASSERT_EQ(law.size(), 172u);
    std::vector<std::int16_t> samples(160);
    decode_g711(G711::kALaw, std::span(law).subspan(12), samples);
    heard.insert(heard.end(), samples.begin(), samples.end());
  }
  EXPECT_GT(tests::share_of_tone(std::span(heard).subspan(1600), 440), 0.8);
  EXPECT_EQ(plane.totals().transcoded, 100u);
}

TEST(Transcode, EventsChangeTypeTimestampAndDuration) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  plane.arrive(0, 4000, kPort, rtp(kSlowEvents, 7, 1600, {5, 0x8a, 0x03, 0x20}));
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(udp_payload(sent[0]), rtp(kFastEvents, 7, 9600, {5, 0x8a, 0x12, 0xc0}));
}

TEST(Transcode, ReportsNameTheOtherClock) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  Packet report(52);
  report[0] = 0x81;
  report[1] = 200;
  report[3] = 12;
  proto::store_be32(report.data() + 4, 0xabc);
  proto::store_be32(report.data() + 16, 1600);
  proto::store_be32(report.data() + 40, 10);
  plane.arrive(0, 4000, kPort, report);
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  proto::store_be32(report.data() + 16, 9600);
  proto::store_be32(report.data() + 40, 60);
  EXPECT_EQ(udp_payload(sent[0]), report);
}

TEST(Transcode, OrderIsKeptBesideAudioThatPasses) {
  MediaPlane plane(with_transcoders(2));
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  for (std::uint16_t i = 0; i < 300; ++i) {
    const bool event = i % 3 == 0;
    plane.arrive(0, 4000, kPort,
                 rtp(event ? kSlowEvents : kPcma, i, 160u * i, event ? Packet{1, 10, 0, 160} : tone_of(i)));
  }
  plane.run(20);
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 300u);
  for (std::uint16_t i = 0; i < 300; ++i) EXPECT_EQ(proto::load_be16(udp_payload(sent[i]).data() + 2), i);
}

TEST(Transcode, EveryPacketThatCannotBeConvertedIsOneNamedDrop) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(to_pcma()).kind, EventKind::kInstalled);
  struct Row {
    unsigned network;
    Packet packet;
    DropReason reason;
  };
  Packet padded = rtp(kPcma, 9, 0, Packet(160));
  padded[0] |= 0x20;  // and the last byte says 0
  const Row rows[] = {
      {0, rtp(9, 1, 0, Packet(160)), DropReason::kTranscodeTypeUnknown},
      {0, rtp(kPcma, 2, 0, Packet(161)), DropReason::kTranscodeDuration},
      {0, rtp(kPcma, 3, 0, Packet(1400)), DropReason::kTranscodeDuration},
      {0, rtp(kPcma, 4, 0, {}), DropReason::kTranscodePayload},
      {0, rtp(kSlowEvents, 5, 0, {1, 2}), DropReason::kTranscodePayload},
      {0, padded, DropReason::kTranscodePayload},
      {1, rtp(kOpus, 6, 0, {0xff}), DropReason::kTranscodePayload},
      {1, rtp(kOpus, 7, 0, {}), DropReason::kTranscodePayload},
  };
  for (const Row& row : rows) {
    const std::uint64_t before = plane.dropped(row.reason);
    plane.arrive(row.network, 4000, kPort, row.packet);
    plane.run();
    EXPECT_EQ(plane.dropped(row.reason), before + 1) << proto::drop_reason(row.reason).name;
  }
  EXPECT_EQ(plane.control().flow_status(1).dropped, 6u);
}

TEST(Transcode, PaddingIsTakenOffBeforeAPayloadIsConverted) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  Packet packet = rtp(kPcma, 9, 0, tone_of(0));
  packet[0] |= 0x20;
  packet.resize(packet.size() + 4);
  packet.back() = 4;
  plane.arrive(0, 4000, kPort, packet);
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(udp_payload(sent[0])[0], 0x80);
}

TEST(Transcode, ATranscoderThatDoesNotKeepUpCostsPacketsThatAreCounted) {
  MediaPlane::Shape shape = with_transcoders();
  shape.transmit_slots = 2048;
  MediaPlane plane(shape);
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  for (std::uint16_t i = 0; i < 1500; ++i) plane.arrive(0, 4000, kPort, rtp(kPcma, i, 160u * i, tone_of(i)));
  for (int pass = 0; pass < 30; ++pass) plane.engine().worker(0).run_once(plane.now_ns);
  EXPECT_EQ(plane.dropped(DropReason::kTranscodeFull), 1500 - kTranscodeSlots);
  plane.run(40);
  EXPECT_EQ(plane.departed(1).size(), kTranscodeSlots);
}

TEST(Transcode, APacketWhoseFlowEndedMeanwhileIsDropped) {
  MediaPlane plane(with_transcoders());
  proto::Command command = to_opus();
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.arrive(0, 4000, kPort, rtp(kPcma, 1, 0, tone_of(0)));
  plane.engine().worker(0).run_once(plane.now_ns);  // to the transcoder, which has not run
  command.kind = proto::CommandKind::kRemove;
  ASSERT_EQ(plane.command(command).kind, EventKind::kRemoved);
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kTranscodeFlowGone), 1u);
}

TEST(Transcode, ACallTurnsToTranscodingAndBackWithSetPeer) {
  MediaPlane plane(with_transcoders());
  proto::Command command = to_opus();
  const proto::TranscodeSpec transcode = std::exchange(command.spec.transcode, {});
  command.spec.rewrite = {};
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  const auto leaves_as = [&](std::uint16_t sequence) {
    plane.arrive(0, 4000, kPort, rtp(kPcma, sequence, 160u * sequence, tone_of(0)));
    plane.run();
    const std::vector<Packet> sent = plane.departed(1);
    return sent.size() == 1 ? udp_payload(sent[0])[1] : 0;
  };
  EXPECT_EQ(leaves_as(1), kPcma);
  command.kind = proto::CommandKind::kSetPeer;
  command.spec.transcode = transcode;
  ASSERT_EQ(plane.command(command).kind, EventKind::kPeerSet);
  EXPECT_EQ(leaves_as(2), kOpus);
  command.spec.transcode = {};
  ASSERT_EQ(plane.command(command).kind, EventKind::kPeerSet);
  EXPECT_EQ(leaves_as(3), kPcma);
}

TEST(Transcode, WithoutCoresForItAConversionIsRefused) {
  MediaPlane plane;
  EXPECT_EQ(plane.command(to_opus()).refusal, Refusal::kNoTranscoders);
}

TEST(Transcode, WhatCannotBeIsRefusedAndNamed) {
  MediaPlane::Shape shape = with_transcoders();
  shape.transcoded_flows_max = 2;
  MediaPlane plane(shape);
  ASSERT_EQ(plane.command(to_opus(1, 20000)).kind, EventKind::kInstalled);
  ASSERT_EQ(plane.command(to_opus(2, 20004)).kind, EventKind::kInstalled);
  EXPECT_EQ(plane.command(to_opus(3, 20008)).refusal, Refusal::kTranscodersTaken);
  proto::Command remove = to_opus(1, 20000);
  remove.kind = proto::CommandKind::kRemove;
  ASSERT_EQ(plane.command(remove).kind, EventKind::kRemoved);
  EXPECT_EQ(plane.command(to_opus(3, 20008)).kind, EventKind::kInstalled);
  proto::Command wrong = to_opus(4, 20012);
  wrong.spec.transcode.pair[0].to = AudioCodec::kEvents8k;
  EXPECT_EQ(plane.command(wrong).refusal, Refusal::kEnumOutOfRange);
  wrong.spec.transcode.pairs = 9;
  EXPECT_EQ(plane.command(wrong).refusal, Refusal::kEnumOutOfRange);
}

TEST(Transcode, ARestartedMediaPlaneGoesOnWithFreshCodecs) {
  MediaPlane plane(with_transcoders());
  ASSERT_EQ(plane.command(to_opus()).kind, EventKind::kInstalled);
  plane.arrive(0, 4000, kPort, rtp(kPcma, 1, 160, tone_of(0)));
  plane.run();
  EXPECT_EQ(plane.departed(1).size(), 1u);
  plane.restart();
  plane.arrive(0, 4000, kPort, rtp(kPcma, 2, 320, tone_of(1)));
  plane.run(8);
  std::size_t media = 0;
  for (const Packet& frame : plane.departed(1)) {
    const Packet payload = udp_payload(frame);
    if (payload.size() < 12 || payload[1] != kOpus) continue;
    ++media;
    EXPECT_EQ(proto::load_be32(payload.data() + 4), 1920u);
  }
  EXPECT_EQ(media, 1u);
}

}  // namespace
}  // namespace weir::dataplane
