// Admission: how many new INVITEs, REGISTERs and other requests outside dialogs a second Weir takes on, from one source
// address and in all. What is over is answered 503 with Retry-After (RFC 3261 section 21.5.4) as often again, and
// beyond that with silence.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "controlplane/source.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"
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

/// Requests that are not part of anything yet; each kind has limits of its own.
enum class RequestKind : std::uint8_t { kInvite, kRegister, kOther, kMalformed };
inline constexpr std::size_t kRequestKindCount = 4;

/// A new request's kind; nullopt: it is part of a dialog, and nothing limits it here.
std::optional<RequestKind> kind_of(const sip::Message& request);

struct AdmissionCounters {
  std::uint64_t invites_refused = 0;   ///< over the limit: answered 503
  std::uint64_t invites_ignored = 0;   ///< so far over it that no answer went out
  std::uint64_t requests_refused = 0;  ///< the same of REGISTERs and others
  std::uint64_t requests_ignored = 0;
  std::uint64_t malformed_ignored = 0;  ///< messages that could not be parsed, over the limit of answers to such
};

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class Admission {
 public:
  /// Sources a second that have a limit of their own. UDP sources can be forged, so their number is the sender's to
  /// choose; whoever comes when so many are known is held to the limit of all alone.
  static constexpr std::size_t kSourcesMax = 4096;

  /// The limits are those of the settings at that moment; they outlive the admission.
  explicit Admission(const proto::settings::LimitSettings& limits) : limits_(limits) {}

  /// A new request has come; not a repeated one.
  sip::AdmissionVerdict decide(std::uint64_t now_ns, RequestKind kind, const proto::IpAddress& source);
  /// A message that could not be parsed has come: whether it may be answered. As many as other requests may be.
  bool may_answer_malformed(std::uint64_t now_ns, const proto::IpAddress& source);
  [[nodiscard]] const AdmissionCounters& counters() const { return counters_; }

 private:
  struct Pair {
    RateLimit admitted;
    RateLimit answered;  ///< 503s
  };
  using Limits = std::array<Pair, kRequestKindCount>;
  using Sources = std::map<Source, Limits>;

  bool take(std::uint64_t now_ns, RequestKind kind, RateLimit Pair::*limit, Limits* own);
  Limits* limits_of(std::uint64_t now_ns, const proto::IpAddress& address);
  void count(RequestKind kind, bool answered);

  const proto::settings::LimitSettings& limits_;
  Limits all_;
  // A source unheard of for a second has all of its rate again, and needs no memory: two turns of a second each.
  Sources recent_;
  Sources older_;
  std::uint64_t turn_ns_ = 0;
  AdmissionCounters counters_;
};

}  // namespace weir::controlplane
