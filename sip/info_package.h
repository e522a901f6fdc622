// Info-Package and Recv-Info: which package an INFO belongs to, and which ones a side takes. RFC 6086 section 7.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

/// One package: the value of Info-Package, and one of Recv-Info's list.
struct InfoPackage {
  std::string name;  ///< compares without case
  Parameters parameters;

  bool operator==(const InfoPackage&) const = default;
};

/// Parses one value (not a comma-separated list); nullopt if malformed.
std::optional<InfoPackage> parse_info_package(std::string_view text);

std::string write(const InfoPackage& package);

}  // namespace weir::sip
