#include "controlplane/media_policy.h"

#include <algorithm>

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

bool allows(const settings::MediaPolicy& media, settings::Keying keying) {
  return std::find(media.keying.begin(), media.keying.end(), keying) != media.keying.end();
}

/// Every keying that the realm allows, in its order.
sip::SecurityPolicy keyings_of(const settings::MediaPolicy& media) {
  sip::SecurityPolicy policy;
  policy.dtls = allows(media, settings::Keying::kDtls);
  if (allows(media, settings::Keying::kSdes)) policy.suites = media.sdes_suites;
  policy.first = media.keying.front() == settings::Keying::kDtls ? sip::Keying::kDtls : sip::Keying::kSdes;
  policy.feedback = media.avpf;
  policy.ice = media.ice != settings::Ice::kOff;
  policy.ice_full = media.ice == settings::Ice::kFull;
  policy.video = media.video;
  policy.extensions = media.header_extensions;
  policy.simulcast = media.simulcast;
  policy.codecs = media.codecs;
  policy.fingerprints_accepted = sip::FingerprintHashes(media.fingerprints_accepted);
  policy.fingerprints_offered = sip::FingerprintHashes(media.fingerprints_offered);
  policy.rekey_s = media.dtls_rekey_s;
  policy.rtp_over_dtls = media.rtp_over_dtls;
  // More than 2^32 are decades.
  policy.rekey_packets = static_cast<std::uint32_t>(std::min<std::uint64_t>(media.dtls_rekey_packets, UINT32_MAX));
  policy.renegotiates = media.dtls_renegotiation;
  return policy;
}

}  // namespace

sip::SecurityPolicy policy_from(const settings::RealmSettings& realm) {
  sip::SecurityPolicy policy = keyings_of(realm.policy.media);
  switch (realm.policy.media.security) {
    case settings::MediaSecurity::kOptional:
      break;
    case settings::MediaSecurity::kPreferred:
      policy.best_effort = true;
      break;
    case settings::MediaSecurity::kRequired:
      policy.srtp = sip::SrtpDemand::kRequired;
      break;
    case settings::MediaSecurity::kForbidden:
      policy.srtp = sip::SrtpDemand::kForbidden;
      break;
  }
  return policy;
}

sip::SecurityPolicy policy_towards(const settings::RealmSettings& realm, settings::MediaProfile profile) {
  sip::SecurityPolicy policy = keyings_of(realm.policy.media);
  switch (profile) {
    case settings::MediaProfile::kRtp:
      policy.srtp = sip::SrtpDemand::kForbidden;
      break;
    case settings::MediaProfile::kDtls:
      policy.srtp = sip::SrtpDemand::kRequired;
      policy.dtls = true;
      policy.suites.clear();
      policy.first = sip::Keying::kDtls;
      break;
    case settings::MediaProfile::kSdes:
      policy.srtp = sip::SrtpDemand::kRequired;
      policy.dtls = false;
      policy.suites = realm.policy.media.sdes_suites;
      policy.first = sip::Keying::kSdes;
      break;
    case settings::MediaProfile::kBestEffort:
      policy.best_effort = true;
      break;
  }
  return policy;
}

void join_codecs(sip::SecurityPolicy& policy, const settings::RealmSettings& other) {
  policy.codecs.transcode = policy.codecs.transcode || other.policy.media.codecs.transcode;
}

}  // namespace weir::controlplane
