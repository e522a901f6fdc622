// What of one leg's media section crosses to the other's beside its codecs: feedback, header extensions, sources and
// simulcast. RFC 4585 section 4.2, RFC 5104 section 7.1, RFC 5506 section 5, RFC 8285 section 5, RFC 5576, RFC 8851,
// RFC 8853.
#pragma once

#include <initializer_list>
#include <string_view>

#include "sip/sdp.h"

namespace weir::sip {

/// What may cross, by the policies of both legs and what the sections are.
struct Crossing {
  bool extensions = false;  ///< a=extmap
  bool mixed = false;       ///< a=extmap-allow-mixed beside it, which a session may say for all its sections
  bool simulcast = false;   ///< a=rid, a=simulcast; with `extensions` only, for RTP says the rid in one
  bool sources = false;     ///< a=ssrc, a=ssrc-group: SSRCs pass as they are
  /// Both legs call the section the same: only then may RTP say its tag (RFC 9143 section 15).
  bool same_mid = false;
};

/// a=rtcp-fb of the formats that crossed, where both sides have feedback (RFC 4585 section 4.2): else it is dropped.
/// Video is told of both kinds of picture request, in an answer as far as `offered` has them: weir-media makes one of
/// the other, and for who has none it is made of an INFO, and an INFO of it (RFC 5168). And a=rtcp-rsize (RFC 5506), if
/// `offered` has it too.
void copy_feedback(const MediaSection& from, const MediaSection& offered, bool is_offer, MediaSection& to);

/// The lines of `from` that `crossing` allows, as far as all of `limits` have the same: an answer brings nothing new.
/// Of extensions none whose id or name came before in the section, none that is malformed, and none that is encrypted
/// on its own (RFC 6904): its key is another on each leg. Names of the sender's own streams (msid) stay behind.
void copy_crossing(const MediaSection& from, std::initializer_list<const MediaSection*> limits,
                   const Crossing& crossing, MediaSection& to);

/// True for a section that has any header extension.
bool has_extensions(const MediaSection& section);

}  // namespace weir::sip
