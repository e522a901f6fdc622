#include "dataplane/steering.h"

#include <rte_byteorder.h>
#include <rte_flow.h>

#include "proto/assert.h"
#include "proto/flow.h"

namespace weir::dataplane {
namespace {

constexpr std::uint32_t kEntriesMax = 1u << 15;  // as many as an owner depends on bits of a port

/// Bits of the hash's input in front of the destination port: source and destination address, source port.
constexpr std::uint32_t bits_before_port(proto::Family family) {
  return family == proto::Family::kIpv4 ? 32 + 32 + 16 : 128 + 128 + 16;
}

constexpr std::uint32_t log2_of(std::uint32_t power) {
  return static_cast<std::uint32_t>(__builtin_ctz(power));
}

/// The key's usual length: drivers that do not tell take it (rte_eth_rss_conf).
constexpr std::size_t kKeyBytes = 40;

bool is_table(std::uint32_t entries, std::uint16_t workers) {
  return entries >= workers && entries <= kEntriesMax && (entries & (entries - 1)) == 0;
}

}  // namespace

std::string_view to_string(Steering steering) {
  switch (steering) {
    case Steering::kOneQueue:
      return "one queue, which worker 0 has";
    case Steering::kSpread:
      return "a queue for each worker, which hand packets over";
    case Steering::kHash:
      return "a queue for each worker, steered by a hash of the destination port";
    case Steering::kRules:
      break;
  }
  return "a queue for each worker, steered by flow rules";
}

std::vector<std::uint8_t> steering_key(std::size_t bytes, std::uint32_t entries, proto::Family family) {
  WEIR_ASSERT(is_table(entries, 1));
  // Bit b of the hash sums key bit p + 31 - b over the input bits p that are set, both counted from the highest. Bit j
  // of the port is p = before + 15 - j. With the one key bit at before + 46 - r, that leaves b = r - j.
  const std::uint32_t bit = bits_before_port(family) + 46 - log2_of(entries);
  if (bit / 8 >= bytes) return {};
  std::vector<std::uint8_t> key(bytes);
  key[bit / 8] = static_cast<std::uint8_t>(0x80 >> bit % 8);
  return key;
}

std::vector<std::uint16_t> steering_table(std::uint32_t entries, std::uint16_t workers) {
  WEIR_ASSERT(is_table(entries, workers));
  std::vector<std::uint16_t> table(entries);
  const std::uint32_t bits = log2_of(entries);
  for (std::uint32_t hash = 0; hash < entries; ++hash) {
    std::uint32_t port = 0;
    for (std::uint32_t b = 0; b < bits; ++b) port |= (hash >> b & 1) << (bits - b);
    table[hash] = static_cast<std::uint16_t>(proto::worker_of_port(static_cast<std::uint16_t>(port), workers));
  }
  return table;
}

Steerer::Steerer(const rte_eth_dev_info& info, const SteeredFrames& frames, std::uint16_t receive_queues)
    : frames_(frames), queues_(frames.workers > 1 && receive_queues == frames.workers) {
  if (!queues_) return;
  const std::uint64_t udp =
      frames.family == proto::Family::kIpv4 ? RTE_ETH_RSS_NONFRAG_IPV4_UDP : RTE_ETH_RSS_NONFRAG_IPV6_UDP;
  hashed_ = info.flow_type_rss_offloads & udp;
  if (hashed_ == 0 || !is_steerable(frames.workers) || !is_table(info.reta_size, frames.workers)) return;
  entries_ = info.reta_size;
  key_ = steering_key(info.hash_key_size != 0 ? info.hash_key_size : kKeyBytes, entries_, frames.family);
}

void Steerer::configure(rte_eth_conf& wanted) {
  if (hashed_ == 0) return;
  wanted.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  wanted.rx_adv_conf.rss_conf.rss_hf = hashed_;
  if (key_.empty()) return;
  wanted.rx_adv_conf.rss_conf.rss_key = key_.data();
  wanted.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key_.size());
}

Steering Steerer::start(std::uint16_t port_id) {
  if (!queues_) return Steering::kOneQueue;
  if (is_steerable(frames_.workers) && add_rules(port_id)) return Steering::kRules;
  return !key_.empty() && set_key(port_id) && set_table(port_id) ? Steering::kHash : Steering::kSpread;
}

bool Steerer::add_rules(std::uint16_t port_id) const {
  for (std::uint16_t worker = 0; worker < frames_.workers; ++worker) {
    if (add_rule(port_id, worker)) continue;
    rte_flow_error ignored;
    rte_flow_flush(port_id, &ignored);  // all or none
    return false;
  }
  return true;
}

/// Every datagram whose destination port is the worker's goes to the worker's queue.
bool Steerer::add_rule(std::uint16_t port_id, std::uint16_t worker) const {
  rte_flow_item_udp port = {};
  rte_flow_item_udp mask = {};
  port.hdr.dst_port = rte_cpu_to_be_16(steering_value(worker));
  mask.hdr.dst_port = rte_cpu_to_be_16(steering_mask(frames_.workers));
  const auto item = [](rte_flow_item_type type) {
    return rte_flow_item{.type = type, .spec = nullptr, .last = nullptr, .mask = nullptr};
  };
  std::vector<rte_flow_item> pattern = {item(RTE_FLOW_ITEM_TYPE_ETH)};
  if (frames_.tagged) pattern.push_back(item(RTE_FLOW_ITEM_TYPE_VLAN));
  pattern.push_back(item(frames_.family == proto::Family::kIpv4 ? RTE_FLOW_ITEM_TYPE_IPV4 : RTE_FLOW_ITEM_TYPE_IPV6));
  pattern.push_back({.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &port, .last = nullptr, .mask = &mask});
  pattern.push_back(item(RTE_FLOW_ITEM_TYPE_END));
  const rte_flow_action_queue queue = {.index = worker};
  const rte_flow_action actions[] = {{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue},
                                     {.type = RTE_FLOW_ACTION_TYPE_END, .conf = nullptr}};
  rte_flow_attr ingress = {};
  ingress.ingress = 1;
  rte_flow_error ignored;
  return rte_flow_create(port_id, &ingress, pattern.data(), actions, &ignored) != nullptr;
}

/// Again, since not every driver takes the key of the configuration.
bool Steerer::set_key(std::uint16_t port_id) {
  rte_eth_rss_conf conf = {
      .rss_key = key_.data(), .rss_key_len = static_cast<std::uint8_t>(key_.size()), .rss_hf = hashed_};
  return rte_eth_dev_rss_hash_update(port_id, &conf) == 0;
}

bool Steerer::set_table(std::uint16_t port_id) const {
  const std::vector<std::uint16_t> table = steering_table(entries_, frames_.workers);
  std::vector<rte_eth_rss_reta_entry64> groups((entries_ + RTE_ETH_RETA_GROUP_SIZE - 1) / RTE_ETH_RETA_GROUP_SIZE);
  for (std::uint32_t entry = 0; entry < entries_; ++entry) {
    rte_eth_rss_reta_entry64& group = groups[entry / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= std::uint64_t{1} << entry % RTE_ETH_RETA_GROUP_SIZE;
    group.reta[entry % RTE_ETH_RETA_GROUP_SIZE] = table[entry];
  }
  return rte_eth_dev_rss_reta_update(port_id, groups.data(), static_cast<std::uint16_t>(entries_)) == 0;
}

}  // namespace weir::dataplane
