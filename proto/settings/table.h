// A TOML table that is read key by key and remembers which keys were asked for, so that the others can be named.
// Internal to proto/settings' readers, the translation units that know toml++.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/settings/settings.h"

namespace weir::proto::settings {

/// Every getter leaves its target alone, and notes a mistake, when the value has the wrong type or range.
class Table {
 public:
  /// `name` is how mistakes call the table, e.g. "[[network]]".
  Table(const toml::table& table, std::string name, std::vector<Mistake>& mistakes)
      : table_(table), name_(std::move(name)), mistakes_(mistakes) {}

  /// Where a reader of its own for a table within this one notes what it finds.
  [[nodiscard]] std::vector<Mistake>& mistakes() { return mistakes_; }
  [[nodiscard]] std::uint32_t line() const { return table_.source().begin.line; }
  [[nodiscard]] std::uint32_t line_of(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? line() : node->source().begin.line;
  }

  void mistake(std::string_view key, const std::string& reason) {
    mistakes_.push_back({line_of(key), name_ + " " + std::string(key) + ": " + reason});
  }

  /// The node of `key`, or nullptr.
  const toml::node* find(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
  }

  /// As find, and absence is a mistake.
  const toml::node* require(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) mistake(key, "is missing");
    return node;
  }

  /// A string that is not empty and holds no control character; false if there is none to use.
  bool text(std::string_view key, std::string& into) {
    const toml::node* node = find(key);
    return node != nullptr && text_of(*node, key, into);
  }

  bool required_text(std::string_view key, std::string& into) {
    const toml::node* node = require(key);
    return node != nullptr && text_of(*node, key, into);
  }

  /// An absolute path.
  void file_name(std::string_view key, std::string& into) {
    std::string path;
    if (!text(key, path)) return;
    if (path.front() != '/') return mistake(key, "'" + path + "' is not an absolute path");
    into = path;
  }

  /// Seconds in the file, milliseconds here.
  void seconds(std::string_view key, std::uint32_t& into_ms, std::int64_t min, std::int64_t max) {
    std::uint32_t whole = into_ms / 1000;
    number(key, whole, min, max);
    into_ms = whole * 1000;
  }

  template <typename Unsigned>
  void number(std::string_view key, Unsigned& into, std::int64_t min, std::int64_t max) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto* integer = node->as_integer();
    if (integer == nullptr || integer->get() < min || integer->get() > max) {
      mistake(key, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
      return;
    }
    into = static_cast<Unsigned>(integer->get());
  }

  void flag(std::string_view key, bool& into) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto* boolean = node->as_boolean();
    if (boolean == nullptr) return mistake(key, "must be true or false");
    into = boolean->get();
  }

  /// One of a few words; true if it is there.
  template <typename Value>
  bool choice(std::string_view key, Value& into, std::initializer_list<std::pair<std::string_view, Value>> words) {
    std::string word;
    if (!text(key, word)) return false;
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto& [name, value] = *(words.begin() + i);
      if (name == word) {
        into = value;
        return true;
      }
      list += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + ('"' + std::string(name) + '"');
    }
    mistake(key, "must be " + list);
    return false;
  }

  /// Calls use(text, line) for each string of an array.
  template <typename Use>
  void each_text(std::string_view key, Use use) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      mistake(key, "must be an array of strings");
      return;
    }
    for (const toml::node& element : *array) {
      std::string value;
      if (text_of(element, key, value)) use(value, element.source().begin.line);
    }
  }

  /// As each_text; one string may stand without an array around it.
  template <typename Use>
  void each_text_or_one(std::string_view key, Use use) {
    const toml::node* node = find(key);
    if (node == nullptr || !node->is_string()) return each_text(key, use);
    std::string value;
    if (text_of(*node, key, value)) use(value, node->source().begin.line);
  }

  /// Calls use(table) for each table of an array of tables.
  template <typename Use>
  void each_table(std::string_view key, const std::string& name, Use use) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      mistake(key, "must be an array of tables, written " + name);
      return;
    }
    for (const toml::node& element : *array) {
      const toml::table* child = element.as_table();
      if (child == nullptr) {
        mistake(key, "must be an array of tables, written " + name);
        continue;
      }
      Table reader(*child, name, mistakes_);
      use(reader);
      reader.name_unknown_keys();
    }
  }

  /// Calls use(table) if the table exists.
  template <typename Use>
  void one_table(std::string_view key, Use use) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::table* child = node->as_table();
    if (child == nullptr) {
      mistake(key, "must be a table, written [" + std::string(key) + "]");
      return;
    }
    Table reader(*child, "[" + std::string(key) + "]", mistakes_);
    use(reader);
    reader.name_unknown_keys();
  }

  void name_unknown_keys() {
    for (const auto& [key, node] : table_) {
      if (known_.count(key.str()) != 0) continue;
      mistakes_.push_back({node.source().begin.line, name_ + " has no key '" + std::string(key.str()) + "'"});
    }
  }

 private:
  bool text_of(const toml::node& node, std::string_view key, std::string& into) {
    const auto* string = node.as_string();
    if (string == nullptr || string->get().empty()) {
      mistakes_.push_back(
          {node.source().begin.line, name_ + " " + std::string(key) + ": must be a string that is not empty"});
      return false;
    }
    for (const char c : string->get()) {
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
      mistakes_.push_back({node.source().begin.line, name_ + " " + std::string(key) + ": holds a control character"});
      return false;
    }
    into = string->get();
    return true;
  }

  const toml::table& table_;
  std::string name_;
  std::vector<Mistake>& mistakes_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace weir::proto::settings
