// How the audio of a flow is converted on its way: by payload type, from one codec to another.
// RFC 3551 section 4.5.14 (PCMA, PCMU), RFC 7587 (Opus), RFC 4733 (telephone-event).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::proto {

/// What a payload type stands for. Telephone-events are told apart by their clock.
enum class AudioCodec : std::uint8_t {
  kOther = 0,  ///< anything else: passes as it is
  kPcmu = 1,
  kPcma = 2,
  kOpus = 3,
  kEvents8k = 4,
  kEvents48k = 5,
};
inline constexpr std::uint8_t kAudioCodecMax = 5;

constexpr bool is_event(AudioCodec codec) {
  return codec == AudioCodec::kEvents8k || codec == AudioCodec::kEvents48k;
}
/// Of those that can be decoded and encoded.
constexpr bool is_speech(AudioCodec codec) {
  return codec == AudioCodec::kPcmu || codec == AudioCodec::kPcma || codec == AudioCodec::kOpus;
}
/// Whether the RTP clock has 48,000 ticks a second (RFC 7587 section 4.1), else 8,000; nothing is said of kOther.
constexpr bool has_fast_clock(AudioCodec codec) {
  return codec == AudioCodec::kOpus || codec == AudioCodec::kEvents48k;
}
/// Whether what comes as `from` can leave as `to`.
constexpr bool can_convert(AudioCodec from, AudioCodec to) {
  return from == to || (is_speech(from) && is_speech(to)) || (is_event(from) && is_event(to));
}

/// What becomes of RTP timestamps, and of all that is told in their unit.
enum class TimestampScale : std::uint8_t {
  kSame = 0,
  kTimes6 = 1,  ///< 8,000 to 48,000
  kBy6 = 2,     ///< 48,000 to 8,000
};
inline constexpr std::uint8_t kTimestampScaleMax = 2;

constexpr TimestampScale scale_between(AudioCodec from, AudioCodec to) {
  if (from == to || has_fast_clock(from) == has_fast_clock(to)) return TimestampScale::kSame;
  return has_fast_clock(to) ? TimestampScale::kTimes6 : TimestampScale::kBy6;
}

/// One payload type: as it arrives, and as it leaves.
struct TranscodePair {
  std::uint8_t from_type;
  std::uint8_t to_type;
  AudioCodec from;
  AudioCodec to;  ///< can_convert(from, to)
};

/// Payload types that a flow which is transcoded knows; any other is dropped. pairs 0: nothing is transcoded.
inline constexpr std::size_t kTranscodePairsMax = 8;
struct TranscodeSpec {
  std::uint8_t pairs;  ///< used entries of pair
  std::array<std::uint8_t, 7> reserved;
  std::array<TranscodePair, kTranscodePairsMax> pair;
};
static_assert(sizeof(TranscodeSpec) == 40);

}  // namespace weir::proto
