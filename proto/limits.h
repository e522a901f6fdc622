// Every limit that both processes rely on, with its derivation. Related limits are asserted against each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::proto {

/// Packets a worker takes from a queue at once: one prefetch depth, one ipsec-mb burst (IMB_MAX_BURST_SIZE is 128).
inline constexpr std::size_t kBurstMax = 64;

/// Ethernet payload the media plane accepts and sends, in bytes: no jumbo frames, no fragments.
inline constexpr std::size_t kMtuBytes = 1500;

/// The longest UDP payload within kMtuBytes: 1500 - 20 (IPv4) - 8 (UDP).
inline constexpr std::size_t kDatagramBytesMax = kMtuBytes - 20 - 8;
/// The same in an IPv6 packet, whose header has 40 bytes.
inline constexpr std::size_t kDatagramIpv6BytesMax = kMtuBytes - 40 - 8;

/// The longest MKI. RFC 4568 section 6.1 allows 128 bytes; peers use 1 or 4.
inline constexpr std::size_t kMkiBytesMax = 4;

/// What SRTP or SRTCP adds at most: E and index (4), tag (16), MKI. RFC 3711 section 3.4, RFC 7714 section 9.
inline constexpr std::size_t kSrtpOverheadBytesMax = 20 + kMkiBytesMax;

inline constexpr std::uint32_t kWorkersMax = 64;
inline constexpr std::uint32_t kNetworksMax = 16;
/// Gateways of one network: the one in force and those that stand in for it.
inline constexpr std::size_t kGatewaysMax = 4;
/// Next hops that one network's configuration may name: so few that the table of next hops (dataplane/neighbours.h) has
/// a place for each.
inline constexpr std::size_t kStaticNeighboursMax = 512;
inline constexpr std::uint32_t kFlowsMax = 1u << 21;

/// SSRCs of one kind of packet that a flow keeps state of: audio, video, their RTX and FEC under BUNDLE (RFC 8843), and
/// a change of each. What is kept is kept as long as the key: a forgotten window would let old packets in again.
inline constexpr std::size_t kSsrcsPerFlowMax = 16;
/// Those whose state lies in the flow's own entry; the others lie in a pool that a few flows share.
inline constexpr std::size_t kSsrcsNearMax = 4;
static_assert(kSsrcsNearMax < kSsrcsPerFlowMax);

/// Streams of a flow that have statistics of their own: the busiest.
inline constexpr std::size_t kStreamsShownMax = 4;

/// How long keys may receive beside those that replace them, and how long a flow may wait for its first packet.
inline constexpr std::uint32_t kKeyGraceMsMax = 60'000;
inline constexpr std::uint32_t kLatchWindowMsMax = 60'000;

/// ICE credentials of ours. RFC 8839 section 5.4 asks for a ufrag of 4 to 256 characters and a password of 22 to 256;
/// ours are random, so that 16 and 32 hold more than the 24 and 128 bits that it wants.
inline constexpr std::size_t kIceUfragBytesMin = 4;
inline constexpr std::size_t kIceUfragBytesMax = 16;
inline constexpr std::size_t kIcePasswordBytesMin = 22;
inline constexpr std::size_t kIcePasswordBytesMax = 32;

/// Flows that are transcoded at once, each with a codec of its own of some 44 kB.
inline constexpr std::uint32_t kTranscodedFlowsMax = 65'535;

/// Payload types one flow renumbers.
inline constexpr std::size_t kPayloadTypeMapMax = 8;

/// Replay window in packets. RFC 3711 section 3.3.2 asks for at least 64; 128 is two machine words.
inline constexpr std::uint32_t kReplayWindowPackets = 128;
static_assert(kReplayWindowPackets >= 64 && kReplayWindowPackets % 64 == 0);

}  // namespace weir::proto
