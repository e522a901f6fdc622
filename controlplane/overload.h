// Overload: keeps the event loop ahead of its work by taking on no more new calls than it can carry. Calls in progress
// are never refused. After CoDel (RFC 8289: the delay that stays tells, not the one that passes) and AIMD.
//
// New INVITEs that wait in sockets of their own, small ones that are read after all others, need no rate: the loop has
// as many of them as it has time for, and what is too much falls off in the kernel, unread. To refuse a call costs a
// tenth of what the call costs, so of ten times as many as can be carried few may be refused at all; but some are, so
// that callers who can go elsewhere learn that they should.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::controlplane {

struct OverloadOptions {
  /// Work that waits longer than this all through an interval is too much. 0: nothing is ever refused.
  std::uint64_t target_ns = 20'000'000;
  std::uint64_t interval_ns = 100'000'000;
  /// Work that has waited so long: no new call at all, until the loop has caught up.
  std::uint64_t alarm_ns = 200'000'000;
};

/// How long a datagram was in its socket, and in which.
struct Waited {
  std::uint64_t ns = 0;
  std::size_t socket = 0;  ///< a number of its own, from 0 on
  bool newcomers = false;  ///< which has nothing but new INVITEs
};

struct OverloadCounters {
  std::uint64_t offered = 0;   ///< new calls
  std::uint64_t refused = 0;   ///< of these
  std::uint64_t episodes = 0;  ///< times it began
};

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class Overload {
 public:
  explicit Overload(const OverloadOptions& options = {}) : options_(options) {}

  /// 0 also ends what was being limited.
  void set_target(std::uint64_t target_ns);

  /// Something that was due, or had arrived, `lag_ns` ago is being handled now: a tick, a datagram. `queue`, a small
  /// number: what it waited in. Each is judged by itself, for the loop serves them in turn: one that is always empty
  /// says nothing of one that only grows.
  void observe(std::uint64_t now_ns, std::uint64_t lag_ns, std::size_t queue = 0);
  /// The same for a new call out of a queue of nothing else, as above.
  void observe_newcomer(std::uint64_t now_ns, std::uint64_t lag_ns);
  /// Whether admit() would say yes; counts nothing.
  [[nodiscard]] bool has_room(std::uint64_t now_ns);
  /// A new call asks to be let in. False: refuse it, as cheaply as can be.
  [[nodiscard]] bool admit(std::uint64_t now_ns);

  /// New calls a second that are let in now; nullopt: as many as come, or as there is time for.
  [[nodiscard]] std::optional<double> rate_per_s() const;
  /// New calls wait too long, or are dropped by the kernel.
  [[nodiscard]] bool overflows() const { return overflows_; }
  /// More calls are offered than are let in.
  [[nodiscard]] bool refuses() const { return overflows_ || limiting_ || alarmed(); }
  [[nodiscard]] const OverloadCounters& counters() const { return counters_; }

 private:
  struct Queue {
    std::uint64_t lag_min_ns = UINT64_MAX;  ///< in the interval that runs; UINT64_MAX: nothing was handled
    bool alarmed = false;
  };

  void follow(std::uint64_t now_ns);
  void end_interval(std::uint64_t now_ns);
  void begin_queues();
  [[nodiscard]] bool alarmed() const;
  [[nodiscard]] std::optional<std::uint64_t> lag_ns() const;
  void earn(std::uint64_t now_ns);

  OverloadOptions options_;
  OverloadCounters counters_;
  // The interval that runs.
  std::uint64_t interval_start_ns_ = 0;
  std::vector<Queue> queues_;
  std::uint64_t newcomers_lag_min_ns_ = UINT64_MAX;
  std::uint32_t offered_ = 0;
  std::uint32_t admitted_ = 0;
  // The verdict of those before it.
  std::uint64_t lag_before_ns_ = 0;
  bool overflows_ = false;
  std::uint32_t overflowing_ = 0;  ///< calls offered since it does
  bool limiting_ = false;
  double rate_per_s_ = 0;  ///< of limiting_
  double credit_ = 0;      ///< calls that may be let in at once, a part of one included
  std::uint64_t earned_ns_ = 0;
};

}  // namespace weir::controlplane
