// A DPDK port: any PCI device or virtual device, started with the queues and offloads that it has.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/steering.h"
#include "proto/inet.h"
#include "proto/limits.h"
#include "proto/result.h"

namespace weir::dataplane {

/// Bytes of an mbuf: DPDK's headroom, a whole frame and what SRTP adds. Drivers want 2048 bytes behind the headroom.
inline constexpr std::uint16_t kMbufDataBytes = 128 + 2048;
static_assert(kMbufDataBytes - 128 >=
              proto::kEthernetBytes + proto::kVlanTagBytes + proto::kMtuBytes + proto::kSrtpOverheadBytesMax);

struct PoolDeleter {
  void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
};
using PoolPointer = std::unique_ptr<rte_mempool, PoolDeleter>;

/// A pool of packet buffers on a NUMA node, or elsewhere if it has no room. One for all ports: a packet that came in on
/// one port leaves on another.
proto::Result<PoolPointer> make_packet_pool(std::uint32_t buffers, int node = 0);

/// The packet buffers of all ports: a pool on each NUMA node that has workers.
class PacketPools {
 public:
  /// `nodes` by worker. `buffers` are shared out by the workers on each.
  static proto::Result<PacketPools> create(std::uint32_t buffers, const std::vector<int>& nodes);

  [[nodiscard]] rte_mempool* of_worker(std::size_t worker) const { return pools_[pool_of_worker_[worker]].get(); }
  [[nodiscard]] int node_of_worker(std::size_t worker) const { return nodes_[worker]; }
  /// All packets come from one pool.
  [[nodiscard]] bool single() const { return pools_.size() == 1; }

 private:
  std::vector<PoolPointer> pools_;
  std::vector<std::size_t> pool_of_worker_;
  std::vector<int> nodes_;
};

/// Receives and sends from the moment it is opened; stopped and closed when destroyed.
class Port {
 public:
  /// `device` is a PCI address that EAL was told of, or a virtual device ("net_af_packet0,iface=media0") that is made
  /// here. `frames` is what its workers take, `pools` where they put it. Errors say what to do.
  static proto::Result<std::unique_ptr<Port>> open(const std::string& device, const SteeredFrames& frames,
                                                   const PacketPools& pools);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] const proto::MacAddress& mac() const { return mac_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  /// Each worker has a queue of its own. Else the port has one queue, and worker 0 has it.
  [[nodiscard]] bool receive_per_worker() const { return receive_queues_ > 1 || workers_ == 1; }
  [[nodiscard]] bool transmit_per_worker() const { return transmit_queues_ > 1 || workers_ == 1; }
  /// Its NUMA node, negative if it is nowhere: a virtual device.
  [[nodiscard]] int node() const { return node_; }
  /// How packets find their worker's queue.
  [[nodiscard]] Steering steering() const { return steering_; }
  [[nodiscard]] bool ip_checksum_offload() const { return ip_checksum_offload_; }
  [[nodiscard]] bool udp_checksum_offload() const { return udp_checksum_offload_; }

  /// Lets the frames of these IPv6 multicast groups through as well: by their hardware addresses where the driver
  /// filters them, else by taking all.
  proto::Status listen_to(const std::vector<proto::MacAddress>& groups);

  /// Packets lost before any worker saw them, since the start: no descriptor, no buffer, or a receive error.
  [[nodiscard]] std::uint64_t missed() const;

 private:
  explicit Port(std::uint16_t id, std::uint16_t workers) : id_(id), workers_(workers) {}
  proto::Status start(const SteeredFrames& frames, const PacketPools& pools);
  proto::Status configure(const rte_eth_dev_info& info, Steerer& steerer, bool one_pool);
  proto::Status set_up_queues(const PacketPools& pools);

  std::uint16_t id_;
  std::uint16_t workers_;
  std::uint16_t receive_queues_ = 1;
  std::uint16_t transmit_queues_ = 1;
  int node_ = -1;
  Steering steering_ = Steering::kOneQueue;
  bool ip_checksum_offload_ = false;
  bool udp_checksum_offload_ = false;
  proto::MacAddress mac_{};
  std::string driver_;
};

}  // namespace weir::dataplane
