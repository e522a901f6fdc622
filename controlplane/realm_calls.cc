#include "controlplane/realm_calls.h"

#include <boost/json/object.hpp>

namespace weir::controlplane {

namespace settings = proto::settings;

std::variant<CallSlot, Refusal> RealmCalls::begin(std::uint64_t now_ns, std::uint32_t realm, CallDirection direction) {
  const settings::RealmPolicy& policy = settings_.realms[realm].policy;
  const bool in = direction == CallDirection::kIn;
  const settings::CallLimits& limits = in ? policy.in : policy.out;
  Use& use = in ? realms_[realm].in : realms_[realm].out;
  const bool full = limits.calls_max != 0 && *use.calls_now >= limits.calls_max;
  if (full || !use.rate.has(now_ns, limits.calls_per_s_max)) {
    ++use.refused;
    return Refusal{503, full ? "too many calls of the realm" : "too many new calls of the realm"};
  }
  use.rate.take(now_ns, limits.calls_per_s_max);
  ++use.calls;
  return CallSlot(use.calls_now);
}

CallSlot RealmCalls::adopt(std::uint32_t realm, CallDirection direction) {
  return CallSlot((direction == CallDirection::kIn ? realms_[realm].in : realms_[realm].out).calls_now);
}

boost::json::array RealmCalls::view() const {
  boost::json::array rows;
  for (std::size_t i = 0; i < realms_.size(); ++i) {
    const Realm& realm = realms_[i];
    rows.push_back(boost::json::object{{"realm", settings_.realms[i].name},
                                       {"calls_in_now", *realm.in.calls_now},
                                       {"calls_in", realm.in.calls},
                                       {"calls_in_refused", realm.in.refused},
                                       {"calls_out_now", *realm.out.calls_now},
                                       {"calls_out", realm.out.calls},
                                       {"calls_out_refused", realm.out.refused}});
  }
  return rows;
}

}  // namespace weir::controlplane
