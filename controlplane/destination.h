// Destination: where a request goes, as policy, trunks and the registrar say it and calls follow it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/settings/settings.h"
#include "sip/name_addr.h"
#include "sip/uri.h"

namespace weir::controlplane {

/// A target of a trunk, as Trunks knows it. The number stays its own across reloads and is never given to another.
struct TrunkMember {
  std::uint64_t number = 0;
  auto operator<=>(const TrunkMember&) const = default;
};

/// One place to send a request to.
struct Target {
  sip::Uri uri;                       ///< the new Request-URI
  std::vector<sip::NameAddr> routes;  ///< Route headers, in order: the Path of a registration (RFC 3327)
  std::optional<TrunkMember> member;  ///< the trunk's member it is: tell Trunks how it fared
};

/// Where a call goes. There is at least one target.
struct Destination {
  std::uint32_t to_realm = 0;  ///< index in Settings::realms
  /// Best first. Serially: the next one after a timeout, a 503 or a transport error.
  std::vector<Target> targets;
  bool parallel = false;  ///< all targets at once: the contacts of one user
  proto::settings::MediaProfile media = proto::settings::MediaProfile::kRtp;
};

/// Why a request goes nowhere, as SIP says it.
struct Refusal {
  std::uint16_t status;
  std::string reason;
};

}  // namespace weir::controlplane
