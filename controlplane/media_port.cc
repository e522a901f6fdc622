#include "controlplane/media_port.h"

#include <algorithm>
#include <utility>

#include "controlplane/media_flows.h"
#include "proto/assert.h"
#include "proto/demux.h"
#include "proto/dtls_record.h"

namespace weir::controlplane {
namespace {

bool is_application_data(proto::Bytes datagram) {
  return !datagram.empty() && datagram[0] == static_cast<std::uint8_t>(proto::DtlsContentType::kApplicationData);
}

}  // namespace

MediaPort::MediaPort(DataplaneClient& client, Component component, const Place& place, const Certificate* certificate,
                     Listener& listener)
    : client_(client), listener_(listener), certificate_(certificate), place_(place), component_(component) {}

MediaPort::~MediaPort() {
  close(now_ns_);
}

proto::Status MediaPort::reserve() {
  if (flow_) return proto::success();
  const proto::Result<proto::FlowId> flow = client_.reserve(place_.local_port, *this);
  if (!flow) return proto::Error{flow.error()};
  flow_ = *flow;
  return proto::success();
}

void MediaPort::set_ice(const IceSpec& ice, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  ice_ = ice;
  if (open_sent_ && !install_sent_) tell_peer();
}

void MediaPort::expect(const proto::Endpoint& peer, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (expected_ == peer) return;
  expected_ = peer;
  if (open_sent_ && !install_sent_) tell_peer();
}

void MediaPort::send(const proto::Endpoint& destination, proto::Bytes datagram) {
  const std::uint8_t dscp = is_application_data(datagram) ? kMediaDscp : std::uint8_t{0};
  if (flow_) static_cast<void>(client_.inject(*flow_, destination, datagram, dscp));
}

proto::Status MediaPort::open_dtls(DtlsContext& context, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  context_ = &context;
  if (open_sent_ || install_sent_) return proto::success();
  if (proto::Status status = reserve(); !status) return status;
  proto::FlowSpec spec{};
  spec.cookie = place_.cookie;
  write_place(spec);
  spec.punts = proto::kPuntDtls;
  ice_.write_to(spec);
  // The peer may speak before its SDP, and from behind a NAT.
  spec.source_policy = ice_.speaks() ? proto::SourcePolicy::kIce : proto::SourcePolicy::kLatch;
  spec.punts_per_s_max = place_.punts_per_s_max;
  proto::Status sent =
      client_.open(*flow_, spec, now_ns, [this](const proto::Status& status) { on_opened(status, now_ns_); });
  if (!sent) return sent;
  open_sent_ = true;
  add_association().endpoint->listen();
  return sent;
}

void MediaPort::write_place(proto::FlowSpec& spec) const {
  spec.network = place_.network;
  spec.also_network = place_.also_network ? static_cast<std::uint8_t>(*place_.also_network + 1) : std::uint8_t{0};
  spec.local_port = place_.local_port;
}

MediaPort::Association& MediaPort::add_association() {
  WEIR_ASSERT(context_ != nullptr);
  Association& added = *associations_.emplace_back(std::make_unique<Association>());
  DtlsEndpoint::Callbacks callbacks;
  callbacks.send = [this](const proto::Endpoint& destination, proto::Bytes datagram) { send(destination, datagram); };
  callbacks.secured = [this, &added](const DtlsSecured& secured, std::uint64_t at) {
    on_dtls_secured(added, secured, at);
  };
  callbacks.failed = [this, &added](const std::string& reason, std::uint64_t at) {
    listener_.on_port_failed(added.id, reason, at);
  };
  if (place_.renegotiates) follow_renegotiations(added, callbacks);
  if (place_.rtp_over_dtls) callbacks.media = media_taker(added);
  added.endpoint = std::make_unique<DtlsEndpoint>(*context_, std::move(callbacks), certificate_);
  return added;
}

std::function<void(proto::Bytes)> MediaPort::media_taker(const Association& association) {
  return [this, &association](proto::Bytes media) {
    if (installed_) listener_.on_port_media(component_, association.id, media);
  };
}

void MediaPort::follow_renegotiations(Association& association, DtlsEndpoint::Callbacks& callbacks) {
  callbacks.renegotiated = [this, &association](const DtlsSecured& secured, std::uint64_t at) {
    if (!flow_) return;  // closed meanwhile
    association.secured = std::make_unique<DtlsSecured>(secured);
    association.over_ns = at;
    listener_.on_port_renegotiated(association.id, component_, at);
  };
  callbacks.welcomes = [this, &association] { return listener_.may_renegotiate(association.id); };
  callbacks.given_up = [this, &association](const std::string& reason, std::uint64_t at) {
    listener_.on_port_gave_up(association.id, reason, at);
  };
}

MediaPort::Association* MediaPort::find(AssociationId id) const {
  const auto found = std::find_if(associations_.begin(), associations_.end(),
                                  [id](const std::unique_ptr<Association>& each) { return each->id == id; });
  return found == associations_.end() ? nullptr : found->get();
}

void MediaPort::start_dtls(AssociationId id, sip::DtlsRole role, const proto::Endpoint& signalled,
                           std::vector<sip::Fingerprint> promised, std::uint64_t now_ns) {
  WEIR_ASSERT(id != 0 && (open_sent_ || install_sent_) && find(id) == nullptr);
  now_ns_ = now_ns;
  Association* unclaimed = find(0);
  Association& association = unclaimed != nullptr ? *unclaimed : add_association();
  association.id = id;
  association.signalled = signalled;
  association.start = Start{.role = role, .signalled = signalled, .promised = std::move(promised)};
  expected_ = signalled;
  if (!install_sent_ && signalled.port != 0) tell_peer();
  if (opened_ || install_sent_) on_opened(proto::success(), now_ns);
}

void MediaPort::use_certificate(const Certificate& certificate) {
  certificate_ = &certificate;
  Association* const unclaimed = find(0);
  if (unclaimed == nullptr) return;
  bury(*unclaimed);  // it answers with the one before
  add_association().endpoint->listen();
}

void MediaPort::follow_dtls(AssociationId id, const proto::Endpoint& peer) {
  Association* association = id == 0 ? nullptr : find(id);
  if (association == nullptr || association->endpoint == nullptr) return;
  association->signalled = peer;
  if (association->start) association->start->signalled = peer;
  association->endpoint->follow(peer);
}

void MediaPort::tell_peer() {
  if (!flow_) return;
  proto::FlowSpec spec{};
  spec.peer = expected_;
  ice_.write_to(spec);
  // A full ring costs no more than the head start.
  static_cast<void>(client_.set_peer(*flow_, spec, now_ns_, [](const proto::Status&) {}));
}

void MediaPort::on_opened(const proto::Status& status, std::uint64_t now_ns) {
  if (!status) {
    listener_.on_port_failed(0, "a media port cannot be opened: " + status.error(), now_ns);
    return;
  }
  opened_ = true;
  // What starts may end others, or all: the list is looked at anew after each.
  while (true) {
    const auto waiting = std::find_if(associations_.begin(), associations_.end(),
                                      [](const std::unique_ptr<Association>& each) { return each->start.has_value(); });
    if (waiting == associations_.end()) return;
    const Start start = *std::exchange((*waiting)->start, std::nullopt);
    (*waiting)->endpoint->start(start.role, start.signalled, start.promised, now_ns);
  }
}

void MediaPort::on_dtls_secured(Association& association, const DtlsSecured& secured, std::uint64_t now_ns) {
  if (!flow_) return;  // closed meanwhile
  association.secured = std::make_unique<DtlsSecured>(secured);
  association.over_ns = now_ns;
  association.carries = secured.profile == proto::SrtpProfile::kDtlsRecords;
  listener_.on_port_secured(association.id, now_ns);
}

const DtlsSecured* MediaPort::secured(AssociationId id) const {
  const Association* association = id == 0 ? nullptr : find(id);
  return association == nullptr ? nullptr : association->secured.get();
}

void MediaPort::forget_keys(AssociationId id) {
  if (Association* association = id == 0 ? nullptr : find(id)) association->secured.reset();
}

void MediaPort::forget_dtls(AssociationId id) {
  Association* association = id == 0 ? nullptr : find(id);
  if (association == nullptr) return;
  association->secured.reset();  // wipes the keys
  const bool waits = association->endpoint != nullptr && association->endpoint->is_renegotiable();
  if (association->over_ns == 0 || waits) return bury(*association);
  if (std::exchange(association->carries, false)) association->over_ns = now_ns_;
}

void MediaPort::send_media(AssociationId id, proto::Bytes media) {
  Association* association = id == 0 ? nullptr : find(id);
  if (association != nullptr && association->endpoint != nullptr) association->endpoint->send_media(media);
}

void MediaPort::return_media(proto::Bytes media) {
  if (flow_) static_cast<void>(client_.return_media(*flow_, media));  // a full ring loses it, as a network would
}

void MediaPort::bury(Association& association) {
  const auto place = std::find_if(associations_.begin(), associations_.end(),
                                  [&](const std::unique_ptr<Association>& each) { return each.get() == &association; });
  association.start.reset();
  association.secured.reset();
  buried_.push_back(std::move(*place));
  associations_.erase(place);
}

std::size_t MediaPort::handshakes() const {
  return static_cast<std::size_t>(
      std::count_if(associations_.begin(), associations_.end(),
                    [](const std::unique_ptr<Association>& each) { return each->endpoint != nullptr; }));
}

proto::Status MediaPort::install(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done) {
  now_ns_ = now_ns;
  if (proto::Status status = reserve(); !status) return status;
  proto::Status sent =
      client_.install(*flow_, spec, now_ns, [this, done = std::move(done)](const proto::Status& status) {
        installed_ = status.ok();
        done(status);
      });
  install_sent_ = sent.ok();
  return sent;
}

void MediaPort::adopt(const FlowFound& flow, DtlsContext& context) {
  WEIR_ASSERT(!flow_ && flow.local_port == place_.local_port);
  client_.adopt(flow, *this);
  flow_ = flow.id;
  context_ = &context;
  install_sent_ = true;
  installed_ = true;
}

proto::Status MediaPort::set_peer(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done) {
  now_ns_ = now_ns;
  WEIR_ASSERT(install_sent_);
  return client_.set_peer(*flow_, spec, now_ns, std::move(done));
}

proto::Status MediaPort::update_keys(const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done) {
  now_ns_ = now_ns;
  WEIR_ASSERT(install_sent_);
  return client_.update_keys(*flow_, spec, now_ns, std::move(done));
}

bool MediaPort::advance(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  buried_.clear();
  if (!flow_ || context_ == nullptr) return false;
  for (std::size_t i = associations_.size(); i-- > 0;) {
    if (i < associations_.size() && associations_[i]->endpoint != nullptr) associations_[i]->endpoint->advance(now_ns);
  }
  end_what_is_over(now_ns);
  return is_busy(now_ns) || !buried_.empty();
}

/// An association has timers that run. One that waits for the peer's next handshake, or carries media, has none: it
/// costs nothing.
bool MediaPort::is_busy(std::uint64_t now_ns) const {
  return std::any_of(associations_.begin(), associations_.end(), [&](const std::unique_ptr<Association>& each) {
    if (each->endpoint == nullptr || each->carries) return false;
    return !each->endpoint->is_renegotiable() || each->endpoint->renegotiates() || lingers(*each, now_ns);
  });
}

bool MediaPort::lingers(const Association& association, std::uint64_t now_ns) const {
  // RFC 6347 section 4.2.4: the last flight is repeated while the peer may not have it, which is for as long as the
  // peer's own handshake may take.
  return association.over_ns == 0 || now_ns < association.over_ns + context_->options().timeout_ns;
}

void MediaPort::end_what_is_over(std::uint64_t now_ns) {
  std::erase_if(associations_, [&](const std::unique_ptr<Association>& each) {
    if (each->carries || lingers(*each, now_ns)) return false;
    if (each->endpoint != nullptr && each->endpoint->is_renegotiable()) return false;
    each->endpoint.reset();
    return each->secured == nullptr;
  });
}

void MediaPort::close(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (flow_) client_.remove(*std::exchange(flow_, std::nullopt), now_ns);
  while (!associations_.empty()) bury(*associations_.back());
  install_sent_ = false;
  installed_ = false;
}

void MediaPort::on_flow_event(const proto::Event& event, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  listener_.on_port_event(component_, event, now_ns);
}

/// Whose handshake a datagram belongs to: that which knows its source, that whose SDP names it, or the latest that is
/// not over, which may hear from behind a NAT.
MediaPort::Association* MediaPort::association_for(const proto::Endpoint& source) const {
  Association* latest = nullptr;
  Association* named = nullptr;
  for (const std::unique_ptr<Association>& each : associations_) {
    if (each->endpoint == nullptr) continue;
    if (each->over_ns == 0) latest = each.get();
    if (each->over_ns == 0 && each->signalled == source) named = each.get();
  }
  if (named != nullptr) return named;
  for (auto each = associations_.rbegin(); each != associations_.rend(); ++each) {
    if ((*each)->endpoint != nullptr && (*each)->endpoint->knows(source)) {
      // A new association of the same peer begins with records that the one before has no use for.
      if ((*each)->over_ns == 0 || latest == nullptr) return each->get();
    }
  }
  return latest;
}

void MediaPort::on_punt(const proto::Punt& punt, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  const proto::Bytes datagram(punt.data, punt.bytes);
  proto::Endpoint source = punt.source;
  source.reserved = 0;                                          // compared as a whole
  const auto kind = static_cast<proto::PacketKind>(punt.kind);  // what left under another payload type was told before
  if (kind == proto::PacketKind::kStun) return listener_.on_port_stun(component_, source, datagram, now_ns);
  if (kind == proto::PacketKind::kRtp) return listener_.on_port_leaving(Component::kRtp, datagram);
  if (kind == proto::PacketKind::kRtcp) return listener_.on_port_leaving(Component::kRtcp, datagram);
  if (kind != proto::PacketKind::kDtls) return;
  if (is_application_data(datagram)) return receive_media(source, datagram, now_ns);
  Association* association = association_for(source);
  if (association == nullptr) return;
  const bool ran = association->endpoint->renegotiates();
  association->endpoint->receive(source, datagram, now_ns);
  const bool begins = !ran && is_renegotiating();
  if (begins) listener_.on_port_renegotiates(now_ns);
}

bool MediaPort::is_renegotiating() const {
  return std::any_of(associations_.begin(), associations_.end(), [](const std::unique_ptr<Association>& each) {
    return each->endpoint != nullptr && each->endpoint->renegotiates();
  });
}

/// The peer may not have changed over yet from an association to the next: of those that carry media each looks whether
/// it is its own.
void MediaPort::receive_media(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns) {
  for (const std::unique_ptr<Association>& each : associations_) {
    const bool carries = each->endpoint != nullptr && each->endpoint->carries_media();
    if (carries && each->endpoint->knows(source)) each->endpoint->receive(source, datagram, now_ns);
  }
}

}  // namespace weir::controlplane
