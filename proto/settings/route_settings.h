// [[route]]: where a request goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/settings/realm_policy.h"

namespace weir::proto::settings {

/// The first route all of whose conditions hold decides. It leads to one of target, trunk and registrar.
struct RouteSettings {
  std::string realm;    ///< where the request arrived
  std::string pattern;  ///< RE2 regular expression, matched against the whole Request-URI; empty: any
  std::string prefix;   ///< what the number, or the Request-URI's user, begins with; empty: any
  std::string caller;   ///< RE2 regular expression, matched against the caller's whole URI; empty: any

  /// SIP URI. \1..\9 are the pattern's captures; without a pattern, \1 is what follows the prefix. \0 is the whole.
  std::string target;
  std::string trunk;       ///< TrunkSettings::name
  bool registrar = false;  ///< the contacts that are registered in to_realm

  std::string user;                   ///< of the new Request-URI, with captures like target; empty: as it came
  std::string to_realm;               ///< of a trunk: the trunk's own
  std::optional<MediaProfile> media;  ///< nullopt: as to_realm's policy says
  std::uint32_t line = 0;
  bool operator==(const RouteSettings&) const = default;
};

}  // namespace weir::proto::settings
