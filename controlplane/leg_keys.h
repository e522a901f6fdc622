// The keys of one leg's media as they are in force, wherever they came from: DTLS associations or a=crypto lines.
#pragma once

#include "controlplane/dtls.h"
#include "controlplane/secret.h"
#include "controlplane/srtp_keys.h"
#include "proto/flow.h"
#include "sip/media_security.h"

namespace weir::controlplane {

/// One direction of a leg: the master keys of RTP and RTCP, which differ only without rtcp-mux under DTLS (RFC 5764
/// section 4.1.2), and what RFC 4568 says of the key besides.
struct DirectionKeys {
  MasterKey rtp;
  MasterKey rtcp;
  std::uint8_t lifetime_log2;  ///< as in proto::TransformSpec
  std::uint8_t mki_bytes;
  std::array<std::uint8_t, proto::kMkiBytesMax> mki;

  friend bool operator==(const DirectionKeys&, const DirectionKeys&) = default;
};

/// Both directions. profile kNone: plain, and the keys mean nothing.
struct LegKeys {
  proto::SrtpProfile profile = proto::SrtpProfile::kNone;
  Secret<DirectionKeys> receive;
  Secret<DirectionKeys> send;
  bool keeps_indexes = false;  ///< as in proto::TransformSpec: when they are put into force
  /// kDtlsRecords, which has no keys here: the leg's number for the association that has them.
  std::uint32_t association = 0;
};

/// The same profile and keys, or association, whatever their indexes are to do.
bool is_same(const LegKeys& a, const LegKeys& b);

/// Of one DTLS association for each port; with rtcp-mux both are the same.
LegKeys keys_of(const DtlsSecured& rtp, const DtlsSecured& rtcp);
/// Of an SDES agreement: each side sends with the first key of its line.
LegKeys keys_of(const sip::SdesAgreement& agreed);

/// What weir-media is told of one direction. `keeps_indexes` as in proto::TransformSpec.
Secret<proto::TransformSpec> make_transform(proto::SrtpProfile profile, const DirectionKeys& keys, bool keeps_indexes);

}  // namespace weir::controlplane
