#include "sip/contact.h"

#include "sip/quoted.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

/// The value of the only parameter of that name; empty if there is none or several.
std::string_view only_value(const NameAddr& contact, std::string_view name) {
  if (contact.parameters.count(name) != 1) return {};
  return contact.parameters.value(name).value_or(std::string_view{});
}

}  // namespace

std::optional<std::uint32_t> contact_expires_s(const NameAddr& contact) {
  return parse_number<std::uint32_t>(only_value(contact, "expires"));
}

/// qvalue: ("0" ["." 0*3DIGIT]) / ("1" ["." 0*3("0")]).
std::optional<std::uint16_t> contact_q_milli(const NameAddr& contact) {
  std::string_view text = only_value(contact, "q");
  const std::string_view whole = take_until(text, '.');
  if (whole != "0" && whole != "1") return std::nullopt;
  if (text.size() > 3) return std::nullopt;
  std::string digits{text};
  digits.resize(3, '0');
  const std::optional<std::uint32_t> fraction = parse_number<std::uint32_t>(digits);
  if (!fraction || (whole == "1" && *fraction != 0)) return std::nullopt;
  return static_cast<std::uint16_t>(whole == "1" ? 1000 : *fraction);
}

std::string contact_instance(const NameAddr& contact) {
  const std::string text = unquote(only_value(contact, "+sip.instance"));
  if (text.size() < 3 || text.front() != '<' || text.back() != '>') return {};
  return text.substr(1, text.size() - 2);
}

std::optional<std::uint32_t> contact_reg_id(const NameAddr& contact) {
  constexpr std::uint32_t kRegIdMax = 0x7fff'ffff;
  const std::optional<std::uint32_t> reg_id = parse_number(only_value(contact, "reg-id"), kRegIdMax);
  return reg_id == 0 ? std::nullopt : reg_id;
}

}  // namespace weir::sip
