// Destination: where a request goes, as policy, trunks and the registrar say it and calls follow it.
#pragma once

#include <compare>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/path.h"
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
  /// The way to it where that is not its URI's: the connection, or the address, that a registration came by.
  std::optional<Path> flow = std::nullopt;
  std::uint32_t rank =
      0;  ///< 0 first; those of one rank at once where the destination is parallel (q, section 10.2.1.2)
  /// Other flows to the same instance, best first: one at a time is asked (RFC 5626 section 5.3).
  std::vector<Target> other_flows = {};

  /// Becomes the first of the other flows. There is one.
  void take_next_flow() {
    Target next = std::move(other_flows.front());
    next.other_flows.assign(std::make_move_iterator(other_flows.begin() + 1),
                            std::make_move_iterator(other_flows.end()));
    *this = std::move(next);
  }
};

/// Where a call goes. There is at least one target.
struct Destination {
  std::uint32_t to_realm = 0;  ///< index in Settings::realms
  /// Best first. Serially: the next one after a timeout, a 503 or a transport error.
  std::vector<Target> targets;
  bool parallel = false;  ///< all targets at once: the contacts of one user
  proto::settings::MediaProfile media = proto::settings::MediaProfile::kRtp;
  bool sips = false;  ///< by secured transports alone, and the targets are asked for by SIPS URIs (RFC 5630)
};

/// Why a request goes nowhere, as SIP says it.
struct Refusal {
  std::uint16_t status;
  std::string reason;
};

}  // namespace weir::controlplane
