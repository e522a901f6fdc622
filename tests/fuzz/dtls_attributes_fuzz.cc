// Any fingerprint value is a fingerprint that is written so that it reads the same again, or a fault with a reason. The
// same bytes as the attributes of a section are read or refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/dtls_attributes.h"
#include "sip/sdp_parse.h"

namespace {

using namespace weir::sip;

void check_value(std::string_view value) {
  is_tls_id(value);
  const auto parsed = parse_fingerprint(value);
  if (const auto* fault = std::get_if<FingerprintFault>(&parsed)) {
    WEIR_ASSERT(!fault->reason.empty());
    return;
  }
  const auto& fingerprint = std::get<Fingerprint>(parsed);
  const auto again = parse_fingerprint(write_fingerprint(fingerprint));
  WEIR_ASSERT(std::holds_alternative<Fingerprint>(again) && std::get<Fingerprint>(again) == fingerprint);
}

void check_section(std::string_view lines) {
  const auto parsed = parse_sdp("v=0\no=- 1 1 IN IP4 h\nm=audio 4 UDP/TLS/RTP/SAVP 0\n" + std::string(lines));
  const auto* session = std::get_if<SessionDescription>(&parsed);
  if (session == nullptr || session->media.size() != 1) return;
  const auto read = read_dtls_attributes(*session, session->media[0]);
  const auto* dtls = std::get_if<DtlsAttributes>(&read);
  if (dtls == nullptr) {
    WEIR_ASSERT(std::get<SdpRefusal>(read).status == 400 || std::get<SdpRefusal>(read).status == 488);
    return;
  }
  SessionDescription copy;
  append_dtls_attributes(*dtls, copy.media.emplace_back());
  const auto again = read_dtls_attributes(copy, copy.media[0]);
  WEIR_ASSERT(std::get<DtlsAttributes>(again) == *dtls);
  WEIR_ASSERT(fingerprints_to_match(dtls->fingerprints).empty() == dtls->fingerprints.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_value(text);
  check_section(text);
  return 0;
}
