// The URLs that we fetch: https and nothing else. RFC 3986, RFC 9110 section 4.2.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/inet.h"
#include "proto/result.h"

namespace weir::controlplane {

inline constexpr std::size_t kUrlBytesMax = 2048;
inline constexpr std::uint16_t kHttpsPort = 443;

/// A value.
struct HttpsUrl {
  std::string host;                         ///< a DNS name, lower case, without a final dot; or an address, no brackets
  std::optional<proto::IpAddress> address;  ///< where the host is one
  std::uint16_t port = kHttpsPort;
  std::string target;  ///< path and query as they stood, "/" at least; the fragment is gone

  /// Host and port as the Host field has them (RFC 9110 section 7.2).
  [[nodiscard]] std::string authority() const;
  bool operator==(const HttpsUrl&) const = default;
};

/// Errors: no https URL of at most kUrlBytesMax; a user or password in it; a host that is neither a DNS name nor an
/// address, such as "127.1", which some read as one; characters that RFC 3986 does not have.
proto::Result<HttpsUrl> parse_https_url(std::string_view text);

/// Where a Location leads to that stood in an answer from `base`: a URL as above, or a reference relative to it (RFC
/// 3986 section 5.2). Errors as above.
proto::Result<HttpsUrl> resolve_reference(const HttpsUrl& base, std::string_view reference);

std::string to_string(const HttpsUrl& url);

}  // namespace weir::controlplane
