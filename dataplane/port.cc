#include "dataplane/port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "dataplane/eal.h"
#include "dataplane/numa.h"

namespace weir::dataplane {
namespace {

static_assert(RTE_PKTMBUF_HEADROOM == 128, "kMbufDataBytes counts on it");

/// Buffers that a worker keeps for itself, so that the pool's ring is touched once in many packets.
constexpr unsigned kPoolCache = 256;
constexpr std::uint16_t kDescriptors = 1024;

std::string name_of(const std::string& device) {
  return device.substr(0, device.find(','));
}

/// The port of a device, made first if it is a virtual one that nobody has made yet.
proto::Result<std::uint16_t> find_port(const std::string& device) {
  const std::string name = name_of(device);
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  first_complaint();
  if (!is_virtual_device(device)) {
    return proto::Error{
        "there is no such port: check its PCI address, and that it is bound to vfio-pci (dpdk-devbind.py --status)"};
  }
  if (rte_dev_probe(device.c_str()) == 0 && rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  return proto::Error{"DPDK cannot make it" + first_complaint() +
                      ": check its arguments, that the interface it names exists and is up, and that weir-media may "
                      "open raw sockets"};
}

proto::Error failed(const char* what, int error) {
  return proto::Error{std::string(what) + " (" + rte_strerror(-error) + ")" + first_complaint()};
}

}  // namespace

proto::Result<PoolPointer> make_packet_pool(std::uint32_t buffers, int node) {
  const std::string name = "weir_packets_" + std::to_string(node);
  for (const int place : {node, SOCKET_ID_ANY}) {
    rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), buffers, kPoolCache, 0, kMbufDataBytes, place);
    if (pool != nullptr) return PoolPointer(pool);
    if (place == node)
      spdlog::warn("NUMA node {} has no room for {} packet buffers of its workers: they lie elsewhere", node, buffers);
  }
  return proto::Error{"no memory for " + std::to_string(buffers) +
                      " packet buffers: raise media.memory_mb or lower media.packet_buffers"};
}

proto::Result<PacketPools> PacketPools::create(std::uint32_t buffers, const std::vector<int>& nodes) {
  PacketPools pools;
  pools.nodes_ = nodes;
  const std::vector<int> distinct = distinct_nodes(nodes);
  for (const int node : distinct) {
    const auto workers = static_cast<std::uint64_t>(std::count(nodes.begin(), nodes.end(), node));
    proto::Result<PoolPointer> pool =
        make_packet_pool(static_cast<std::uint32_t>(buffers * workers / nodes.size()), node);
    if (!pool) return proto::Error{pool.error()};
    pools.pools_.push_back(std::move(*pool));
  }
  for (const int node : nodes) {
    const auto at = std::find(distinct.begin(), distinct.end(), node) - distinct.begin();
    pools.pool_of_worker_.push_back(static_cast<std::size_t>(at));
  }
  return pools;
}

proto::Result<std::unique_ptr<Port>> Port::open(const std::string& device, const SteeredFrames& frames,
                                                const PacketPools& pools) {
  const std::string sentence = "the device '" + device + "' does not start: ";
  const proto::Result<std::uint16_t> id = find_port(device);
  if (!id) return proto::Error{sentence + id.error()};
  std::unique_ptr<Port> port(new Port(*id, frames.workers));
  if (proto::Status status = port->start(frames, pools); !status) return proto::Error{sentence + status.error()};
  return port;
}

proto::Status Port::start(const SteeredFrames& frames, const PacketPools& pools) {
  rte_eth_dev_info info;
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return failed("it does not describe itself", error);
  driver_ = info.driver_name;
  node_ = rte_eth_dev_socket_id(id_);
  receive_queues_ = info.max_rx_queues >= workers_ ? workers_ : std::uint16_t{1};
  transmit_queues_ = info.max_tx_queues >= workers_ ? workers_ : std::uint16_t{1};
  Steerer steerer(info, frames, receive_queues_);
  if (proto::Status status = configure(info, steerer, pools.single()); !status) return status;
  if (proto::Status status = set_up_queues(pools); !status) return status;
  if (const int error = rte_eth_dev_start(id_); error != 0) return failed("its driver refuses", error);
  steering_ = steerer.start(id_);
  return proto::success();
}

proto::Status Port::configure(const rte_eth_dev_info& info, Steerer& steerer, bool one_pool) {
  rte_eth_conf wanted = {};
  wanted.rxmode.offloads = info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
  wanted.txmode.offloads = info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
  // One pool for all that a queue sends and no shared buffers is what it asks for.
  if (one_pool) wanted.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  ip_checksum_offload_ = (wanted.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  udp_checksum_offload_ = (wanted.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  steerer.configure(wanted);
  if (const int error = rte_eth_dev_configure(id_, receive_queues_, transmit_queues_, &wanted); error != 0) {
    return failed("its driver refuses the configuration", error);
  }
  rte_ether_addr mac;
  if (const int error = rte_eth_macaddr_get(id_, &mac); error != 0) return failed("it has no hardware address", error);
  std::copy_n(mac.addr_bytes, mac_.size(), mac_.begin());
  return proto::success();
}

/// A queue's descriptors lie where its worker is.
proto::Status Port::set_up_queues(const PacketPools& pools) {
  std::uint16_t receive_slots = kDescriptors;
  std::uint16_t transmit_slots = kDescriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive_slots, &transmit_slots); error != 0) {
    return failed("its driver refuses the queue length", error);
  }
  for (std::uint16_t queue = 0; queue < receive_queues_; ++queue) {
    const auto node = static_cast<unsigned>(pools.node_of_worker(queue));
    const int error = rte_eth_rx_queue_setup(id_, queue, receive_slots, node, nullptr, pools.of_worker(queue));
    if (error != 0) return failed("a receive queue cannot be set up", error);
  }
  for (std::uint16_t queue = 0; queue < transmit_queues_; ++queue) {
    const auto node = static_cast<unsigned>(pools.node_of_worker(queue));
    const int error = rte_eth_tx_queue_setup(id_, queue, transmit_slots, node, nullptr);
    if (error != 0) return failed("a transmit queue cannot be set up", error);
  }
  return proto::success();
}

proto::Status Port::listen_to(const std::vector<proto::MacAddress>& groups) {
  std::vector<rte_ether_addr> addresses(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::copy_n(groups[i].begin(), groups[i].size(), addresses[i].addr_bytes);
  }
  if (rte_eth_dev_set_mc_addr_list(id_, addresses.data(), static_cast<std::uint32_t>(addresses.size())) == 0 ||
      rte_eth_allmulticast_enable(id_) == 0 || rte_eth_promiscuous_enable(id_) == 0) {
    return proto::success();
  }
  return proto::Error{"the driver " + driver_ + " takes no multicast frames, which IPv6 needs"};
}

Port::~Port() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

std::uint64_t Port::missed() const {
  rte_eth_stats stats;
  if (rte_eth_stats_get(id_, &stats) != 0) return 0;
  return stats.imissed + stats.rx_nombuf + stats.ierrors;
}

}  // namespace weir::dataplane
