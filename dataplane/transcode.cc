#include "dataplane/transcode.h"

#include <rte_ring_elem.h>

#include <array>

#include "dataplane/flow_table.h"
#include "dataplane/transcoder.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::TimestampScale;

constexpr std::size_t kRtpTimestampAt = 12;  // in an SR's body: SSRC, NTP timestamp
constexpr std::size_t kJitterAt = 12;        // in a report block

/// Of RTP that is converted: the timestamp, and what an event's payload says in its unit.
DropReason convert_header(TranscodeState& state, const proto::TranscodePair& pair, const TranscodeJob& job) {
  const TimestampScale scale = proto::scale_between(pair.from, pair.to);
  std::uint32_t later = 0;
  if (proto::is_event(pair.from) && scale != TimestampScale::kSame) {
    const proto::MutableBytes payload{job.data + job.header_bytes, job.bytes - job.header_bytes};
    if (!scale_event(payload, scale, later)) return DropReason::kTranscodePayload;
  }
  StreamClock& clock = find_or_add_clock(state, job.ssrc);
  const std::uint32_t timestamp = advance_clock(clock, proto::load_be32(job.data + 4), scale);
  proto::store_be32(job.data + 4, timestamp + later);
  job.data[1] = static_cast<std::uint8_t>((job.data[1] & 0x80) | pair.to_type);
  return DropReason::kNone;
}

TranscodeJob make_job(const Burst& burst, std::uint32_t packet, const proto::TranscodePair& pair) {
  return {.mbuf = static_cast<rte_mbuf*>(burst.mbuf[packet]),
          .data = burst.data[packet],
          .flow = {burst.flow_index[packet], burst.flow[packet]->generation},
          .ssrc = burst.ssrc[packet],
          .version = 0,
          .bytes = burst.bytes[packet],
          .room = burst.room[packet],
          .header_bytes = burst.header_bytes[packet],
          .place = 0,
          .from = pair.from,
          .to = pair.to,
          .reason = DropReason::kNone,
          .reserved = 0};
}

/// What was handed over is not in the burst any more.
void keep_what_stays(Burst& burst) {
  std::uint32_t kept = 0;
  for (std::uint32_t k = 0; k < burst.media.count; ++k) {
    const std::uint8_t packet = burst.media.at[k];
    burst.media.at[kept] = packet;
    kept += burst.mbuf[packet] != nullptr && burst.verdict[packet] == DropReason::kNone ? 1 : 0;
  }
  burst.media.count = kept;
}

}  // namespace

TranscodeGate::TranscodeGate(std::uint16_t worker, std::vector<rte_ring*> to, std::vector<rte_ring*> back,
                             proto::WorkerCounters& counters)
    : worker_(worker), to_(std::move(to)), back_(std::move(back)), counters_(counters) {
  WEIR_ASSERT(to_.size() == back_.size());
}

void TranscodeGate::hand_over(Burst& burst) {
  if (burst.transcodes.count == 0) return;
  for (std::uint32_t k = 0; k < burst.transcodes.count; ++k) {
    const std::uint32_t packet = burst.transcodes.at[k];
    if (burst.verdict[packet] != DropReason::kNone) continue;
    const DropReason reason = hand_over_one(burst, packet);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else {
      burst.mbuf[packet] = nullptr;
    }
  }
  burst.transcodes.clear();
  keep_what_stays(burst);
}

DropReason TranscodeGate::hand_over_one(Burst& burst, std::uint32_t packet) {
  const Place place = burst.table->transcode_place(burst.flow_index[packet]);
  // A resumed region may know conversions that this weir-media has no cores for.
  if (place == 0 || to_.empty()) return DropReason::kTranscodeFull;
  TranscodeState& state = burst.table->transcode_at(place);
  const proto::TranscodePair* pair = find_pair(state.spec, burst.data[packet][1] & 0x7f);
  if (pair == nullptr) return DropReason::kTranscodeTypeUnknown;
  rte_ring* ring = to_[transcoder_of(place, static_cast<std::uint16_t>(to_.size()))];
  if (rte_ring_full(ring) != 0) return DropReason::kTranscodeFull;  // before the stream's clock goes on
  TranscodeJob job = make_job(burst, packet, *pair);
  job.place = place;
  job.version = state.version;
  const DropReason reason = convert_header(state, *pair, job);
  if (reason != DropReason::kNone) return reason;
  const int pushed = rte_ring_sp_enqueue_elem(ring, &job, sizeof job);
  return pushed == 0 ? DropReason::kNone : DropReason::kTranscodeFull;
}

std::uint32_t TranscodeGate::take_back(std::size_t transcoder, Burst& burst, FlowTable& table) {
  std::array<TranscodeJob, kBurstMax> jobs;
  const unsigned count =
      rte_ring_sc_dequeue_burst_elem(back_[transcoder], jobs.data(), sizeof(TranscodeJob), kBurstMax, nullptr);
  if (count == 0) return 0;
  burst.begin(count, table);
  for (unsigned packet = 0; packet < count; ++packet) put_back(jobs[packet], burst, packet, table);
  counters_.transcoded += count;
  return count;
}

void TranscodeGate::put_back(const TranscodeJob& job, Burst& burst, std::uint32_t packet, FlowTable& table) const {
  burst.mbuf[packet] = job.mbuf;
  burst.data[packet] = job.data;
  burst.bytes[packet] = job.bytes;
  burst.room[packet] = job.room;
  burst.header_bytes[packet] = job.header_bytes;
  burst.ssrc[packet] = job.ssrc;
  burst.kind[packet] = proto::PacketKind::kRtp;
  burst.notes[packet] = 0;
  burst.verdict[packet] = DropReason::kNone;
  burst.status[packet] = nullptr;
  burst.flow[packet] = nullptr;
  burst.flow_index[packet] = job.flow.index;
  FlowEntry& flow = table.entry(job.flow.index);
  const bool ours = table.is_owned_by(job.flow.index, worker_) && flow.generation == job.flow.generation &&
                    flow.state == proto::FlowState::kInstalled;
  if (!ours) return burst.drop(packet, DropReason::kTranscodeFlowGone);
  burst.flow[packet] = &flow;
  burst.status[packet] = &table.status(job.flow.index);
  burst.source[packet] = flow.peer;
  if (job.reason != DropReason::kNone) return burst.drop(packet, job.reason);
  if ((flow.marks & kMarkRtpLeaves) == 0) return burst.drop(packet, DropReason::kKindNotAccepted);  // held since
  burst.push_media(packet, flow.transforms);
}

void scale_rtcp(Burst& burst, std::uint32_t packet, const proto::RtcpView& view, proto::MutableBytes body) {
  const FlowEntry& flow = *burst.flow[packet];
  const TimestampScale scale = flow.rewrite.rtcp_timestamps;
  const bool sends = view.type == static_cast<std::uint8_t>(proto::RtcpType::kSenderReport);
  if (!sends && view.type != static_cast<std::uint8_t>(proto::RtcpType::kReceiverReport)) return;
  if (sends) {
    const Place place = burst.table->transcode_place(burst.flow_index[packet]);
    const StreamClock* clock =
        place == 0 ? nullptr : find_clock(burst.table->transcode_at(place), proto::load_be32(body.data()));
    const std::uint32_t timestamp = proto::load_be32(body.data() + kRtpTimestampAt);
    proto::store_be32(body.data() + kRtpTimestampAt,
                      clock != nullptr ? read_clock(*clock, timestamp) : scale_timestamp(timestamp, scale));
  }
  // What the party here has received came at the other party's clock's rate too: the same ratio, both ways.
  std::uint8_t* block = body.data() + 4 + (sends ? proto::kSenderInfoBytes : 0);
  for (std::uint8_t i = 0; i < view.count; ++i, block += proto::kReportBlockBytes) {
    proto::store_be32(block + kJitterAt, scale_timestamp(proto::load_be32(block + kJitterAt), scale));
  }
}

}  // namespace weir::dataplane
