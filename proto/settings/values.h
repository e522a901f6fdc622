// Values that several tables are made of. Internal to proto/settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/inet.h"

namespace weir::proto::settings {

/// Decimal digits only, no more than `max`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max);

/// An address and a port as URIs write them: IPv6 in brackets (RFC 3986 section 3.2.2), and only that. The port is not
/// 0.
std::optional<Endpoint> parse_endpoint(std::string_view text);

}  // namespace weir::proto::settings
