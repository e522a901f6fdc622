#include "controlplane/json_table.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

namespace weir::controlplane {

namespace json = boost::json;

namespace {

constexpr std::size_t kIndent = 2;

bool nested(const json::value& value) {
  return value.is_object() || value.is_array();
}

std::string cell(const json::value& value) {
  if (value.is_null()) return "-";
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (!value.is_string()) return json::serialize(value);
  std::string text(value.get_string());
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

/// A line without the spaces at its end.
void append_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

void append_rows(std::string& out, const json::array& rows, std::size_t indent) {
  std::vector<std::string> names;
  for (const auto& member : rows.front().get_object()) {
    if (!nested(member.value())) names.emplace_back(member.key());  // --json has them
  }
  std::vector<std::vector<std::string>> cells{names};
  std::vector<bool> right(names.size(), true);
  for (const json::value& row : rows) {
    std::vector<std::string> line;
    for (std::size_t column = 0; column < names.size(); ++column) {
      const json::value* member = row.is_object() ? row.get_object().if_contains(names[column]) : nullptr;
      line.push_back(member == nullptr ? "-" : cell(*member));
      if (member != nullptr && !member->is_number() && !member->is_null()) right[column] = false;
    }
    cells.push_back(std::move(line));
  }
  for (const std::vector<std::string>& line : cells) {
    std::string text(indent, ' ');
    for (std::size_t column = 0; column < names.size(); ++column) {
      std::size_t width = 0;
      for (const std::vector<std::string>& other : cells) width = std::max(width, other[column].size());
      text += padded(line[column], width, right[column]) + "  ";
    }
    append_line(out, std::move(text));
  }
}

void append(std::string& out, const json::value& value, std::size_t indent);

void append_array(std::string& out, const json::array& array, std::size_t indent) {
  if (array.empty()) {
    append_line(out, std::string(indent, ' ') + "(none)");
  } else if (array.front().is_object()) {
    append_rows(out, array, indent);
  } else {
    for (const json::value& element : array) append(out, element, indent);
  }
}

void append_object(std::string& out, const json::object& object, std::size_t indent) {
  std::size_t width = 0;
  for (const auto& member : object) {
    if (!nested(member.value())) width = std::max(width, member.key().size());
  }
  for (const auto& member : object) {
    const std::string name(member.key());
    if (nested(member.value())) continue;
    append_line(out, std::string(indent, ' ') + padded(name, width, false) + "  " + cell(member.value()));
  }
  for (const auto& member : object) {
    if (!nested(member.value())) continue;
    append_line(out, std::string(indent, ' ') + std::string(member.key()) + ":");
    append(out, member.value(), indent + kIndent);
  }
}

void append(std::string& out, const json::value& value, std::size_t indent) {
  if (value.is_object()) {
    append_object(out, value.get_object(), indent);
  } else if (value.is_array()) {
    append_array(out, value.get_array(), indent);
  } else {
    append_line(out, std::string(indent, ' ') + cell(value));
  }
}

}  // namespace

std::string json_table(const json::value& value) {
  std::string out;
  append(out, value, 0);
  return out;
}

}  // namespace weir::controlplane
