// Offer, answer and the stream of a call. RFC 3264, RFC 5763 section 5.
#include <functional>

#include "controlplane/call.h"
#include "controlplane/identity_headers.h"
#include "controlplane/local_keys.h"
#include "controlplane/log.h"
#include "controlplane/media_policy.h"
#include "sip/multipart.h"
#include "sip/sdp_parse.h"
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

/// Where who speaks ICE may find us beside `network`: the realm's network of the other family.
std::optional<std::uint8_t> other_network(const settings::Settings& all, std::uint32_t realm, std::uint8_t network) {
  return network_of(all, realm, other_family(all.networks[network].address.family));
}

/// The family of the address an offer's stream comes from; while the party is on hold, or if it has made no offer, that
/// of its SIP.
proto::Family family_of(const sip::RemoteSection* section, const Path& path) {
  const bool known = section != nullptr && section->rtp.address.family != proto::Family::kNone;
  return known ? section->rtp.address.family : path.hop.remote.address.family;
}

}  // namespace

std::size_t choose_section(RemoteOffer& offer, bool may_bundle) {
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
  for (sip::RemoteSection& section : offer.sections) {
    if (section.use != SectionUse::kBundled || (may_bundle && section.carrier == chosen)) continue;
    section.use = SectionUse::kRefused;
    section.refusal = {488, "nothing beside the audio stream"};
  }
  return chosen;
}

std::variant<RemoteOffer, EndCause> read_offer_in(const sip::Message& message, std::size_t sections_before,
                                                  const sip::SecurityPolicy& policy) {
  const std::string_view body = sip::sdp_body(message);
  if (body.empty()) return EndCause{415, "the body is not application/sdp"};
  std::variant<RemoteOffer, sip::SdpRefusal> read = sip::read_offer(body, sections_before, policy);
  if (const auto* refusal = std::get_if<sip::SdpRefusal>(&read)) return EndCause{refusal->status, refusal->reason};
  return std::get<RemoteOffer>(std::move(read));
}

std::optional<MediaLegOptions> caller_media(const settings::Settings& settings, const Path& from,
                                            const sip::RemoteSection* offered, const sip::SecurityPolicy& security) {
  const std::optional<std::uint8_t> network = network_of(settings, from.realm, family_of(offered, from));
  if (!network) return std::nullopt;
  MediaLegOptions options;
  options.network = *network;
  if (security.ice && (offered == nullptr || offered->ice))
    options.also_network = other_network(settings, from.realm, *network);
  options.security = security;
  // Its checks come within a millisecond of our answer, and one that is lost is sent again 50 ms later.
  options.listens_early = security.ice && offered != nullptr && offered->ice && offered->keying == sip::Keying::kDtls;
  return options;
}

MediaLegOptions callee_media(const settings::Settings& settings, const Path& way, const sip::SecurityPolicy& security) {
  MediaLegOptions options;
  options.network = network_for(settings, way.realm, way.hop.remote.address.family);
  if (security.ice) options.also_network = other_network(settings, way.realm, options.network);
  options.security = security;
  options.listens_early = security.may_secure() && security.dtls;
  return options;
}

std::optional<EndCause> Call::read_callers_offer(const sip::Message& invite) {
  delayed_ = invite.body().empty();
  if (delayed_) return std::nullopt;
  std::variant<RemoteOffer, EndCause> read = read_offer_in(invite, 0, caller_->session.security);
  if (auto* cause = std::get_if<EndCause>(&read)) return *cause;
  offer_ = std::get<RemoteOffer>(std::move(read));
  section_ = choose_section(*offer_);
  return std::nullopt;
}

/// The stream, and what every target is offered, once it is known which way the callee's SIP goes.
std::optional<EndCause> Call::make_stream(const Path& way) {
  const std::optional<MediaLegOptions> caller = caller_media(
      context_.settings, caller_->path(), offer_ ? &offer_->sections[section_] : nullptr, caller_->session.security);
  if (!caller) return EndCause{488, "the realm has no media address of the offer's family"};
  sip::SecurityPolicy towards = policy_towards(context_.settings.realms[callee_realm_], callee_profile_);
  join_codecs(towards, realm_of(*caller_));
  MediaLegOptions callee = callee_media(context_.settings, way, towards);
  hide_party(*caller_, way, callee);
  auto media = context_.media.create_media(
      *caller, callee, [this](const MediaEvent& event) { on_media(event); }, now());
  if (!media) return EndCause{503, media.error()};
  media_ = std::move(media).value();
  const settings::RealmIdentitySettings& identity = context_.settings.realms[callee_realm_].identity;
  if (context_.identity != nullptr && identity.connected == settings::IdentityUse::kRequire) media_->hold();
  callee_session_.security = callee.security;
  if (!offer_) return std::nullopt;
  make_session(Side::kCaller, caller_->session, offer_->sections.size());
  make_session(Side::kCallee, callee_session_, offer_->sections.size());
  callee_offered_ = make_first_offer_to(Side::kCallee, callee_session_, *offer_);
  return std::nullopt;
}

/// A party that shall not be known has a certificate, sources and a CNAME of this call's alone towards `way`.
void Call::hide_party(const Leg& party, const Path& way, MediaLegOptions& options) const {
  const bool hides = party.hides.media && !context_.settings.realms[way.realm].policy.trusted;
  options.fresh_certificate = hides && options.security.may_secure() && options.security.dtls;
  options.unlinkable = hides;
}

/// Whether the one party's media shall not be known again by the other.
bool Call::is_hidden_from(const Leg& party, const Leg& other) const {
  return party.hides.media && !realm_of(other).policy.trusted;
}

/// The same of one that takes another's place in the call, towards the party that stays. Its place in the stream is
/// made, and the stream does not know it yet.
std::optional<EndCause> Call::hide_comer(const Leg& comer) {
  const Leg& stays = *leg(opposite(comer.side()));
  if (!is_hidden_from(comer, stays)) return std::nullopt;
  const proto::Status status = media_->make_unlinkable(stays.side(), now());
  return status ? std::nullopt : std::optional(EndCause{503, status.error()});
}

/// A callee may want to be hidden with any of its answers; of forks all are as soon as one wants it. What the caller
/// has been told and has heard is not taken back: the certificate that another fork was answered with, and a fork's own
/// sources.
std::optional<EndCause> Call::hide_callee(Leg& fork, const sip::Message& response) {
  fork.learn_wishes(response);
  if (media_->is_unlinkable(Side::kCaller)) return std::nullopt;
  if (!caller_->agreement && !caller_->offered) return hide_comer(fork);
  if (!is_early(fork.dialog->id()) && is_hidden_from(fork, *caller_)) media_->hide_sources(Side::kCaller);
  return std::nullopt;
}

void Call::make_session(Side side, sip::LocalSession& session, std::size_t sections) {
  session.session_id = make_session_id(context_.tokens);
  session.address = media_->local_rtp(side).address;
  session.sections.resize(sections);
}

/// To a party that has said nothing of its media yet. Telephones without DTLS are offered two ports.
sip::SessionDescription Call::make_first_offer_to(Side side, sip::LocalSession& session, const sip::RemoteOffer& what) {
  const sip::RtpProtocol protocol = sip::protocol_to_offer(session.security);
  session.sections.resize(what.sections.size());
  session.sections[section_].rtcp_mux = sip::is_dtls(protocol);
  return make_offer_to(side, session, what, protocol);
}

/// To a party that has agreed to something already: as it is secured and on as many ports (RFC 5761 section 5.1.1).
sip::SessionDescription Call::make_next_offer_to(Side side, Leg& leg, const sip::RemoteOffer& what) {
  const sip::AgreedSection& agreed = leg.agreement->sections[section_];
  leg.session.sections.resize(what.sections.size());
  leg.session.sections[section_].rtcp_mux = agreed.rtcp_mux;
  for (std::size_t i = 0; i < leg.session.sections.size(); ++i) {
    const std::vector<sip::AgreedSection>& before = leg.agreement.sections();
    leg.session.sections[i].bundled = i != section_ && i < before.size() && before[i].active;
  }
  return make_offer_to(side, leg.session, what, agreed.protocol);
}

/// A leg whose party was replaced hears all that the new one sends as one source: audio alone.
bool Call::may_bundle() const {
  return !media_ || !media_->joins_sources();
}

/// What our description on a leg says of us and of the other side, as its stream has it now.
void Call::say_own(Side side, sip::LocalSession& session) const {
  session.fingerprints = media_->fingerprints(side);
  session.hides_sources = media_->is_unlinkable(side);
}

/// Whether the leg's party knows by which certificate we are known now, if by one.
bool Call::has_said_certificate(const Leg& leg) const {
  const bool dtls = leg.agreement.sections()[section_].keying == sip::Keying::kDtls;
  return !dtls || leg.session.fingerprints == media_->fingerprints(leg.side());
}

/// An offer of ours on one leg, and what the leg remembers of it.
sip::SessionDescription Call::make_offer_to(Side side, sip::LocalSession& session, const sip::RemoteOffer& what,
                                            sip::RtpProtocol protocol) {
  sip::LocalSection& section = session.sections[section_];
  const bool rtcp_mux = section.rtcp_mux;
  const sip::SecurityPolicy& policy = session.security;
  const bool sdes = !sip::is_dtls(protocol) && (sip::is_secured(protocol) || policy.best_effort);
  section = media_->local_section(side, sdes && policy.sdes());
  section.rtcp_mux = rtcp_mux;
  if (policy.ice) section.ice = media_->local_ice(side, nullptr, now());
  say_own(side, session);
  sip::SessionDescription offer = sip::make_offer(what, session, protocol);
  session.previous = offer;
  return offer;
}

/// Our answer on one leg to its offer, out of what the other one agreed to.
sip::Agreement Call::make_answer_to(Leg& leg, const sip::RemoteOffer& offer, const sip::Agreement& far) {
  leg.session.sections.resize(offer.sections.size());
  sip::LocalSection& section = leg.session.sections[section_];
  const sip::RemoteSection& offered = offer.sections[section_];
  section = media_->local_section(leg.side(), offered.keying == sip::Keying::kSdes);
  say_own(leg.side(), leg.session);
  if (leg.session.security.ice && offered.ice) section.ice = media_->local_ice(leg.side(), &*offered.ice, now());
  if (leg.agreement) {
    section.rtcp_mux = leg.agreement->sections[section_].rtcp_mux;
    section.current_role = leg.agreement->sections[section_].role;
  }
  return sip::make_answer(offer, far, leg.session);
}

std::optional<EndCause> Call::take_answer(Leg& leg, const sip::Message& message) {
  if (!leg.offered) return EndCause{500, "an answer to no offer"};
  const std::string whose = std::string("the ") + to_string(leg.side()) + "'s answer: ";
  const std::string_view body = sip::sdp_body(message);
  if (body.empty()) return EndCause{502, whose + "no SDP"};
  if (leg.agreement) leg.session.sections[section_].current_role = leg.agreement->sections[section_].role;
  std::variant<sip::Agreement, sip::SdpRefusal> read =
      sip::read_answer(*leg.offered, body, leg.session.security, leg.session.sections);
  if (const auto* refusal = std::get_if<sip::SdpRefusal>(&read)) return EndCause{488, whose + refusal->reason};
  auto& agreement = std::get<sip::Agreement>(read);
  if (std::optional<EndCause> cause = change_stream(leg, agreement)) return cause;
  leg.agreement = std::move(agreement);
  leg.offered.reset();
  return std::nullopt;
}

/// The callee makes the offer (RFC 3261 section 13.2.1): the caller gets it as ours, and its answer is still to come.
std::optional<EndCause> Call::take_callees_offer(Leg& callee, const sip::Message& response) {
  std::variant<RemoteOffer, EndCause> read = read_offer_in(response, 0, callee_session_.security);
  if (auto* cause = std::get_if<EndCause>(&read)) return EndCause{488, "the callee's offer: " + cause->text};
  offer_ = std::get<RemoteOffer>(std::move(read));
  section_ = choose_section(*offer_);
  make_session(Side::kCaller, caller_->session, offer_->sections.size());
  make_session(Side::kCallee, callee.session, offer_->sections.size());
  callee.session.security = callee_session_.security;
  caller_->offered = make_first_offer_to(Side::kCaller, caller_->session, *offer_);
  return std::nullopt;
}

/// The caller's answer to the callee's offer, in its ACK or PRACK; ours to the callee goes the same way.
std::optional<EndCause> Call::take_callers_answer(const sip::Message& message) {
  if (std::optional<EndCause> cause = take_answer(*caller_, message)) return cause;
  Leg* const callee = far(*caller_);
  if (callee == nullptr) return EndCause{500, "the fork that made the offer is gone"};
  callee->agreement = make_answer_to(*callee, *offer_, *caller_->agreement);
  callee->session.previous = callee->agreement->local;
  const std::string body = sip::write_sdp(callee->agreement->local);
  if (provisional_waits_) {
    acknowledge_provisional(*callee, *provisional_waits_, body);
    provisional_waits_.reset();
  } else {
    acknowledge(*callee, body);
  }
  return change_stream(*callee, *callee->agreement);
}

/// Tells the stream where a leg's media goes and how it is secured. On a secured leg DTLS begins here. A cause: the
/// stream goes on as it was.
std::optional<EndCause> Call::change_stream(Leg& leg, const sip::Agreement& agreement) {
  const sip::AgreedSection& section = agreement.sections[section_];
  if (!section.active) return EndCause{488, std::string("the ") + to_string(leg.side()) + " takes no audio"};
  if (std::optional<EndCause> cause = check_bound(leg, section)) return cause;
  RemoteMedia remote = to_remote_media(agreement, section_);
  remote.dialog = leg.party;
  remote.early = leg.side() == Side::kCallee && leg.state == LegState::kInviting;
  const proto::Status status = media_->set_remote(leg.side(), remote, now());
  if (!status) return EndCause{488, status.error()};
  return std::nullopt;
}

void Call::on_media(const MediaEvent& event) {
  switch (event.kind) {
    case MediaEvent::Kind::kSecured:
      return on_secured(event);
    case MediaEvent::Kind::kFlowing:
      changed();
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
      drop_journal();  // before they are used: the keys before must never be taken up again. settle() writes it anew
      return on_secured(event);
    case MediaEvent::Kind::kRenewalFailed:
      return log_event(
          LogLevel::kWarning, "media",
          {{"call", number_}, {"event", "renewal failed"}, {"leg", to_string(event.side)}, {"reason", event.reason}});
    case MediaEvent::Kind::kKeysEnding:
      return renew_keys(event.side);
    case MediaEvent::Kind::kPictureAsked:
      return ask_far_party_by_info(event.side);
  }
}

/// RFC 3711 section 9.2: a key at its end sends no more. A new offer brings the next.
void Call::renew_keys(Side side) {
  log_event(LogLevel::kInfo, "media", {{"call", number_}, {"event", "keys ending"}, {"leg", to_string(side)}});
  media_->renew_keys(side);
  reoffer(side);
}

/// RFC 4568 section 7.3: of an INVITE that has forked, every party knows our SDES keys.
void Call::renew_shared_keys(Side side) {
  const Leg* const party = leg(side).get();
  if (ending_ || party == nullptr || !party->agreement) return;
  if (party->agreement.sections()[section_].keying == sip::Keying::kSdes) renew_keys(side);
}

/// What the INVITE of a leg that answers has offered it. The SDES keys of each INVITE stand in that one alone.
void Call::recall_offer(Leg& leg, const sip::LocalSession& session, const sip::SessionDescription& offered) const {
  leg.session = session;
  leg.offered = offered;
  if (!has_crypto(offered)) return;
  leg.offered.reset();
  const std::shared_ptr<const sip::Message> invite = context_.transactions.request(leg.invite);
  auto read = sip::parse_sdp(invite ? sip::sdp_body(*invite) : std::string_view());
  auto* const said = std::get_if<sip::SessionDescription>(&read);
  if (said == nullptr) return;
  leg.session.previous = *said;
  leg.offered = std::move(*said);
}

void Call::on_secured(const MediaEvent& event) {
  Leg* secured = leg(event.side).get();
  if (secured == nullptr && event.side == Side::kCallee && caller_) secured = far(*caller_);
  if (secured != nullptr) secured->secured = event.secured;
  changed();
  log_event(LogLevel::kInfo, "dtls",
            {{"call", number_},
             {"leg", to_string(event.side)},
             {"keying", std::string(sip::to_string(event.secured.keying))},
             {"version", event.secured.version},
             {"role", std::string(sip::to_string(event.secured.role))},
             {"cipher_suite", event.secured.cipher_suite},
             {"profile", std::string(proto::srtp_profile(event.secured.profile).name)},
             {"fingerprint", event.secured.fingerprint},
             {"verdict", event.secured.verdict},
             {"sas", event.secured.short_authentication}});
  tell_sas(opposite(event.side));
}

/// A party of a trusted realm is told what those on the other side can read out to each other.
void Call::tell_sas(Side side) {
  Leg* const to = leg(side).get();
  const Leg* const other = leg(opposite(side)).get();
  if (to == nullptr || other == nullptr || to->state != LegState::kConfirmed || !other->secured) return;
  const settings::RealmPolicy& policy = realm_of(*to).policy;
  const std::string& sas = other->secured->short_authentication;
  if (sas.empty() || !policy.sas_header || !policy.trusted || (to->told_sas && *to->told_sas == sas)) return;
  to->told_sas = sas;
  sip::Message info = to->dialog->make_request(sip::Method::kInfo, to->make_via(context_.tokens));
  info.add_header("DTLS-SAS", sas + ";leg=" + to_string(other->side()));
  tell(*to, std::move(info));
}

}  // namespace weir::controlplane
