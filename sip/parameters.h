// Parameters: the `;name=value` lists of URIs, Via and name-addr headers. RFC 3261 sections 7.3.1, 19.1.1 and 25.1.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sip {

/// One parameter as it was written: escapes and quotes are kept, so that what was read is what is written.
struct Parameter {
  std::string name;
  std::optional<std::string> value;  ///< nullopt for a flag such as `lr`
  bool operator==(const Parameter&) const = default;
};

/// An ordered list of parameters. Names compare without case (section 7.3.1). A value type.
class Parameters {
 public:
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  [[nodiscard]] auto begin() const { return list_.begin(); }
  [[nodiscard]] auto end() const { return list_.end(); }

  /// The parameter of that name, with or without a value.
  [[nodiscard]] const Parameter* find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Its value; nullopt if the parameter is absent or a flag. The view lives as long as this list is not changed.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;

  /// Sets or appends `name=value`; the caller has quoted or escaped the value where its grammar asks for it.
  void set(std::string_view name, std::string_view value);
  /// Sets or appends the flag `name`.
  void set(std::string_view name);
  void remove(std::string_view name);
  /// Takes the parameter of that name out of the list; nullopt if it is absent. Of several the first, and they all go.
  std::optional<Parameter> take(std::string_view name);
  /// How many have that name: a reader for whom the first counts and one for whom the last does may disagree.
  [[nodiscard]] std::size_t count(std::string_view name) const;
  void append(Parameter parameter) { list_.push_back(std::move(parameter)); }
  void append(std::string_view name, std::optional<std::string_view> value);

  bool operator==(const Parameters&) const = default;

 private:
  Parameter& place(std::string_view name);
  std::vector<Parameter> list_;
};

/// Appends `;name=value` for each.
void append(std::string& out, const Parameters& parameters);

}  // namespace weir::sip
