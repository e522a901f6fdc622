// A call as the journal keeps it, so that a weir-control that was killed leaves all of it to the next one: dialogs,
// what was agreed, session timers, the stream. An established call only: what was on its way is the peers' to repeat.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/call_detail.h"
#include "controlplane/identity_service.h"
#include "controlplane/kept_media.h"
#include "controlplane/left_flows.h"
#include "controlplane/peer_abilities.h"
#include "proto/bytes.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"
#include "sip/dialog.h"
#include "sip/offer_answer.h"
#include "sip/privacy.h"

namespace weir::controlplane {

/// CSeq numbers a killed weir-control may have used after its call was kept.
inline constexpr std::uint32_t kCseqSkipped = 100;

/// One leg and its party. Its descriptions may hold keys: they are wiped when it goes.
struct KeptLeg {
  KeptLeg() = default;
  KeptLeg(const KeptLeg&) = default;
  KeptLeg(KeptLeg&&) noexcept = default;
  KeptLeg& operator=(const KeptLeg&) = default;
  KeptLeg& operator=(KeptLeg&&) noexcept = default;
  ~KeptLeg();

  std::string realm;  ///< by name: its index is the configuration's
  proto::settings::SipTransport transport = proto::settings::SipTransport::kUdp;
  proto::Endpoint remote;                   ///< where its SIP came from, or went to
  std::optional<std::uint64_t> connection;  ///< the handle of the one that it came by, if the party had made it
  std::vector<FlowName> flows;              ///< by whose registration the party is known again
  sip::DialogRecord dialog;
  std::string trunk;   ///< whose member it was reached by; empty: none
  std::string target;  ///< that member, as the configuration names it
  std::uint64_t party = 0;
  std::string display;
  sip::HiddenParts hides;  ///< see Leg
  PeerAbilities peer;
  std::optional<JudgedIdentity> identity;
  std::uint32_t session_s = 0;
  std::uint32_t session_min_s = 0;
  bool refreshes = false;
  std::uint64_t session_due_ns = 0;  ///< CLOCK_MONOTONIC: when the session timer fires
  std::uint64_t session_id = 0;      ///< of our o= line
  sip::SecurityPolicy security;
  std::string local;                             ///< our description in force, as SDP; may hold keys
  std::string remote_description;                ///< the party's
  std::optional<sip::DescriptionMark> previous;  ///< our last one
  sip::AgreedSection agreed;                     ///< of the section that is carried
};

struct KeptCall {
  std::uint64_t number = 0;
  std::uint64_t started_ns = 0;   ///< CLOCK_MONOTONIC
  std::uint64_t answered_ns = 0;  ///< likewise
  CallOrigin origin;
  std::string callee_realm;  ///< where the callee was looked for
  proto::settings::MediaProfile callee_profile = proto::settings::MediaProfile::kRtp;
  std::string callee_display;
  /// Who called, as names and values of SIP headers in turn: for those whom a transfer invites.
  std::vector<std::string> identity;
  std::uint32_t section = 0;
  std::uint32_t sections = 0;  ///< in every description
  std::uint32_t transfers_left = 0;
  std::array<KeptLeg, 2> legs;
  /// nullopt: its media was not there yet, and the call cannot go on.
  std::optional<KeptMedia> media;
};

/// Bytes of `room` used; 0: it is too small. They hold keys: the caller wipes them.
std::size_t write_kept_call(KeptCall call, proto::MutableBytes room);
/// nullopt if it is none: the file may have been damaged.
std::optional<KeptCall> read_kept_call(proto::Bytes bytes);

}  // namespace weir::controlplane
