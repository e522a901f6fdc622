// One RTP payload converted into another: Opus (RFC 6716, RFC 7587) and G.711, at 8,000 samples a second and one
// channel, one packet in and one packet out. The codecs' state lies in memory that was allocated at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/bytes.h"
#include "proto/counters.h"
#include "proto/transcode.h"

struct OpusRepacketizer;

namespace weir::dataplane {

/// Samples of the longest packet: 120 ms (RFC 6716 section 2.1.4) at 8,000 a second.
inline constexpr std::size_t kSamplesMax = 960;

/// Bits a second that Opus is encoded with: narrowband speech needs 8,000 to 12,000 (RFC 6716 section 2.1.1), and what
/// it was made of has been through G.711 before.
inline constexpr int kOpusBitsPerSecond = 20'000;
/// 0..10: what an encoder may spend.
inline constexpr int kOpusComplexity = 5;

/// One direction of one stream: an Opus decoder or an Opus encoder, whichever was needed last, or nothing yet.
class PayloadCodec {
 public:
  /// Bytes of memory that a codec needs, a multiple of 64.
  static std::size_t memory_bytes();

  /// `memory` is memory_bytes() long, 64-byte aligned, and outlives the codec.
  explicit PayloadCodec(std::uint8_t* memory) : memory_(memory) {}

  /// The next packet is the first of another stream.
  void forget() { holds_ = Holds::kNothing; }

  struct Result {
    proto::DropReason reason;  ///< kNone, or kTranscodePayload, kTranscodeDuration, kTooLong: nothing was written
    std::size_t bytes;         ///< of the payload that was written
  };

  /// Converts one packet's payload; `from` and `to` are speech. `in` and `out` may be the same memory.
  ///   Opus in: a packet of any configuration and 2.5 to 120 ms. One that has no frame (DTX) becomes comfort noise.
  ///   Opus out: G.711 of a multiple of 2.5 ms, to 120 ms: one packet, of several frames where no single one is so long
  ///   (RFC 6716 section 3.2).
  Result convert(proto::AudioCodec from, proto::AudioCodec to, proto::Bytes in, proto::MutableBytes out,
                 OpusRepacketizer* repacketizer);

 private:
  enum class Holds : std::uint8_t { kNothing, kDecoder, kEncoder };

  Result decode(proto::AudioCodec to, proto::Bytes in, proto::MutableBytes out);
  Result encode(std::span<const std::int16_t> samples, proto::MutableBytes out, OpusRepacketizer* repacketizer);
  void begin_decoder();
  void begin_encoder();

  std::uint8_t* memory_;
  Holds holds_ = Holds::kNothing;
};

/// What joins frames to a packet: one for all codecs of a thread.
class Repacketizer {
 public:
  Repacketizer();
  Repacketizer(const Repacketizer&) = delete;
  Repacketizer& operator=(const Repacketizer&) = delete;
  ~Repacketizer();
  [[nodiscard]] OpusRepacketizer* get() const { return repacketizer_; }

 private:
  OpusRepacketizer* repacketizer_;
};

}  // namespace weir::dataplane
