#include "controlplane/line_limits.h"

#include <string_view>

#include "controlplane/log.h"

namespace weir::controlplane {
namespace {

/// As the lines themselves name their event.
constexpr std::array<std::string_view, kLineKindCount> kNames{"malformed", "refused", "offer refused", "REFER refused",
                                                              "MESSAGE or SUBSCRIBE refused"};

}  // namespace

bool LineLimits::may(std::uint64_t now_ns, LineKind kind) {
  Kind& its = kinds_[static_cast<std::size_t>(kind)];
  if (!its.rate.has(now_ns, kLinesPerS)) {
    ++its.left_out;
    return false;
  }
  its.rate.take(now_ns, kLinesPerS);
  return true;
}

void LineLimits::report() {
  for (std::size_t i = 0; i < kLineKindCount; ++i) {
    Kind& kind = kinds_[i];
    if (kind.left_out == kind.reported) continue;
    log_event(LogLevel::kWarning, "log",
              {{"event", "lines left out"}, {"of", kNames[i]}, {"lines", kind.left_out - kind.reported}});
    kind.reported = kind.left_out;
  }
}

}  // namespace weir::controlplane
