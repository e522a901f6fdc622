// [[trunk]]: a far side that is reached at several targets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/settings/realm_policy.h"

namespace weir::proto::settings {

struct TrunkTarget {
  std::string uri;             ///< sip: or sips:, without user: that is the call's
  std::uint16_t priority = 1;  ///< the lowest is tried first (RFC 2782)
  std::uint16_t weight = 1;    ///< among those of one priority: the share of the calls it gets first
  bool operator==(const TrunkTarget&) const = default;
};

/// Is a member up? Asked with OPTIONS.
struct TrunkCheck {
  std::uint32_t interval_s = 30;   ///< 0: nobody asks; a member that is down is tried again after retry_s
  std::uint32_t timeout_s = 4;     ///< for an answer
  std::uint32_t failures_max = 3;  ///< so many in a row, of checks or calls, take a member down
  std::uint32_t retry_s = 30;
  bool operator==(const TrunkCheck&) const = default;
};

/// What Weir shows when the trunk challenges it (RFC 3261 section 22), and only then.
struct TrunkCredentials {
  std::string realm;  ///< the challenge's realm must be this one
  std::string user;
  std::string password;       ///< or
  std::string password_file;  ///< absolute; its first line
  bool operator==(const TrunkCredentials&) const = default;
};

struct TrunkSettings {
  std::string name;
  std::string realm;  ///< RealmSettings::name: where it is reached
  std::vector<TrunkTarget> targets;
  TrunkCheck check;
  std::optional<TrunkCredentials> credentials;
  CallLimits calls;
  bool refuse_when_down = false;  ///< 503 at once when all are down; false: they are tried nevertheless
  std::uint32_t line = 0;
  bool operator==(const TrunkSettings&) const = default;
};

}  // namespace weir::proto::settings
