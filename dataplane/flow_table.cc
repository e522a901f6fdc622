#include "dataplane/flow_table.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "dataplane/cipher.h"
#include "dataplane/key_epochs.h"
#include "dataplane/source_policy.h"
#include "dataplane/stream_statistics.h"
#include "proto/bytes.h"

namespace weir::dataplane {
namespace {

using proto::FlowState;
using proto::SrtpProfile;

constexpr std::uint64_t kPortsPerNetwork = 65536;

std::uint64_t ports_bytes(std::uint32_t networks) {
  return networks * kPortsPerNetwork * sizeof(std::uint32_t);
}

/// The entry must never be found in a later state than its contents: a killed weir-media leaves stores in this order.
void order_stores() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// Whether an index of the old keys must not be used again under the new ones.
struct Kept {
  bool rtp;
  bool rtcp;
};

Kept what_keeps_its_indexes(SameKeys same, const proto::TransformSpec& new_one) {
  const bool goes_on = new_one.keeps_indexes != 0;
  return {.rtp = goes_on || same.rtp, .rtcp = goes_on || same.rtcp};
}

/// Starts one kind of packet anew.
template <typename Near, typename Far>
void forget(Near& near, MoreSsrcs* more, Far MoreSsrcs::*kind) {
  near = {};
  if (more != nullptr) more->*kind = {};
}

/// Marks that say what a flow's packets need, so that those that need nothing touch one cache line less.
std::uint8_t standing_marks(const proto::RewriteSpec& rewrite, bool transcodes) {
  const bool rewrites = rewrite.ssrc_to != 0 || rewrite.payload_types != 0 || rewrite.ssrc_reverse_to != 0 ||
                        rewrite.strips_extensions != 0 || rewrite.rtcp_timestamps != proto::TimestampScale::kSame ||
                        transcodes;
  return rewrites ? kMarkRewrites : std::uint8_t{0};
}

void fill_exits(FlowEntry& flow, const proto::Exit& rtp, const proto::Exit& rtcp) {
  flow.rtp_exit = rtp;
  flow.rtp_network = rtp.network;
  flow.rtp_headers.neighbours_version = 0;
  flow.rtcp_exit = rtcp;
  const unsigned others = flow.marks & ~unsigned{kMarkRtpLeaves};
  flow.marks = static_cast<std::uint8_t>(others | (rtp.peer.port != 0 ? kMarkRtpLeaves : 0));
}

/// An epoch of older keys stays as it is.
void fill_transforms(FlowEntry& flow, const proto::TransformSpec& receive, const proto::TransformSpec& send) {
  flow.receive_profile = receive.profile;
  flow.send_profile = send.profile;
  flow.accepts = accepts_of(flow.accepts, receive.profile);
  flow.rtp_headers.neighbours_version = 0;  // of what is handed up none are ever made
  flow.receive_rtp_roc = receive.rtp_roc;
  flow.send_rtp_roc = send.rtp_roc;
  flow.receive_mki = mki_of(receive);
  flow.send_mki = mki_of(send);
  flow.send_lifetime_log2 = send.lifetime_log2;
  const unsigned epoch = flow.transforms & kDetourEpoch;
  flow.transforms = static_cast<std::uint8_t>(epoch | transforms_of(receive, send));
}

void fill_addresses(FlowEntry& flow, const proto::FlowSpec& spec) {
  flow.network = spec.network;
  flow.local_port = spec.local_port;
  flow.also_network = spec.also_network;
  // set_ice and set_transcode have set theirs.
  flow.accepts = static_cast<std::uint8_t>(spec.accepts | (flow.accepts & (kAnswersChecks | kTranscodes)));
  flow.punts = spec.punts;
  flow.source_policy = spec.source_policy;
  flow.peer = spec.peer;
  flow.media_timeout_ms = spec.media_timeout_ms;
  flow.cookie = spec.cookie;
  flow.latch_prefix_bits = spec.latch_prefix_bits;
  flow.rate = make_rate_meter(spec.packets_per_s_max, spec.bytes_per_s_max);
  flow.punts_bucket.rate_per_s = spec.punts_per_s_max;
}

/// What a later description changes of a flow that is installed. Of the rates what is spent stays spent.
void follow_terms(FlowEntry& flow, const proto::FlowSpec& spec, proto::FlowStatus& status) {
  flow.punts = spec.punts;
  flow.source_policy = spec.source_policy;
  flow.latch_prefix_bits = spec.latch_prefix_bits;
  const RateMeter rate = make_rate_meter(spec.packets_per_s_max, spec.bytes_per_s_max);
  flow.rate.packet_ns = rate.packet_ns;
  flow.rate.byte_ns_256 = rate.byte_ns_256;
  flow.rewrite.rtcp_timestamps = spec.rewrite.rtcp_timestamps;
  // Timestamps of another clock cannot be compared: the statistics start anew.
  const std::uint32_t ticks = proto::rtp_ticks_of(spec.rtp_clock_hz);
  if (ticks != status.rtp_ticks) start_streams(status, ticks);
  flow.rewrite.absorbs = spec.rewrite.absorbs;
  flow.rewrite.strips_extensions = spec.rewrite.strips_extensions;
  const std::uint8_t marks = standing_marks(flow.rewrite, spec.transcode.pairs != 0);
  flow.marks = static_cast<std::uint8_t>((flow.marks & ~kMarkRewrites) | marks);
}

void fill_keys(FlowEntry& flow, const proto::TransformSpec& receive, const proto::TransformSpec& send, Cipher& cipher) {
  expand_keys(cipher, receive, receive_side(flow));
  expand_keys(cipher, send, send_side(flow));
}

/// Of a key that lasts for a number of packets.
std::uint64_t packets_of(std::uint8_t lifetime_log2) {
  return std::uint64_t{1} << lifetime_log2;
}

/// weir-media may have been killed between the two stores of a commit, and the window then stands one packet off its
/// highest index. What lies behind that index counts as used: it may skip, never repeat.
template <typename State, std::size_t N>
void close_windows(std::array<State, N>& states) {
  for (State& state : states) {
    if (!state.window.empty()) state.window.seen = ~decltype(state.window.seen){0};
  }
}

}  // namespace

/// Where the parts of the private memory begin, one behind the other, in bytes.
struct FlowTable::Layout {
  Layout(std::uint32_t flows, std::uint32_t networks_known, KeyRoom key_room, std::uint32_t transcodes_known)
      : flows_max(flows),
        networks(networks_known),
        transcodes_max(transcodes_known),
        room(key_room),
        entries(ports_bytes(networks)),
        epochs(entries + std::uint64_t{flows_max} * entry_bytes(room)),
        more_ssrcs(epochs + SidePool<KeyEpoch>::bytes(places_for(flows_max), bytes_of(room))),
        ice(more_ssrcs + SidePool<MoreSsrcs>::bytes(places_for(flows_max))),
        transcodes(ice + SidePool<IceState>::bytes(ice_places_for(flows_max))),
        end(transcodes + SidePool<TranscodeState>::bytes(transcodes_max)) {}

  std::uint32_t flows_max;
  std::uint32_t networks;
  std::uint32_t transcodes_max;
  KeyRoom room;
  std::uint64_t entries;
  std::uint64_t epochs;
  std::uint64_t more_ssrcs;
  std::uint64_t ice;
  std::uint64_t transcodes;
  std::uint64_t end;
};

std::uint64_t FlowTable::private_bytes(std::uint32_t flows_max, std::uint32_t networks, KeyRoom room,
                                       std::uint32_t transcodes_max) {
  return Layout(flows_max, networks, room, transcodes_max).end;
}

FlowTable::FlowTable(void* memory, std::uint32_t flows_max, std::uint32_t networks, KeyRoom room,
                     proto::FlowStatus* status, std::uint32_t transcodes_max)
    : FlowTable(static_cast<std::uint8_t*>(memory), Layout(flows_max, networks, room, transcodes_max), status) {}

FlowTable::FlowTable(std::uint8_t* memory, const Layout& layout, proto::FlowStatus* status)
    : ports_(reinterpret_cast<std::uint32_t*>(memory)),
      first_entry_(memory + layout.entries + bytes_of(layout.room)),
      entry_stride_(entry_bytes(layout.room)),
      epochs_(memory + layout.epochs, places_for(layout.flows_max), bytes_of(layout.room)),
      more_ssrcs_(memory + layout.more_ssrcs, places_for(layout.flows_max)),
      ice_(memory + layout.ice, ice_places_for(layout.flows_max)),
      transcodes_(memory + layout.transcodes, layout.transcodes_max),
      status_(status),
      flows_max_(layout.flows_max),
      networks_(layout.networks),
      room_(layout.room) {
  WEIR_ASSERT(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
}

void FlowTable::resume(Cipher& cipher) {
  std::memset(ports_, 0, ports_bytes(networks_));
  for (std::uint32_t index = 0; index < flows_max_; ++index) {
    FlowEntry& flow = entry(index);
    if (flow.state == FlowState::kFree) {
      if (flow.owner != 0) remove(index);  // claimed, or half removed, when weir-media ended
      continue;
    }
    ++flows_of_owner(flow);
    set_ports(flow, index + 1);
    flow.rtp_headers.neighbours_version = 0;
    if (flow.state == FlowState::kInstalled || flow.state == FlowState::kDraining) resume_flow(flow, cipher);
    mend_streams(status_[index]);
    publish(index);
  }
  resume_pools(cipher);
}

void FlowTable::resume_flow(FlowEntry& flow, Cipher& cipher) {
  expand_keys_again(cipher, receive_side(flow));
  expand_keys_again(cipher, send_side(flow));
  close_windows(flow.receive_rtp);
  close_windows(flow.send_rtp);
  close_windows(flow.receive_rtcp);
  if ((flow.accepts & kTranscodes) != 0) flow.marks |= kMarkRewrites;  // it ended between the two
}

/// A place whose flow does not know of it was being claimed or given back when weir-media ended.
void FlowTable::resume_pools(Cipher& cipher) {
  for (std::uint32_t at = 1; at <= epochs_.places(); ++at) {
    const auto place = static_cast<Place>(at);
    const std::uint32_t holder = epochs_.holder(place);
    if (holder == 0) continue;
    if (holder > flows_max_ || entry(holder - 1).epoch != place) {
      epochs_.release(place);
      continue;
    }
    if ((entry(holder - 1).transforms & kDetourEpoch) == 0) {  // not in use yet, or any more
      end_epoch(holder - 1);
      continue;
    }
    KeyEpoch& epoch = epochs_.at(place);
    expand_keys_again(cipher, receive_side(epoch));
    close_windows(epoch.receive_rtp);
    close_windows(epoch.receive_rtcp);
  }
  for (std::uint32_t at = 1; at <= more_ssrcs_.places(); ++at) {
    const auto place = static_cast<Place>(at);
    const std::uint32_t holder = more_ssrcs_.holder(place);
    if (holder == 0) continue;
    if (holder > flows_max_ || entry(holder - 1).more_ssrcs != place) {
      more_ssrcs_.release(place);
      continue;
    }
    MoreSsrcs& more = more_ssrcs_.at(place);
    close_windows(more.receive_rtp);
    close_windows(more.send_rtp);
    close_windows(more.receive_rtcp);
  }
  for (std::uint32_t at = 1; at <= ice_.places(); ++at) {
    const auto place = static_cast<Place>(at);
    const std::uint32_t holder = ice_.holder(place);
    if (holder == 0) continue;
    if (holder > flows_max_ || (entry(holder - 1).accepts & kAnswersChecks) == 0) ice_.release(place);
  }
  for (std::uint32_t at = 1; at <= transcodes_.places(); ++at) {
    const auto place = static_cast<Place>(at);
    const std::uint32_t holder = transcodes_.holder(place);
    if (holder == 0) continue;
    if (holder > flows_max_ || (entry(holder - 1).accepts & kTranscodes) == 0) transcodes_.release(place);
  }
}

bool FlowTable::set_ice(std::uint32_t index, const proto::FlowSpec& spec, Cipher& cipher) {
  FlowEntry& flow = entry(index);
  if (spec.ice[0].ufrag_bytes == 0) {
    end_ice(index);
    return true;
  }
  IceState* state = ice_of(index);
  if (state == nullptr) {
    const Place place = ice_.claim(index);
    if (place == 0) return false;
    state = &ice_.at(place);
  }
  set_credentials(*state, spec, cipher);
  order_stores();
  flow.accepts |= kAnswersChecks;
  return true;
}

void FlowTable::end_ice(std::uint32_t index) {
  FlowEntry& flow = entry(index);
  if ((flow.accepts & kAnswersChecks) == 0) return;
  flow.accepts = static_cast<std::uint8_t>(flow.accepts & ~kAnswersChecks);
  order_stores();
  ice_.release(ice_.find(index));
}

bool FlowTable::set_transcode(std::uint32_t index, const proto::TranscodeSpec& spec) {
  FlowEntry& flow = entry(index);
  if (spec.pairs == 0) {
    end_transcode(index);
    return true;
  }
  Place place = transcode_place(index);
  if (place == 0) place = transcodes_.places() != 0 ? transcodes_.claim(index) : Place{0};
  if (place == 0) return false;
  TranscodeState& state = transcodes_.at(place);
  if (std::memcmp(&state.spec, &spec, sizeof spec) != 0) ++state.version;
  state.spec = spec;
  order_stores();
  flow.accepts |= kTranscodes;
  return true;
}

void FlowTable::end_transcode(std::uint32_t index) {
  FlowEntry& flow = entry(index);
  if ((flow.accepts & kTranscodes) == 0) return;
  const Place place = transcodes_.find(index);
  flow.accepts = static_cast<std::uint8_t>(flow.accepts & ~kTranscodes);
  order_stores();
  transcodes_.release(place);
}

/// Whom the peer nominated is in force until it nominates another, whatever a description says.
void FlowTable::keep_nominated(std::uint32_t index) {
  FlowEntry& flow = entry(index);
  if (flow.source_policy != proto::SourcePolicy::kIce) return;
  const IceState* state = ice_of(index);
  if (state != nullptr && !state->is_full() && state->selected_source() != nullptr)
    flow.peer = *state->selected_source();
}

void FlowTable::release_places(FlowEntry& flow) {
  epochs_.release(std::exchange(flow.epoch, Place{0}));
  more_ssrcs_.release(std::exchange(flow.more_ssrcs, Place{0}));
  flow.transforms = static_cast<std::uint8_t>(flow.transforms & ~kDetourEpoch);
}

void FlowTable::wipe_keys(FlowEntry& flow) {
  auto* const begin = reinterpret_cast<std::uint8_t*>(&flow);
  proto::wipe(begin - bytes_of(room_), bytes_of(room_));
  proto::wipe(begin + sizeof flow, bytes_of(room_));
  proto::wipe(&flow.receive_srtcp_key, sizeof flow.receive_srtcp_key);
  proto::wipe(&flow.send_srtcp_key, sizeof flow.send_srtcp_key);
}

bool FlowTable::claim(std::uint32_t index, std::uint16_t worker) {
  std::uint8_t nobody = 0;
  const auto mine = static_cast<std::uint8_t>(worker + 1);
  const std::atomic_ref<std::uint8_t> owner(entry(index).owner);
  // Acquire pairs with the release in remove(): the former owner's wiping comes before anything written here.
  return owner.compare_exchange_strong(nobody, mine, std::memory_order_acquire, std::memory_order_relaxed) ||
         nobody == mine;
}

bool FlowTable::is_owned_by(std::uint32_t index, std::uint16_t worker) const {
  const std::atomic_ref<const std::uint8_t> owner(entry(index).owner);
  return owner.load(std::memory_order_acquire) == worker + 1;
}

void FlowTable::open(proto::FlowId id, const proto::FlowSpec& spec) {
  FlowEntry& flow = entry(id.index);
  if (flow.state == FlowState::kFree) ++flows_of_owner(flow);
  flow.generation = id.generation;
  fill_addresses(flow, spec);
  keep_nominated(id.index);
  order_stores();
  flow.state = FlowState::kOpen;
  set_ports(flow, id.index + 1);
  std::memset(static_cast<void*>(&status_[id.index]), 0, sizeof(proto::FlowStatus));
  publish(id.index);
}

void FlowTable::install(proto::FlowId id, const proto::FlowSpec& spec, std::uint64_t now_ns, Cipher& cipher) {
  FlowEntry& flow = entry(id.index);
  const bool was_open = flow.state == FlowState::kOpen;
  if (flow.state == FlowState::kFree) ++flows_of_owner(flow);
  flow.generation = id.generation;
  fill_addresses(flow, spec);
  keep_nominated(id.index);
  flow.marks = standing_marks(spec.rewrite, spec.transcode.pairs != 0);
  fill_exits(flow, spec.rtp, spec.rtcp);
  flow.rewrite = spec.rewrite;
  reset_media(flow, spec);
  open_latch(flow, spec.latch_window_ms, now_ns);
  fill_keys(flow, spec.receive, spec.send, cipher);
  order_stores();
  flow.state = FlowState::kInstalled;
  set_ports(flow, id.index + 1);
  if (!was_open) std::memset(static_cast<void*>(&status_[id.index]), 0, sizeof(proto::FlowStatus));
  start_streams(status_[id.index], proto::rtp_ticks_of(spec.rtp_clock_hz));
  publish(id.index);
}

void FlowTable::reset_media(FlowEntry& flow, const proto::FlowSpec& spec) {
  release_places(flow);
  fill_transforms(flow, spec.receive, spec.send);
  flow.receive_rtp = {};
  flow.receive_rtcp = {};
  flow.send_rtp = {};
  flow.send_rtcp_next = 0;
  flow.send_rtp_left = packets_of(spec.send.lifetime_log2);
  flow.rewrite_returns = 0;
  flow.picture_told = 0;
  flow.restart_packets = 0;
}

bool FlowTable::update_keys(std::uint32_t index, const proto::FlowSpec& update, std::uint64_t now_ns, Cipher& cipher) {
  FlowEntry& flow = entry(index);
  const FlowState state = flow.state;
  // Killed in here, weir-media finds an open flow when it comes back: it takes no media, and weir-control ends it.
  flow.state = FlowState::kOpen;
  order_stores();
  if (!keep_old_keys(*this, index, update, now_ns, cipher)) {
    flow.state = state;
    return false;
  }
  replace_keys(flow, update, cipher);
  keep_one_window(*this, index, update, cipher);
  order_stores();
  flow.state = state;
  publish(index);
  return true;
}

void FlowTable::replace_keys(FlowEntry& flow, const proto::FlowSpec& update, Cipher& cipher) {
  MoreSsrcs* more = flow.more_ssrcs != 0 ? &more_ssrcs_.at(flow.more_ssrcs) : nullptr;
  const SameKeys send_same = same_keys(cipher, send_side(flow), update.send);
  const Kept send_kept = what_keeps_its_indexes(send_same, update.send);
  const Kept receive_kept =
      what_keeps_its_indexes(same_keys(cipher, receive_side(flow), update.receive), update.receive);
  proto::TransformSpec send = update.send;
  if (send_same.rtp) send.lifetime_log2 = flow.send_lifetime_log2;  // a key has the lifetime it came with
  wipe_keys(flow);
  fill_transforms(flow, update.receive, send);
  proto::wipe(&send, sizeof send);
  close_latch_of_plain(flow);
  if (!receive_kept.rtp) forget(flow.receive_rtp, more, &MoreSsrcs::receive_rtp);
  if (!receive_kept.rtcp) forget(flow.receive_rtcp, more, &MoreSsrcs::receive_rtcp);
  if (!send_kept.rtp) forget(flow.send_rtp, more, &MoreSsrcs::send_rtp);
  if (!send_kept.rtcp) flow.send_rtcp_next = 0;
  if (!send_same.rtp) flow.send_rtp_left = packets_of(flow.send_lifetime_log2);
  flow.marks = static_cast<std::uint8_t>(flow.marks & ~kMarkNearLimit);
  fill_keys(flow, update.receive, update.send, cipher);
}

void FlowTable::copy_receive_keys(const FlowEntry& flow, KeyEpoch& epoch) const {
  const std::size_t bytes = bytes_of(room_);
  std::memcpy(reinterpret_cast<std::uint8_t*>(&epoch) - bytes, reinterpret_cast<const std::uint8_t*>(&flow) - bytes,
              bytes);
  epoch.receive_srtcp_key = flow.receive_srtcp_key;
}

void FlowTable::end_epoch(std::uint32_t index) {
  FlowEntry& flow = entry(index);
  flow.transforms = static_cast<std::uint8_t>(flow.transforms & ~kDetourEpoch);
  epochs_.release(std::exchange(flow.epoch, Place{0}));
}

void FlowTable::set_peer(std::uint32_t index, const proto::FlowSpec& spec, std::uint64_t now_ns) {
  FlowEntry& flow = entry(index);
  // On a plain leg the source in force, said again, opens nothing: the next stranger's packet would be the second.
  const bool installed = flow.state == FlowState::kInstalled;
  const bool opens = spec.peer != flow.peer || flow.receive_profile != SrtpProfile::kNone ||
                     (installed && spec.source_policy != flow.source_policy);
  flow.peer = spec.peer;
  // A party that does not speak ICE after all is heard without checks.
  const bool checks = spec.ice[0].ufrag_bytes != 0;
  if (!installed && !checks && flow.source_policy == proto::SourcePolicy::kIce) {
    flow.source_policy = proto::SourcePolicy::kLatch;
  }
  if (installed) follow_terms(flow, spec, status_[index]);
  keep_nominated(index);
  fill_exits(flow, spec.rtp, spec.rtcp);
  if (opens) {
    flow.marks = static_cast<std::uint8_t>(flow.marks & ~kMarkLatched);
    open_latch(flow, spec.latch_window_ms, now_ns);
  }
  publish(index);
}

void FlowTable::drain(std::uint32_t index) {
  entry(index).state = FlowState::kDraining;
  publish(index);
}

void FlowTable::remove(std::uint32_t index) {
  FlowEntry& flow = entry(index);
  if (flow.state != FlowState::kFree) {
    set_ports(flow, 0);
    if (flows_of_owner(flow) != 0) --flows_of_owner(flow);  // 0: half installed when weir-media ended
  }
  release_places(flow);
  end_ice(index);
  end_transcode(index);
  // The generation stays: it tells a late command for this use of the index from one for the next.
  flow.state = FlowState::kFree;
  flow.marks = 0;
  flow.receive_profile = SrtpProfile::kNone;
  flow.send_profile = SrtpProfile::kNone;
  wipe_keys(flow);
  constexpr std::size_t kAfterOwner = offsetof(FlowEntry, peer);
  proto::wipe(reinterpret_cast<std::uint8_t*>(&flow) + kAfterOwner, sizeof flow - kAfterOwner);
  status_[index].state = FlowState::kFree;
  // Last, since another worker may take the entry now. Release pairs with the acquire in claim().
  std::atomic_ref<std::uint8_t>(flow.owner).store(0, std::memory_order_release);
}

void FlowTable::set_ports(const FlowEntry& flow, std::uint32_t value) {
  WEIR_ASSERT(flow.network < networks_ && flow.also_network <= networks_);
  ports_[std::uint32_t{flow.network} << 16 | flow.local_port] = value;
  if (flow.also_network != 0) ports_[(flow.also_network - 1u) << 16 | flow.local_port] = value;
}

void FlowTable::publish(std::uint32_t index) {
  const FlowEntry& flow = entry(index);
  proto::FlowStatus& status = status_[index];
  status.cookie = flow.cookie;
  status.generation = flow.generation;
  status.network = flow.network;
  status.local_port = flow.local_port;
  status.worker = static_cast<std::uint8_t>(flow.owner - 1);
  status.also_network = flow.also_network;
  status.receive_profile = flow.receive_profile;
  status.send_profile = flow.send_profile;
  status.source = flow.peer;
  status.rtp_exit = flow.rtp_exit.peer;
  status.rtcp_exit = flow.rtcp_exit.peer;
  status.state = flow.state;
}

}  // namespace weir::dataplane
