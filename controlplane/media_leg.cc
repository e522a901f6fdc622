#include "controlplane/media_leg.h"

#include <algorithm>
#include <utility>

#include "controlplane/certificate.h"
#include "controlplane/local_keys.h"
#include "controlplane/media_engine.h"
#include "controlplane/own_addresses.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

/// No address, or that of hold before there was a=sendonly (RFC 3264 section 8.4): nothing is sent there.
bool is_nowhere(const proto::Endpoint& place) {
  return place.port == 0 || place.address.family == proto::Family::kNone || sip::is_unspecified(place.address);
}

}  // namespace

const char* to_string(Side side) {
  return side == Side::kCaller ? "caller" : "callee";
}

MediaLeg::MediaLeg(MediaEngine& engine, Side side, const MediaLegOptions& options, std::uint16_t rtp_port,
                   std::uint64_t cookie, Listener& listener)
    : engine_(engine), listener_(listener), options_(options), side_(side) {
  for (const Component component : kComponents) {
    const auto index = static_cast<std::size_t>(component);
    const MediaPort::Place place{.cookie = cookie,
                                 .network = options.network,
                                 .also_network = options.also_network,
                                 .local_port = static_cast<std::uint16_t>(rtp_port + index),
                                 .punts_per_s_max = engine.settings().control.punts_per_s_max,
                                 .renegotiates = options.security.renegotiates,
                                 .rtp_over_dtls = options.security.rtp_over_dtls};
    ports_[index] = std::make_unique<MediaPort>(engine.client(), component, place, options_.certificate.get(),
                                                static_cast<MediaPort::Listener&>(*this));
  }
}

proto::Status MediaLeg::listen(std::uint64_t now_ns) {
  if (!options_.listens_early) return proto::success();
  if (options_.security.ice) prepare_ice(now_ns);  // who listens for checks from the start knows them then
  return port(Component::kRtp).open_dtls(engine_.dtls(), now_ns);
}

proto::Status MediaLeg::set_remote(const RemoteMedia& remote, std::uint64_t now_ns) {
  if (proto::Status status = check_allowed(remote); !status) return status;
  if (proto::Status status = check_addresses(remote); !status) return status;
  if (remote_ && remote.rtcp_mux != remote_->rtcp_mux && port(Component::kRtp).install_sent()) {
    return proto::Error{"rtcp-mux cannot change while media flows"};
  }
  follow(remote);
  tell_ports_of_ice(now_ns);
  if (!remote.early) forget_other_forks();
  switch (remote.keying) {
    case sip::Keying::kNone:
      use_plain();
      return proto::success();
    case sip::Keying::kSdes:
      use_sdes(now_ns);
      return proto::success();
    case sip::Keying::kDtls:
      return negotiate_dtls(now_ns);
  }
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

proto::Status MediaLeg::check_addresses(const RemoteMedia& remote) const {
  if (remote.ice) return proto::success();  // nothing is sent there
  const auto check = [this](const proto::Endpoint& place) -> proto::Status {
    if (is_nowhere(place)) return proto::success();
    if (place.address.family != family())
      return proto::Error{"the media address is not of the family that was offered"};
    if (!proto::is_host(place.address) || is_ours_or_everybodys(engine_.settings(), place.address)) {
      return proto::Error{"the media address is none that may be sent to"};
    }
    return proto::success();
  };
  if (proto::Status status = check(remote.rtp); !status) return status;
  return remote.rtcp_mux ? proto::success() : check(remote.rtcp);
}

/// Takes the description over. What was learned belongs to the address before; said again, that goes on.
void MediaLeg::follow(const RemoteMedia& remote) {
  const bool other_party = remote_ && remote.dialog != remote_->dialog;
  const bool has_pairs = remote.ice.has_value();  // they stand until others are chosen, whoever chose them
  if (!has_pairs && (!remote_ || other_party || remote.rtp != remote_->rtp)) learned_[0] = {};
  const bool rtcp_moved =
      !remote_ || remote.rtcp != remote_->rtcp || (remote.rtcp_mux && remote.rtp != remote_->rtp) || other_party;
  if (!has_pairs && rtcp_moved) learned_[1] = {};
  remote_ = remote;
  if (remote.ice) known_ice().follow(checkable(*remote.ice), components().size());
}

MediaLeg::Fork& MediaLeg::fork_of(std::uint64_t dialog) {
  const auto known =
      std::find_if(forks_.begin(), forks_.end(), [&](const Fork& fork) { return fork.dialog == dialog; });
  if (known != forks_.end()) return *known;
  if (forks_.size() == kForksMax) {
    forget(forks_.front());
    forks_.erase(forks_.begin());
  }
  Fork& fork = forks_.emplace_back();
  fork.dialog = dialog;
  return fork;
}

MediaLeg::Fork* MediaLeg::fork_with(AssociationId association) {
  const auto found = std::find_if(forks_.begin(), forks_.end(),
                                  [&](const Fork& fork) { return fork.pending && fork.pending->id == association; });
  return found == forks_.end() ? nullptr : &*found;
}

void MediaLeg::forget(Fork& fork) {
  end_pending(fork);
  if (!fork.up) return;
  for (const Component component : kComponents) port(component).forget_dtls(fork.up->id);
}

/// The others have lost: their handshakes and keys go.
void MediaLeg::forget_other_forks() {
  std::erase_if(forks_, [this](Fork& fork) {
    if (is_current(fork)) return false;
    forget(fork);
    return true;
  });
}

sip::DtlsAssociationTerms MediaLeg::terms_of(const RemoteMedia& remote) const {
  sip::DtlsAssociationTerms terms;
  terms.our_role = remote.role;
  terms.our_fingerprints = fingerprints();
  terms.their_fingerprints = remote.fingerprints;
  terms.their_tls_id = remote.tls_id;
  if (!remote.tls_id.empty()) terms.our_tls_id = remote.our_tls_id;  // an answer is silent where its offer was
  terms.our_transport = place_of(Component::kRtp);
  terms.their_transport = signalled(Component::kRtp);
  return terms;
}

proto::Status MediaLeg::negotiate_dtls(std::uint64_t now_ns) {
  Fork& fork = fork_of(remote_->dialog);
  sip::DtlsAssociationTerms terms = terms_of(*remote_);
  const auto goes_on = [&terms](const std::optional<Association>& association) {
    if (!association) return false;
    // Hold by c=0.0.0.0 is no other transport: the address is to come back.
    sip::DtlsAssociationTerms now = terms;
    if (now.their_transport.port == 0) now.their_transport = association->terms.their_transport;
    return !sip::needs_new_association(association->terms, now);
  };
  if (goes_on(fork.pending)) return proto::success();
  end_pending(fork);
  const bool was_asked = std::exchange(turns_, false);
  if (!goes_on(fork.up)) return begin_association(fork, terms, now_ns);
  use_association(fork, now_ns);
  if (!was_asked) return proto::success();
  renews_ = false;
  listener_.on_association_kept(side_, now_ns);
  return proto::success();
}

proto::Status MediaLeg::begin_association(Fork& fork, const sip::DtlsAssociationTerms& terms, std::uint64_t now_ns) {
  const bool client = terms.our_role == sip::DtlsRole::kClient;
  for (const Component component : components()) {
    if (proto::Status status = port(component).open_dtls(engine_.dtls(), now_ns); !status) return status;
    // A client needs somewhere to send its ClientHello: an address of hold is not one, so it waits for the next SDP.
    if (client && expected(component).port == 0) return proto::success();
  }
  const AssociationId id = association_next_++;
  fork.pending = Association{id, terms};
  const RemoteMedia remote = *remote_;  // what starts may fail, and its listener may change everything
  std::array<proto::Endpoint, 2> peers{expected(Component::kRtp), expected(Component::kRtcp)};
  for (const Component component : components()) {
    port(component).start_dtls(id, remote.role, peers[static_cast<std::size_t>(component)], remote.fingerprints,
                               now_ns);
  }
  return proto::success();
}

void MediaLeg::end_pending(Fork& fork) {
  if (!fork.pending) return;
  const AssociationId id = std::exchange(fork.pending, std::nullopt)->id;
  for (const Component component : kComponents) port(component).forget_dtls(id);
}

bool MediaLeg::is_up_on_all_ports(AssociationId association) const {
  const std::vector<Component> needed = components();
  return std::all_of(needed.begin(), needed.end(),
                     [&](Component component) { return port(component).secured(association) != nullptr; });
}

void MediaLeg::on_port_secured(AssociationId association, std::uint64_t now_ns) {
  Fork* fork = fork_with(association);
  if (fork == nullptr || !is_up_on_all_ports(association)) return;
  const DtlsSecured& rtp = *port(Component::kRtp).secured(association);
  const DtlsSecured& rtcp = *port(carrier(Component::kRtcp)).secured(association);
  if (rtp.profile != rtcp.profile) {
    on_port_failed(association, "the peer chose different SRTP profiles for RTP and RTCP", now_ns);
    return;
  }
  complete(*fork, now_ns);
}

void MediaLeg::complete(Fork& fork, std::uint64_t now_ns) {
  fork.before = fork.up ? fork.up->id : 0;
  for (const Component component : kComponents) port(component).forget_dtls(fork.before);
  fork.up = std::exchange(fork.pending, std::nullopt);
  const AssociationId id = fork.up->id;
  const DtlsSecured& rtp = *port(Component::kRtp).secured(id);
  fork.keys = keys_of(rtp, *port(carrier(Component::kRtcp)).secured(id));
  if (rtp.profile == proto::SrtpProfile::kDtlsRecords) fork.keys->association = id;
  fork.was_in_force = false;
  fork.secured = info_of(rtp);
  if (is_current(fork)) {
    // The handshake proved that the peer is there, whatever address its SDP gave.
    for (const Component component : components()) learn_source(component, port(component).secured(id)->peer, {});
  }
  for (const Component component : kComponents) port(component).forget_keys(id);
  if (!is_current(fork)) return;
  renews_ = false;
  use_association(fork, now_ns);
}

void MediaLeg::on_port_failed(AssociationId association, const std::string& reason, std::uint64_t now_ns) {
  Fork* fork = fork_with(association);
  if (fork == nullptr) {
    if (association == 0) listener_.on_leg_failed(side_, reason, now_ns);
    return;
  }
  end_pending(*fork);
  if (!is_current(*fork)) return;
  const bool in_force = keys_ && keys_dialog_ == fork->dialog;
  if (in_force || remote_->early) {
    listener_.on_renewal_failed(side_, reason, now_ns);
  } else {
    listener_.on_leg_failed(side_, reason, now_ns);
  }
}

void MediaLeg::on_port_event(Component component, const proto::Event& event, std::uint64_t now_ns) {
  if (ice_ && ice_->take(static_cast<std::uint8_t>(component), event)) lead_dtls(now_ns);
  listener_.on_leg_event(side_, component, event, now_ns);
}

void MediaLeg::use_plain() {
  const bool was_plain = keys_ && keys_->profile == proto::SrtpProfile::kNone;
  for (Fork& fork : forks_) forget(fork);
  forks_.clear();
  keys_dialog_ = remote_->dialog;
  if (was_plain) return;
  before_.reset();
  keys_ = LegKeys{};
  ++keys_version_;
  secured_ = {};
}

void MediaLeg::use_sdes(std::uint64_t now_ns) {
  const sip::SdesAgreement& agreed = *remote_->sdes;
  const auto is_ours = [&](const sip::CryptoAttribute& fresh) { return sip::is_same_crypto(fresh, agreed.local); };
  if (std::any_of(crypto_.begin(), crypto_.end(), is_ours)) {
    crypto_.clear();  // in use from now on: the next ones are to be fresh
    renews_ = false;
  }
  SecuredInfo info;
  info.keying = sip::Keying::kSdes;
  info.profile = agreed.local.suite;
  info.peer = remote_->rtp;
  use(keys_of(agreed), remote_->early || early_keys_, info, now_ns);
}

void MediaLeg::use_association(Fork& fork, std::uint64_t now_ns) {
  if (!fork.up->terms.our_tls_id.empty() && fork.up->terms.our_tls_id == tls_id_next_) {
    tls_id_ = std::exchange(tls_id_next_, {});
    renews_ = false;
  }
  if (!fork.keys) return;  // in force already
  // Copies: what listens may end the leg's forks.
  const LegKeys keys = *fork.keys;
  const SecuredInfo info = fork.secured;
  // While another may yet win, keys may come back: then no index may, and those that come back have had theirs.
  const bool keeps_indexes = remote_->early || fork.was_in_force;
  fork.was_in_force = true;
  if (!remote_->early) fork.keys.reset();
  use(keys, keeps_indexes, info, now_ns);
}

bool MediaLeg::ready() const {
  if (!remote_ || !keys_) return false;
  if (remote_->keying == sip::Keying::kNone) return true;
  return keys_->profile != proto::SrtpProfile::kNone && keys_dialog_ == remote_->dialog;
}

std::uint8_t MediaLeg::network_to(proto::Family family) const {
  const auto& networks = engine_.settings().networks;
  const bool also = options_.also_network && networks[*options_.also_network].address.family == family;
  return also ? *options_.also_network : options_.network;
}

proto::Endpoint MediaLeg::place_of(Component component) const {
  return place_on(options_.network, component);
}

proto::Endpoint MediaLeg::place_on(std::uint8_t network, Component component) const {
  return {.address = engine_.settings().networks[network].address, .port = port(component).local_port()};
}

void MediaLeg::give_back_ports(std::uint64_t now_ns) {
  engine_.give_back_ports(options_.network, options_.also_network, port(Component::kRtp).local_port(), now_ns);
}

proto::Family MediaLeg::family() const {
  return engine_.settings().networks[options_.network].address.family;
}

std::vector<Component> MediaLeg::components() const {
  if (rtcp_mux()) return {Component::kRtp};
  return {kComponents.begin(), kComponents.end()};
}

Component MediaLeg::carrier(Component component) const {
  return rtcp_mux() ? Component::kRtp : component;
}

bool MediaLeg::may_be_silent() const {
  return remote_ && (remote_->on_hold || (!uses_ice() && signalled(Component::kRtp).port == 0));
}

proto::Endpoint MediaLeg::signalled(Component component) const {
  WEIR_ASSERT(remote_);
  if (uses_ice()) return {};  // candidates are where it may be
  const proto::Endpoint endpoint = carrier(component) == Component::kRtp ? remote_->rtp : remote_->rtcp;
  return is_nowhere(endpoint) ? proto::Endpoint{} : endpoint;
}

/// Whence a handshake is expected.
proto::Endpoint MediaLeg::expected(Component component) const {
  if (!uses_ice()) return signalled(component);
  const proto::Endpoint chosen = peer(component);
  return chosen.port != 0 ? chosen : ice_->first_checked(static_cast<std::uint8_t>(carrier(component)));
}

proto::Endpoint MediaLeg::peer(Component component) const {
  const Component where = carrier(component);
  if (uses_ice()) return learned_[static_cast<std::size_t>(where)];
  const proto::Endpoint said = signalled(where);
  if (said.port == 0) return said;
  const proto::Endpoint& learned = learned_[static_cast<std::size_t>(where)];
  if (learned.port != 0) return learned;
  return said;
}

proto::Endpoint MediaLeg::destination(Component component) const {
  if (!ready()) return {};
  if (component == Component::kRtp && !sip::sends(remote_->direction)) return {};
  return peer(component);
}

bool MediaLeg::learn_source(Component component, const proto::Endpoint& source, const proto::PrefixBits& plain_prefix) {
  // A plain packet proves nothing: its source may differ from the SDP only as far as policy lets a plain flow latch.
  const Component where = carrier(component);
  if (!remote_ || uses_ice() || source.port == 0 || source == peer(where)) return false;
  const std::uint8_t bits = plain_prefix.of(source.address.family);
  if (!is_secured_leg() && !proto::share_prefix(source.address, signalled(where).address, bits)) return false;
  learned_[static_cast<std::size_t>(where)] = source;
  lead_association();
  return true;
}

sip::LocalSection MediaLeg::local_keys(bool sdes) {
  if (options_.security.may_secure()) {
    if (tls_id_.empty()) tls_id_ = make_tls_id();
    if (sdes && crypto_.empty()) crypto_ = make_crypto(options_.security.suites);
  }
  sip::LocalSection keys;
  keys.tls_id = tls_id_;
  if (sdes) keys.crypto = crypto_;
  if (!remote_) return keys;
  keys.rtcp_mux = remote_->rtcp_mux;
  if (!renews_) keys.sdes = remote_->sdes;
  const auto fork = std::find_if(forks_.begin(), forks_.end(), [this](const Fork& each) { return is_current(each); });
  if (fork == forks_.end() || !fork->up) return keys;
  if (tls_id_next_.empty()) tls_id_next_ = make_tls_id();
  keys.tls_id_next = tls_id_next_;
  keys.association = fork->up->terms;
  keys.current_role = fork->up->terms.our_role;
  if (!renews_) return keys;
  keys.tls_id = tls_id_next_;
  // To who has no tls-id, another role says that a new association is due (RFC 8842 section 3.1).
  if (!fork->up->terms.their_tls_id.empty()) return keys;
  const bool client = fork->up->terms.our_role == sip::DtlsRole::kClient;
  keys.setup = client ? sip::DtlsSetup::kPassive : sip::DtlsSetup::kActive;
  turns_ = true;
  return keys;
}

bool MediaLeg::shares_certificate() const {
  return options_.security.may_secure() && options_.security.dtls && options_.certificate == nullptr;
}

void MediaLeg::make_unlinkable(std::shared_ptr<const Certificate> own) {
  options_.unlinkable = true;
  if (own == nullptr) return;
  options_.certificate = std::move(own);
  for (const std::unique_ptr<MediaPort>& here : ports_) here->use_certificate(*options_.certificate);
  if (keying() == sip::Keying::kDtls) renew_local_keys();
}

const Certificate& MediaLeg::certificate() const {
  return options_.certificate ? *options_.certificate : engine_.dtls().certificate();
}

std::vector<sip::Fingerprint> MediaLeg::fingerprints() const {
  std::vector<sip::Fingerprint> all;
  for (const sip::FingerprintHash hash : options_.security.fingerprints_offered.list()) {
    all.push_back(fingerprint_of(*certificate().x509(), hash));
  }
  return all;
}

bool MediaLeg::advance(std::uint64_t now_ns) {
  bool more = false;
  for (const std::unique_ptr<MediaPort>& here : ports_) more = here->advance(now_ns) || more;
  return run_agent(now_ns) || more || before_ != nullptr;
}

void MediaLeg::close(std::uint64_t now_ns) {
  for (const std::unique_ptr<MediaPort>& here : ports_) here->close(now_ns);
  forks_.clear();
  keys_.reset();  // wipes them
  before_.reset();
}

}  // namespace weir::controlplane
