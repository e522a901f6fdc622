// The audio codecs that were agreed with a leg's party, and what has to be converted between two legs.
#pragma once

#include <array>
#include <cstdint>

#include "proto/transcode.h"
#include "sip/sdp.h"

namespace weir::controlplane {

/// Payload types, as the party's description orders them. One number stands for one codec on both legs of a call.
struct AgreedAudio {
  static constexpr std::size_t kMax = 12;  ///< of what is agreed beyond these nothing is known
  std::uint8_t count = 0;
  std::array<std::uint8_t, kMax> types{};
  std::array<std::uint8_t, kMax> codecs{};  ///< proto::AudioCodec

  [[nodiscard]] proto::AudioCodec codec(std::size_t at) const { return static_cast<proto::AudioCodec>(codecs[at]); }
};

/// Whether it can have been written by read_audio.
bool is_valid(const AgreedAudio& audio);

/// The formats that are in both descriptions of a section.
AgreedAudio read_audio(const sip::MediaSection& remote, const sip::MediaSection& local);

/// How what comes from one leg's party has to change for the other's. pairs 0: not at all, since the codec that `from`
/// likes best is one of `to`'s, or since nothing can be converted. Else speech becomes what `to` likes best, unless
/// `to` has the codec itself, and telephone-events those of that one's clock (RFC 4733 section 2.1).
proto::TranscodeSpec transcode_between(const AgreedAudio& from, const AgreedAudio& to);

/// What becomes of timestamps in RTCP beside it: as those of the speech that is converted.
proto::TimestampScale rtcp_scale(const proto::TranscodeSpec& transcode);

}  // namespace weir::controlplane
