#include "sip/xml_scanner.h"

#include <algorithm>

#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Section 2.2: what no document may hold.
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 && !is_space(c);
}

/// Section 2.3, with all beyond ASCII taken for letters.
constexpr bool begins_name(char c) {
  return is_alpha(c) || c == '_' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_of_name(char c) {
  return begins_name(c) || is_digit(c) || c == '-' || c == '.';
}

/// Section 4.1, between "&" and ";": a character by its number, or one of the entities that every reader knows (section
/// 4.6).
bool is_reference(std::string_view name) {
  for (const std::string_view known : {"lt", "gt", "amp", "quot", "apos"}) {
    if (name == known) return true;
  }
  if (name.empty() || name.front() != '#') return false;
  name.remove_prefix(1);
  const bool hexadecimal = !name.empty() && name.front() == 'x';
  if (hexadecimal) name.remove_prefix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [&](char c) { return hexadecimal ? hex_value(c).has_value() : is_digit(c); });
}

bool is_clean(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) return false;
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const std::size_t end = text.find(';', at);
    if (end == std::string_view::npos || !is_reference(text.substr(at + 1, end - at - 1))) return false;
  }
  return true;
}

}  // namespace

XmlScanner::Step XmlScanner::next() {
  if (!reason_.empty()) return Step::kMalformed;
  if (is_empty_) {
    is_empty_ = false;
    leaves_ = true;
    return Step::kEnds;
  }
  if (leaves_) {
    leaves_ = false;
    --depth_;
  }
  if (depth_ != 0) return content();
  return elements_ == 0 ? prolog() : epilog();
}

XmlScanner::Step XmlScanner::fail(std::string_view reason) {
  reason_ = reason;
  return Step::kMalformed;
}

XmlScanner::Step XmlScanner::prolog() {
  (void)eat("\xef\xbb\xbf");
  if (eat("<?xml") && (!pass_attributes() || !eat("?>"))) return fail("a broken XML declaration");
  if (!pass_comments()) return fail("a broken comment");
  if (rest_.starts_with("<!")) return fail("a document type declaration");
  if (!eat("<")) return fail("no element");
  return begin_tag();
}

XmlScanner::Step XmlScanner::epilog() {
  if (!pass_comments()) return fail("a broken comment");
  return rest_.empty() ? Step::kOver : fail("something behind the root element");
}

XmlScanner::Step XmlScanner::content() {
  if (rest_.starts_with("<!--") && !pass_comments()) return fail("a broken comment");
  if (rest_.empty()) return fail("an element without an end");
  if (eat("</")) return end_tag();
  if (rest_.starts_with("<!") || rest_.starts_with("<?")) return fail("CDATA, or an instruction");
  return eat("<") ? begin_tag() : take_text();
}

XmlScanner::Step XmlScanner::begin_tag() {
  const std::string_view name = take_name();
  if (name.empty() || !pass_attributes()) return fail("a broken tag");
  if (depth_ == kXmlDepthMax || elements_ == kXmlElementsMax) return fail("too many elements");
  is_empty_ = eat("/");
  if (!eat(">")) return fail("a broken tag");
  path_[depth_++] = name;
  ++elements_;
  return Step::kBegins;
}

XmlScanner::Step XmlScanner::end_tag() {
  if (take_name() != path_[depth_ - 1]) return fail("the end of another element");
  (void)pass_space();
  if (!eat(">")) return fail("a broken tag");
  leaves_ = true;
  return Step::kEnds;
}

XmlScanner::Step XmlScanner::take_text() {
  text_ = rest_.substr(0, rest_.find('<'));
  rest_.remove_prefix(text_.size());
  return is_clean(text_) ? Step::kText : fail("an entity or a character that is not taken");
}

bool XmlScanner::eat(std::string_view mark) {
  if (!rest_.starts_with(mark)) return false;
  rest_.remove_prefix(mark.size());
  return true;
}

/// Whether there was some.
bool XmlScanner::pass_space() {
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_space);
  const auto bytes = static_cast<std::size_t>(end - rest_.begin());
  rest_.remove_prefix(bytes);
  return bytes != 0;
}

/// And the space around them. Section 2.5: "--" ends one, and nothing else may follow it.
bool XmlScanner::pass_comments() {
  (void)pass_space();
  while (eat("<!--")) {
    const std::size_t end = rest_.find("--");
    if (end == std::string_view::npos ||
        std::any_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(end), is_control)) {
      return false;
    }
    rest_.remove_prefix(end);
    if (!eat("-->")) return false;
    (void)pass_space();
  }
  return true;
}

/// Section 3.1, and the space behind them. What they say matters to nobody here.
bool XmlScanner::pass_attributes() {
  while (pass_space() && !rest_.empty() && begins_name(rest_.front())) {
    (void)take_name();
    (void)pass_space();
    if (!eat("=")) return false;
    (void)pass_space();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return false;
    const std::string_view value = rest_.substr(1, end - 1);
    if (value.find('<') != std::string_view::npos || !is_clean(value)) return false;
    rest_.remove_prefix(end + 1);
  }
  return true;
}

std::string_view XmlScanner::take_name() {
  if (rest_.empty() || !begins_name(rest_.front())) return {};
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_of_name);
  const std::string_view name = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
  rest_.remove_prefix(name.size());
  return name;
}

}  // namespace weir::sip
