// For how long an HTTP answer may be kept. RFC 9111 section 4.2, of a private cache.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <cstdint>
#include <optional>

namespace weir::controlplane {

/// Seconds from now, of an answer that came just now: max-age, or Expires less Date, less the Age it had. 0: it is not
/// to be kept, or says so in a way that cannot be read (section 4.2.1). nullopt: it says nothing. `unix_s`: now, where
/// it has no Date.
std::optional<std::uint32_t> fresh_for_s(const boost::beast::http::fields& head, std::int64_t unix_s);

}  // namespace weir::controlplane
