#include "sip/head.h"

#include <algorithm>

#include "sip/find_control.h"
#include "sip/limits.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

/// LWS with its line ends, once cut_line has seen that every CR and LF is part of one.
std::string_view trim_folds(std::string_view text) {
  const auto is_lws = [](char c) { return scan::is(c, scan::kSpace) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_lws(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_lws(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string unfolded(std::string_view value) {
  std::string out{value};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return out;
}

/// Up to the next CRLF. Other control characters are a fault, but end no line for anybody; after a backslash they are
/// quoted-pairs (section 25.1), CR and LF aside.
bool HeadWalk::cut_line(std::string_view& line) {
  bool bare = false;
  for (std::size_t at = find_control(rest_, 0); at != std::string_view::npos; at = find_control(rest_, at + 1)) {
    const char c = rest_[at];
    if (c == '\r' && at + 1 < rest_.size() && rest_[at + 1] == '\n') {
      line = rest_.substr(0, at);
      rest_.remove_prefix(at + 2);
      if (bare) fault_ = "Control Character In Header";
      return true;
    }
    bare |= c == '\r' || c == '\n' || at == 0 || rest_[at - 1] != '\\';
  }
  return false;
}

bool HeadWalk::next_plain(std::string_view& line) {
  fault_ = {};
  return cut_line(line);
}

bool HeadWalk::next(HeadLine& line) {
  fault_ = {};
  std::string_view first;
  if (!cut_line(first)) return false;
  if (first.empty()) {
    ended_ = true;
    return false;
  }
  const char* const begin = first.data();
  const char* end = begin + first.size();
  line.folded = false;
  while (!rest_.empty() && scan::is(rest_.front(), scan::kSpace)) {
    std::string_view more;
    if (!cut_line(more)) break;
    line.folded = true;
    end = more.data() + more.size();
  }
  split({begin, static_cast<std::size_t>(end - begin)}, line);
  return true;
}

/// header-name HCOLON header-value: white space before the colon is allowed (section 7.3.1).
void HeadWalk::split(std::string_view text, HeadLine& line) {
  scan::Scanner scanner(text);
  line.name = scanner.run(scan::kToken);
  scanner.space();
  if (line.name.empty() || !scanner.eat(':')) {
    fault_ = "Malformed Header Line";
  } else if (text.size() > kHeaderLineBytesMax) {
    fault_ = "Header Line Too Long";
  }
  line.value = trim_folds(scanner.rest());
  if (!fault_.empty()) line.name = {};
}

}  // namespace weir::sip
