#include "dataplane/transcoder.h"

#include <rte_ring_elem.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>

namespace weir::dataplane {
namespace {

constexpr std::uint8_t kPaddingBit = 0x20;

/// The payload without RTP's padding (RFC 3550 section 5.1), which is then said to be none. False: it does not fit.
bool take_off_padding(TranscodeJob& job) {
  if ((job.data[0] & kPaddingBit) == 0) return true;
  const std::uint32_t payload_bytes = job.bytes - job.header_bytes;
  const std::uint32_t padding = payload_bytes == 0 ? 0 : job.data[job.bytes - 1];
  if (padding == 0 || padding > payload_bytes) return false;
  job.bytes -= padding;
  job.data[0] = static_cast<std::uint8_t>(job.data[0] & ~kPaddingBit);
  return true;
}

std::uint8_t* allocate(std::size_t bytes) {
  void* memory = std::aligned_alloc(64, std::max<std::size_t>(bytes, 64));
  WEIR_ASSERT(memory != nullptr);
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

Transcoder::Transcoder(std::uint16_t index, const TranscodeRings& rings, std::uint32_t places,
                       std::uint32_t idle_sleep_us_max)
    : index_(index), rings_(rings), memory_(nullptr, std::free), pacer_(idle_sleep_us_max) {
  const std::uint32_t mine = (places + rings.transcoders() - 1) / rings.transcoders();
  const std::size_t each = PayloadCodec::memory_bytes();
  memory_.reset(allocate(mine * each));
  for (std::uint32_t i = 0; i < mine; ++i) {
    slots_.push_back({.codec = PayloadCodec(memory_.get() + i * each), .flow = {}, .version = 0, .ssrc = 0});
  }
}

std::uint32_t Transcoder::run_once() {
  std::uint32_t converted = 0;
  for (std::uint16_t worker = 0; worker < rings_.workers(); ++worker) {
    converted += serve(rings_.to(worker, index_), rings_.back(worker, index_));
  }
  return converted;
}

std::uint32_t Transcoder::serve(rte_ring* from, rte_ring* back) {
  const unsigned room = std::min<unsigned>(rte_ring_free_count(back), kBurstMax);
  const unsigned count = rte_ring_sc_dequeue_burst_elem(from, jobs_.data(), sizeof(TranscodeJob), room, nullptr);
  if (count == 0) return 0;
  for (unsigned i = 0; i < count; ++i) convert(jobs_[i]);
  const unsigned given = rte_ring_sp_enqueue_bulk_elem(back, jobs_.data(), sizeof(TranscodeJob), count, nullptr);
  WEIR_ASSERT(given == count);  // nobody else fills the ring
  return count;
}

void Transcoder::convert(TranscodeJob& job) {
  if (job.from == job.to || !proto::is_speech(job.from)) return;
  if (!take_off_padding(job)) {
    job.reason = proto::DropReason::kTranscodePayload;
    return;
  }
  std::uint8_t* payload = job.data + job.header_bytes;
  const PayloadCodec::Result result =
      slot_of(job).codec.convert(job.from, job.to, {payload, job.bytes - job.header_bytes},
                                 {payload, job.room - job.header_bytes}, repacketizer_.get());
  job.reason = result.reason;
  job.bytes = job.header_bytes + static_cast<std::uint32_t>(result.bytes);
}

/// The place's codec, begun anew if another stream had it last.
Transcoder::Slot& Transcoder::slot_of(const TranscodeJob& job) {
  Slot& slot = slots_[(job.place - 1u) / rings_.transcoders()];
  if (slot.flow == job.flow && slot.version == job.version && slot.ssrc == job.ssrc) return slot;
  slot.codec.forget();
  slot.flow = job.flow;
  slot.version = job.version;
  slot.ssrc = job.ssrc;
  return slot;
}

void Transcoder::run(const std::atomic<bool>& stop) {
  if (pacer_.sleeps()) prctl(PR_SET_TIMERSLACK, 1);  // else a sleep takes 50 us more (prctl(2))
  while (!stop.load(std::memory_order_relaxed)) {
    const std::uint32_t us = pacer_.after_pass(run_once() != 0);
    if (us == 0) continue;
    const timespec time = {.tv_sec = 0, .tv_nsec = static_cast<long>(us) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  }
}

}  // namespace weir::dataplane
