#include "controlplane/member_health.h"

#include <algorithm>

namespace weir::controlplane {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

const char* to_string(MemberState state) {
  switch (state) {
    case MemberState::kNew:
      return "new";
    case MemberState::kUp:
      return "up";
    case MemberState::kDown:
      return "down";
    case MemberState::kHeld:
      return "held";
  }
  return "unknown";
}

MemberState MemberHealth::state(std::uint64_t now_ns) const {
  return now_ns < held_until_ns_ ? MemberState::kHeld : state_;
}

bool MemberHealth::usable(std::uint64_t now_ns) const {
  if (now_ns < held_until_ns_) return false;
  if (state_ != MemberState::kDown) return true;
  return check_.interval_s == 0 && now_ns >= retry_ns_;
}

void MemberHealth::succeeded(std::uint64_t now_ns) {
  if (now_ns < held_until_ns_) return;
  failures_ = 0;
  if (state_ != MemberState::kUp) since_ns_ = now_ns;
  state_ = MemberState::kUp;
}

void MemberHealth::failed(std::uint64_t now_ns) {
  ++failures_;
  if (failures_ < check_.failures_max) return;
  if (state_ != MemberState::kDown) since_ns_ = now_ns;
  state_ = MemberState::kDown;
  retry_ns_ = now_ns + check_.retry_s * kSecondNs;
}

void MemberHealth::asked_for_pause(std::uint64_t now_ns, std::uint32_t seconds) {
  failed(now_ns);
  held_until_ns_ = std::max(held_until_ns_, now_ns + std::min(seconds, kPauseSecondsMax) * kSecondNs);
}

}  // namespace weir::controlplane
