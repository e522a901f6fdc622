#include "controlplane/port_pool.h"

#include <algorithm>
#include <random>
#include <string>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::uint16_t even(std::uint16_t port) {
  return static_cast<std::uint16_t>(port & ~1u);
}

}  // namespace

PortPool::PortPool(const std::vector<proto::settings::NetworkSettings>& networks, std::uint32_t workers,
                   std::uint64_t seed)
    : workers_(workers) {
  std::mt19937_64 random(seed);
  for (const proto::settings::NetworkSettings& settings : networks) {
    Network network{.port_first = settings.port_first, .port_last = settings.port_last, .free = {}, .resting = {}};
    network.free.resize(workers_);
    network.is_free.resize(std::size_t{1} << 15);
    for (std::uint32_t port = settings.port_first + (settings.port_first & 1u); port + 1 <= settings.port_last;
         port += 2) {
      const auto rtp = static_cast<std::uint16_t>(port);
      network.free[proto::worker_of_port(rtp, workers_)].push_back(rtp);
      network.is_free[rtp / 2u] = true;
      ++network.pairs;
    }
    for (std::deque<std::uint16_t>& ports : network.free) std::shuffle(ports.begin(), ports.end(), random);
    networks_.push_back(std::move(network));
  }
}

void PortPool::wake(Network& network, std::uint64_t now_ns) {
  while (!network.resting.empty() && network.resting.front().since_ns + kQuarantineNs <= now_ns) wake_first(network);
}

void PortPool::wake_first(Network& network) {
  const std::uint16_t port = network.resting.front().port;
  network.resting.pop_front();
  network.free[proto::worker_of_port(port, workers_)].push_back(port);
  network.is_free[port / 2u] = true;
}

proto::Result<std::uint16_t> PortPool::take(std::uint8_t network_index, std::uint32_t worker, std::uint64_t now_ns) {
  WEIR_ASSERT(network_index < networks_.size() && worker < workers_);
  Network& network = networks_[network_index];
  wake(network, now_ns);
  if (network.free[worker].empty()) worker = emptiest_worker(network_index);
  if (network.free[worker].empty() && !network.resting.empty() &&
      network.resting.front().since_ns + kQuarantineMinNs <= now_ns) {
    wake_first(network);
    worker = emptiest_worker(network_index);
  }
  std::deque<std::uint16_t>& ports = network.free[worker];
  if (ports.empty()) {
    return proto::Error{"no media port is free: " + std::to_string(network.in_use) + " of " +
                        std::to_string(network.pairs) + " pairs are in use, " + std::to_string(network.resting.size()) +
                        " rest after a call"};
  }
  const std::uint16_t port = ports.front();
  take(network, ports.begin(), ports);
  return port;
}

std::optional<std::uint16_t> PortPool::take_on_both(std::uint8_t network_index, std::uint8_t also_index,
                                                    std::uint32_t worker, std::uint64_t now_ns) {
  WEIR_ASSERT(network_index < networks_.size() && also_index < networks_.size() && worker < workers_);
  Network& network = networks_[network_index];
  Network& also = networks_[also_index];
  wake(network, now_ns);
  wake(also, now_ns);
  if ((also.in_use + also.resting.size()) * 4 >= std::size_t{also.pairs} * 3) return std::nullopt;
  std::deque<std::uint16_t>& ports = network.free[worker];
  const auto port = std::find_if(ports.begin(), ports.end(), [&](std::uint16_t one) { return also.is_free[one / 2u]; });
  if (port == ports.end()) return std::nullopt;
  const std::uint16_t taken = *port;
  take(network, port, ports);
  std::deque<std::uint16_t>& others = also.free[worker];
  take(also, std::find(others.begin(), others.end(), taken), others);
  return taken;
}

void PortPool::take(Network& network, std::deque<std::uint16_t>::iterator port, std::deque<std::uint16_t>& ports) {
  network.is_free[*port / 2u] = false;
  ports.erase(port);
  ++network.in_use;
}

void PortPool::give_back(std::uint8_t network_index, std::uint16_t port, std::uint64_t now_ns) {
  WEIR_ASSERT(network_index < networks_.size() && networks_[network_index].in_use > 0);
  Network& network = networks_[network_index];
  --network.in_use;
  network.resting.push_back({even(port), now_ns});
}

bool PortPool::has(std::uint8_t network, std::uint16_t rtp_port) const {
  WEIR_ASSERT(network < networks_.size());
  const Network& here = networks_[network];
  return rtp_port % 2 == 0 && rtp_port >= here.port_first && rtp_port < here.port_last;
}

void PortPool::occupy(std::uint8_t network_index, const std::unordered_set<std::uint16_t>& rtp_ports) {
  WEIR_ASSERT(network_index < networks_.size());
  Network& network = networks_[network_index];
  for (std::deque<std::uint16_t>& ports : network.free) {
    network.in_use +=
        static_cast<std::uint32_t>(std::erase_if(ports, [&](std::uint16_t port) { return rtp_ports.contains(port); }));
  }
  for (const std::uint16_t port : rtp_ports) network.is_free[port / 2u] = false;
}

std::uint32_t PortPool::emptiest_worker(std::uint8_t network_index) const {
  WEIR_ASSERT(network_index < networks_.size());
  const std::vector<std::deque<std::uint16_t>>& free = networks_[network_index].free;
  const auto most =
      std::max_element(free.begin(), free.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return static_cast<std::uint32_t>(most - free.begin());
}

std::uint32_t PortPool::in_use(std::uint8_t network) const {
  WEIR_ASSERT(network < networks_.size());
  return networks_[network].in_use;
}

std::uint32_t PortPool::pairs(std::uint8_t network) const {
  WEIR_ASSERT(network < networks_.size());
  return networks_[network].pairs;
}

}  // namespace weir::controlplane
