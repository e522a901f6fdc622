#include "sip/offer_answer.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "proto/assert.h"
#include "sip/bundle.h"
#include "sip/bundled.h"
#include "sip/codecs.h"
#include "sip/crossing.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

/// What absence of a=setup means (RFC 4145 section 4).
constexpr DtlsSetup kSetupOfferedByDefault = DtlsSetup::kActive;
constexpr DtlsSetup kSetupAnsweredByDefault = DtlsSetup::kPassive;

/// The attribute of that name whose value begins with `format`, as rtpmap and fmtp do.
const SdpAttribute* find_format_attribute(const MediaSection& section, std::string_view name, std::string_view format) {
  for (const SdpAttribute& attribute : section.attributes) {
    if (attribute.name != name || !attribute.value) continue;
    std::string_view rest = *attribute.value;
    if (take_word(rest) == format) return &attribute;
  }
  return nullptr;
}

/// Copies what describes the codecs: nothing else of one leg's attributes crosses to the other. `fallback` has the
/// rtpmap lines of answerers that leave them out.
void copy_codecs(const MediaSection& from, const MediaSection& fallback, MediaSection& to) {
  for (const std::string& format : to.formats) {
    const SdpAttribute* map = find_format_attribute(from, "rtpmap", format);
    if (map == nullptr) map = find_format_attribute(fallback, "rtpmap", format);
    if (map != nullptr) to.attributes.push_back(*map);
    const SdpAttribute* parameters = find_format_attribute(from, "fmtp", format);
    if (parameters != nullptr) to.attributes.push_back(*parameters);
  }
  for (const std::string_view name : {"ptime", "maxptime"}) {
    const SdpAttribute* attribute = find_attribute(from.attributes, name);
    if (attribute != nullptr && attribute->value) to.attributes.push_back(*attribute);
  }
  to.bandwidths = from.bandwidths;
}

/// A section with port 0 in the place of one that is not carried (RFC 3264 section 6).
MediaSection closed_section(const MediaSection& theirs) {
  MediaSection section;
  section.media = theirs.media;
  section.protocol = theirs.protocol;
  section.formats = theirs.formats;
  return section;
}

MediaSection open_section(const MediaSection& theirs, RtpProtocol protocol, const LocalSection& local) {
  MediaSection section;
  section.media = theirs.media;
  section.port = local.rtp.port;
  section.protocol = to_string(protocol);
  section.connections.push_back(connection_to(local.rtp.address));
  return section;
}

void append_transport(const LocalSection& local, bool rtcp_mux, bool is_offer, MediaSection& section) {
  // With rtcp-mux an offer still says where RTCP goes if the answerer does not multiplex (RFC 5761 section 5.1.1).
  if ((!rtcp_mux || is_offer) && local.rtcp.port != 0) section.attributes.push_back({"rtcp", write_rtcp(local.rtcp)});
  if (rtcp_mux) section.attributes.push_back({"rtcp-mux", std::nullopt});
  // Said in offers only (RFC 8858 section 4.3): there is nowhere else for RTCP to go.
  if (rtcp_mux && is_offer && local.rtcp.port == 0) section.attributes.push_back({"rtcp-mux-only", std::nullopt});
}

/// In place of a transport of its own: the carrier's ports, or none while the peer has not agreed to share them (RFC
/// 9143 sections 7.2.1 and 7.5.1).
void append_ride(bool is_offer, bool bundled, MediaSection& section) {
  section.attributes.push_back({"rtcp-mux", std::nullopt});
  if (!is_offer || bundled) return;
  section.port = 0;
  section.attributes.push_back({"bundle-only", std::nullopt});
}

/// RTP, and RTCP where it may have a port of its own: an offer says that too (RFC 5761 section 5.1.3).
void append_section_ice(const LocalSection& local, bool rtcp_mux, bool is_offer, MediaSection& section) {
  const bool rtcp_apart = !rtcp_mux || (is_offer && local.rtcp.port != 0);
  append_ice(*local.ice, rtcp_apart ? 2 : 1, section);
}

void append_direction(Direction way, MediaSection& section) {
  section.attributes.push_back({std::string(to_string(way)), std::nullopt});
}

/// Names the stream we send, for browsers: one that has no name comes to the page without a MediaStream (RFC 8830, RFC
/// 9429 section 5.2.1). The leg's for its life, and nothing of the other leg's.
void append_stream(const LocalSession& local, std::size_t at, Direction way, MediaSection& section) {
  if (!sends(way)) return;
  const std::string id = std::to_string(local.session_id);
  section.attributes.push_back({"msid", id + " " + id + "-" + std::to_string(at)});
}

/// Moves the c= line that all carried sections share to the session level, where refused sections find one too.
void share_connection(SessionDescription& mine, const proto::IpAddress& otherwise) {
  mine.connection = connection_to(otherwise);
  for (const MediaSection& section : mine.media) {
    if (section.connections.empty()) continue;
    mine.connection = section.connections.front();
    break;
  }
  for (MediaSection& section : mine.media) {
    if (!section.connections.empty() && section.connections.front() == *mine.connection) section.connections.clear();
  }
}

/// RFC 3264 sections 5 and 8: one session id for the leg's life, a version that goes up by one with every change.
void stamp_origin(const LocalSession& local, SessionDescription& mine) {
  const SdpConnection own = connection_to(local.address);
  mine.origin = {"-", std::to_string(local.session_id), "1", own.network_type, own.address_type, own.address};
  if (!local.previous) return;
  mine.origin.version = std::to_string(local.previous->version);
  if (DescriptionMark(mine).digest == local.previous->digest) return;
  mine.origin.version = std::to_string(local.previous->version + 1);
}

/// The session level's part of ICE, if a section has it.
void append_session_ice(const LocalSession& local, SessionDescription& mine) {
  for (std::size_t i = 0; i < mine.media.size() && i < local.sections.size(); ++i) {
    if (find_attribute(mine.media[i].attributes, "ice-ufrag") == nullptr) continue;
    return append_ice(*local.sections[i].ice, mine);
  }
}

SessionDescription finished(const LocalSession& local, SessionDescription mine) {
  append_session_ice(local, mine);
  share_connection(mine, local.address);
  stamp_origin(local, mine);
  return mine;
}

const LocalSection& local_section(const LocalSession& local, std::size_t at) {
  WEIR_ASSERT(at < local.sections.size());
  return local.sections[at];
}

bool is_carried(const RemoteSection& section) {
  return section.use == SectionUse::kAccepted || section.use == SectionUse::kBundled;
}

/// The section whose ports it is carried on.
std::size_t transport_of(const RemoteSection& section, std::size_t at) {
  return section.use == SectionUse::kBundled ? section.carrier : at;
}

void agree_transport(const RemoteSection& remote, bool rtcp_mux, AgreedSection& agreed) {
  agreed.active = true;
  agreed.protocol = remote.protocol;
  agreed.remote_rtp = remote.rtp;
  agreed.remote_rtcp = rtcp_mux ? remote.rtp : remote.rtcp;
  agreed.rtcp_mux = rtcp_mux;
}

DtlsAttributes own_dtls(const LocalSession& local, DtlsSetup setup, const std::string& tls_id) {
  WEIR_ASSERT(!local.fingerprints.empty());
  DtlsAttributes dtls;
  dtls.setup = setup;
  dtls.fingerprints = local.fingerprints;
  if (!tls_id.empty()) dtls.tls_id = tls_id;
  return dtls;
}

/// The lines of our SDES keys that an offer says: those in force, or fresh ones.
std::vector<CryptoAttribute> crypto_to_offer(const LocalSection& own) {
  return own.sdes ? std::vector{own.sdes->local} : own.crypto;
}

void append_crypto(const std::vector<CryptoAttribute>& lines, MediaSection& section) {
  for (const CryptoAttribute& line : lines) section.attributes.push_back({"crypto", write_crypto(line)});
}

/// The keys an offer brings: see make_offer.
void append_offered_keys(const LocalSession& local, const LocalSection& own, RtpProtocol protocol,
                         MediaSection& section) {
  const SecurityPolicy& policy = local.security;
  if (!is_secured(protocol) && (!policy.best_effort || !policy.may_secure())) return;
  const std::vector<CryptoAttribute> crypto = crypto_to_offer(own);
  const bool sdes = policy.sdes() && !crypto.empty() && !is_dtls(protocol);
  const bool dtls = is_dtls(protocol) || (is_secured(protocol) ? !sdes : policy.dtls);
  if (sdes) append_crypto(crypto, section);
  if (dtls) append_dtls_attributes(own_dtls(local, own.setup, own.tls_id), section);
}

void append_offered_transport(const LocalSession& local, const LocalSection& own, RtpProtocol protocol,
                              MediaSection& section) {
  append_transport(own, own.rtcp_mux, true, section);
  if (own.ice) append_section_ice(own, own.rtcp_mux, true, section);
  append_offered_keys(local, own, protocol, section);
}

std::variant<SessionDescription, SdpRefusal> parse_body(std::string_view body) {
  auto parsed = parse_sdp(body);
  if (auto* error = std::get_if<SdpError>(&parsed)) return SdpRefusal{400, "SDP: " + to_string(*error)};
  return std::get<SessionDescription>(std::move(parsed));
}

/// Why nothing of an offer can be carried: the first audio section's reason, or the first reason there is.
SdpRefusal refusal_of(const RemoteOffer& offer) {
  const SdpRefusal* chosen = nullptr;
  for (std::size_t i = 0; i < offer.sections.size(); ++i) {
    if (offer.sections[i].use != SectionUse::kRefused) continue;
    if (chosen == nullptr) chosen = &offer.sections[i].refusal;
    if (offer.description.media[i].media != "audio") continue;
    return offer.sections[i].refusal;
  }
  return chosen != nullptr ? *chosen : SdpRefusal{488, "the offer has no open media section"};
}

/// Keys that both sides use would encrypt two streams alike (RFC 4568 section 6.1): a peer that says ours back has
/// none.
bool shares_a_key(const CryptoAttribute& ours, const CryptoAttribute& theirs) {
  for (const proto::Secret<CryptoKey>& one : ours.keys) {
    for (const proto::Secret<CryptoKey>& other : theirs.keys) {
      if (one->key == other->key) return true;
    }
  }
  return false;
}

/// RFC 4568 section 5.1.3: one line, of our tag and suite.
std::optional<SdpRefusal> read_answered_crypto(const MediaSection& ours, const MediaSection& theirs,
                                               AgreedSection& agreed) {
  if (crypto_lines(theirs).size() != 1) return SdpRefusal{488, "the answer has more than one crypto attribute"};
  auto read = parse_crypto(crypto_lines(theirs).front());
  if (auto* fault = std::get_if<CryptoFault>(&read)) return SdpRefusal{488, std::move(fault->reason)};
  CryptoAttribute& answered = std::get<CryptoAttribute>(read);
  std::optional<CryptoAttribute> own = find_crypto(ours, answered.tag);
  if (!own || own->suite != answered.suite) {
    return SdpRefusal{488, "the answer's crypto attribute answers none of the offer"};
  }
  if (shares_a_key(*own, answered)) return SdpRefusal{488, "the answer's crypto attribute has the offer's own key"};
  agreed.keying = Keying::kSdes;
  agreed.sdes = SdesAgreement{*std::move(own), std::move(answered)};
  return std::nullopt;
}

/// The answer leaves the roles of an association in force as they are. RFC 5763 section 5 has no answer of actpass, yet
/// who offered it once may say it in every answer (baresip 1.0). And our offer of the other role, which asks who knows
/// no tls-id for a new association (RFC 8842 section 3.1), is answered with the role that the party has by some.
bool keeps_roles(DtlsSetup ours, DtlsSetup answered, std::optional<DtlsRole> current) {
  if (!current) return false;
  if (answered == DtlsSetup::kActpass) return true;
  const DtlsSetup theirs = *current == DtlsRole::kClient ? DtlsSetup::kPassive : DtlsSetup::kActive;
  return ours == answered && answered == theirs;
}

/// ICE is used if both sides have it.
void read_answered_ice(const SessionDescription& offered, const MediaSection& ours, const RemoteSection& remote,
                       AgreedSection& agreed) {
  auto read = read_ice(offered, ours);
  WEIR_ASSERT(std::holds_alternative<std::optional<RemoteIce>>(read));
  auto& own = std::get<std::optional<RemoteIce>>(read);
  if (!own || !remote.ice) return;
  agreed.ice = remote.ice;
  agreed.local_ice = LocalIce{std::move(own->credentials), std::move(own->candidates), own->lite};
}

std::optional<SdpRefusal> read_answered_dtls(const SessionDescription& offered, const MediaSection& ours,
                                             const RemoteSection& remote, std::optional<DtlsRole> current,
                                             AgreedSection& agreed) {
  auto own = read_dtls_attributes(offered, ours);
  WEIR_ASSERT(std::holds_alternative<DtlsAttributes>(own));
  agreed.keying = Keying::kDtls;
  agreed.remote_dtls = remote.dtls;
  agreed.local_dtls = std::get<DtlsAttributes>(std::move(own));
  const DtlsSetup setup = agreed.local_dtls.setup.value_or(kSetupOfferedByDefault);
  const DtlsSetup answered = remote.dtls.setup.value_or(kSetupAnsweredByDefault);
  if (keeps_roles(setup, answered, current)) {
    agreed.role = current;
    return std::nullopt;
  }
  if (!is_setup_answer(setup, answered)) {
    return SdpRefusal{
        488, "setup:" + std::string(to_string(answered)) + " does not answer setup:" + std::string(to_string(setup))};
  }
  agreed.role = our_dtls_role(setup, answered);
  return std::nullopt;
}

/// What an answer may bring: only keys of the kinds that the offer brought.
SecurityPolicy policy_of_answer(const MediaSection& ours, const SecurityPolicy& policy) {
  SecurityPolicy out = policy;
  if (crypto_lines(ours).empty()) out.suites.clear();
  out.dtls = find_attribute(ours.attributes, "fingerprint") != nullptr;
  return out;
}

/// Reads one section of an answer; the refusal if the whole answer falls with it.
std::variant<AgreedSection, SdpRefusal> read_answered_section(const SessionDescription& offered,
                                                              const SessionDescription& answer, std::size_t at,
                                                              const SecurityPolicy& policy,
                                                              std::optional<DtlsRole> current) {
  const MediaSection& ours = offered.media[at];
  const MediaSection& theirs = answer.media[at];
  if (ours.media != theirs.media) return SdpRefusal{488, "the answer's media types are not those of the offer"};
  AgreedSection agreed;
  const std::optional<std::size_t> carrier = carrier_of(offered, at);
  if (theirs.port == 0 && !(carrier && is_bundle_only(theirs))) return agreed;
  if (carrier) return read_ridden_answer(offered, answer, at, *carrier);
  if (ours.port == 0) return SdpRefusal{488, "the answer opens a section that the offer closed"};
  if (rtp_protocol(ours.protocol) != rtp_protocol(theirs.protocol)) {
    return SdpRefusal{488, "the answer's protocol is not the one offered"};
  }
  RemoteSection remote = read_section(answer, theirs, policy_of_answer(ours, policy));
  if (remote.use != SectionUse::kAccepted) return std::move(remote.refusal);
  if (common_formats(ours, theirs).empty()) return SdpRefusal{488, "the answer has no format of the offer"};
  agree_transport(remote, has_rtcp_mux(ours) && remote.rtcp_mux, agreed);
  read_answered_ice(offered, ours, remote, agreed);
  agreed.direction = agreed_direction(direction(offered, ours), remote.direction);
  std::optional<SdpRefusal> refused;
  switch (remote.keying) {
    case Keying::kNone:
      break;
    case Keying::kSdes:
      refused = read_answered_crypto(ours, theirs, agreed);
      break;
    case Keying::kDtls:
      refused = read_answered_dtls(offered, ours, remote, current, agreed);
      break;
  }
  if (refused) return *std::move(refused);
  return agreed;
}

/// An answer to an offer that wants a new association, or has none yet, says the next tls-id.
bool is_new_association(const RemoteSection& remote, const LocalSession& local, const LocalSection& own) {
  if (!own.association) return false;
  DtlsAssociationTerms terms = *own.association;
  const DtlsSetup offered = remote.dtls.setup.value_or(kSetupOfferedByDefault);
  terms.our_role = our_dtls_role(setup_to_answer(offered, terms.our_role), offered).value_or(terms.our_role);
  terms.our_fingerprints = local.fingerprints;
  terms.their_fingerprints = remote.dtls.fingerprints;
  terms.their_tls_id = remote.dtls.tls_id.value_or("");
  terms.our_transport = own.rtp;
  if (remote.rtp.port != 0) terms.their_transport = remote.rtp;
  return needs_new_association(*own.association, terms);
}

void answer_dtls(const RemoteSection& remote, const LocalSession& local, const LocalSection& own, MediaSection& section,
                 AgreedSection& agreed) {
  const bool is_new = is_new_association(remote, local, own);
  const DtlsSetup offered = remote.dtls.setup.value_or(kSetupOfferedByDefault);
  const DtlsSetup setup = setup_to_answer(offered, is_new ? std::nullopt : own.current_role);
  const std::string& tls_id = is_new && !own.tls_id_next.empty() ? own.tls_id_next : own.tls_id;
  agreed.local_dtls = own_dtls(local, setup, remote.dtls.tls_id ? tls_id : std::string());
  agreed.remote_dtls = remote.dtls;
  agreed.role = our_dtls_role(setup, offered);
  append_dtls_attributes(agreed.local_dtls, section);
}

/// The line that answers the peer's: of its suite, under its tag; the one in force if the peer's goes on (RFC 4568
/// section 7.1.4). False: we have no key for the suite.
bool answer_crypto(const RemoteSection& remote, const LocalSection& own, MediaSection& section, AgreedSection& agreed) {
  const CryptoAttribute& theirs = *remote.crypto;
  SdesAgreement sdes{{}, theirs};
  if (own.sdes && is_same_crypto(own.sdes->remote, theirs)) {
    sdes.local = own.sdes->local;
  } else {
    const auto line = std::find_if(own.crypto.begin(), own.crypto.end(),
                                   [&](const CryptoAttribute& crypto) { return crypto.suite == theirs.suite; });
    if (line == own.crypto.end()) return false;
    sdes.local = *line;
  }
  if (shares_a_key(sdes.local, theirs)) return false;
  sdes.local.tag = theirs.tag;
  append_crypto({sdes.local}, section);
  agreed.sdes = std::move(sdes);
  return true;
}

/// Appends the keys of our answer. False: there are none that answer the peer's.
bool answer_keys(const RemoteSection& remote, const LocalSession& local, const LocalSection& own, MediaSection& section,
                 AgreedSection& agreed) {
  agreed.keying = remote.keying;
  switch (remote.keying) {
    case Keying::kNone:
      return true;
    case Keying::kSdes:
      return answer_crypto(remote, own, section, agreed);
    case Keying::kDtls:
      answer_dtls(remote, local, own, section, agreed);
      return true;
  }
  return false;
}

void answer_ice(const RemoteSection& remote, const LocalSection& own, MediaSection& section, AgreedSection& agreed) {
  if (!remote.ice || !own.ice) return;
  agreed.ice = remote.ice;
  agreed.local_ice = own.ice;
  append_section_ice(own, agreed.rtcp_mux, false, section);
}

/// What our answer says of a section's transport and keys. False: there are none that answer the peer's.
bool answer_transport(const RemoteSection& remote, const LocalSession& local, const LocalSection& own,
                      MediaSection& section, AgreedSection& agreed) {
  agree_transport(remote, remote.rtcp_mux && own.rtcp_mux, agreed);
  if (remote.use == SectionUse::kBundled) {
    append_ride(false, true, section);
    return true;
  }
  if (remote.rtcp_mux_only && !agreed.rtcp_mux) return false;
  append_transport(own, agreed.rtcp_mux, false, section);
  answer_ice(remote, own, section, agreed);
  return answer_keys(remote, local, own, section, agreed);
}

/// Our side of one section's answer. False: the section stays closed.
bool answer_section(const RemoteOffer& offer, const Agreement& far, const LocalSession& local, std::size_t at,
                    MediaSection& section, AgreedSection& agreed) {
  const RemoteSection& remote = offer.sections[at];
  const bool far_is_active = at < far.sections.size() && far.sections[at].active;
  if (!is_carried(remote) || !far_is_active) return false;
  const MediaSection& theirs = offer.description.media[at];
  const LocalSection& own = local_section(local, transport_of(remote, at));
  MediaSection open = open_section(theirs, remote.protocol, own);
  MediaSection chosen = codecs_to_answer(theirs, far.remote.media[at], local.security.codecs);
  if (local.hides_sources) leave_out_repairs(chosen);
  open.formats = common_formats(theirs, chosen);
  if (open.formats.empty()) return false;
  copy_codecs(chosen, theirs, open);
  copy_feedback(far.remote.media[at], theirs, false, open);
  copy_crossing(far.remote.media[at], {&theirs, &far.local.media[at]}, crossing_to_answer(offer, far, local, at), open);
  if (!answer_transport(remote, local, own, open, agreed)) return false;
  // What the far side sends is what we send here.
  agreed.direction = agreed_direction(reversed(far.sections[at].direction), remote.direction);
  append_direction(agreed.direction, open);
  if (agreed.ice || remote.use == SectionUse::kBundled) append_stream(local, at, agreed.direction, open);
  section = std::move(open);
  return true;
}

/// A rider whose carrier was not accepted is not, either.
void close_lonely_riders(const RemoteOffer& offer, Agreement& agreement) {
  for (std::size_t i = 0; i < offer.sections.size(); ++i) {
    const RemoteSection& remote = offer.sections[i];
    if (remote.use != SectionUse::kBundled || agreement.sections[remote.carrier].active) continue;
    agreement.local.media[i] = closed_section(offer.description.media[i]);
    agreement.sections[i] = {};
  }
}

}  // namespace

DescriptionMark::DescriptionMark(const SessionDescription& description)
    : version(parse_number<std::uint64_t>(description.origin.version).value_or(0)),
      digest(std::hash<std::string>{}(write_sdp(description))) {
  for (std::size_t i = 1; i < description.media.size(); ++i) later.push_back(closed_section(description.media[i]));
  for (const MediaSection& section : description.media) mids.emplace_back(mid_of(section));
  const auto audio = std::find_if(description.media.begin(), description.media.end(), [](const MediaSection& section) {
    return section.media == "audio" && section.port != 0;
  });
  if (audio != description.media.end()) sip::note_audio_types(*audio, audio_types);
}

RtpProtocol protocol_to_offer(const SecurityPolicy& policy) {
  const bool feedback = policy.feedback;
  if (policy.srtp != SrtpDemand::kRequired || !policy.may_secure()) {
    return feedback ? RtpProtocol::kAvpf : RtpProtocol::kAvp;
  }
  const bool dtls = policy.dtls && (!policy.sdes() || policy.first == Keying::kDtls);
  if (dtls) return feedback ? RtpProtocol::kDtlsSavpf : RtpProtocol::kDtlsSavp;
  return feedback ? RtpProtocol::kSavpf : RtpProtocol::kSavp;
}

std::variant<RemoteOffer, SdpRefusal> read_offer(std::string_view body, std::size_t sections_before,
                                                 const SecurityPolicy& policy) {
  auto parsed = parse_body(body);
  if (auto* refusal = std::get_if<SdpRefusal>(&parsed)) return std::move(*refusal);
  RemoteOffer offer{std::get<SessionDescription>(std::move(parsed)), {}, policy.extensions, policy.simulcast};
  if (offer.description.media.size() < sections_before) {
    return SdpRefusal{400, "the offer has fewer sections than the session"};
  }
  std::size_t accepted = 0;
  for (const MediaSection& section : offer.description.media) {
    RemoteSection& remote = offer.sections.emplace_back(read_section(offer.description, section, policy));
    if (remote.use == SectionUse::kRefused && remote.refusal.status == 400) return std::move(remote.refusal);
    if (remote.use != SectionUse::kAccepted) continue;
    if (++accepted <= kSectionsAcceptedMax) continue;
    remote = RemoteSection{};
    remote.use = SectionUse::kRefused;
    remote.refusal.reason = "the offer has more sections than are carried";
  }
  if (accepted == 0) return refusal_of(offer);
  read_riders(policy, offer);
  return offer;
}

SessionDescription make_offer(const RemoteOffer& received, const LocalSession& local, RtpProtocol protocol) {
  SessionDescription mine;
  const std::vector<std::string> mids = mids_of_offer(received, local, received.sections.size());
  for (std::size_t i = 0; i < received.sections.size(); ++i) {
    const MediaSection& theirs = received.description.media[i];
    const RemoteSection& remote = received.sections[i];
    const bool rides = may_ride(received, local, i, protocol);
    if (remote.use != SectionUse::kAccepted && !rides) {
      mine.media.push_back(closed_section(theirs));
      continue;
    }
    const LocalSection& own = local_section(local, transport_of(remote, i));
    MediaSection section = open_section(theirs, protocol, own);
    const AudioTypes before = local.previous ? local.previous->audio_types : AudioTypes{};
    MediaSection shown = codecs_to_offer(theirs, local.security.codecs, before);
    if (local.hides_sources) leave_out_repairs(shown);
    section.formats = common_formats(shown, shown);
    copy_codecs(shown, shown, section);
    copy_feedback(theirs, theirs, true, section);
    copy_crossing(theirs, {&theirs}, crossing_to_offer(received, local, i, protocol, mids[i]), section);
    if (rides) {
      append_ride(true, local.sections[i].bundled, section);
    } else {
      append_offered_transport(local, own, protocol, section);
    }
    append_direction(remote.direction, section);
    if (own.ice) append_stream(local, i, remote.direction, section);
    mine.media.push_back(std::move(section));
  }
  // RFC 3264 section 8: never fewer than in the session. What the other side does not know of stays closed.
  for (std::size_t i = mine.media.size(); local.previous && i <= local.previous->later.size(); ++i) {
    mine.media.push_back(local.previous->later[i - 1]);
  }
  append_offered_bundle(received, local, protocol, mine);
  return finished(local, std::move(mine));
}

std::variant<Agreement, SdpRefusal> read_answer(const SessionDescription& offered, std::string_view body,
                                                const SecurityPolicy& policy, std::span<const LocalSection> own) {
  auto parsed = parse_body(body);
  if (auto* refusal = std::get_if<SdpRefusal>(&parsed)) return std::move(*refusal);
  Agreement agreement{std::get<SessionDescription>(std::move(parsed)), offered, {}};
  if (agreement.remote.media.size() != offered.media.size()) {
    return SdpRefusal{488, "the answer has another number of sections than the offer"};
  }
  bool any = false;
  for (std::size_t i = 0; i < offered.media.size(); ++i) {
    const std::optional<DtlsRole> current = i < own.size() ? own[i].current_role : std::nullopt;
    auto read = read_answered_section(offered, agreement.remote, i, policy, current);
    if (auto* refusal = std::get_if<SdpRefusal>(&read)) return std::move(*refusal);
    agreement.sections.push_back(std::get<AgreedSection>(std::move(read)));
    any = any || agreement.sections.back().active;
  }
  if (!any) return SdpRefusal{488, "the answer accepts no media"};
  for (std::size_t i = 0; i < offered.media.size(); ++i) {
    const std::optional<std::size_t> carrier = carrier_of(offered, i);
    const bool lonely = carrier && agreement.sections[i].active && !agreement.sections[*carrier].active;
    if (lonely) return SdpRefusal{488, "the answer refuses the section that its BUNDLE group rides on"};
  }
  return agreement;
}

Agreement make_answer(const RemoteOffer& offer, const Agreement& far, const LocalSession& local) {
  Agreement agreement{offer.description, {}, {}};
  for (std::size_t i = 0; i < offer.sections.size(); ++i) {
    MediaSection section = closed_section(offer.description.media[i]);
    AgreedSection agreed;
    if (!answer_section(offer, far, local, i, section, agreed)) agreed = {};
    agreement.local.media.push_back(std::move(section));
    agreement.sections.push_back(std::move(agreed));
  }
  close_lonely_riders(offer, agreement);
  append_answered_bundle(offer, agreement);
  agreement.local = finished(local, std::move(agreement.local));
  return agreement;
}

}  // namespace weir::sip
