#include "controlplane/kept_call.h"

#include <algorithm>

#include "controlplane/certificate.h"
#include "controlplane/keeper.h"

namespace weir::controlplane {

template <>
inline constexpr auto kKeptLast<proto::settings::SipTransport> = proto::settings::SipTransport::kWss;
template <>
inline constexpr auto kKeptLast<proto::settings::MediaProfile> = proto::settings::MediaProfile::kBestEffort;
template <>
inline constexpr auto kKeptLast<proto::SrtpProfile> = static_cast<proto::SrtpProfile>(proto::kSrtpProfileCount - 1);
template <>
inline constexpr auto kKeptLast<sip::DialogState> = sip::DialogState::kTerminated;
template <>
inline constexpr auto kKeptLast<sip::Keying> = sip::Keying::kDtls;
template <>
inline constexpr auto kKeptLast<sip::SrtpDemand> = sip::SrtpDemand::kRequired;
template <>
inline constexpr auto kKeptLast<sip::DtlsRole> = sip::DtlsRole::kServer;
template <>
inline constexpr auto kKeptLast<sip::DtlsSetup> = sip::DtlsSetup::kHoldconn;
template <>
inline constexpr auto kKeptLast<sip::DtlsConnection> = sip::DtlsConnection::kExisting;
template <>
inline constexpr auto kKeptLast<sip::FingerprintHash> = sip::FingerprintHash::kSha512;
template <>
inline constexpr auto kKeptLast<sip::RtpProtocol> = sip::RtpProtocol::kDtlsAvpf;
template <>
inline constexpr auto kKeptLast<proto::CodecName> = proto::CodecName::kL16;
template <>
inline constexpr auto kKeptLast<proto::IceRole> = proto::IceRole::kControlled;
template <>
inline constexpr auto kKeptLast<sip::Direction> = sip::Direction::kInactive;

// Every member of each, in order. One that is forgotten here is lost in a restart. Not in a nameless namespace, where
// keep_one() would not find them.

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::DialogId& id) {
  keep(keeper, id.call_id, id.local_tag, id.remote_tag);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::DialogRecord& dialog) {
  keep(keeper, dialog.id, dialog.state, dialog.is_uac, dialog.local, dialog.remote, dialog.local_contact,
       dialog.remote_target, dialog.route_set, dialog.local_cseq, dialog.made_by_cseq, dialog.remote_cseq);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, PeerAbilities& peer) {
  keep(keeper, peer.reliable, peer.update, peer.timer, peer.replaces, peer.from_change);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, proto::CodecPolicy& codecs) {
  for (proto::CodecName& name : codecs.offer) keep(keeper, name);
  keep(keeper, codecs.count, codecs.transcode);
  if (codecs.count > codecs.offer.size()) keeper.fail();
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::FingerprintHashes& hashes) {
  keep(keeper, hashes.packed);
  const std::vector<proto::CertificateHash> list = hashes.list();
  const auto is_one = [](proto::CertificateHash hash) { return hash <= kKeptLast<proto::CertificateHash>; };
  if (list.empty() || !std::all_of(list.begin(), list.end(), is_one)) keeper.fail();
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::SecurityPolicy& policy) {
  keep(keeper, policy.srtp, policy.dtls, policy.suites, policy.first, policy.best_effort, policy.feedback, policy.ice,
       policy.ice_full, policy.video, policy.extensions, policy.simulcast, policy.codecs, policy.fingerprints_accepted,
       policy.fingerprints_offered, policy.rekey_s, policy.rekey_packets, policy.renegotiates, policy.rtp_over_dtls);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::Fingerprint& fingerprint) {
  keep(keeper, fingerprint.hash, fingerprint.digest);
}

/// What it was to be refused with is of no use any more.
template <typename Keeper>
void kept_fields(Keeper& keeper, JudgedIdentity& verdict) {
  keep(keeper, verdict.outcome, verdict.check, verdict.text, verdict.orig, verdict.is_number, verdict.attest,
       verdict.origid, verdict.certificate, verdict.bound);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::DtlsAttributes& dtls) {
  keep(keeper, dtls.setup, dtls.connection, dtls.fingerprints, dtls.tls_id);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::CryptoKey& key) {
  keep(keeper, key.key, key.salt, key.lifetime_log2, key.mki_bytes, key.mki);
  if (key.mki_bytes > proto::kMkiBytesMax) keeper.fail();
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::CryptoAttribute& crypto) {
  keep(keeper, crypto.tag, crypto.suite, crypto.keys);
  if (crypto.keys.empty()) keeper.fail();
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::SdesAgreement& sdes) {
  keep(keeper, sdes.local, sdes.remote);
}

/// A closed one: that is all it has.
template <typename Keeper>
void kept_fields(Keeper& keeper, sip::MediaSection& section) {
  keep(keeper, section.media, section.protocol, section.formats);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::DescriptionMark& mark) {
  keep(keeper, mark.version, mark.digest, mark.later, mark.mids, mark.audio_types);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::IceCredentials& credentials) {
  keep(keeper, credentials.ufrag, credentials.password);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::IceCandidate& candidate) {
  keep(keeper, candidate.foundation, candidate.component, candidate.priority, candidate.endpoint, candidate.type);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::RemoteIce& ice) {
  keep(keeper, ice.credentials, ice.lite, ice.trickle, ice.ended, ice.candidates, ice.bytes, ice.candidates_left_out,
       ice.chosen);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::LocalIce& ice) {
  keep(keeper, ice.credentials, ice.candidates, ice.lite);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::AgreedSection& section) {
  keep(keeper, section.active, section.protocol, section.remote_rtp, section.remote_rtcp, section.rtcp_mux,
       section.direction, section.keying, section.role, section.remote_dtls, section.local_dtls, section.sdes,
       section.ice, section.local_ice);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, sip::DtlsAssociationTerms& terms) {
  keep(keeper, terms.our_role, terms.our_fingerprints, terms.their_fingerprints, terms.our_tls_id, terms.their_tls_id,
       terms.our_transport, terms.their_transport, terms.ice);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, MasterKey& key) {
  keep(keeper, key.key, key.salt);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, DirectionKeys& keys) {
  keep(keeper, keys.rtp, keys.rtcp, keys.lifetime_log2, keys.mki_bytes, keys.mki);
  if (keys.mki_bytes > proto::kMkiBytesMax) keeper.fail();
}

template <typename Keeper>
void kept_fields(Keeper& keeper, LegKeys& keys) {
  keep(keeper, keys.profile, keys.receive, keys.send, keys.keeps_indexes);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, SecuredInfo& info) {
  keep(keeper, info.keying, info.profile, info.role, info.version, info.cipher_suite, info.fingerprint, info.verdict,
       info.short_authentication, info.peer);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, MediaTerms& terms) {
  keep(keeper, terms.codec, terms.clock_hz, terms.rates.packets_per_s, terms.rates.bytes_per_s, terms.understands,
       terms.extensions, terms.audio.count, terms.audio.types, terms.audio.codecs);
  if (!is_valid(terms.audio)) keeper.fail();
}

/// With its key; no bytes: there is none.
template <typename Keeper>
void kept_fields(Keeper& keeper, std::shared_ptr<const Certificate>& certificate) {
  std::vector<std::uint8_t> der = certificate ? certificate->to_der() : std::vector<std::uint8_t>{};
  keep(keeper, der);
  if constexpr (Keeper::kReads) {
    auto read = der.empty() ? proto::Error{""} : Certificate::from_der(der);
    if (!read && !der.empty()) keeper.fail();
    if (read) certificate = std::make_shared<const Certificate>(std::move(read).value());
  }
  proto::wipe(der.data(), der.size());
}

template <typename Keeper>
void kept_fields(Keeper& keeper, KeptMediaLeg& leg) {
  keep(keeper, leg.network, leg.also_network, leg.terms, leg.rtp_port, leg.security, leg.certificate, leg.keys,
       leg.secured, leg.association, leg.tls_id, leg.tls_id_next, leg.ice[0], leg.ice[1], leg.ice_role, leg.fresh_ssrc,
       leg.unlinkable, leg.keys_age.since_ns, leg.keys_age.packets_before, leg.sends_before);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, KeptMedia& media) {
  keep(keeper, media.cookie, media.legs[0], media.legs[1], media.ssrcs_used);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, CallOrigin& origin) {
  keep(keeper, origin.from, origin.to, origin.request_uri, origin.ringing_ns);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, FlowName& flow) {
  keep(keeper, flow.realm, flow.user, flow.instance, flow.reg_id);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, KeptLeg& leg) {
  keep(keeper, leg.realm, leg.transport, leg.remote, leg.connection, leg.flows, leg.dialog, leg.trunk, leg.target,
       leg.party, leg.display, leg.hides.name, leg.hides.media, leg.peer, leg.identity, leg.session_s,
       leg.session_min_s, leg.refreshes, leg.session_due_ns, leg.session_id, leg.security, leg.local,
       leg.remote_description, leg.previous, leg.agreed);
}

template <typename Keeper>
void kept_fields(Keeper& keeper, KeptCall& call) {
  keep(keeper, call.number, call.started_ns, call.answered_ns, call.origin, call.callee_realm, call.callee_profile,
       call.callee_display, call.identity, call.section, call.sections, call.transfers_left, call.legs[0], call.legs[1],
       call.media);
}

KeptLeg::~KeptLeg() {
  for (std::string* const text : {&local, &remote_description}) proto::wipe(text->data(), text->size());
}

std::size_t write_kept_call(KeptCall call, proto::MutableBytes room) {
  KeepWriter writer(room);
  keep(writer, call);
  return writer.ok() ? writer.bytes() : 0;
}

std::optional<KeptCall> read_kept_call(proto::Bytes bytes) {
  KeepReader reader(bytes);
  KeptCall call;
  keep(reader, call);
  if (!reader.at_end() || call.sections > kKeptElementsMax || call.section >= call.sections) return std::nullopt;
  return call;
}

}  // namespace weir::controlplane
