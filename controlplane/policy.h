// Policy: where a request goes. The first route whose realm and pattern match decides.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/uri.h"

namespace weir::controlplane {

/// Where a call goes.
struct Destination {
  sip::Uri target;             ///< the new Request-URI
  std::uint32_t to_realm = 0;  ///< index in Settings::realms
  proto::settings::MediaProfile media = proto::settings::MediaProfile::kRtp;
};

/// Why a request goes nowhere, as SIP says it.
struct Refusal {
  std::uint16_t status;
  std::string reason;
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
  [[nodiscard]] std::variant<Destination, Refusal> route(std::uint32_t realm, std::string_view request_uri) const;

 private:
  struct Route;
  Policy();
  std::vector<Route> routes_;
};

}  // namespace weir::controlplane
