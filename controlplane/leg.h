// A leg: our end of the dialog with one of a call's two parties. RFC 3261 sections 12, 13 and 15.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/boxed.h"
#include "controlplane/call_slot.h"
#include "controlplane/destination.h"
#include "controlplane/identity_service.h"
#include "controlplane/left_flows.h"
#include "controlplane/media_types.h"
#include "controlplane/packed_agreement.h"
#include "controlplane/path.h"
#include "controlplane/peer_abilities.h"
#include "controlplane/provisionals.h"
#include "sip/dialog.h"
#include "sip/message.h"
#include "sip/offer_answer.h"
#include "sip/privacy.h"
#include "sip/reason.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// Where a leg stands. The caller's leg starts at kInviting with its INVITE, the callee's with ours.
enum class LegState : std::uint8_t {
  kIdle,       ///< no INVITE yet
  kInviting,   ///< INVITE without final response
  kUnacked,    ///< caller: 2xx sent, its ACK not here: no BYE may go out yet (RFC 3261 section 15)
  kConfirmed,  ///< a session
  kLeaving,    ///< BYE sent, or INVITE cancelled: waiting for the last word
  kOver,
};
const char* to_string(LegState state);

/// A 2xx that is repeated until its ACK comes.
struct UnackedAnswer {
  sip::TransactionId id;
  std::uint32_t cseq = 0;  ///< of the INVITE: the ACK's is the same (RFC 3261 section 13.2.2.4)
  bool offered = false;    ///< our 2xx made the offer: the ACK brings the answer
};

/// Whole pictures that the peer is asked for: of a leg with video.
struct PictureRequests {
  sip::TransactionId info;    ///< our INFO that is not answered yet
  std::uint64_t info_ns = 0;  ///< of the last INFO; 0: none
  std::uint64_t rtcp_ns = 0;  ///< of the last request by RTCP; 0: none
  bool refuses_info = false;
};

/// Owned by its call.
class Leg {
 public:
  Leg(Side side, Path path) : side_(side), path_(std::move(path)) {}

  [[nodiscard]] Side side() const { return side_; }
  /// It is another call's from now on: what was the call's before goes.
  void move_to(Side side);
  [[nodiscard]] const Path& path() const { return path_; }
  void set_path(Path path) { path_ = std::move(path); }
  /// A request of the peer's in the dialog, in its order, came by `way`: if the peer has left the connection that the
  /// leg knew for another one, so does the leg.
  void follow(const Path& way, const PathFinder& paths);

  LegState state = LegState::kIdle;
  sip::TransactionId invite;              ///< the INVITE that made the leg
  sip::TransactionId bye;                 ///< ours
  std::optional<UnackedAnswer> reinvite;  ///< the peer's latest re-INVITE, if we took it and its ACK is not here
  std::optional<sip::Dialog> dialog;      ///< caller: from its INVITE; callee: from its 2xx
  /// Which of those that may answer our INVITE the peer is: forks have numbers of their own (RemoteMedia::dialog).
  std::uint64_t party = 0;
  std::string display;     ///< the party as people know it: a URI
  sip::HiddenParts hides;  ///< what the party has asked for

  /// By whose registration the party is known again if its connection ends, as of the last time that it was asked for.
  Boxed<std::vector<FlowName>> flows;

  std::optional<TrunkMember> member;  ///< it was reached by: who may be shown the trunk's credentials
  CallSlot slot;                      ///< of that one
  PeerAbilities peer;                 ///< what the peer has said it can do

  // The session timer (RFC 4028).
  std::unique_ptr<Alarm> session_alarm;  ///< running: for our refresh, or for the peer's
  std::uint64_t session_due_ns = 0;      ///< when it fires
  std::uint32_t session_s = 0;           ///< the interval agreed on; 0: none
  std::size_t session_raises = 0;        ///< how often a 422 of the peer's was given way to
  std::uint32_t session_min_s = 0;       ///< what the peer's 422 has said it must be at least
  bool refreshes = false;                ///< we do, else the peer

  // Before the answer (RFC 3262).
  std::unique_ptr<Provisionals> provisionals;  ///< caller: our reliable provisional responses
  /// callee: takes note of a provisional response. False: a reliable one that came before, or out of order.
  [[nodiscard]] bool takes_reliable(const sip::Message& response);

  // Offer and answer.
  sip::LocalSession session;
  Boxed<sip::SessionDescription> offered;  ///< our offer that is not answered yet
  PackedAgreement agreement;
  Boxed<SecuredInfo> secured;
  Boxed<std::string> told_sas;      ///< the other side's short authentication string, as this party was told it
  Boxed<JudgedIdentity> identity;   ///< what became of the Identity of the party's requests; empty: nobody asked
  Boxed<PictureRequests> pictures;  ///< empty: none yet

  [[nodiscard]] bool over() const { return state == LegState::kOver || state == LegState::kIdle; }

  /// Our Via with a fresh branch.
  [[nodiscard]] sip::Via make_via(const sip::TokenSource& tokens) const;
  /// Where the peer shall reach us: by a SIPS URI where it was one that was asked for (RFC 5630 section 3.1.1).
  [[nodiscard]] sip::NameAddr contact(bool sips = false) const;
  /// The dialog was made by a request to a SIPS URI: all that is said in it goes by secured transports.
  [[nodiscard]] bool is_sips() const { return dialog && dialog->local_contact().uri.scheme == sip::Scheme::kSips; }
  /// What a message of the party asks for with Privacy; what it wanted once stays so.
  void learn_wishes(const sip::Message& said);
  /// Whether the party's request may come so: what belongs to a dialog of a SIPS URI comes by secured transports (RFC
  /// 5630 section 3.3); who hangs up may do it anyhow.
  [[nodiscard]] bool may_come_by(const Path& way, const sip::Message& request) const;
  /// A response in the leg's dialog to a request of the peer's, with our name and what we allow.
  [[nodiscard]] sip::Message make_response(const sip::Message& request, std::uint16_t status,
                                           std::string_view reason) const;
  /// How a request of ours in the dialog goes out: over the connection that the peer has registered anew by, or else
  /// its own where there is one, else to the dialog's next hop, else back to where the peer was.
  [[nodiscard]] sip::Hop dialog_hop(PathFinder& paths) const;

 private:
  [[nodiscard]] bool may_move_to(const Path& way) const;

  Side side_;
  Path path_;
  std::uint32_t rseq_last_ = 0;
  std::uint32_t reliable_ = 0;  ///< that were taken
};

using sip::reason_header;

/// Allow, as every request and response of ours says it.
inline constexpr std::string_view kAllowed =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, NOTIFY, REFER";
/// Supported, as every INVITE and 2xx of ours says it; what Require may ask of us.
inline constexpr std::string_view kSupported = "100rel, timer, replaces, norefersub, from-change";
inline constexpr std::string_view kSoftware = "Weir";
/// The user in our Contacts.
inline constexpr std::string_view kContactUser = "weir";

/// What weir-media and the DTLS part need to know of what was agreed on one section, and on those that ride on it: what
/// any of them may send or get goes.
RemoteMedia to_remote_media(const sip::Agreement& agreement, std::size_t section);
/// The same, where the terms are known already.
RemoteMedia to_remote_media(std::span<const sip::AgreedSection> sections, std::size_t section, MediaTerms terms);

}  // namespace weir::controlplane
