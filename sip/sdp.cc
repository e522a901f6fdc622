#include "sip/sdp.h"

#include <array>

#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, 4> kDirections{"sendrecv", "sendonly", "recvonly", "inactive"};

/// RFC 3551 section 6, tables 4 and 5. Assignments are closed: the table is final.
struct StaticPayloadType {
  std::uint8_t payload_type;
  std::string_view encoding;
  std::uint32_t clock_hz;
  std::string_view parameters;
};
constexpr std::array kStaticPayloadTypes{
    StaticPayloadType{0, "PCMU", 8000, ""},   StaticPayloadType{3, "GSM", 8000, ""},
    StaticPayloadType{4, "G723", 8000, ""},   StaticPayloadType{5, "DVI4", 8000, ""},
    StaticPayloadType{6, "DVI4", 16000, ""},  StaticPayloadType{7, "LPC", 8000, ""},
    StaticPayloadType{8, "PCMA", 8000, ""},   StaticPayloadType{9, "G722", 8000, ""},
    StaticPayloadType{10, "L16", 44100, "2"}, StaticPayloadType{11, "L16", 44100, ""},
    StaticPayloadType{12, "QCELP", 8000, ""}, StaticPayloadType{13, "CN", 8000, ""},
    StaticPayloadType{14, "MPA", 90000, ""},  StaticPayloadType{15, "G728", 8000, ""},
    StaticPayloadType{16, "DVI4", 11025, ""}, StaticPayloadType{17, "DVI4", 22050, ""},
    StaticPayloadType{18, "G729", 8000, ""},  StaticPayloadType{25, "CelB", 90000, ""},
    StaticPayloadType{26, "JPEG", 90000, ""}, StaticPayloadType{28, "nv", 90000, ""},
    StaticPayloadType{31, "H261", 90000, ""}, StaticPayloadType{32, "MPV", 90000, ""},
    StaticPayloadType{33, "MP2T", 90000, ""}, StaticPayloadType{34, "H263", 90000, ""},
};

std::optional<Rtpmap> static_rtpmap(std::uint8_t payload_type) {
  for (const StaticPayloadType& row : kStaticPayloadTypes) {
    if (row.payload_type == payload_type) {
      return Rtpmap{row.payload_type, std::string(row.encoding), row.clock_hz, std::string(row.parameters)};
    }
  }
  return std::nullopt;
}

/// "opus/48000/2"
std::optional<Rtpmap> parse_encoding(std::uint8_t payload_type, std::string_view text) {
  Rtpmap map;
  map.payload_type = payload_type;
  map.encoding = take_until(text, '/');
  const auto clock_hz = parse_number<std::uint32_t>(take_until(text, '/'));
  if (map.encoding.empty() || !clock_hz || *clock_hz == 0) return std::nullopt;
  map.clock_hz = *clock_hz;
  map.parameters = text;
  return map;
}

std::optional<Direction> direction_in(const SdpAttributes& attributes) {
  for (const SdpAttribute& attribute : attributes) {
    for (std::size_t i = 0; i < kDirections.size(); ++i) {
      if (attribute.name == kDirections[i] && !attribute.value) return static_cast<Direction>(i);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Direction direction) {
  return kDirections[static_cast<std::size_t>(direction)];
}

const SdpAttribute* find_attribute(const SdpAttributes& attributes, std::string_view name) {
  for (const SdpAttribute& attribute : attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

std::vector<std::string_view> attribute_values(const SdpAttributes& attributes, std::string_view name) {
  std::vector<std::string_view> values;
  for (const SdpAttribute& attribute : attributes) {
    if (attribute.name == name) values.push_back(attribute.value ? std::string_view(*attribute.value) : "");
  }
  return values;
}

std::optional<Rtpmap> rtpmap(const MediaSection& section, std::uint8_t payload_type) {
  for (std::string_view value : attribute_values(section.attributes, "rtpmap")) {
    if (parse_number<std::uint8_t>(take_word(value)) == payload_type) {
      return parse_encoding(payload_type, trimmed(value));
    }
  }
  return static_rtpmap(payload_type);
}

std::optional<std::string_view> fmtp(const MediaSection& section, std::string_view format) {
  for (std::string_view value : attribute_values(section.attributes, "fmtp")) {
    if (take_word(value) == format) return value;
  }
  return std::nullopt;
}

Direction direction(const SessionDescription& session, const MediaSection& section) {
  if (const auto own = direction_in(section.attributes)) return *own;
  return direction_in(session.attributes).value_or(Direction::kSendRecv);
}

std::optional<std::uint32_t> ptime_ms(const MediaSection& section) {
  const SdpAttribute* attribute = find_attribute(section.attributes, "ptime");
  if (attribute == nullptr || !attribute->value) return std::nullopt;
  const auto ms = parse_number<std::uint16_t>(trimmed(*attribute->value));
  if (!ms || *ms == 0) return std::nullopt;
  return *ms;
}

std::optional<RtcpAttribute> rtcp(const MediaSection& section) {
  const SdpAttribute* attribute = find_attribute(section.attributes, "rtcp");
  if (attribute == nullptr || !attribute->value) return std::nullopt;
  std::string_view rest = *attribute->value;
  const auto port = parse_number<std::uint16_t>(take_word(rest));
  if (!port) return std::nullopt;
  RtcpAttribute rtcp{*port, std::nullopt};
  if (trimmed(rest).empty()) return rtcp;
  SdpConnection connection;
  connection.network_type = take_word(rest);
  connection.address_type = take_word(rest);
  connection.address = take_word(rest);
  const proto::Result<proto::IpAddress> address = address_of(connection);
  if (!address) return std::nullopt;
  rtcp.address = *address;
  return rtcp;
}

bool has_rtcp_mux(const MediaSection& section) {
  return find_attribute(section.attributes, "rtcp-mux") != nullptr;
}

std::vector<std::string_view> crypto_lines(const MediaSection& section) {
  return attribute_values(section.attributes, "crypto");
}

const SdpConnection* connection_of(const SessionDescription& session, const MediaSection& section) {
  if (!section.connections.empty()) return &section.connections.front();
  return session.connection ? &*session.connection : nullptr;
}

proto::Result<proto::IpAddress> address_of(const SdpConnection& connection) {
  if (!equals_without_case(connection.network_type, "IN")) {
    return proto::Error{"the network type '" + connection.network_type + "' is not IN"};
  }
  const proto::Result<proto::IpAddress> address = proto::parse_ip_address(connection.address);
  if (!address) {
    return proto::Error{"the connection address '" + connection.address + "' is not a unicast IP address"};
  }
  const bool is_ipv4 = address->family == proto::Family::kIpv4;
  const bool is_multicast = is_ipv4 ? address->bytes[0] >> 4 == 0xe : address->bytes[0] == 0xff;
  if (is_multicast) {
    return proto::Error{"the connection address '" + connection.address + "' is multicast"};
  }
  if (!equals_without_case(connection.address_type, is_ipv4 ? "IP4" : "IP6")) {
    return proto::Error{"the connection address '" + connection.address + "' is not of type " +
                        connection.address_type};
  }
  return address;
}

bool is_unspecified(const proto::IpAddress& address) {
  return address.family != proto::Family::kNone && address.bytes == proto::IpAddress{}.bytes;
}

SdpConnection connection_to(const proto::IpAddress& address) {
  return {"IN", address.family == proto::Family::kIpv6 ? "IP6" : "IP4", proto::to_string(address)};
}

}  // namespace weir::sip
