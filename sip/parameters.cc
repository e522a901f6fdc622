#include "sip/parameters.h"

#include <algorithm>

#include "sip/scan.h"

namespace weir::sip {

const Parameter* Parameters::find(std::string_view name) const {
  for (const Parameter& parameter : list_) {
    if (equals_without_case(parameter.name, name)) return &parameter;
  }
  return nullptr;
}

std::optional<std::string_view> Parameters::value(std::string_view name) const {
  const Parameter* const parameter = find(name);
  if (parameter == nullptr || !parameter->value) return std::nullopt;
  return std::string_view{*parameter->value};
}

Parameter& Parameters::place(std::string_view name) {
  for (Parameter& parameter : list_) {
    if (equals_without_case(parameter.name, name)) return parameter;
  }
  return list_.emplace_back(Parameter{std::string{name}, std::nullopt});
}

void Parameters::append(std::string_view name, std::optional<std::string_view> value) {
  // Few have more: one allocation for the list.
  constexpr std::size_t kUsual = 4;
  if (list_.empty()) list_.reserve(kUsual);
  Parameter& parameter = list_.emplace_back();
  parameter.name = name;
  if (value) parameter.value.emplace(*value);
}

void Parameters::set(std::string_view name, std::string_view value) {
  place(name).value = value;
}

void Parameters::set(std::string_view name) {
  place(name).value.reset();
}

void Parameters::remove(std::string_view name) {
  std::erase_if(list_, [name](const Parameter& parameter) { return equals_without_case(parameter.name, name); });
}

std::optional<Parameter> Parameters::take(std::string_view name) {
  const Parameter* const found = find(name);
  if (found == nullptr) return std::nullopt;
  std::optional<Parameter> taken{*found};
  remove(name);
  return taken;
}

std::size_t Parameters::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(list_.begin(), list_.end(), [name](const Parameter& parameter) {
    return equals_without_case(parameter.name, name);
  }));
}

void append(std::string& out, const Parameters& parameters) {
  for (const Parameter& parameter : parameters) {
    out += ';';
    out += parameter.name;
    if (!parameter.value) continue;
    out += '=';
    out += *parameter.value;
  }
}

}  // namespace weir::sip
