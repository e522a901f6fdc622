#include "proto/settings/values.h"

#include <charconv>

namespace weir::proto::settings {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const Result<IpAddress> address = parse_ip_address(host);
  const std::optional<std::uint32_t> port = parse_number(text.substr(colon + 1), 65535);
  if (!address || brackets != (address->family == Family::kIpv6) || !port || *port == 0) return std::nullopt;
  return Endpoint{*address, 0, static_cast<std::uint16_t>(*port)};
}

}  // namespace weir::proto::settings
