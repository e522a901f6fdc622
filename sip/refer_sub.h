// Refer-Sub: whether a REFER makes a subscription. RFC 4488 section 4.
#pragma once

#include <optional>
#include <string_view>

namespace weir::sip {

/// true or false as the header says, its parameters ignored; nullopt if malformed. Without the header it is true.
std::optional<bool> parse_refer_sub(std::string_view text);

/// "true" or "false".
std::string_view write_refer_sub(bool subscribes);

}  // namespace weir::sip
