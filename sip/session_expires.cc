#include "sip/session_expires.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

/// Takes the refresher out of the parameters; false if it is malformed.
bool take_refresher(SessionExpires& value) {
  if (value.parameters.count("refresher") > 1) return false;
  const std::optional<Parameter> refresher = value.parameters.take("refresher");
  if (!refresher) return true;
  const std::string_view role = refresher->value ? std::string_view{*refresher->value} : std::string_view{};
  if (equals_without_case(role, "uac")) {
    value.refresher = Refresher::kUac;
  } else if (equals_without_case(role, "uas")) {
    value.refresher = Refresher::kUas;
  }
  return value.refresher.has_value();
}

}  // namespace

std::optional<SessionExpires> parse_session_expires(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<std::uint32_t> seconds = parse_number<std::uint32_t>(scanner.run(scan::kDigit));
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (!seconds || !parameters) return std::nullopt;
  SessionExpires value{*seconds, std::nullopt, *std::move(parameters)};
  if (!take_refresher(value)) return std::nullopt;
  return value;
}

std::string write(const SessionExpires& session_expires) {
  std::string out = std::to_string(session_expires.seconds);
  if (session_expires.refresher)
    out += *session_expires.refresher == Refresher::kUac ? ";refresher=uac" : ";refresher=uas";
  append(out, session_expires.parameters);
  return out;
}

}  // namespace weir::sip
