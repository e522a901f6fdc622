// Any bytes are a document of RFC 5168's root or refused with a reason; what is read is read alike with comments around
// it, and the scanner's tags are nested and bounded.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/media_control.h"
#include "sip/xml_scanner.h"

namespace weir::sip {
namespace {

void scan(std::string_view document) {
  using Step = XmlScanner::Step;
  XmlScanner scanner(document);
  std::size_t open = 0;
  std::size_t begun = 0;
  Step step = scanner.next();
  for (; step != Step::kOver && step != Step::kMalformed; step = scanner.next()) {
    if (step == Step::kBegins) {
      WEIR_ASSERT(scanner.depth() == ++open && ++begun <= kXmlElementsMax && open <= kXmlDepthMax);
      WEIR_ASSERT(!scanner.name_at(open - 1).empty());
    } else if (step == Step::kEnds) {
      WEIR_ASSERT(open != 0 && scanner.depth() == open--);
    } else {
      WEIR_ASSERT(open != 0 && !scanner.text().empty());
    }
  }
  WEIR_ASSERT(step == Step::kMalformed ? !scanner.reason().empty() : open == 0 && begun != 0);
}

void read(std::string_view body) {
  const auto meant = read_media_control(body);
  if (const auto* refusal = std::get_if<MediaControlRefusal>(&meant)) return WEIR_ASSERT(!refusal->reason.empty());
  const std::string longer = std::string(body) + "<!-- more -->";
  if (longer.size() > kMediaControlBytesMax) return;
  WEIR_ASSERT(std::get<MediaControl>(read_media_control(longer)) == std::get<MediaControl>(meant));
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  weir::sip::scan(body);
  weir::sip::read(body);
  return 0;
}
