#include "controlplane/agreed_audio.h"

#include <algorithm>
#include <optional>

#include "sip/codecs.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

using proto::AudioCodec;

bool has_format(const sip::MediaSection& section, const std::string& format) {
  return std::find(section.formats.begin(), section.formats.end(), format) != section.formats.end();
}

template <typename Is>
std::optional<std::size_t> find(const AgreedAudio& audio, Is is) {
  for (std::size_t at = 0; at < audio.count; ++at) {
    if (is(audio.codec(at), audio.types[at])) return at;
  }
  return std::nullopt;
}

std::optional<std::size_t> first_speech(const AgreedAudio& audio) {
  return find(audio, [](AudioCodec codec, std::uint8_t) { return proto::is_speech(codec); });
}

std::optional<std::size_t> same(const AgreedAudio& audio, AudioCodec codec, std::uint8_t type) {
  return find(audio, [&](AudioCodec one, std::uint8_t its) {
    return one == codec && (codec != AudioCodec::kOther || its == type);
  });
}

/// What one payload type becomes; `speech` is what the other party likes best.
std::optional<std::size_t> target_of(AudioCodec codec, std::uint8_t type, const AgreedAudio& to, std::size_t speech) {
  if (proto::is_event(codec)) {
    const bool fast = proto::has_fast_clock(to.codec(speech));
    return same(to, fast ? AudioCodec::kEvents48k : AudioCodec::kEvents8k, type);
  }
  const std::optional<std::size_t> kept = same(to, codec, type);
  if (kept || !proto::is_speech(codec)) return kept;
  return speech;
}

}  // namespace

bool is_valid(const AgreedAudio& audio) {
  return audio.count <= AgreedAudio::kMax && std::all_of(audio.codecs.begin(), audio.codecs.end(),
                                                         [](std::uint8_t one) { return one <= proto::kAudioCodecMax; });
}

AgreedAudio read_audio(const sip::MediaSection& remote, const sip::MediaSection& local) {
  AgreedAudio audio;
  if (remote.media != "audio") return audio;
  for (const std::string& format : remote.formats) {
    const auto type = sip::parse_number<std::uint8_t>(format, 127);
    if (!type || !has_format(local, format) || audio.count == AgreedAudio::kMax) continue;
    std::optional<sip::Rtpmap> map = sip::rtpmap(remote, *type);
    if (!map) map = sip::rtpmap(local, *type);  // an answerer may leave it out
    audio.types[audio.count] = *type;
    audio.codecs[audio.count++] = static_cast<std::uint8_t>(sip::audio_codec(map));
  }
  return audio;
}

proto::TranscodeSpec transcode_between(const AgreedAudio& from, const AgreedAudio& to) {
  proto::TranscodeSpec spec{};
  const std::optional<std::size_t> speech = first_speech(to);
  const std::optional<std::size_t> liked = first_speech(from);
  if (!speech || !liked || same(to, from.codec(*liked), from.types[*liked])) return spec;
  for (std::size_t at = 0; at < from.count && spec.pairs < proto::kTranscodePairsMax; ++at) {
    const std::optional<std::size_t> target = target_of(from.codec(at), from.types[at], to, *speech);
    if (!target) continue;
    spec.pair[spec.pairs++] = {from.types[at], to.types[*target], from.codec(at), to.codec(*target)};
  }
  return spec;
}

proto::TimestampScale rtcp_scale(const proto::TranscodeSpec& transcode) {
  for (std::uint8_t i = 0; i < transcode.pairs; ++i) {
    const proto::TranscodePair& pair = transcode.pair[i];
    if (proto::is_speech(pair.from) && pair.from != pair.to) return proto::scale_between(pair.from, pair.to);
  }
  return proto::TimestampScale::kSame;
}

}  // namespace weir::controlplane
