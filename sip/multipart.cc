#include "sip/multipart.h"

#include "sip/head.h"
#include "sip/quoted.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// bcharsnospace *(bchars), at most 70 of them and no space at the end; empty if the type names none.
std::string boundary_of(const ContentType& content_type) {
  if (content_type.parameters.count("boundary") != 1) return {};
  std::string boundary = unquote(content_type.parameters.value("boundary").value_or(""));
  constexpr std::string_view kOthers = "'()+_,-./:=? ";
  constexpr std::size_t kBoundaryBytesMax = 70;
  for (const char c : boundary) {
    if (!scan::is(c, scan::kAlpha | scan::kDigit) && kOthers.find(c) == std::string_view::npos) return {};
  }
  if (boundary.size() > kBoundaryBytesMax || boundary.ends_with(' ')) return {};
  return boundary;
}

/// Cuts a body at its delimiter lines: CRLF, the delimiter, padding, CRLF.
class BoundaryWalk {
 public:
  BoundaryWalk(std::string_view body, std::string_view boundary) : rest_(body), delimiter_("--") {
    delimiter_ += boundary;
  }

  /// What stands before the next delimiter line, which is consumed; false if there is none.
  bool next(std::string_view& before) {
    for (std::size_t at = rest_.find(delimiter_); at != std::string_view::npos; at = rest_.find(delimiter_, at + 1)) {
      const bool line_start = at == 0 ? at_start_ : at >= 2 && rest_.substr(at - 2, 2) == kLineEnd;
      if (!line_start || !consume_line_after(at + delimiter_.size())) continue;
      before = consumed_.substr(0, at < 2 ? 0 : at - 2);
      return true;
    }
    return false;
  }
  /// The last one was the closing one.
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  /// The rest of a delimiter line: "--" closes, padding is allowed. False if it is another line.
  bool consume_line_after(std::size_t at) {
    scan::Scanner scanner(rest_.substr(at));
    const bool closes = scanner.rest().starts_with("--");
    if (closes) scanner.skip(2);
    scanner.space();
    const bool line_end = scanner.rest().starts_with(kLineEnd);
    // Only what closes may end without a line end.
    if (!line_end && !(closes && scanner.done())) return false;
    consumed_ = rest_;
    rest_ = scanner.rest().substr(line_end ? kLineEnd.size() : 0);
    // An empty part: the next delimiter may follow at once.
    at_start_ = true;
    closed_ = closes;
    return true;
  }

  std::string_view rest_;
  std::string_view consumed_;
  std::string delimiter_;
  bool at_start_ = true;
  bool closed_ = false;
};

/// Where a header of a part is kept; null for those that nobody here asks for.
std::string* place_of(BodyPart& part, std::string_view name) {
  if (equals_without_case(name, "Content-Type")) return &part.content_type;
  if (equals_without_case(name, "Content-Disposition")) return &part.disposition;
  if (equals_without_case(name, "Content-ID")) return &part.id;
  if (equals_without_case(name, "Content-Transfer-Encoding")) return &part.encoding;
  return nullptr;
}

/// MIME-part-headers [CRLF *OCTET].
std::optional<BodyPart> read_part(std::string_view text) {
  BodyPart part;
  HeadWalk walk(text);
  for (HeadLine line; walk.next(line);) {
    if (line.name.empty()) return std::nullopt;
    std::string* const place = place_of(part, line.name);
    if (place == nullptr) continue;
    if (!place->empty()) return std::nullopt;
    *place = unfolded(line.value);
  }
  if (!walk.ended() && !walk.rest().empty()) return std::nullopt;
  part.body = walk.rest();
  return part;
}

/// Bodies as they are: the others would have to be decoded.
bool is_plain(std::string_view encoding) {
  return encoding.empty() || equals_without_case(encoding, "binary") || equals_without_case(encoding, "8bit") ||
         equals_without_case(encoding, "7bit");
}

bool is_for_a_session(std::string_view disposition) {
  if (disposition.empty()) return true;
  const std::optional<ContentDisposition> parsed = parse_content_disposition(disposition);
  return parsed && parsed->is("session");
}

std::string_view find_sdp(const BodyPart& part, std::size_t depth) {
  const std::optional<ContentType> type = parse_content_type(part.content_type);
  if (!type || !is_plain(part.encoding)) return {};
  if (type->is("application/sdp")) return is_for_a_session(part.disposition) ? part.body : std::string_view{};
  if (depth == kBodyDepthMax || !equals_without_case(type->type, "multipart")) return {};
  const std::optional<std::vector<BodyPart>> parts = split_multipart(part.content_type, part.body);
  if (!parts) return {};
  std::string_view found;
  for (const BodyPart& inner : *parts) {
    const std::string_view sdp = find_sdp(inner, depth + 1);
    if (sdp.empty()) continue;
    found = sdp;
    if (!type->is("multipart/alternative")) break;
  }
  return found;
}

}  // namespace

std::optional<std::vector<BodyPart>> split_multipart(std::string_view content_type, std::string_view body) {
  const std::optional<ContentType> type = parse_content_type(content_type);
  if (!type || !equals_without_case(type->type, "multipart")) return std::nullopt;
  const std::string boundary = boundary_of(*type);
  if (boundary.empty()) return std::nullopt;
  BoundaryWalk walk(body, boundary);
  std::string_view text;
  // What stands before the first boundary and after the last one says nothing.
  if (!walk.next(text) || walk.closed()) return std::nullopt;
  std::vector<BodyPart> parts;
  while (!walk.closed()) {
    if (!walk.next(text) || parts.size() == kBodyPartsMax) return std::nullopt;
    const std::optional<BodyPart> part = read_part(text);
    if (!part) return std::nullopt;
    parts.push_back(*part);
  }
  return parts;
}

std::string write_multipart(const std::vector<BodyPart>& parts, std::string_view boundary) {
  std::string out;
  const auto line = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(name).append(": ").append(unfolded(value)).append(kLineEnd);
  };
  for (const BodyPart& part : parts) {
    out.append("--").append(boundary).append(kLineEnd);
    line("Content-Type", part.content_type);
    line("Content-Disposition", part.disposition);
    line("Content-ID", part.id);
    line("Content-Transfer-Encoding", part.encoding);
    out.append(kLineEnd).append(part.body).append(kLineEnd);
  }
  return out.append("--").append(boundary).append("--").append(kLineEnd);
}

std::string_view sdp_body(const Message& message) {
  if (message.has(HeaderId::kContentEncoding)) return {};
  const std::string_view disposition = message.header(HeaderId::kContentDisposition).value_or("");
  return find_sdp({std::string{message.content_type()}, std::string{disposition}, {}, {}, message.body()}, 0);
}

}  // namespace weir::sip
