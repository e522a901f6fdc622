#include "sip/media_control.h"

#include <array>
#include <span>

#include "sip/xml_scanner.h"

namespace weir::sip {
namespace {

constexpr std::string_view kRoot = "media_control";

/// The schema (RFC 5168 section 5): elements by their path from the root.
constexpr std::array<std::string_view, 1> kError{"general_error"};
constexpr std::array<std::string_view, 1> kPrimitive{"vc_primitive"};
constexpr std::array<std::string_view, 2> kStream{"vc_primitive", "stream_id"};
constexpr std::array<std::string_view, 2> kEncoder{"vc_primitive", "to_encoder"};
constexpr std::array<std::string_view, 3> kPicture{"vc_primitive", "to_encoder", "picture_fast_update"};

/// Whether the scanner stands at an element of this path.
bool is_at(const XmlScanner& scanner, std::span<const std::string_view> path) {
  if (scanner.depth() != path.size() + 1) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (scanner.name_at(i + 1) != path[i]) return false;
  }
  return true;
}

/// What is found on one way through a document.
struct Findings {
  bool pictures = false;
  bool errors = false;
  bool others = false;

  void begin(const XmlScanner& scanner) {
    pictures |= is_at(scanner, kPicture);
    errors |= is_at(scanner, kError);
    others |= scanner.depth() > 1 && !is_at(scanner, kPicture) && !is_at(scanner, kError) &&
              !is_at(scanner, kPrimitive) && !is_at(scanner, kStream) && !is_at(scanner, kEncoder);
  }
  void text(const XmlScanner& scanner) {
    const bool blank = scanner.text().find_first_not_of(" \t\r\n") == std::string_view::npos;
    others |= !blank && !is_at(scanner, kError) && !is_at(scanner, kStream);
  }
  [[nodiscard]] MediaControl meaning() const {
    if (others || pictures == errors) return MediaControl::kOther;
    return pictures ? MediaControl::kPictureFastUpdate : MediaControl::kGeneralError;
  }
};

}  // namespace

std::variant<MediaControl, MediaControlRefusal> read_media_control(std::string_view body) {
  using Step = XmlScanner::Step;
  if (body.size() > kMediaControlBytesMax) return MediaControlRefusal{"too long"};
  XmlScanner scanner(body);
  Findings findings;
  for (Step step = scanner.next(); step != Step::kOver; step = scanner.next()) {
    if (step == Step::kMalformed) return MediaControlRefusal{scanner.reason()};
    if (scanner.name_at(0) != kRoot) return MediaControlRefusal{"the root is not media_control"};
    if (step == Step::kBegins) findings.begin(scanner);
    if (step == Step::kText) findings.text(scanner);
  }
  return findings.meaning();
}

}  // namespace weir::sip
