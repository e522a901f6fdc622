#include "sip/via.h"

#include "sip/scan.h"
#include "sip/uri.h"

namespace weir::sip {
namespace {

struct ViaParts {
  std::string_view protocol_name;
  std::string_view protocol_version;
  std::string_view transport;
  scan::HostPort sent_by;
};

/// protocol-name SLASH protocol-version SLASH transport LWS sent-by; the scanner stands at the parameters afterwards.
std::optional<ViaParts> scan_head(scan::Scanner& scanner) {
  ViaParts parts;
  parts.protocol_name = scanner.run(scan::kToken);
  if (parts.protocol_name.empty() || !scanner.separator('/')) return std::nullopt;
  parts.protocol_version = scanner.run(scan::kToken);
  if (parts.protocol_version.empty() || !scanner.separator('/')) return std::nullopt;
  parts.transport = scanner.run(scan::kToken);
  if (parts.transport.empty() || !scanner.space()) return std::nullopt;
  const std::optional<scan::HostPort> sent_by = scan::host_port(scanner, true);
  if (!sent_by) return std::nullopt;
  parts.sent_by = *sent_by;
  return parts;
}

}  // namespace

bool Via::has_branch_cookie() const {
  // The cookie alone says nothing (RFC 4475 section 3.1.2.18, badbranch).
  return branch().size() > kBranchCookie.size() && branch().starts_with(kBranchCookie);
}

std::string_view Via::received() const {
  std::string_view address = parameters.value("received").value_or(std::string_view{});
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address.remove_prefix(1);
    address.remove_suffix(1);
  }
  return address;
}

std::optional<std::uint16_t> Via::rport() const {
  const std::optional<std::uint32_t> value =
      parse_number<std::uint32_t>(parameters.value("rport").value_or(""), 65'535);
  if (!value || *value == 0) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

void Via::set_source(std::string_view address, std::uint16_t source_port) {
  // What the sender claims about itself is never kept: only what the packet said.
  parameters.remove("received");
  if (wants_rport()) parameters.set("rport", std::to_string(source_port));
  if (wants_rport() || !equals_without_case(address, host)) parameters.set("received", address);
}

std::optional<Via> parse_via(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<ViaParts> parts = scan_head(scanner);
  if (!parts) return std::nullopt;
  Via via;
  via.protocol.assign(parts->protocol_name).append("/").append(parts->protocol_version);
  via.transport = parts->transport;
  via.host = scan::host_text(parts->sent_by.host);
  via.port = parts->sent_by.port;
  if (!scan::header_parameters(scanner, scan::KeepIn{via.parameters}) || !scanner.done()) return std::nullopt;
  return via;
}

bool is_via(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  return scan_head(scanner) && scan::header_parameters(scanner, scan::kIgnore) && scanner.done();
}

std::string_view well_formed_start(std::string_view via_text) {
  const std::string_view text = trimmed(via_text);
  scan::Scanner scanner(text);
  if (!scan_head(scanner)) return {};
  std::size_t rest_bytes = scanner.rest().size();
  const auto remember = [&scanner, &rest_bytes](std::string_view, std::optional<std::string_view>) {
    rest_bytes = scanner.rest().size();
  };
  scan::header_parameters(scanner, remember);
  return text.substr(0, text.size() - rest_bytes);
}

void append(std::string& out, const Via& via) {
  out += via.protocol;
  out += '/';
  out += via.transport;
  out += ' ';
  append_host_port(out, via.host, via.port);
  append(out, via.parameters);
}

std::string write(const Via& via) {
  std::string out;
  append(out, via);
  return out;
}

}  // namespace weir::sip
