#include "sip/content_type.h"

#include "sip/quoted.h"
#include "sip/scan.h"

namespace weir::sip {

bool ContentType::is(std::string_view media_type) const {
  const std::string_view wanted_type = take_until(media_type, '/');
  return equals_without_case(type, wanted_type) && equals_without_case(subtype, media_type);
}

std::optional<ContentType> parse_content_type(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view type = scanner.run(scan::kToken);
  if (type.empty() || !scanner.separator('/')) return std::nullopt;
  const std::string_view subtype = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (subtype.empty() || !parameters) return std::nullopt;
  return ContentType{std::string{type}, std::string{subtype}, *std::move(parameters)};
}

std::string write(const ContentType& content_type) {
  std::string out = content_type.type + '/' + content_type.subtype;
  append(out, content_type.parameters);
  return out;
}

bool ContentDisposition::is(std::string_view name) const {
  return equals_without_case(type, name);
}

std::optional<ContentDisposition> parse_content_disposition(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view type = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (type.empty() || !parameters || parameters->count("handling") > 1) return std::nullopt;
  ContentDisposition disposition{std::string{type}, false, *std::move(parameters)};
  if (const std::optional<Parameter> handling = disposition.parameters.take("handling")) {
    disposition.optional = equals_without_case(unquote(handling->value.value_or("")), "optional");
  }
  return disposition;
}

std::string write(const ContentDisposition& disposition) {
  std::string out = disposition.type;
  if (disposition.optional) out += ";handling=optional";
  append(out, disposition.parameters);
  return out;
}

}  // namespace weir::sip
