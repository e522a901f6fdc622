#include "sip/quoted.h"

#include "sip/find_control.h"

namespace weir::sip {

std::string unquote(std::string_view text) {
  if (text.empty() || text.front() != '"') return std::string{text};
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    out += text[i];
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const bool ends_lines = c == '\r' || c == '\n';
    if (!ends_lines && (is_control(c) || c == '"' || c == '\\')) out += '\\';
    out += ends_lines ? ' ' : c;
  }
  out += '"';
}

}  // namespace weir::sip
