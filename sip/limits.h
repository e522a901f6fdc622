// Bounds on what a SIP message may be, each with its derivation. A message outside them is refused before it costs more
// than its own bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::sip {

/// The largest UDP payload there can be (RFC 768: a 16-bit length). Streams get the same bound, so that a message that
/// came in over one transport can be held, logged and forwarded like one from another. RFC 3261 section 18.1.1 asks for
/// no less.
inline constexpr std::size_t kMessageBytesMax = 65'535;

/// A request over UDP, where the path's MTU is not known (RFC 3261 section 18.1.1).
inline constexpr std::size_t kDatagramRequestBytesMax = 1'300;

/// Start line and headers together. The body of a real INVITE is the larger half; 32 KiB of headers is ten times the
/// longest of RFC 4475 (longreq).
inline constexpr std::size_t kHeadBytesMax = 32'768;

/// One header line, folds included. Identity tokens and call-info run to 4 KiB; twice that.
inline constexpr std::size_t kHeaderLineBytesMax = 8'192;

/// Header lines in one message: 70 Via, 70 Record-Route and 70 Route lines of a request that used up Max-Forwards, and
/// room for the rest.
inline constexpr std::size_t kHeadersMax = 256;

/// Max-Forwards starts at 70 (RFC 3261 section 8.1.1.6), so a request can have crossed 70 hops and left the client.
inline constexpr std::uint32_t kMaxForwardsInitial = 70;
inline constexpr std::size_t kViasMax = kMaxForwardsInitial + 1;

/// Parameters of one URI, Via or name-addr. RFC 3261 and its extensions name fewer than 40 for any of them.
inline constexpr std::size_t kParametersMax = 64;

/// CSeq numbers are below 2^31 (RFC 3261 section 8.1.1.5).
inline constexpr std::uint32_t kCSeqMax = 0x7fff'ffff;

/// Retry-After of a 503 of ours, in seconds (RFC 3261 section 21.5.4): the limits that cause it count by the second,
/// and five of them spread a crowd.
inline constexpr std::string_view kRetryAfterSeconds = "5";

static_assert(kHeadBytesMax < kMessageBytesMax && kHeaderLineBytesMax < kHeadBytesMax);
static_assert(3 * kMaxForwardsInitial < kHeadersMax);

}  // namespace weir::sip
