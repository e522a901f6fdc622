#include "sip/sdp_write.h"

#include <initializer_list>
#include <string_view>

namespace weir::sip {
namespace {

void append_line(std::string& out, char type, std::initializer_list<std::string_view> words) {
  out += type;
  out += '=';
  bool first = true;
  for (const std::string_view word : words) {
    if (!first) out += ' ';
    out += word;
    first = false;
  }
  out += "\r\n";
}

void append_optional(std::string& out, char type, const std::optional<std::string>& value) {
  if (value) append_line(out, type, {*value});
}

void append_connection(std::string& out, const SdpConnection& connection) {
  append_line(out, 'c', {connection.network_type, connection.address_type, connection.address});
}

void append_bandwidths(std::string& out, const std::vector<SdpBandwidth>& bandwidths) {
  for (const SdpBandwidth& bandwidth : bandwidths) {
    append_line(out, 'b', {bandwidth.type + ":" + std::to_string(bandwidth.value)});
  }
}

void append_attributes(std::string& out, const SdpAttributes& attributes) {
  for (const SdpAttribute& attribute : attributes) {
    out += "a=";
    out += attribute.name;
    if (attribute.value) {
      out += ':';
      out += *attribute.value;
    }
    out += "\r\n";
  }
}

void append_times(std::string& out, const std::vector<SdpTime>& times) {
  for (const SdpTime& time : times) {
    append_line(out, 't', {time.start, time.stop});
    for (const std::string& repeat : time.repeats) append_line(out, 'r', {repeat});
  }
}

void append_section(std::string& out, const MediaSection& section) {
  std::string port = std::to_string(section.port);
  if (section.port_count != 1) port += "/" + std::to_string(section.port_count);
  std::string formats;
  for (const std::string& format : section.formats) {
    if (!formats.empty()) formats += ' ';
    formats += format;
  }
  append_line(out, 'm', {section.media, port, section.protocol, formats});
  append_optional(out, 'i', section.information);
  for (const SdpConnection& connection : section.connections) append_connection(out, connection);
  append_bandwidths(out, section.bandwidths);
  append_attributes(out, section.attributes);
}

}  // namespace

std::string write_sdp(const SessionDescription& session) {
  std::string out = "v=0\r\n";
  const SdpOrigin& origin = session.origin;
  append_line(
      out, 'o',
      {origin.username, origin.session_id, origin.version, origin.network_type, origin.address_type, origin.address});
  append_line(out, 's', {session.name});
  append_optional(out, 'i', session.information);
  append_optional(out, 'u', session.uri);
  for (const std::string& email : session.emails) append_line(out, 'e', {email});
  for (const std::string& phone : session.phones) append_line(out, 'p', {phone});
  if (session.connection) append_connection(out, *session.connection);
  append_bandwidths(out, session.bandwidths);
  append_times(out, session.times);
  append_optional(out, 'z', session.zones);
  append_attributes(out, session.attributes);
  for (const MediaSection& section : session.media) append_section(out, section);
  return out;
}

std::string write_rtcp(const proto::Endpoint& rtcp) {
  const SdpConnection connection = connection_to(rtcp.address);
  return std::to_string(rtcp.port) + " " + connection.network_type + " " + connection.address_type + " " +
         connection.address;
}

}  // namespace weir::sip
