#include "sip/privacy.h"

#include <algorithm>
#include <optional>

#include "sip/scan.h"

namespace weir::sip {

bool Privacy::wants(std::string_view value) const {
  return std::any_of(values.begin(), values.end(),
                     [value](const std::string& held) { return equals_without_case(held, value); });
}

Privacy privacy_of(const Message& message) {
  Privacy privacy;
  const auto add = [&privacy](std::string_view value) {
    if (!privacy.wants(value)) privacy.values.emplace_back(value);
  };
  for (std::string_view list : message.values(HeaderId::kPrivacy)) {
    while (!list.empty()) {
      const std::string_view value = trimmed(take_until(list, ';'));
      if (!value.empty()) add(scan::all(value, scan::kToken) ? value : "id");
    }
  }
  return privacy;
}

std::string write(const Privacy& privacy) {
  std::string out;
  for (const std::string& value : privacy.values) {
    if (!out.empty()) out += ';';
    out += value;
  }
  return out;
}

HiddenParts hidden_parts(const Message& message) {
  const Privacy privacy = privacy_of(message);
  const std::optional<NameAddr> from = message.is_request() ? message.from() : std::nullopt;
  const bool nobody = from && from->uri.is_sip() && equals_without_case(from->uri.host, kAnonymousHost);
  const bool wishes = privacy.wants("user") || privacy.wants("header") || privacy.wants("id");
  const bool none = privacy.wants("none");
  const bool name = nobody || (wishes && !none);
  return {.name = name, .media = name || (privacy.wants("session") && !none)};
}

}  // namespace weir::sip
