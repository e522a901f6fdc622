// Cuts a byte stream (TCP, TLS) into messages by Content-Length. RFC 3261 sections 7.5 and 18.3; keep-alives RFC 5626
// section 4.4.1. Fed with whatever chunks arrive; holds at most kMessageBytesMax plus the last chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sip/limits.h"

namespace weir::sip {

enum class FrameKind : std::uint8_t {
  kNone,     ///< nothing complete yet: feed more
  kMessage,  ///< bytes: one whole message, for parse_message
  kPing,     ///< double CRLF between messages: answer with one CRLF
  kError,    ///< the stream cannot be followed any further: answer if you can, then close
};

struct Frame {
  FrameKind kind = FrameKind::kNone;
  /// kMessage: the message. kError: the head that was read, empty if it was not complete; parse_message says whether
  /// and to whom an answer can go. Lives until the next feed() or next().
  std::string_view bytes;
  std::uint16_t status = 0;  ///< kError: 400 or 513; 0: not answerable
  std::string_view reason;   ///< kError: a static phrase
};

/// One direction of one connection. Usage: feed(chunk); then next() until it says kNone or kError.
class Framer {
 public:
  void feed(std::string_view chunk);
  [[nodiscard]] Frame next();
  /// The answer to a ping of ours may have come (RFC 5626 section 4.4.1): if a single CRLF between messages is all
  /// there is, it was that, and not half a ping.
  void skip_pong();
  /// Bytes held that no frame has taken yet.
  [[nodiscard]] std::size_t pending_bytes() const { return buffer_.size() - start_; }
  /// Whether a message has begun and not ended: for a caller that closes idle connections.
  [[nodiscard]] bool mid_message() const { return pending_bytes() != 0 && buffer_[start_] != '\r'; }

 private:
  Frame fail(std::uint16_t status, std::string_view reason, std::string_view head);
  Frame begin_body(std::size_t head_bytes);

  std::string buffer_;
  std::size_t start_ = 0;        ///< of the first byte no frame has taken
  std::size_t scanned_ = 0;      ///< from start_: bytes known to hold no end of head
  std::size_t frame_bytes_ = 0;  ///< head and body of the current message; 0: its head is not complete
  bool failed_ = false;
};

}  // namespace weir::sip
