// The oracle is libopus itself, at 48,000 samples a second as browsers run it, and a tone that has to be there still.
#include "dataplane/payload_codec.h"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <memory>
#include <random>
#include <vector>

#include "dataplane/g711.h"
#include "tests/support/tone.h"

namespace weir::dataplane {
namespace {

using proto::AudioCodec;
using proto::DropReason;
using tests::share_of_tone;
using tests::tone;
using Payload = std::vector<std::uint8_t>;

/// A codec with memory of its own.
class Codec {
 public:
  Codec() : memory_(PayloadCodec::memory_bytes() / 64), codec_(memory_[0].bytes) {}

  DropReason convert(AudioCodec from, AudioCodec to, const Payload& in, Payload& out, std::size_t room = 1400) {
    out.resize(room);
    const PayloadCodec::Result result = codec_.convert(from, to, in, out, repacketizer_.get());
    out.resize(result.bytes);
    return result.reason;
  }

 private:
  struct alignas(64) Line {
    std::uint8_t bytes[64];
  };
  std::vector<Line> memory_;
  PayloadCodec codec_;
  Repacketizer repacketizer_;
};

Payload pcma(const std::vector<std::int16_t>& samples) {
  Payload codes(samples.size());
  encode_g711(G711::kALaw, samples, codes);
  return codes;
}

std::vector<std::int16_t> samples_of(const Payload& codes, G711 law) {
  std::vector<std::int16_t> samples(codes.size());
  decode_g711(law, codes, samples);
  return samples;
}

struct EndDecoder {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};
struct EndEncoder {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};

/// 30 packets of G.711 with so many samples each become Opus packets as long, in which libopus hears the tone.
void expect_tone_in_opus(std::size_t packet_samples) {
  SCOPED_TRACE(packet_samples);
  int error = 0;
  const std::unique_ptr<OpusDecoder, EndDecoder> decoder(opus_decoder_create(8000, 1, &error));
  Codec codec;
  std::vector<std::int16_t> heard;
  const std::size_t packets = 8000 / packet_samples;
  for (std::size_t i = 0; i < packets; ++i) {
    Payload out;
    ASSERT_EQ(
        codec.convert(AudioCodec::kPcma, AudioCodec::kOpus, pcma(tone(440, i * packet_samples, packet_samples)), out),
        DropReason::kNone);
    std::array<std::int16_t, 960> samples;
    const int count =
        opus_decode(decoder.get(), out.data(), static_cast<opus_int32>(out.size()), samples.data(), 960, 0);
    ASSERT_EQ(count, static_cast<int>(packet_samples));
    heard.insert(heard.end(), samples.begin(), samples.begin() + count);
  }
  EXPECT_GT(share_of_tone(std::span(heard).subspan(heard.size() / 2), 440), 0.8);
}

TEST(PayloadCodec, G711OfEveryDurationThatOpusCanHaveBecomesOneOpusPacketAsLong) {
  for (const std::size_t ms : {5u, 10u, 15u, 20u, 25u, 30u, 40u, 45u, 50u, 60u, 80u, 100u, 120u}) {
    expect_tone_in_opus(8 * ms);
  }
}

TEST(PayloadCodec, OpusOfABrowserBecomesG711WithItsTone) {
  for (const int samples_48k : {480, 960, 1920, 2880}) {
    int error = 0;
    const std::unique_ptr<OpusEncoder, EndEncoder> encoder(
        opus_encoder_create(48000, 2, OPUS_APPLICATION_VOIP, &error));
    Codec codec;
    std::vector<std::int16_t> heard;
    for (int at = 0; at < 48000; at += samples_48k) {
      std::vector<std::int16_t> in;
      for (int n = at; n < at + samples_48k; ++n) {
        const auto value = static_cast<std::int16_t>(16000 * std::sin(2 * std::numbers::pi * 1000 * n / 48000));
        in.insert(in.end(), {value, value});
      }
      Payload packet(1275);
      const int bytes = opus_encode(encoder.get(), in.data(), samples_48k, packet.data(), 1275);
      ASSERT_GT(bytes, 0);
      packet.resize(static_cast<std::size_t>(bytes));
      Payload out;
      ASSERT_EQ(codec.convert(AudioCodec::kOpus, AudioCodec::kPcmu, packet, out), DropReason::kNone);
      ASSERT_EQ(out.size(), static_cast<std::size_t>(samples_48k) / 6);
      const std::vector<std::int16_t> samples = samples_of(out, G711::kMuLaw);
      heard.insert(heard.end(), samples.begin(), samples.end());
    }
    EXPECT_GT(share_of_tone(std::span(heard).subspan(heard.size() / 2), 1000), 0.8);
  }
}

TEST(PayloadCodec, MuLawAndALawBecomeEachOther) {
  Codec codec;
  Payload out;
  const std::vector<std::int16_t> samples = tone(440, 0, 160);
  ASSERT_EQ(codec.convert(AudioCodec::kPcma, AudioCodec::kPcmu, pcma(samples), out), DropReason::kNone);
  EXPECT_GT(share_of_tone(samples_of(out, G711::kMuLaw), 440), 0.9);
}

TEST(PayloadCodec, APacketWithoutAFrameIsComfortNoise) {
  Codec codec;
  Payload out;
  EXPECT_EQ(codec.convert(AudioCodec::kOpus, AudioCodec::kPcma, {0x08}, out), DropReason::kNone);  // SILK, 20 ms, DTX
  EXPECT_EQ(out.size(), 160u);
}

TEST(PayloadCodec, WhatHasNoCounterpartIsDroppedAndNamed) {
  Codec codec;
  Payload out;
  const auto opus = AudioCodec::kOpus;
  const auto law = AudioCodec::kPcma;
  EXPECT_EQ(codec.convert(law, opus, Payload(), out), DropReason::kTranscodePayload);
  EXPECT_EQ(codec.convert(opus, law, Payload(), out), DropReason::kTranscodePayload);
  EXPECT_EQ(codec.convert(law, opus, Payload(161), out), DropReason::kTranscodeDuration);
  EXPECT_EQ(codec.convert(law, opus, Payload(19), out), DropReason::kTranscodeDuration);
  EXPECT_EQ(codec.convert(law, opus, Payload(1280), out), DropReason::kTranscodeDuration);
  EXPECT_EQ(codec.convert(opus, law, {0xff}, out), DropReason::kTranscodePayload)
      << "a code 3 packet without its count";
  EXPECT_EQ(codec.convert(opus, law, {0x08}, out, 100), DropReason::kTooLong);
  EXPECT_EQ(codec.convert(law, AudioCodec::kPcmu, Payload(160), out, 100), DropReason::kTooLong);
}

TEST(PayloadCodec, RandomPayloadsAreConvertedOrDroppedAndTheNextToneIsHeard) {
  std::mt19937 random(1);
  Codec codec;
  for (int i = 0; i < 20'000; ++i) {
    Payload in(random() % 1400);
    for (std::uint8_t& byte : in) byte = static_cast<std::uint8_t>(random());
    Payload out;
    const DropReason reason = codec.convert(AudioCodec::kOpus, AudioCodec::kPcma, in, out);
    ASSERT_TRUE(reason == DropReason::kNone ? out.size() <= kSamplesMax && !out.empty()
                                            : reason == DropReason::kTranscodePayload)
        << i;
  }
  expect_tone_in_opus(160);
}

}  // namespace
}  // namespace weir::dataplane
