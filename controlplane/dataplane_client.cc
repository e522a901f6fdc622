#include "controlplane/dataplane_client.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kHousekeepingNs = 10'000'000;
constexpr std::uint64_t kRemovalRetryNs = 1'000'000'000;
/// Flows looked at in one sweep for orphans: 1 M flows are seen in 40 s at 100 sweeps a second.
constexpr std::uint32_t kSweepFlows = 256;
/// What this attach adds to an index's last generation at its first use. A command of an earlier weir-control may still
/// lie unread in the ring, with a generation above what the table shows: as an index is used again only once its
/// removal was answered, there is one such generation for each attach at most.
std::uint32_t generation_gap(const proto::Region& region) {
  return 2 * static_cast<std::uint32_t>(region.control_header().incarnation.load(std::memory_order_relaxed));
}

/// Request numbers of one attach: an answer to an earlier weir-control's command must not look like one to ours.
std::uint32_t first_request(const proto::Region& region) {
  const std::uint64_t attaches = region.control_header().incarnation.load(std::memory_order_relaxed);
  return static_cast<std::uint32_t>(attaches << 20) | 1u;
}

/// The state a flow is in once its command was carried out.
bool state_shows(proto::CommandKind kind, proto::FlowState state) {
  switch (kind) {
    case proto::CommandKind::kOpen:
      return state == proto::FlowState::kOpen || state == proto::FlowState::kInstalled;
    case proto::CommandKind::kInstall:
      return state == proto::FlowState::kInstalled;
    case proto::CommandKind::kDrain:
      return state == proto::FlowState::kDraining;
    case proto::CommandKind::kUpdateKeys:  // leave no trace a reader could tell
    case proto::CommandKind::kSetPeer:
    case proto::CommandKind::kRemove:
      return false;
  }
  return false;
}

bool is_answer(proto::EventKind kind) {
  return kind >= proto::EventKind::kOpened && kind <= proto::EventKind::kRefused;
}

}  // namespace

DataplaneClient::DataplaneClient(proto::Region& region, DataplaneClientOptions options)
    : region_(region),
      options_(options),
      slots_(region.shape().flows_max),
      request_next_(first_request(region)),
      incarnation_(media_incarnation()) {
  for (std::uint32_t worker = 0; worker < workers(); ++worker) {
    commands_.push_back(region.command_producer(worker));
    injects_.push_back(region.inject_producer(worker));
    events_.push_back(region.event_consumer(worker));
    punts_.push_back(region.punt_consumer(worker));
  }
  flows_found_ = flows();
  for (const FlowFound& flow : flows_found_) slots_[flow.id.index].used = true;
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    const std::uint32_t generation = region.flow_status(index).generation;
    slots_[index].generation = slots_[index].used ? generation : generation + generation_gap(region);
    if (!slots_[index].used) free_.push_back(index);
  }
}

std::vector<FlowFound> DataplaneClient::flows() const {
  std::vector<FlowFound> found;
  for (std::uint32_t index = 0; index < region_.shape().flows_max; ++index) {
    const proto::FlowStatus& status = region_.flow_status(index);
    if (status.state == proto::FlowState::kFree) continue;
    found.push_back({.id = {.index = index, .generation = status.generation},
                     .state = status.state,
                     .cookie = status.cookie,
                     .network = status.network,
                     .also_network = status.also_network == 0
                                         ? std::nullopt
                                         : std::optional(static_cast<std::uint8_t>(status.also_network - 1)),
                     .local_port = status.local_port});
  }
  return found;
}

void DataplaneClient::adopt(const FlowFound& flow, FlowHandler& handler) {
  Slot& slot = slots_[flow.id.index];
  WEIR_ASSERT(slot.used && slot.handler == nullptr && slot.generation == flow.id.generation);
  slot.local_port = flow.local_port;
  slot.handler = &handler;
}

void DataplaneClient::remove_found(const FlowFound& flow, std::uint64_t now_ns) {
  Slot& slot = slots_[flow.id.index];
  WEIR_ASSERT(slot.used && slot.handler == nullptr && slot.generation == flow.id.generation);
  slot.local_port = flow.local_port;
  remove(flow.id, now_ns);
}

std::uint32_t DataplaneClient::worker_of(std::uint16_t local_port) const {
  return proto::worker_of_port(local_port, workers());
}

proto::Result<proto::FlowId> DataplaneClient::reserve(std::uint16_t local_port, FlowHandler& handler) {
  if (free_.empty()) return proto::Error{"weir-media's flow table is full"};
  const std::uint32_t index = free_.front();
  free_.pop_front();
  Slot& slot = slots_[index];
  WEIR_ASSERT(!slot.used);
  ++slot.generation;
  slot.local_port = local_port;
  slot.used = true;
  slot.handler = &handler;
  return proto::FlowId{.index = index, .generation = slot.generation};
}

FlowHandler* DataplaneClient::handler_of(proto::FlowId flow) const {
  if (flow.index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[flow.index];
  return slot.used && slot.generation == flow.generation ? slot.handler : nullptr;
}

proto::Result<std::uint32_t> DataplaneClient::push_command(proto::CommandKind kind, proto::FlowId flow,
                                                           const proto::FlowSpec& spec, std::uint16_t local_port) {
  proto::RingProducer<proto::Command>& ring = commands_[worker_of(local_port)];
  proto::RingState state;
  proto::Command* command = ring.claim(state);
  if (command == nullptr) {
    if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
    ++counters_.command_ring_full;
    return proto::Error{state == proto::RingState::kCorrupt ? "weir-media's command ring is damaged"
                                                            : "weir-media's command ring is full"};
  }
  const std::uint32_t request = request_next_++;
  if (request_next_ == 0) ++request_next_;  // 0 is for events that answer nothing
  // Written in place, so that the keys lie nowhere else.
  *command = {.kind = kind, .reserved = {}, .request = request, .flow = flow, .spec = spec};
  ring.publish();
  ++counters_.commands;
  return request;
}

proto::Status DataplaneClient::send(proto::CommandKind kind, proto::FlowId flow, const proto::FlowSpec& spec,
                                    std::uint64_t now_ns, CommandDone done) {
  WEIR_ASSERT(handler_of(flow) != nullptr);
  // The last step before weir-media: whatever was negotiated, media does not go in the clear unless policy says so.
  const bool null_cipher = proto::is_null_cipher(spec.receive.profile) || proto::is_null_cipher(spec.send.profile);
  if (null_cipher && !options_.null_cipher) {
    ++counters_.null_cipher_refused;
    return proto::Error{"the NULL cipher is not allowed ([srtp] null_cipher)"};
  }
  const bool aead = proto::srtp_profile(spec.receive.profile).aead || proto::srtp_profile(spec.send.profile).aead;
  if (aead && !options_.aead) {
    ++counters_.aead_refused;
    return proto::Error{"AES-GCM is not allowed ([srtp] aead)"};
  }
  const std::uint16_t local_port = slots_[flow.index].local_port;
  const proto::Result<std::uint32_t> request = push_command(kind, flow, spec, local_port);
  if (!request) return proto::Error{request.error()};
  pending_.emplace(*request, Pending{.kind = kind, .flow = flow, .sent_ns = now_ns, .done = std::move(done)});
  return proto::success();
}

proto::Status DataplaneClient::open(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns,
                                    CommandDone done) {
  return send(proto::CommandKind::kOpen, flow, spec, now_ns, std::move(done));
}
proto::Status DataplaneClient::install(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns,
                                       CommandDone done) {
  return send(proto::CommandKind::kInstall, flow, spec, now_ns, std::move(done));
}
proto::Status DataplaneClient::update_keys(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns,
                                           CommandDone done) {
  return send(proto::CommandKind::kUpdateKeys, flow, spec, now_ns, std::move(done));
}
proto::Status DataplaneClient::set_peer(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns,
                                        CommandDone done) {
  return send(proto::CommandKind::kSetPeer, flow, spec, now_ns, std::move(done));
}

void DataplaneClient::remove(proto::FlowId flow, std::uint64_t now_ns) {
  Slot& slot = slots_[flow.index];
  WEIR_ASSERT(slot.used && slot.generation == flow.generation);
  slot.handler = nullptr;
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.flow == flow; });
  const auto [entry, added] = removals_.try_emplace(flow.index, Removal{flow, slot.local_port, 0, 0});
  if (added) send_removal(entry->second, now_ns);
}

void DataplaneClient::send_removal(Removal& removal, std::uint64_t now_ns) {
  const proto::Result<std::uint32_t> request =
      push_command(proto::CommandKind::kRemove, removal.flow, {}, removal.local_port);
  removal.sent_ns = now_ns;  // a full ring is tried again like an answer that does not come
  removal.request = request ? *request : 0;
}

proto::Status DataplaneClient::inject(proto::FlowId flow, const proto::Endpoint& destination, proto::Bytes datagram,
                                      std::uint8_t dscp) {
  if (datagram.size() > proto::kPuntDataBytesMax) {
    ++counters_.inject_too_long;
    return proto::Error{"the datagram is too long to be sent"};
  }
  return inject_as(proto::InjectKind::kDatagram, flow, destination, datagram, dscp);
}

proto::Status DataplaneClient::ask_for_pictures(proto::FlowId flow, const proto::PictureRequest& request) {
  const proto::Bytes data(reinterpret_cast<const std::uint8_t*>(&request), sizeof request);
  return inject_as(proto::InjectKind::kPictureRequest, flow, {}, data, 0);
}

proto::Status DataplaneClient::return_media(proto::FlowId flow, proto::Bytes media) {
  if (media.size() > proto::kPuntDataBytesMax) {
    ++counters_.inject_too_long;
    return proto::Error{"the packet is too long to be sent"};
  }
  return inject_as(proto::InjectKind::kReceived, flow, {}, media, 0);
}

/// `data` fits.
proto::Status DataplaneClient::inject_as(proto::InjectKind kind, proto::FlowId flow, const proto::Endpoint& destination,
                                         proto::Bytes data, std::uint8_t dscp) {
  WEIR_ASSERT(handler_of(flow) != nullptr);
  proto::RingProducer<proto::Inject>& ring = injects_[worker_of(slots_[flow.index].local_port)];
  proto::RingState state;
  proto::Inject* slot = ring.claim(state);
  if (slot == nullptr) {
    if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
    ++counters_.inject_ring_full;
    return proto::Error{"weir-media's inject ring is full"};
  }
  slot->flow = flow;
  slot->destination = destination;
  slot->bytes = static_cast<std::uint16_t>(data.size());
  slot->dscp = dscp;
  slot->kind = kind;
  std::memcpy(slot->data, data.data(), data.size());
  ring.publish();
  ++counters_.injected;
  return proto::success();
}

std::size_t DataplaneClient::poll(std::uint64_t now_ns) {
  std::size_t handled = 0;
  for (std::uint32_t worker = 0; worker < workers(); ++worker) handled += poll_worker(worker, now_ns);
  if (now_ns - housekeeping_ns_ >= kHousekeepingNs) {
    housekeeping_ns_ = now_ns;
    const std::uint64_t incarnation = media_incarnation();
    if (incarnation != incarnation_) ++counters_.media_restarts;
    incarnation_ = incarnation;
    expire_pending(now_ns);
    retry_removals(now_ns);
    sweep_orphans(now_ns);
  }
  return handled;
}

std::size_t DataplaneClient::poll_worker(std::uint32_t worker, std::uint64_t now_ns) {
  std::size_t handled = 0;
  proto::Event event;
  proto::RingState state = proto::RingState::kOk;
  for (std::uint32_t i = 0; i < options_.batch_max; ++i, ++handled) {
    if ((state = events_[worker].pop(event)) != proto::RingState::kOk) break;
    ++counters_.events;
    on_event(event, now_ns);
  }
  if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
  proto::Punt punt;
  for (std::uint32_t i = 0; i < options_.batch_max; ++i, ++handled) {
    if ((state = punts_[worker].pop(punt)) != proto::RingState::kOk) break;
    ++counters_.punts;
    FlowHandler* handler = handler_of(punt.flow);
    // weir-media is trusted with keys, not with our memory: a length is checked whoever wrote it.
    if (handler == nullptr || punt.bytes > proto::kPuntDataBytesMax) {
      ++counters_.stale;
      continue;
    }
    handler->on_punt(punt, now_ns);
  }
  if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
  commands_[worker].wipe_consumed();
  return handled;
}

void DataplaneClient::on_event(const proto::Event& event, std::uint64_t now_ns) {
  if (is_answer(event.kind)) {
    on_answer(event);
    return;
  }
  FlowHandler* handler = handler_of(event.flow);
  if (handler == nullptr) {
    ++counters_.stale;
    return;
  }
  handler->on_flow_event(event, now_ns);
}

void DataplaneClient::on_answer(const proto::Event& event) {
  if (event.kind == proto::EventKind::kRemoved) {
    finish_removal(event.flow);
    return;
  }
  if (event.kind == proto::EventKind::kRefused) ++counters_.commands_refused;
  const auto entry = pending_.find(event.request);
  if (entry == pending_.end() || entry->second.flow != event.flow) {
    // A removal is refused only if the index holds another generation: ours is gone, and what is there is an orphan.
    const auto removal = removals_.find(event.flow.index);
    if (event.kind == proto::EventKind::kRefused && removal != removals_.end() &&
        removal->second.request == event.request) {
      finish_removal(event.flow);
    } else {
      ++counters_.stale;
    }
    return;
  }
  const CommandDone done = std::move(entry->second.done);
  pending_.erase(entry);
  if (!done) return;
  if (event.kind == proto::EventKind::kRefused) {
    done(proto::Error{std::string("weir-media refused: ") + proto::to_string(event.refusal)});
  } else {
    done(proto::success());
  }
}

void DataplaneClient::finish_removal(proto::FlowId flow) {
  const auto removal = removals_.find(flow.index);
  if (removal == removals_.end() || removal->second.flow != flow) {
    ++counters_.stale;
    return;
  }
  removals_.erase(removal);
  Slot& slot = slots_[flow.index];
  slot.used = false;
  slot.local_port = 0;
  free_.push_back(flow.index);
}

bool DataplaneClient::table_shows_done(const Pending& pending) const {
  const proto::FlowStatus* shown = status(pending.flow);
  return shown != nullptr && state_shows(pending.kind, shown->state);
}

void DataplaneClient::expire_pending(std::uint64_t now_ns) {
  std::vector<Pending> expired;
  std::erase_if(pending_, [&](auto& entry) {
    if (now_ns - entry.second.sent_ns < options_.command_timeout_ns) return false;
    expired.push_back(std::move(entry.second));
    return true;
  });
  for (const Pending& pending : expired) {
    // One callback may have removed the flow of the next.
    if (handler_of(pending.flow) == nullptr || !pending.done) continue;
    // The answer may be lost (a full Event ring, a weir-media killed between doing and saying): the table knows.
    if (table_shows_done(pending)) {
      pending.done(proto::success());
    } else {
      ++counters_.commands_timed_out;
      pending.done(proto::Error{"weir-media does not answer"});
    }
  }
}

void DataplaneClient::retry_removals(std::uint64_t now_ns) {
  std::vector<proto::FlowId> gone;
  for (auto& [index, removal] : removals_) {
    if (now_ns - removal.sent_ns < kRemovalRetryNs) continue;
    const proto::FlowStatus& shown = region_.flow_status(index);
    // Our generation is gone from the table: the answer was lost. A lower one says nothing: our commands may be unread.
    const bool removed = shown.generation > removal.flow.generation ||
                         (shown.generation == removal.flow.generation && shown.state == proto::FlowState::kFree);
    if (removed) {
      gone.push_back(removal.flow);
    } else {
      send_removal(removal, now_ns);
    }
  }
  for (const proto::FlowId flow : gone) finish_removal(flow);
}

void DataplaneClient::sweep_orphans(std::uint64_t now_ns) {
  // A command of an earlier weir-control that was read after this one attached made a flow that nobody owns.
  const auto flows = static_cast<std::uint32_t>(slots_.size());
  for (std::uint32_t i = 0; i < std::min(kSweepFlows, flows); ++i) {
    const std::uint32_t index = sweep_next_;
    sweep_next_ = (sweep_next_ + 1) % flows;
    const proto::FlowStatus& shown = region_.flow_status(index);
    Slot& slot = slots_[index];
    if (shown.state == proto::FlowState::kFree || slot.used) continue;
    const auto place = std::find(free_.begin(), free_.end(), index);
    if (place != free_.end()) free_.erase(place);
    slot = {.generation = shown.generation, .local_port = shown.local_port, .used = true, .handler = nullptr};
    ++counters_.orphans_removed;
    remove({.index = index, .generation = shown.generation}, now_ns);
  }
}

const proto::FlowStatus* DataplaneClient::status(proto::FlowId flow) const {
  if (flow.index >= slots_.size()) return nullptr;
  const proto::FlowStatus& shown = region_.flow_status(flow.index);
  return shown.generation == flow.generation ? &shown : nullptr;
}

bool DataplaneClient::media_alive(std::uint64_t now_ns) const {
  for (std::uint32_t worker = 0; worker < workers(); ++worker) {
    const std::uint64_t alive_ns = region_.worker_status(worker).alive_ns.load(std::memory_order_relaxed);
    if (alive_ns + options_.worker_silence_ns < now_ns) return false;
  }
  return true;
}

std::uint64_t DataplaneClient::media_incarnation() const {
  return region_.media_header().incarnation.load(std::memory_order_relaxed);
}

}  // namespace weir::controlplane
