// Any text is either a session description or an error; what was read is written so that it reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/remote_section.h"
#include "sip/sdp.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const auto parsed = parse_sdp({reinterpret_cast<const char*>(data), size});
  if (const auto* error = std::get_if<SdpError>(&parsed)) {
    WEIR_ASSERT(!to_string(*error).empty());
    return 0;
  }
  const auto& session = std::get<SessionDescription>(parsed);
  for (const MediaSection& section : session.media) {
    const RemoteSection read = read_section(session, section);
    WEIR_ASSERT((read.use == SectionUse::kRefused) == !read.refusal.reason.empty());
    if (read.use != SectionUse::kAccepted) continue;
    WEIR_ASSERT(section.port != 0 && is_secured(read.protocol) == !read.dtls.fingerprints.empty());
    for (const std::string& format : section.formats) fmtp(section, format);
    ptime_ms(section);
  }
  const std::string written = write_sdp(session);
  if (written.size() > kSdpBytesMax) return 0;  // CRLF in the place of LF can make a text too long
  const auto again = parse_sdp(written);
  WEIR_ASSERT(std::holds_alternative<SessionDescription>(again));
  WEIR_ASSERT(std::get<SessionDescription>(again) == session);
  WEIR_ASSERT(write_sdp(std::get<SessionDescription>(again)) == written);
  return 0;
}
