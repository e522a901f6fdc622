#include "sip/warning.h"

#include "sip/quoted.h"
#include "sip/scan.h"

namespace weir::sip {

std::optional<Warning> parse_warning(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view digits = scanner.run(scan::kDigit);
  const std::optional<std::uint32_t> code = parse_number<std::uint32_t>(digits, 999);
  if (!code || digits.size() != 3 || *code < 100 || !scanner.space()) return std::nullopt;
  const std::string_view agent = scanner.run(scan::kGenValue);
  if (agent.empty() || !scanner.space()) return std::nullopt;
  const std::string_view phrase = scanner.quoted();
  if (phrase.empty() || !scanner.done()) return std::nullopt;
  return Warning{static_cast<std::uint16_t>(*code), std::string{agent}, unquote(phrase)};
}

std::string write(const Warning& warning) {
  std::string out = std::to_string(warning.code) + ' ' + warning.agent + ' ';
  append_quoted(out, warning.text);
  return out;
}

}  // namespace weir::sip
