// Policing of a flow: packets and bytes a second, each with a depth of one second. The buckets are kept as the times at
// which they will be full again (the virtual scheduling of ITU-T I.371 annex A): what a packet costs is added, and time
// refills them by passing. So every packet of every flow can be policed: no division, and nothing to write for what is
// refused.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::dataplane {

/// Packets and bytes that a flow may still send. Zeroed: no limit. With a rate set, full on its first use.
struct RateMeter {
  std::uint64_t packets_full_ns;  ///< when the packets taken so far will have come back
  std::uint64_t bytes_full_ns;    ///< the same of the bytes
  std::uint32_t packet_ns;        ///< what a packet costs; 0: nothing
  std::uint32_t byte_ns_256;      ///< what a byte costs in 1/256 ns; 0: nothing
};
static_assert(sizeof(RateMeter) == 24);

inline constexpr std::uint64_t kRateDepthNs = 1'000'000'000;

/// A meter of these rates a second, 0: no limit. Exact to a millionth up to 1,000 packets and 4 MB a second, and to
/// less than a hundredth up to 10,000,000 packets and 40 GB; below 60 bytes a second it is 60.
constexpr RateMeter make_rate_meter(std::uint32_t packets_per_s_max, std::uint32_t bytes_per_s_max) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::uint64_t kCostMax = 0xffffffff;
  RateMeter meter{};
  if (packets_per_s_max != 0) meter.packet_ns = static_cast<std::uint32_t>(kSecond / packets_per_s_max);
  if (bytes_per_s_max != 0) {
    meter.byte_ns_256 = static_cast<std::uint32_t>(std::min(kCostMax, (kSecond << 8) / bytes_per_s_max));
  }
  return meter;
}

constexpr std::uint64_t bytes_cost_ns(const RateMeter& meter, std::uint32_t bytes) {
  return std::uint64_t{bytes} * meter.byte_ns_256 >> 8;
}

/// May there be room for one packet of so many bytes? Never mutates: it runs before the packet is authenticated, and
/// take_room decides.
[[gnu::always_inline]] constexpr bool has_room(const RateMeter& meter, std::uint32_t bytes, std::uint64_t now_ns) {
  const std::uint64_t until_ns = now_ns + kRateDepthNs;
  return (meter.packets_full_ns + meter.packet_ns <= until_ns) &
         (meter.bytes_full_ns + bytes_cost_ns(meter, bytes) <= until_ns);
}

/// Takes the room that an authenticated packet needs. False: there is none left, and nothing is taken.
[[gnu::always_inline]] constexpr bool take_room(RateMeter& meter, std::uint32_t bytes, std::uint64_t now_ns) {
  const std::uint64_t until_ns = now_ns + kRateDepthNs;
  const std::uint64_t packets_full_ns = std::max(meter.packets_full_ns, now_ns) + meter.packet_ns;
  const std::uint64_t bytes_full_ns = std::max(meter.bytes_full_ns, now_ns) + bytes_cost_ns(meter, bytes);
  if (std::max(packets_full_ns, bytes_full_ns) > until_ns) return false;
  meter.packets_full_ns = packets_full_ns;
  meter.bytes_full_ns = bytes_full_ns;
  return true;
}

}  // namespace weir::dataplane
