// RFC 4475 section 3.1.2: the invalid messages. For torture_messages.cc.
#pragma once

#include <map>
#include <string>

namespace weir::sip {

std::map<std::string, std::string, std::less<>> torture_invalid();

}  // namespace weir::sip
