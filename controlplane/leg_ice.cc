#include "controlplane/leg_ice.h"

#include <algorithm>
#include <string>
#include <utility>

#include "controlplane/token.h"

namespace weir::controlplane {
namespace {

// RFC 8445 section 5.3: 24 bits of randomness at least, and 128.
constexpr std::size_t kUfragCharacters = 8;
constexpr std::size_t kPasswordCharacters = 32;

sip::IceCredentials make_credentials() {
  return {.ufrag = make_token().substr(0, kUfragCharacters),
          .password = (make_token() + make_token()).substr(0, kPasswordCharacters)};
}

proto::IceCredentialsSpec spec_of(const sip::IceCredentials& credentials) {
  proto::IceCredentialsSpec spec{};
  const auto copy = [](const std::string& text, auto& there, std::uint8_t& bytes) {
    bytes = static_cast<std::uint8_t>(std::min(text.size(), there.size()));
    std::copy_n(text.begin(), bytes, there.begin());
  };
  copy(credentials.ufrag, spec.ufrag, spec.ufrag_bytes);
  copy(credentials.password, spec.password, spec.password_bytes);
  return spec;
}

sip::IceCandidate host_candidate(std::uint8_t component, const proto::Endpoint& endpoint) {
  // RFC 8445 section 5.1.2: type preference 126 of host candidates, and of local ones the only.
  constexpr std::uint32_t kHostPreference = (126u << 24) + (65535u << 8);
  return {.foundation = "1",
          .component = component,
          .priority = kHostPreference + (256u - component),
          .endpoint = endpoint,
          .type = "host"};
}

}  // namespace

sip::LocalIce LegIce::local(const sip::RemoteIce* offer, const proto::Endpoint& rtp, const proto::Endpoint& rtcp) {
  auto& [current, next] = ours_;
  if (current.ufrag.empty()) current = make_credentials();
  if (offer != nullptr && theirs_ && sip::is_ice_restart(*theirs_, *offer)) {
    if (!next.ufrag.empty()) current = std::exchange(next, {});
    next = make_credentials();
    follow(*offer);
  }
  sip::LocalIce local;
  local.credentials = next.ufrag.empty() ? current : next;
  local.candidates = {host_candidate(1, rtp), host_candidate(2, rtcp)};
  return local;
}

void LegIce::follow(const sip::RemoteIce& remote) {
  theirs_.emplace();
  theirs_->credentials = remote.credentials;
}

bool LegIce::choose(std::size_t which) {
  auto& [current, next] = ours_;
  if (which == 0 || next.ufrag.empty()) return false;
  current = std::exchange(next, {});
  return true;
}

std::array<proto::IceCredentialsSpec, 2> LegIce::spec() const {
  return {spec_of(ours_[0]), spec_of(ours_[1])};
}

void LegIce::adopt(const std::array<sip::IceCredentials, 2>& ours, const sip::RemoteIce& remote) {
  ours_ = ours;
  follow(remote);
}

}  // namespace weir::controlplane
