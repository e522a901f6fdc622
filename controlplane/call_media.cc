// Offer, answer and the stream of a call. RFC 3264, RFC 5763 section 5.
#include <functional>

#include "controlplane/call.h"
#include "controlplane/log.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::RemoteOffer;
using sip::SectionUse;

namespace {

constexpr std::uint64_t kSessionIdMask = (std::uint64_t{1} << 62) - 1;

std::uint64_t make_session_id(const sip::TokenSource& tokens) {
  return std::hash<std::string>{}(tokens()) & kSessionIdMask;
}

/// A route's media as a policy.
sip::SecurityPolicy policy_of(settings::MediaProfile profile) {
  sip::SecurityPolicy policy;
  policy.srtp = profile == settings::MediaProfile::kDtls ? sip::SrtpDemand::kRequired : sip::SrtpDemand::kForbidden;
  return policy;
}

/// The index of a realm's media network of this family; nullopt if the realm has none.
std::optional<std::uint8_t> network_of(const settings::Settings& all, std::uint32_t realm, proto::Family family) {
  for (const std::string& name : all.realms[realm].networks) {
    for (std::size_t i = 0; i < all.networks.size(); ++i) {
      const settings::NetworkSettings& network = all.networks[i];
      if (network.name == name && network.address.family == family) return static_cast<std::uint8_t>(i);
    }
  }
  return std::nullopt;
}

proto::Family other_family(proto::Family family) {
  return family == proto::Family::kIpv4 ? proto::Family::kIpv6 : proto::Family::kIpv4;
}

/// The network for a party's media: of the family it speaks, else the one there is. read_settings has made sure that
/// there is one.
std::uint8_t network_for(const settings::Settings& all, std::uint32_t realm, proto::Family family) {
  if (const std::optional<std::uint8_t> network = network_of(all, realm, family)) return *network;
  const std::optional<std::uint8_t> network = network_of(all, realm, other_family(family));
  WEIR_ASSERT(network);
  return *network;
}

/// The family of the address an offer's stream comes from; while the party is on hold, that of its SIP.
proto::Family family_of(const sip::RemoteSection& section, const Path& path) {
  return section.rtp.address.family != proto::Family::kNone ? section.rtp.address.family
                                                            : path.hop.remote.address.family;
}

/// The first section that can be carried; all others are refused: a call has one stream.
std::size_t choose_section(RemoteOffer& offer) {
  std::size_t chosen = offer.sections.size();
  for (std::size_t i = 0; i < offer.sections.size(); ++i) {
    if (offer.sections[i].use != SectionUse::kAccepted) continue;
    if (chosen == offer.sections.size()) {
      chosen = i;
    } else {
      offer.sections[i].use = SectionUse::kRefused;
      offer.sections[i].refusal = {488, "one audio stream a call"};
    }
  }
  return chosen;
}

/// The offer in a request's body, or why there is none.
std::variant<RemoteOffer, EndCause> read_body(const sip::Message& invite, std::size_t sections_before) {
  if (invite.body().empty()) return EndCause{488, "an INVITE without an offer is not taken"};
  if (!invite.content_is("application/sdp")) return EndCause{415, "the body is not application/sdp"};
  std::variant<RemoteOffer, sip::SdpRefusal> read = sip::read_offer(invite.body(), sections_before);
  if (const auto* refusal = std::get_if<sip::SdpRefusal>(&read)) return EndCause{refusal->status, refusal->reason};
  return std::get<RemoteOffer>(std::move(read));
}

/// RFC 8842 section 3.1, as far as the peer decides: our certificate and tls-id stay the same for the life of a leg,
/// and of the tls-id an answer is silent if the offer was. Where media goes is no part of it here: an address that
/// moves keeps its keys, as it does for a peer behind a NAT.
sip::DtlsAssociationTerms peers_terms(const sip::AgreedSection& section) {
  sip::DtlsAssociationTerms terms;
  terms.our_role = section.role.value_or(sip::DtlsRole::kServer);
  terms.their_fingerprints = section.remote_dtls.fingerprints;
  terms.their_tls_id = section.remote_dtls.tls_id.value_or("");
  return terms;
}

/// Whether a section that goes on secured wants another association than it has. setup:holdconn wants none at all.
bool wants_new_association(const sip::AgreedSection& before, const sip::AgreedSection& now) {
  if (before.keying != sip::Keying::kDtls || !before.role) return false;
  return !now.role || sip::needs_new_association(peers_terms(before), peers_terms(now));
}

}  // namespace

std::optional<EndCause> Call::read_callers_offer(const sip::Message& invite) {
  std::variant<RemoteOffer, EndCause> read = read_body(invite, 0);
  if (auto* cause = std::get_if<EndCause>(&read)) return *cause;
  offer_ = std::get<RemoteOffer>(std::move(read));
  section_ = choose_section(*offer_);
  return std::nullopt;
}

std::optional<EndCause> Call::make_stream(const Destination& destination) {
  MediaLegOptions caller;
  const sip::RemoteSection& offered = offer_->sections[section_];
  const proto::Family family = family_of(offered, caller_->path());
  const std::optional<std::uint8_t> network = network_of(context_.settings, caller_->path().realm, family);
  if (!network) return EndCause{488, "the realm has no media address of the offer's family"};
  caller.network = *network;
  MediaLegOptions callee;
  // Nobody has asked the callee: media goes the way its SIP goes.
  callee.network = network_for(context_.settings, destination.to_realm, callee_->path().hop.remote.address.family);
  callee.security = policy_of(destination.media);
  callee.listens_early = destination.media == settings::MediaProfile::kDtls;
  auto media = context_.media.create_media(
      caller, callee, [this](const MediaEvent& event) { on_media(event); }, now());
  if (!media) return EndCause{503, media.error()};
  media_ = std::move(media).value();
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    sip::LocalSession& session = leg(side).session;
    session.session_id = make_session_id(context_.tokens);
    session.address = media_->local_rtp(side).address;
    session.fingerprints = {context_.media.fingerprint()};
    session.sections.resize(offer_->sections.size());
    session.sections[section_] = media_->local_section(side);
  }
  return std::nullopt;
}

sip::SessionDescription Call::offer_to_callee(settings::MediaProfile profile) {
  const bool secured = profile == settings::MediaProfile::kDtls;
  callee_->session.sections[section_].rtcp_mux = secured;  // plain RTP telephones are offered two ports
  callee_->offered =
      sip::make_offer(*offer_, callee_->session, secured ? sip::RtpProtocol::kDtlsSavp : sip::RtpProtocol::kAvp);
  callee_->session.previous = callee_->offered;
  return *callee_->offered;
}

std::optional<EndCause> Call::take_callees_answer(const sip::Message& response) {
  if (!response.content_is("application/sdp")) return EndCause{502, "the callee answered without SDP"};
  std::variant<sip::Agreement, sip::SdpRefusal> read = sip::read_answer(*callee_->offered, response.body());
  if (const auto* refusal = std::get_if<sip::SdpRefusal>(&read)) {
    return EndCause{488, "the callee's answer: " + refusal->reason};
  }
  callee_->agreement = std::get<sip::Agreement>(std::move(read));
  return connect_stream(Side::kCallee);
}

/// Tells the stream where a leg's media goes and how it is secured. On a secured leg DTLS begins here.
std::optional<EndCause> Call::connect_stream(Side side) {
  const sip::AgreedSection& section = leg(side).agreement->sections[section_];
  if (!section.active) return EndCause{488, std::string("the ") + to_string(side) + " takes no audio"};
  const proto::Status status = media_->set_remote(side, to_remote_media(*leg(side).agreement, section_), now());
  if (!status) return EndCause{488, status.error()};
  return std::nullopt;
}

/// A new offer of one party in an established call. It is answered here, out of what the other party agreed to: its
/// address may move, its direction change; what needs new keys or other codecs is refused and the call goes on as it
/// was (RFC 3261 section 14.2).
std::optional<EndCause> Call::renegotiate(Leg& one, const sip::Message& invite) {
  std::variant<RemoteOffer, EndCause> read = read_body(invite, one.agreement->sections.size());
  if (auto* cause = std::get_if<EndCause>(&read)) return *cause;
  RemoteOffer& offer = std::get<RemoteOffer>(read);
  const sip::AgreedSection& before = one.agreement->sections[section_];
  if (choose_section(offer) != section_) return EndCause{488, "the audio stream cannot be moved to another section"};
  if (offer.sections[section_].keying != before.keying) {
    return EndCause{488, "the media security of a call cannot be changed"};
  }
  sip::LocalSession session = one.session;
  session.sections.resize(offer.sections.size());
  session.sections[section_].rtcp_mux = before.rtcp_mux;
  session.sections[section_].current_role = before.role;
  sip::Agreement agreement = sip::make_answer(offer, *leg(opposite(one.side())).agreement, session);
  const sip::AgreedSection& now_agreed = agreement.sections[section_];
  if (!now_agreed.active) return EndCause{488, "the offer leaves no audio"};
  if (wants_new_association(before, now_agreed)) {
    return EndCause{488, "a new DTLS association cannot replace the one in force"};
  }
  if (const proto::Status status = media_->set_remote(one.side(), to_remote_media(agreement, section_), now());
      !status) {
    return EndCause{488, status.error()};
  }
  session.previous = agreement.local;
  one.session = std::move(session);
  one.agreement = std::move(agreement);
  return std::nullopt;
}

void Call::on_media(const MediaEvent& event) {
  switch (event.kind) {
    case MediaEvent::Kind::kSecured:
      return on_secured(event);
    case MediaEvent::Kind::kFlowing:
      return log_event(LogLevel::kInfo, "media", {{"call", number_}, {"event", "flowing"}});
    case MediaEvent::Kind::kFailed:
      log_event(LogLevel::kWarning, "media",
                {{"call", number_}, {"event", "failed"}, {"leg", to_string(event.side)}, {"reason", event.reason}});
      return end({488, event.reason});
    case MediaEvent::Kind::kTimeout:
      return end({408, "no media in either direction"});
    case MediaEvent::Kind::kSourceLearned:
      return log_event(LogLevel::kInfo, "media",
                       {{"call", number_},
                        {"event", "source learned"},
                        {"leg", to_string(event.side)},
                        {"source", proto::to_string(event.source)}});
    case MediaEvent::Kind::kKeysRenewed:
      return on_secured(event);
    case MediaEvent::Kind::kRenewalFailed:
      return log_event(
          LogLevel::kWarning, "media",
          {{"call", number_}, {"event", "renewal failed"}, {"leg", to_string(event.side)}, {"reason", event.reason}});
    case MediaEvent::Kind::kKeysEnding:
      return end({488, "the SRTP keys have reached the end of their life"});
  }
}

void Call::on_secured(const MediaEvent& event) {
  leg(event.side).secured = event.secured;
  log_event(LogLevel::kInfo, "dtls",
            {{"call", number_},
             {"leg", to_string(event.side)},
             {"keying", std::string(sip::to_string(event.secured.keying))},
             {"version", event.secured.version},
             {"role", std::string(sip::to_string(event.secured.role))},
             {"cipher_suite", event.secured.cipher_suite},
             {"profile", std::string(proto::srtp_profile(event.secured.profile).name)},
             {"fingerprint", event.secured.fingerprint},
             {"verdict", event.secured.verdict}});
}

}  // namespace weir::controlplane
