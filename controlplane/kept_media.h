// A stream as the call journal keeps it: what a later weir-control needs to take its flows over, keys and all. Keys lie
// in the journal (tmpfs, mode 0600, wiped with their call) as they lie in the region: weir-media is told of both sides'
// keys whenever one side's change, and cannot tell them itself.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/leg_keys.h"
#include "controlplane/media_types.h"
#include "proto/ice_role.h"
#include "sip/dtls_attributes.h"
#include "sip/media_security.h"

namespace weir::controlplane {

/// One leg of it. What its SDP says comes from the call (RemoteMedia).
struct KeptMediaLeg {
  std::uint8_t network = 0;                  ///< index in Settings::networks
  std::optional<std::uint8_t> also_network;  ///< see MediaLegOptions
  std::uint16_t rtp_port = 0;                ///< local, even
  MediaTerms terms;                          ///< of what its party sends
  sip::SecurityPolicy security;
  std::shared_ptr<const Certificate> certificate;  ///< its own; null: all legs' one
  LegKeys keys;                                    ///< in force
  SecuredInfo secured;
  std::optional<sip::DtlsAssociationTerms> association;  ///< what the one in force was made of
  std::string tls_id;                                    ///< ours, of the association in force or to come
  std::string tls_id_next;                               ///< likewise
  std::array<sip::IceCredentials, 2> ice;                ///< ours, as LegIce::ours
  proto::IceRole ice_role = proto::IceRole::kNone;       ///< ours, as a full agent
  bool unlinkable = false;                               ///< see MediaLegOptions
  KeyAge keys_age;
  bool sends_before = false;     ///< weir-media sends to it with the keys before these
  std::uint32_t fresh_ssrc = 0;  ///< what its media leaves as after a transfer; 0: as it comes
};

struct KeptMedia {
  std::uint64_t cookie = 0;  ///< of its flows
  std::array<KeptMediaLeg, 2> legs;
  std::vector<std::uint32_t> ssrcs_used;  ///< what its legs have heard before a party was replaced
};

}  // namespace weir::controlplane
