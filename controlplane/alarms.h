// Alarms: what calls want done later. Transactions have timers of their own; these are the B2BUA's: session timers,
// repeated reliable provisional responses, glare, targets that keep silent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sip/timer_queue.h"

namespace weir::controlplane {

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class Alarms {
 public:
  using Action = std::function<void()>;

  /// Does what is due. Actions may set and stop alarms; one set for a time already past waits for the next run.
  void run(std::uint64_t now_ns);
  [[nodiscard]] std::optional<std::uint64_t> next_deadline_ns() const { return queue_.next_deadline_ns(); }
  [[nodiscard]] std::size_t size() const { return queue_.size(); }

 private:
  friend class Alarm;
  using Slot = sip::TimerQueue::Slot;

  Slot start(std::uint64_t at_ns, Action action);
  void stop(Slot slot);

  sip::TimerQueue queue_;
  std::vector<Action> actions_;  ///< by slot; empty: the slot is free
  std::vector<Slot> free_;
};

/// One alarm of somebody's. It is stopped when it goes out of being, so an action may name its owner.
class Alarm {
 public:
  /// `alarms` outlives the alarm.
  explicit Alarm(Alarms& alarms) : alarms_(&alarms) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { stop(); }

  /// Sets it, or moves it. The action is called once, at `at_ns` or soon after; it may destroy the alarm.
  void set(std::uint64_t at_ns, Alarms::Action action);
  void stop();
  [[nodiscard]] bool running() const { return slot_.has_value(); }

 private:
  Alarms* alarms_;
  std::optional<Alarms::Slot> slot_;
};

}  // namespace weir::controlplane
