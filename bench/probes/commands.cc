// Flows installed and removed while media goes on: weir-control's part on one core, through a real command ring, and
// the worker on the other, which forwards at the same time. Every packet that goes in must come out.
#include <rte_cycles.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "bench/probes/probe.h"
#include "bench/support/generator.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using proto::SrtpProfile;

constexpr std::uint32_t kFlows = 1024;
constexpr std::uint32_t kFlowsChanging = 4096;
constexpr std::uint32_t kPayloadBytes = 160;
constexpr double kMark = 100'000;
/// Of what the worker carries without commands.
constexpr double kLoad = 0.25;
constexpr double kRepetitionS = 0.2;

/// weir-control's end: installs entry after entry behind those that forward, and removes each once half of the others
/// were installed after it.
class Churn {
 public:
  Churn(Plane& plane, const Workload& received, const Workload& sent)
      : plane_(plane), received_(received), sent_(sent) {}

  /// Fills the ring and empties that of the answers.
  void turn() {
    while (waiting_ < kWaitingMax) {
      if (plane_.commands(0).push(next()) != proto::RingState::kOk) break;
      ++step_;
      ++waiting_;
    }
    take_answers();
  }

  void finish() {
    while (waiting_ != 0) take_answers();
  }

  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  /// So many that the worker always finds some, and their answers fit into the event ring.
  static constexpr std::uint32_t kWaitingMax = 512;
  static constexpr std::uint64_t kLag = kFlowsChanging / 2;

  /// Step 2n installs the n-th flow, step 2n + 1 removes the one kLag before; the first kLag removals find nothing.
  [[nodiscard]] proto::Command next() const {
    const std::uint64_t turn = step_ / 2;
    proto::Command command{};
    if (step_ % 2 == 0) {
      const std::size_t keys = turn % received_.streams().size();
      command = plane_.install(flow(turn), received_.streams()[keys], sent_.streams()[keys]);
      command.spec.receive = received_.streams()[keys].transform;
      return command;
    }
    command.kind = proto::CommandKind::kRemove;
    command.request = 1;
    command.flow = flow(turn < kLag ? kFlowsChanging - 1 : turn - kLag);
    return command;
  }
  [[nodiscard]] static proto::FlowId flow(std::uint64_t turn) {
    return {.index = kFlows + static_cast<std::uint32_t>(turn % kFlowsChanging),
            .generation = 1 + static_cast<std::uint32_t>(turn / kFlowsChanging)};
  }

  void take_answers() {
    proto::Event event;
    while (plane_.events(0).pop(event) == proto::RingState::kOk) {
      if (event.request == 0) continue;  // that media was heard, for one
      WEIR_ASSERT(event.kind == proto::EventKind::kInstalled || event.kind == proto::EventKind::kRemoved);
      --waiting_;
      ++done_;
    }
  }

  Plane& plane_;
  const Workload& received_;
  const Workload& sent_;
  std::uint64_t step_ = 0;
  std::uint64_t done_ = 0;
  std::uint32_t waiting_ = 0;
};

std::uint64_t lost(const proto::WorkerCounters& counters) {
  std::uint64_t sum = counters.events_lost + counters.commands_refused;
  for (const std::uint64_t packets : counters.dropped) sum += packets;
  return sum;
}

struct Rates {
  double commands_per_s;
  double packets_per_s;
};

Rates run_for(double seconds, double packets_per_s, Generator& generator, Churn& churn) {
  const double hz = static_cast<double>(rte_get_tsc_hz());
  const std::uint64_t start = rte_rdtsc();
  const std::uint64_t commands = churn.done();
  std::uint64_t sent = 0;
  double now_s = 0;
  while (now_s < seconds) {
    now_s = static_cast<double>(rte_rdtsc() - start) / hz;
    const double due = now_s * packets_per_s - static_cast<double>(sent);
    if (due >= 1) sent += generator.send(static_cast<std::uint32_t>(due));
    generator.receive([](std::uint64_t) {});
    churn.turn();
  }
  return {static_cast<double>(churn.done() - commands) / now_s, static_cast<double>(sent) / now_s};
}

std::vector<Row> measure(const std::string& row, SrtpProfile profile, const Setting& setting) {
  Workload received(profile, kFlows, kPayloadBytes);
  const Workload sent(profile, kFlows, kPayloadBytes + 1);
  // What goes on forwarding is plain where it arrives, for the generator's sake; what is installed is secured on both
  // sides.
  Plane plane({.flows_spare = kFlowsChanging}, {SrtpProfile::kNone, profile}, received, sent);
  Generator generator(plane, received, kPlaneQueueSlots / 2);
  const double load = kLoad * capacity_per_s(plane, generator, setting.worker_core);
  Churn churn(plane, received, sent);
  std::vector<double> commands;
  std::vector<double> packets;
  std::atomic<bool> stop = false;
  std::jthread worker([&] {
    run_on(setting.worker_core);
    plane.worker(0).run(stop);
  });
  for (unsigned i = 0; i < 5 * setting.repetitions; ++i) {
    const Rates rates = run_for(kRepetitionS, load, generator, churn);
    commands.push_back(rates.commands_per_s);
    packets.push_back(rates.packets_per_s);
  }
  churn.finish();
  while (generator.received() != generator.sent()) generator.receive([](std::uint64_t) {});
  stop = true;
  worker.join();
  WEIR_ASSERT(lost(plane.counters(0)) == 0);
  std::fprintf(stderr, "  while forwarding %.2f million packets per second; %llu in, %llu out\n", median(packets) / 1e6,
               static_cast<unsigned long long>(generator.sent()),
               static_cast<unsigned long long>(generator.received()));
  return {at_least(row, median(commands), "commands/s", kMark)};
}

}  // namespace

std::vector<Probe> command_probes() {
  std::vector<Probe> probes;
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    const std::string row =
        "commands/install_and_remove/" + std::string(proto::srtp_profile(profile).name) + "/1024flows/mark";
    probes.push_back(
        {.rows = {row}, .measure = [=](const Setting& setting) { return measure(row, profile, setting); }});
  }
  return probes;
}

}  // namespace weir::bench
