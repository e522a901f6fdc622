#include "sip/head.h"

#include <algorithm>

#include "sip/limits.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

/// NUL only as the second half of a quoted-pair (section 25.1).
bool holds_bare_nul(std::string_view text) {
  for (std::size_t at = text.find('\0'); at != std::string_view::npos; at = text.find('\0', at + 1)) {
    if (at == 0 || text[at - 1] != '\\') return true;
  }
  return false;
}

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

/// Up to the next LF. A bare CR or LF in it is a fault, but ends no line for anybody.
bool HeadWalk::cut_line(std::string_view& line) {
  const std::size_t end = rest_.find("\r\n");
  if (end == std::string_view::npos) return false;
  line = rest_.substr(0, end);
  rest_.remove_prefix(end + 2);
  const bool bare =
      line.find('\n') != std::string_view::npos || line.find('\r') != std::string_view::npos || holds_bare_nul(line);
  if (bare) fault_ = "Control Character In Header";
  return true;
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
