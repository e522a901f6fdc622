#include "sip/date.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kDaySeconds = 86'400;

template <std::size_t kCount>
std::optional<unsigned> index_of(const std::array<std::string_view, kCount>& names, std::string_view name) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [name](std::string_view other) { return equals_without_case(name, other); });
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

/// Exactly that many digits, at most `max`.
std::optional<unsigned> digits(std::string_view text, std::size_t count, unsigned max) {
  if (text.size() != count) return std::nullopt;
  return parse_number<unsigned>(text, max);
}

/// "13 Nov 2010"; takes it from `rest`.
std::optional<std::chrono::sys_days> take_day(std::string_view& rest) {
  const std::optional<unsigned> day = digits(take_until(rest, ' '), 2, 31);
  const std::optional<unsigned> month = index_of(kMonths, take_until(rest, ' '));
  const std::optional<unsigned> year = digits(take_until(rest, ' '), 4, 9999);
  if (!day || !month || !year) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month + 1},
                                         std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// "23:29:00", a leap second allowed.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  const std::optional<unsigned> hour = digits(take_until(text, ':'), 2, 23);
  const std::optional<unsigned> minute = digits(take_until(text, ':'), 2, 59);
  const std::optional<unsigned> second = digits(text, 2, 60);
  if (!hour || !minute || !second) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

void append_padded(std::string& out, std::int64_t number, std::size_t digits_min) {
  const std::string text = std::to_string(number);
  if (text.size() < digits_min) out.append(digits_min - text.size(), '0');
  out += text;
}

}  // namespace

std::optional<std::int64_t> parse_date(std::string_view text) {
  std::string_view rest = trimmed(text);
  const std::string_view weekday = take_until(rest, ' ');
  if (weekday.size() != 4 || weekday.back() != ',' || !index_of(kWeekdays, weekday.substr(0, 3))) return std::nullopt;
  const std::optional<std::chrono::sys_days> day = take_day(rest);
  const std::optional<std::int64_t> time = time_of_day(take_until(rest, ' '));
  if (!day || !time || !equals_without_case(rest, "GMT")) return std::nullopt;
  return day->time_since_epoch().count() * kDaySeconds + *time;
}

std::string write_date(std::int64_t unix_seconds) {
  using namespace std::chrono;
  constexpr std::int64_t kFirst = sys_days{year{0} / 1 / 1}.time_since_epoch().count() * kDaySeconds;
  constexpr std::int64_t kEnd = sys_days{year{10'000} / 1 / 1}.time_since_epoch().count() * kDaySeconds;
  const sys_seconds time{seconds{std::clamp(unix_seconds, kFirst, kEnd - 1)}};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::string out{kWeekdays[weekday{day}.c_encoding()]};
  out += ", ";
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_padded(out, static_cast<int>(date.year()), 4);
  out += ' ';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  return out + " GMT";
}

}  // namespace weir::sip
