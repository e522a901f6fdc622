#include "sip/reason.h"

#include "sip/quoted.h"
#include "sip/scan.h"

namespace weir::sip {

std::optional<Reason> parse_reason(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view protocol = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (protocol.empty() || !parameters || parameters->count("text") > 1) return std::nullopt;
  Reason reason{std::string{protocol}, std::nullopt, {}, *std::move(parameters)};
  if (!scan::take_number(reason.parameters, "cause", reason.cause)) return std::nullopt;
  if (const std::optional<Parameter> phrase = reason.parameters.take("text")) {
    reason.text = unquote(phrase->value.value_or(""));
  }
  return reason;
}

std::vector<Reason> reasons(const Message& message) {
  std::vector<Reason> list;
  for (const std::string_view value : message.values(HeaderId::kReason)) {
    if (std::optional<Reason> reason = parse_reason(value)) list.push_back(*std::move(reason));
  }
  return list;
}

std::string write(const Reason& reason) {
  std::string out = reason.protocol;
  if (reason.cause) out.append(";cause=").append(std::to_string(*reason.cause));
  if (!reason.text.empty()) {
    out += ";text=";
    append_quoted(out, reason.text);
  }
  append(out, reason.parameters);
  return out;
}

std::string reason_header(std::uint16_t status, std::string_view text) {
  return write(Reason{"SIP", status, std::string{text}, {}});
}

}  // namespace weir::sip
