#include "controlplane/region_views.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <string_view>

#include "controlplane/voice_quality.h"
#include "proto/inet.h"
#include "proto/stream_reading.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

std::string_view state_name(proto::FlowState state) {
  switch (state) {
    case proto::FlowState::kFree:
      return "free";
    case proto::FlowState::kOpen:
      return "open";
    case proto::FlowState::kInstalled:
      return "installed";
    case proto::FlowState::kDraining:
      return "draining";
  }
  return "unknown";
}

std::string_view profile_name(proto::SrtpProfile profile) {
  return proto::is_srtp_profile(static_cast<std::uint8_t>(profile)) ? proto::srtp_profile(profile).name : "unknown";
}

/// The endpoint, or null while it is not known.
json::value endpoint_or_null(const proto::Endpoint& endpoint) {
  if (endpoint.port == 0) return nullptr;
  return json::value(proto::to_string(endpoint));
}

struct CounterName {
  std::string_view name;
  std::uint64_t proto::WorkerCounters::*value;
};

constexpr CounterName kCounterNames[] = {
    {"received", &proto::WorkerCounters::received},
    {"forwarded", &proto::WorkerCounters::forwarded},
    {"punted", &proto::WorkerCounters::punted},
    {"answered", &proto::WorkerCounters::answered},
    {"absorbed", &proto::WorkerCounters::absorbed},
    {"injected", &proto::WorkerCounters::injected},
    {"originated", &proto::WorkerCounters::originated},
    {"gateway_changes", &proto::WorkerCounters::gateway_changes},
    {"commands", &proto::WorkerCounters::commands},
    {"commands_refused", &proto::WorkerCounters::commands_refused},
    {"events_lost", &proto::WorkerCounters::events_lost},
    {"inject_refused", &proto::WorkerCounters::inject_refused},
    {"transcoded", &proto::WorkerCounters::transcoded},
    {"returned", &proto::WorkerCounters::returned},
    {"handed_over", &proto::WorkerCounters::handed_over},
    {"stalls", &proto::WorkerCounters::stalls},
    {"idle_sleeps", &proto::WorkerCounters::idle_sleeps},
    {"ring_corrupt", &proto::WorkerCounters::ring_corrupt},
};

std::uint64_t dropped(const proto::WorkerCounters& counters) {
  std::uint64_t sum = 0;
  for (const std::uint64_t packets : counters.dropped) sum += packets;
  return sum;
}

json::object counters_object(const proto::WorkerCounters& counters) {
  json::object object;
  for (const CounterName& counter : kCounterNames) object[counter.name] = counters.*counter.value;
  object["dropped"] = dropped(counters);
  return object;
}

double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

double loss_percent(const proto::StreamReading& stream) {
  if (stream.expected == 0) return 0;
  return 100 * static_cast<double>(stream.lost) / static_cast<double>(stream.expected);
}

json::object stream_view(const proto::StreamReading& stream) {
  return {{"ssrc", stream.ssrc},
          {"packets", stream.packets},
          {"bytes", stream.bytes},
          {"lost", stream.lost},
          {"loss_percent", rounded(loss_percent(stream), 100)},
          {"reordered", stream.reordered},
          {"duplicates", stream.duplicates},
          {"jitter_ms", stream.clock_hz == 0 ? json::value(nullptr) : json::value(rounded(stream.jitter_ms, 100))}};
}

proto::WorkerCounters sum_of_workers(const proto::Region& region) {
  proto::WorkerCounters total{};
  for (std::uint32_t worker = 0; worker < region.shape().workers; ++worker) {
    const proto::WorkerCounters counters = region.worker_counters(worker);
    for (const CounterName& counter : kCounterNames) total.*counter.value += counters.*counter.value;
    for (std::size_t i = 0; i < proto::kDropReasonCount; ++i) total.dropped[i] += counters.dropped[i];
  }
  return total;
}

}  // namespace

json::array streams_view(const proto::FlowStatus& status, std::optional<std::string_view> codec) {
  json::array streams;
  for (const proto::StreamReading& stream : proto::read_streams(status)) {
    json::object view = stream_view(stream);
    if (codec) {
      const StreamQuality quality{.loss_percent = loss_percent(stream), .jitter_ms = stream.jitter_ms};
      const double estimate = mean_opinion_score(rating(quality, codec_impairment(*codec)));
      view["codec"] = *codec;
      view["mos"] = rounded(estimate, 100);
    }
    streams.push_back(std::move(view));
  }
  return streams;
}

json::value flow_view(const proto::FlowStatus& shared, std::uint32_t index, std::uint64_t now_ns) {
  const proto::FlowStatus status = shared;
  json::object object;
  object["flow"] = index;
  object["generation"] = status.generation;
  object["state"] = state_name(status.state);
  object["worker"] = status.worker;
  object["network"] = status.network;
  if (status.also_network != 0) object["also_network"] = status.also_network - 1;
  object["port"] = status.local_port;
  object["source"] = endpoint_or_null(status.source);
  object["receive"] = profile_name(status.receive_profile);
  object["send"] = profile_name(status.send_profile);
  object["rtp_exit"] = endpoint_or_null(status.rtp_exit);
  object["rtcp_exit"] = endpoint_or_null(status.rtcp_exit);
  object["rtp_in"] = status.rtp_packets_in;
  object["rtp_out"] = status.rtp_packets_out;
  object["rtp_bytes_in"] = status.rtp_bytes_in;
  object["rtp_bytes_out"] = status.rtp_bytes_out;
  object["rtcp_in"] = status.rtcp_packets_in;
  object["rtcp_out"] = status.rtcp_packets_out;
  object["dropped"] = status.dropped;
  object["auth_failed"] = status.auth_failed;
  object["replayed"] = status.replayed;
  object["ssrc"] = status.ssrc_last;
  object["rtp_index"] = status.rtp_recent != 0 ? status.rtp_index_highest : 0;
  // The worker's clock may be a little ahead of the reader's.
  const bool heard = status.media_last_ns != 0;
  object["silent_ms"] =
      heard ? json::value(now_ns > status.media_last_ns ? (now_ns - status.media_last_ns) / 1'000'000 : 0)
            : json::value(nullptr);
  object["streams"] = streams_view(shared);
  return object;
}

json::value flows_view(const proto::Region& region, std::uint64_t now_ns) {
  json::array flows;
  for (std::uint32_t index = 0; index < region.shape().flows_max; ++index) {
    const proto::FlowStatus& status = region.flow_status(index);
    if (status.state != proto::FlowState::kFree) flows.push_back(flow_view(status, index, now_ns));
  }
  return flows;
}

json::value counters_view(const proto::Region& region, std::uint64_t now_ns) {
  const proto::WorkerCounters total = sum_of_workers(region);
  json::array workers;
  for (std::uint32_t worker = 0; worker < region.shape().workers; ++worker) {
    const proto::WorkerStatus& status = region.worker_status(worker);
    json::object object{{"worker", worker}, {"core", status.core}, {"stalled", proto::has_stalled(status, now_ns)}};
    for (const auto& member : counters_object(region.worker_counters(worker))) object.insert(member);
    workers.push_back(std::move(object));
  }
  json::array drops;
  for (const proto::DropReasonInfo& info : proto::kDropReasons) {
    if (info.reason == proto::DropReason::kNone) continue;
    drops.push_back(json::object{{"reason", info.name},
                                 {"packets", total.dropped[static_cast<std::size_t>(info.reason)]},
                                 {"meaning", info.sentence}});
  }
  const std::uint64_t accounted = total.forwarded + total.punted + total.answered + total.absorbed + dropped(total);
  return json::object{{"total", counters_object(total)},
                      {"balanced", accounted == total.received + total.returned},
                      {"workers", std::move(workers)},
                      {"drops", std::move(drops)}};
}

}  // namespace weir::controlplane
