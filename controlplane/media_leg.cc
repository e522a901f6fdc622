#include "controlplane/media_leg.h"

#include <algorithm>
#include <utility>

#include "controlplane/local_keys.h"
#include "controlplane/media_engine.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

/// An address that nothing may be sent to: what hold looked like before a=sendonly (RFC 3264 section 8.4).
bool is_unspecified(const proto::IpAddress& address) {
  return std::all_of(address.bytes.begin(), address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool same_fingerprints(const std::vector<sip::Fingerprint>& a, const std::vector<sip::Fingerprint>& b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

const char* to_string(Side side) {
  return side == Side::kCaller ? "caller" : "callee";
}

MediaLeg::MediaLeg(MediaEngine& engine, const MediaLegOptions& options, std::uint16_t rtp_port, std::uint64_t cookie,
                   Callbacks callbacks)
    : engine_(engine), options_(options), callbacks_(std::move(callbacks)), learned_{} {
  for (const Component component : kComponents) {
    const auto index = static_cast<std::size_t>(component);
    const MediaPort::Place place{.cookie = cookie,
                                 .network = options.network,
                                 .local_port = static_cast<std::uint16_t>(rtp_port + index),
                                 .punts_per_s_max = engine.settings().control.punts_per_s_max};
    ports_[index] = std::make_unique<MediaPort>(
        engine.client(), place,
        MediaPort::Callbacks{
            .secured = [this](std::uint64_t now_ns) { on_port_secured(now_ns); },
            .failed = [this](const std::string& reason, std::uint64_t now_ns) { callbacks_.failed(reason, now_ns); },
            .event = [this, component](const proto::Event& event,
                                       std::uint64_t now_ns) { callbacks_.event(component, event, now_ns); }});
  }
}

proto::Status MediaLeg::listen(std::uint64_t now_ns) {
  if (!options_.listens_early) return proto::success();
  return port(Component::kRtp).open_dtls(engine_.dtls(), now_ns);
}

proto::Status MediaLeg::set_remote(const RemoteMedia& remote, std::uint64_t now_ns) {
  if (proto::Status status = check_allowed(remote); !status) return status;
  if (!speaks(remote.rtp) || (!remote.rtcp_mux && !speaks(remote.rtcp))) {
    return proto::Error{"the media address is not of the family that was offered"};
  }
  if (remote_) {
    if (proto::Status status = check_unchanged(remote); !status) return status;
    move_addresses(remote);
  } else {
    remote_ = remote;
  }
  if (remote_->keying == sip::Keying::kDtls) return start_dtls(now_ns);
  if (remote_->keying == sip::Keying::kSdes) say_secured(now_ns);
  return proto::success();
}

proto::Status MediaLeg::check_allowed(const RemoteMedia& remote) const {
  const sip::SecurityPolicy& policy = options_.security;
  switch (remote.keying) {
    case sip::Keying::kNone:
      return policy.srtp == sip::SrtpDemand::kRequired ? proto::Error{"only secured media is allowed on this leg"}
                                                       : proto::success();
    case sip::Keying::kSdes:
      if (!policy.may_secure() || !remote.sdes) return proto::Error{"SDES is not allowed on this leg"};
      if (std::find(policy.suites.begin(), policy.suites.end(), remote.sdes->local.suite) == policy.suites.end()) {
        return proto::Error{"the SRTP suite is not allowed on this leg"};
      }
      return proto::success();
    case sip::Keying::kDtls:
      if (!policy.may_secure() || !policy.dtls) return proto::Error{"DTLS is not allowed on this leg"};
      if (remote.fingerprints.empty()) return proto::Error{"the SDP has no usable fingerprint"};
      return proto::success();
  }
  return proto::Error{"the SDP names no way to its keys"};
}

proto::Family MediaLeg::family() const {
  return engine_.settings().networks[options_.network].address.family;
}

/// Of the leg's family, or no address at all.
bool MediaLeg::speaks(const proto::Endpoint& remote) const {
  return remote.port == 0 || is_unspecified(remote.address) || remote.address.family == family();
}

proto::Status MediaLeg::check_unchanged(const RemoteMedia& remote) const {
  if (remote.rtcp_mux != remote_->rtcp_mux) return proto::Error{"rtcp-mux cannot change while media flows"};
  if (remote.keying != remote_->keying) return proto::Error{"the media security of a stream cannot be changed"};
  if (remote.keying != sip::Keying::kDtls) return proto::success();
  if (remote.role != remote_->role || !same_fingerprints(remote.fingerprints, remote_->fingerprints)) {
    return proto::Error{"a new DTLS association cannot replace the one in force"};
  }
  return proto::success();
}

void MediaLeg::move_addresses(const RemoteMedia& remote) {
  // What was learned belongs to the old address; said again, the old one goes on.
  if (remote.rtp != remote_->rtp) learned_[0] = {};
  if (remote.rtcp != remote_->rtcp || (remote.rtcp_mux && remote.rtp != remote_->rtp)) learned_[1] = {};
  remote_ = remote;
}

proto::Status MediaLeg::start_dtls(std::uint64_t now_ns) {
  for (const Component component : components()) {
    MediaPort& here = port(component);
    if (here.dtls_started()) continue;
    if (proto::Status status = here.open_dtls(engine_.dtls(), now_ns); !status) return status;
    const proto::Endpoint peer = signalled(component);
    // A client needs somewhere to send its ClientHello: an address of hold is not one, so it waits for the next SDP.
    if (remote_->role == sip::DtlsRole::kClient && peer.port == 0) continue;
    here.start_dtls(remote_->role, peer, remote_->fingerprints, now_ns);
  }
  return proto::success();
}

std::vector<Component> MediaLeg::components() const {
  if (rtcp_mux()) return {Component::kRtp};
  return {kComponents.begin(), kComponents.end()};
}

Component MediaLeg::carrier(Component component) const {
  return rtcp_mux() ? Component::kRtp : component;
}

bool MediaLeg::may_be_silent() const {
  return remote_ && (remote_->on_hold || signalled(Component::kRtp).port == 0);
}

proto::Endpoint MediaLeg::signalled(Component component) const {
  WEIR_ASSERT(remote_);
  const proto::Endpoint endpoint = carrier(component) == Component::kRtp ? remote_->rtp : remote_->rtcp;
  return is_unspecified(endpoint.address) ? proto::Endpoint{} : endpoint;
}

proto::Endpoint MediaLeg::peer(Component component) const {
  const Component where = carrier(component);
  const proto::Endpoint said = signalled(where);
  if (said.port == 0) return said;
  const proto::Endpoint& learned = learned_[static_cast<std::size_t>(where)];
  if (learned.port != 0) return learned;
  return said;
}

bool MediaLeg::learn_source(Component component, const proto::Endpoint& source, const proto::PrefixBits& plain_prefix) {
  // A plain packet proves nothing: its source may differ from the SDP only as far as policy lets a plain flow latch.
  const Component where = carrier(component);
  if (!remote_ || source.port == 0 || source == peer(where)) return false;
  const std::uint8_t bits = plain_prefix.of(source.address.family);
  if (!is_secured_leg() && !proto::share_prefix(source.address, signalled(where).address, bits)) return false;
  learned_[static_cast<std::size_t>(where)] = source;
  return true;
}

bool MediaLeg::associations_up() const {
  if (!remote_) return false;
  const std::vector<Component> needed = components();
  return std::all_of(needed.begin(), needed.end(),
                     [this](Component component) { return port(component).secured().has_value(); });
}

bool MediaLeg::ready() const {
  return remote_ && (remote_->keying != sip::Keying::kDtls || associations_up());
}

void MediaLeg::on_port_secured(std::uint64_t now_ns) {
  if (secured_said_ || !associations_up()) return;
  secured_said_ = true;
  for (const Component component : components()) {
    const DtlsSecured& association = *port(component).secured();
    if (association.profile != port(Component::kRtp).secured()->profile) {
      callbacks_.failed("the peer chose different SRTP profiles for RTP and RTCP", now_ns);
      return;
    }
    // The handshake proved that the peer is there, whatever address its SDP gave.
    learn_source(component, association.peer, {});
  }
  const DtlsSecured& rtp = *port(Component::kRtp).secured();
  secured_ = {.keying = sip::Keying::kDtls,
              .profile = rtp.profile,
              .role = rtp.role,
              .version = rtp.version,
              .cipher_suite = rtp.cipher_suite,
              .fingerprint = rtp.fingerprint,
              .verdict = rtp.verdict,
              .peer = rtp.peer};
  callbacks_.secured(now_ns);
}

void MediaLeg::say_secured(std::uint64_t now_ns) {
  if (secured_said_) return;
  secured_said_ = true;
  secured_ = {};
  secured_.keying = sip::Keying::kSdes;
  secured_.profile = remote_->sdes->local.suite;
  secured_.peer = remote_->rtp;
  callbacks_.secured(now_ns);
}

sip::LocalSection MediaLeg::local_keys() {
  if (tls_id_.empty()) tls_id_ = make_tls_id();
  if (crypto_.empty()) crypto_ = make_crypto(options_.security.suites);
  sip::LocalSection keys;
  keys.tls_id = tls_id_;
  keys.crypto = crypto_;
  if (!remote_) return keys;
  keys.rtcp_mux = remote_->rtcp_mux;
  keys.sdes = remote_->sdes;
  if (remote_->keying == sip::Keying::kDtls) keys.current_role = remote_->role;
  return keys;
}

void MediaLeg::renew_local_keys() {
  tls_id_.clear();
  crypto_.clear();
}

LegKeys MediaLeg::keys() const {
  if (!is_secured_leg()) return {};
  if (remote_->keying == sip::Keying::kSdes) return keys_of(*remote_->sdes);
  return keys_of(*port(Component::kRtp).secured(), *port(carrier(Component::kRtcp)).secured());
}

Secret<proto::TransformSpec> MediaLeg::receive_transform() const {
  const LegKeys in_force = keys();
  return make_transform(in_force.profile, *in_force.receive, false);
}

Secret<proto::TransformSpec> MediaLeg::send_transform() const {
  const LegKeys in_force = keys();
  return make_transform(in_force.profile, *in_force.send, false);
}

void MediaLeg::advance(std::uint64_t now_ns) {
  for (const std::unique_ptr<MediaPort>& here : ports_) here->advance(now_ns);
}

void MediaLeg::close(std::uint64_t now_ns) {
  for (const std::unique_ptr<MediaPort>& here : ports_) here->close(now_ns);
}

}  // namespace weir::controlplane
