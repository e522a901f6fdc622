// The session interval in a message, and the longer one that a 422 asks for. RFC 4028.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sip/message.h"
#include "sip/session_expires.h"

namespace weir::controlplane {

/// How often a longer interval is agreed to on one leg: a chain of proxies may each have a minimum of its own.
inline constexpr std::size_t kSessionRaisesMax = 4;
/// The longest interval that is agreed to. A day: beyond it a timer is none.
inline constexpr std::uint32_t kSessionSecondsMax = 86'400;

/// nullopt if there is none, or a malformed one.
std::optional<sip::SessionExpires> read_session_expires(const sip::Message& message);

/// A request once more with the interval that its 422 asks for, without credentials: they were for the request before
/// (RFC 7616 section 3.4: a nonce count is used once). nullopt: the request has asked for no interval, or the response
/// for one that it had already, or one beyond kSessionSecondsMax.
std::optional<sip::Message> with_longer_interval(const sip::Message& request, const sip::Message& refusal);

}  // namespace weir::controlplane
