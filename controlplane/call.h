// A call: two legs and the stream between them, as a back-to-back user agent (RFC 7092). The methods below are what can
// happen to it, in the order of a call's life; each says what it does to either leg.
#pragma once

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/alarms.h"
#include "controlplane/boxed.h"
#include "controlplane/call_control.h"
#include "controlplane/call_detail.h"
#include "controlplane/end_cause.h"
#include "controlplane/exchange.h"
#include "controlplane/identity_wait.h"
#include "controlplane/invitation.h"
#include "controlplane/kept_call.h"
#include "controlplane/leg.h"
#include "controlplane/media.h"
#include "sip/event.h"
#include "sip/ice_fragment.h"
#include "sip/refer_to.h"

namespace weir::controlplane {

class AttendedTransfer;
class Transfer;

class Call : public Requester, private Inviter {
 public:
  Call(CallContext& context, CallControl& control, std::uint64_t number, std::uint64_t now_ns);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() override;

  // Set-up.
  /// An INVITE with Replaces (RFC 3891) that names this dialog of the call: its sender takes the place of that party.
  /// An EndCause refuses it, and the call goes on as it was.
  std::optional<EndCause> on_replaces(sip::TransactionId id, const sip::Message& invite, const Path& from,
                                      const sip::DialogId& replaced, bool early_only);
  /// The call's places among those that its realms allow at once: its own until it is gone.
  void hold_places(CallSlot in, CallSlot out) { places_ = {std::move(in), std::move(out)}; }
  /// The caller's INVITE: read its offer, invite the callee. An EndCause refuses the INVITE; the call is then over and
  /// has said nothing on the wire.
  std::optional<EndCause> begin(sip::TransactionId id, const sip::Message& invite, const Path& from,
                                const Destination& destination);
  /// The sender of an INVITE gave up before our final response.
  void on_cancel(sip::TransactionId id, const sip::Message& cancel);
  /// An ACK in one of our dialogs: of the caller's INVITE, or of either's re-INVITE.
  void on_ack(const sip::DialogId& dialog, const sip::Message& ack);
  /// Time goes by: a call that nobody answers is ended, so that a caller that vanished holds no ports.
  void on_clock();

  /// In place of begin(): a call of an earlier weir-control goes on, and so does its journal slot. A cause: it cannot;
  /// what there is of it is to be ended.
  std::optional<EndCause> adopt(const KeptCall& kept, std::uint32_t journal_slot);
  /// Something changed and all of it is done: if the call stands, what it needs no more goes, and what it is is written
  /// down for a later weir-control.
  void settle();

  // In the call.
  /// A request in one of our dialogs.
  void on_request(sip::TransactionId id, const sip::Message& request, const sip::DialogId& dialog,
                  const sip::Hop& source);
  /// What became of a request of ours in one of our dialogs.
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;
  /// No ACK came for a 2xx of ours, or it could not be sent.
  void on_answer_failure(sip::TransactionId id, sip::TransactionFailure failure);

  // The end.
  /// Ends what is left on both legs: refusal or BYE to the caller, CANCEL or BYE to the callee. Idempotent.
  void end(const EndCause& cause);
  /// Nothing more will be said on the wire.
  [[nodiscard]] bool over() const;
  /// Media has ended; the parties may still have to hear it.
  [[nodiscard]] bool ending() const { return ending_; }

  // For people.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] boost::json::value summary(std::uint64_t now_ns) const;
  [[nodiscard]] boost::json::value details(std::uint64_t now_ns) const;
  /// Adds a row for each dialog, early ones too.
  void add_dialogs(boost::json::array& dialogs, std::uint64_t now_ns) const;

 private:
  friend class CallControl;
  friend class Invitation;
  friend class Transfer;
  friend class BlindTransfer;
  friend class AttendedTransfer;

  /// The call is being changed: a party's offer, a transfer, or another call's claim to one of the two is not done
  /// with.
  [[nodiscard]] bool is_changing() const;
  /// Null before the callee has answered.
  [[nodiscard]] const std::unique_ptr<Leg>& leg(Side side) const { return side == Side::kCaller ? caller_ : callee_; }
  std::unique_ptr<Leg>& place(Side side) { return side == Side::kCaller ? caller_ : callee_; }
  /// Every leg there is, a referrer's too.
  [[nodiscard]] std::vector<Leg*> legs() const;
  /// The leg that this one talks to: before the answer the fork whose media the caller hears. Null if there is none.
  [[nodiscard]] Leg* far(const Leg& leg);
  /// One of the two that talk to each other now: not a fork, nor a leg whose party has gone.
  [[nodiscard]] bool is_party(const Leg* leg) const {
    return leg != nullptr && (leg == caller_.get() || leg == callee_.get());
  }
  Leg* leg_of(const sip::DialogId& dialog);

  // call_media.cc: offer, answer and the stream.
  std::optional<EndCause> read_callers_offer(const sip::Message& invite);
  std::optional<EndCause> make_stream(const Path& way);
  void hide_party(const Leg& party, const Path& way, MediaLegOptions& options) const;
  [[nodiscard]] bool is_hidden_from(const Leg& party, const Leg& other) const;
  std::optional<EndCause> hide_comer(const Leg& comer);
  std::optional<EndCause> hide_callee(Leg& fork, const sip::Message& response);
  void make_session(Side side, sip::LocalSession& session, std::size_t sections);
  void say_own(Side side, sip::LocalSession& session) const;
  [[nodiscard]] bool has_said_certificate(const Leg& leg) const;
  sip::SessionDescription make_first_offer_to(Side side, sip::LocalSession& session, const sip::RemoteOffer& what);
  sip::SessionDescription make_next_offer_to(Side side, Leg& leg, const sip::RemoteOffer& what);
  [[nodiscard]] bool may_bundle() const;
  sip::SessionDescription make_offer_to(Side side, sip::LocalSession& session, const sip::RemoteOffer& what,
                                        sip::RtpProtocol protocol);
  sip::Agreement make_answer_to(Leg& leg, const sip::RemoteOffer& offer, const sip::Agreement& far);
  std::optional<EndCause> take_answer(Leg& leg, const sip::Message& message);
  std::optional<EndCause> take_callees_offer(Leg& callee, const sip::Message& response);
  std::optional<EndCause> take_callers_answer(const sip::Message& message);
  std::optional<EndCause> change_stream(Leg& leg, const sip::Agreement& agreement);
  void on_media(const MediaEvent& event);
  void renew_keys(Side side);
  void renew_shared_keys(Side side);
  void recall_offer(Leg& leg, const sip::LocalSession& session, const sip::SessionDescription& offered) const;
  void on_secured(const MediaEvent& event);
  void tell_sas(Side side);

  // call_setup.cc: the caller waits, the callee is invited.
  std::optional<EndCause> prepare(const Path& way) override;
  sip::Message make_invite(const Leg& leg, const Target& target) override;
  sip::Message begin_invite(const Leg& leg, const Target& target, sip::NameAddr from) const;
  [[nodiscard]] sip::NameAddr shown_party(const Leg& party, const Leg& to) const;
  void on_progress(Leg* fork, const sip::Message& response) override;
  void on_answered(std::unique_ptr<Leg> leg, const sip::Message& response) override;
  void on_refused(const EndCause& cause, const sip::Message* response) override;
  void take_early_answer(Leg& fork, const sip::Message& response);
  void start_invitation();
  void hear_early(Leg& fork);
  void answer_early();
  void tell_progress(std::uint16_t status, std::string body);
  void answer_caller();
  void send_answer();
  void acknowledge(Leg& leg, std::string_view body);
  void acknowledge_provisional(Leg& fork, std::uint32_t rseq, std::string_view body);
  void refuse_caller(const EndCause& cause);

  // call_identity.cc: who vouches for the parties.
  [[nodiscard]] proto::settings::IdentityUse identity_use(const Leg& leg) const;
  std::optional<JudgedIdentity> check_identity(const Leg& from, sip::TransactionId asked, const sip::Message& request,
                                               IdentityWait::Then then);
  std::optional<EndCause> take_verdict(Leg& leg, const JudgedIdentity& verdict);
  std::optional<EndCause> check_caller(const sip::Message& invite);
  [[nodiscard]] bool holds_invite() const;
  void on_caller_checked(const JudgedIdentity& verdict);
  void drop_check();
  [[nodiscard]] std::optional<EndCause> check_bound(const Leg& leg, const sip::AgreedSection& section) const;
  [[nodiscard]] bool holds_answer() const { return identity_wait_ && !identity_wait_->asked.valid(); }
  void await_callee();
  void set_callee_deadline();
  void take_callee_name(Leg& callee, const sip::Message& request) const;
  [[nodiscard]] bool is_shown(const Leg& leg) const;
  void release_when_shown();
  void tell_connected();
  void sign(sip::Message& request, const Leg& to, const Leg* party) const;
  void say_who_calls(const Leg& to, sip::Message& request) const;

  // call_dialog.cc: requests in the dialogs.
  void on_bye(Leg& from, sip::TransactionId id, const sip::Message& request);
  void on_prack(Leg& from, sip::TransactionId id, const sip::Message& request);
  void on_notify(Leg& from, sip::TransactionId id, const sip::Message& request);
  void relay(Leg& from, sip::TransactionId id, const sip::Message& request, const sip::Event* event = nullptr);
  bool refused_for_relays(const Leg& from, sip::TransactionId id, const sip::Message& request);
  void refuse_relayed(const Relay& relay, std::uint16_t status);
  void drop_relays_of(const sip::DialogId& dialog);
  void on_relayed(std::size_t at, const sip::Message* response, std::uint16_t status);

  // call_picture.cc: requests for whole pictures.
  void on_media_control(Leg& from, sip::TransactionId id, const sip::Message& request);
  void ask_by_rtcp(Leg& to);
  void ask_far_party_by_info(Side side);
  void ask_by_info(Leg& to, PictureRequests& pictures);
  void on_picture_answer(sip::TransactionId id, std::uint16_t status);

  // call_trickle.cc: INFO, and ICE candidates in it.
  void on_info(Leg& from, sip::TransactionId id, const sip::Message& request);
  void take_candidates(const Leg& from, const std::vector<sip::IceFragment>& fragments);

  // call_refer.cc: transfers.
  void on_refer(Leg& from, sip::TransactionId id, const sip::Message& request);
  void pass_refer(Leg& from, sip::TransactionId id, const sip::Message& request, const sip::ReferTo& refer_to,
                  const Destination& destination);
  std::optional<EndCause> transfer_blindly(Leg& from, sip::TransactionId id, const sip::Message& request,
                                           std::string_view target, const Destination& destination);
  std::optional<EndCause> transfer_to_ringing(Leg& from, sip::TransactionId id, const sip::Message& request,
                                              Call& ringing);
  [[nodiscard]] bool rings_for(const Leg& party) const;
  std::optional<EndCause> transfer_attended(Leg& from, sip::TransactionId id, const sip::Message& request,
                                            const sip::Replaces& replaces);
  void accept_refer(Leg& from, sip::TransactionId id, const sip::Message& request, std::string_view target);
  [[nodiscard]] std::string referred_by_for(const sip::Message& request, const Leg& from, std::uint32_t to_realm) const;

  // call_replaces.cc: another party in one's place.
  [[nodiscard]] std::optional<EndCause> check_replacing(const Leg& gone, const Path& from, bool early_only) const;
  std::optional<EndCause> replace_leg(sip::TransactionId id, const sip::Message& invite, const Path& from, Leg& gone,
                                      bool early_only, const JudgedIdentity* verdict);
  void answer_replacing(Leg& comer, sip::TransactionId id, const sip::Message& invite, const sip::RemoteOffer& offer);

  // call_exchange.cc: new offers in an established session.
  void on_delayed_answer(Leg& from, const sip::Message& ack);
  void withdraw_offer(sip::TransactionId id);
  void drop_exchanges();
  void refuse_exchange(const Exchange& exchange, std::uint16_t status);
  void on_reoffer(Leg& from, sip::TransactionId id, const sip::Message& request);
  void check_reoffer(Leg& from, sip::TransactionId id, const sip::Message& request);
  void take_reoffer(Leg& from, sip::TransactionId id, const sip::Message& request);
  void take_refresh(Leg& from, sip::TransactionId id, const sip::Message& request);
  void on_reinvite_without_offer(Leg& from, sip::TransactionId id, const sip::Message& request);
  void answer_here(Leg& from, sip::TransactionId id, const sip::Message& request, const sip::RemoteOffer& offer);
  void pass_offer(Leg& from, Leg& to, sip::TransactionId id, const sip::Message& request, sip::RemoteOffer offer);
  sip::Message make_offering(Leg& to, sip::Method method, const sip::SessionDescription& offer);
  bool send_offer(Leg& to, sip::Method method, const sip::SessionDescription& offer);
  void acknowledge_reinvite(Leg& to, sip::TransactionId invite);
  void reoffer(Side side);
  void reoffer_later(Side side);
  void after_glare(Alarm& alarm, const Leg& leg, Alarms::Action action) const;
  void align(Side side);
  [[nodiscard]] std::optional<sip::RemoteOffer> offer_of(const Leg* party) const;
  void on_exchange_response(const sip::Message& response);
  void on_exchange_failed(std::uint16_t status, const sip::Message* response);
  void refuse_offer(Leg& from, sip::TransactionId id, const sip::Message& request, const EndCause& cause);
  void accept_offer(Leg& from, sip::TransactionId id, const sip::Message& request, sip::Agreement agreement);
  void restore_stream(Leg& leg);
  void settle_reinvite(Leg& leg);
  void finish_exchange();

  // call_timer.cc: session timers.
  [[nodiscard]] std::optional<std::uint32_t> session_too_short(const Leg& from, const sip::Message& request) const;
  void ask_session_timer(const Leg& to, sip::Message& request) const;
  void take_session_timer(Leg& leg, const sip::Message& response);
  void answer_session_timer(Leg& leg, const sip::Message& request, sip::Message& response);
  void run_session_timer(Leg& leg, std::uint32_t seconds, bool ours);
  void await_refresh(Leg& leg, std::uint64_t due_ns);
  void resume_session_timer(Leg& leg);
  void refresh_session(Leg& leg);
  void on_refreshed(const sip::Message* response, std::uint16_t status);

  // call_kept.cc: from one weir-control to the next.
  void note_flows(Leg& leg) const;
  [[nodiscard]] KeptLeg keep_leg(const Leg& leg) const;
  [[nodiscard]] std::optional<Path> adopt_path(std::uint32_t realm, const KeptLeg& kept) const;
  proto::Result<std::unique_ptr<Leg>> adopt_leg(Side side, const KeptLeg& kept);
  void adopt_session(Leg& leg, const KeptLeg& kept, std::uint32_t sections);
  std::optional<EndCause> adopt_media(const KeptCall& kept);
  void changed();
  [[nodiscard]] bool stands() const;
  void forget_setup();
  void pack();
  void keep();
  void drop_journal();

  // call_again.cc: requests that are refused and worth sending again.
  bool try_again(sip::TransactionId id, const sip::Message& response);
  std::optional<sip::TransactionId> send_again(Requester& requester, Leg& leg, sip::TransactionId id,
                                               const sip::Message& response);

  // call_detail.cc
  [[nodiscard]] boost::json::object detail_of(Side side) const;
  void write_detail(const EndCause& cause);

  // call.cc
  void release(const Leg& leg);
  void take_over(Leg& leg, Side side);
  void end_leg(Leg& leg, const EndCause& cause);
  void send_bye(Leg& leg, const EndCause& cause);
  void close_media();
  void log_sip(Side side, const Path& path, const char* direction, const sip::Message& message) const;
  [[nodiscard]] const proto::settings::RealmSettings& realm_of(const Leg& leg) const {
    return context_.settings.realms[leg.path().realm];
  }
  void respond(const Leg& leg, sip::TransactionId id, const sip::Message& response);
  std::optional<sip::TransactionId> request(Leg& leg, sip::Message message);
  void tell(Leg& leg, sip::Message message);
  [[nodiscard]] bool is_early(const sip::DialogId& dialog) const { return early_ && *early_ == dialog; }
  [[nodiscard]] std::uint64_t now() const { return control_.now_ns_; }

  CallContext& context_;
  CallControl& control_;
  std::uint64_t number_;
  std::uint64_t started_ns_;
  std::uint64_t answered_ns_ = 0;
  CallOrigin origin_;
  CallRelease release_;
  std::array<CallSlot, 2> places_;
  std::unique_ptr<Leg> caller_;
  std::unique_ptr<Leg> callee_;
  std::string callee_display_;

  // Set-up.
  std::unique_ptr<Invitation> invitation_;
  std::unique_ptr<Alarm> callee_awaited_;        ///< until the callee has shown who it is (RFC 4916) no media flows
  std::unique_ptr<IdentityWait> identity_wait_;  ///< a request of a party's whose Identity is being checked
  proto::settings::MediaProfile callee_profile_ = proto::settings::MediaProfile::kRtp;
  std::uint32_t callee_realm_ = 0;
  std::shared_ptr<const sip::Message> callers_invite_;
  Boxed<sip::RemoteOffer> offer_;                   ///< the caller's; with `delayed_` the callee's
  sip::LocalSession callee_session_;                ///< what every target is offered, each with SDES keys of its own
  Boxed<sip::SessionDescription> callee_offered_;   ///< likewise
  Boxed<sip::DialogId> early_;                      ///< the fork whose media the caller hears
  std::optional<std::uint32_t> provisional_waits_;  ///< a fork's reliable offer, to be acknowledged with an answer
  Boxed<EndCause> refused_at_start_;
  Alarm invitation_end_;
  std::size_t section_ = 0;  ///< the one that is carried
  bool starting_ = false;
  bool delayed_ = false;                ///< the caller's INVITE had no offer: the callee makes it
  bool answer_waits_ = false;           ///< for the PRACK of a session description
  bool callee_unacknowledged_ = false;  ///< its 2xx made an offer, and waits for its ACK with the answer

  // The session.
  std::unique_ptr<Media> media_;
  Boxed<Exchange> exchange_;
  std::vector<Relay> relays_;
  /// Requests whose answer changes nothing, but may be a trunk's challenge; and those for pictures.
  std::vector<sip::TransactionId> told_;
  sip::TransactionId refresh_;  ///< our UPDATE that refreshes a session
  sip::DialogId refreshed_;     ///< whose
  std::unique_ptr<Transfer> transfer_;
  AttendedTransfer* claim_ = nullptr;           ///< another call's: it wants one of our parties; null: nobody's
  std::vector<std::unique_ptr<Leg>> replaced_;  ///< legs whose party is gone: their BYEs are on their way
  std::vector<PassedRefer> passed_refers_;
  Alarm reoffer_;
  /// Offers of our own after one of a party's: two parties that never agree are not asked for ever.
  static constexpr std::uint32_t kAlignmentsMax = 3;
  std::uint32_t alignments_left_ = kAlignmentsMax;
  /// REFERs of one call that are acted on: it is no way to dial numbers one after the other.
  static constexpr std::uint32_t kTransfersMax = 16;
  std::uint32_t transfers_left_ = kTransfersMax;
  bool restoring_ = false;  ///< a party that wanted to go is being offered its call again
  std::optional<EndCause> bye_when_acked_;
  std::optional<std::uint32_t> journal_slot_;
  bool changed_ = false;          ///< since it settled last
  bool unsettled_ = false;        ///< when it was to settle something was on its way
  bool setup_forgotten_ = false;  ///< callers_invite_ is no more than who called
  bool ending_ = false;
  std::string end_text_;
};

/// A call's heap block stays for as long as it is up. Blocks of 1,025 to 1,280 bytes are those of messages on their
/// way: among them every call would hold pages of which most are free.
inline constexpr std::size_t kCallBytesMax = 1024;
static_assert(sizeof(Call) <= kCallBytesMax);
/// Likewise, a class smaller than they were.
inline constexpr std::size_t kLegBytesMax = 1792;
static_assert(sizeof(Leg) <= kLegBytesMax);

/// The first section that can be carried; all others are refused but, where `may_bundle`, those that ride on it: a call
/// has one stream.
std::size_t choose_section(sip::RemoteOffer& offer, bool may_bundle = true);

/// Media of a party that has called: in the family of its offer (nullptr: it has made none), else it has no place here.
std::optional<MediaLegOptions> caller_media(const proto::settings::Settings& settings, const Path& from,
                                            const sip::RemoteSection* offered, const sip::SecurityPolicy& security);

/// Media towards a party that has said nothing yet: it goes the way its SIP goes.
MediaLegOptions callee_media(const proto::settings::Settings& settings, const Path& way,
                             const sip::SecurityPolicy& security);

/// The offer in a message's body, or why there is none: 415, or what the SDP is refused for.
std::variant<sip::RemoteOffer, EndCause> read_offer_in(const sip::Message& message, std::size_t sections_before,
                                                       const sip::SecurityPolicy& policy);

}  // namespace weir::controlplane
