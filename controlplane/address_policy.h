// Where a stranger's words may send us: to public hosts, and to what the operator allows beside them. RFC 6890 (special
// purpose addresses), RFC 4291 section 2.4 and RFC 6052 (IPv4 in IPv6's clothes).
#pragma once

#include <vector>

#include "proto/inet.h"
#include "proto/settings/identity_settings.h"

namespace weir::controlplane {

class AddressPolicy {
 public:
  /// `allowed`: may be gone to although they are not public. `own`: may not although they are, unless allowed.
  explicit AddressPolicy(std::vector<proto::settings::AddressPrefix> allowed,
                         std::vector<proto::settings::AddressPrefix> own = {})
      : allowed_(std::move(allowed)), own_(std::move(own)) {}

  /// Nullptr: it may be gone to. Otherwise what it is, for people: "a private address". An address that stands for an
  /// IPv4 address (6to4, NAT64) is what that one is.
  [[nodiscard]] const char* refusal(const proto::IpAddress& address) const;

 private:
  std::vector<proto::settings::AddressPrefix> allowed_;
  std::vector<proto::settings::AddressPrefix> own_;
};

}  // namespace weir::controlplane
