#include "sip/scan.h"

#include "proto/inet.h"

namespace weir::sip::scan {
namespace {

constexpr std::string_view kThreeColons = ":::";

/// An address with three colons before its IPv4 part, as the grammar of section 25.1 allows it and RFC 4291 does not:
/// it means two, and must be taken (RFC 5118 section 4.10).
bool has_third_colon(std::string_view address) {
  const std::size_t at = address.find(kThreeColons);
  if (at == std::string_view::npos) return false;
  const std::string_view tail = address.substr(at + kThreeColons.size());
  return tail.find('.') != std::string_view::npos && tail.find(':') == std::string_view::npos;
}

/// The text between the brackets of an IPv6 reference; empty if it is none.
std::string_view ipv6_reference(Scanner& scanner) {
  const std::size_t close = scanner.rest().find(']');
  if (close == std::string_view::npos) return {};
  const std::string_view address = scanner.rest().substr(1, close - 1);
  // "[::ffff:255.255.255.255]" spelled out in full is 45 characters; one more colon may be too many.
  if (address.find(':') == std::string_view::npos || address.size() > 46) return {};
  if (!proto::parse_ip_address(has_third_colon(address) ? host_text(address) : std::string{address})) return {};
  scanner.skip(close + 1);
  return address;
}

}  // namespace

std::optional<HostPort> host_port(Scanner& scanner, bool spaced) {
  HostPort found;
  found.host = scanner.next_is('[') ? ipv6_reference(scanner) : scanner.run(kHost);
  if (found.host.empty()) return std::nullopt;
  if (!(spaced ? scanner.separator(':') : scanner.eat(':'))) return found;
  // Port 0 cannot be sent to.
  const std::optional<std::uint32_t> port = parse_number<std::uint32_t>(scanner.run(kDigit), 65'535);
  if (!port || *port == 0) return std::nullopt;
  found.port = static_cast<std::uint16_t>(*port);
  return found;
}

std::string host_text(std::string_view host) {
  std::string text{host};
  const std::size_t at = text.find(kThreeColons);
  if (at != std::string::npos) text.erase(at, 1);
  return text;
}

std::string_view call_id(Scanner& scanner) {
  const std::string_view text = scanner.rest();
  if (scanner.run(kWord).empty()) return {};
  if (scanner.eat('@') && scanner.run(kWord).empty()) return {};
  return text.substr(0, text.size() - scanner.rest().size());
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  const auto byte = static_cast<std::uint8_t>(c);
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

std::optional<Parameters> rest_as_parameters(Scanner& scanner) {
  Parameters parameters;
  if (!header_parameters(scanner, KeepIn{parameters})) return std::nullopt;
  scanner.space();
  if (!scanner.done()) return std::nullopt;
  return parameters;
}

bool take_number(Parameters& parameters, std::string_view name, std::optional<std::uint32_t>& number) {
  if (parameters.count(name) > 1) return false;
  const std::optional<Parameter> parameter = parameters.take(name);
  if (!parameter) return true;
  number = parse_number<std::uint32_t>(parameter->value.value_or(""));
  return number.has_value();
}

}  // namespace weir::sip::scan
