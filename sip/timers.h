// The timers of RFC 3261 table 4 and RFC 6026, as values: every duration a transaction machine may start. Nanoseconds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weir::sip {

/// Whether a transport delivers by itself (TCP, TLS, WS, WSS) or the transaction has to repeat (UDP).
enum class Reliability : std::uint8_t { kUnreliable, kReliable };

/// Which timer. The letters are the RFCs'; timer C is a proxy's and not a transaction's. The last three have no letter.
enum class Timer : std::uint8_t {
  kNone = 0,
  kA,          ///< INVITE retransmission, unreliable transports
  kB,          ///< INVITE transaction timeout
  kD,          ///< how long a client absorbs repeated 300..699 responses to INVITE
  kE,          ///< non-INVITE retransmission, unreliable transports
  kF,          ///< non-INVITE transaction timeout
  kG,          ///< retransmission of a 300..699 response to INVITE, unreliable transports
  kH,          ///< how long a server waits for the ACK
  kI,          ///< how long a server absorbs repeated ACKs
  kJ,          ///< how long a server absorbs repeated non-INVITE requests
  kK,          ///< how long a client absorbs repeated non-INVITE responses
  kL,          ///< how long a server stays Accepted (RFC 6026)
  kM,          ///< how long a client stays Accepted (RFC 6026)
  kTrying,     ///< when a server sends 100 because its user has sent nothing (section 17.2.1)
  kCancelled,  ///< how long a cancelled INVITE waits for its final response (section 9.1)
  kAccept,     ///< retransmission of a 2xx response to INVITE until its ACK comes (section 13.3.1.4)
};
inline constexpr std::size_t kTimerCount = 16;

inline constexpr std::uint64_t kNsPerMs = 1'000'000;

/// The three base values and what follows from them. A value type.
struct TimerSettings {
  std::uint64_t t1_ns = 500 * kNsPerMs;        ///< estimate of the round trip
  std::uint64_t t2_ns = 4'000 * kNsPerMs;      ///< longest interval between repeats, except of an INVITE request
  std::uint64_t t4_ns = 5'000 * kNsPerMs;      ///< longest life of a message in the network
  std::uint64_t trying_ns = 200 * kNsPerMs;    ///< section 17.2.1; 0: 100 is sent before the user is asked
  std::uint64_t d_min_ns = 32'000 * kNsPerMs;  ///< timer D is "at least 32 seconds" (section 17.1.1.2)

  /// The interval before the first repeat of timer A, E, G or kAccept. next_interval_ns gives those that follow.
  [[nodiscard]] constexpr std::uint64_t first_interval_ns() const { return t1_ns; }

  /// Timers B, F, H, L, M and kCancelled, on every transport: the time in which a peer either answers or never will.
  [[nodiscard]] constexpr std::uint64_t timeout_ns() const { return 64 * t1_ns; }
  [[nodiscard]] constexpr std::uint64_t d_ns(Reliability transport) const {
    return transport == Reliability::kReliable ? 0 : std::max(d_min_ns, timeout_ns());
  }
  [[nodiscard]] constexpr std::uint64_t i_ns(Reliability transport) const {
    return transport == Reliability::kReliable ? 0 : t4_ns;
  }
  [[nodiscard]] constexpr std::uint64_t j_ns(Reliability transport) const {
    return transport == Reliability::kReliable ? 0 : timeout_ns();
  }
  [[nodiscard]] constexpr std::uint64_t k_ns(Reliability transport) const {
    return transport == Reliability::kReliable ? 0 : t4_ns;
  }
};

static_assert(TimerSettings{}.timeout_ns() == 32'000 * kNsPerMs && TimerSettings{}.t2_ns >= TimerSettings{}.t1_ns);

/// The interval after `interval_ns`: twice as long, at most `max_ns` (timers E, G and kAccept: T2).
constexpr std::uint64_t next_interval_ns(std::uint64_t interval_ns, std::uint64_t max_ns) {
  return std::min(2 * interval_ns, max_ns);
}

/// Timer A doubles without a bound of its own (section 17.1.1.2); timer B ends it long before this does.
inline constexpr std::uint64_t kNoIntervalMax = UINT64_MAX;

}  // namespace weir::sip
