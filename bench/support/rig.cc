#include "bench/support/rig.h"

#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "dataplane/headers.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kRingSlots = 1024;
constexpr std::uint32_t kBuffers = 4096;
constexpr std::uint32_t kDpdkMb = 512;
constexpr std::uint32_t kPortsFirst = 1024;  // of a network's
constexpr std::uint32_t kPorts = 64512;
constexpr std::uint16_t kPeerPort = 4000;
// RFC 2544: 198.18.n.1 is ours in network n, 198.18.n.2 the peer's.
std::uint32_t our_address(std::size_t network) {
  return 0xc6120001 + (static_cast<std::uint32_t>(network) << 8);
}
std::uint32_t peer_address(std::size_t network) {
  return our_address(network) + 1;
}
constexpr proto::MacAddress kPeerMac{0x02, 0, 0, 0, 0, 2};

proto::Region make_region(const std::string& directory, std::uint32_t flows, std::uint32_t networks) {
  proto::Region::CreateOptions options;
  options.directory = directory;
  options.shape = {.workers = 1,
                   .flows_max = flows,
                   .command_slots = 64,
                   .event_slots = 4096,
                   .punt_slots = 64,
                   .inject_slots = 64,
                   .private_bytes = dataplane::FlowTable::private_bytes(flows, networks, dataplane::KeyRoom::kGcm),
                   .private_layout_hash = dataplane::private_layout_hash()};
  options.control_uid = getuid();
  options.control_gid = getgid();
  proto::Result<proto::Region> region = proto::Region::create(options);
  WEIR_ASSERT(region.ok());
  return std::move(region).value();
}

std::string port_name(std::size_t network) {
  return "bench_" + std::to_string(network);
}

rte_ring* make_ring(const std::string& name) {
  rte_ring* ring = rte_ring_create(name.c_str(), kRingSlots, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
  WEIR_ASSERT(ring != nullptr);
  return ring;
}

std::uint16_t start_port(const std::string& name, rte_ring* receive, rte_ring* transmit, rte_mempool* pool) {
  rte_ring* receive_rings[] = {receive};
  rte_ring* transmit_rings[] = {transmit};
  const int made = rte_eth_from_rings(name.c_str(), receive_rings, 1, transmit_rings, 1, 0);
  WEIR_ASSERT(made >= 0);
  const auto id = static_cast<std::uint16_t>(made);
  const rte_eth_conf plain = {};
  WEIR_ASSERT(rte_eth_dev_configure(id, 1, 1, &plain) == 0);
  WEIR_ASSERT(rte_eth_rx_queue_setup(id, 0, kRingSlots, 0, nullptr, pool) == 0);
  WEIR_ASSERT(rte_eth_tx_queue_setup(id, 0, kRingSlots, 0, nullptr) == 0);
  WEIR_ASSERT(rte_eth_dev_start(id) == 0);
  return id;
}

}  // namespace

std::string region_parent() {
  const char* given = std::getenv("WEIR_BENCH_REGION");
  return given == nullptr ? "/dev/shm" : given;
}

void start_dpdk() {
  const std::string core = "0@" + std::to_string(sched_getcpu());
  std::vector<std::string> arguments = {"worker_bench",          "--lcores", core,          "-m",
                                        std::to_string(kDpdkMb), "--no-pci", "--iova-mode", "va",
                                        "--no-telemetry"};
  if (dataplane::free_hugepage_mb("/sys/kernel/mm/hugepages") >= kDpdkMb) {
    arguments.emplace_back("--in-memory");
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }
  proto::Result<std::unique_ptr<dataplane::Eal>> eal = dataplane::Eal::start(arguments);
  WEIR_ASSERT(eal.ok());
  static const std::unique_ptr<dataplane::Eal> kept = std::move(eal).value();
}

Rig::Rig(Legs legs, const Workload& received, const Workload& sent)
    : streams_(static_cast<std::uint32_t>(received.streams().size())),
      near_networks_((streams_ * port_step() + kPorts - 1) / kPorts),
      directory_(region_parent()),
      region_(make_region(directory_.path(), streams_, near_networks_ + 1)) {
  proto::Result<dataplane::PoolPointer> pool = dataplane::make_packet_pool(kBuffers);
  WEIR_ASSERT(pool.ok());
  pool_ = std::move(pool).value();
  make_networks();
  table_ =
      std::make_unique<dataplane::FlowTable>(region_.private_memory(), region_.shape().flows_max, near_networks_ + 1,
                                             dataplane::KeyRoom::kGcm, &region_.flow_status_mutable(0));
  make_worker();
  install(legs, received, sent);
}

Rig::~Rig() {
  report_stages();
  worker_.reset();
  for (std::size_t network = 0; network < port_ids_.size(); ++network) {
    WEIR_ASSERT(rte_eth_dev_stop(port_ids_[network]) == 0);
    WEIR_ASSERT(rte_eal_hotplug_remove("vdev", ("net_ring_" + port_name(network)).c_str()) == 0);
  }
  for (rte_ring* ring : receive_rings_) rte_ring_free(ring);
  rte_ring_free(transmit_ring_);
}

/// A port for RTP and one for RTCP each, as long as ports are plentiful.
std::uint32_t Rig::port_step() const {
  return streams_ < kPorts ? 2 : 1;
}
std::uint8_t Rig::network_of(std::uint32_t stream) const {
  return static_cast<std::uint8_t>(stream * port_step() / kPorts);
}
std::uint16_t Rig::port_of(std::uint32_t stream) const {
  return static_cast<std::uint16_t>(kPortsFirst + stream * port_step() % kPorts);
}

/// One line for people, in a build that measures stages: cycles a packet, set-up and warming passes included.
void Rig::report_stages() const {
  if (!dataplane::StageCycles::kMeasured || packets_ == 0) return;
  std::fprintf(stderr, "  cycles a packet:");
  for (std::size_t stage = 0; stage < dataplane::kStageNames.size(); ++stage) {
    const std::uint64_t spent = worker_->cycles().spent(static_cast<dataplane::Stage>(stage));
    std::fprintf(stderr, " %s %.1f", dataplane::kStageNames[stage].data(),
                 static_cast<double>(spent) / static_cast<double>(packets_));
  }
  std::fprintf(stderr, "\n");
}

/// Each near network has a receive ring, the far one, the last, the transmit ring. The other ends are never polled with
/// anything in them.
void Rig::make_networks() {
  transmit_ring_ = make_ring("bench_transmit");
  neighbours_.reserve(near_networks_ + 1);
  for (std::size_t network = 0; network <= near_networks_; ++network) {
    rte_ring* receive = transmit_ring_;
    if (network < near_networks_) {
      receive = make_ring("bench_receive_" + std::to_string(network));
      receive_rings_.push_back(receive);
    }
    port_ids_.push_back(start_port(port_name(network), receive, transmit_ring_, pool_.get()));
    dataplane::Network made;
    made.port_id = port_ids_.back();
    made.address = our_address(network);
    made.prefix_bits = 24;
    made.mac = {0x02, 0, 0, 0, 0, 1};
    networks_.push_back(made);
    families_.push_back(proto::Family::kIpv4);
    neighbours_.emplace_back(made);
    neighbours_.back().add_static(peer_address(network), kPeerMac);
  }
}

void Rig::make_worker() {
  dataplane::WorkerParts parts{.worker = 0,
                               .workers = 1,
                               .networks = networks_,
                               .families = families_,
                               .neighbours = neighbours_,
                               .region = &region_,
                               .table = table_.get(),
                               .pool = pool_.get(),
                               .polled = {},
                               .networks_of_port = std::vector<std::vector<std::uint8_t>>(RTE_MAX_ETHPORTS),
                               .transmit = {},
                               .from_workers = {},
                               .to_workers = {nullptr},
                               .wanted = nullptr,
                               .wanted_by = {},
                               .to_transcoders = {},
                               .from_transcoders = {}};
  for (std::size_t network = 0; network < port_ids_.size(); ++network) {
    const std::uint16_t id = port_ids_[network];
    parts.networks_of_port[id] = {static_cast<std::uint8_t>(network)};
    parts.transmit.push_back({.port_id = id, .queue = 0, .to_worker_0 = nullptr, .from_workers = {}});
    if (network < near_networks_) parts.polled.push_back({id, 0});
  }
  proto::Result<std::unique_ptr<dataplane::Worker>> worker = dataplane::Worker::create(std::move(parts));
  WEIR_ASSERT(worker.ok());
  worker_ = std::move(worker).value();
}

void Rig::install(Legs legs, const Workload& received, const Workload& sent) {
  proto::Result<std::unique_ptr<dataplane::Cipher>> cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  for (std::uint32_t flow = 0; flow < streams_; ++flow) {
    proto::FlowSpec spec{};
    spec.local_port = port_of(flow);
    spec.network = network_of(flow);
    spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
    spec.source_policy = proto::SourcePolicy::kLatch;
    spec.latch_window_ms = proto::kLatchWindowMsMax;
    // As weir-control installs them, but that no packet of a benchmark is over its rate.
    spec.packets_per_s_max = 10'000'000;
    spec.bytes_per_s_max = 4'000'000'000;
    spec.rtp_clock_hz = 8'000;
    spec.rtp = {.peer = {proto::IpAddress::from_ipv4(peer_address(near_networks_)), 0, kPeerPort},
                .local_port = spec.local_port,
                .network = static_cast<std::uint8_t>(near_networks_),
                .dscp = 46};
    spec.cookie = flow + 1;
    spec.rewrite.strips_extensions = legs.strips_extensions;
    if (legs.receive != proto::SrtpProfile::kNone) spec.receive = received.streams()[flow].transform;
    if (legs.send != proto::SrtpProfile::kNone) spec.send = sent.streams()[flow].transform;
    WEIR_ASSERT(table_->claim(flow, 0));
    table_->install({.index = flow, .generation = 1}, spec, dataplane::monotonic_ns(), **cipher);
  }
}

void Rig::speak_ice(const proto::FlowSpec& spec) {
  proto::Result<std::unique_ptr<dataplane::Cipher>> cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  for (std::uint32_t flow = 0; flow < streams_; ++flow) WEIR_ASSERT(table_->set_ice(flow, spec, **cipher));
}

void Rig::feed(std::uint32_t network, const Packet* const* packets, std::uint32_t count) {
  rte_mbuf* mbufs[dataplane::kBurstMax];
  WEIR_ASSERT(rte_pktmbuf_alloc_bulk(pool_.get(), mbufs, count) == 0);
  // The peer's frames: its addresses are the other way round.
  dataplane::Network peer = networks_[network];
  peer.address = peer_address(network);
  peer.mac = kPeerMac;
  const std::uint16_t headers = dataplane::header_bytes(peer);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Packet& packet = *packets[i];
    auto* frame = reinterpret_cast<std::uint8_t*>(
        rte_pktmbuf_append(mbufs[i], static_cast<std::uint16_t>(headers + packet.bytes)));
    std::memcpy(frame + headers, packet.data, packet.bytes);
    dataplane::PreparedHeaders prepared =
        dataplane::prepare_headers(peer, {.mac = dataplane::to_word(networks_[network].mac),
                                          .destination = our_address(network),
                                          .destination_port = port_of(packet.stream),
                                          .source_port = kPeerPort,
                                          .dscp = 46});
    dataplane::write_headers(frame + headers, packet.bytes, prepared, peer);
  }
  WEIR_ASSERT(rte_ring_sp_enqueue_bulk(receive_rings_[network], reinterpret_cast<void**>(mbufs), count, nullptr) ==
              count);
}

void Rig::collect(std::uint32_t count) {
  rte_mbuf* mbufs[dataplane::kBurstMax];
  const std::uint32_t sent =
      rte_ring_sc_dequeue_burst(transmit_ring_, reinterpret_cast<void**>(mbufs), dataplane::kBurstMax, nullptr);
  WEIR_ASSERT(sent == count);
  rte_pktmbuf_free_bulk(mbufs, sent);
}

std::chrono::nanoseconds Rig::pass(const std::vector<Packet>& packets) {
  bursts_.clear();
  std::vector<std::vector<const Packet*>> queues(near_networks_);  // a burst comes from one port
  for (const Packet& packet : packets) {
    std::vector<const Packet*>& queue = queues[network_of(packet.stream)];
    queue.push_back(&packet);
    if (queue.size() < dataplane::kBurstMax) continue;
    burst(network_of(packet.stream), queue);
    queue.clear();
  }
  for (std::uint32_t network = 0; network < near_networks_; ++network) {
    if (!queues[network].empty()) burst(network, queues[network]);
  }
  const auto middle = bursts_.begin() + static_cast<std::ptrdiff_t>(bursts_.size() / 2);
  std::nth_element(bursts_.begin(), middle, bursts_.end());
  return *middle * static_cast<std::int64_t>(bursts_.size());
}

void Rig::burst(std::uint32_t network, const std::vector<const Packet*>& packets) {
  const auto count = static_cast<std::uint32_t>(packets.size());
  feed(network, packets.data(), count);
  const auto start = std::chrono::steady_clock::now();
  const std::uint32_t frames = worker_->run_once(dataplane::monotonic_ns());
  bursts_.push_back(std::chrono::steady_clock::now() - start);
  WEIR_ASSERT(frames == count);
  packets_ += count;
  collect(count);
}

}  // namespace weir::bench
