// The header lines of a message's head, one logical line at a time: what parser and framer both read, so that they
// never disagree about where a message ends. RFC 3261 sections 7.3.1 and 25.1. For this folder only.
#pragma once

#include <string>
#include <string_view>

namespace weir::sip {

struct HeadLine {
  std::string_view name;   ///< a token; empty: the line is malformed, see HeadWalk::fault()
  std::string_view value;  ///< trimmed; still with its line ends if it is folded
  bool folded = false;
};

/// The value of a line with its line ends made spaces (section 7.3.1).
std::string unfolded(std::string_view value);

/// Walks lines that end in CRLF. Usage: next() until it is false; then ended() says whether it was the empty line that
/// stopped it, and rest() what follows.
class HeadWalk {
 public:
  explicit HeadWalk(std::string_view text) : rest_(text) {}

  /// One physical line without its CRLF, for the start line; false if there is no line end.
  bool next_plain(std::string_view& line);
  /// The next logical line; false at the empty line and at the end of the text.
  bool next(HeadLine& line);

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  /// Why the last line is malformed: a static phrase; empty if it is not.
  [[nodiscard]] std::string_view fault() const { return fault_; }

 private:
  bool cut_line(std::string_view& line);
  void split(std::string_view text, HeadLine& line);

  std::string_view rest_;
  std::string_view fault_;
  bool ended_ = false;
};

}  // namespace weir::sip
