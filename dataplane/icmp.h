// ICMP and ICMPv6 echo for the media address, so that `ping` says whether the media plane is there. RFC 792, RFC 1122
// section 3.2.2.6, RFC 4443 section 4.
#pragma once

#include "dataplane/frame.h"

namespace weir::dataplane {

/// Turns an echo request into its reply, in place: the frame in becomes the frame out. `frame` is of kind kIcmp and
/// describes `bytes`. Anything else than a whole echo request to the media address with a right checksum: kIcmpNotEcho,
/// nothing changed.
proto::DropReason answer_echo(proto::MutableBytes bytes, const Frame& frame, const Network& network);

}  // namespace weir::dataplane
