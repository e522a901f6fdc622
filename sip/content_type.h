// Content-Type and Content-Disposition: what a body is, and what it is for. RFC 3261 sections 20.11 and 20.15; RFC 5621
// sections 8.2 and 8.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

/// type "/" subtype *( ";" parameter ).
struct ContentType {
  std::string type;
  std::string subtype;
  Parameters parameters;  ///< values as written, with their quotes

  /// Whether it is "application/sdp" or the like; compares without case, parameters aside.
  [[nodiscard]] bool is(std::string_view media_type) const;
  bool operator==(const ContentType&) const = default;
};

/// nullopt if malformed.
std::optional<ContentType> parse_content_type(std::string_view text);
std::string write(const ContentType& content_type);

struct ContentDisposition {
  std::string type;       ///< "session", "early-session", "render", "by-reference", ...; compares without case
  bool optional = false;  ///< handling=optional: who does not understand the body may pass over it
  Parameters parameters;  ///< the others

  [[nodiscard]] bool is(std::string_view name) const;
  bool operator==(const ContentDisposition&) const = default;
};

/// nullopt if malformed, or handling is there twice. A handling that is neither optional nor required counts as
/// required, and is forgotten (RFC 5621 section 8.3: the default).
std::optional<ContentDisposition> parse_content_disposition(std::string_view text);
std::string write(const ContentDisposition& disposition);

}  // namespace weir::sip
