#include "dataplane/payload_codec.h"

#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/g711.h"
#include "proto/assert.h"

namespace weir::dataplane {
namespace {

using proto::AudioCodec;
using proto::DropReason;

constexpr int kSampleRate = 8'000;
constexpr int kChannels = 1;  // a decoder makes one channel of two by itself
/// 2.5, 5, 10 and 20 ms: what a packet of several frames is made of. A longer one is a multiple.
constexpr std::array<std::size_t, 4> kFrameSamples = {160, 80, 40, 20};
/// What libopus encodes in one call (opus_encode): beside those above 40, 60, 80, 100 and 120 ms.
constexpr std::array<std::size_t, 9> kWholeSamples = {20, 40, 80, 160, 320, 480, 640, 800, 960};
constexpr std::size_t kFramesMax = 48;       // RFC 6716 section 3.2.5
constexpr std::size_t kFrameBytesMax = 160;  // 20 ms at 64 kbit/s: thrice what the encoder is told to make
constexpr std::size_t kOpusBytesMax = 6 * kFrameBytesMax;
static_assert(kFramesMax * kFrameSamples.back() == kSamplesMax);

constexpr PayloadCodec::Result dropped(DropReason reason) {
  return {.reason = reason, .bytes = 0};
}

G711 law_of(AudioCodec codec) {
  return codec == AudioCodec::kPcma ? G711::kALaw : G711::kMuLaw;
}

bool is_whole(std::size_t samples) {
  return std::find(kWholeSamples.begin(), kWholeSamples.end(), samples) != kWholeSamples.end();
}

/// The longest frame that a packet of so many samples can be made of; 0: there is none.
std::size_t frame_of(std::size_t samples) {
  if (samples == 0 || samples > kSamplesMax) return 0;
  if (is_whole(samples)) return samples;
  for (const std::size_t frame : kFrameSamples) {
    if (samples % frame == 0) return frame;
  }
  return 0;
}

PayloadCodec::Result copy_out(const std::uint8_t* from, std::size_t bytes, proto::MutableBytes out) {
  if (bytes > out.size()) return dropped(DropReason::kTooLong);
  std::memcpy(out.data(), from, bytes);
  return {.reason = DropReason::kNone, .bytes = bytes};
}

}  // namespace

std::size_t PayloadCodec::memory_bytes() {
  const int most = std::max(opus_decoder_get_size(kChannels), opus_encoder_get_size(kChannels));
  return (static_cast<std::size_t>(most) + 63) & ~std::size_t{63};
}

void PayloadCodec::begin_decoder() {
  if (holds_ == Holds::kDecoder) return;
  const int status = opus_decoder_init(reinterpret_cast<OpusDecoder*>(memory_), kSampleRate, kChannels);
  WEIR_ASSERT(status == OPUS_OK);
  holds_ = Holds::kDecoder;
}

void PayloadCodec::begin_encoder() {
  if (holds_ == Holds::kEncoder) return;
  auto* encoder = reinterpret_cast<OpusEncoder*>(memory_);
  int status = opus_encoder_init(encoder, kSampleRate, kChannels, OPUS_APPLICATION_VOIP);
  WEIR_ASSERT(status == OPUS_OK);
  for (const auto set : {+[](OpusEncoder* one) { return opus_encoder_ctl(one, OPUS_SET_BITRATE(kOpusBitsPerSecond)); },
                         +[](OpusEncoder* one) { return opus_encoder_ctl(one, OPUS_SET_COMPLEXITY(kOpusComplexity)); },
                         +[](OpusEncoder* one) { return opus_encoder_ctl(one, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)); }}) {
    status = set(encoder);
    WEIR_ASSERT(status == OPUS_OK);
  }
  holds_ = Holds::kEncoder;
}

PayloadCodec::Result PayloadCodec::convert(AudioCodec from, AudioCodec to, proto::Bytes in, proto::MutableBytes out,
                                           OpusRepacketizer* repacketizer) {
  WEIR_ASSERT(proto::is_speech(from) && proto::is_speech(to));
  // To libopus an empty payload is a lost packet; RTP has none (RFC 7587 section 4.2: one Opus packet).
  if (in.empty()) return dropped(DropReason::kTranscodePayload);
  if (from == AudioCodec::kOpus) return decode(to, in, out);
  if (in.size() > kSamplesMax) return dropped(DropReason::kTranscodeDuration);
  std::array<std::int16_t, kSamplesMax> memory;
  const std::span samples(memory.data(), in.size());
  decode_g711(law_of(from), in, samples);
  if (to == AudioCodec::kOpus) return encode(samples, out, repacketizer);
  if (out.size() < samples.size()) return dropped(DropReason::kTooLong);
  encode_g711(law_of(to), samples, out.first(samples.size()));
  return {.reason = DropReason::kNone, .bytes = samples.size()};
}

PayloadCodec::Result PayloadCodec::decode(AudioCodec to, proto::Bytes in, proto::MutableBytes out) {
  begin_decoder();
  std::array<std::int16_t, kSamplesMax> samples;
  const int count = opus_decode(reinterpret_cast<OpusDecoder*>(memory_), in.data(), static_cast<opus_int32>(in.size()),
                                samples.data(), kSamplesMax, 0);
  if (count <= 0) return dropped(DropReason::kTranscodePayload);
  const auto made = static_cast<std::size_t>(count);
  if (to == AudioCodec::kOpus || made > out.size()) return dropped(DropReason::kTooLong);
  encode_g711(law_of(to), std::span(samples.data(), made), out.first(made));
  return {.reason = DropReason::kNone, .bytes = made};
}

PayloadCodec::Result PayloadCodec::encode(std::span<const std::int16_t> samples, proto::MutableBytes out,
                                          OpusRepacketizer* repacketizer) {
  const std::size_t frame = frame_of(samples.size());
  if (frame == 0) return dropped(DropReason::kTranscodeDuration);
  begin_encoder();
  auto* encoder = reinterpret_cast<OpusEncoder*>(memory_);
  std::array<std::uint8_t, kFramesMax * kFrameBytesMax> frames;
  const std::size_t bytes_max = frame == samples.size() ? kOpusBytesMax : kFrameBytesMax;
  opus_repacketizer_init(repacketizer);
  std::uint8_t* at = frames.data();
  for (std::size_t first = 0; first < samples.size(); first += frame) {
    const opus_int32 bytes =
        opus_encode(encoder, samples.data() + first, static_cast<int>(frame), at, static_cast<opus_int32>(bytes_max));
    if (bytes <= 0) return dropped(DropReason::kTranscodePayload);
    if (frame == samples.size()) return copy_out(at, static_cast<std::size_t>(bytes), out);
    // Frames of one packet have one configuration: a change of mode in the middle of it cannot be said.
    if (opus_repacketizer_cat(repacketizer, at, bytes) != OPUS_OK) return dropped(DropReason::kTranscodePayload);
    at += bytes;
  }
  const opus_int32 bytes =
      opus_repacketizer_out(repacketizer, out.data(), static_cast<opus_int32>(std::min(out.size(), kSamplesMax)));
  if (bytes <= 0) return dropped(DropReason::kTooLong);
  return {.reason = DropReason::kNone, .bytes = static_cast<std::size_t>(bytes)};
}

Repacketizer::Repacketizer() : repacketizer_(opus_repacketizer_create()) {
  WEIR_ASSERT(repacketizer_ != nullptr);
}

Repacketizer::~Repacketizer() {
  opus_repacketizer_destroy(repacketizer_);
}

}  // namespace weir::dataplane
