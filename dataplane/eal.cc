#include "dataplane/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace weir::dataplane {
namespace {

using proto::settings::HugepageUse;

std::string& complaint() {
  static std::string text;
  return text;
}

/// One write of DPDK's log: a line. fopencookie's signature.
ssize_t take_log_line(void* /*cookie*/, const char* text, std::size_t bytes) {
  std::string line(text, bytes);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  if (line.empty()) return static_cast<ssize_t>(bytes);
  spdlog::debug("dpdk: {}", line);
  const int level = rte_log_cur_msg_loglevel();
  if (level > 0 && level <= static_cast<int>(RTE_LOG_ERR) && complaint().empty()) complaint() = line;
  return static_cast<ssize_t>(bytes);
}

/// Never closed: DPDK keeps it and may log while the process exits.
void redirect_log() {
  static FILE* const stream = [] {
    const cookie_io_functions_t functions = {
        .read = nullptr, .write = take_log_line, .seek = nullptr, .close = nullptr};
    FILE* file = fopencookie(nullptr, "w", functions);
    if (file != nullptr) std::setvbuf(file, nullptr, _IOLBF, 1024);
    return file;
  }();
  if (stream != nullptr) rte_openlog_stream(stream);
}

std::string lcores(const proto::settings::MediaSettings& media) {
  std::string text = "0@" + std::to_string(media.main_core);
  for (std::size_t worker = 0; worker < media.worker_cores.size(); ++worker) {
    text += "," + std::to_string(worker + 1) + "@" + std::to_string(media.worker_cores[worker]);
  }
  for (std::size_t transcoder = 0; transcoder < media.transcode_cores.size(); ++transcoder) {
    text += "," + std::to_string(media.worker_cores.size() + transcoder + 1) + "@" +
            std::to_string(media.transcode_cores[transcoder]);
  }
  return text;
}

/// DPDK makes it even when it has nothing to put there. Only an empty one is removed.
void remove_runtime_directory() {
  const std::filesystem::path directory = rte_eal_get_runtime_dir();
  if (rmdir(directory.c_str()) == 0) rmdir(directory.parent_path().c_str());
}

}  // namespace

std::uint64_t free_hugepage_mb(const std::string& directory) {
  std::uint64_t total_kb = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    unsigned long long page_kb = 0;
    if (std::sscanf(entry.path().filename().c_str(), "hugepages-%llukB", &page_kb) != 1) continue;
    std::uint64_t pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    total_kb += pages * page_kb;
  }
  return total_kb >> 10;
}

proto::Result<MemoryKind> choose_memory(const proto::settings::MediaSettings& media, std::uint64_t free_mb) {
  switch (media.hugepages) {
    case HugepageUse::kOff:
      return MemoryKind::kOrdinary;
    case HugepageUse::kPrefer:
      return free_mb >= media.memory_mb ? MemoryKind::kHugepages : MemoryKind::kOrdinary;
    case HugepageUse::kRequire:
      break;
  }
  if (free_mb >= media.memory_mb) return MemoryKind::kHugepages;
  return proto::Error{"the configuration requires " + std::to_string(media.memory_mb) + " MiB of hugepages and " +
                      std::to_string(free_mb) +
                      " MiB are free: reserve them (sysctl vm.nr_hugepages=" + std::to_string(media.memory_mb / 2) +
                      " for pages of 2 MiB), or set media.hugepages = \"prefer\""};
}

proto::Status check_cores(const proto::settings::MediaSettings& media, unsigned cores) {
  const auto missing = [cores](unsigned core, const char* setting) {
    return proto::Error{"there is no core " + std::to_string(core) + " for " + setting + ": this host has cores 0 to " +
                        std::to_string(cores - 1)};
  };
  if (media.main_core >= cores) return missing(media.main_core, "media.main_core");
  for (const unsigned core : media.worker_cores) {
    if (core >= cores) return missing(core, "media.worker_cores");
  }
  for (const unsigned core : media.transcode_cores) {
    if (core >= cores) return missing(core, "media.transcode_cores");
  }
  return proto::success();
}

bool is_virtual_device(const std::string& device) {
  return device.find(':') == std::string::npos || device.compare(0, 4, "net_") == 0;
}

std::vector<std::string> eal_arguments(const proto::settings::Settings& settings, MemoryKind memory) {
  const proto::settings::MediaSettings& media = settings.media;
  std::vector<std::string> arguments = {
      "weir-media",    "--lcores", lcores(media), "--main-lcore", "0", "-m", std::to_string(media.memory_mb),
      "--no-telemetry"};
  if (memory == MemoryKind::kHugepages) {
    arguments.emplace_back("--in-memory");
  } else {
    // Ordinary memory has no physical addresses that a device could use, and --in-memory excludes --no-huge.
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }
  bool pci = false;
  for (const proto::settings::NetworkSettings& network : settings.networks) {
    if (is_virtual_device(network.device)) continue;
    arguments.insert(arguments.end(), {"-a", network.device});
    pci = true;
  }
  if (!pci) arguments.insert(arguments.end(), {"--no-pci", "--iova-mode", "va"});
  arguments.insert(arguments.end(), media.eal_arguments.begin(), media.eal_arguments.end());
  return arguments;
}

proto::Result<std::unique_ptr<Eal>> Eal::start(const std::vector<std::string>& arguments) {
  redirect_log();
  std::vector<std::string> copies = arguments;  // EAL may write to them
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    return proto::Error{std::string("DPDK does not start (") + rte_strerror(rte_errno) + ")" + first_complaint() +
                        ": check media.memory_mb and media.eal_arguments"};
  }
  remove_runtime_directory();
  return std::unique_ptr<Eal>(new Eal());
}

Eal::~Eal() {
  rte_eal_cleanup();
}

std::string first_complaint() {
  std::string text;
  text.swap(complaint());
  return text.empty() ? text : ": " + text;
}

}  // namespace weir::dataplane
