// SRTP packet indexes: how a 16-bit sequence number becomes a 48-bit index, and which indexes were seen.
// RFC 3711 section 3.3.1 and appendix A (estimation), section 3.3.2 (replay), section 3.2.1 (limits).
// Templated on the width of the sequence number and of the window, so that small ones can be tested exhaustively.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "proto/limits.h"

namespace weir::dataplane {

__extension__ using Uint128 = unsigned __int128;

/// ROC (32 bits) and SEQ (16 bits).
inline constexpr std::uint64_t kRtpIndexMax = (std::uint64_t{1} << 48) - 1;
/// The SRTCP index is explicit and 31 bits wide (RFC 3711 section 3.4).
inline constexpr std::uint64_t kRtcpIndexMax = (std::uint64_t{1} << 31) - 1;
/// From here on weir-control is told to rekey: hours before the end even at 10,000 packets a second.
inline constexpr std::uint64_t kRtpIndexNearLimit = kRtpIndexMax - (std::uint64_t{1} << 28);
inline constexpr std::uint64_t kRtcpIndexNearLimit = kRtcpIndexMax - (std::uint64_t{1} << 20);

/// The index closest to `highest` that ends in `sequence` (RFC 3711 appendix A). Sequence is an unsigned integer type,
/// std::uint16_t for SRTP. nullopt if that index would be negative: a packet from before the first one.
/// The result may be one past the highest rollover counter; the caller bounds it.
template <typename Sequence>
constexpr std::optional<std::uint64_t> estimate_index(std::uint64_t highest, Sequence sequence) {
  static_assert(std::is_unsigned_v<Sequence>);
  constexpr std::uint64_t kModulus = std::uint64_t{1} << std::numeric_limits<Sequence>::digits;
  constexpr std::uint64_t kHalf = kModulus / 2;
  const std::uint64_t last = highest % kModulus;
  const std::uint64_t rollover = highest - last;
  if (last < kHalf && sequence > last + kHalf) {
    if (rollover == 0) return std::nullopt;
    return rollover - kModulus + sequence;
  }
  if (last >= kHalf && sequence < last - kHalf) return rollover + kModulus + sequence;
  return rollover + sequence;
}

enum class IndexVerdict : std::uint8_t { kFresh, kReplayed, kTooOld };

/// Which of the last indexes were seen. Bits is an unsigned integer as wide as the window; bit k stands for
/// `highest - k`. All zero means nothing was seen yet, and every index is fresh. Index holds the largest there is.
template <typename Bits, typename Index = std::uint64_t>
struct __attribute__((packed, aligned(alignof(Index)))) ReplayWindow {  // packed: 24 bytes at 128 packets, not 32
  static constexpr unsigned kWindow = 8 * sizeof(Bits);

  Bits seen;
  Index highest;

  [[nodiscard]] constexpr bool empty() const { return seen == 0; }

  /// May this index be legitimate? Never mutates: it runs before the packet is authenticated.
  [[nodiscard]] constexpr IndexVerdict check(std::uint64_t index) const {
    if (empty() || index > highest) return IndexVerdict::kFresh;
    const std::uint64_t age = highest - index;
    if (age >= kWindow) return IndexVerdict::kTooOld;
    return (seen >> age & 1) != 0 ? IndexVerdict::kReplayed : IndexVerdict::kFresh;
  }

  /// Records an authenticated index. Checks again, since one burst may hold the same packet twice; what is not fresh
  /// changes nothing.
  constexpr IndexVerdict commit(std::uint64_t index) {
    if (index == std::uint64_t{highest} + 1) [[likely]] {  // the next one; an empty window becomes { index } as below
      seen = static_cast<Bits>(static_cast<Bits>(seen << 1) | Bits{1});
      highest = static_cast<Index>(index);
      return IndexVerdict::kFresh;
    }
    const IndexVerdict verdict = check(index);
    if (verdict != IndexVerdict::kFresh) return verdict;
    if (empty()) {
      highest = static_cast<Index>(index);
      // Killed between the two, weir-media finds a window that is still empty, not one that stands at 0.
      if (!std::is_constant_evaluated()) std::atomic_signal_fence(std::memory_order_seq_cst);
      seen = 1;
    } else if (index > highest) {
      const std::uint64_t ahead = index - highest;
      seen = ahead >= kWindow ? Bits{1} : static_cast<Bits>(static_cast<Bits>(seen << ahead) | Bits{1});
      highest = static_cast<Index>(index);
    } else {
      seen = static_cast<Bits>(seen | static_cast<Bits>(Bits{1} << (highest - index)));
    }
    return IndexVerdict::kFresh;
  }
};

using SrtpWindow = ReplayWindow<Uint128>;
static_assert(SrtpWindow::kWindow == proto::kReplayWindowPackets);
/// SRTCP comes once in seconds: the least that RFC 3711 section 3.3.2 allows is minutes of it.
using SrtcpWindow = ReplayWindow<std::uint64_t, std::uint32_t>;

}  // namespace weir::dataplane
