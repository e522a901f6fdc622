#include "sip/ice_fragment.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sip/bundle.h"
#include "sip/sdp_parse.h"

namespace weir::sip {

std::variant<std::vector<IceFragment>, SdpRefusal> read_ice_fragment(std::string_view body) {
  // A fragment is what follows the first lines of a description: with those before it, it is read as one.
  const auto parsed = parse_sdp("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n" + std::string(body));
  if (std::holds_alternative<SdpError>(parsed)) return SdpRefusal{400, "the body is no trickle-ice-sdpfrag"};
  const auto& description = std::get<SessionDescription>(parsed);
  std::vector<IceFragment> fragments;
  for (const MediaSection& section : description.media) {
    auto read = read_ice(description, section);
    if (auto* refusal = std::get_if<SdpRefusal>(&read)) return std::move(*refusal);
    auto& ice = std::get<std::optional<RemoteIce>>(read);
    if (!ice) return SdpRefusal{400, "the candidates come without ice-ufrag and ice-pwd"};
    fragments.push_back({std::string(mid_of(section)), *std::move(ice)});
  }
  return fragments;
}

bool add_trickled(RemoteIce& to, const RemoteIce& fragment) {
  if (to.credentials != fragment.credentials) return false;
  for (const IceCandidate& candidate : fragment.candidates) {
    // RFC 8840 section 4.4: each INFO says again what those before it have said.
    if (std::find(to.candidates.begin(), to.candidates.end(), candidate) != to.candidates.end()) continue;
    if (to.candidates.size() < kIceCandidatesMax) {
      to.candidates.push_back(candidate);
    } else {
      ++to.candidates_left_out;
    }
  }
  to.ended = to.ended || fragment.ended;
  return true;
}

}  // namespace weir::sip
