// SIP messages to be parsed: INVITEs of 1,200 bytes with SDP, each of another call.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace weir::bench {

/// Another message each time one is parsed, as on a real trunk: branch predictors shall not learn one by heart.
inline constexpr std::size_t kInvites = 64;
inline constexpr std::size_t kInviteBytes = 1'200;

/// kInvites of them, each of kInviteBytes exactly.
std::vector<std::string> make_invites();

}  // namespace weir::bench
