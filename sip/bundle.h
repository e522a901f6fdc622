// Which sections a peer means to send over one transport, and what each is called: a=group:BUNDLE and a=bundle-only
// (RFC 9143), a=mid (RFC 5888). Which sections of a group are carried: bundled.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/sdp.h"

namespace weir::sip {

/// RTP carries a tag with a length of one byte (RFC 9143 section 14, RFC 7941 section 4.1.1).
inline constexpr std::size_t kMidBytesMax = 255;

/// The section's identification tag; empty if it has none, or one that is too long or no token. Lives as long as the
/// section.
std::string_view mid_of(const MediaSection& section);

/// The section has no transport of its own, and is not refused for its port 0 (RFC 9143 section 6).
bool is_bundle_only(const MediaSection& section);

inline constexpr std::size_t kNoBundle = static_cast<std::size_t>(-1);
/// For each section which of the session's BUNDLE groups lists it, from 0; kNoBundle if none does. The first counts.
std::vector<std::size_t> bundle_groups(const SessionDescription& session);

/// A BUNDLE group of these tags, with spaces between them.
SdpAttribute bundle_of(std::string_view mids);

/// A tag for each of `sections` sections: those of `before` stay, as they must for a session's life; the others are
/// new.
std::vector<std::string> mids_to_offer(std::size_t sections, const std::vector<std::string>& before);

}  // namespace weir::sip
