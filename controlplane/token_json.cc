#include "controlplane/token_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <vector>

#include "controlplane/base64url.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

/// A token's objects nest no deeper.
constexpr std::size_t kDepthMax = 8;

/// Names in well-formed JSON text: every colon that is not in a string follows one.
std::size_t names_in(std::string_view text) {
  std::size_t names = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ':' && !quoted) {
      ++names;
    }
  }
  return names;
}

/// Names that the parser kept.
std::size_t names_in(const json::value& value) {
  std::size_t names = 0;
  if (const json::object* const object = value.if_object()) {
    for (const json::key_value_pair& member : *object) names += 1 + names_in(member.value());
  } else if (const json::array* const array = value.if_array()) {
    for (const json::value& element : *array) names += names_in(element);
  }
  return names;
}

void append_canonical(std::string& out, const json::value& value);

void append_canonical(std::string& out, const json::object& object) {
  std::vector<const json::key_value_pair*> members;
  for (const json::key_value_pair& member : object) members.push_back(&member);
  // UTF-8 sorts as its code points do.
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  out += '{';
  for (const json::key_value_pair* const member : members) {
    if (member != members.front()) out += ',';
    out += json::serialize(json::string(member->key()));
    out += ':';
    append_canonical(out, member->value());
  }
  out += '}';
}

void append_canonical(std::string& out, const json::value& value) {
  if (const json::object* const object = value.if_object()) return append_canonical(out, *object);
  const json::array* const array = value.if_array();
  if (array == nullptr) {
    out += json::serialize(value);
    return;
  }
  out += '[';
  for (const json::value& element : *array) {
    if (&element != array->begin()) out += ',';
    append_canonical(out, element);
  }
  out += ']';
}

}  // namespace

proto::Result<json::object> read_token_object(std::string_view base64url) {
  const std::optional<std::string> text = decode_base64url(base64url);
  if (!text) return proto::Error{"no base64url"};
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(*text, error, {}, options);
  if (error) return proto::Error{"no JSON: " + error.message()};
  if (!value.is_object()) return proto::Error{"no JSON object"};
  if (names_in(*text) != names_in(value)) return proto::Error{"a name stands twice in one object"};
  return std::move(value.as_object());
}

std::string write_canonical(const json::value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace weir::controlplane
