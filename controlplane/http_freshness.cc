#include "controlplane/http_freshness.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "sip/date.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace http = boost::beast::http;

namespace {

/// RFC 9111 section 1.2.2: more than a recipient can represent is 2^31.
constexpr std::uint32_t kSecondsMax = std::uint32_t{1} << 31;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::optional<std::uint32_t> delta_seconds(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.empty() || !std::all_of(text.begin(), text.end(), sip::is_digit)) return std::nullopt;
  return sip::parse_number<std::uint32_t>(text, kSecondsMax).value_or(kSecondsMax);
}

/// The next element of a list, commas in quoted strings aside.
std::string_view take_element(std::string_view& rest) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != ','); ++end) {
    if (quoted && rest[end] == '\\') ++end;
    if (end < rest.size() && rest[end] == '"') quoted = !quoted;
  }
  end = std::min(end, rest.size());
  const std::string_view element = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return sip::trimmed(element);
}

struct CacheControl {
  bool keep = true;
  std::optional<std::uint32_t> max_age_s;
};

/// Of two that disagree the shorter counts; one that cannot be read is none at all (section 4.2.1).
void apply(CacheControl& control, std::string_view directive) {
  const std::size_t equals = std::min(directive.find('='), directive.size());
  const std::string_view name = directive.substr(0, equals);
  if (sip::equals_without_case(name, "no-store") || sip::equals_without_case(name, "no-cache")) control.keep = false;
  if (!sip::equals_without_case(name, "max-age")) return;
  const std::string_view value = directive.substr(std::min(equals + 1, directive.size()));
  control.max_age_s = std::min(delta_seconds(value).value_or(0), control.max_age_s.value_or(kSecondsMax));
}

CacheControl read_cache_control(const http::fields& head) {
  CacheControl control;
  const auto [first, last] = head.equal_range(http::field::cache_control);
  for (auto line = first; line != last; ++line) {
    for (std::string_view rest = view(line->value()); !rest.empty();) apply(control, take_element(rest));
  }
  return control;
}

/// Section 5.3: an Expires that is no date has passed.
std::optional<std::uint32_t> until_expires_s(const http::fields& head, std::int64_t unix_s) {
  if (head.count(http::field::expires) == 0) return std::nullopt;
  const std::int64_t date = sip::parse_date(view(head[http::field::date])).value_or(unix_s);
  const std::int64_t expires = sip::parse_date(view(head[http::field::expires])).value_or(date);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(expires - date, 0, kSecondsMax));
}

}  // namespace

std::optional<std::uint32_t> fresh_for_s(const http::fields& head, std::int64_t unix_s) {
  const CacheControl control = read_cache_control(head);
  if (!control.keep) return 0;
  const std::optional<std::uint32_t> lifetime_s = control.max_age_s ? control.max_age_s : until_expires_s(head, unix_s);
  if (!lifetime_s) return std::nullopt;
  const std::uint32_t age_s = delta_seconds(view(head[http::field::age])).value_or(0);
  return *lifetime_s - std::min(*lifetime_s, age_s);
}

}  // namespace weir::controlplane
