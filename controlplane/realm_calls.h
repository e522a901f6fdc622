// How many calls a realm may have: at once and a second, of those that come from it and of those that lead to it.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <deque>
#include <variant>

#include "controlplane/admission.h"
#include "controlplane/call_slot.h"
#include "controlplane/destination.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// As a realm sees a call: it came from there, or it leads there.
enum class CallDirection : std::uint8_t { kIn, kOut };

/// One shard's. Limits are those of the settings at that moment.
class RealmCalls {
 public:
  /// `settings` outlive it; its realms may change, not their number.
  explicit RealmCalls(const proto::settings::Settings& settings)
      : settings_(settings), realms_(settings.realms.size()) {}

  /// A place for one more call, to be kept as long as the call's leg in that realm; or 503 (RFC 3261 section 21.5.4).
  std::variant<CallSlot, Refusal> begin(std::uint64_t now_ns, std::uint32_t realm, CallDirection direction);

  /// A place for a call that is there already, whatever the limits say.
  CallSlot adopt(std::uint32_t realm, CallDirection direction);

  /// A row for each realm: calls now, and how many were refused, in and out.
  [[nodiscard]] boost::json::array view() const;

 private:
  struct Use {
    Occupancy calls_now = std::make_shared<std::uint32_t>(0);
    RateLimit rate;
    std::uint64_t calls = 0;
    std::uint64_t refused = 0;
  };
  struct Realm {
    Use in;
    Use out;
  };

  const proto::settings::Settings& settings_;
  std::deque<Realm> realms_;  ///< parallel to the settings' realms
};

}  // namespace weir::controlplane
