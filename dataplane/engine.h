// Everything weir-media is made of, in the order in which it is built: memory, ports, networks, rings between the
// workers, the flow table, the workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/eal.h"
#include "dataplane/handoff.h"
#include "dataplane/neighbours.h"
#include "dataplane/network.h"
#include "dataplane/port.h"
#include "dataplane/transcoder.h"
#include "dataplane/worker.h"
#include "proto/region.h"
#include "proto/settings/settings.h"

namespace weir::dataplane {

/// Started ports, workers and transcoders that only need a thread each.
class Engine {
 public:
  /// `region` outlives the engine, and EAL runs. Flows that lie in a resumed region are resumed.
  static proto::Result<std::unique_ptr<Engine>> create(const proto::settings::Settings& settings,
                                                       proto::Region& region);

  [[nodiscard]] std::uint16_t workers() const { return static_cast<std::uint16_t>(workers_.size()); }
  Worker& worker(std::uint16_t index) { return *workers_[index]; }
  [[nodiscard]] std::uint16_t transcoders() const { return static_cast<std::uint16_t>(transcoders_.size()); }
  Transcoder& transcoder(std::uint16_t index) { return *transcoders_[index]; }
  [[nodiscard]] std::size_t networks() const { return networks_.size(); }
  [[nodiscard]] const std::string& network_name(std::size_t network) const { return names_[network]; }
  [[nodiscard]] const Port& port_of(std::size_t network) const { return *ports_[port_of_[network]]; }
  [[nodiscard]] std::size_t ports() const { return ports_.size(); }
  [[nodiscard]] const Port& port(std::size_t port) const { return *ports_[port]; }
  [[nodiscard]] const std::string& device(std::size_t port) const { return devices_[port]; }
  /// Which of a network's gateways is in force. Any thread.
  [[nodiscard]] std::uint32_t gateway(std::size_t network) const { return neighbours_[network].gateway(); }
  [[nodiscard]] const Network& network(std::size_t index) const { return networks_[index]; }
  /// The NUMA node of each worker's core.
  [[nodiscard]] const std::vector<int>& nodes() const { return nodes_; }
  [[nodiscard]] std::uint32_t flows() const { return flows_; }  ///< resumed at the start

 private:
  Engine() = default;
  proto::Status open_networks(const proto::settings::Settings& settings);
  proto::Result<std::size_t> open_port(const std::string& device, const SteeredFrames& frames);
  proto::Status listen_to_groups();
  proto::Status make_table(const proto::settings::Settings& settings, proto::Region& region);
  proto::Status make_transcoders(const proto::settings::Settings& settings);
  proto::Status make_workers(const proto::settings::Settings& settings, proto::Region& region);
  WorkerParts parts_of(std::uint16_t worker, std::uint16_t workers, proto::Region& region);

  PacketPools pools_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::string> devices_;  ///< by port
  std::vector<std::size_t> port_of_;  ///< by network: place in ports_
  std::vector<std::string> names_;
  std::vector<Network> networks_;
  std::vector<proto::Family> families_;
  std::vector<Neighbours> neighbours_;
  std::unique_ptr<Handoff> handoff_;
  std::unique_ptr<FlowTable> table_;
  std::unique_ptr<TranscodeRings> transcode_rings_;
  std::vector<std::unique_ptr<Transcoder>> transcoders_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<int> nodes_;
  std::uint32_t flows_ = 0;
};

}  // namespace weir::dataplane
