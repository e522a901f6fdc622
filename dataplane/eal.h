// Starting DPDK: cores, memory and buses from the settings. Nothing of it outlives the process: no files in
// /run/dpdk, no hugepage files, no telemetry socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::dataplane {

/// Free hugepage memory of the host in MiB, all page sizes. `directory` is /sys/kernel/mm/hugepages.
std::uint64_t free_hugepage_mb(const std::string& directory);

enum class MemoryKind : std::uint8_t { kHugepages, kOrdinary };

/// Which memory DPDK gets. Error: hugepages are required and there are not enough.
proto::Result<MemoryKind> choose_memory(const proto::settings::MediaSettings& media, std::uint64_t free_mb);

/// Whether the host, which has `cores` cores, has all that the settings name.
proto::Status check_cores(const proto::settings::MediaSettings& media, unsigned cores);

/// True for "net_xyz,..." (virtual device), false for a PCI address.
bool is_virtual_device(const std::string& device);

/// EAL's command line. lcore 0 is the main core, lcore k + 1 worker k, and behind the workers come the
/// transcoders, whatever CPUs they are pinned to.
std::vector<std::string> eal_arguments(const proto::settings::Settings& settings, MemoryKind memory);

/// DPDK, initialised; cleans up when destroyed. One at a time.
class Eal {
 public:
  /// DPDK's own log lines go to the log at level debug; the first complaint is part of an error's reason.
  static proto::Result<std::unique_ptr<Eal>> start(const std::vector<std::string>& arguments);
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;
  ~Eal();

 private:
  Eal() = default;
};

/// ": " and what DPDK complained about first since the last call, or nothing. For the sentence that says why.
std::string first_complaint();

}  // namespace weir::dataplane
