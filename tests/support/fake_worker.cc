#include "tests/support/fake_worker.h"

#include <algorithm>
#include <utility>

#include "proto/assert.h"
#include "proto/demux.h"

namespace weir::tests {
namespace {

proto::Region make_region(const std::string& directory) {
  auto made = proto::Region::create(small_region(directory));
  WEIR_ASSERT(made.ok());
  return std::move(made).value();
}

}  // namespace

FakeWorker::FakeWorker(const std::string& directory) : region_(make_region(directory)) {
  for (std::uint32_t worker = 0; worker < region_.shape().workers; ++worker) {
    command_rings_.push_back(region_.command_consumer(worker));
    inject_rings_.push_back(region_.inject_consumer(worker));
    event_rings_.push_back(region_.event_producer(worker));
    punt_rings_.push_back(region_.punt_producer(worker));
  }
  // A region that lay there holds flows: they are still in force.
  for (std::uint32_t index = 0; index < region_.shape().flows_max; ++index) {
    const proto::FlowStatus& status = region_.flow_status(index);
    if (status.state == proto::FlowState::kFree) continue;
    proto::FlowSpec spec{};
    spec.local_port = status.local_port;
    flows_[index] = {.id = {index, status.generation}, .state = status.state, .spec = spec};
  }
}

void FakeWorker::run() {
  for (std::uint16_t worker = 0; worker < region_.shape().workers; ++worker) {
    proto::Command command;
    while (command_rings_[worker].pop(command) == proto::RingState::kOk) carry_out(command, worker);
    proto::Inject inject;
    while (inject_rings_[worker].pop(inject) == proto::RingState::kOk) {
      const auto flow = flows_.find(inject.flow.index);
      if (flow == flows_.end() || flow->second.id != inject.flow) continue;
      sent_.push_back({.local_port = flow->second.spec.local_port,
                       .destination = inject.destination,
                       .bytes = {inject.data, inject.data + inject.bytes},
                       .kind = inject.kind});
    }
  }
}

void FakeWorker::forget_commands() {
  for (proto::RingConsumer<proto::Command>& ring : command_rings_) {
    proto::Command command;
    while (ring.pop(command) == proto::RingState::kOk) {
    }
  }
}

void FakeWorker::carry_out(const proto::Command& command, std::uint16_t worker) {
  ++commands_;
  proto::Event answer{};
  answer.kind = static_cast<proto::EventKind>(command.kind);
  answer.worker = worker;
  answer.request = command.request;
  answer.flow = command.flow;
  answer.refusal = refused_ == command.kind ? proto::Refusal::kStateWrong : apply(command);
  const bool makes = command.kind == proto::CommandKind::kOpen || command.kind == proto::CommandKind::kInstall;
  if (makes && proto::worker_of_port(command.spec.local_port, region_.shape().workers) != worker) {
    answer.refusal = proto::Refusal::kPortNotOurs;
  }
  if (answer.refusal != proto::Refusal::kNone) answer.kind = proto::EventKind::kRefused;
  push(answer, worker);
}

namespace {

/// What kSetPeer changes of an installed flow besides its addresses.
void follow_terms(const proto::FlowSpec& from, proto::FlowSpec& to) {
  to.punts = from.punts;
  to.source_policy = from.source_policy;
  to.latch_prefix_bits = from.latch_prefix_bits;
  to.packets_per_s_max = from.packets_per_s_max;
  to.bytes_per_s_max = from.bytes_per_s_max;
  to.rtp_clock_hz = from.rtp_clock_hz;
  to.rewrite.absorbs = from.rewrite.absorbs;
  to.rewrite.strips_extensions = from.rewrite.strips_extensions;
  to.rewrite.rtcp_timestamps = from.rewrite.rtcp_timestamps;
}

}  // namespace

proto::Refusal FakeWorker::apply(const proto::Command& command) {
  const std::uint32_t index = command.flow.index;
  const auto found = flows_.find(index);
  const bool ours = found != flows_.end() && found->second.id == command.flow;
  switch (command.kind) {
    case proto::CommandKind::kOpen:
    case proto::CommandKind::kInstall:
      if (found != flows_.end() &&
          (!ours || command.kind == proto::CommandKind::kOpen || found->second.state != proto::FlowState::kOpen)) {
        return proto::Refusal::kStateWrong;
      }
      if (found == flows_.end() && command.flow.generation <= region_.flow_status(index).generation) {
        return proto::Refusal::kGenerationStale;
      }
      if (found == flows_.end() && flow_at(command.spec.local_port) != nullptr) return proto::Refusal::kPortInUse;
      flows_[index] = {
          .id = command.flow,
          .state = command.kind == proto::CommandKind::kOpen ? proto::FlowState::kOpen : proto::FlowState::kInstalled,
          .spec = command.spec};
      publish(index, &flows_[index]);
      return proto::Refusal::kNone;
    case proto::CommandKind::kSetPeer:
      if (!ours) return proto::Refusal::kStateWrong;
      found->second.spec.peer = command.spec.peer;
      found->second.spec.rtp = command.spec.rtp;
      found->second.spec.rtcp = command.spec.rtcp;
      found->second.spec.ice = command.spec.ice;
      found->second.spec.ice_consent_ms = command.spec.ice_consent_ms;
      if (found->second.state == proto::FlowState::kInstalled) follow_terms(command.spec, found->second.spec);
      publish(index, &found->second);
      return proto::Refusal::kNone;
    case proto::CommandKind::kUpdateKeys:
      if (!ours || found->second.state != proto::FlowState::kInstalled) return proto::Refusal::kStateWrong;
      found->second.spec.receive = command.spec.receive;
      found->second.spec.send = command.spec.send;
      found->second.spec.key_grace_ms = command.spec.key_grace_ms;
      ++found->second.key_updates;
      return proto::Refusal::kNone;
    case proto::CommandKind::kDrain:
      return ours ? proto::Refusal::kNone : proto::Refusal::kStateWrong;
    case proto::CommandKind::kRemove:
      if (found == flows_.end()) return proto::Refusal::kNone;
      if (!ours) return proto::Refusal::kGenerationStale;
      flows_.erase(found);
      publish(index, nullptr);
      return proto::Refusal::kNone;
  }
  return proto::Refusal::kKindUnknown;
}

void FakeWorker::publish(std::uint32_t index, const Flow* flow) {
  proto::FlowStatus& status = region_.flow_status_mutable(index);
  if (flow == nullptr) {
    status.state = proto::FlowState::kFree;
    return;
  }
  status.generation = flow->id.generation;
  status.state = flow->state;
  status.cookie = flow->spec.cookie;
  status.network = flow->spec.network;
  status.local_port = flow->spec.local_port;
  status.source = flow->spec.peer;
  status.rtp_exit = flow->spec.rtp.peer;
  status.rtcp_exit = flow->spec.rtcp.peer;
  if (flow->state == proto::FlowState::kOpen) status.media_last_ns = 0;
}

void FakeWorker::push(const proto::Event& event, std::uint32_t worker) {
  if (!mute_) WEIR_ASSERT(event_rings_[worker].push(event) == proto::RingState::kOk);
}

bool FakeWorker::punt(std::uint16_t local_port, const proto::Endpoint& source, const std::vector<std::uint8_t>& bytes) {
  const Flow* flow = flow_at(local_port);
  if (flow == nullptr || (flow->spec.punts & proto::kPuntDtls) == 0) return false;
  return push_punt(*flow, source, bytes);
}

void FakeWorker::hand_up(std::uint16_t local_port, const std::vector<std::uint8_t>& media) {
  const Flow& flow = *flow_at(local_port);
  WEIR_ASSERT(flow.state == proto::FlowState::kInstalled && flow.spec.send.profile == proto::SrtpProfile::kDtlsRecords);
  WEIR_ASSERT(push_punt(flow, flow.spec.peer, media));
}

bool FakeWorker::push_punt(const Flow& flow, const proto::Endpoint& source, const std::vector<std::uint8_t>& bytes) {
  proto::Punt punt{};
  punt.flow = flow.id;
  punt.cookie = flow.spec.cookie;
  punt.source = source;
  punt.kind = static_cast<std::uint8_t>(proto::classify(bytes));
  punt.bytes = static_cast<std::uint16_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), punt.data);
  const std::uint32_t worker = proto::worker_of_port(flow.spec.local_port, region_.shape().workers);
  return punt_rings_[worker].push(punt) == proto::RingState::kOk;
}

void FakeWorker::event(proto::FlowId flow, proto::EventKind kind, const proto::Endpoint& source, std::uint64_t now_ns) {
  proto::Event event{};
  event.kind = kind;
  event.flow = flow;
  event.source = source;
  event.now_ns = now_ns;
  push(event, 0);
}

void FakeWorker::heard(proto::FlowId flow, std::uint64_t now_ns, std::uint32_t ssrc) {
  proto::FlowStatus& status = region_.flow_status_mutable(flow.index);
  status.media_last_ns = now_ns;
  if (ssrc == 0) return;
  status.ssrc_last = ssrc;
  status.rtp_recent = 1;
  status.streams[0].ssrc = ssrc;
  status.streams[0].recent = 1;
}

const FakeWorker::Flow* FakeWorker::flow_at(std::uint16_t local_port) const {
  for (const auto& [index, flow] : flows_) {
    if (flow.spec.local_port == local_port) return &flow;
  }
  return nullptr;
}

std::size_t FakeWorker::installed() const {
  return static_cast<std::size_t>(std::count_if(flows_.begin(), flows_.end(), [](const auto& entry) {
    return entry.second.state == proto::FlowState::kInstalled;
  }));
}

}  // namespace weir::tests
