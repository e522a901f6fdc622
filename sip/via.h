// Via: RFC 3261 sections 18.2, 20.42 and 25.1; rport RFC 3581.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

/// What every branch of an RFC 3261 client starts with (section 8.1.1.7).
inline constexpr std::string_view kBranchCookie = "z9hG4bK";

/// One Via value: sent-protocol, sent-by, parameters. A value type.
struct Via {
  std::string protocol = "SIP/2.0";   ///< name and version; another version is a message to answer with 505
  std::string transport;              ///< "UDP", "TCP", "TLS", "WS", ..., as written; compares without case
  std::string host;                   ///< sent-by; IPv6 without its brackets
  std::optional<std::uint16_t> port;  ///< sent-by, host order; nullopt: the transport's default
  Parameters parameters;

  /// Empty if absent.
  [[nodiscard]] std::string_view branch() const { return parameters.value("branch").value_or(std::string_view{}); }
  /// Whether the branch is one that identifies a transaction by itself (section 17.2.3).
  [[nodiscard]] bool has_branch_cookie() const;
  /// Where the request really came from, if a hop wrote it down: an address without brackets; empty if absent.
  [[nodiscard]] std::string_view received() const;
  /// RFC 3581: the client asks for symmetric response routing (`rport`, with or without a value).
  [[nodiscard]] bool wants_rport() const { return parameters.has("rport"); }
  /// RFC 3581: the port a hop wrote down; nullopt if absent or still empty.
  [[nodiscard]] std::optional<std::uint16_t> rport() const;
  [[nodiscard]] std::string_view maddr() const { return parameters.value("maddr").value_or(std::string_view{}); }

  /// sections 18.2.1 and RFC 3581 section 4: writes down the packet's source, `received` if the address differs from
  /// sent-by or rport was asked for, and the value of rport where it was asked for. `address` without brackets.
  void set_source(std::string_view address, std::uint16_t source_port);
};

/// Parses one value (not a comma-separated list), whatever the protocol and its version. nullopt if malformed.
std::optional<Via> parse_via(std::string_view text);

/// The same check without building the value.
bool is_via(std::string_view text);
/// The longest start of a malformed value that is a well-formed one, cut after a parameter or the sent-by: enough to
/// send an error answer to. Empty if there is none.
std::string_view well_formed_start(std::string_view via_text);

std::string write(const Via& via);
void append(std::string& out, const Via& via);

}  // namespace weir::sip
