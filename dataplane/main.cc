// weir-media: the media plane's process. Start, watch, stop in order.
#include <rte_launch.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "dataplane/control_guard.h"
#include "dataplane/eal.h"
#include "dataplane/engine.h"
#include "dataplane/housekeeping.h"
#include "dataplane/media_region.h"
#include "dataplane/numa.h"
#include "dataplane/options.h"
#include "proto/cpu.h"

namespace weir::dataplane {
namespace {

using proto::settings::Settings;

constexpr timespec kHousekeepingEvery = {.tv_sec = 0, .tv_nsec = 100'000'000};

std::atomic<bool> g_stop{false};

/// SIGTERM and SIGINT, blocked in all threads and taken by the main core between its chores.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int run_worker(void* worker) {
  static_cast<Worker*>(worker)->run(g_stop);
  return 0;
}

int run_transcoder(void* transcoder) {
  static_cast<Transcoder*>(transcoder)->run(g_stop);
  return 0;
}

proto::Status launch(Engine& engine) {
  for (std::uint16_t worker = 0; worker < engine.workers(); ++worker) {
    if (rte_eal_remote_launch(run_worker, &engine.worker(worker), worker + 1u) != 0) {
      return proto::Error{"worker " + std::to_string(worker) + " cannot be started"};
    }
  }
  for (std::uint16_t index = 0; index < engine.transcoders(); ++index) {
    if (rte_eal_remote_launch(run_transcoder, &engine.transcoder(index), engine.workers() + index + 1u) != 0) {
      return proto::Error{"transcoder " + std::to_string(index) + " cannot be started"};
    }
  }
  return proto::success();
}

void warn_of_distance(const Engine& engine) {
  for (std::size_t port = 0; port < engine.ports(); ++port) {
    for (const unsigned worker : workers_far_from(engine.port(port).node(), engine.nodes())) {
      spdlog::warn("device {}: it is on NUMA node {}, worker {} on node {}: every packet crosses between them",
                   engine.device(port), engine.port(port).node(), worker, engine.nodes()[worker]);
    }
  }
}

void log_start(const Settings& settings, const Engine& engine, const proto::Region& region) {
  for (std::size_t i = 0; i < engine.networks(); ++i) {
    const Port& port = engine.port_of(i);
    spdlog::info("network '{}': {} on {} ({}), {}, checksums {}", engine.network_name(i),
                 proto::to_string(settings.networks[i].address), settings.networks[i].device, port.driver(),
                 to_string(port.steering()), port.udp_checksum_offload() ? "by the port" : "in software");
  }
  warn_of_distance(engine);
  if (engine.workers() > 1 && !is_steerable(engine.workers())) {
    spdlog::info("{} workers are no power of two: ports cannot tell by a mask or a hash whose packet one is",
                 engine.workers());
  }
  spdlog::info("region: {} in {}, {}", region.huge() ? "hugepages" : "ordinary memory", settings.region.directory,
               region.resumed() ? std::to_string(engine.flows()) + " flows resumed" : "new");
  if (engine.transcoders() != 0) {
    spdlog::info("transcoders: {}, for {} flows at most", engine.transcoders(), settings.media.transcoded_flows_max);
  }
  spdlog::info("ready: {} workers, {} flows at most", engine.workers(), settings.media.flows_max);
}

/// Chores until a signal asks to stop.
void watch(Engine& engine, const proto::Region& region) {
  Housekeeping housekeeping(engine, region);
  const sigset_t signals = stop_signals();
  while (sigtimedwait(&signals, nullptr, &kHousekeepingEvery) < 0) housekeeping.run(monotonic_ns());
}

proto::Status run(const Settings& settings, bool discard_region) {
  const auto cores = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF));
  if (proto::Status status = check_cores(settings.media, cores); !status) return status;
  // First the region: a second instance ends here, before it touches a port.
  proto::Result<proto::Region> region = open_region(settings, discard_region);
  if (!region) return proto::Error{region.error()};
  const proto::Result<MemoryKind> memory = choose_memory(settings.media, free_hugepage_mb("/sys/kernel/mm/hugepages"));
  if (!memory) return proto::Error{memory.error()};
  spdlog::info("memory: {} MiB of {}", settings.media.memory_mb,
               *memory == MemoryKind::kHugepages ? "hugepages"
                                                 : "ordinary pages, since the host has too few free "
                                                   "hugepages or media.hugepages is \"off\"");
  proto::Result<std::unique_ptr<Eal>> eal = Eal::start(eal_arguments(settings, *memory));
  if (!eal) return proto::Error{eal.error()};
  proto::Result<std::unique_ptr<Engine>> engine = Engine::create(settings, *region);
  if (!engine) return proto::Error{engine.error()};
  guard_control_segment(*region);
  const proto::Status launched = launch(**engine);
  if (launched.ok()) {
    log_start(settings, **engine, *region);
    watch(**engine, *region);
    spdlog::info("stopping; the region stays for the next start");
  }
  g_stop.store(true, std::memory_order_relaxed);
  rte_eal_mp_wait_lcore();
  return launched;
}

int start(const Options& options) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("weir-media"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  const proto::settings::Reading reading = proto::settings::read_settings_file(options.config);
  if (!reading.mistakes.empty()) {
    std::fputs(proto::settings::to_string(options.config, reading.mistakes).c_str(), stderr);
    return EXIT_FAILURE;
  }
  if (options.check) {
    std::printf("%s: no mistakes\n", options.config.c_str());
    return EXIT_SUCCESS;
  }
  prctl(PR_SET_DUMPABLE, 0);  // the heap holds expanded keys: no core file, whatever the host's settings
  const sigset_t signals = stop_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);  // before DPDK makes its threads
  const proto::Status status = run(reading.settings, options.discard_region);
  if (status.ok()) return EXIT_SUCCESS;
  spdlog::error("{}", status.error());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace weir::dataplane

int main(int argc, char** argv) {
  if (const weir::proto::Status status = weir::proto::check_cpu(); !status) {
    std::fprintf(stderr, "weir-media: %s\n", status.error().c_str());
    return EXIT_FAILURE;
  }
  const auto options = weir::dataplane::parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&options)) return *status;
  return weir::dataplane::start(std::get<weir::dataplane::Options>(options));
}
