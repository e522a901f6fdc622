// Date: a point in time as SIP writes it. RFC 3261 sections 20.17 and 25.1 (rfc1123-date).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::sip {

/// Seconds since 1970 of "Sat, 13 Nov 2010 23:29:00 GMT". nullopt if malformed, of a zone other than GMT (RFC 4475
/// section 3.1.2.12), or there is no such day; the name of the weekday is not checked against it.
std::optional<std::int64_t> parse_date(std::string_view text);

/// The other way; years 0 to 9999, those outside become the nearest second inside.
std::string write_date(std::int64_t unix_seconds);

}  // namespace weir::sip
