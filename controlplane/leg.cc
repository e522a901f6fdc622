#include "controlplane/leg.h"

#include "controlplane/places.h"

namespace weir::controlplane {

using proto::settings::SipTransport;

namespace {

/// Reliable provisional responses of one dialog: each costs a PRACK of ours. No callee has as much to say.
constexpr std::uint32_t kReliableMax = 64;

}  // namespace

const char* to_string(LegState state) {
  switch (state) {
    case LegState::kIdle:
      return "idle";
    case LegState::kInviting:
      return "inviting";
    case LegState::kUnacked:
      return "answered";
    case LegState::kConfirmed:
      return "confirmed";
    case LegState::kLeaving:
      return "leaving";
    case LegState::kOver:
      return "over";
  }
  return "unknown";
}

void Leg::move_to(Side side) {
  side_ = side;
  session_alarm.reset();
  provisionals.reset();
  secured.reset();
  if (pictures) pictures->info = {};
}

sip::Via Leg::make_via(const sip::TokenSource& tokens) const {
  sip::Via via;
  via.transport = via_transport(path_.transport);
  via.host = proto::to_string(path_.local.address);
  via.port = path_.local.port;
  via.parameters.set("branch", std::string(sip::kBranchCookie) + tokens());
  via.parameters.set("rport");  // RFC 3581 section 3
  return via;
}

sip::NameAddr Leg::contact(bool sips) const {
  sip::NameAddr contact;
  contact.uri = sip::make_sip_uri(kContactUser, proto::to_string(path_.local.address), path_.local.port);
  sips = sips && proto::settings::is_secured(path_.transport);  // RFC 3261 section 12.1.1: else it is no secure dialog
  // RFC 5630 section 3.1.4: in a SIPS URI TLS goes without saying.
  const bool said = path_.transport != SipTransport::kUdp && !(sips && path_.transport == SipTransport::kTls);
  if (said) contact.uri.parameters.set("transport", uri_transport(path_.transport));
  if (sips) contact.uri.scheme = sip::Scheme::kSips;
  return contact;
}

sip::Message Leg::make_response(const sip::Message& request, std::uint16_t status, std::string_view reason) const {
  sip::Message response = dialog->make_response(request, status, reason);
  response.add_header(sip::HeaderId::kServer, kSoftware);
  if (status >= 200) response.add_header(sip::HeaderId::kAllow, kAllowed);
  return response;
}

void Leg::learn_wishes(const sip::Message& said) {
  const sip::HiddenParts wanted = sip::hidden_parts(said);
  hides = {.name = hides.name || wanted.name, .media = hides.media || wanted.media};
}

bool Leg::may_come_by(const Path& way, const sip::Message& request) const {
  const bool ends = request.method() == sip::Method::kBye || request.method() == sip::Method::kAck;
  return !is_sips() || ends || proto::settings::is_secured(way.transport);
}

bool Leg::takes_reliable(const sip::Message& response) {
  const std::optional<std::uint32_t> rseq = reliable_number(response);
  if (!rseq) return true;
  // RFC 3262 section 4: the first may have any number, then each is one higher than the last.
  if (rseq_last_ != 0 && *rseq != rseq_last_ + 1) return false;
  if (reliable_ == kReliableMax) return false;
  ++reliable_;
  rseq_last_ = *rseq;
  return true;
}

/// From a connection to another of its kind. A leg that was secured stays so, and where there are no connections each
/// request says where the next one goes (RFC 3261 section 12.2).
bool Leg::may_move_to(const Path& way) const {
  const bool connections =
      path_.hop.reliability == sip::Reliability::kReliable && way.hop.reliability == sip::Reliability::kReliable;
  return connections && way.realm == path_.realm && way.transport == path_.transport && way.hop != path_.hop;
}

/// What we opened ourselves leads to the peer as long as it is there, whatever else the peer opens to us.
void Leg::follow(const Path& way, const PathFinder& paths) {
  if (!may_move_to(way)) return;
  if (path_.of_peer || is_websocket(path_.transport) || !paths.arrival(path_.hop)) path_ = way;
}

/// A WebSocket is not opened anew, nor gone round: whoever was behind it is gone, or comes again (RFC 7118 section 5).
sip::Hop Leg::dialog_hop(PathFinder& paths) const {
  if (const std::optional<Path> heir = paths.heir(path_.hop); heir && may_move_to(*heir)) return heir->hop;
  if (is_websocket(path_.transport)) return path_.hop;
  if (path_.hop.reliability == sip::Reliability::kReliable && paths.arrival(path_.hop)) return path_.hop;
  sip::Uri next = dialog->next_hop();
  if (is_sips()) next.scheme = sip::Scheme::kSips;  // whatever the peer's Contact says
  const std::optional<Path> way = paths.towards(path_.realm, next, &path_);
  return way ? way->hop : path_.hop;
}

RemoteMedia to_remote_media(const sip::Agreement& agreement, std::size_t index) {
  MediaTerms terms = read_media_terms(agreement.remote.media[index], agreement.local.media[index]);
  for (std::size_t i = 0; i < agreement.sections.size(); ++i) {
    if (i == index || !agreement.sections[i].active) continue;
    add_terms(read_media_terms(agreement.remote.media[i], agreement.local.media[i]), terms);
  }
  return to_remote_media(agreement.sections, index, std::move(terms));
}

RemoteMedia to_remote_media(std::span<const sip::AgreedSection> sections, std::size_t index, MediaTerms terms) {
  const sip::AgreedSection& section = sections[index];
  RemoteMedia remote;
  remote.rtp = section.remote_rtp;
  remote.rtcp = section.remote_rtcp;
  remote.rtcp_mux = section.rtcp_mux;
  remote.direction = section.direction;
  for (const sip::AgreedSection& rider : sections) {
    if (rider.active) remote.direction = sip::either(remote.direction, rider.direction);
  }
  remote.on_hold = remote.direction != sip::Direction::kSendRecv;
  remote.keying = section.keying;
  remote.role = section.role.value_or(sip::DtlsRole::kServer);
  remote.fingerprints = section.remote_dtls.fingerprints;
  remote.tls_id = section.remote_dtls.tls_id.value_or("");
  remote.our_tls_id = section.local_dtls.tls_id.value_or("");
  remote.sdes = section.sdes;
  if (section.ice) remote.ice = *section.ice;
  remote.terms = std::move(terms);
  return remote;
}

}  // namespace weir::controlplane
