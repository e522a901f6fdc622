// A whole media plane in one thread: engine, region and two networks whose ports are rings in memory. Tests send frames
// in, turn the workers by hand under a clock of their own, and see what comes out; and they are weir-control. Whatever
// a test does, every frame that it sent in has to be accounted for when its plane ends.
#pragma once

#include <rte_ring.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/engine.h"
#include "proto/region.h"
#include "proto/settings/settings.h"
#include "tests/support/frames.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

class MediaPlane {
 public:
  struct Shape {
    std::uint16_t workers = 1;
    std::uint16_t receive_queues = 1;   ///< of each port
    std::uint16_t transmit_queues = 1;  ///< of each port
    bool static_neighbours = true;      ///< the peers' MAC addresses are configured
    std::uint32_t transmit_slots = 512;
    std::uint32_t flows = 64;
    std::uint32_t punts_per_s_max = 0;  ///< of a worker, in all
    std::uint32_t punts_per_s_per_source_max = 0;
    std::uint32_t idle_sleep_us_max = 0;
    unsigned transcoders = 0;
    std::uint32_t transcoded_flows_max = 8;
    /// Changes the two networks, or adds some to their devices.
    std::function<void(std::vector<proto::settings::NetworkSettings>&)> adjust = {};
  };

  // Network n is 198.18.(n+1).0/24, we are .10, the peer is .2.
  static constexpr std::uint32_t our_address(unsigned network) { return 0xc612000a | (network + 1) << 8; }
  static constexpr std::uint32_t peer_address(unsigned network) { return 0xc6120002 | (network + 1) << 8; }
  static constexpr proto::MacAddress kPeerMac = {0x02, 0, 0, 0, 0, 0x02};
  static proto::Endpoint peer(unsigned network, std::uint16_t port);

  explicit MediaPlane(const Shape& shape);
  MediaPlane() : MediaPlane(Shape()) {}
  MediaPlane(const MediaPlane&) = delete;
  MediaPlane& operator=(const MediaPlane&) = delete;
  /// Lets the workers finish, then expects that frames in are frames out and named drops.
  ~MediaPlane();

  /// Ends weir-media and starts it anew over the same region, as after a kill: nothing of it is told to stop.
  void restart();

  /// A frame arrives at a port, that of network 0 or 1, in one of its queues.
  void arrive(unsigned network, const Packet& frame, unsigned queue = 0);
  /// A datagram from the network's peer to one of our ports.
  void arrive(unsigned network, std::uint16_t peer_port, std::uint16_t our_port, const Packet& payload,
              unsigned queue = 0);

  /// Every worker passes once, and every transcoder, `passes` times, a millisecond apart.
  void run(unsigned passes = 4);
  void sleep_ms(std::uint64_t ms) { now_ns += ms * 1'000'000; }

  /// What left that port since the last call, in all queues.
  std::vector<Packet> departed(unsigned network);

  // weir-control's side.
  proto::Region& control() { return *control_; }
  /// Sends a command to the worker of its port (or `worker`), runs, and returns the answer.
  proto::Event command(const proto::Command& command, std::optional<std::uint32_t> worker = std::nullopt);
  /// Events since the last call that answer no command, of all workers.
  std::vector<proto::Event> events();
  std::vector<proto::Punt> punts();
  /// All workers' counters together.
  [[nodiscard]] proto::WorkerCounters totals() const;
  [[nodiscard]] std::uint64_t dropped(proto::DropReason reason) const;

  /// A flow from peer(network, 4000) at `port` to peer(other network, 5000), plain on both sides.
  static proto::Command install(std::uint32_t index, unsigned network, std::uint16_t port, std::uint16_t exit_port);

  proto::Region& region() { return *region_; }
  dataplane::Engine& engine() { return *engine_; }

  std::uint64_t now_ns = 1'000'000'000'000;

 private:
  void start();
  void drain_events();
  void finish();

  Shape shape_;
  TemporaryDirectory directory_;
  proto::settings::Settings settings_;
  std::vector<std::vector<rte_ring*>> in_;  ///< by network and queue
  std::vector<std::vector<rte_ring*>> out_;
  dataplane::PoolPointer pool_;
  std::optional<proto::Region> region_;
  std::unique_ptr<dataplane::Engine> engine_;
  std::optional<proto::Region> control_;
  std::vector<proto::RingConsumer<proto::Event>> event_ends_;
  std::vector<proto::RingConsumer<proto::Punt>> punt_ends_;
  std::vector<proto::RingProducer<proto::Command>> command_ends_;
  std::vector<proto::Event> events_;
  std::vector<proto::Event> answers_;
  std::uint32_t requests_ = 0;
  std::uint64_t arrived_ = 0;   ///< frames sent in
  std::uint64_t departed_ = 0;  ///< frames that came out
};

}  // namespace weir::tests
