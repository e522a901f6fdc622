// The headers that a URI carries after its question mark: what a request made from it is to hold. RFC 3261 sections
// 19.1.1, 19.1.5 and 25.1 (headers).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sip {

/// One of them, decoded.
struct UriHeader {
  std::string name;   ///< a token; compares without case. "body" is the body
  std::string value;  ///< holds no CR, LF or NUL: a URI cannot end a header line
  bool operator==(const UriHeader&) const = default;
};

/// What a URI may carry; RFC 3515 and its kind use one or two.
inline constexpr std::size_t kUriHeadersMax = 16;

/// Reads Uri::headers. nullopt if malformed, more than kUriHeadersMax, a name is no token, or a value would end its
/// line. Which of them a request may take is for the caller to say: section 19.1.5 names those that it never may.
std::optional<std::vector<UriHeader>> parse_uri_headers(std::string_view text);

/// For Uri::headers: everything escaped that has to be.
std::string write(const std::vector<UriHeader>& headers);

}  // namespace weir::sip
