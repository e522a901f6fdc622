// A worker: one core, run to completion. run_once() is the table of contents of the media plane.
#pragma once

#include <rte_mempool.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/answer.h"
#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/commands.h"
#include "dataplane/events.h"
#include "dataplane/flow_table.h"
#include "dataplane/idle.h"
#include "dataplane/punt.h"
#include "dataplane/receive.h"
#include "dataplane/resolve.h"
#include "dataplane/silence.h"
#include "dataplane/stage_cycles.h"
#include "dataplane/transcode.h"
#include "dataplane/transmit.h"
#include "proto/region.h"

namespace weir::dataplane {

/// Commands carried out in one pass: a call's set-up is a few, and a burst of media waits for no more than these.
inline constexpr std::uint32_t kCommandsPerPass = 16;

/// CLOCK_MONOTONIC in nanoseconds.
std::uint64_t monotonic_ns();

/// A queue that a worker polls.
struct PolledQueue {
  std::uint16_t port_id;
  std::uint16_t queue;
};

/// What a worker is made of. Everything referred to outlives it.
struct WorkerParts {
  std::uint16_t worker;
  std::uint16_t workers;
  std::span<const Network> networks;
  std::span<const proto::Family> families;
  std::span<Neighbours> neighbours;  ///< by network; written by worker 0
  proto::Region* region;
  FlowTable* table;
  rte_mempool* pool;
  std::vector<PolledQueue> polled;
  std::vector<std::vector<std::uint8_t>> networks_of_port;  ///< by DPDK port
  std::vector<Transmitter::Queue> transmit;                 ///< by network
  std::vector<rte_ring*> from_workers;                      ///< received frames that other workers hand over
  std::vector<rte_ring*> to_workers;                        ///< the same, outwards, by worker; nullptr for this one
  rte_ring* wanted;                                         ///< Resolver's
  std::vector<rte_ring*> wanted_by;
  std::vector<rte_ring*> to_transcoders;  ///< by transcoder
  std::vector<rte_ring*> from_transcoders;
  PuntRates punt_rates = {};
  std::uint64_t seed = 0;  ///< random
  std::uint32_t idle_sleep_us_max = 0;
};

/// Not thread-safe: one thread runs it. Allocates only when it is made.
class Worker {
 public:
  static proto::Result<std::unique_ptr<Worker>> create(WorkerParts parts);

  /// After a restart: this worker's flows count their silence from now, and their next hops are asked for.
  void resume(std::uint64_t now_ns);

  /// One pass: every queue, ring and chore once. Returns the frames taken.
  std::uint32_t run_once(std::uint64_t now_ns);

  /// run_once until `stop`, sleeping in between when idle if the parts say so.
  void run(const std::atomic<bool>& stop);

  /// Where its time goes; all zero unless built with stage_cycles.
  [[nodiscard]] const StageCycles& cycles() const { return cycles_; }

 private:
  Worker(WorkerParts parts, std::unique_ptr<Cipher> cipher);

  void note_life(std::uint64_t now_ns);
  void rest(std::uint32_t us);
  bool take_commands();
  void carry_out(proto::Command& command);
  void want_next_hops(const FlowEntry& flow);
  void process_burst();
  std::uint32_t process_transcoded();
  void send_burst();
  void send_requests();
  void forward_returned();
  void tell_notes();
  void count_drops();

  WorkerParts parts_;
  std::unique_ptr<Cipher> cipher_;
  proto::WorkerCounters& counters_;
  proto::WorkerStatus& status_;
  proto::RingConsumer<proto::Command> commands_;
  CommandScope scope_;
  EventSink events_;
  Resolver resolver_;
  Transmitter transmitter_;
  Answerer answerer_;
  Receiver receiver_;
  PuntGate punt_gate_;
  TranscodeGate transcode_gate_;
  SilenceWatch silence_;
  IdlePacer pacer_;
  bool commanded_ = false;  ///< a command was carried out in this pass
  StageCycles cycles_;
  Burst burst_{};
  proto::Command command_{};  ///< this worker's copy of the slot it works on; wiped after each
};

}  // namespace weir::dataplane
