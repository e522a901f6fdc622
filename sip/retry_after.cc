#include "sip/retry_after.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

/// comment: parentheses nest, backslashes quote (section 25.1). True if there is none, or it ends.
bool skip_comment(scan::Scanner& scanner) {
  scanner.space();
  if (!scanner.next_is('(')) return true;
  const std::string_view rest = scanner.rest();
  std::size_t depth = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '(') {
      ++depth;
    } else if (rest[i] == ')' && --depth == 0) {
      scanner.skip(i + 1);
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<RetryAfter> parse_retry_after(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<std::uint32_t> seconds = parse_number<std::uint32_t>(scanner.run(scan::kDigit));
  if (!seconds || !skip_comment(scanner)) return std::nullopt;
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (!parameters) return std::nullopt;
  RetryAfter retry_after{*seconds, std::nullopt, *std::move(parameters)};
  if (!scan::take_number(retry_after.parameters, "duration", retry_after.duration_s)) return std::nullopt;
  return retry_after;
}

std::string write(const RetryAfter& retry_after) {
  std::string out = std::to_string(retry_after.seconds);
  if (retry_after.duration_s) out.append(";duration=").append(std::to_string(*retry_after.duration_s));
  append(out, retry_after.parameters);
  return out;
}

}  // namespace weir::sip
