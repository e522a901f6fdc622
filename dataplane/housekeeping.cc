#include "dataplane/housekeeping.h"

#include <spdlog/spdlog.h>

#include "dataplane/control_guard.h"

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kPortsEveryNs = 10 * kSecondNs;

/// The counter is part of the region: it may tell of an earlier life.
std::uint64_t ring_corrupt(const proto::Region& region) {
  std::uint64_t sum = 0;
  for (std::uint32_t worker = 0; worker < region.shape().workers; ++worker) {
    sum += region.worker_counters(worker).ring_corrupt;
  }
  return sum;
}

}  // namespace

Housekeeping::Housekeeping(const Engine& engine, const proto::Region& region)
    : engine_(engine),
      region_(region),
      stalled_(region.shape().workers),
      missed_(engine.ports()),
      gateways_(engine.networks()),
      corrupt_before_(ring_corrupt(region)) {}

void Housekeeping::run(std::uint64_t now_ns) {
  watch_workers(now_ns);
  watch_control();
  watch_gateways();
  if (now_ns - ports_watched_ns_ < kPortsEveryNs) return;
  ports_watched_ns_ = now_ns;
  watch_ports();
}

void Housekeeping::watch_workers(std::uint64_t now_ns) {
  for (std::uint32_t worker = 0; worker < region_.shape().workers; ++worker) {
    const proto::WorkerStatus& status = region_.worker_status(worker);
    const bool stalled = proto::has_stalled(status, now_ns);
    if (stalled && !stalled_[worker]) {
      spdlog::error("worker {} on core {} has stalled: is the core given to something else?", worker, status.core);
    } else if (!stalled && stalled_[worker]) {
      spdlog::warn("worker {} on core {} runs again", worker, status.core);
    }
    stalled_[worker] = stalled;
  }
}

void Housekeeping::watch_control() {
  if (control_segment_lost() && !control_lost_) {
    control_lost_ = true;
    spdlog::error(
        "weir-control's segment of the region was cut short: calls go on, but no command arrives until weir-media and "
        "weir-control are started again");
  }
  if (!control_corrupt_ && ring_corrupt(region_) != corrupt_before_) {
    control_corrupt_ = true;
    spdlog::error("weir-control's ends of the rings make no sense: it is damaged, restart it and weir-media");
  }
}

void Housekeeping::watch_ports() {
  for (std::size_t port = 0; port < missed_.size(); ++port) {
    const std::uint64_t missed = engine_.port(port).missed();
    if (missed > missed_[port]) {
      spdlog::warn("the port {} lost {} packets before a worker saw them: the workers do not keep up",
                   engine_.device(port), missed - missed_[port]);
    }
    missed_[port] = missed;
  }
}

void Housekeeping::watch_gateways() {
  for (std::size_t network = 0; network < gateways_.size(); ++network) {
    const std::uint32_t gateway = engine_.gateway(network);
    if (gateway == gateways_[network]) continue;
    const auto text = [&](std::uint32_t index) {
      return proto::to_string(engine_.network(network).gateways[index].ip_address());
    };
    spdlog::warn("network '{}': gateway {} is in force instead of {}, which {}", engine_.network_name(network),
                 text(gateway), text(gateways_[network]),
                 gateway > gateways_[network] ? "does not answer" : "stood in for it");
    gateways_[network] = gateway;
  }
}

}  // namespace weir::dataplane
