// XML as far as small bodies of SIP go: a scanner that hands out the tags and texts of one document, one after the
// other. It takes nothing of document types, processing instructions, CDATA or entities but XML's own five, so that
// nothing is looked up, nothing expands, and nothing costs more than its bytes. XML 1.0 (fifth edition).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::sip {

/// Open elements, and elements in all. Schemas of SIP's nest four deep and have a few.
inline constexpr std::size_t kXmlDepthMax = 8;
inline constexpr std::size_t kXmlElementsMax = 64;

/// One pass over a document whose bytes outlive it. Nothing is copied.
class XmlScanner {
 public:
  enum class Step : std::uint8_t {
    kBegins,     ///< an element: the last of path
    kEnds,       ///< the same one, which is the last of path once more
    kText,       ///< text(), white space too
    kOver,       ///< the root has ended, and nothing but white space and comments followed
    kMalformed,  ///< or something that is not taken: reason()
  };

  explicit XmlScanner(std::string_view document) : rest_(document) {}

  /// After kOver and kMalformed it stays that.
  Step next();

  /// Open elements; at kEnds the one that ends is still among them.
  [[nodiscard]] std::size_t depth() const { return depth_; }
  /// The name of an open element as written, prefix and all; 0: the root.
  [[nodiscard]] std::string_view name_at(std::size_t depth) const { return path_[depth]; }
  /// Its references are checked, and left as they are.
  [[nodiscard]] std::string_view text() const { return text_; }
  /// For people, without a full stop.
  [[nodiscard]] std::string_view reason() const { return reason_; }

 private:
  Step fail(std::string_view reason);
  Step prolog();
  Step epilog();
  Step content();
  Step begin_tag();
  Step end_tag();
  Step take_text();
  bool eat(std::string_view mark);
  bool pass_space();
  bool pass_comments();
  bool pass_attributes();
  std::string_view take_name();

  std::string_view rest_;
  std::array<std::string_view, kXmlDepthMax> path_{};
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
  bool is_empty_ = false;  ///< the element that begins has no content: its end is the next step
  bool leaves_ = false;    ///< the step was an end: the element leaves the path with the next
  std::string_view text_;
  std::string_view reason_;
};

}  // namespace weir::sip
