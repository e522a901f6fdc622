// How a port delivers each media packet to the worker that owns its local port: by flow rules on the destination port,
// or by a hash that depends on the destination port alone. What a port cannot, or does wrong, the rings between the
// workers put right (handoff.h): steering saves a hop, it decides nothing.
#pragma once

#include <rte_ethdev.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/inet.h"

namespace weir::dataplane {

/// The best way that a port has.
enum class Steering : std::uint8_t {
  kOneQueue,  ///< one worker, or a port without a queue for each: worker 0 takes all and hands over
  kSpread,    ///< a queue for each worker, but the port cannot tell whose packet it is: about all are handed over
  kHash,      ///< receive-side scaling with a key that leaves of a packet only its destination port
  kRules,     ///< flow rules
};
/// For people, behind the port's name.
std::string_view to_string(Steering steering);

/// What is to be steered.
struct SteeredFrames {
  std::uint16_t workers;
  proto::Family family;
  bool tagged;  ///< with 802.1Q
};

/// Whether the owner of a port can be read off some of its bits, as rules with a mask and hashes need it: a local port
/// belongs to worker (port / 2) mod workers, so with a power of two.
constexpr bool is_steerable(std::uint16_t workers) {
  return workers > 1 && (workers & (workers - 1)) == 0;
}

/// The bits of a port that tell its worker apart, and their value for one worker. `workers` is steerable.
constexpr std::uint16_t steering_mask(std::uint16_t workers) {
  return static_cast<std::uint16_t>((workers - 1) << 1);
}
constexpr std::uint16_t steering_value(std::uint16_t worker) {
  return static_cast<std::uint16_t>(worker << 1);
}

/// A key of receive-side scaling of `bytes` bytes, zero but for one bit. The Toeplitz hash of addresses and ports is
/// the sum of a window of 32 key bits for each input bit that is set, so that under this key the hash's lowest
/// log2(entries) bits are bits log2(entries) to 1 of the destination port, in reverse order, whatever the rest of the
/// packet says. `entries` is a power of two up to 2^15. Empty if the key is too short.
std::vector<std::uint8_t> steering_key(std::size_t bytes, std::uint32_t entries, proto::Family family);

/// The queue for each value of the hash's lowest bits under that key. `workers` is steerable, and at most `entries`.
std::vector<std::uint16_t> steering_table(std::uint32_t entries, std::uint16_t workers);

/// One port's steering: configure() before the port's queues are made, start() once the port runs.
class Steerer {
 public:
  Steerer(const rte_eth_dev_info& info, const SteeredFrames& frames, std::uint16_t receive_queues);

  /// Asks for receive-side scaling where the port has it. `wanted` refers to this object.
  void configure(rte_eth_conf& wanted);

  /// Installs what there is to install, and tells which way the port took.
  Steering start(std::uint16_t port_id);

 private:
  [[nodiscard]] bool add_rule(std::uint16_t port_id, std::uint16_t worker) const;
  [[nodiscard]] bool add_rules(std::uint16_t port_id) const;
  [[nodiscard]] bool set_key(std::uint16_t port_id);
  [[nodiscard]] bool set_table(std::uint16_t port_id) const;

  SteeredFrames frames_;
  bool queues_;                    ///< one for each worker
  std::uint64_t hashed_ = 0;       ///< what the port can hash of the frames' headers; 0: nothing
  std::uint32_t entries_ = 0;      ///< of its table
  std::vector<std::uint8_t> key_;  ///< empty: the driver's own
};

}  // namespace weir::dataplane
