// A leg's part in ICE: what its ports answer, and as a full agent what they send. RFC 8445, RFC 8840.
#include <algorithm>

#include "controlplane/media_engine.h"
#include "controlplane/media_leg.h"
#include "controlplane/own_addresses.h"

namespace weir::controlplane {

LegIce& MediaLeg::known_ice() {
  if (!ice_) ice_ = LegIce(options_.security.ice_full);
  return *ice_;
}

LegPlaces MediaLeg::places() const {
  LegPlaces all;
  for (const Component component : kComponents) {
    std::vector<proto::Endpoint>& here = all[static_cast<std::size_t>(component)];
    here.push_back(place_of(component));
    if (options_.also_network) here.push_back(place_on(*options_.also_network, component));
  }
  return all;
}

void MediaLeg::prepare_ice(std::uint64_t now_ns) {
  known_ice().prepare();
  give_ports_ice(now_ns);
}

sip::LocalIce MediaLeg::local_ice(const sip::RemoteIce* offer, std::uint64_t now_ns) {
  sip::LocalIce local = known_ice().local(offer, places());
  give_ports_ice(now_ns);
  return local;
}

void MediaLeg::give_ports_ice(std::uint64_t now_ns) {
  for (const Component component : kComponents) port(component).set_ice(ice_->spec(), now_ns);
}

/// A party that does not speak ICE after all is heard without checks.
void MediaLeg::tell_ports_of_ice(std::uint64_t now_ns) {
  if (!ice_ || uses_ice()) return;
  for (const Component component : kComponents) port(component).set_ice({}, now_ns);
}

bool MediaLeg::choose_pair(Component component, const proto::Endpoint& source, std::size_t which,
                           std::uint64_t now_ns) {
  if (ice_ && ice_->is_full()) return false;  // its agent says which
  const bool others_end = ice_ && ice_->choose(which);
  proto::Endpoint& chosen = learned_[static_cast<std::size_t>(component)];
  const bool moved = chosen != source;
  chosen = source;
  if (others_end) give_ports_ice(now_ns);
  lead_dtls(now_ns);
  return moved || others_end;
}

/// A ClientHello waited for somewhere to go, or the handshake goes on elsewhere.
void MediaLeg::lead_dtls(std::uint64_t now_ns) {
  lead_association();
  if (!uses_ice() || remote_->keying != sip::Keying::kDtls || remote_->role != sip::DtlsRole::kClient) return;
  const Fork& fork = fork_of(remote_->dialog);
  if (!fork.pending) {
    if (!ready()) (void)negotiate_dtls(now_ns);
    return;
  }
  for (const Component component : components()) port(component).follow_dtls(fork.pending->id, expected(component));
}

/// Without what nothing may be sent to.
sip::RemoteIce MediaLeg::checkable(const sip::RemoteIce& remote) const {
  sip::RemoteIce out = remote;
  std::erase_if(out.candidates, [this](const sip::IceCandidate& one) {
    return one.endpoint.port == 0 || is_ours_or_everybodys(engine_.settings(), one.endpoint.address);
  });
  return out;
}

void MediaLeg::add_candidates(const sip::RemoteIce& more) {
  if (!uses_ice()) return;
  ice_->add(checkable(more));
}

void MediaLeg::on_port_stun(Component component, const proto::Endpoint& source, proto::Bytes datagram,
                            std::uint64_t now_ns) {
  if (is_full_agent()) ice_->on_response(static_cast<std::uint8_t>(component), source, datagram, now_ns);
}

/// Sends what is due, and follows what has come of it. True: more is due soon.
bool MediaLeg::run_agent(std::uint64_t now_ns) {
  if (!is_full_agent() || !port(Component::kRtp).is_open()) return false;
  const bool more = ice_->advance(now_ns, engine_.ice_pacer(),
                                  [this](std::uint8_t local, const proto::Endpoint& remote, proto::Bytes datagram) {
                                    ports_[local]->send(remote, datagram);
                                  });
  if (ice_->consent_lost(now_ns)) {
    listener_.on_leg_failed(side_, "the party consents to media no more (RFC 7675)", now_ns);
    return false;
  }
  follow_agent(now_ns);
  return more;
}

void MediaLeg::follow_agent(std::uint64_t now_ns) {
  const bool changed = ice_->take_change();
  proto::Endpoint moved{};
  for (const Component component : components()) {
    const std::optional<proto::Endpoint> route = ice_->route(static_cast<std::uint8_t>(component));
    proto::Endpoint& learned = learned_[static_cast<std::size_t>(component)];
    if (changed) port(component).set_ice(ice_->spec(), now_ns);
    if (!route || *route == learned) continue;
    learned = moved = *route;
    port(component).expect(*route, now_ns);
  }
  if (!changed && moved.port == 0) return;
  if (moved.port != 0) lead_dtls(now_ns);
  listener_.on_leg_moved(side_, moved, now_ns);
}

}  // namespace weir::controlplane
