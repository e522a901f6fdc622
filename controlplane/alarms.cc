#include "controlplane/alarms.h"

#include <utility>

namespace weir::controlplane {

Alarms::Slot Alarms::start(std::uint64_t at_ns, Action action) {
  if (free_.empty()) {
    free_.push_back(static_cast<Slot>(actions_.size()));
    actions_.emplace_back();
  }
  const Slot slot = free_.back();
  free_.pop_back();
  actions_[slot] = std::move(action);
  queue_.set(slot, at_ns);
  return slot;
}

void Alarms::stop(Slot slot) {
  queue_.stop(slot);
  actions_[slot] = nullptr;
  free_.push_back(slot);
}

void Alarms::run(std::uint64_t now_ns) {
  // No more than were running at the start: actions that set alarms for now would otherwise never let go.
  for (std::size_t left = queue_.size(); left > 0; --left) {
    const std::optional<Slot> slot = queue_.pop_due(now_ns);
    if (!slot) return;
    const Action action = std::exchange(actions_[*slot], nullptr);
    free_.push_back(*slot);
    action();
  }
}

void Alarm::set(std::uint64_t at_ns, Alarms::Action action) {
  stop();
  slot_ = alarms_->start(at_ns, [this, action = std::move(action)] {
    slot_.reset();
    action();
  });
}

void Alarm::stop() {
  if (slot_) alarms_->stop(*slot_);
  slot_.reset();
}

}  // namespace weir::controlplane
