// Writes a session description: RFC 8866 section 9, CRLF line ends.
#pragma once

#include <string>

#include "proto/inet.h"
#include "sip/sdp.h"

namespace weir::sip {

/// What parse_sdp read is read again as the same value, unless CRLF in the place of LF takes it beyond kSdpBytesMax.
std::string write_sdp(const SessionDescription& session);

/// The value of a=rtcp, in full, because one client's parser fails on the short form: "53020 IN IP4 198.18.0.1".
std::string write_rtcp(const proto::Endpoint& rtcp);

}  // namespace weir::sip
