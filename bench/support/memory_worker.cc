#include "bench/support/memory_worker.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "proto/assert.h"
#include "proto/inet.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kAddress = 0xc6120001;  // 198.18.0.1
constexpr std::uint32_t kPeer = 0xc6120002;
constexpr std::uint16_t kPeerPort = 4000;
constexpr std::uint16_t kFirstPort = 2048;
constexpr std::size_t kHeaders = proto::kEthernetBytes + proto::kIpv4Bytes + proto::kUdpBytes;
constexpr std::uint32_t kBuffers = 16'384;

/// Each worker of the process has a port, and a ring, of its own: DPDK keeps names for ever.
std::string next_device() {
  static int number = 0;
  return "net_ring" + std::to_string(number++);
}

proto::settings::Settings make_settings(const std::string& device, std::uint32_t flows, std::uint32_t buffers) {
  proto::settings::Settings settings;
  settings.media.flows_max = flows;
  settings.media.packet_buffers = buffers;
  settings.media.memory_mb = 1024;
  settings.media.worker_cores = {0};
  proto::settings::NetworkSettings network;
  network.name = "memory";
  network.device = device;
  network.address = proto::IpAddress::from_ipv4(kAddress);
  network.prefix_bits = 15;
  network.neighbours = {{proto::IpAddress::from_ipv4(kPeer), {2, 0, 0, 0, 0, 2}}};
  settings.networks = {network};
  return settings;
}

/// The value, or the end of the benchmark with the reason.
template <typename T>
T must(proto::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "pipeline_bench: %s\n", result.error().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

/// DPDK starts once in a process.
void start_eal(const proto::settings::Settings& settings) {
  static std::unique_ptr<dataplane::Eal> eal = [&] {
    const dataplane::MemoryKind memory =
        must(dataplane::choose_memory(settings.media, dataplane::free_hugepage_mb("/sys/kernel/mm/hugepages")));
    return must(dataplane::Eal::start(dataplane::eal_arguments(settings, memory)));
  }();
}

proto::FlowSpec make_spec(std::uint32_t flow, const proto::TransformSpec& transform, const PipelineCase& pipeline) {
  proto::FlowSpec spec{};
  spec.peer = {proto::IpAddress::from_ipv4(kPeer), 0, kPeerPort};
  spec.local_port = static_cast<std::uint16_t>(kFirstPort + 2 * flow);
  spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
  spec.rtp.peer = spec.peer;
  spec.rtp.local_port = spec.local_port;
  spec.rtcp = spec.rtp;
  if (pipeline.receive_srtp) spec.receive = transform;
  if (pipeline.send_srtp) spec.send = transform;
  return spec;
}

}  // namespace

MemoryWorker::MemoryWorker(const Workload& workload, const PipelineCase& pipeline) {
  const auto flows = static_cast<std::uint32_t>(workload.streams().size());
  const std::string device = next_device();
  const proto::settings::Settings settings = make_settings(device, flows, kBuffers);
  start_eal(settings);
  char folder[] = "/dev/shm/weir-bench-XXXXXX";
  WEIR_ASSERT(mkdtemp(folder) != nullptr);
  directory_ = folder;
  proto::Region::CreateOptions options;
  options.directory = directory_;
  options.shape = {.workers = 1,
                   .flows_max = flows,
                   .command_slots = 64,
                   .event_slots = 1024,
                   .punt_slots = 64,
                   .inject_slots = 64,
                   .private_bytes = dataplane::FlowTable::private_bytes(flows, 1),
                   .private_layout_hash = dataplane::private_layout_hash()};
  options.control_uid = getuid();
  options.control_gid = getgid();
  media_region_ = std::make_unique<proto::Region>(must(proto::Region::create(options)));
  control_region_ = std::make_unique<proto::Region>(must(proto::Region::attach(directory_)));
  engine_ = must(dataplane::Engine::create(settings, *media_region_));
  wire_ = rte_ring_lookup(("ETH_RXTX0_" + device).c_str());
  WEIR_ASSERT(wire_ != nullptr);
  pool_.reset(
      rte_pktmbuf_pool_create(("wire_" + device).c_str(), kBuffers, 256, 0, dataplane::kMbufDataBytes, SOCKET_ID_ANY));
  WEIR_ASSERT(pool_ != nullptr);
  install_flows(workload, pipeline);
}

MemoryWorker::~MemoryWorker() {
  engine_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void MemoryWorker::install_flows(const Workload& workload, const PipelineCase& pipeline) {
  proto::RingProducer<proto::Command> commands = control_region_->command_producer(0);
  proto::RingConsumer<proto::Event> events = control_region_->event_consumer(0);
  for (std::uint32_t flow = 0; flow < workload.streams().size(); ++flow) {
    proto::Command command{};
    command.kind = proto::CommandKind::kInstall;
    command.flow = {flow, 1};
    command.spec = make_spec(flow, workload.streams()[flow].transform, pipeline);
    WEIR_ASSERT(commands.push(command) == proto::RingState::kOk);
    engine_->worker(0).run_once(dataplane::monotonic_ns());
    proto::Event event;
    WEIR_ASSERT(events.pop(event) == proto::RingState::kOk && event.kind == proto::EventKind::kInstalled);
  }
}

rte_mbuf* MemoryWorker::make_frame(const Packet& packet) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
  WEIR_ASSERT(mbuf != nullptr);
  auto* frame =
      reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(kHeaders + packet.bytes)));
  WEIR_ASSERT(frame != nullptr);
  std::memset(frame, 0, kHeaders);
  const proto::MacAddress& mac = engine_->port(0).mac();
  std::memcpy(frame, mac.data(), mac.size());
  proto::store_be16(frame + 12, proto::kEtherTypeIpv4);
  std::uint8_t* ip = frame + proto::kEthernetBytes;
  ip[0] = 0x45;
  proto::store_be16(ip + 2, static_cast<std::uint16_t>(proto::kIpv4Bytes + proto::kUdpBytes + packet.bytes));
  ip[8] = 64;
  ip[9] = proto::kIpProtocolUdp;
  proto::store_be32(ip + 12, kPeer);
  proto::store_be32(ip + 16, kAddress);
  proto::store_be16(ip + 10, proto::ipv4_checksum({ip, proto::kIpv4Bytes}));
  std::uint8_t* udp = ip + proto::kIpv4Bytes;
  proto::store_be16(udp, kPeerPort);
  proto::store_be16(udp + 2, static_cast<std::uint16_t>(kFirstPort + 2 * packet.stream));
  proto::store_be16(udp + 4, static_cast<std::uint16_t>(proto::kUdpBytes + packet.bytes));
  std::memcpy(frame + kHeaders, packet.data, packet.bytes);
  return mbuf;
}

std::chrono::nanoseconds MemoryWorker::pass(const std::vector<Packet>& packets) {
  proto::RingConsumer<proto::Event> events = control_region_->event_consumer(0);
  std::chrono::nanoseconds spent{0};
  for (std::size_t first = 0; first < packets.size(); first += proto::kBurstMax) {
    // A burst's frames are written just before it is received, into buffers just freed: as a NIC leaves them.
    rte_mbuf* frames[proto::kBurstMax];
    const auto count = static_cast<unsigned>(std::min(proto::kBurstMax, packets.size() - first));
    for (unsigned i = 0; i < count; ++i) frames[i] = make_frame(packets[first + i]);
    WEIR_ASSERT(rte_ring_enqueue_bulk(wire_, reinterpret_cast<void**>(frames), count, nullptr) == count);
    const auto start = std::chrono::steady_clock::now();
    const std::uint32_t taken = engine_->worker(0).run_once(dataplane::monotonic_ns());
    spent += std::chrono::steady_clock::now() - start;
    WEIR_ASSERT(taken == count);
    WEIR_ASSERT(rte_ring_dequeue_bulk(wire_, reinterpret_cast<void**>(frames), count, nullptr) == count);
    rte_pktmbuf_free_bulk(frames, count);
    proto::Event event;
    while (events.pop(event) == proto::RingState::kOk) {
    }
  }
  return spent;
}

}  // namespace weir::bench
