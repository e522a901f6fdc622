// A queue of deadlines, one per slot: a binary heap that knows where each slot is, so that stopping a timer leaves
// nothing behind. Setting, stopping and popping cost O(log n); nothing is allocated beyond the highest slot seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::sip {

class TimerQueue {
 public:
  using Slot = std::uint32_t;

  /// Starts the slot's timer, or moves it if it runs.
  void set(Slot slot, std::uint64_t deadline_ns);
  /// Stops the slot's timer; nothing happens if it does not run.
  void stop(Slot slot);
  /// The earliest deadline; nullopt if no timer runs.
  [[nodiscard]] std::optional<std::uint64_t> next_deadline_ns() const;
  /// Takes the slot with the earliest deadline if that is now or past. Equal deadlines come in the order they were set.
  std::optional<Slot> pop_due(std::uint64_t now_ns);
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    std::uint64_t deadline_ns;
    std::uint64_t order;  ///< of setting: makes the order of equal deadlines certain
    Slot slot;
  };
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  static bool earlier(const Entry& a, const Entry& b);
  void place(std::size_t at, const Entry& entry);
  void rise(std::size_t at);
  void sink(std::size_t at);
  void remove_at(std::size_t at);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> where_;  ///< by slot: its place in heap_
  std::uint64_t order_ = 0;
};

}  // namespace weir::sip
