// What a worker adds to a packet's way when it is well loaded: an open loop at 80 % of what it carries at most, the
// time from a packet's being put into the worker's queue to its coming out. Another core sends and receives. On a
// machine that others use too, somebody else's process takes one of the two cores now and then for milliseconds:
// percentiles are taken of short windows, and the median window counts.
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>

#include "bench/probes/probe.h"
#include "bench/support/generator.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using proto::SrtpProfile;

constexpr std::uint32_t kFlows = 1024;
constexpr std::uint32_t kPayloadBytes = 160;
/// Under way at once: as many as the descriptors of a port's receive and transmit queue.
constexpr std::uint32_t kBuffers = 2048;
constexpr double kLoad = 0.8;
constexpr double kWindowS = 0.02;
constexpr unsigned kWindowsPerRepetition = 50;
constexpr double kMedianMarkUs = 15;
constexpr double kTailMarkUs = 60;
/// The generator was away for so long: what it would have sent meanwhile is not sent at once.
constexpr double kAwayS = 20e-6;

/// How long packets were under way, in steps of 50 ns up to 5 ms.
class Histogram {
 public:
  void add(double us) {
    const auto step = static_cast<std::size_t>(us * kStepsPerUs);
    ++steps_[std::min(step, steps_.size() - 1)];
    ++count_;
  }
  /// The upper end of the step that `share` of the packets reach.
  [[nodiscard]] double percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t sum = 0;
    for (std::size_t step = 0; step < steps_.size(); ++step) {
      sum += steps_[step];
      if (sum >= wanted) return static_cast<double>(step + 1) / kStepsPerUs;
    }
    return static_cast<double>(steps_.size()) / kStepsPerUs;
  }

 private:
  static constexpr double kStepsPerUs = 20;
  std::array<std::uint64_t, 100'000> steps_{};
  std::uint64_t count_ = 0;
};

struct Window {
  double p50_us;
  double p99_us;
  double p999_us;
  double rate_per_s;  ///< sent
};

class Latency {
 public:
  Latency(SrtpProfile profile, const Setting& setting)
      : setting_(setting),
        workload_(profile, kFlows, kPayloadBytes),
        plane_({}, {SrtpProfile::kNone, profile}, workload_, Workload(profile, kFlows, kPayloadBytes + 1)),
        generator_(plane_, workload_, kBuffers) {}

  std::vector<Window> run() {
    const double rate = kLoad * capacity_per_s(plane_, generator_, setting_.worker_core);
    std::fprintf(stderr, "  offering %.2f million packets per second, %.0f %% of what the worker carries\n", rate / 1e6,
                 100 * kLoad);
    std::atomic<bool> stop = false;
    std::jthread worker([&] {
      run_on(setting_.worker_core);
      plane_.worker(0).run(stop);
    });
    window(rate);  // warm
    std::vector<Window> windows;
    for (unsigned i = 0; i < kWindowsPerRepetition * setting_.repetitions; ++i) windows.push_back(window(rate));
    stop = true;
    return windows;
  }

 private:
  Window window(double rate) {
    const double ticks_per_s = static_cast<double>(rte_get_tsc_hz());
    auto histogram = std::make_unique<Histogram>();
    const auto tell = [&](std::uint64_t ticks) { histogram->add(static_cast<double>(ticks) * 1e6 / ticks_per_s); };
    const auto start = static_cast<double>(rte_rdtsc());
    const double away = rate * kAwayS;
    double missed = 0;  // packets that were due while the generator was away
    std::uint64_t sent = 0;
    for (double now_s = 0; now_s < kWindowS; now_s = (static_cast<double>(rte_rdtsc()) - start) / ticks_per_s) {
      double due = now_s * rate - missed - static_cast<double>(sent);
      if (due > away + dataplane::kBurstMax) {
        missed += due;
        due = 0;
      }
      if (due >= 1) sent += generator_.send(static_cast<std::uint32_t>(due));
      generator_.receive(tell);
    }
    while (generator_.received() != generator_.sent()) generator_.receive(tell);  // ends only if none was lost
    return {.p50_us = histogram->percentile(0.5),
            .p99_us = histogram->percentile(0.99),
            .p999_us = histogram->percentile(0.999),
            .rate_per_s = static_cast<double>(sent) / kWindowS};
  }

  Setting setting_;
  Workload workload_;
  Plane plane_;
  Generator generator_;
};

double median_of(const std::vector<Window>& windows, double Window::*member) {
  std::vector<double> values;
  for (const Window& window : windows) values.push_back(window.*member);
  return median(std::move(values));
}

std::vector<Row> measure(const std::string& row, SrtpProfile profile, const Setting& setting) {
  const std::vector<Window> windows = Latency(profile, setting).run();
  const double p99_us = median_of(windows, &Window::p99_us);
  std::fprintf(stderr, "  sent %.2f million packets per second; p99 %.1f us\n",
               median_of(windows, &Window::rate_per_s) / 1e6, p99_us);
  return {at_most(row + "/p50/mark", median_of(windows, &Window::p50_us), "us", kMedianMarkUs),
          at_most(row + "/p99.9/mark", median_of(windows, &Window::p999_us), "us", kTailMarkUs)};
}

}  // namespace

std::vector<Probe> latency_probes() {
  std::vector<Probe> probes;
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    const std::string row =
        "latency/rtp_to_srtp/" + std::string(proto::srtp_profile(profile).name) + "/160B/1024flows/80percent";
    probes.push_back({.rows = {row + "/p50/mark", row + "/p99.9/mark"},
                      .measure = [=](const Setting& setting) { return measure(row, profile, setting); }});
  }
  return probes;
}

}  // namespace weir::bench
