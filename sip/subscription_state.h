// Subscription-State: how a subscription stands, in a NOTIFY. RFC 6665 sections 4.1.3, 8.2.3 and 8.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

struct SubscriptionState {
  std::string state;  ///< "active", "pending", "terminated", or an extension; compares without case
  std::optional<std::uint32_t> expires_s;      ///< what is left of it
  std::string reason;                          ///< of the end: "noresource", "timeout", ...; empty if not said
  std::optional<std::uint32_t> retry_after_s;  ///< when to try again
  Parameters parameters;                       ///< the others

  [[nodiscard]] bool terminated() const;
  bool operator==(const SubscriptionState&) const = default;
};

/// nullopt if malformed, or one of the known parameters is there twice.
std::optional<SubscriptionState> parse_subscription_state(std::string_view text);

std::string write(const SubscriptionState& state);

}  // namespace weir::sip
