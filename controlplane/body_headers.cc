#include "controlplane/body_headers.h"

#include <array>

namespace weir::controlplane {

using sip::HeaderId;

namespace {

constexpr std::array<HeaderId, 4> kBodyHeaders{HeaderId::kContentDisposition, HeaderId::kContentEncoding,
                                               HeaderId::kContentLanguage, HeaderId::kMimeVersion};

}  // namespace

void pass_body(const sip::Message& from, sip::Message& to) {
  for (const HeaderId id : kBodyHeaders) {
    if (const auto value = from.header(id)) to.add_header(id, *value);
  }
  if (!from.body().empty()) to.set_body(from.body(), from.content_type());
}

}  // namespace weir::controlplane
