#include "sip/subscription_state.h"

#include "sip/scan.h"

namespace weir::sip {

bool SubscriptionState::terminated() const {
  return equals_without_case(state, "terminated");
}

std::optional<SubscriptionState> parse_subscription_state(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view word = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (word.empty() || !parameters) return std::nullopt;
  SubscriptionState state;
  state.state = word;
  state.parameters = *std::move(parameters);
  if (!scan::take_number(state.parameters, "expires", state.expires_s)) return std::nullopt;
  if (!scan::take_number(state.parameters, "retry-after", state.retry_after_s)) return std::nullopt;
  if (state.parameters.count("reason") > 1) return std::nullopt;
  if (const std::optional<Parameter> reason = state.parameters.take("reason")) {
    if (!reason->value) return std::nullopt;
    state.reason = *reason->value;
  }
  return state;
}

std::string write(const SubscriptionState& state) {
  std::string out = state.state;
  if (state.expires_s) out.append(";expires=").append(std::to_string(*state.expires_s));
  if (!state.reason.empty()) out.append(";reason=").append(state.reason);
  if (state.retry_after_s) out.append(";retry-after=").append(std::to_string(*state.retry_after_s));
  append(out, state.parameters);
  return out;
}

}  // namespace weir::sip
