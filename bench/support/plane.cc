#include "bench/support/plane.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dataplane/media_region.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint16_t kPeerPort = 4000;
constexpr std::uint8_t kNear = 0;
constexpr std::uint8_t kFar = 1;
constexpr proto::MacAddress kPeerMac{0x02, 0, 0, 0, 0, 2};
// RFC 2544: 198.18.n.1 is ours in network n, 198.18.n.2 the peer's.
constexpr std::uint32_t our_address(std::uint32_t network) {
  return 0xc6120001 + (network << 8);
}
constexpr std::uint32_t peer_address(std::uint32_t network) {
  return our_address(network) + 1;
}

/// Names of rings and ports, which DPDK keeps for the whole program.
std::string fresh(const char* what) {
  static unsigned number = 0;
  return "plane_" + std::string(what) + std::to_string(number++);
}

std::vector<rte_ring*> make_rings(unsigned count) {
  std::vector<rte_ring*> rings;
  for (unsigned i = 0; i < count; ++i) {
    rings.push_back(rte_ring_create(fresh("q").c_str(), kPlaneQueueSlots, SOCKET_ID_ANY,
                                    RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ));
    WEIR_ASSERT(rings.back() != nullptr);
  }
  return rings;
}

void free_rings(const std::vector<rte_ring*>& rings) {
  for (rte_ring* ring : rings) {
    void* mbuf = nullptr;
    while (rte_ring_sc_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    rte_ring_free(ring);
  }
}

/// The device's name as the settings write it.
std::string make_port(const std::vector<rte_ring*>& in, const std::vector<rte_ring*>& out) {
  const std::string name = fresh("port");
  const int port = rte_eth_from_rings(name.c_str(), in.data(), static_cast<unsigned>(in.size()), out.data(),
                                      static_cast<unsigned>(out.size()), 0);
  WEIR_ASSERT(port >= 0);
  return "net_ring_" + name;
}

}  // namespace

Plane::Plane(const Shape& shape, Legs legs, const Workload& received, const Workload& sent)
    : shape_(shape), legs_(legs), directory_(region_parent()) {
  frames_.reset(rte_pktmbuf_pool_create(fresh("pool").c_str(), 2 * kPlaneQueueSlots, 0, 0, dataplane::kMbufDataBytes,
                                        SOCKET_ID_ANY));
  WEIR_ASSERT(frames_ != nullptr);
  settings_.media.worker_cores.assign(shape.workers, 0);
  settings_.media.flows_max = static_cast<std::uint32_t>(received.streams().size()) + shape.flows_spare;
  settings_.media.packet_buffers = 1024;  // for ARP and injected packets: frames come from a pool of our own
  make_ports();
  start();
  install_all(received, sent);
}

Plane::~Plane() {
  engine_.reset();
  for (const auto& rings : {in_, out_, silent_}) free_rings(rings);
}

void Plane::make_ports() {
  in_ = make_rings(shape_.workers);
  out_ = make_rings(shape_.workers);
  silent_ = make_rings(shape_.workers);
  for (const std::uint8_t which : {kNear, kFar}) {
    proto::settings::NetworkSettings network;
    network.name = which == kNear ? "near" : "far";
    network.address = proto::IpAddress::from_ipv4(our_address(which));
    network.neighbours.push_back({proto::IpAddress::from_ipv4(peer_address(which)), kPeerMac});
    network.device = which == kNear ? make_port(in_, silent_) : make_port(silent_, out_);
    settings_.networks.push_back(std::move(network));
  }
}

void Plane::start() {
  proto::Result<proto::Region> region = proto::Region::create({.directory = directory_.path(),
                                                               .shape = dataplane::region_shape(settings_),
                                                               .control_uid = getuid(),
                                                               .control_gid = getgid()});
  WEIR_ASSERT(region.ok());
  region_.emplace(std::move(*region));
  proto::Result<std::unique_ptr<dataplane::Engine>> engine = dataplane::Engine::create(settings_, *region_);
  WEIR_ASSERT(engine.ok());
  engine_ = std::move(*engine);
  proto::Result<proto::Region> control = proto::Region::attach(directory_.path());
  WEIR_ASSERT(control.ok());
  control_.emplace(std::move(*control));
  for (std::uint32_t worker = 0; worker < shape_.workers; ++worker) {
    commands_.push_back(control_->command_producer(worker));
    events_.push_back(control_->event_consumer(worker));
  }
}

/// The workers do not run yet: this thread turns them.
void Plane::install_all(const Workload& received, const Workload& sent) {
  for (std::uint32_t flow = 0; flow < received.streams().size(); ++flow) {
    const auto worker =
        static_cast<std::uint16_t>(proto::worker_of_port(port_of(flow), static_cast<std::uint32_t>(workers())));
    const proto::Command command = install({flow, 1}, received.streams()[flow], sent.streams()[flow]);
    WEIR_ASSERT(commands_[worker].push(command) == proto::RingState::kOk);
    engine_->worker(worker).run_once(dataplane::monotonic_ns());
    proto::Event answer;
    WEIR_ASSERT(events_[worker].pop(answer) == proto::RingState::kOk);
    WEIR_ASSERT(answer.kind == proto::EventKind::kInstalled);
  }
}

/// A port for RTP and one for RTCP each.
std::uint16_t Plane::port_of(std::uint32_t flow) const {
  WEIR_ASSERT(kFirstPort + 2 * flow <= 65535);
  return static_cast<std::uint16_t>(kFirstPort + 2 * flow);
}

std::uint16_t Plane::worker_of(const Packet& packet) const {
  return static_cast<std::uint16_t>(proto::worker_of_port(port_of(packet.stream), shape_.workers));
}

proto::Command Plane::install(proto::FlowId flow, const Stream& received, const Stream& sent) const {
  proto::Command command{};
  command.kind = proto::CommandKind::kInstall;
  command.request = flow.index + 1;
  command.flow = flow;
  command.spec.local_port = port_of(flow.index);
  command.spec.network = kNear;
  command.spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
  command.spec.source_policy = proto::SourcePolicy::kLatch;
  command.spec.latch_window_ms = proto::kLatchWindowMsMax;
  command.spec.rtp = {.peer = {proto::IpAddress::from_ipv4(peer_address(kFar)), 0, kPeerPort},
                      .local_port = command.spec.local_port,
                      .network = kFar,
                      .dscp = 46};
  if (legs_.receive != proto::SrtpProfile::kNone) command.spec.receive = received.transform;
  if (legs_.send != proto::SrtpProfile::kNone) command.spec.send = sent.transform;
  return command;
}

tests::Packet Plane::frame(const Packet& packet) const {
  return tests::udp_frame({.from = kPeerMac,
                           .source = peer_address(kNear),
                           .destination = our_address(kNear),
                           .source_port = kPeerPort,
                           .destination_port = port_of(packet.stream),
                           .payload = tests::Packet(packet.data, packet.data + packet.bytes)});
}

const proto::WorkerCounters& Plane::counters(std::uint16_t worker) const {
  return control_->worker_counters(worker);
}

void run_on(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  WEIR_ASSERT(sched_setaffinity(0, sizeof cores, &cores) == 0);
  setpriority(PRIO_PROCESS, 0, -20);  // refused: then other processes may interrupt
}

}  // namespace weir::bench
