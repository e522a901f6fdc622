#include "tests/support/media_plane.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "dataplane/media_region.h"
#include "proto/assert.h"
#include "tests/support/accounting.h"
#include "tests/support/eal.h"

namespace weir::tests {
namespace {

constexpr unsigned kNetworks = 2;

rte_ring* make_ring(unsigned slots) {
  static unsigned number = 0;
  const std::string name = "test_ring_" + std::to_string(number++);
  rte_ring* ring = rte_ring_create(name.c_str(), slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  WEIR_ASSERT(ring != nullptr);
  return ring;
}

std::vector<rte_ring*> make_rings(unsigned count, unsigned slots) {
  std::vector<rte_ring*> rings;
  for (unsigned i = 0; i < count; ++i) rings.push_back(make_ring(slots));
  return rings;
}

/// A port over rings; the device's name as the settings write it.
std::string make_port(const std::vector<rte_ring*>& in, const std::vector<rte_ring*>& out) {
  static unsigned number = 0;
  const std::string name = "test" + std::to_string(number++);
  const int port = rte_eth_from_rings(name.c_str(), in.data(), static_cast<unsigned>(in.size()), out.data(),
                                      static_cast<unsigned>(out.size()), 0);
  WEIR_ASSERT(port >= 0);
  return "net_ring_" + name;
}

Packet take_bytes(rte_mbuf* mbuf) {
  const auto* bytes = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  Packet packet(bytes, bytes + mbuf->data_len);
  rte_pktmbuf_free(mbuf);
  return packet;
}

}  // namespace

proto::Endpoint MediaPlane::peer(unsigned network, std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(peer_address(network)), .port = port};
}

MediaPlane::MediaPlane(const Shape& shape) : shape_(shape) {
  need_eal();
  pool_ = dataplane::PoolPointer(
      rte_pktmbuf_pool_create("test_frames", 4095, 0, 0, dataplane::kMbufDataBytes, SOCKET_ID_ANY));
  WEIR_ASSERT(pool_ != nullptr);
  settings_.media.worker_cores.clear();
  for (unsigned worker = 0; worker < shape.workers; ++worker) settings_.media.worker_cores.push_back(worker);
  for (unsigned i = 0; i < shape.transcoders; ++i) settings_.media.transcode_cores.push_back(shape.workers + i);
  settings_.media.transcoded_flows_max = shape.transcoded_flows_max;
  settings_.media.flows_max = shape_.flows;
  settings_.media.packet_buffers = 4096;
  settings_.media.punts_per_s_max = shape.punts_per_s_max;
  settings_.media.punts_per_s_per_source_max = shape.punts_per_s_per_source_max;
  settings_.media.idle_sleep_us_max = shape.idle_sleep_us_max;
  start();
}

void MediaPlane::start() {
  settings_.networks.clear();
  in_.clear();
  out_.clear();
  for (unsigned i = 0; i < kNetworks; ++i) {
    in_.push_back(make_rings(shape_.receive_queues, 2048));
    out_.push_back(make_rings(shape_.transmit_queues, shape_.transmit_slots));
    proto::settings::NetworkSettings network;
    network.name = "network" + std::to_string(i);
    network.device = make_port(in_[i], out_[i]);
    network.address = proto::IpAddress::from_ipv4(our_address(i));
    if (shape_.static_neighbours) {
      network.neighbours.push_back({proto::IpAddress::from_ipv4(peer_address(i)), kPeerMac});
    }
    settings_.networks.push_back(network);
  }
  if (shape_.adjust) shape_.adjust(settings_.networks);
  auto region = proto::Region::create({.directory = directory_.path(),
                                       .shape = dataplane::region_shape(settings_),
                                       .control_uid = getuid(),
                                       .control_gid = getgid()});
  WEIR_ASSERT(region.ok());
  region_.emplace(std::move(*region));
  auto engine = dataplane::Engine::create(settings_, *region_);
  if (!engine) std::fprintf(stderr, "%s\n", engine.error().c_str());
  WEIR_ASSERT(engine.ok());
  engine_ = std::move(*engine);
  if (control_) return;
  auto control = proto::Region::attach(directory_.path());
  WEIR_ASSERT(control.ok());
  control_.emplace(std::move(*control));
  for (std::uint32_t worker = 0; worker < shape_.workers; ++worker) {
    event_ends_.push_back(control_->event_consumer(worker));
    punt_ends_.push_back(control_->punt_consumer(worker));
    command_ends_.push_back(control_->command_producer(worker));
  }
}

MediaPlane::~MediaPlane() {
  finish();
  expect_every_frame_accounted_for(*this, arrived_, departed_);
  engine_.reset();
  for (const auto& rings : {in_, out_}) {
    for (const auto& network : rings) {
      for (rte_ring* ring : network) rte_ring_free(ring);
    }
  }
}

void MediaPlane::finish() {
  const auto waits = [](const std::vector<rte_ring*>& rings) {
    return std::any_of(rings.begin(), rings.end(), [](rte_ring* ring) { return rte_ring_empty(ring) == 0; });
  };
  while (std::any_of(in_.begin(), in_.end(), waits)) run(1);
  run();  // what one worker handed to another
  for (unsigned i = 0; i < kNetworks; ++i) departed(i);
}

void MediaPlane::restart() {
  for (const auto& network : in_) {
    for (rte_ring* ring : network) arrived_ -= rte_ring_count(ring);  // nobody receives them
  }
  for (unsigned i = 0; i < kNetworks; ++i) departed(i);
  engine_.reset();
  region_.reset();
  start();
}

void MediaPlane::arrive(unsigned network, const Packet& frame, unsigned queue) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
  WEIR_ASSERT(mbuf != nullptr);
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())), frame.data(), frame.size());
  WEIR_ASSERT(rte_ring_sp_enqueue(in_[network][queue], mbuf) == 0);
  ++arrived_;
}

void MediaPlane::arrive(unsigned network, std::uint16_t peer_port, std::uint16_t our_port, const Packet& payload,
                        unsigned queue) {
  arrive(network,
         udp_frame({.from = kPeerMac,
                    .source = peer_address(network),
                    .destination = our_address(network),
                    .source_port = peer_port,
                    .destination_port = our_port,
                    .payload = payload}),
         queue);
}

void MediaPlane::run(unsigned passes) {
  for (unsigned pass = 0; pass < passes; ++pass) {
    now_ns += 1'000'000;
    for (std::uint16_t worker = 0; worker < engine_->workers(); ++worker) engine_->worker(worker).run_once(now_ns);
    for (std::uint16_t index = 0; index < engine_->transcoders(); ++index) engine_->transcoder(index).run_once();
  }
}

std::vector<Packet> MediaPlane::departed(unsigned network) {
  std::vector<Packet> packets;
  for (rte_ring* ring : out_[network]) {
    void* mbuf = nullptr;
    while (rte_ring_sc_dequeue(ring, &mbuf) == 0) packets.push_back(take_bytes(static_cast<rte_mbuf*>(mbuf)));
  }
  departed_ += packets.size();
  return packets;
}

void MediaPlane::drain_events() {
  for (auto& ring : event_ends_) {
    proto::Event event;
    while (ring.pop(event) == proto::RingState::kOk) (event.request != 0 ? answers_ : events_).push_back(event);
  }
}

proto::Event MediaPlane::command(const proto::Command& command, std::optional<std::uint32_t> worker) {
  proto::Command numbered = command;
  numbered.request = ++requests_;
  const std::uint32_t to = worker.value_or(proto::worker_of_port(command.spec.local_port, shape_.workers));
  WEIR_ASSERT(command_ends_[to].push(numbered) == proto::RingState::kOk);
  run(1);
  drain_events();
  WEIR_ASSERT(!answers_.empty() && answers_.back().request == requests_);
  return answers_.back();
}

std::vector<proto::Event> MediaPlane::events() {
  drain_events();
  return std::exchange(events_, {});
}

std::vector<proto::Punt> MediaPlane::punts() {
  std::vector<proto::Punt> punts;
  for (auto& ring : punt_ends_) {
    proto::Punt punt;
    while (ring.pop(punt) == proto::RingState::kOk) punts.push_back(punt);
  }
  return punts;
}

proto::WorkerCounters MediaPlane::totals() const {
  proto::WorkerCounters sum{};
  for (std::uint32_t worker = 0; worker < shape_.workers; ++worker) {
    const proto::WorkerCounters& one = control_->worker_counters(worker);
    sum.received += one.received;
    sum.forwarded += one.forwarded;
    sum.punted += one.punted;
    sum.answered += one.answered;
    sum.absorbed += one.absorbed;
    sum.injected += one.injected;
    sum.originated += one.originated;
    sum.gateway_changes += one.gateway_changes;
    sum.commands += one.commands;
    sum.commands_refused += one.commands_refused;
    sum.events_lost += one.events_lost;
    sum.inject_refused += one.inject_refused;
    sum.transcoded += one.transcoded;
    sum.returned += one.returned;
    sum.handed_over += one.handed_over;
    sum.stalls += one.stalls;
    sum.idle_sleeps += one.idle_sleeps;
    sum.ring_corrupt += one.ring_corrupt;
    for (std::size_t i = 0; i < sum.dropped.size(); ++i) sum.dropped[i] += one.dropped[i];
  }
  return sum;
}

std::uint64_t MediaPlane::dropped(proto::DropReason reason) const {
  return totals().dropped[static_cast<std::size_t>(reason)];
}

proto::Command MediaPlane::install(std::uint32_t index, unsigned network, std::uint16_t port, std::uint16_t exit_port) {
  const auto other = static_cast<std::uint8_t>(1 - network);
  proto::Command command{};
  command.kind = proto::CommandKind::kInstall;
  command.flow = {index, 1};
  command.spec.cookie = 0xc0de0000 + index;
  command.spec.peer = peer(network, 4000);
  command.spec.local_port = port;
  command.spec.network = static_cast<std::uint8_t>(network);
  command.spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
  command.spec.punts = proto::kPuntDtls | proto::kPuntStun;
  command.spec.punts_per_s_max = 200;
  command.spec.rtp = {.peer = peer(other, 5000), .local_port = exit_port, .network = other, .dscp = 46};
  command.spec.rtcp = {.peer = peer(other, 5001), .local_port = exit_port, .network = other, .dscp = 0};
  return command;
}

}  // namespace weir::tests
