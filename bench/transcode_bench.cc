// What one packet of 20 ms costs the core that converts it, of 256 calls by turns, so that their codecs lie in no near
// cache: Opus to G.711, G.711 to Opus, and both together, beside libopus alone. A call at 20 ms has 50 packets a second
// each way: a core carries 10^9 / (100 x the value of transcode/call) calls.
#include <benchmark/benchmark.h>
#include <opus/opus.h>

#include <cmath>
#include <memory>
#include <vector>

#include "bench/support/row.h"
#include "dataplane/g711.h"
#include "dataplane/payload_codec.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using proto::AudioCodec;
using Payload = std::vector<std::uint8_t>;

constexpr std::size_t kCalls = 256;
constexpr std::size_t kSamples = 160;
constexpr std::size_t kPackets = 16;  ///< different ones, again and again
constexpr std::size_t kRoom = 1400;

/// A voice of sorts: harmonics under a slow envelope, and breath.
std::vector<std::int16_t> voice(std::size_t packet) {
  std::vector<std::int16_t> samples;
  std::uint32_t noise = 1;
  for (std::size_t n = packet * kSamples; n < (packet + 1) * kSamples; ++n) {
    const double t = static_cast<double>(n) / 8000;
    noise = noise * 1664525 + 1013904223;
    const double breath = static_cast<double>(noise >> 20) / 4096 - 0.5;
    const double tone = std::sin(830 * t) + 0.6 * std::sin(1660 * t) + 0.4 * std::sin(4980 * t);
    samples.push_back(static_cast<std::int16_t>((1 + std::sin(25 * t)) * (3000 * tone + 600 * breath)));
  }
  return samples;
}

struct Samples {
  std::vector<Payload> law;
  std::vector<std::vector<std::int16_t>> linear;
  std::vector<Payload> opus;
};

struct EndEncoder {
  void operator()(OpusEncoder* one) const { opus_encoder_destroy(one); }
};
struct EndDecoder {
  void operator()(OpusDecoder* one) const { opus_decoder_destroy(one); }
};
using Encoder = std::unique_ptr<OpusEncoder, EndEncoder>;
using Decoder = std::unique_ptr<OpusDecoder, EndDecoder>;

Encoder make_encoder() {
  Encoder encoder(opus_encoder_create(8000, 1, OPUS_APPLICATION_VOIP, nullptr));
  opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(dataplane::kOpusBitsPerSecond));
  opus_encoder_ctl(encoder.get(), OPUS_SET_COMPLEXITY(dataplane::kOpusComplexity));
  opus_encoder_ctl(encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  return encoder;
}

const Samples& samples() {
  static const Samples made = [] {
    Samples all;
    const Encoder encoder = make_encoder();
    for (std::size_t i = 0; i < kPackets; ++i) {
      all.linear.push_back(voice(i));
      all.law.emplace_back(kSamples);
      dataplane::encode_g711(dataplane::G711::kALaw, all.linear.back(), all.law.back());
      Payload packet(kRoom);
      const int bytes = opus_encode(encoder.get(), all.linear.back().data(), kSamples, packet.data(), kRoom);
      WEIR_ASSERT(bytes > 0);
      packet.resize(static_cast<std::size_t>(bytes));
      all.opus.push_back(packet);
    }
    return all;
  }();
  return made;
}

/// As many codecs as there are calls, in one direction.
class Codecs {
 public:
  Codecs() : memory_(kCalls * dataplane::PayloadCodec::memory_bytes() / sizeof(Line)) {
    const std::size_t each = dataplane::PayloadCodec::memory_bytes() / sizeof(Line);
    for (std::size_t i = 0; i < kCalls; ++i) codecs_.emplace_back(memory_[i * each].bytes);
  }

  void convert(AudioCodec from, AudioCodec to, const Payload& in) {
    std::uint8_t out[kRoom];
    for (dataplane::PayloadCodec& codec : codecs_) {
      WEIR_ASSERT(codec.convert(from, to, in, out, repacketizer_.get()).bytes != 0);
    }
  }

 private:
  struct alignas(64) Line {
    std::uint8_t bytes[64];
  };
  std::vector<Line> memory_;
  std::vector<dataplane::PayloadCodec> codecs_;
  dataplane::Repacketizer repacketizer_;
};

Pass weir_pass(bool decodes, bool encodes) {
  auto there = std::make_shared<Codecs>();
  auto back = std::make_shared<Codecs>();
  auto at = std::make_shared<std::size_t>(0);
  return [=] {
    const std::size_t packet = (*at)++ % kPackets;
    return timed([&] {
      if (decodes) there->convert(AudioCodec::kOpus, AudioCodec::kPcma, samples().opus[packet]);
      if (encodes) back->convert(AudioCodec::kPcma, AudioCodec::kOpus, samples().law[packet]);
    });
  };
}

/// The same work of libopus, without G.711 and without what makes one packet of another.
Pass libopus_pass(bool decodes, bool encodes) {
  auto decoders = std::make_shared<std::vector<Decoder>>();
  auto encoders = std::make_shared<std::vector<Encoder>>();
  for (std::size_t i = 0; i < kCalls; ++i) {
    decoders->emplace_back(opus_decoder_create(8000, 1, nullptr));
    encoders->push_back(make_encoder());
  }
  auto at = std::make_shared<std::size_t>(0);
  return [=] {
    const std::size_t packet = (*at)++ % kPackets;
    const Payload& opus = samples().opus[packet];
    std::int16_t heard[dataplane::kSamplesMax];
    std::uint8_t out[kRoom];
    return timed([&] {
      for (std::size_t i = 0; decodes && i < kCalls; ++i) {
        benchmark::DoNotOptimize(opus_decode((*decoders)[i].get(), opus.data(), static_cast<opus_int32>(opus.size()),
                                             heard, dataplane::kSamplesMax, 0));
      }
      for (std::size_t i = 0; encodes && i < kCalls; ++i) {
        benchmark::DoNotOptimize(
            opus_encode((*encoders)[i].get(), samples().linear[packet].data(), kSamples, out, kRoom));
      }
    });
  };
}

void register_row(const std::string& row, bool decodes, bool encodes) {
  const std::size_t packets = kCalls * ((decodes ? 1 : 0) + (encodes ? 1 : 0));
  register_side(row, kWeir, packets, [=] { return weir_pass(decodes, encodes); });
  register_side(row, "libopus", packets, [=] { return libopus_pass(decodes, encodes); });
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::register_row("transcode/opus_to_g711/20ms", true, false);
  weir::bench::register_row("transcode/g711_to_opus/20ms", false, true);
  weir::bench::register_row("transcode/call/20ms", true, true);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
