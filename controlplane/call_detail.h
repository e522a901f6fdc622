// Call detail records: what is told of a call when it has ended, to whoever bills, routes or repairs. Never a key.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/end_cause.h"
#include "controlplane/leg.h"
#include "sip/message.h"

namespace weir::controlplane {

/// Bytes of any text of a peer's that goes into a record; longer ones end in "...".
inline constexpr std::size_t kDetailBytesMax = 512;

/// What a call remembers of its beginning for its record; kept over a restart.
struct CallOrigin {
  std::string from;  ///< the header's value
  std::string to;
  std::string request_uri;
  std::uint64_t ringing_ns = 0;  ///< CLOCK_MONOTONIC of the first 180; 0: none
};

/// `invite`: the caller's.
CallOrigin origin_of(const sip::Message& invite);

/// How a call came to its end.
struct CallRelease {
  std::string by = "border";         ///< "caller", "callee" or "border"
  std::vector<std::string> reasons;  ///< Reason (RFC 3326) of the message that ended it, each header as it came
};

/// `message` of `by` ends the call.
CallRelease release_by(std::string_view by, const sip::Message& message);

/// Times of a call: CLOCK_MONOTONIC, 0 where it did not come so far.
struct CallTimes {
  std::uint64_t started_ns = 0;
  std::uint64_t answered_ns = 0;
  std::uint64_t ended_ns = 0;
};

/// Where records go.
struct CallRecorder {
  std::function<std::int64_t()> unix_ms;  ///< the wall clock
  std::function<void(const boost::json::object&)> write;
};

/// The part of a record that every INVITE has, one that became no call too. `status` is the final response to the
/// INVITE. Times are RFC 3339, UTC; null where there is none.
boost::json::object make_detail(const CallOrigin& origin, const CallTimes& times, std::uint16_t status,
                                const CallRelease& release, const EndCause& cause, std::int64_t unix_ms);

/// Who vouches for a leg's party; null if nobody was asked.
boost::json::value identity_view(const Leg& leg);

/// How a leg's media is secured; null if it is not.
boost::json::value security_view(const Leg& leg);

/// A peer's text as a record may hold it: valid UTF-8 (others' bytes become U+FFFD), of kDetailBytesMax at most.
std::string detail_text(std::string_view text);

}  // namespace weir::controlplane
