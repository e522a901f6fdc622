#include "sip/event.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

/// event-package *("." event-template): no empty part.
bool is_event_type(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos;
}

}  // namespace

std::optional<Event> parse_event(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view type = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (!is_event_type(type) || !parameters || parameters->count("id") > 1) return std::nullopt;
  Event event{std::string{type}, {}, *std::move(parameters)};
  if (const std::optional<Parameter> id = event.parameters.take("id")) {
    if (!id->value) return std::nullopt;
    event.id = *id->value;
  }
  return event;
}

std::string write(const Event& event) {
  std::string out = event.type;
  if (!event.id.empty()) out.append(";id=").append(event.id);
  append(out, event.parameters);
  return out;
}

}  // namespace weir::sip
