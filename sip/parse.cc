#include "sip/parse.h"

#include <array>
#include <string>
#include <utility>

#include "sip/head.h"
#include "sip/scan.h"
#include "sip/status_line.h"

namespace weir::sip {

/// One parse. The first fault decides the status; reading goes on after it, so that the answer finds its Via.
class MessageParser {
 public:
  ParseResult parse(std::string_view bytes);

 private:
  void fail(std::uint16_t status, std::string_view reason);
  void read_head();
  void read_start_line(std::string_view line);
  void read_request_line(std::string_view line);
  void read_status_line(std::string_view line);
  void read_field(const HeadLine& line);
  void check_field(HeaderId id, std::string_view value);
  void check_vias(std::string_view value);
  void salvage_top_via(std::string_view element);
  void check_addresses(HeaderId id, std::string_view value);
  void check_cseq(std::string_view value);
  void check_mandatory();
  void read_body(std::string_view rest);
  [[nodiscard]] bool answerable() const;

  [[nodiscard]] Message::Slice slice(std::string_view text) const {
    return {static_cast<std::uint32_t>(text.data() - message_.buffer_.data()), static_cast<std::uint32_t>(text.size())};
  }
  [[nodiscard]] bool seen(HeaderId id) const { return seen_[static_cast<std::size_t>(id)]; }

  Message message_;
  std::array<bool, kHeaderIdCount> seen_{};
  std::size_t vias_ = 0;
  bool top_via_usable_ = false;
  bool response_ = false;
  std::optional<std::size_t> content_length_;
  std::uint16_t status_ = 0;
  std::string_view reason_;
};

void MessageParser::fail(std::uint16_t status, std::string_view reason) {
  if (status_ != 0) return;
  status_ = status;
  reason_ = reason;
}

ParseResult MessageParser::parse(std::string_view bytes) {
  // Line ends before the start line are skipped (section 7.5); a datagram of nothing else is a keep-alive.
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  if (bytes.empty()) return ParseError{0, "Empty Datagram"};
  if (bytes.size() > kMessageBytesMax) fail(513, "Message Too Large");
  message_.buffer_ = bytes.substr(0, kMessageBytesMax);
  // What a usual INVITE has; more headers just cost another allocation.
  constexpr std::size_t kUsualHeaders = 24;
  message_.fields_.reserve(kUsualHeaders);
  read_head();
  check_mandatory();
  if (status_ == 0) return std::move(message_);
  if (!answerable()) return ParseError{0, reason_};
  return ParseError{status_, reason_, std::move(message_)};
}

/// Neither responses nor ACKs are ever answered (sections 8.1.3 and 17.1.1.3), and without a Via nobody is to be.
bool MessageParser::answerable() const {
  return !response_ && message_.method_ != Method::kAck && top_via_usable_;
}

void MessageParser::read_head() {
  HeadWalk walk(message_.buffer_);
  std::string_view start_line;
  if (!walk.next_plain(start_line)) return fail(400, "Missing Line End");
  if (!walk.fault().empty()) fail(400, walk.fault());
  read_start_line(start_line);
  for (HeadLine line; walk.next(line);) {
    if (line.name.empty()) {
      fail(400, walk.fault());
    } else if (message_.fields_.size() == kHeadersMax) {
      return fail(513, "Too Many Headers");
    } else {
      read_field(line);
    }
  }
  if (!walk.ended()) return fail(400, "Missing Empty Line After Headers");
  if (message_.buffer_.size() - walk.rest().size() > kHeadBytesMax) return fail(513, "Headers Too Large");
  read_body(walk.rest());
}

void MessageParser::read_start_line(std::string_view line) {
  response_ = line.size() >= 4 && equals_without_case(line.substr(0, 4), "SIP/");
  if (response_) {
    read_status_line(line);
  } else {
    read_request_line(line);
  }
}

/// Method SP Request-URI SP SIP-Version, with exactly one space each (section 7.1).
void MessageParser::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, first);
  if (method.empty() || !scan::all(method, scan::kToken)) return fail(400, "Malformed Request Line");
  message_.start_first_ = slice(method);
  message_.method_ = method_by_name(method);
  if (first == last) return fail(400, "Malformed Request Line");
  const std::string_view version = line.substr(last + 1);
  if (!equals_without_case(version, "SIP/2.0")) {
    const bool other_version = version.size() > 4 && equals_without_case(version.substr(0, 4), "SIP/");
    return other_version ? fail(505, "Version Not Supported") : fail(400, "Malformed Request Line");
  }
  const std::string_view uri = line.substr(first + 1, last - first - 1);
  if (!is_request_uri(uri)) return fail(400, "Malformed Request-URI");
  message_.start_second_ = slice(uri);
}

void MessageParser::read_status_line(std::string_view line) {
  // Only now is it a response: a message whose status_ is 0 is a request.
  message_.status_ = 100;
  const std::optional<StatusLine> parsed = parse_status_line(line);
  if (!parsed) return fail(400, "Malformed Status Line");
  message_.status_ = parsed->status;
  message_.start_second_ = slice(parsed->reason);
}

void MessageParser::read_field(const HeadLine& line) {
  Message::Field field;
  field.id = header_by_name(line.name);
  field.name_at = slice(line.name).at;
  field.name_bytes = static_cast<std::uint16_t>(line.name.size());
  field.value_at = slice(line.value).at;
  field.value_bytes = slice(line.value).bytes;
  if (line.folded) {
    // Unfolding (section 7.3.1): the line ends become spaces where they stand. The value had at least one byte more
    // than LWS, or it is empty.
    for (std::uint32_t i = 0; i < field.value_bytes; ++i) {
      char& c = message_.buffer_[field.value_at + i];
      if (c == '\r' || c == '\n') c = ' ';
    }
  }
  message_.fields_.push_back(field);
  if (field.id == HeaderId::kUnknown) return;
  bool& seen = seen_[static_cast<std::size_t>(field.id)];
  if (seen && is_single(field.id)) return fail(400, "Repeated Header");
  seen = true;
  check_field(field.id, message_.value_of(field));
}

void MessageParser::check_field(HeaderId id, std::string_view value) {
  switch (id) {
    case HeaderId::kVia:
      return check_vias(value);
    case HeaderId::kFrom:
      if (!is_from_or_to(value)) fail(400, "Malformed From Header");
      return;
    case HeaderId::kTo:
      if (!is_from_or_to(value)) fail(400, "Malformed To Header");
      return;
    case HeaderId::kContact:
    case HeaderId::kRoute:
    case HeaderId::kRecordRoute:
      return check_addresses(id, value);
    case HeaderId::kCallId: {
      scan::Scanner scanner(value);
      if (scan::call_id(scanner).empty() || !scanner.done()) fail(400, "Malformed Call-ID Header");
      return;
    }
    case HeaderId::kCSeq:
      return check_cseq(value);
    case HeaderId::kMaxForwards:
      if (!parse_number<std::uint32_t>(value, 255)) fail(400, "Malformed Max-Forwards Header");
      return;
    case HeaderId::kContentLength:
      content_length_ = parse_number<std::uint32_t>(value, kMessageBytesMax);
      if (!content_length_) fail(400, "Malformed Content-Length Header");
      return;
    default:
      return;
  }
}

void MessageParser::check_vias(std::string_view value) {
  ListWalk walk(value);
  const std::size_t before = vias_;
  for (std::string_view element; walk.next(element);) {
    const bool usable = is_via(element);
    if (vias_ == 0) top_via_usable_ = usable;
    if (!usable) fail(400, "Malformed Via Header");
    if (++vias_ > kViasMax) return fail(400, "Too Many Via Headers");
    if (usable || vias_ != 1) continue;
    salvage_top_via(element);
    return;
  }
  if (vias_ != before) return;
  // A line without a value: if it is the first it is the top one all the same, and nobody is to be answered.
  ++vias_;
  fail(400, "Malformed Via Header");
}

/// What a malformed top Via says before its fault is enough to answer to (RFC 4475 section 3.1.2.1, badinv01). The rest
/// of its line goes: nothing malformed is sent on.
void MessageParser::salvage_top_via(std::string_view element) {
  const std::string_view start = well_formed_start(element);
  top_via_usable_ = !start.empty();
  if (start.empty()) return;
  message_.fields_.back().value_at = slice(start).at;
  message_.fields_.back().value_bytes = slice(start).bytes;
}

void MessageParser::check_addresses(HeaderId id, std::string_view value) {
  if (id == HeaderId::kContact && value == "*") return;
  ListWalk walk(value);
  for (std::string_view element; walk.next(element);) {
    if (is_name_addr(element)) continue;
    if (id == HeaderId::kContact) return fail(400, "Malformed Contact Header");
    return fail(400, id == HeaderId::kRoute ? "Malformed Route Header" : "Malformed Record-Route Header");
  }
}

void MessageParser::check_cseq(std::string_view value) {
  const std::optional<CSeq> cseq = parse_cseq(value);
  if (!cseq) return fail(400, "Malformed CSeq Header");
  if (message_.is_request() && cseq->method_name != message_.method_name()) fail(400, "CSeq Method Mismatch");
}

void MessageParser::check_mandatory() {
  constexpr std::array<std::pair<HeaderId, std::string_view>, 5> kMandatory{{
      {HeaderId::kVia, "Missing Via Header"},
      {HeaderId::kFrom, "Missing From Header"},
      {HeaderId::kTo, "Missing To Header"},
      {HeaderId::kCallId, "Missing Call-ID Header"},
      {HeaderId::kCSeq, "Missing CSeq Header"},
  }};
  for (const auto& [id, reason] : kMandatory) {
    if (!seen(id)) fail(400, reason);
  }
  if (vias_ == 0) fail(400, "Missing Via Header");
}

/// A datagram may end before its Content-Length says (an error) or after it (the rest is cut off): section 18.3.
void MessageParser::read_body(std::string_view rest) {
  const std::size_t bytes = content_length_.value_or(rest.size());
  if (bytes > rest.size()) return fail(400, "Body Shorter Than Content-Length");
  message_.body_ = slice(rest.substr(0, bytes));
}

ParseResult parse_message(std::string_view bytes) {
  return MessageParser{}.parse(bytes);
}

}  // namespace weir::sip
