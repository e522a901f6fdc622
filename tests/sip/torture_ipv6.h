// RFC 5118: the messages with IPv6 addresses, by the RFC's names. For torture_messages.cc.
#pragma once

#include <map>
#include <string>

namespace weir::sip {

std::map<std::string, std::string, std::less<>> torture_ipv6();

}  // namespace weir::sip
