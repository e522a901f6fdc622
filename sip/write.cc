#include "sip/write.h"

#include "sip/status_line.h"

namespace weir::sip {
namespace {

void append_start_line(std::string& out, const Message& message) {
  if (message.is_request()) {
    out.append(message.method_name()).append(" ").append(message.request_uri_text()).append(" SIP/2.0\r\n");
  } else {
    append(out, StatusLine{message.status(), message.reason()});
    out.append("\r\n");
  }
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void append(std::string& out, const Message& message) {
  append_start_line(out, message);
  const std::string length = std::to_string(message.body().size());
  bool length_written = false;
  for (std::size_t i = 0; i < message.header_count(); ++i) {
    const HeaderView header = message.header_at(i);
    const bool is_length = header.id == HeaderId::kContentLength;
    // Never a second length: two that differ are how one message is made to look like two.
    if (is_length && length_written) continue;
    append_line(out, header.name, is_length ? length : header.value);
    length_written |= is_length;
  }
  if (!length_written) append_line(out, to_string(HeaderId::kContentLength), length);
  out.append("\r\n").append(message.body());
}

std::string write(const Message& message) {
  std::string out;
  // Header names and separators rarely take more than this beside the values, which are mostly the body.
  constexpr std::size_t kUsualHeadBytes = 1'024;
  out.reserve(kUsualHeadBytes + message.body().size());
  append(out, message);
  return out;
}

}  // namespace weir::sip
