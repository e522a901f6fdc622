// A session description as a value: RFC 8866. What Weir does not understand is kept verbatim and in order.
// Attribute accessors: RFC 8866 section 6, RFC 3605 (rtcp), RFC 5761 (rtcp-mux), RFC 4568 (crypto).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/inet.h"

namespace weir::sip {

/// Why a session description cannot be accepted, as SIP says it: 400 (malformed) or 488 (not acceptable here).
/// `reason` is one sentence for the log and the Warning or Reason header, without line breaks.
struct SdpRefusal {
  std::uint16_t status = 488;
  std::string reason;
};

/// a=name, or a=name:value. An empty value ("a=name:") is not the same as none. Names keep their case.
struct SdpAttribute {
  std::string name;
  std::optional<std::string> value;

  friend bool operator==(const SdpAttribute&, const SdpAttribute&) = default;
};
using SdpAttributes = std::vector<SdpAttribute>;

/// o=. session_id and version are digits of any length: other people's exceed 64 bits now and then.
struct SdpOrigin {
  std::string username = "-";
  std::string session_id = "0";
  std::string version = "0";
  std::string network_type = "IN";
  std::string address_type = "IP4";
  std::string address;

  friend bool operator==(const SdpOrigin&, const SdpOrigin&) = default;
};

/// c=. `address` is as written: an IP address, a name, or multicast with "/TTL" or "/TTL/COUNT".
struct SdpConnection {
  std::string network_type = "IN";
  std::string address_type = "IP4";
  std::string address;

  friend bool operator==(const SdpConnection&, const SdpConnection&) = default;
};

/// b=. `value` is in kilobits per second, for TIAS in bits per second (RFC 3890).
struct SdpBandwidth {
  std::string type;
  std::uint64_t value = 0;

  friend bool operator==(const SdpBandwidth&, const SdpBandwidth&) = default;
};

/// t= and the r= lines that belong to it, verbatim. NTP seconds as digits; "0" is unbounded.
struct SdpTime {
  std::string start = "0";
  std::string stop = "0";
  std::vector<std::string> repeats;

  friend bool operator==(const SdpTime&, const SdpTime&) = default;
};

/// m= and the lines up to the next one. Port 0 refuses or disables the section (RFC 3264 section 6).
struct MediaSection {
  std::string media;  ///< "audio", "video", ...
  std::uint16_t port = 0;
  std::uint32_t port_count = 1;
  std::string protocol;              ///< "RTP/AVP", "UDP/TLS/RTP/SAVP", ...
  std::vector<std::string> formats;  ///< payload types for RTP protocols; at least one
  std::optional<std::string> information;
  std::vector<SdpConnection> connections;
  std::vector<SdpBandwidth> bandwidths;
  SdpAttributes attributes;

  friend bool operator==(const MediaSection&, const MediaSection&) = default;
};

/// v=0 is implied. k= lines are dropped when read (RFC 8866 section 5.12).
struct SessionDescription {
  SdpOrigin origin;
  std::string name = "-";
  std::optional<std::string> information;
  std::optional<std::string> uri;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::optional<SdpConnection> connection;
  std::vector<SdpBandwidth> bandwidths;
  std::vector<SdpTime> times{SdpTime{}};
  std::optional<std::string> zones;  ///< z=, verbatim
  SdpAttributes attributes;
  std::vector<MediaSection> media;

  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

/// a=sendrecv and its kin, as the side that wrote it means it (RFC 8866 section 6.7).
enum class Direction : std::uint8_t { kSendRecv, kSendOnly, kRecvOnly, kInactive };
std::string_view to_string(Direction direction);
constexpr bool sends(Direction direction) {
  return direction == Direction::kSendRecv || direction == Direction::kSendOnly;
}
constexpr bool receives(Direction direction) {
  return direction == Direction::kSendRecv || direction == Direction::kRecvOnly;
}
/// The direction of these two abilities.
constexpr Direction direction_of(bool can_send, bool can_receive) {
  if (can_send) return can_receive ? Direction::kSendRecv : Direction::kSendOnly;
  return can_receive ? Direction::kRecvOnly : Direction::kInactive;
}
/// The same stream as the other side sees it: sendonly becomes recvonly.
constexpr Direction reversed(Direction direction) {
  return direction_of(receives(direction), sends(direction));
}

/// What we may do, given what each side says of itself.
constexpr Direction agreed_direction(Direction ours, Direction theirs) {
  return direction_of(sends(ours) && receives(theirs), receives(ours) && sends(theirs));
}

/// What two streams on one transport do together.
constexpr Direction either(Direction one, Direction other) {
  return direction_of(sends(one) || sends(other), receives(one) || receives(other));
}

/// a=rtpmap (RFC 8866 section 6.6).
struct Rtpmap {
  std::uint8_t payload_type = 0;
  std::string encoding;
  std::uint32_t clock_hz = 0;
  std::string parameters;  ///< for audio the number of channels; empty when not given

  friend bool operator==(const Rtpmap&, const Rtpmap&) = default;
};

/// a=rtcp (RFC 3605): the port, and the address if it was given and is an IP address.
struct RtcpAttribute {
  std::uint16_t port = 0;
  std::optional<proto::IpAddress> address;
};

/// The first attribute of that name, or nullptr. Attribute names are compared as written (RFC 8866 section 6).
const SdpAttribute* find_attribute(const SdpAttributes& attributes, std::string_view name);
/// The values of every attribute of that name, in order; an attribute without value gives an empty one. The views live
/// as long as `attributes`.
std::vector<std::string_view> attribute_values(const SdpAttributes& attributes, std::string_view name);

/// The rtpmap of a payload type; without one, the static assignment of RFC 3551 section 6 (audio and video), if any.
/// nullopt for a payload type nobody defines, and for a malformed line.
std::optional<Rtpmap> rtpmap(const MediaSection& section, std::uint8_t payload_type);
/// The parameters of a=fmtp for this format.
std::optional<std::string_view> fmtp(const MediaSection& section, std::string_view format);
/// The section's direction, or the session's, or sendrecv. Says nothing of c=0.0.0.0.
Direction direction(const SessionDescription& session, const MediaSection& section);
/// a=ptime in milliseconds, 1..65535; nullopt when absent or malformed.
std::optional<std::uint32_t> ptime_ms(const MediaSection& section);
/// nullopt when absent or malformed.
std::optional<RtcpAttribute> rtcp(const MediaSection& section);
bool has_rtcp_mux(const MediaSection& section);
/// The values of the a=crypto lines (SDES, RFC 4568), opaque. They hold keys: never log them.
std::vector<std::string_view> crypto_lines(const MediaSection& section);

/// The c= line that holds for a section: its own first, or the session's; nullptr if there is none.
const SdpConnection* connection_of(const SessionDescription& session, const MediaSection& section);
/// The unicast IP address of a c= line. An Error for names, multicast, and an address that is not of its address type.
proto::Result<proto::IpAddress> address_of(const SdpConnection& connection);
/// True for 0.0.0.0 and ::, which RFC 3264 section 8.4 keeps as the old sign of hold.
bool is_unspecified(const proto::IpAddress& address);
/// The c= line of an address.
SdpConnection connection_to(const proto::IpAddress& address);

}  // namespace weir::sip
