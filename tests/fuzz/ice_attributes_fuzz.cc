// Any candidate value is a candidate that is written so that it reads the same again, or none. The same bytes as the
// lines of a section are read within bounds or refused, and what is read of us can be appended and read back; its
// BUNDLE groups name sections that are there.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/bundle.h"
#include "sip/ice_attributes.h"
#include "sip/sdp_parse.h"

namespace {

using namespace weir::sip;

void check_value(std::string_view value) {
  const auto candidate = parse_candidate(value);
  if (!candidate || candidate->endpoint.port == 0) return;
  WEIR_ASSERT(candidate->priority != 0 && candidate->component != 0 && !candidate->type.empty());
  WEIR_ASSERT(parse_candidate(write_candidate(*candidate)) == candidate);
}

void check_appended(const RemoteIce& ice) {
  const LocalIce local{ice.credentials, ice.candidates, ice.lite};
  SessionDescription session;
  append_ice(local, 2, session.media.emplace_back());
  append_ice(local, session);
  const auto read = read_ice(session, session.media[0]);
  const auto& back = std::get<std::optional<RemoteIce>>(read);
  WEIR_ASSERT(back && back->credentials == local.credentials && back->lite == local.lite && back->ended);
  WEIR_ASSERT(back->candidates.size() <= local.candidates.size() && back->candidates_left_out == 0);
  WEIR_ASSERT(!is_ice_restart(ice, *back));
}

void check_bundles(const SessionDescription& session) {
  const std::vector<std::size_t> groups = bundle_groups(session);
  WEIR_ASSERT(groups.size() == session.media.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    WEIR_ASSERT(groups[i] == kNoBundle || !mid_of(session.media[i]).empty());
  }
}

void check_description(std::string_view text) {
  const auto parsed = parse_sdp(text);
  const auto* session = std::get_if<SessionDescription>(&parsed);
  if (session == nullptr) return;
  check_bundles(*session);
  for (const MediaSection& section : session->media) {
    const auto read = read_ice(*session, section);
    if (const auto* refusal = std::get_if<SdpRefusal>(&read)) {
      WEIR_ASSERT(refusal->status == 400 && !refusal->reason.empty());
      continue;
    }
    const auto& ice = std::get<std::optional<RemoteIce>>(read);
    if (!ice) continue;
    WEIR_ASSERT(ice->candidates.size() <= kIceCandidatesMax && ice->chosen.size() <= 2);
    check_appended(*ice);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_value(text);
  check_description(text);
  check_description("v=0\no=- 1 1 IN IP4 h\nm=audio 9 UDP/TLS/RTP/SAVPF 0\n" + std::string(text));
  return 0;
}
