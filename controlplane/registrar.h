// The registrar: takes REGISTERs of the realms that have one, and says where their users are. RFC 3261 section 10 with
// digest authentication (section 22), RFC 3327 (Path), RFC 3608 (Service-Route), RFC 5626 (flows), RFC 5627 (GRUU).
//
// A REGISTER that does not prove a password is answered without a transaction: it costs no memory.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/admission.h"
#include "controlplane/bearer_auth.h"
#include "controlplane/bindings.h"
#include "controlplane/destination.h"
#include "controlplane/digest_auth.h"
#include "controlplane/failure_limit.h"
#include "controlplane/flow_register.h"
#include "controlplane/flow_token.h"
#include "controlplane/gruu.h"
#include "controlplane/register_relay.h"
#include "controlplane/requester.h"
#include "controlplane/user_directory.h"
#include "controlplane/web_cookie.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class BindingStore;

/// What the registrar uses of the shard; all of it outlives it.
struct RegistrarContext {
  const proto::settings::Settings& settings;
  PathFinder& paths;
  std::function<bool(const proto::Endpoint&)> may_be_sent_to;
  std::function<void(sip::TransactionId, const sip::Message&)> respond;
  sip::TokenSource tokens;
  std::function<std::int64_t()> unix_time_s;  ///< the wall clock
  /// Who was at a connection has proved to be at another now: see Transports::succeed. May be empty.
  std::function<void(const sip::Hop& gone, const sip::Hop& now)> succeed = {};
  /// Of realms whose registrar is upstream; null where there are none.
  RegisterRelays* relay = nullptr;
  /// Whom a connection's upgrade has vouched for: see Transports::vouched. May be empty.
  std::function<const Vouched*(const sip::Hop&)> vouched = {};
};

struct RegistrarCounters {
  std::uint64_t accepted = 0;    ///< answered 200
  std::uint64_t challenged = 0;  ///< answered 401, without state
  std::uint64_t failures = 0;    ///< of these: a wrong password, or no such user
  std::uint64_t refused = 0;     ///< proved, and answered with another status
  std::uint64_t blocked = 0;     ///< answered 503: too many failures from that source
  std::uint64_t limited = 0;     ///< over the rates of [limits]: answered 503 or not at all
};

/// One shard's. Time comes in with on_tick.
class Registrar : public RequestHandler, public FlowRegister {
 public:
  /// Reads the users file and opens the store, which are named in [registrar]. Errors: one sentence that says what to
  /// do.
  static proto::Result<std::unique_ptr<Registrar>> create(RegistrarContext context, std::uint64_t now_ns);
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;
  ~Registrar() override;

  // RequestHandler, of REGISTER
  std::optional<EarlyAnswer> answer_early(const sip::Message& request, const Path& from) override;
  void on_request(sip::TransactionId id, const sip::Message& request, const Path& from) override;

  // FlowRegister
  [[nodiscard]] std::vector<FlowName> flows_over(const sip::Hop& hop) const override;
  [[nodiscard]] bool is_user(const Path& from, const sip::NameAddr& caller) const override;
  void await(const FlowName& flow, const sip::Hop& gone) override;
  [[nodiscard]] std::optional<std::variant<Destination, Refusal>> route_by_token(
      const Path& from, const sip::Message& request) const override;

  void on_tick(std::uint64_t now_ns);
  /// A WebSocket has ended: whoever registered over it is there no more.
  void on_flow_gone(const sip::Hop& hop);

  /// Where a user of a realm (index in Settings::realms) is now: every contact that can be reached, by q, equal q of
  /// one rank; of an instance with several flows (RFC 5626) the best, which has the others. `user` is the user of the
  /// address of record, unescaped. Empty: nobody.
  [[nodiscard]] std::vector<Target> lookup(std::uint32_t realm, std::string_view user);
  /// Where one instance of a user is: one target, or none.
  [[nodiscard]] std::vector<Target> lookup(const Instance& instance);
  /// Whom a GRUU reaches (RFC 5627 section 5.2). A refusal: 404, one of ours that is none, or no more. monostate: it is
  /// of another domain.
  [[nodiscard]] std::variant<std::monostate, Instance, Refusal> resolve(const sip::Uri& gruu) const;

  /// Other users, from a users file that was read anew.
  void use(UserDirectory users) { users_ = std::move(users); }

  /// An array, an object for each binding.
  [[nodiscard]] boost::json::value registrations_view() const;
  [[nodiscard]] std::size_t bindings() const { return bindings_.size(); }
  [[nodiscard]] const RegistrarCounters& counters() const { return counters_; }

 private:
  Registrar(RegistrarContext context, UserDirectory users, std::unique_ptr<BindingStore> store, BearerAuth bearer,
            const TemporaryGruus::Keys& keys, std::uint64_t now_ns);

  void restore();
  void on_moved(const sip::Hop& gone, const sip::Hop& now);
  [[nodiscard]] const proto::settings::RealmRegistrarSettings& realm_of(const Path& from) const;
  [[nodiscard]] std::string_view domain_of(const Path& from) const { return realm_of(from).domains.front(); }
  std::optional<EarlyAnswer> limit(Admission& admission, const Path& from);
  /// Who sends a REGISTER, as far as it has been proved.
  struct Registrant {
    bool anybody = false;        ///< the realm asks for no proof
    const User* user = nullptr;  ///< by a password
    std::string subject = {};    ///< by a token: the user of an address of record
    std::int64_t until_s = 0;    ///< the proof ends then, Unix time; 0: it does not say
    [[nodiscard]] bool may_register(const std::string& address) const;
  };

  // registrar_upstream.cc
  std::optional<EarlyAnswer> answer_early_upstream(const Path& from);
  void register_upstream(sip::TransactionId id, const sip::Message& request, const Path& from);
  void on_upstream(const Path& from, bool tried, RegisterRequest wish, const sip::Message* response);
  [[nodiscard]] const proto::settings::TrunkSettings* upstream_of(std::uint32_t realm) const;
  [[nodiscard]] bool is_upstream_of(std::uint32_t realm, const Path& from) const;

  /// Null: the connection's upgrade vouches for nobody, or not any more.
  [[nodiscard]] const Vouched* vouched(const Path& from) const;
  EarlyAnswer challenge(const Path& from, bool stale, bool wrong_token = false);
  [[nodiscard]] BearerJudgement judge_token(const sip::Message& request, const Path& from) const;
  std::optional<EarlyAnswer> answer_bearer(const sip::Message& request, const Path& from,
                                           const BearerJudgement& judgement);
  void register_contacts(sip::TransactionId id, const sip::Message& request, const Path& from,
                         const Registrant& registrant);
  void accept(sip::TransactionId id, const sip::Message& request, const Path& from, const RegisterRequest& wish);
  void refuse(sip::TransactionId id, const sip::Message& request, const Path& from, const RegisterRefusal& refusal);
  [[nodiscard]] std::string gruus_of(const BindingRecord& record, const Path& from) const;
  [[nodiscard]] std::vector<Target> targets_of(const std::vector<const Binding*>& best_first, std::uint32_t realm,
                                               bool one_instance);
  [[nodiscard]] std::vector<const Binding*> alive(std::uint32_t realm, std::string_view user) const;
  [[nodiscard]] std::optional<Target> target_of(const Binding& binding, std::uint32_t realm);
  void warn(std::string_view event, const sip::Message& request, const Path& from, std::string_view user);

  RegistrarContext context_;
  UserDirectory users_;
  DigestAuth auth_;
  BearerAuth bearer_;
  FailureLimit failures_;
  // Those who prove a password are counted apart: a flood of others takes nothing from them.
  Admission unproven_;
  Admission proven_;
  std::unique_ptr<BindingStore> store_;  ///< null: nothing outlives the process
  Bindings bindings_;
  TemporaryGruus gruus_;
  FlowTokens tokens_;
  RegistrarCounters counters_;
  RateLimit warnings_;
  std::uint64_t warnings_suppressed_ = 0;
  std::uint64_t now_ns_ = 0;
};

}  // namespace weir::controlplane
