#include "controlplane/description_fingerprints.h"

#include <algorithm>
#include <variant>

#include "sip/multipart.h"
#include "sip/sdp_parse.h"

namespace weir::controlplane {

std::vector<sip::Fingerprint> fingerprints_in(const sip::Message& message) {
  std::vector<sip::Fingerprint> all;
  const auto read = sip::parse_sdp(sip::sdp_body(message));
  const auto* description = std::get_if<sip::SessionDescription>(&read);
  if (description == nullptr) return all;
  for (const sip::MediaSection& section : description->media) {
    const auto dtls = sip::read_dtls_attributes(*description, section);
    const auto* attributes = std::get_if<sip::DtlsAttributes>(&dtls);
    if (attributes == nullptr) continue;
    for (const sip::Fingerprint& one : attributes->fingerprints) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }
  }
  return all;
}

}  // namespace weir::controlplane
