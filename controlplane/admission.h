// Admission: how many new INVITEs a second Weir takes on, from one source address and in all. What is over is answered
// 503 with Retry-After (RFC 3261 section 21.5.4) as often again, and beyond that with silence.
#pragma once

#include <cstdint>
#include <map>

#include "controlplane/source.h"
#include "proto/inet.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// A rate as one moment: when all that was taken will have been earned. Holds one second's worth.
class RateLimit {
 public:
  [[nodiscard]] bool has(std::uint64_t now_ns, std::uint32_t rate_per_s) const;
  /// has() said yes.
  void take(std::uint64_t now_ns, std::uint32_t rate_per_s);
  /// All that was taken has been earned: it is as good as new.
  [[nodiscard]] bool rested(std::uint64_t now_ns) const { return earned_ns_ <= now_ns; }

 private:
  std::uint64_t earned_ns_ = 0;
};

struct AdmissionCounters {
  std::uint64_t invites_refused = 0;  ///< over the limit: answered 503
  std::uint64_t invites_ignored = 0;  ///< so far over it that no answer went out
};

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class Admission {
 public:
  /// Sources a second that have a limit of their own. UDP sources can be forged, so their number is the sender's to
  /// choose; whoever comes when so many are known is held to the limit of all alone.
  static constexpr std::size_t kSourcesMax = 4096;

  /// Rates in INVITEs a second; 0: no limit.
  Admission(std::uint32_t per_s_max, std::uint32_t per_s_per_source_max)
      : per_s_max_(per_s_max), per_s_per_source_max_(per_s_per_source_max) {}

  /// A new INVITE has come; not a repeated one.
  sip::AdmissionVerdict decide(std::uint64_t now_ns, const proto::IpAddress& source);
  [[nodiscard]] const AdmissionCounters& counters() const { return counters_; }

 private:
  struct Limits {
    RateLimit admitted;
    RateLimit answered;  ///< 503s
  };
  using Sources = std::map<Source, Limits>;

  Limits* limits_of(std::uint64_t now_ns, const proto::IpAddress& address);

  std::uint32_t per_s_max_;
  std::uint32_t per_s_per_source_max_;
  Limits all_;
  // A source unheard of for a second has all of its rate again, and needs no memory: two turns of a second each.
  Sources recent_;
  Sources older_;
  std::uint64_t turn_ns_ = 0;
  AdmissionCounters counters_;
};

}  // namespace weir::controlplane
