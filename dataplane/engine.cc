#include "dataplane/engine.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <random>

#include "dataplane/media_region.h"
#include "dataplane/numa.h"

namespace weir::dataplane {
namespace {

using proto::settings::NetworkSettings;
using proto::settings::Settings;

constexpr char kCpuDirectory[] = "/sys/devices/system/cpu";

Network make_network(const NetworkSettings& settings, const Port& port) {
  Network network{.port_id = port.id(),
                  .vlan = settings.vlan.value_or(std::uint16_t{0}),
                  .address = Address(settings.address),
                  .prefix_bits = settings.prefix_bits,
                  .mac = port.mac(),
                  .ip_checksum_offload = port.ip_checksum_offload(),
                  .udp_checksum_offload = port.udp_checksum_offload()};
  for (std::size_t i = 0; i < settings.gateways.size() && i < network.gateways.size(); ++i) {
    network.gateways[i] = Address(settings.gateways[i]);
  }
  return network;
}

proto::Status check_addresses(const NetworkSettings& settings, const Network& network) {
  const auto wrong = [&](const proto::IpAddress& address) {
    return proto::Error{"network '" + settings.name + "': " + proto::to_string(address) + " is not a host of " +
                        proto::to_string(settings.address) + "/" + std::to_string(settings.prefix_bits)};
  };
  for (const proto::IpAddress& gateway : settings.gateways) {
    if (!network.is_neighbour(Address(gateway))) return wrong(gateway);
  }
  for (const proto::settings::Neighbour& neighbour : settings.neighbours) {
    if (!network.is_neighbour(Address(neighbour.address))) return wrong(neighbour.address);
  }
  return proto::success();
}

std::uint64_t random_seed() {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

}  // namespace

proto::Result<std::unique_ptr<Engine>> Engine::create(const Settings& settings, proto::Region& region) {
  std::unique_ptr<Engine> engine(new Engine());
  if (proto::Status status = engine->open_networks(settings); !status) return proto::Error{status.error()};
  if (proto::Status status = engine->make_table(settings, region); !status) return proto::Error{status.error()};
  if (proto::Status status = engine->make_transcoders(settings); !status) return proto::Error{status.error()};
  if (proto::Status status = engine->make_workers(settings, region); !status) return proto::Error{status.error()};
  return engine;
}

proto::Status Engine::open_networks(const Settings& settings) {
  const auto count = static_cast<std::uint32_t>(settings.networks.size());
  for (const unsigned core : settings.media.worker_cores) nodes_.push_back(node_of_core(core, kCpuDirectory));
  // What lies between workers and transcoders is more: however far those fall behind, there is room to receive.
  const auto converted = static_cast<std::uint32_t>(2 * kTranscodeSlots * settings.media.worker_cores.size() *
                                                    settings.media.transcode_cores.size());
  proto::Result<PacketPools> pools = PacketPools::create(settings.media.packet_buffers * count + converted, nodes_);
  if (!pools) return proto::Error{pools.error()};
  pools_ = std::move(*pools);
  const auto workers = static_cast<std::uint16_t>(settings.media.worker_cores.size());
  neighbours_.reserve(count);
  for (const NetworkSettings& network : settings.networks) {
    const SteeredFrames frames = {
        .workers = workers, .family = network.address.family, .tagged = network.vlan.has_value()};
    const proto::Result<std::size_t> port = open_port(network.device, frames);
    if (!port) return proto::Error{"network '" + network.name + "': " + port.error()};
    names_.push_back(network.name);
    port_of_.push_back(*port);
    networks_.push_back(make_network(network, *ports_[*port]));
    if (proto::Status status = check_addresses(network, networks_.back()); !status) return status;
    families_.push_back(network.address.family);
    neighbours_.emplace_back(networks_.back(), random_seed());
    for (const proto::settings::Neighbour& neighbour : network.neighbours) {
      neighbours_.back().add_static(Address(neighbour.address), neighbour.mac);
    }
  }
  return listen_to_groups();
}

/// The port of a device: several networks may share one.
proto::Result<std::size_t> Engine::open_port(const std::string& device, const SteeredFrames& frames) {
  const auto known = std::find(devices_.begin(), devices_.end(), device);
  if (known != devices_.end()) return static_cast<std::size_t>(known - devices_.begin());
  proto::Result<std::unique_ptr<Port>> port = Port::open(device, frames, pools_);
  if (!port) return proto::Error{port.error()};
  for (std::size_t other = 0; other < ports_.size(); ++other) {
    if (ports_[other]->id() == (*port)->id()) {
      return proto::Error{device + " and " + devices_[other] + " are one port: write it alike"};
    }
  }
  ports_.push_back(std::move(*port));
  devices_.push_back(device);
  return ports_.size() - 1;
}

/// Neighbours ask for an IPv6 address by multicast (RFC 4861 section 7.2.1).
proto::Status Engine::listen_to_groups() {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    std::vector<proto::MacAddress> groups;
    for (std::size_t network = 0; network < networks_.size(); ++network) {
      if (port_of_[network] != port || networks_[network].is_ipv4()) continue;
      groups.push_back(group_mac(solicited_node(networks_[network].address)));
    }
    if (groups.empty()) continue;
    groups.push_back(group_mac(kAllNodes));
    if (proto::Status status = ports_[port]->listen_to(groups); !status) {
      return proto::Error{"the device '" + devices_[port] + "': " + status.error()};
    }
  }
  return proto::success();
}

proto::Status Engine::make_table(const Settings& settings, proto::Region& region) {
  table_ = std::make_unique<FlowTable>(region.private_memory(), region.shape().flows_max,
                                       static_cast<std::uint32_t>(networks_.size()), key_room(settings.srtp.aead),
                                       &region.flow_status_mutable(0), transcodes_max(settings));
  if (!region.resumed()) return proto::success();
  proto::Result<std::unique_ptr<Cipher>> cipher = Cipher::create();
  if (!cipher) return proto::Error{cipher.error()};
  table_->resume(**cipher);
  for (std::uint32_t index = 0; index < table_->flows_max(); ++index) {
    if (table_->entry(index).state != proto::FlowState::kFree) ++flows_;
  }
  return proto::success();
}

proto::Status Engine::make_transcoders(const Settings& settings) {
  const proto::settings::MediaSettings& media = settings.media;
  auto rings = TranscodeRings::create(static_cast<std::uint16_t>(media.worker_cores.size()),
                                      static_cast<std::uint16_t>(media.transcode_cores.size()));
  if (!rings) return proto::Error{rings.error()};
  transcode_rings_ = std::move(*rings);
  for (std::uint16_t index = 0; index < transcode_rings_->transcoders(); ++index) {
    transcoders_.push_back(
        std::make_unique<Transcoder>(index, *transcode_rings_, media.transcoded_flows_max, media.idle_sleep_us_max));
  }
  return proto::success();
}

proto::Status Engine::make_workers(const Settings& settings, proto::Region& region) {
  const auto workers = static_cast<std::uint16_t>(settings.media.worker_cores.size());
  proto::Result<std::unique_ptr<Handoff>> handoff =
      Handoff::create(nodes_, static_cast<std::uint16_t>(networks_.size()));
  if (!handoff) return proto::Error{handoff.error()};
  handoff_ = std::move(*handoff);
  for (std::uint16_t worker = 0; worker < workers; ++worker) {
    region.worker_status_mutable(worker).core = settings.media.worker_cores[worker];
    WorkerParts parts = parts_of(worker, workers, region);
    parts.punt_rates = {.in_all = settings.media.punts_per_s_max,
                        .per_source = settings.media.punts_per_s_per_source_max};
    parts.idle_sleep_us_max = settings.media.idle_sleep_us_max;
    parts.seed = random_seed();
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
                    .networks_of_port = std::vector<std::vector<std::uint8_t>>(RTE_MAX_ETHPORTS),
                    .transmit = {},
                    .from_workers = {},
                    .to_workers = std::vector<rte_ring*>(workers),
                    .wanted = worker == 0 ? nullptr : handoff_->wanted(worker),
                    .wanted_by = {},
                    .to_transcoders = {},
                    .from_transcoders = {}};
  for (std::uint16_t transcoder = 0; transcoder < transcode_rings_->transcoders(); ++transcoder) {
    parts.to_transcoders.push_back(transcode_rings_->to(worker, transcoder));
    parts.from_transcoders.push_back(transcode_rings_->back(worker, transcoder));
  }
  for (std::uint16_t network = 0; network < networks_.size(); ++network) {
    const Port& port = *ports_[port_of_[network]];
    std::vector<std::uint8_t>& sharing = parts.networks_of_port[port.id()];
    if (sharing.empty() && (port.receive_per_worker() || worker == 0)) parts.polled.push_back({port.id(), worker});
    sharing.push_back(static_cast<std::uint8_t>(network));
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
