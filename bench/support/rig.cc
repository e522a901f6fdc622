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
constexpr std::uint16_t kFirstPort = 20000;
constexpr std::uint16_t kPeerPort = 4000;
constexpr char kNearName[] = "bench_near";
constexpr char kFarName[] = "bench_far";
constexpr std::uint32_t kNear = 0;  // networks
constexpr std::uint32_t kFar = 1;
// RFC 2544: 198.18.n.1 is ours, 198.18.n.2 the peer's.
constexpr std::uint32_t kOurs[] = {0xc6120001, 0xc6120101};
constexpr std::uint32_t kPeers[] = {0xc6120002, 0xc6120102};
constexpr proto::MacAddress kPeerMac{0x02, 0, 0, 0, 0, 2};

proto::Region make_region(const std::string& directory, std::uint32_t flows) {
  proto::Region::CreateOptions options;
  options.directory = directory;
  options.shape = {.workers = 1,
                   .flows_max = flows,
                   .command_slots = 64,
                   .event_slots = 4096,
                   .punt_slots = 64,
                   .inject_slots = 64,
                   .private_bytes = dataplane::FlowTable::private_bytes(flows, 2),
                   .private_layout_hash = dataplane::private_layout_hash()};
  options.control_uid = getuid();
  options.control_gid = getgid();
  proto::Result<proto::Region> region = proto::Region::create(options);
  WEIR_ASSERT(region.ok());
  return std::move(region).value();
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

/// Where the region goes: on the hugetlbfs that bench/run mounted, as weir-media's would be, else on tmpfs.
std::string region_parent() {
  const char* given = std::getenv("WEIR_BENCH_REGION");
  return given == nullptr ? "/dev/shm" : given;
}

}  // namespace

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
    : directory_(region_parent()),
      region_(make_region(directory_.path(), static_cast<std::uint32_t>(received.streams().size()))) {
  proto::Result<dataplane::PoolPointer> pool = dataplane::make_packet_pool(kBuffers);
  WEIR_ASSERT(pool.ok());
  pool_ = std::move(pool).value();
  make_networks();
  table_ = std::make_unique<dataplane::FlowTable>(region_.private_memory(), region_.shape().flows_max, 2u,
                                                  &region_.flow_status_mutable(0));
  make_worker();
  install(legs, received, sent);
}

Rig::~Rig() {
  report_stages();
  worker_.reset();
  for (const std::uint16_t id : port_ids_) WEIR_ASSERT(rte_eth_dev_stop(id) == 0);
  for (const char* name : {kNearName, kFarName}) {
    WEIR_ASSERT(rte_eal_hotplug_remove("vdev", (std::string("net_ring_") + name).c_str()) == 0);
  }
  rte_ring_free(receive_ring_);
  rte_ring_free(transmit_ring_);
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

void Rig::make_networks() {
  receive_ring_ = make_ring("bench_receive");
  transmit_ring_ = make_ring("bench_transmit");
  // Each network uses one of the rings; the other end of both is never polled with anything in it.
  port_ids_ = {start_port(kNearName, receive_ring_, transmit_ring_, pool_.get()),
               start_port(kFarName, transmit_ring_, transmit_ring_, pool_.get())};
  neighbours_.reserve(2);
  for (const std::uint32_t network : {kNear, kFar}) {
    dataplane::Network made;
    made.port_id = port_ids_[network];
    made.address = kOurs[network];
    made.mask = 0xffffff00;
    made.mac = {0x02, 0, 0, 0, 0, 1};
    networks_.push_back(made);
    families_.push_back(proto::Family::kIpv4);
    neighbours_.emplace_back(made);
    neighbours_.back().add_static(kPeers[network], kPeerMac);
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
                               .polled = {{port_ids_[kNear], 0}},
                               .network_of_port = std::vector<std::uint8_t>(RTE_MAX_ETHPORTS),
                               .transmit = {},
                               .from_workers = {},
                               .to_workers = {nullptr},
                               .wanted = nullptr,
                               .wanted_by = {}};
  parts.network_of_port[port_ids_[kFar]] = kFar;
  for (const std::uint16_t id : port_ids_) {
    parts.transmit.push_back({.port_id = id, .queue = 0, .to_worker_0 = nullptr, .from_workers = {}});
  }
  proto::Result<std::unique_ptr<dataplane::Worker>> worker = dataplane::Worker::create(std::move(parts));
  WEIR_ASSERT(worker.ok());
  worker_ = std::move(worker).value();
}

void Rig::install(Legs legs, const Workload& received, const Workload& sent) {
  proto::Result<std::unique_ptr<dataplane::Cipher>> cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  for (std::uint32_t flow = 0; flow < received.streams().size(); ++flow) {
    proto::FlowSpec spec{};
    spec.local_port = static_cast<std::uint16_t>(kFirstPort + 2 * flow);
    spec.network = kNear;
    spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
    spec.source_policy = proto::SourcePolicy::kLatch;
    // As weir-control installs them, but that no packet of a benchmark is over its rate.
    spec.packets_per_s_max = 10'000'000;
    spec.bytes_per_s_max = 4'000'000'000;
    spec.rtp_clock_hz = 8'000;
    spec.rtp = {.peer = {proto::IpAddress::from_ipv4(kPeers[kFar]), 0, kPeerPort},
                .local_port = spec.local_port,
                .network = kFar,
                .dscp = 46};
    if (legs.receive != proto::SrtpProfile::kNone) spec.receive = received.streams()[flow].transform;
    if (legs.send != proto::SrtpProfile::kNone) spec.send = sent.streams()[flow].transform;
    WEIR_ASSERT(table_->claim(flow, 0));
    table_->install({.index = flow, .generation = 1}, spec, **cipher);
  }
}

void Rig::feed(const Packet* packets, std::uint32_t count) {
  rte_mbuf* mbufs[dataplane::kBurstMax];
  WEIR_ASSERT(rte_pktmbuf_alloc_bulk(pool_.get(), mbufs, count) == 0);
  // The peer's frames: its addresses are the other way round.
  dataplane::Network peer = networks_[kNear];
  peer.address = kPeers[kNear];
  peer.mac = kPeerMac;
  const std::uint16_t headers = dataplane::header_bytes(peer);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Packet& packet = packets[i];
    mbufs[i]->port = port_ids_[kNear];
    auto* frame = reinterpret_cast<std::uint8_t*>(
        rte_pktmbuf_append(mbufs[i], static_cast<std::uint16_t>(headers + packet.bytes)));
    std::memcpy(frame + headers, packet.data, packet.bytes);
    dataplane::write_headers(frame + headers, packet.bytes,
                             dataplane::prepare_headers(
                                 peer, {.mac = dataplane::to_word(networks_[kNear].mac),
                                        .destination = kOurs[kNear],
                                        .destination_port = static_cast<std::uint16_t>(kFirstPort + 2 * packet.stream),
                                        .source_port = kPeerPort,
                                        .dscp = 46}));
  }
  WEIR_ASSERT(rte_ring_sp_enqueue_bulk(receive_ring_, reinterpret_cast<void**>(mbufs), count, nullptr) == count);
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
  for (std::size_t first = 0; first < packets.size(); first += dataplane::kBurstMax) {
    const auto count = static_cast<std::uint32_t>(std::min(dataplane::kBurstMax, packets.size() - first));
    feed(&packets[first], count);
    const auto start = std::chrono::steady_clock::now();
    const std::uint32_t frames = worker_->run_once(dataplane::monotonic_ns());
    bursts_.push_back(std::chrono::steady_clock::now() - start);
    WEIR_ASSERT(frames == count);
    packets_ += count;
    collect(count);
  }
  const auto middle = bursts_.begin() + static_cast<std::ptrdiff_t>(bursts_.size() / 2);
  std::nth_element(bursts_.begin(), middle, bursts_.end());
  return *middle * static_cast<std::int64_t>(bursts_.size());
}

}  // namespace weir::bench
