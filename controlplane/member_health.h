// A trunk member's health: whether calls are sent to it, by what became of checks and calls. Time comes in as now_ns.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/settings/trunk_settings.h"

namespace weir::controlplane {

enum class MemberState : std::uint8_t {
  kNew,   ///< nothing is known: calls are sent to it
  kUp,    ///< it has answered
  kDown,  ///< too many failures in a row
  kHeld,  ///< it asked for a pause with a 503's Retry-After: neither calls nor checks are sent
};
const char* to_string(MemberState state);

class MemberHealth {
 public:
  /// A pause asked for is kept up to this long: nobody takes himself out for good by one response.
  static constexpr std::uint32_t kPauseSecondsMax = 3600;

  explicit MemberHealth(const proto::settings::TrunkCheck& check) : check_(check) {}

  void set_check(const proto::settings::TrunkCheck& check) { check_ = check; }

  [[nodiscard]] MemberState state(std::uint64_t now_ns) const;
  /// Calls may be sent to it: not down, or down without anybody who checks and due to be tried again.
  [[nodiscard]] bool usable(std::uint64_t now_ns) const;
  /// Checks may be sent to it.
  [[nodiscard]] bool may_be_asked(std::uint64_t now_ns) const { return now_ns >= held_until_ns_; }

  /// It answered. During a pause that is an answer to something older, and ends nothing.
  void succeeded(std::uint64_t now_ns);
  /// It did not: a timeout, a transport error, a 503 without Retry-After.
  void failed(std::uint64_t now_ns);
  /// A 503 with Retry-After (RFC 3261 section 21.5.4): a failure too.
  void asked_for_pause(std::uint64_t now_ns, std::uint32_t seconds);

  [[nodiscard]] std::uint32_t failures() const { return failures_; }
  /// When it was last seen to go up or down; 0: never.
  [[nodiscard]] std::uint64_t since_ns() const { return since_ns_; }

 private:
  proto::settings::TrunkCheck check_;
  MemberState state_ = MemberState::kNew;  ///< never kHeld
  std::uint32_t failures_ = 0;             ///< in a row
  std::uint64_t since_ns_ = 0;
  std::uint64_t held_until_ns_ = 0;
  std::uint64_t retry_ns_ = 0;  ///< when it is tried again, if nobody checks
};

}  // namespace weir::controlplane
