#include "sip/refer_sub.h"

#include "sip/scan.h"

namespace weir::sip {

std::optional<bool> parse_refer_sub(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view word = scanner.run(scan::kToken);
  if (!scan::header_parameters(scanner, scan::kIgnore) || !scanner.done()) return std::nullopt;
  if (equals_without_case(word, "true")) return true;
  if (equals_without_case(word, "false")) return false;
  return std::nullopt;
}

std::string_view write_refer_sub(bool subscribes) {
  return subscribes ? "true" : "false";
}

}  // namespace weir::sip
