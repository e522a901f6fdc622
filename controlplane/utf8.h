// UTF-8: RFC 3629.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::controlplane {

/// Bytes of the character that `text`, which is not empty, begins with; 0: it is no UTF-8 (RFC 3629 section 4).
[[nodiscard]] std::size_t character_bytes(std::string_view text);

/// Whether all of it is.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace weir::controlplane
