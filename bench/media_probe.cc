// The probes as one program, for bench/report.py: prints a row of JSON on a line each.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "bench/probes/probe.h"
#include "bench/support/plane.h"

namespace weir::bench {
namespace {

struct Options {
  std::string filter;
  Setting setting{.worker_core = 1, .other_core = 0, .repetitions = 5};
  bool list = false;
};

std::vector<Probe> all_probes() {
  std::vector<Probe> all;
  for (const auto& make : {two_workers_probes, command_probes, flow_memory_probes, latency_probes}) {
    for (Probe& probe : make()) all.push_back(std::move(probe));
  }
  return all;
}

bool wanted(const Probe& probe, const std::string& filter) {
  return std::any_of(probe.rows.begin(), probe.rows.end(),
                     [&](const std::string& row) { return row.find(filter) != std::string::npos; });
}

void print(const Row& row) {
  std::printf(R"({"name": "%s", "value": %.2f, "unit": "%s", "baseline": "%s", "baseline_value": %.2f, "ratio": %.3f})"
              "\n",
              row.name.c_str(), row.value, row.unit.c_str(), row.baseline.c_str(), row.baseline_value, row.ratio);
  std::fflush(stdout);
}

int run(const Options& options) {
  if (!options.list) {
    run_on(options.setting.other_core);
    start_dpdk();
  }
  for (const Probe& probe : all_probes()) {
    if (!wanted(probe, options.filter)) continue;
    if (options.list) {
      for (const std::string& row : probe.rows) std::printf("%s\n", row.c_str());
      continue;
    }
    for (const Row& row : probe.measure(options.setting)) print(row);
  }
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::Options options;
  CLI::App app("Measures rows of several cores and of other units than time a packet; bench/run runs it.");
  app.add_option("--filter", options.filter, "Only probes with a row whose name contains this");
  app.add_option("--repetitions", options.setting.repetitions, "How long: the median counts")
      ->check(CLI::PositiveNumber);
  app.add_option("--core", options.setting.worker_core, "The first worker's core");
  app.add_option("--other-core", options.setting.other_core, "The core of the second worker, or of who feeds the one");
  app.add_flag("--list", options.list, "Only name the rows");
  CLI11_PARSE(app, argc, argv);
  if (options.setting.worker_core == options.setting.other_core) {
    std::fprintf(stderr, "--core and --other-core must differ\n");
    return 2;
  }
  return weir::bench::run(options);
}
