#include "sip/sdp_parse.h"

#include <optional>
#include <utility>

#include "sip/text.h"

namespace weir::sip {
namespace {

/// The text of why a line is refused; nullopt when it was taken.
using Fault = std::optional<std::string>;

std::optional<SdpConnection> parse_connection(std::string_view value) {
  SdpConnection connection;
  connection.network_type = take_word(value);
  connection.address_type = take_word(value);
  connection.address = take_word(value);
  if (connection.address.empty() || !trimmed(value).empty()) return std::nullopt;
  return connection;
}

std::optional<SdpBandwidth> parse_bandwidth(std::string_view value) {
  SdpBandwidth bandwidth;
  bandwidth.type = take_until(value, ':');
  const auto number = parse_number<std::uint64_t>(trimmed(value));
  if (bandwidth.type.empty() || !number) return std::nullopt;
  bandwidth.value = *number;
  return bandwidth;
}

std::optional<SdpAttribute> parse_attribute(std::string_view value) {
  const std::size_t colon = value.find(':');
  SdpAttribute attribute{std::string(value.substr(0, colon)), std::nullopt};
  if (attribute.name.empty()) return std::nullopt;
  if (colon != std::string_view::npos) attribute.value = value.substr(colon + 1);
  return attribute;
}

bool is_number(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

/// One pass over the lines. `section_` is where they belong: nullptr for the session level.
class SdpReader {
 public:
  std::variant<SessionDescription, SdpError> read(std::string_view text);

 private:
  Fault take_line(std::string_view line);
  Fault take_session_line(char type, std::string_view value);
  Fault take_shared_line(char type, std::string_view value);
  Fault take_version(std::string_view value);
  Fault take_origin(std::string_view value);
  Fault take_time(std::string_view value);
  Fault take_repeat(std::string_view value);
  Fault take_media(std::string_view value);
  Fault take_media_port(std::string_view port, MediaSection& section);
  Fault take_connection(std::string_view value);
  Fault take_bandwidth(std::string_view value);
  Fault take_attribute(std::string_view value);
  Fault take_information(std::string_view value);

  SessionDescription session_;
  MediaSection* section_ = nullptr;
  bool version_seen_ = false;
  bool origin_seen_ = false;
  bool name_seen_ = false;
  bool time_seen_ = false;
};

Fault take_once(std::optional<std::string>& place, std::string_view value) {
  if (place) return "the line may stand only once";
  place = value;
  return std::nullopt;
}

Fault take_repeated(std::vector<std::string>& place, std::string_view value) {
  if (place.size() == kSdpRepeatsMax) return "there are too many lines of this type";
  place.emplace_back(value);
  return std::nullopt;
}

Fault SdpReader::take_version(std::string_view value) {
  if (version_seen_) return "a second v= line";
  if (trimmed(value) != "0") return "the protocol version is not 0";
  version_seen_ = true;
  return std::nullopt;
}

Fault SdpReader::take_origin(std::string_view value) {
  if (std::exchange(origin_seen_, true)) return "a second o= line";
  SdpOrigin& origin = session_.origin;
  origin.username = take_word(value);
  origin.session_id = take_word(value);
  origin.version = take_word(value);
  origin.network_type = take_word(value);
  origin.address_type = take_word(value);
  origin.address = take_word(value);
  if (origin.address.empty() || !trimmed(value).empty()) return "the o= line does not have six fields";
  if (!is_number(origin.session_id) || !is_number(origin.version)) {
    return "the session id or version is not a number";
  }
  return std::nullopt;
}

Fault SdpReader::take_time(std::string_view value) {
  if (!std::exchange(time_seen_, true)) session_.times.clear();
  if (session_.times.size() == kSdpRepeatsMax) return "there are too many t= lines";
  SdpTime time;
  time.start = take_word(value);
  time.stop = take_word(value);
  if (!is_number(time.start) || !is_number(time.stop) || !trimmed(value).empty()) {
    return "the t= line is not two numbers";
  }
  session_.times.push_back(std::move(time));
  return std::nullopt;
}

Fault SdpReader::take_repeat(std::string_view value) {
  if (!time_seen_) return "an r= line before any t= line";
  return take_repeated(session_.times.back().repeats, value);
}

Fault SdpReader::take_media_port(std::string_view port, MediaSection& section) {
  const auto number = parse_number<std::uint16_t>(take_until(port, '/'));
  if (!number) return "the port is not a number below 65536";
  section.port = *number;
  if (port.empty()) return std::nullopt;
  const auto count = parse_number<std::uint16_t>(port);
  if (!count || *count == 0) return "the number of ports is not a number from 1 to 65535";
  section.port_count = *count;
  return std::nullopt;
}

Fault SdpReader::take_media(std::string_view value) {
  if (session_.media.size() == kSdpSectionsMax) return "there are too many m= lines";
  MediaSection section;
  section.media = take_word(value);
  const std::string_view port = take_word(value);
  section.protocol = take_word(value);
  if (section.protocol.empty()) return "the m= line does not have four fields";
  if (Fault fault = take_media_port(port, section)) return fault;
  for (std::string_view format = take_word(value); !format.empty(); format = take_word(value)) {
    if (section.formats.size() == kSdpFormatsMax) return "the m= line has too many formats";
    section.formats.emplace_back(format);
  }
  if (section.formats.empty()) return "the m= line has no format";
  section_ = &session_.media.emplace_back(std::move(section));
  return std::nullopt;
}

Fault SdpReader::take_connection(std::string_view value) {
  std::optional<SdpConnection> connection = parse_connection(value);
  if (!connection) return "the c= line does not have three fields";
  if (section_ != nullptr) {
    if (section_->connections.size() == kSdpRepeatsMax) return "there are too many c= lines";
    section_->connections.push_back(std::move(*connection));
    return std::nullopt;
  }
  if (session_.connection) return "a second c= line at session level";
  session_.connection = std::move(connection);
  return std::nullopt;
}

Fault SdpReader::take_bandwidth(std::string_view value) {
  std::optional<SdpBandwidth> bandwidth = parse_bandwidth(value);
  if (!bandwidth) return "the b= line is not TYPE:NUMBER";
  std::vector<SdpBandwidth>& place = section_ != nullptr ? section_->bandwidths : session_.bandwidths;
  if (place.size() == kSdpRepeatsMax) return "there are too many b= lines";
  place.push_back(std::move(*bandwidth));
  return std::nullopt;
}

Fault SdpReader::take_attribute(std::string_view value) {
  std::optional<SdpAttribute> attribute = parse_attribute(value);
  if (!attribute) return "the attribute has no name";
  SdpAttributes& place = section_ != nullptr ? section_->attributes : session_.attributes;
  if (place.size() == kSdpAttributesMax) return "there are too many attributes";
  place.push_back(std::move(*attribute));
  return std::nullopt;
}

Fault SdpReader::take_information(std::string_view value) {
  return take_once(section_ != nullptr ? section_->information : session_.information, value);
}

/// Lines that may stand at session level and in a section.
Fault SdpReader::take_shared_line(char type, std::string_view value) {
  switch (type) {
    case 'm':
      return take_media(value);
    case 'i':
      return take_information(value);
    case 'c':
      return take_connection(value);
    case 'b':
      return take_bandwidth(value);
    case 'a':
      return take_attribute(value);
    case 'k':
      return std::nullopt;  // obsolete, and a key in clear: received ones are discarded (RFC 8866 section 5.12)
    default:
      return std::string("the line type '") + type + "' does not belong here";
  }
}

Fault SdpReader::take_session_line(char type, std::string_view value) {
  switch (type) {
    case 'v':
      return take_version(value);
    case 'o':
      return take_origin(value);
    case 's':
      if (std::exchange(name_seen_, true)) return "a second s= line";
      session_.name = value;
      return std::nullopt;
    case 'u':
      return take_once(session_.uri, value);
    case 'e':
      return take_repeated(session_.emails, value);
    case 'p':
      return take_repeated(session_.phones, value);
    case 't':
      return take_time(value);
    case 'r':
      return take_repeat(value);
    case 'z':
      return take_once(session_.zones, value);
    default:
      return take_shared_line(type, value);
  }
}

Fault SdpReader::take_line(std::string_view line) {
  if (line.size() > kSdpLineBytesMax) return "the line is too long";
  if (line.size() < 2 || line[1] != '=' || !(is_alpha(line[0]))) return "the line is not of the form TYPE=VALUE";
  if (line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos) {
    return "the line holds a byte that no line may hold";
  }
  if (!version_seen_ && line[0] != 'v') return "the first line is not v=0";
  const std::string_view value = line.substr(2);
  return section_ == nullptr ? take_session_line(line[0], value) : take_shared_line(line[0], value);
}

std::variant<SessionDescription, SdpError> SdpReader::read(std::string_view text) {
  if (text.size() > kSdpBytesMax) return SdpError{0, "the session description is too long"};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.empty()) return SdpError{0, "the session description is empty"};
  std::uint32_t number = 0;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (Fault fault = take_line(line)) return SdpError{number, std::move(*fault)};
  }
  if (!origin_seen_) return SdpError{0, "there is no o= line"};
  return std::move(session_);
}

}  // namespace

std::string to_string(const SdpError& error) {
  return error.line == 0 ? error.reason : "line " + std::to_string(error.line) + ": " + error.reason;
}

std::variant<SessionDescription, SdpError> parse_sdp(std::string_view text) {
  return SdpReader{}.read(text);
}

}  // namespace weir::sip
