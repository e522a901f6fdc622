// The calls of an earlier weir-control: the journal is kept as calls change, and read by the next process.
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/call_control.h"
#include "controlplane/call_journal.h"
#include "controlplane/log.h"

namespace weir::controlplane {

void CallControl::settle_later(const Call& call) {
  changed_.push_back(call.number());
}

void CallControl::settle_changed() {
  // A call that settles changes no other: the list does not grow meanwhile.
  for (const std::uint64_t number : changed_) {
    if (const auto call = calls_.find(number); call != calls_.end()) call->second->settle();
  }
  changed_.clear();
}

std::size_t CallControl::adopt_journalled(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  std::size_t adopted = 0;
  std::size_t ended = 0;
  if (context_.journal != nullptr) {
    for (const std::uint32_t slot : context_.journal->slots_found()) ++(adopt(slot) ? adopted : ended);
  }
  const std::size_t removed = context_.media.remove_unadopted(now_ns);
  bury_the_dead();
  if (adopted + ended + removed != 0) {
    log_event(LogLevel::kWarning, "start",
              {{"event", "calls of an earlier weir-control"},
               {"adopted", std::uint64_t{adopted}},
               {"ended", std::uint64_t{ended}},
               {"flows_removed", std::uint64_t{removed}}});
  }
  return adopted;
}

/// False: the call cannot go on, and its parties hear so.
bool CallControl::adopt(std::uint32_t slot) {
  std::vector<std::uint8_t> record = context_.journal->read(slot);
  const std::optional<KeptCall> kept = read_kept_call(record);
  proto::wipe(record.data(), record.size());
  if (!kept || kept->number == 0 || calls_.contains(kept->number)) {
    context_.journal->clear(slot);
    return false;
  }
  auto made = std::make_unique<Call>(context_, *this, kept->number, now_ns_);
  Call& call = *made;
  calls_.emplace(kept->number, std::move(made));
  number_last_ = std::max(number_last_, kept->number);
  const std::optional<EndCause> cause = call.adopt(*kept, slot);
  if (cause) call.end({cause->status, "the border was restarted: " + cause->text});
  return !cause;
}

}  // namespace weir::controlplane
