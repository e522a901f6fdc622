// NameAddr: the value of From, To, Contact, Route, Record-Route, Refer-To and their kind.
// RFC 3261 sections 20.10, 20.20, 20.30, 20.34, 20.39 and 25.1 (name-addr, addr-spec).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"
#include "sip/uri.h"

namespace weir::sip {

/// One name-addr or addr-spec with its header parameters. A value type.
struct NameAddr {
  std::string display_name;  ///< decoded: without quotes and backslashes; empty if there is none
  Uri uri;
  Parameters parameters;  ///< of the header, not of the URI

  /// The tag parameter (section 19.3); empty if absent.
  [[nodiscard]] std::string_view tag() const { return parameters.value("tag").value_or(std::string_view{}); }
  void set_tag(std::string_view tag) { parameters.set("tag", tag); }
};

/// Parses one value (not a comma-separated list: see split_list in header.h). Without angle brackets, parameters belong
/// to the header and the URI may hold no comma, semicolon or question mark (section 20). nullopt if malformed.
std::optional<NameAddr> parse_name_addr(std::string_view text);

/// The same check without building the value.
bool is_name_addr(std::string_view text);
/// And that it can be a From or To: at most one tag, and that with a value. Two tags would let two readers see two
/// dialogs (section 20.20).
bool is_from_or_to(std::string_view text);

/// Writes with angle brackets always, the display name quoted if there is one.
std::string write(const NameAddr& name_addr);
void append(std::string& out, const NameAddr& name_addr);

/// The URI of one value as it is written, without angle brackets: for what is signed byte by byte. Empty if the value
/// is malformed. The URI is not checked.
std::string_view addr_spec_text(std::string_view name_addr_text);

/// Just the tag of a From or To value, without building the rest; empty if there is none or the value is
/// malformed. The URI is not checked.
std::string_view tag_of(std::string_view name_addr_text);

}  // namespace weir::sip
