// The media ports of every network: pairs of an even (RTP) and the next odd port (RTCP), kept by the worker that owns
// them (proto::worker_of_port), so that a stream's flows can share one core.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_set>
#include <vector>

#include "proto/flow.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class PortPool {
 public:
  /// How long a freed pair rests, so that late packets of the old call find a closed port and not a new call.
  static constexpr std::uint64_t kQuarantineNs = 5'000'000'000;
  /// How long it does at least: a pair that has rested so long is taken before a call is refused.
  static constexpr std::uint64_t kQuarantineMinNs = 1'000'000'000;

  /// `seed` decides the order in which ports are given out, so that a prober cannot guess it: from the system's random
  /// source. `workers` is the region's.
  PortPool(const std::vector<proto::settings::NetworkSettings>& networks, std::uint32_t workers, std::uint64_t seed);

  /// The even port of a free pair on `network` that `worker` owns, or of the worker with most free pairs if that one
  /// has none. Where every pair is in use or resting, the one that rests longest. Errors: that is not long enough.
  proto::Result<std::uint16_t> take(std::uint8_t network, std::uint32_t worker, std::uint64_t now_ns);

  /// The even port of a pair that is free on both networks and that `worker` owns; nullopt: there is none, or a quarter
  /// of the pairs on `also` is left, which is for those who can use no other. Then take() is for one of them.
  std::optional<std::uint16_t> take_on_both(std::uint8_t network, std::uint8_t also, std::uint32_t worker,
                                            std::uint64_t now_ns);

  /// Gives a pair back: it rests for kQuarantineNs. `port` is either of the two.
  void give_back(std::uint8_t network, std::uint16_t port, std::uint64_t now_ns);

  /// Whether there is a pair with this even port on `network`.
  [[nodiscard]] bool has(std::uint8_t network, std::uint16_t rtp_port) const;
  /// Takes the pairs that flows of an earlier weir-control use: those of `rtp_ports`, even ones, that are free.
  void occupy(std::uint8_t network, const std::unordered_set<std::uint16_t>& rtp_ports);

  /// The worker with most free pairs on `network`.
  [[nodiscard]] std::uint32_t emptiest_worker(std::uint8_t network) const;

  /// Pairs in use on `network`, not counting those that rest.
  [[nodiscard]] std::uint32_t in_use(std::uint8_t network) const;
  [[nodiscard]] std::uint32_t pairs(std::uint8_t network) const;

 private:
  struct Resting {
    std::uint16_t port;
    std::uint64_t since_ns;
  };
  struct Network {
    std::uint16_t port_first;
    std::uint16_t port_last;
    std::uint32_t pairs = 0;
    std::uint32_t in_use = 0;
    std::vector<bool> is_free = {};               ///< by port / 2
    std::vector<std::deque<std::uint16_t>> free;  ///< by worker: even ports
    std::deque<Resting> resting;                  ///< in order of since_ns
  };

  static void take(Network& network, std::deque<std::uint16_t>::iterator port, std::deque<std::uint16_t>& ports);
  void wake(Network& network, std::uint64_t now_ns);
  void wake_first(Network& network);

  std::vector<Network> networks_;
  std::uint32_t workers_;
};

}  // namespace weir::controlplane
