#include "dataplane/worker.h"

#include <rte_mbuf.h>
#include <sys/prctl.h>
#include <time.h>

#include <array>

#include "dataplane/ice_answer.h"
#include "dataplane/lookup.h"
#include "dataplane/protect.h"
#include "dataplane/rewrite.h"
#include "dataplane/stream_statistics.h"
#include "dataplane/unprotect.h"

namespace weir::dataplane {
namespace {

/// Notes that weir-control is told of, in this order.
struct Told {
  std::uint8_t note;
  proto::EventKind kind;
};
constexpr std::array kTold{Told{kNoteFirstAuthenticated, proto::EventKind::kFirstAuthenticated},
                           Told{kNoteKeysConfirmed, proto::EventKind::kKeysConfirmed},
                           Told{kNoteIndexNearLimit, proto::EventKind::kIndexNearLimit},
                           Told{kNotePictureAsked, proto::EventKind::kPictureAsked}};

}  // namespace

std::uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);  // through the vDSO: no system call
  return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs + static_cast<std::uint64_t>(now.tv_nsec);
}

proto::Result<std::unique_ptr<Worker>> Worker::create(WorkerParts parts) {
  proto::Result<std::unique_ptr<Cipher>> cipher = Cipher::create();
  if (!cipher) return proto::Error{cipher.error()};
  return std::unique_ptr<Worker>(new Worker(std::move(parts), std::move(*cipher)));
}

Worker::Worker(WorkerParts parts, std::unique_ptr<Cipher> cipher)
    : parts_(std::move(parts)),
      cipher_(std::move(cipher)),
      counters_(parts_.region->worker_counters_mutable(parts_.worker)),
      status_(parts_.region->worker_status_mutable(parts_.worker)),
      commands_(parts_.region->command_consumer(parts_.worker)),
      scope_{.worker = parts_.worker, .workers = parts_.workers, .families = parts_.families},
      events_(parts_.region->event_producer(parts_.worker), parts_.worker, counters_),
      resolver_(parts_.networks, parts_.neighbours, parts_.wanted, parts_.wanted_by),
      transmitter_(parts_.networks, parts_.transmit, resolver_, counters_),
      answerer_(parts_.networks, resolver_, transmitter_, parts_.pool, counters_),
      receiver_({.worker = parts_.worker,
                 .workers = parts_.workers,
                 .networks = parts_.networks,
                 .networks_of_port = parts_.networks_of_port,
                 .to_worker = parts_.to_workers},
                *parts_.table, answerer_, counters_),
      punt_gate_(parts_.region->punt_producer(parts_.worker), parts_.region->inject_consumer(parts_.worker),
                 parts_.pool, parts_.worker, counters_, parts_.punt_rates, parts_.seed),
      transcode_gate_(parts_.worker, parts_.to_transcoders, parts_.from_transcoders, counters_),
      silence_(*parts_.table, events_, parts_.worker),
      pacer_(parts_.idle_sleep_us_max) {
  status_.alive_ns.store(monotonic_ns(), std::memory_order_relaxed);  // not that of an earlier life
}

void Worker::resume(std::uint64_t now_ns) {
  burst_.now_ns = now_ns;
  for (std::uint32_t index = 0; index < parts_.table->flows_max(); ++index) {
    FlowEntry& flow = parts_.table->entry(index);
    if (flow.owner != parts_.worker + 1 || flow.state == proto::FlowState::kFree) continue;
    flow.media_last_ns = 0;
    if (IceState* ice = parts_.table->ice_of(index); ice != nullptr) ice->consent_ns = now_ns;
    want_next_hops(flow);
  }
}

std::uint32_t Worker::run_once(std::uint64_t now_ns) {
  std::uint32_t frames = 0;
  burst_.now_ns = now_ns;
  note_life(now_ns);
  cycles_.start();
  commanded_ = take_commands();
  cycles_.lap(Stage::kChores);
  for (const PolledQueue& polled : parts_.polled) {
    frames += receiver_.from_port(polled.port_id, polled.queue, burst_);
    cycles_.lap(Stage::kReceive);
    process_burst();
  }
  for (rte_ring* ring : parts_.from_workers) {
    frames += receiver_.from_worker(ring, burst_);
    cycles_.lap(Stage::kReceive);
    process_burst();
  }
  frames += process_transcoded();
  if (const auto added = punt_gate_.inject(*parts_.table, transmitter_, burst_)) {
    *added == proto::InjectKind::kReceived ? forward_returned() : send_requests();
  }
  if (parts_.worker == 0) answerer_.ask(now_ns);
  silence_.run(now_ns);
  cycles_.lap(Stage::kChores);
  transmitter_.flush();
  cycles_.lap(Stage::kFlush);
  return frames;
}

void Worker::run(const std::atomic<bool>& stop) {
  if (parts_.idle_sleep_us_max != 0) prctl(PR_SET_TIMERSLACK, 1);  // else a sleep takes 50 us more (prctl(2))
  while (!stop.load(std::memory_order_relaxed)) {
    const bool received = run_once(monotonic_ns()) != 0;
    if (const std::uint32_t us = pacer_.after_pass(received || commanded_); us != 0) [[unlikely]]
      rest(us);
  }
}

void Worker::note_life(std::uint64_t now_ns) {
  if (proto::has_stalled(status_, now_ns)) [[unlikely]]
    ++counters_.stalls;
  status_.alive_ns.store(now_ns, std::memory_order_relaxed);
}

void Worker::rest(std::uint32_t us) {
  const timespec time = {.tv_sec = 0, .tv_nsec = static_cast<long>(us) * 1000};
  ++counters_.idle_sleeps;
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

void Worker::process_burst() {
  if (burst_.count == 0) return;
  lookup(burst_, *parts_.table, parts_.worker);
  punt_gate_.punt(burst_);
  answer_checks(burst_, *cipher_, events_);
  transmitter_.answer(burst_);
  cycles_.lap(Stage::kLookup);
  unprotect(burst_, *cipher_);
  cycles_.lap(Stage::kUnprotect);
  commit_admission(burst_, events_);
  rewrite(burst_);
  transcode_gate_.hand_over(burst_);
  cycles_.lap(Stage::kRewrite);
  send_burst();
}

/// What the transcoders have converted goes on where it left.
std::uint32_t Worker::process_transcoded() {
  std::uint32_t packets = 0;
  for (std::size_t transcoder = 0; transcoder < transcode_gate_.transcoders(); ++transcoder) {
    const std::uint32_t taken = transcode_gate_.take_back(transcoder, burst_, *parts_.table);
    if (taken == 0) continue;
    packets += taken;
    cycles_.lap(Stage::kRewrite);
    send_burst();
  }
  return packets;
}

void Worker::send_burst() {
  protect(burst_, *cipher_);
  cycles_.lap(Stage::kProtect);
  transmitter_.transmit(burst_);
  punt_gate_.hand_up(burst_);
  tell_notes();
  count_drops();
  cycles_.lap(Stage::kTransmit);
}

/// Media that weir-control has taken out of DTLS records.
void Worker::forward_returned() {
  rewrite(burst_);
  transcode_gate_.hand_over(burst_);
  send_burst();
}

/// weir-control's requests for pictures: they are protected as media is, and what does not leave is no packet that
/// came.
void Worker::send_requests() {
  protect(burst_, *cipher_);
  transmitter_.inject(burst_);
  counters_.returned += punt_gate_.hand_up(burst_);
  tell_notes();
  for (std::uint32_t packet = 0; packet < burst_.count; ++packet) {
    if (burst_.mbuf[packet] == nullptr) continue;
    rte_pktmbuf_free(static_cast<rte_mbuf*>(burst_.mbuf[packet]));
    ++counters_.inject_refused;
  }
}

/// Whether there was one.
bool Worker::take_commands() {
  for (std::uint32_t i = 0; i < kCommandsPerPass && events_.has_room(); ++i) {
    const proto::RingState state = commands_.pop(command_);
    if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
    if (state != proto::RingState::kOk) return i != 0;
    carry_out(command_);
  }
  return true;
}

void Worker::carry_out(proto::Command& command) {
  const proto::Event answer = execute(command, scope_, *parts_.table, *cipher_, burst_.now_ns);
  ++(answer.kind == proto::EventKind::kRefused ? counters_.commands_refused : counters_.commands);
  switch (answer.kind) {
    case proto::EventKind::kOpened:
    case proto::EventKind::kInstalled:
    case proto::EventKind::kPeerSet:
      want_next_hops(parts_.table->entry(answer.flow.index));
      break;
    default:
      break;
  }
  events_.push(answer, burst_.now_ns);
}

void Worker::want_next_hops(const FlowEntry& flow) {
  if (flow.peer.port != 0) {
    const std::uint8_t network = transmitter_.network_to(flow, flow.peer.address.family);
    resolver_.want(network, Address(flow.peer.address), burst_.now_ns);
  }
  if (flow.state != proto::FlowState::kInstalled) return;
  for (const proto::Exit* exit : {&flow.rtp_exit, &flow.rtcp_exit}) {
    if (exit->peer.port != 0) resolver_.want(exit->network, Address(exit->peer.address), burst_.now_ns);
  }
}

void Worker::tell_notes() {
  for (std::uint32_t i = 0; i < burst_.noted.count; ++i) {
    const std::uint32_t packet = burst_.noted.at[i];
    proto::Event event{};
    event.flow = {burst_.flow_index[packet], burst_.flow[packet]->generation};
    event.cookie = burst_.flow[packet]->cookie;
    event.source = burst_.source[packet];
    event.ssrc = burst_.ssrc[packet];
    for (const auto& [note, kind] : kTold) {
      if ((burst_.notes[packet] & note) == 0) continue;
      event.kind = kind;
      events_.push(event, burst_.now_ns);
    }
  }
}

/// What is still in the burst was dropped: counted by reason, for the worker and for the flow.
void Worker::count_drops() {
  if (!burst_.dropped) return;
  for (std::uint32_t packet = 0; packet < burst_.count; ++packet) {
    auto* mbuf = static_cast<rte_mbuf*>(burst_.mbuf[packet]);
    if (mbuf == nullptr) continue;
    const proto::DropReason reason = burst_.verdict[packet];
    WEIR_ASSERT(reason != proto::DropReason::kNone);
    ++counters_.dropped[static_cast<std::size_t>(reason)];
    if (proto::FlowStatus* status = burst_.status[packet]; status != nullptr) {
      status->dropped += reason != proto::DropReason::kFeedbackAbsorbed ? 1 : 0;  // it is no loss
      if (reason == proto::DropReason::kAuthFailed) ++status->auth_failed;
      if (reason == proto::DropReason::kReplayed) {
        ++status->replayed;
        if (burst_.kind[packet] == proto::PacketKind::kRtp) count_duplicate(*status, burst_.ssrc[packet]);
      }
    }
    rte_pktmbuf_free(mbuf);
  }
}

}  // namespace weir::dataplane
