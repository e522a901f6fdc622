#include "sip/replaces.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

struct NamedDialog {
  std::string call_id;
  std::string first_tag;
  std::string second_tag;
  Parameters parameters;
};

/// The value of the one parameter of that name; empty if it is absent, a flag, or there are two of it.
std::string take_tag(Parameters& parameters, std::string_view name) {
  if (parameters.count(name) != 1) return {};
  return parameters.take(name)->value.value_or("");
}

/// callid *(SEMI parameter), with two tags of these names among them.
std::optional<NamedDialog> parse_dialog(std::string_view text, std::string_view first, std::string_view second) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view call_id = scan::call_id(scanner);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (call_id.empty() || !parameters) return std::nullopt;
  NamedDialog dialog{std::string{call_id}, take_tag(*parameters, first), take_tag(*parameters, second), {}};
  if (dialog.first_tag.empty() || dialog.second_tag.empty()) return std::nullopt;
  dialog.parameters = *std::move(parameters);
  return dialog;
}

}  // namespace

std::optional<Replaces> parse_replaces(std::string_view text) {
  std::optional<NamedDialog> dialog = parse_dialog(text, "to-tag", "from-tag");
  if (!dialog) return std::nullopt;
  const bool early_only = dialog->parameters.take("early-only").has_value();
  return Replaces{std::move(dialog->call_id), std::move(dialog->first_tag), std::move(dialog->second_tag), early_only,
                  std::move(dialog->parameters)};
}

std::string write(const Replaces& replaces) {
  std::string out = replaces.call_id + ";to-tag=" + replaces.to_tag + ";from-tag=" + replaces.from_tag;
  if (replaces.early_only) out += ";early-only";
  append(out, replaces.parameters);
  return out;
}

std::optional<TargetDialog> parse_target_dialog(std::string_view text) {
  std::optional<NamedDialog> dialog = parse_dialog(text, "local-tag", "remote-tag");
  if (!dialog) return std::nullopt;
  return TargetDialog{std::move(dialog->call_id), std::move(dialog->first_tag), std::move(dialog->second_tag),
                      std::move(dialog->parameters)};
}

std::string write(const TargetDialog& target) {
  std::string out = target.call_id + ";local-tag=" + target.local_tag + ";remote-tag=" + target.remote_tag;
  append(out, target.parameters);
  return out;
}

}  // namespace weir::sip
