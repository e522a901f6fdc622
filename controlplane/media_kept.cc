// A stream from one weir-control to the next: what is kept of it, and how it is taken over. weir-media has not stopped
// meanwhile: keys, indexes and sources are where they were.
#include <algorithm>

#include "controlplane/media.h"
#include "controlplane/media_engine.h"
#include "controlplane/media_flows.h"

namespace weir::controlplane {

std::optional<KeptMedia> Media::kept() const {
  const auto stands = [this](Side side) { return leg(side).ready() && !leg(side).renews(); };
  if (state_ != State::kFlowing || keys_stale_ || !std::all_of(kSides.begin(), kSides.end(), stands))
    return std::nullopt;
  KeptMedia kept;
  kept.cookie = cookie_;
  kept.ssrcs_used = ssrcs_used_;
  for (const Side side : kSides) {
    const auto index = static_cast<std::size_t>(side);
    kept.legs[index] = leg(side).kept();
    kept.legs[index].fresh_ssrc = fresh_ssrc_[index];
    kept.legs[index].keys_age = key_ages_[index];
  }
  return kept;
}

void Media::adopt(const KeptMedia& kept, const std::array<RemoteMedia, 2>& remotes,
                  const std::array<KeptFlows, 2>& flows, std::uint64_t now_ns) {
  touch(now_ns);
  ssrcs_used_ = kept.ssrcs_used;
  for (const Side side : kSides) {
    const auto index = static_cast<std::size_t>(side);
    fresh_ssrc_[index] = kept.legs[index].fresh_ssrc;
    key_ages_[index] = kept.legs[index].keys_age;
    leg(side).adopt(kept.legs[index], remotes[index], flows[index], plain_latch_prefix(engine_.settings().control),
                    now_ns);
    key_ages_[index].early = draw_early();
    keys_versions_[index] = leg(side).keys_version();
    if (!kept.legs[index].sends_before) continue;
    keys_versions_[index] = 0;  // what the last one had still to tell: advance() does
    keys_stale_ = true;
  }
  state_ = State::kFlowing;
  media_expected_ns_ = now_ns;
  // A flow may have said it to nobody: check_silence() finds out.
  silence_noted_ = engine_.settings().control.media_timeout_ms != 0;
  for (const Side side : kSides) {
    for (const Component component : leg(side).components()) {
      // A set-peer that was never sent: advance() sends it.
      if (!exits_are_as_wanted(side, component)) peers_stale_ = true;
    }
  }
}

bool Media::exits_are_as_wanted(Side side, Component component) const {
  const Secret<proto::FlowSpec> wanted = flow_from(side, component);
  const std::optional<proto::FlowId> flow = leg(side).port(component).flow();
  const proto::FlowStatus* status = flow ? engine_.client().status(*flow) : nullptr;
  if (status == nullptr) return false;
  const auto is_same = [](proto::Endpoint shown, const proto::Endpoint& peer) {
    shown.reserved = 0;
    return shown == peer || (shown.port == 0 && peer.port == 0);
  };
  return is_same(status->rtp_exit, wanted->rtp.peer) && is_same(status->rtcp_exit, wanted->rtcp.peer);
}

KeptMediaLeg MediaLeg::kept() const {
  KeptMediaLeg kept;
  kept.network = options_.network;
  kept.also_network = options_.also_network;
  kept.rtp_port = port(Component::kRtp).local_port();
  kept.terms = remote_->terms;
  kept.security = options_.security;
  kept.certificate = options_.certificate;
  kept.unlinkable = options_.unlinkable;
  kept.keys = *keys_;
  kept.sends_before = before_ != nullptr;
  kept.secured = secured_;
  kept.tls_id = tls_id_;
  kept.tls_id_next = tls_id_next_;
  if (ice_) {
    kept.ice = ice_->ours();
    kept.ice_role = ice_->role();
  }
  const auto fork = std::find_if(forks_.begin(), forks_.end(), [this](const Fork& each) { return is_current(each); });
  if (fork != forks_.end() && fork->up) kept.association = fork->up->terms;
  return kept;
}

/// Other keys are on their way than those in force.
bool MediaLeg::renews() const {
  return std::any_of(forks_.begin(), forks_.end(), [](const Fork& fork) { return fork.pending.has_value(); });
}

void MediaLeg::adopt(const KeptMediaLeg& kept, const RemoteMedia& remote, const KeptFlows& flows,
                     const proto::PrefixBits& plain_prefix, std::uint64_t now_ns) {
  remote_ = remote;
  keys_ = kept.keys;
  keys_dialog_ = remote.dialog;
  keys_version_ = 1;
  secured_ = kept.secured;
  secured_said_ = true;
  tls_id_ = kept.tls_id;
  tls_id_next_ = kept.tls_id_next;
  if (kept.association) fork_of(remote.dialog).up = Association{association_next_++, *kept.association};
  // Candidates that came by INFO after the answer are not among them: their checks, which weir-media tells of until one
  // is chosen, make them known again.
  if (remote.ice) {
    known_ice().adopt(kept.ice, kept.ice_role, checkable(*remote.ice), places(), components().size());
  }
  for (const Component component : kComponents) {
    const std::optional<FlowFound>& flow = flows[static_cast<std::size_t>(component)];
    if (!flow) continue;
    port(component).adopt(*flow, engine_.dtls());
    const proto::FlowStatus* status = engine_.client().status(flow->id);
    if (status == nullptr) continue;
    proto::Endpoint source = status->source;
    source.reserved = 0;
    if (uses_ice()) {
      learned_[static_cast<std::size_t>(component)] = source;
      if (source.port == 0) continue;  // nothing was chosen yet
      ice_->adopt_route(static_cast<std::uint8_t>(component), source, now_ns);
    }
    static_cast<void>(learn_source(component, source, plain_prefix));
  }
}

}  // namespace weir::controlplane
