// Weir's own transform stages over a workload, as a worker drives them: a flow per stream, bursts of packets in
// columns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/support/workload.h"
#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/flow_table.h"

namespace weir::bench {

class Stages {
 public:
  /// `burst` packets at a time, 1..kBurstMax.
  Stages(const Workload& workload, std::uint32_t burst);
  ~Stages();

  /// Runs the protect stage over every packet. Aborts if one is dropped.
  void protect(std::vector<Packet>& packets);
  /// Runs the unprotect stage over every packet. Aborts if one is dropped.
  void unprotect(std::vector<Packet>& packets);
  /// The crypto floor of protect: the same bytes through ipsec-mb's burst calls alone, no index, no headers, no state.
  void floor_protect(std::vector<Packet>& packets);

 private:
  void load(std::vector<Packet>& packets, std::size_t first, std::uint32_t count, std::uint32_t flow_base);
  void store(std::vector<Packet>& packets, std::size_t first, std::uint32_t count);
  void floor_aes_cm(std::vector<Packet>& packets, std::size_t first, std::uint32_t count);
  void floor_gcm(std::vector<Packet>& packets, std::size_t first, std::uint32_t count);

  proto::SrtpProfile profile_;
  std::uint32_t streams_;
  std::uint32_t burst_packets_;
  std::uint32_t room_;
  std::unique_ptr<dataplane::Cipher> cipher_;
  std::unique_ptr<std::uint8_t, void (*)(void*)> memory_;
  std::vector<proto::FlowStatus> status_;
  dataplane::FlowTable table_;
  dataplane::Burst burst_;
};

}  // namespace weir::bench
