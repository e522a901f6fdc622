#include "controlplane/leg_keys.h"

namespace weir::controlplane {
namespace {

Secret<DirectionKeys> direction_of(const sip::CryptoAttribute& crypto) {
  const sip::CryptoKey& first = *crypto.keys.front();
  Secret<DirectionKeys> keys;
  keys->rtp = {.key = first.key, .salt = first.salt};
  keys->rtcp = keys->rtp;
  keys->lifetime_log2 = first.lifetime_log2;
  keys->mki_bytes = first.mki_bytes;
  keys->mki = first.mki;
  return keys;
}

}  // namespace

LegKeys keys_of(const DtlsSecured& rtp, const DtlsSecured& rtcp) {
  LegKeys keys;
  keys.profile = rtp.profile;
  keys.receive->rtp = *rtp.receive_key;
  keys.receive->rtcp = *rtcp.receive_key;
  keys.send->rtp = *rtp.send_key;
  keys.send->rtcp = *rtcp.send_key;
  return keys;
}

LegKeys keys_of(const sip::SdesAgreement& agreed) {
  LegKeys keys;
  keys.profile = agreed.local.suite;
  keys.receive = direction_of(agreed.remote);
  keys.send = direction_of(agreed.local);
  return keys;
}

bool is_same(const LegKeys& a, const LegKeys& b) {
  return a.profile == b.profile && a.association == b.association && *a.receive == *b.receive && *a.send == *b.send;
}

Secret<proto::TransformSpec> make_transform(proto::SrtpProfile profile, const DirectionKeys& keys, bool keeps_indexes) {
  if (!proto::is_srtp(profile)) {
    Secret<proto::TransformSpec> keyless;
    keyless->profile = profile;
    return keyless;
  }
  Secret<proto::TransformSpec> transform = make_transform(profile, keys.rtp, keys.rtcp);
  transform->lifetime_log2 = keys.lifetime_log2;
  transform->mki_bytes = keys.mki_bytes;
  transform->mki = keys.mki;
  transform->keeps_indexes = keeps_indexes ? 1 : 0;
  return transform;
}

}  // namespace weir::controlplane
