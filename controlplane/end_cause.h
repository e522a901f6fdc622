// Why a call, or a part of it, ends: what its parties, its record and the log are told.
#pragma once

#include <cstdint>
#include <string>

namespace weir::controlplane {

struct EndCause {
  std::uint16_t status;  ///< for a caller not yet answered, and for the Reason header (RFC 3326)
  std::string text;
};

}  // namespace weir::controlplane
