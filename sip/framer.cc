#include "sip/framer.h"

#include <optional>

#include "sip/head.h"
#include "sip/header.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

struct Length {
  std::optional<std::size_t> bytes;
  std::string_view fault;  ///< a static phrase if there are no bytes
};

/// The one Content-Length of a head. Two of them, even equal ones, would let two readers cut the stream in two places.
Length content_length(std::string_view head) {
  HeadWalk walk(head);
  std::string_view start_line;
  walk.next_plain(start_line);
  Length length{std::nullopt, "Missing Content-Length Header"};
  for (HeadLine line; walk.next(line);) {
    // A line that the parser would refuse might be read as a Content-Length by the next hop.
    if (line.name.empty()) return {std::nullopt, walk.fault()};
    if (header_by_name(line.name) != HeaderId::kContentLength) continue;
    if (length.bytes) return {std::nullopt, "Repeated Header"};
    length.bytes = parse_number<std::uint32_t>(line.value, UINT32_MAX);
    if (!length.bytes) return {std::nullopt, "Malformed Content-Length Header"};
  }
  return length;
}

}  // namespace

void Framer::feed(std::string_view chunk) {
  if (failed_) return;
  buffer_.erase(0, start_);
  start_ = 0;
  buffer_.append(chunk);
}

void Framer::skip_pong() {
  if (frame_bytes_ == 0 && scanned_ == 0 && std::string_view{buffer_}.substr(start_) == "\r\n") start_ += 2;
}

Frame Framer::fail(std::uint16_t status, std::string_view reason, std::string_view head) {
  failed_ = true;
  return {FrameKind::kError, head, status, reason};
}

Frame Framer::next() {
  if (failed_) return {FrameKind::kError, {}, 0, "Stream Already Failed"};
  if (pending_bytes() == 0 && start_ != 0) {  // who says nothing more for now keeps nothing
    buffer_ = {};
    start_ = 0;
  }
  while (frame_bytes_ == 0) {
    const std::string_view pending = std::string_view{buffer_}.substr(start_);
    if (scanned_ == 0 && pending.starts_with('\r')) {
      // Between messages. A double CRLF is a ping (RFC 5626 section 4.4.1), a single one before a start line is nothing
      // (RFC 3261 section 7.5); which of the two it is, the next bytes say.
      if (pending.starts_with(kHeadEnd)) {
        start_ += kHeadEnd.size();
        return {FrameKind::kPing, pending.substr(0, kHeadEnd.size()), 0, {}};
      }
      if (kHeadEnd.starts_with(pending)) return {};
      if (!pending.starts_with("\r\n")) return fail(0, "Control Character In Header", {});
      start_ += 2;
      continue;
    }
    // The end may begin in the last three bytes that were looked at before.
    const std::size_t from = scanned_ < kHeadEnd.size() ? 0 : scanned_ - (kHeadEnd.size() - 1);
    const std::size_t end = pending.find(kHeadEnd, from);
    if (end == std::string_view::npos) {
      if (pending.size() > kHeadBytesMax) return fail(513, "Headers Too Large", {});
      scanned_ = pending.size();
      return {};
    }
    const Frame refused = begin_body(end + kHeadEnd.size());
    if (refused.kind == FrameKind::kError) return refused;
  }
  if (pending_bytes() < frame_bytes_) return {};
  const std::string_view message = std::string_view{buffer_}.substr(start_, frame_bytes_);
  start_ += frame_bytes_;
  frame_bytes_ = 0;
  scanned_ = 0;
  return {FrameKind::kMessage, message, 0, {}};
}

/// The head is complete: how long will the message be?
Frame Framer::begin_body(std::size_t head_bytes) {
  const std::string_view head = std::string_view{buffer_}.substr(start_, head_bytes);
  if (head_bytes > kHeadBytesMax) return fail(513, "Headers Too Large", {});
  const Length length = content_length(head);
  if (!length.bytes) return fail(400, length.fault, head);
  if (head_bytes + *length.bytes > kMessageBytesMax) return fail(513, "Message Too Large", head);
  frame_bytes_ = head_bytes + *length.bytes;
  return {};
}

}  // namespace weir::sip
