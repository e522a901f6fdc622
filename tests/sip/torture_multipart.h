// RFC 4475 section 3.1.1.11, mpart01: two body parts, the second binary. For torture_messages.cc.
#pragma once

#include <string>

namespace weir::sip {

std::string torture_multipart();

/// Its second part: a signature in DER (RFC 5652).
std::string torture_signature();

}  // namespace weir::sip
