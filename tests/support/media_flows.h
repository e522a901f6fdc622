// A flow table in ordinary memory, and bursts that pass the stages by hand: no DPDK, no region.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/flow_table.h"

namespace weir::tests {

/// Zeroed memory at a cache line's start.
class AlignedMemory {
 public:
  explicit AlignedMemory(std::size_t bytes);
  [[nodiscard]] void* data() const { return memory_.get(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  std::unique_ptr<std::uint8_t[], Free> memory_;
  std::size_t bytes_;
};

class MediaFlows {
 public:
  explicit MediaFlows(std::uint32_t flows_max, std::uint32_t networks = 1,
                      dataplane::KeyRoom room = dataplane::KeyRoom::kGcm);
  /// Over memory that outlives it: memory_bytes(flows_max), zeroed or left by an earlier one.
  MediaFlows(std::uint32_t flows_max, void* memory);
  static std::size_t memory_bytes(std::uint32_t flows_max);

  dataplane::FlowTable& table() { return table_; }
  dataplane::Cipher& cipher() { return *cipher_; }
  dataplane::FlowEntry& flow(std::uint32_t index) { return table_.entry(index); }
  proto::FlowStatus& status(std::uint32_t index) { return table_.status(index); }

  /// A spec that takes RTP and RTCP on port 20000 + 2 * index.
  static proto::FlowSpec spec(std::uint32_t index, const proto::TransformSpec& receive,
                              const proto::TransformSpec& send);
  /// Claims the entry for worker 0 and installs it.
  void install(std::uint32_t index, const proto::FlowSpec& spec, std::uint32_t generation = 1);
  void update_keys(std::uint32_t index, const proto::TransformSpec& receive, const proto::TransformSpec& send);

  /// A second table over the same memory: what a restarted weir-media sees.
  dataplane::FlowTable restarted();

 private:
  std::unique_ptr<dataplane::Cipher> cipher_;
  std::uint32_t flows_max_;
  std::uint32_t networks_;
  dataplane::KeyRoom room_;
  AlignedMemory own_;  ///< empty if the memory is another's
  void* memory_;
  void* status_;
  dataplane::FlowTable table_;
};

/// An entry with its keys, those it receives with first.
std::vector<std::uint8_t> bytes_with_keys(const dataplane::FlowTable& table, std::uint32_t index);

/// Another CPU expands GCM's key to other hash keys than those that lie there: they are worth nothing.
void spoil_hash_keys(const dataplane::SideKeys& keys);

/// One burst with its own packet buffers.
class PacketBurst {
 public:
  PacketBurst();

  /// Adds a packet as lookup leaves it; kind follows from its second byte. Returns its place.
  std::uint32_t add(MediaFlows& flows, std::uint32_t flow, std::span<const std::uint8_t> packet);
  void clear();

  void unprotect(MediaFlows& flows);
  void rewrite();
  void protect(MediaFlows& flows);

  dataplane::Burst& burst() { return *burst_; }
  [[nodiscard]] proto::DropReason verdict(std::uint32_t packet) const { return burst_->verdict[packet]; }
  [[nodiscard]] std::vector<std::uint8_t> packet(std::uint32_t packet) const;

 private:
  std::unique_ptr<dataplane::Burst> burst_;
  std::array<std::vector<std::uint8_t>, dataplane::kBurstMax> buffers_;  ///< each exactly as long as its room
};

}  // namespace weir::tests
