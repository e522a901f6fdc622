#include "sip/sipfrag.h"

#include <algorithm>

#include "sip/status.h"

namespace weir::sip {

std::string write_sipfrag(std::uint16_t status, std::string_view reason) {
  std::string out;
  append(out, StatusLine{status, reason.empty() ? reason_phrase(status) : reason});
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out + "\r\n";
}

std::optional<StatusLine> parse_sipfrag(std::string_view body) {
  return parse_status_line(body.substr(0, body.find_first_of("\r\n")));
}

std::optional<StatusLine> sipfrag_status(const Message& message) {
  if (!message.content_is("message/sipfrag")) return std::nullopt;
  return parse_sipfrag(message.body());
}

}  // namespace weir::sip
