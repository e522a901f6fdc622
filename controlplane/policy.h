// Policy: where a request goes. The first route all of whose conditions hold decides: the realm it came from, the
// Request-URI, the number, the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/destination.h"
#include "controlplane/gruu.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/message.h"

namespace weir::controlplane {

/// What routes look at.
struct RouteQuery {
  std::string_view request_uri;  ///< of an INVITE; or the URI of a Refer-To
  /// A URI: of From, or from a trusted realm the first P-Asserted-Identity (RFC 3325). Of a Refer-To, the referrer's.
  std::string_view caller;
  bool is_call = true;  ///< limits on calls hold for it
};

/// Who knows the targets that a route leaves open. One that is not there refuses with 500.
struct TargetSources {
  /// See Trunks::targets.
  std::function<std::variant<std::vector<Target>, Refusal>(std::string_view trunk, std::string_view user, bool is_call)>
      trunks;
  /// The contacts of a user (decoded), registered in that realm; none: nobody is registered.
  std::function<std::vector<Target>(std::uint32_t realm, std::string_view user)> registrar;
  /// See Registrar::resolve; where there is none, a GRUU is a URI as any other.
  std::function<std::variant<std::monostate, Instance, Refusal>(const sip::Uri& gruu)> gruu = {};
  /// Likewise, of one instance.
  std::function<std::vector<Target>(const Instance& instance)> instance = {};
};

class Policy {
 public:
  /// Errors: a pattern that RE2 does not take, a realm that is not there. read_settings has refused both already.
  static proto::Result<Policy> create(const proto::settings::Settings& settings, TargetSources sources = {});
  Policy(Policy&&) noexcept;
  Policy& operator=(Policy&&) noexcept;
  ~Policy();

  /// 404 if no route matches; 500 if the route's target or user is none once the captures are filled in; 480 if nobody
  /// is registered; what the trunk says. A GRUU of ours (RFC 5627) is routed as its user's address of record would be,
  /// and reaches that instance alone where the route leads to the registrar. A request URI of any length and content is
  /// matched in time linear in its length.
  [[nodiscard]] std::variant<Destination, Refusal> route(std::uint32_t realm, const RouteQuery& query) const;
  [[nodiscard]] std::variant<Destination, Refusal> route(std::uint32_t realm, const sip::Message& request) const;

 private:
  [[nodiscard]] std::variant<Destination, Refusal> route_to(std::uint32_t realm, const RouteQuery& query,
                                                            const Instance* instance) const;
  struct Route;
  struct Subject;
  Policy();
  [[nodiscard]] std::variant<Destination, Refusal> follow(const Route& route, const Subject& subject) const;
  [[nodiscard]] std::variant<std::vector<Target>, Refusal> targets_of(const Route& route, const Subject& subject) const;

  std::vector<Route> routes_;
  std::vector<bool> trusted_;  ///< by realm
  TargetSources sources_;
};

}  // namespace weir::controlplane
