// The audio codecs of an offer or answer where the two sides are not simply told of each other's: put in a realm's
// order, and where calls are transcoded, joined by those that weir-media converts. RFC 3264 sections 5.1, 6.1 and 8.3.2
// (order and payload types), RFC 7587 section 7 (Opus in SDP), RFC 4733 section 2.4.1 and RFC 7874 section 3
// (telephone-event).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/codec_policy.h"
#include "proto/transcode.h"
#include "sip/sdp.h"

namespace weir::sip {

/// What a description calls each codec that can be converted, by proto::AudioCodec: its payload type + 1, 0: it has
/// none.
using AudioTypes = std::array<std::uint8_t, proto::kAudioCodecMax + 1>;

/// What a payload type stands for; kOther if it is none that can be converted.
proto::AudioCodec audio_codec(const std::optional<Rtpmap>& map);

/// Notes the payload types of a section; those that it does not say stay.
void note_audio_types(const MediaSection& section, AudioTypes& types);

/// The formats that we offer in place of what the other side offered: of an audio section those that `policy` names, in
/// its order, all of them if it names none that is there; behind them, with `transcode`, the codecs that can be
/// converted and are not there yet, if there is one that is; then telephone-events, for each clock. A codec has the
/// payload type that `before` knows it by, if no other has it now. Other sections stay as they are.
MediaSection codecs_to_offer(const MediaSection& theirs, const proto::CodecPolicy& policy, const AudioTypes& before);

/// Takes out the formats that repair lost packets by what they copy of their headers (RFC 5109, RFC 8627): where
/// sources are hidden they would tell them, and repair nothing. A section of nothing else stays as it is.
void leave_out_repairs(MediaSection& section);

/// What answers `offered`, when the far side has agreed to `far`: that, if they share a codec. Else, if both sides have
/// one that can be converted, the one of the offer that `policy` or else the offer prefers, and the telephone-events of
/// its clock.
MediaSection codecs_to_answer(const MediaSection& offered, const MediaSection& far, const proto::CodecPolicy& policy);

/// The answer's formats that the offer has too, in the answer's order. An answer may name more (RFC 3264 section 6.1);
/// the other leg never offered those. Each stands once: repeated ones would multiply the lines that describe them.
std::vector<std::string> common_formats(const MediaSection& offered, const MediaSection& answered);

}  // namespace weir::sip
