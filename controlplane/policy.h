// Policy: where a request goes. The first route whose realm and pattern match decides.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/destination.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/message.h"

namespace weir::controlplane {

/// What routes look at.
struct RouteQuery {
  std::string_view request_uri;  ///< of an INVITE; or the URI of a Refer-To
  std::string_view caller;       ///< the URI of From; of a Refer-To's request, the referrer's
};

class Policy {
 public:
  /// Errors: a pattern that RE2 does not take, a realm that is not there. read_settings has refused both already.
  static proto::Result<Policy> create(const proto::settings::Settings& settings);
  Policy(Policy&&) noexcept;
  Policy& operator=(Policy&&) noexcept;
  ~Policy();

  /// 404 if no route matches; 500 if the route's target is no SIP URI once the captures are filled in. A request URI
  /// of any length and content is matched in time linear in its length.
  [[nodiscard]] std::variant<Destination, Refusal> route(std::uint32_t realm, const RouteQuery& query) const;
  [[nodiscard]] std::variant<Destination, Refusal> route(std::uint32_t realm, const sip::Message& request) const;

 private:
  struct Route;
  Policy();
  std::vector<Route> routes_;
};

}  // namespace weir::controlplane
