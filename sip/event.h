// Event: what a SUBSCRIBE asks for and a NOTIFY tells. RFC 6665 sections 8.2.1 and 8.4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

struct Event {
  std::string type;       ///< package and templates: "refer", "presence.winfo"
  std::string id;         ///< tells apart subscriptions of one dialog; empty if there is none
  Parameters parameters;  ///< the others

  /// The package alone, without its templates.
  [[nodiscard]] std::string_view package() const { return std::string_view{type}.substr(0, type.find('.')); }
  /// Whether both name the same subscription: type and id, byte by byte (section 8.2.1).
  [[nodiscard]] bool matches(const Event& other) const { return type == other.type && id == other.id; }
  bool operator==(const Event&) const = default;
};

/// nullopt if malformed, or there are two ids.
std::optional<Event> parse_event(std::string_view text);

std::string write(const Event& event);

}  // namespace weir::sip
