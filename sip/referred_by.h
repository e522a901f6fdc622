// Referred-By: who sent the REFER that a request comes from. RFC 3892 section 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/name_addr.h"

namespace weir::sip {

struct ReferredBy {
  NameAddr referrer;  ///< without cid
  std::string cid;    ///< Content-ID of the body part that proves it, without quotes; empty if there is none
};

/// nullopt if malformed, or there are two cid parameters.
std::optional<ReferredBy> parse_referred_by(std::string_view text);

std::string write(const ReferredBy& referred_by);

}  // namespace weir::sip
