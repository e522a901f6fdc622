// Rows: what is measured and what it is measured against, in one run. A benchmark named "ROW|VARIANT" is one side of a
// row; bench/report.py joins them: variant "weir" is the value, every other one a baseline of that name.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace weir::bench {

inline constexpr char kWeir[] = "weir";

/// One side of a row. `make` prepares (keys, memory) when the benchmark starts and returns the pass: it does its work
/// and returns how long the part that counts took. `packets` is how many packets a pass handles.
using Pass = std::function<std::chrono::nanoseconds()>;
/// `passes` 0: as many as the clock wants; else that many, for what takes long to prepare.
inline void register_side(const std::string& row, const std::string& variant, std::uint64_t packets,
                          std::function<Pass()> make, std::int64_t passes = 0) {
  benchmark::internal::Benchmark* made = benchmark::RegisterBenchmark(
      (row + "|" + variant).c_str(), [packets, make = std::move(make)](benchmark::State& state) {
        const Pass pass = make();
        pass();  // warm: caches, branch predictors, frequency
        std::uint64_t handled = 0;
        for ([[maybe_unused]] auto _ : state) {
          state.SetIterationTime(std::chrono::duration<double>(pass()).count());
          handled += packets;
        }
        state.SetItemsProcessed(static_cast<std::int64_t>(handled));
      });
  made->UseManualTime()->Unit(benchmark::kMillisecond);
  if (passes != 0) made->Iterations(passes);
}

/// CPU time of this thread: what another process on the core takes meanwhile does not count.
inline std::chrono::nanoseconds cpu_time() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

/// Times one call, of milliseconds: the clock is a system call.
template <typename Work>
std::chrono::nanoseconds timed(Work work) {
  const std::chrono::nanoseconds start = cpu_time();
  work();
  return cpu_time() - start;
}

}  // namespace weir::bench
