// Bytes to Message: one datagram, or one frame that the framer cut from a stream. RFC 3261 sections 7, 18.3 and 25.
//
// Refused: control characters in the head, but for HTAB and in quoted-pairs (never CR and LF); a second From, To,
// Call-ID, CSeq, Max-Forwards, Content-Length or the like; a missing mandatory header; a malformed Via, From, To, CSeq,
// Contact, Route or Record-Route; a CSeq method that is not the start line's. Folded lines are unfolded. A datagram's
// bytes beyond Content-Length are cut off.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "sip/message.h"

namespace weir::sip {

/// Why bytes are no message, and what to do about it.
struct ParseError {
  std::uint16_t status = 0;  ///< 400, 505, 513: answer so; 0: silence
  std::string_view reason;   ///< for the status line and the log: a static phrase, "Missing Call-ID Header"
  /// What could be read, if status is not 0: enough to give to make_response (a top Via is there and parses;
  /// of a malformed one, its well-formed start).
  Message fragment = {};
  [[nodiscard]] bool silent() const { return status == 0; }
};

/// A Message or a ParseError.
class ParseResult {
 public:
  ParseResult(Message message) : state_(std::move(message)) {}
  ParseResult(ParseError error) : state_(std::move(error)) {}
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  /// Asking for the one that is not there is our own bug: std::get throws.
  [[nodiscard]] Message& message() { return std::get<0>(state_); }
  [[nodiscard]] const Message& message() const { return std::get<0>(state_); }
  [[nodiscard]] const ParseError& error() const { return std::get<1>(state_); }

 private:
  std::variant<Message, ParseError> state_;
};

/// Never throws on input, never reads beyond `bytes`; linear in their number. Malformed responses and ACKs are silent
/// errors (sections 8.1.3 and 17.1.1.3: neither is ever answered), so are bytes without a usable top Via, and
/// keep-alives (CRLFs).
ParseResult parse_message(std::string_view bytes);

}  // namespace weir::sip
