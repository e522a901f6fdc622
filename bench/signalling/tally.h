// What a run of sip-load has seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace weir::bench {

/// Requests of one kind, in numbers of them; those without a final response yet are in none but `sent`.
struct RequestTally {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;                 ///< 2xx
  std::uint64_t refused = 0;                  ///< 503
  std::uint64_t failed = 0;                   ///< any other final response
  std::uint64_t timed_out = 0;                ///< no final response after the last repetition
  std::vector<std::uint32_t> latencies_us{};  ///< from the first sending to the 2xx

  [[nodiscard]] std::uint64_t ended() const { return answered + refused + failed + timed_out; }

  /// The latency, in microseconds, that `share` of the answered ones do not exceed; 0: none was answered.
  [[nodiscard]] std::uint32_t latency_us(double share) {
    if (latencies_us.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1));
    std::nth_element(latencies_us.begin(), latencies_us.begin() + static_cast<std::ptrdiff_t>(at), latencies_us.end());
    return latencies_us[at];
  }
};

struct Tally {
  RequestTally invites;  ///< of new calls
  RequestTally reinvites;
  RequestTally byes;
  std::uint64_t repeated = 0;   ///< messages sent again because nobody answered
  std::uint64_t unmatched = 0;  ///< messages of calls that are not there, or that are none
};

}  // namespace weir::bench
