// Call control: the transaction user of a shard. It gives each request and response to the call it belongs to, makes
// calls of new INVITEs, and answers what belongs to no call. RFC 3261 sections 8 and 12, RFC 7092 (B2BUA).
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/admission.h"
#include "controlplane/alarms.h"
#include "controlplane/end_cause.h"
#include "controlplane/line_limits.h"
#include "controlplane/media_engine.h"
#include "controlplane/overload_gate.h"
#include "controlplane/path.h"
#include "controlplane/policy.h"
#include "controlplane/realm_calls.h"
#include "controlplane/requester.h"
#include "proto/settings/settings.h"
#include "sip/dialog.h"
#include "sip/parse.h"
#include "sip/replaces.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

class Call;
class CallJournal;
struct CallRecorder;
class FlowRegister;
class IdentityService;
class Leg;
class OutsideRequests;
class RegisterRelays;
class Trunks;

/// What calls share. All of it outlives every call.
struct CallContext {
  const proto::settings::Settings& settings;
  MediaEngine& media;
  PathFinder& paths;
  const Policy& policy;
  sip::TransactionLayer& transactions;
  const sip::TokenSource& tokens;
  Alarms& alarms;
  Trunks* trunks = nullptr;                ///< none: no route leads to one
  CallJournal* journal = nullptr;          ///< none: calls lost in a crash are ended in the media plane only
  const CallRecorder* recorder = nullptr;  ///< none: nobody is told of calls that have ended
  FlowRegister* flows = nullptr;           ///< none: nobody registers
  IdentityService* identity = nullptr;     ///< none: nothing is signed, and nobody's word is asked for
};

struct CallCounters {
  std::uint64_t calls = 0;           ///< INVITEs that became a call
  std::uint64_t calls_answered = 0;  ///< of these
  std::uint64_t calls_refused = 0;   ///< INVITEs that became none: limits, routes, SDP
};

/// Time comes in as now_ns, CLOCK_MONOTONIC, with every entry. Single-threaded.
class CallControl : private sip::TransactionUser {
 public:
  /// Everything passed outlives it. `journal` may be null.
  CallControl(const proto::settings::Settings& settings, MediaEngine& media, PathFinder& paths, const Policy& policy,
              sip::MessageSender& sender, sip::TokenSource tokens, CallJournal* journal);
  CallControl(const CallControl&) = delete;
  CallControl& operator=(const CallControl&) = delete;
  ~CallControl() override;

  /// Who is told of calls that have ended; it outlives them.
  void set_recorder(const CallRecorder& recorder) { context_.recorder = &recorder; }
  /// Who tells how trunks are; it outlives the calls.
  void set_trunks(Trunks& trunks) { context_.trunks = &trunks; }

  /// Who signs requests and checks who has signed; it outlives the calls.
  void set_identity(IdentityService& identity) { context_.identity = &identity; }

  /// Who knows who is behind connections; it outlives the calls.
  void set_flows(FlowRegister& flows) { context_.flows = &flows; }

  // In: what the transports read, and time.
  /// A datagram, before it is parsed: see OverloadGate::turn_away.
  [[nodiscard]] bool turn_away(std::uint64_t now_ns, std::string_view datagram, const sip::Hop& source,
                               const Waited& waited) {
    return gate_.turn_away(now_ns, datagram, source, waited, admission_);
  }
  /// A parsed message; the Via of a request has its source written down (sip::Via::set_source).
  void on_message(std::uint64_t now_ns, sip::Message message, const sip::Hop& source);
  /// What could not be parsed: answered without state, and told in the log, so far as either may be.
  void on_malformed(std::uint64_t now_ns, const sip::ParseError& error, const sip::Hop& source);
  void on_transport_error(std::uint64_t now_ns, const sip::Hop& hop);

  /// The settings' limits have changed.
  void follow_limits() { gate_.set(context_.settings.limits); }

  // For those who send and take requests.
  /// Sends a request with our Via; `requester` hears what becomes of it. nullopt: no room for another transaction.
  std::optional<sip::TransactionId> request(Requester& requester, sip::Message request, const sip::Hop& hop);
  /// What realms may have of calls.
  RealmCalls& realm_calls() { return realm_calls_; }
  [[nodiscard]] const RealmCalls& realm_calls() const { return realm_calls_; }
  void disown(sip::TransactionId id);
  /// Requests of `method` outside dialogs go to `handler` from now on. It outlives the control, or its last message.
  void set_handler(sip::Method method, RequestHandler& handler) { handlers_[method] = &handler; }
  /// Answers a request that a handler was given, or one of a dialog that is gone.
  void respond(sip::TransactionId id, const sip::Message& response);
  /// Answers it with this status, its phrase and what goes with it; `reason`, if there is one, as Reason (RFC 3326).
  void answer(sip::TransactionId id, const sip::Message& request, std::uint16_t status, std::string_view reason);
  /// Where a request outside dialogs that came by `from` goes: over the flow that it names, or as the routes say.
  [[nodiscard]] std::variant<Destination, Refusal> route(const Path& from, const sip::Message& request) const;
  /// Whoever lets REGISTERs go on upstream.
  RegisterRelays& register_relays() { return *relays_; }
  /// Whether a line of this kind is to be written in the log now.
  [[nodiscard]] bool may_log(LineKind kind) { return lines_.may(now_ns_, kind); }

  /// Fires SIP timers that are due and polls the media engine; it should have been called `lag_ns` ago. True: call
  /// again soon.
  bool on_tick(std::uint64_t now_ns, std::uint64_t lag_ns = 0);
  [[nodiscard]] std::optional<std::uint64_t> next_deadline_ns() const;
  /// The time of the entry that is running.
  [[nodiscard]] std::uint64_t now_ns() const { return now_ns_; }

  /// From now on new INVITEs are answered 503, and every call is ended with BYE or CANCEL and this Reason text.
  void end_all(std::uint64_t now_ns, std::string_view reason);
  /// Ends one call. False: no call has that number, or it is ending already.
  bool end_call(std::uint64_t now_ns, std::uint64_t number, std::string_view reason);
  /// While draining, new INVITEs are answered 503; the calls there are go on.
  void drain(bool draining) { draining_ = draining; }
  [[nodiscard]] bool draining() const { return draining_ || ending_; }
  /// The calls that an earlier weir-control left in the journal go on here; those that cannot are ended with BYE on
  /// both legs. Then the flows that nobody has taken over go. Returns how many calls go on.
  std::size_t adopt_journalled(std::uint64_t now_ns);
  /// Nothing is left to be said on the wire.
  [[nodiscard]] bool idle() const;

  // For people.
  [[nodiscard]] boost::json::value calls_view(std::uint64_t now_ns) const;
  /// A row for each dialog of each call.
  [[nodiscard]] boost::json::value dialogs_view(std::uint64_t now_ns) const;
  /// nullopt: no call has that number.
  [[nodiscard]] std::optional<boost::json::value> call_view(std::uint64_t number, std::uint64_t now_ns) const;
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] const CallCounters& counters() const { return counters_; }
  /// What passes outside calls.
  [[nodiscard]] const OutsideRequests& outside() const { return *outside_; }
  [[nodiscard]] const AdmissionCounters& admission_counters() const { return admission_.counters(); }
  [[nodiscard]] const Overload& overload() const { return gate_.overload(); }
  [[nodiscard]] const sip::TransactionCounters& transaction_counters() const { return transactions_.counters(); }

 private:
  friend class Call;
  friend class Invitation;
  friend class Transfer;
  friend class BlindTransfer;
  friend class AttendedTransfer;

  sip::AdmissionVerdict admit(const sip::Message& request, const sip::Hop& source) override;
  sip::AdmissionVerdict admit_to_handler(const sip::Message& request, const sip::Hop& source);
  void on_request(sip::TransactionId id, const sip::Message& request, const sip::Hop& source) override;
  void on_cancel(sip::TransactionId id, const sip::Message& cancel) override;
  void on_ack(const sip::Message& ack, const sip::Hop& source) override;
  void on_response(sip::TransactionId id, const sip::Message& response, const sip::Hop& source) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;
  void on_terminated(sip::TransactionId id) override;

  void on_new_invite(sip::TransactionId id, const sip::Message& request, const sip::Hop& source);
  void on_request_outside_dialog(sip::TransactionId id, const sip::Message& request, const sip::Hop& source);
  void refuse_method(sip::TransactionId id, const sip::Message& request, std::uint16_t status, std::uint32_t realm);
  [[nodiscard]] RequestHandler* handler_of(sip::Method method, std::uint32_t realm) const;
  std::optional<EndCause> replace_party(sip::TransactionId id, const sip::Message& invite, const Path& from,
                                        std::string_view replaces);
  void settle_changed();
  void write_detail(const sip::Message& invite, const sip::Hop& source, const EndCause& cause) const;
  [[nodiscard]] std::string allowed(std::string_view without, std::uint32_t realm) const;
  void bury_the_dead();
  [[nodiscard]] bool adopt(std::uint32_t slot);
  void report_refusals();

  // From calls.
  /// The dialog at a call's other end; nullopt: no call has this one, or none there.
  [[nodiscard]] std::optional<sip::DialogId> far_dialog(const sip::DialogId& dialog) const;
  /// A call and one of its parties.
  struct Participant {
    Call* call = nullptr;
    const Leg* leg = nullptr;
  };
  /// Whose dialog the Replaces of a Refer-To names: its tags are those of whoever will be replaced there, so the dialog
  /// is the referrer's with us; or the new party's, as a referrer knows it that the border hides nothing from: then the
  /// referrer's is the one at the other end. No call: there is no such dialog.
  [[nodiscard]] Participant named_in_refer(const sip::Replaces& replaces) const;
  void own_invite(sip::TransactionId id, Call& call) { invites_[id] = &call; }
  void own(const sip::DialogId& id, Call& call) { by_dialog_[id] = &call; }
  void disown(const sip::DialogId& id) { by_dialog_.erase(id); }
  void bury_when_over(const Call& call);
  /// At the next tick: by then more may have changed.
  void settle_later(const Call& call);

  sip::TokenSource tokens_;
  sip::TransactionLayer transactions_;
  Alarms alarms_;
  CallContext context_;
  CallCounters counters_;
  Admission admission_;
  LineLimits lines_;
  OverloadGate gate_;
  RealmCalls realm_calls_;
  AdmissionCounters refusals_reported_;
  proto::Endpoint refused_last_;
  std::map<std::uint64_t, std::unique_ptr<Call>> calls_;                                 ///< by number
  std::unordered_map<sip::TransactionId, Requester*, sip::TransactionIdHash> requests_;  ///< ours
  std::unordered_map<sip::TransactionId, Call*, sip::TransactionIdHash> invites_;        ///< the parties', of a call
  std::map<sip::Method, RequestHandler*> handlers_;
  std::unique_ptr<OutsideRequests> outside_;
  std::unique_ptr<RegisterRelays> relays_;
  std::unordered_map<sip::DialogId, Call*, sip::DialogIdHash> by_dialog_;
  std::vector<std::uint64_t> changed_;  ///< numbers of calls
  std::deque<std::uint64_t> dying_;     ///< numbers of calls that are ending
  std::uint64_t number_last_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t sweep_ns_ = 0;  ///< when the calls look at the clock again
  bool ending_ = false;
  bool draining_ = false;
};

/// The option tags in Require that we do not know, as Unsupported lists them (RFC 3261 section 8.2.2.3); empty: none.
std::string unsupported_options(const sip::Message& request);

}  // namespace weir::controlplane
