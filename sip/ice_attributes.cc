#include "sip/ice_attributes.h"

#include <algorithm>
#include <utility>

#include "proto/assert.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::size_t kFoundationBytesMax = 32;
constexpr std::uint32_t kPriorityMax = 0x7fff'ffff;
/// RTP and RTCP (RFC 8445 section 13).
constexpr std::uint8_t kComponentsMax = 2;

bool is_ice_text(std::string_view text, std::size_t bytes_min, std::size_t bytes_max) {
  if (text.size() < bytes_min || text.size() > bytes_max) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; });
}

/// The section's value, or the session's (RFC 8839 section 5.4); nullopt if neither has the attribute.
std::optional<std::string_view> value_at_either_level(const SessionDescription& session, const MediaSection& section,
                                                      std::string_view name) {
  const SdpAttribute* attribute = find_attribute(section.attributes, name);
  if (attribute == nullptr) attribute = find_attribute(session.attributes, name);
  if (attribute == nullptr) return std::nullopt;
  return attribute->value ? trimmed(*attribute->value) : std::string_view();
}

bool has_trickle(const SdpAttributes& attributes) {
  for (std::string_view options : attribute_values(attributes, "ice-options")) {
    for (std::string_view option = take_word(options); !option.empty(); option = take_word(options)) {
      if (option == "trickle") return true;
    }
  }
  return false;
}

/// Where a candidate says it is, if something may be sent there.
proto::Endpoint reachable(std::string_view transport, std::string_view address, std::uint16_t port) {
  if (!equals_without_case(transport, "UDP")) return {};
  const proto::Result<proto::IpAddress> parsed = proto::parse_ip_address(address);
  if (!parsed || !proto::is_host(*parsed)) return {};
  return {*parsed, 0, port};
}

/// What follows the type: pairs of a name and a value. Their meaning is nothing to us.
bool are_extensions(std::string_view rest) {
  for (std::string_view name = take_word(rest); !name.empty(); name = take_word(rest)) {
    const std::string_view value = take_word(rest);
    if (value.empty()) return false;
    if (name == "rport" && !parse_number<std::uint16_t>(value)) return false;
  }
  return true;
}

/// Of a= lines, in bytes with their ends.
std::uint32_t bytes_of(const SdpAttributes& attributes) {
  std::size_t bytes = 0;
  for (const SdpAttribute& one : attributes) {
    bytes += one.name.size() + (one.value ? one.value->size() + 1 : 0) + 4;
  }
  return static_cast<std::uint32_t>(bytes);
}

void read_candidates(const MediaSection& section, RemoteIce& ice) {
  for (const SdpAttribute& attribute : section.attributes) {
    if (attribute.name != "candidate") continue;
    std::optional<IceCandidate> candidate = parse_candidate(attribute.value.value_or(""));
    if (candidate && ice.candidates.size() < kIceCandidatesMax) {
      ice.candidates.push_back(*std::move(candidate));
    } else {
      ++ice.candidates_left_out;
    }
  }
}

/// RFC 8839 section 5.2: component, address and port, again and again.
void read_chosen(const MediaSection& section, RemoteIce& ice) {
  const SdpAttribute* attribute = find_attribute(section.attributes, "remote-candidates");
  std::string_view rest = attribute != nullptr && attribute->value ? *attribute->value : std::string_view();
  for (std::uint8_t component = 1; component <= kComponentsMax; ++component) {
    if (parse_number<std::uint8_t>(take_word(rest)) != component) return;
    const proto::Result<proto::IpAddress> address = proto::parse_ip_address(take_word(rest));
    const auto port = parse_number<std::uint16_t>(take_word(rest));
    if (!address || !port) return;
    ice.chosen.push_back({*address, 0, *port});
  }
}

}  // namespace

std::variant<std::optional<RemoteIce>, SdpRefusal> read_ice(const SessionDescription& session,
                                                            const MediaSection& section) {
  const auto ufrag = value_at_either_level(session, section, "ice-ufrag");
  const auto password = value_at_either_level(session, section, "ice-pwd");
  if (!ufrag && !password) return std::nullopt;
  if (!ufrag || !password) return SdpRefusal{400, "of ice-ufrag and ice-pwd there is only one"};
  if (!is_ice_text(*ufrag, kIceUfragBytesMin, kIceUfragBytesMax)) {
    return SdpRefusal{400, "the ice-ufrag is not 4 to 256 letters, digits, + and /"};
  }
  if (!is_ice_text(*password, kIcePasswordBytesMin, kIcePasswordBytesMax)) {
    return SdpRefusal{400, "the ice-pwd is not 22 to 256 letters, digits, + and /"};
  }
  RemoteIce ice;
  ice.credentials = {std::string(*ufrag), std::string(*password)};
  ice.lite = find_attribute(session.attributes, "ice-lite") != nullptr;
  ice.trickle = has_trickle(section.attributes) || has_trickle(session.attributes);
  ice.ended = value_at_either_level(session, section, "end-of-candidates").has_value();
  ice.bytes = bytes_of(session.attributes) + bytes_of(section.attributes);
  read_candidates(section, ice);
  read_chosen(section, ice);
  return ice;
}

std::optional<IceCandidate> parse_candidate(std::string_view value) {
  IceCandidate candidate;
  candidate.foundation = take_word(value);
  const auto component = parse_number<std::uint8_t>(take_word(value));
  const std::string_view transport = take_word(value);
  const auto priority = parse_number<std::uint32_t>(take_word(value), kPriorityMax);
  const std::string_view address = take_word(value);
  const auto port = parse_number<std::uint16_t>(take_word(value));
  const bool typed = take_word(value) == "typ";
  candidate.type = take_word(value);
  if (!is_ice_text(candidate.foundation, 1, kFoundationBytesMax) || !component || *component == 0) return std::nullopt;
  if (!priority || *priority == 0 || !port || !typed || candidate.type.empty()) return std::nullopt;
  if (!are_extensions(value)) return std::nullopt;
  candidate.component = *component;
  candidate.priority = *priority;
  if (*port != 0) candidate.endpoint = reachable(transport, address, *port);
  return candidate;
}

std::string write_candidate(const IceCandidate& candidate) {
  WEIR_ASSERT(candidate.endpoint.port != 0);
  return candidate.foundation + " " + std::to_string(candidate.component) + " UDP " +
         std::to_string(candidate.priority) + " " + proto::to_string(candidate.endpoint.address) + " " +
         std::to_string(candidate.endpoint.port) + " typ " + candidate.type;
}

void append_ice(const LocalIce& ice, std::uint8_t components, MediaSection& section) {
  section.attributes.push_back({"ice-ufrag", ice.credentials.ufrag});
  section.attributes.push_back({"ice-pwd", ice.credentials.password});
  for (const IceCandidate& candidate : ice.candidates) {
    if (candidate.component > components || candidate.endpoint.port == 0) continue;
    section.attributes.push_back({"candidate", write_candidate(candidate)});
  }
  section.attributes.push_back({"end-of-candidates", std::nullopt});
}

void append_ice(const LocalIce& ice, SessionDescription& session) {
  if (ice.lite) session.attributes.push_back({"ice-lite", std::nullopt});
  session.attributes.push_back({"ice-options", "ice2 trickle"});
}

bool is_ice_restart(const RemoteIce& before, const RemoteIce& now) {
  return before.credentials.ufrag != now.credentials.ufrag && before.credentials.password != now.credentials.password;
}

}  // namespace weir::sip
