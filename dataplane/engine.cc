#include "dataplane/engine.h"

#include <rte_ethdev.h>

#include <random>

#include "dataplane/numa.h"

namespace weir::dataplane {
namespace {

using proto::settings::NetworkSettings;
using proto::settings::Settings;

constexpr char kCpuDirectory[] = "/sys/devices/system/cpu";

std::uint32_t mask_of(std::uint8_t prefix_bits) {
  return prefix_bits == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_bits);
}

Network make_network(const NetworkSettings& settings, const Port& port) {
  return {.port_id = port.id(),
          .vlan = settings.vlan.value_or(std::uint16_t{0}),
          .address = settings.address.ipv4(),
          .mask = mask_of(settings.prefix_bits),
          .gateway = settings.gateway ? settings.gateway->ipv4() : 0,
          .mac = port.mac(),
          .ip_checksum_offload = port.ip_checksum_offload(),
          .udp_checksum_offload = port.udp_checksum_offload()};
}

proto::Status check_addresses(const NetworkSettings& settings, const Network& network) {
  const auto wrong = [&](const std::string& what) {
    return proto::Error{"network '" + settings.name + "': " + what + " is not a host of " +
                        proto::to_string(settings.address) + "/" + std::to_string(settings.prefix_bits)};
  };
  if (settings.address.family != proto::Family::kIpv4) {
    return proto::Error{"network '" + settings.name + "': the media address must be IPv4"};
  }
  if (network.gateway != 0 && !network.is_neighbour(network.gateway)) return wrong("the gateway");
  for (const proto::settings::Neighbour& neighbour : settings.neighbours) {
    if (!network.is_neighbour(neighbour.address.ipv4())) return wrong(proto::to_string(neighbour.address));
  }
  return proto::success();
}

}  // namespace

proto::Result<std::unique_ptr<Engine>> Engine::create(const Settings& settings, proto::Region& region) {
  std::unique_ptr<Engine> engine(new Engine());
  if (proto::Status status = engine->open_ports(settings); !status) return proto::Error{status.error()};
  if (proto::Status status = engine->make_table(region); !status) return proto::Error{status.error()};
  if (proto::Status status = engine->make_workers(settings, region); !status) return proto::Error{status.error()};
  return engine;
}

proto::Status Engine::open_ports(const Settings& settings) {
  const auto count = static_cast<std::uint32_t>(settings.networks.size());
  for (const unsigned core : settings.media.worker_cores) nodes_.push_back(node_of_core(core, kCpuDirectory));
  proto::Result<PacketPools> pools = PacketPools::create(settings.media.packet_buffers * count, nodes_);
  if (!pools) return proto::Error{pools.error()};
  pools_ = std::move(*pools);
  const auto workers = static_cast<std::uint16_t>(settings.media.worker_cores.size());
  neighbours_.reserve(count);
  for (const NetworkSettings& network : settings.networks) {
    const SteeredFrames frames = {
        .workers = workers, .family = network.address.family, .tagged = network.vlan.has_value()};
    proto::Result<std::unique_ptr<Port>> port = Port::open(network.device, frames, pools_);
    if (!port) return proto::Error{"network '" + network.name + "': " + port.error()};
    for (const Network& other : networks_) {
      if (other.port_id == (*port)->id()) {
        return proto::Error{"network '" + network.name + "': another network uses the port of " + network.device};
      }
    }
    names_.push_back(network.name);
    networks_.push_back(make_network(network, **port));
    if (proto::Status status = check_addresses(network, networks_.back()); !status) return status;
    families_.push_back(network.address.family);
    neighbours_.emplace_back(networks_.back());
    for (const proto::settings::Neighbour& neighbour : network.neighbours) {
      neighbours_.back().add_static(neighbour.address.ipv4(), neighbour.mac);
    }
    ports_.push_back(std::move(*port));
  }
  return proto::success();
}

proto::Status Engine::make_table(proto::Region& region) {
  table_ = std::make_unique<FlowTable>(region.private_memory(), region.shape().flows_max,
                                       static_cast<std::uint32_t>(networks_.size()), &region.flow_status_mutable(0));
  if (!region.resumed()) return proto::success();
  proto::Result<std::unique_ptr<Cipher>> cipher = Cipher::create();
  if (!cipher) return proto::Error{cipher.error()};
  table_->resume(**cipher);
  for (std::uint32_t index = 0; index < table_->flows_max(); ++index) {
    if (table_->entry(index).state != proto::FlowState::kFree) ++flows_;
  }
  return proto::success();
}

proto::Status Engine::make_workers(const Settings& settings, proto::Region& region) {
  const auto workers = static_cast<std::uint16_t>(settings.media.worker_cores.size());
  proto::Result<std::unique_ptr<Handoff>> handoff =
      Handoff::create(nodes_, static_cast<std::uint16_t>(networks_.size()));
  if (!handoff) return proto::Error{handoff.error()};
  handoff_ = std::move(*handoff);
  std::random_device entropy;
  for (std::uint16_t worker = 0; worker < workers; ++worker) {
    region.worker_status_mutable(worker).core = settings.media.worker_cores[worker];
    WorkerParts parts = parts_of(worker, workers, region);
    parts.punt_rates = {.in_all = settings.media.punts_per_s_max,
                        .per_source = settings.media.punts_per_s_per_source_max};
    parts.idle_sleep_us_max = settings.media.idle_sleep_us_max;
    parts.seed = std::uint64_t{entropy()} << 32 | entropy();
    proto::Result<std::unique_ptr<Worker>> made = Worker::create(std::move(parts));
    if (!made) return proto::Error{made.error()};
    workers_.push_back(std::move(*made));
    if (region.resumed()) workers_.back()->resume(monotonic_ns());
  }
  return proto::success();
}

WorkerParts Engine::parts_of(std::uint16_t worker, std::uint16_t workers, proto::Region& region) {
  WorkerParts parts{.worker = worker,
                    .workers = workers,
                    .networks = networks_,
                    .families = families_,
                    .neighbours = neighbours_,
                    .region = &region,
                    .table = table_.get(),
                    .pool = pools_.of_worker(worker),
                    .polled = {},
                    .network_of_port = std::vector<std::uint8_t>(RTE_MAX_ETHPORTS),
                    .transmit = {},
                    .from_workers = {},
                    .to_workers = std::vector<rte_ring*>(workers),
                    .wanted = worker == 0 ? nullptr : handoff_->wanted(worker),
                    .wanted_by = {}};
  for (std::uint16_t network = 0; network < networks_.size(); ++network) {
    const Port& port = *ports_[network];
    parts.network_of_port[port.id()] = static_cast<std::uint8_t>(network);
    if (port.receive_per_worker() || worker == 0) parts.polled.push_back({port.id(), worker});
    Transmitter::Queue queue{.port_id = port.id(), .queue = worker, .to_worker_0 = nullptr, .from_workers = {}};
    if (!port.transmit_per_worker()) {
      if (worker != 0) queue.to_worker_0 = handoff_->finished(network, worker);
      for (std::uint16_t from = 1; from < workers && worker == 0; ++from) {
        queue.from_workers.push_back(handoff_->finished(network, from));
      }
    }
    parts.transmit.push_back(std::move(queue));
  }
  for (std::uint16_t other = 0; other < workers; ++other) {
    if (other == worker) continue;
    parts.from_workers.push_back(handoff_->received(other, worker));
    parts.to_workers[other] = handoff_->received(worker, other);
    if (worker == 0) parts.wanted_by.push_back(handoff_->wanted(other));
  }
  return parts;
}

}  // namespace weir::dataplane
