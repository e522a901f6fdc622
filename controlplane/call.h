// A call: two legs and the stream between them, as a back-to-back user agent (RFC 7092). The methods below are what can
// happen to it, in the order of a call's life; each says what it does to either leg.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/call_control.h"
#include "controlplane/leg.h"
#include "controlplane/media.h"
#include "sip/dialog_set.h"

namespace weir::controlplane {

/// Why a call ends: what its parties and the log are told.
struct EndCause {
  std::uint16_t status;  ///< for a caller not yet answered, and for the Reason header
  std::string text;
};

class Call : public Requester {
 public:
  Call(CallContext& context, CallControl& control, std::uint64_t number, std::uint64_t now_ns);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() override;

  // Set-up.
  /// The caller's INVITE: read its offer, find its destination, make the stream, invite the callee. An EndCause
  /// refuses the INVITE; the call is then over and has said nothing on the wire.
  std::optional<EndCause> begin(sip::TransactionId id, const sip::Message& invite, const Path& from,
                                const Destination& destination);
  /// The caller gave up before an answer.
  void on_cancel();
  /// A response of the callee to our INVITE, or of either to our BYE.
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  /// An ACK in one of our dialogs: of the caller's INVITE, or of either's re-INVITE.
  void on_ack(const sip::DialogId& dialog, const sip::Message& ack);
  /// Time goes by: a call that nobody answers is ended, so that a caller that vanished holds no ports.
  void on_clock();

  // In the call.
  /// A request in one of our dialogs: BYE, re-INVITE, OPTIONS, or what we do not take.
  void on_request(sip::TransactionId id, const sip::Message& request, const sip::DialogId& dialog);
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

  // The end.
  /// Ends what is left on both legs: refusal or BYE to the caller, CANCEL or BYE to the callee. Idempotent.
  void end(const EndCause& cause);
  /// Nothing more will be said on the wire.
  [[nodiscard]] bool over() const { return caller_over() && callee_over(); }
  /// Media has ended; the parties may still have to hear it.
  [[nodiscard]] bool ending() const { return ending_; }

  // For people.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] boost::json::value summary(std::uint64_t now_ns) const;
  [[nodiscard]] boost::json::value details(std::uint64_t now_ns) const;

 private:
  friend class CallControl;

  [[nodiscard]] Leg& leg(Side side) { return side == Side::kCaller ? *caller_ : *callee_; }
  [[nodiscard]] const Leg& leg(Side side) const { return side == Side::kCaller ? *caller_ : *callee_; }
  [[nodiscard]] bool caller_over() const { return !caller_ || caller_->over(); }
  [[nodiscard]] bool callee_over() const { return !callee_ || callee_->over(); }
  Leg* leg_of(const sip::DialogId& dialog);

  // call_media.cc: offer, answer and the stream.
  std::optional<EndCause> read_callers_offer(const sip::Message& invite);
  std::optional<EndCause> make_stream(const Destination& destination);
  [[nodiscard]] sip::SessionDescription offer_to_callee(proto::settings::MediaProfile profile);
  std::optional<EndCause> take_callees_answer(const sip::Message& response);
  std::optional<EndCause> renegotiate(Leg& leg, const sip::Message& invite);
  std::optional<EndCause> connect_stream(Side side);
  void on_media(const MediaEvent& event);
  void on_secured(const MediaEvent& event);

  // call.cc
  bool invite_callee(const sip::Message& invite, const Target& target, std::string body);
  void on_invite_response(const sip::Message& response);
  void on_callee_answered(const sip::Message& response);
  void on_callee_refused(std::uint16_t status);
  void on_callee_forked(const sip::Message& response);
  void answer_caller();
  void acknowledge_callee(const sip::Dialog& dialog);
  void relay_progress(const sip::Message& response);
  void on_bye(Leg& from, sip::TransactionId id, const sip::Message& request);
  void on_reinvite(Leg& from, sip::TransactionId id, const sip::Message& request);
  void settle_reinvite(Leg& leg);
  void on_ack_missing(sip::TransactionId id);
  void refuse_caller(const EndCause& cause);
  void end_leg(Leg& leg, const EndCause& cause);
  void send_bye(Leg& leg, const EndCause& cause);
  void close_media();
  void keep_journal();
  void drop_journal();
  void log_sip(const Leg& leg, const char* direction, const sip::Message& message) const;
  void respond(const Leg& leg, sip::TransactionId id, const sip::Message& response);
  [[nodiscard]] std::uint64_t now() const { return control_.now_ns_; }

  CallContext& context_;
  CallControl& control_;
  std::uint64_t number_;
  std::uint64_t started_ns_;
  std::uint64_t answered_ns_ = 0;
  std::optional<Leg> caller_;
  std::optional<Leg> callee_;
  sip::DialogSet forks_;
  std::shared_ptr<const sip::Message> callers_invite_;
  std::optional<sip::Message> our_invite_;
  std::optional<sip::RemoteOffer> offer_;  ///< the caller's
  std::size_t section_ = 0;                ///< the one that is carried
  std::unique_ptr<Media> media_;
  std::optional<EndCause> bye_when_acked_;
  std::optional<std::uint32_t> journal_slot_;
  bool ending_ = false;
  std::string end_text_;
};

}  // namespace weir::controlplane
