// Tokens that nobody can guess: tags, branches, Call-IDs.
#pragma once

#include <string>

namespace weir::controlplane {

/// 96 bits of the system's random source in hexadecimal (RFC 3261 section 19.3 wants 32 of a tag). A call needs a dozen
/// of them: they are drawn many at a time, for each thread its own.
std::string make_token();

}  // namespace weir::controlplane
