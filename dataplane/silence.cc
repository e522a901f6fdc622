#include "dataplane/silence.h"

#include <algorithm>

#include "dataplane/feedback.h"
#include "dataplane/key_epochs.h"
#include "dataplane/source_policy.h"

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kTickNs = 1'000'000;
constexpr std::uint32_t kTicksPerRound = 1000;
/// How often in ice_consent_ms it is said again that the checks have ended: media may end after them.
constexpr std::uint32_t kConsentReminders = 3;

}  // namespace

void SilenceWatch::run(std::uint64_t now_ns) {
  if (now_ns - looked_ns_ < kTickNs) return;
  looked_ns_ = now_ns;
  const std::uint32_t slice = table_.flows_max() / kTicksPerRound + 1;
  for (std::uint32_t i = 0; i < slice; ++i) {
    look_at(next_, now_ns);
    next_ = next_ + 1 < table_.flows_max() ? next_ + 1 : 0;
  }
}

void SilenceWatch::look_at(std::uint32_t index, std::uint64_t now_ns) {
  // Another worker's entry may change at any moment: its owner is all that may be read of it.
  if (!table_.is_owned_by(index, worker_)) return;
  FlowEntry& flow = table_.entry(index);
  if (flow.state != proto::FlowState::kInstalled && flow.state != proto::FlowState::kDraining) return;
  end_old_keys(table_, index, now_ns);
  close_latch_in_time(flow, now_ns);
  forget_picture_told(flow, now_ns);
  if (flow.state == proto::FlowState::kDraining) return;
  watch_consent(index, now_ns);
  if ((flow.marks & kMarkHeard) != 0) {
    flow.marks = static_cast<std::uint8_t>(flow.marks & ~(kMarkHeard | kMarkTimeout));
    flow.media_last_ns = now_ns;
    table_.status(index).media_last_ns = now_ns;
    return;
  }
  if (flow.media_last_ns == 0) flow.media_last_ns = now_ns;
  const std::uint64_t timeout_ns = std::uint64_t{flow.media_timeout_ms} * 1'000'000;
  if (timeout_ns == 0 || (flow.marks & kMarkTimeout) != 0 || now_ns - flow.media_last_ns < timeout_ns) return;
  flow.marks |= kMarkTimeout;
  proto::Event event{};
  event.kind = proto::EventKind::kMediaTimeout;
  event.flow = {index, flow.generation};
  event.cookie = flow.cookie;
  event.source = flow.peer;
  if (!events_.push(event, now_ns)) flow.marks = static_cast<std::uint8_t>(flow.marks & ~kMarkTimeout);  // next round
}

void SilenceWatch::watch_consent(std::uint32_t index, std::uint64_t now_ns) {
  const FlowEntry& flow = table_.entry(index);
  if (flow.source_policy != proto::SourcePolicy::kIce) return;
  IceState* ice = table_.ice_of(index);
  if (ice == nullptr || ice->selected == 0 || ice->consent_ms == 0) return;
  const std::uint32_t wait_ms = ice->consent_lost ? ice->consent_ms / kConsentReminders : ice->consent_ms;
  if (now_ns - ice->consent_ns < wait_ms * kTickNs) return;
  proto::Event event{};
  event.kind = proto::EventKind::kConsentLost;
  event.flow = {index, flow.generation};
  event.cookie = flow.cookie;
  event.source = *ice->selected_source();
  event.ssrc = ice->selected_by;
  if (!events_.push(event, now_ns)) return;  // next round
  ice->consent_lost = true;
  ice->consent_ns = now_ns;
}

}  // namespace weir::dataplane
