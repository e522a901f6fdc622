#include "sip/timer_queue.h"

namespace weir::sip {

bool TimerQueue::earlier(const Entry& a, const Entry& b) {
  return a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns : a.order < b.order;
}

void TimerQueue::set(Slot slot, std::uint64_t deadline_ns) {
  stop(slot);
  if (slot >= where_.size()) {
    where_.resize(slot + std::size_t{1}, kNowhere);
  }
  heap_.push_back({deadline_ns, order_++, slot});
  where_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
  rise(heap_.size() - 1);
}

void TimerQueue::stop(Slot slot) {
  if (slot < where_.size() && where_[slot] != kNowhere) {
    remove_at(where_[slot]);
  }
}

std::optional<std::uint64_t> TimerQueue::next_deadline_ns() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().deadline_ns);
}

std::optional<TimerQueue::Slot> TimerQueue::pop_due(std::uint64_t now_ns) {
  if (heap_.empty() || heap_.front().deadline_ns > now_ns) {
    return std::nullopt;
  }
  const Slot slot = heap_.front().slot;
  remove_at(0);
  return slot;
}

void TimerQueue::place(std::size_t at, const Entry& entry) {
  heap_[at] = entry;
  where_[entry.slot] = static_cast<std::uint32_t>(at);
}

void TimerQueue::rise(std::size_t at) {
  const Entry entry = heap_[at];
  while (at > 0 && earlier(entry, heap_[(at - 1) / 2])) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, entry);
}

void TimerQueue::sink(std::size_t at) {
  const Entry entry = heap_[at];
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) {
      ++child;
    }
    if (!earlier(heap_[child], entry)) {
      break;
    }
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

void TimerQueue::remove_at(std::size_t at) {
  where_[heap_[at].slot] = kNowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at < heap_.size()) {
    place(at, last);
    rise(at);
    sink(where_[last.slot]);
  }
}

}  // namespace weir::sip
