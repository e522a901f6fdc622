// The pool of DTLS certificates for calls that are not to be known again: how many it gives a second when it is asked
// without a pause, making included, and how long one who asks at the rate of calls waits. Beside making each when it is
// wanted.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "controlplane/certificate.h"
#include "controlplane/certificate_pool.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using Clock = std::chrono::steady_clock;
using controlplane::Certificate;
using controlplane::CertificatePool;

/// 10,000 anonymous calls a minute.
constexpr std::chrono::microseconds kCallEvery(6'000);

void made_when_wanted(benchmark::State& state) {
  for (auto _ : state) {
    auto made = Certificate::make();
    WEIR_ASSERT(made.ok());
    benchmark::DoNotOptimize(made);
  }
  state.SetItemsProcessed(state.iterations());
}

/// The pool runs dry at once: what counts is the rate of both who make.
void taken_without_a_pause(benchmark::State& state) {
  CertificatePool pool;
  for (auto _ : state) {
    auto taken = pool.take();
    WEIR_ASSERT(taken != nullptr);
    benchmark::DoNotOptimize(taken);
  }
  state.SetItemsProcessed(state.iterations());
}

void taken_at_the_rate_of_calls(benchmark::State& state) {
  CertificatePool pool;
  pool.start();
  while (pool.ready() < CertificatePool::kReadyMax) std::this_thread::sleep_for(kCallEvery);
  std::vector<double> waits_us;
  for (auto _ : state) {
    std::this_thread::sleep_for(kCallEvery);
    const Clock::time_point before = Clock::now();
    auto taken = pool.take();
    const std::chrono::duration<double> wait = Clock::now() - before;
    WEIR_ASSERT(taken != nullptr);
    state.SetIterationTime(wait.count());
    waits_us.push_back(wait.count() * 1e6);
  }
  std::sort(waits_us.begin(), waits_us.end());
  state.counters["p99_us"] = waits_us[waits_us.size() * 99 / 100];
  state.counters["max_us"] = waits_us.back();
  state.counters["made_at_once"] = static_cast<double>(pool.made_at_once());
}

BENCHMARK(made_when_wanted)->Name("signalling/dtls_certificate|made when wanted");
BENCHMARK(taken_without_a_pause)->Name("signalling/dtls_certificate|weir")->UseRealTime();
BENCHMARK(taken_at_the_rate_of_calls)
    ->Name("signalling/dtls_certificate_of_10000_calls_a_minute|weir")
    ->UseManualTime()
    ->Iterations(1'000);

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
