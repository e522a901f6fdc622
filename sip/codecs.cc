#include "sip/codecs.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sip/text.h"

namespace weir::sip {
namespace {

using proto::AudioCodec;
using proto::CodecName;

/// What we say of a codec that we add. Opus is played and made at 8,000 samples a second (RFC 7587 section 6.1).
struct Added {
  AudioCodec codec;
  std::uint8_t payload_type;  ///< RFC 3551 section 6, or what browsers say
  std::string_view map;
  std::string_view parameters;  ///< fmtp; empty: none
};
constexpr std::array kAdded{
    Added{AudioCodec::kPcmu, 0, "PCMU/8000", ""},
    Added{AudioCodec::kPcma, 8, "PCMA/8000", ""},
    Added{AudioCodec::kOpus, 111, "opus/48000/2", "minptime=10;useinbandfec=1;maxplaybackrate=8000"},
    Added{AudioCodec::kEvents8k, 126, "telephone-event/8000", "0-16"},
    Added{AudioCodec::kEvents48k, 110, "telephone-event/48000", "0-16"},
};
constexpr std::uint8_t kDynamicFirst = 96;
constexpr std::uint8_t kDynamicLast = 127;
/// What goes along with a codec, and is none by itself.
constexpr std::array<std::string_view, 4> kRepairs = {"ulpfec", "flexfec", "flexfec-03", "parityfec"};
constexpr std::array<std::string_view, 4> kOtherCompanions = {"telephone-event", "CN", "red", "rtx"};

const Added& added(AudioCodec codec) {
  return *std::find_if(kAdded.begin(), kAdded.end(), [&](const Added& one) { return one.codec == codec; });
}

AudioCodec audio_codec(CodecName name) {
  return name == CodecName::kOpus   ? AudioCodec::kOpus
         : name == CodecName::kPcma ? AudioCodec::kPcma
                                    : AudioCodec::kPcmu;
}

std::optional<Rtpmap> map_of(const MediaSection& section, const std::string& format) {
  const auto payload_type = parse_number<std::uint8_t>(format, 127);
  return payload_type ? rtpmap(section, *payload_type) : std::nullopt;
}

bool is_one_of(const std::optional<Rtpmap>& map, std::span<const std::string_view> names) {
  return map && std::any_of(names.begin(), names.end(),
                            [&](std::string_view name) { return equals_without_case(name, map->encoding); });
}

bool is_companion(const std::optional<Rtpmap>& map) {
  return is_one_of(map, kOtherCompanions) || is_one_of(map, kRepairs);
}

bool has(const MediaSection& section, AudioCodec codec) {
  return std::any_of(section.formats.begin(), section.formats.end(),
                     [&](const std::string& format) { return sip::audio_codec(map_of(section, format)) == codec; });
}

template <typename Is>
bool has_any(const MediaSection& section, Is is) {
  return std::any_of(section.formats.begin(), section.formats.end(),
                     [&](const std::string& format) { return is(sip::audio_codec(map_of(section, format))); });
}

/// The place of a format in the policy's order; those that it does not name come last.
std::size_t rank_of(const MediaSection& section, const std::string& format, const proto::CodecPolicy& policy) {
  const std::optional<Rtpmap> map = map_of(section, format);
  const std::optional<CodecName> name = map ? proto::codec_by_name(map->encoding) : std::nullopt;
  return name ? policy.rank(*name) : policy.count;
}

/// The formats that the policy names, in its order, and behind them what goes along with a codec.
void put_in_order(MediaSection& section, const proto::CodecPolicy& policy) {
  std::vector<std::string> named;
  std::vector<std::string> companions;
  for (const std::string& format : section.formats) {
    if (rank_of(section, format, policy) < policy.count) {
      named.push_back(format);
    } else if (is_companion(map_of(section, format))) {
      companions.push_back(format);
    }
  }
  if (named.empty()) return;
  std::stable_sort(named.begin(), named.end(), [&](const std::string& one, const std::string& other) {
    return rank_of(section, one, policy) < rank_of(section, other, policy);
  });
  section.formats = std::move(named);
  section.formats.insert(section.formats.end(), companions.begin(), companions.end());
}

/// Payload types that `theirs` uses, whether or not they are offered on.
bool is_free(const MediaSection& theirs, const MediaSection& mine, unsigned payload_type) {
  const std::string format = std::to_string(payload_type);
  const auto uses = [&](const MediaSection& section) {
    return std::find(section.formats.begin(), section.formats.end(), format) != section.formats.end();
  };
  return !uses(theirs) && !uses(mine);
}

std::optional<unsigned> type_for(AudioCodec codec, const MediaSection& theirs, const MediaSection& mine,
                                 const AudioTypes& before) {
  const unsigned known = before[static_cast<std::size_t>(codec)];
  if (known != 0 && is_free(theirs, mine, known - 1)) return known - 1;
  if (is_free(theirs, mine, added(codec).payload_type)) return added(codec).payload_type;
  for (unsigned type = kDynamicFirst; type <= kDynamicLast; ++type) {
    const bool reserved = std::find(before.begin(), before.end(), type + 1) != before.end();
    if (!reserved && is_free(theirs, mine, type)) return type;
  }
  return std::nullopt;
}

/// Behind the last codec.
std::vector<std::string>::iterator codecs_end(MediaSection& section) {
  const auto last = std::find_if(section.formats.rbegin(), section.formats.rend(),
                                 [&](const std::string& format) { return !is_companion(map_of(section, format)); });
  return last.base();
}

void add(AudioCodec codec, const MediaSection& theirs, const AudioTypes& before, MediaSection& mine) {
  if (has(mine, codec)) return;
  const std::optional<unsigned> type = type_for(codec, theirs, mine, before);
  if (!type) return;
  const std::string format = std::to_string(*type);
  const Added& what = added(codec);
  mine.formats.insert(proto::is_speech(codec) ? codecs_end(mine) : mine.formats.end(), format);
  mine.attributes.push_back({"rtpmap", format + " " + std::string(what.map)});
  if (!what.parameters.empty()) mine.attributes.push_back({"fmtp", format + " " + std::string(what.parameters)});
}

/// Those of the policy, or all there are.
std::vector<AudioCodec> speech_to_add(const proto::CodecPolicy& policy) {
  if (policy.count == 0) return {AudioCodec::kOpus, AudioCodec::kPcma, AudioCodec::kPcmu};
  std::vector<AudioCodec> codecs;
  for (const CodecName name : policy) {
    if (proto::can_transcode(name)) codecs.push_back(audio_codec(name));
  }
  return codecs;
}

bool share_a_codec(const MediaSection& offered, const MediaSection& far) {
  return std::any_of(far.formats.begin(), far.formats.end(), [&](const std::string& format) {
    const bool both = std::find(offered.formats.begin(), offered.formats.end(), format) != offered.formats.end();
    return both && !is_companion(map_of(far, format)) && !is_companion(map_of(offered, format));
  });
}

/// The format of an offer that is answered where its audio is converted; nullptr: it has none.
const std::string* speech_to_answer(const MediaSection& offered, const proto::CodecPolicy& policy) {
  const std::string* best = nullptr;
  for (const std::string& format : offered.formats) {
    if (!proto::is_speech(sip::audio_codec(map_of(offered, format)))) continue;
    if (best == nullptr || rank_of(offered, format, policy) < rank_of(offered, *best, policy)) best = &format;
  }
  return best;
}

const std::string* find_codec(const MediaSection& section, AudioCodec codec) {
  for (const std::string& format : section.formats) {
    if (sip::audio_codec(map_of(section, format)) == codec) return &format;
  }
  return nullptr;
}

bool has_format(const MediaSection& section, const std::string& format) {
  return std::find(section.formats.begin(), section.formats.end(), format) != section.formats.end();
}

/// False when both sides say what the payload type is, and say different things.
bool is_same_codec(const MediaSection& a, const MediaSection& b, const std::string& format) {
  const auto payload_type = parse_number<std::uint8_t>(format);
  if (!payload_type) return false;
  const std::optional<Rtpmap> one = rtpmap(a, *payload_type);
  const std::optional<Rtpmap> other = rtpmap(b, *payload_type);
  if (!one || !other) return true;
  return equals_without_case(one->encoding, other->encoding) && one->clock_hz == other->clock_hz;
}

}  // namespace

AudioCodec audio_codec(const std::optional<Rtpmap>& map) {
  if (!map) return AudioCodec::kOther;
  const bool mono = map->parameters.empty() || map->parameters == "1";
  for (const Added& one : kAdded) {
    const std::string_view name = one.map.substr(0, one.map.find('/'));
    const std::uint32_t clock_hz = proto::has_fast_clock(one.codec) ? 48'000 : 8'000;
    if (!equals_without_case(name, map->encoding) || map->clock_hz != clock_hz) continue;
    // Opus says two channels, whatever it has (RFC 7587 section 7); of the others two would be twice the samples.
    if (one.codec == AudioCodec::kOpus || mono) return one.codec;
  }
  return AudioCodec::kOther;
}

void note_audio_types(const MediaSection& section, AudioTypes& types) {
  for (const std::string& format : section.formats) {
    const std::optional<Rtpmap> map = map_of(section, format);
    const AudioCodec codec = audio_codec(map);
    if (codec == AudioCodec::kOther) continue;
    types[static_cast<std::size_t>(codec)] = static_cast<std::uint8_t>(map->payload_type + 1);
  }
}

MediaSection codecs_to_offer(const MediaSection& theirs, const proto::CodecPolicy& policy, const AudioTypes& before) {
  MediaSection mine = theirs;
  if (theirs.media != "audio") return mine;
  if (policy.count != 0) put_in_order(mine, policy);
  if (!policy.transcode || !has_any(theirs, proto::is_speech)) return mine;
  for (const AudioCodec codec : speech_to_add(policy)) add(codec, theirs, before, mine);
  if (!has_any(theirs, [](AudioCodec codec) { return proto::is_event(codec); })) return mine;
  if (has(mine, AudioCodec::kOpus)) add(AudioCodec::kEvents48k, theirs, before, mine);
  if (has(mine, AudioCodec::kPcma) || has(mine, AudioCodec::kPcmu)) add(AudioCodec::kEvents8k, theirs, before, mine);
  return mine;
}

void leave_out_repairs(MediaSection& section) {
  std::vector<std::string> others;
  std::copy_if(section.formats.begin(), section.formats.end(), std::back_inserter(others),
               [&](const std::string& format) { return !is_one_of(map_of(section, format), kRepairs); });
  if (!others.empty()) section.formats = std::move(others);
}

MediaSection codecs_to_answer(const MediaSection& offered, const MediaSection& far, const proto::CodecPolicy& policy) {
  if (offered.media != "audio" || share_a_codec(offered, far)) return far;
  const std::string* speech = speech_to_answer(offered, policy);
  if (speech == nullptr || !has_any(far, proto::is_speech)) return far;
  MediaSection mine = far;
  mine.formats = {*speech};
  std::erase_if(mine.attributes, [](const SdpAttribute& attribute) {
    return attribute.name == "rtpmap" || attribute.name == "fmtp" || attribute.name == "rtcp-fb";
  });
  const AudioCodec codec = audio_codec(map_of(offered, *speech));
  const Added& what = added(codec);
  if (!what.parameters.empty()) mine.attributes.push_back({"fmtp", *speech + " " + std::string(what.parameters)});
  const AudioCodec events = proto::has_fast_clock(codec) ? AudioCodec::kEvents48k : AudioCodec::kEvents8k;
  const std::string* event = find_codec(offered, events);
  if (event == nullptr || !has_any(far, [](AudioCodec one) { return proto::is_event(one); })) return mine;
  mine.formats.push_back(*event);
  mine.attributes.push_back({"fmtp", *event + " " + std::string(added(events).parameters)});
  return mine;
}

std::vector<std::string> common_formats(const MediaSection& offered, const MediaSection& answered) {
  std::vector<std::string> formats;
  for (const std::string& format : answered.formats) {
    const bool is_new = std::find(formats.begin(), formats.end(), format) == formats.end();
    if (is_new && has_format(offered, format) && is_same_codec(offered, answered, format)) formats.push_back(format);
  }
  return formats;
}

}  // namespace weir::sip
