// A caller's offer and a callee's answer, both hostile, through the middle. The input is two texts with a NUL between.
// Whatever comes in: what Weir sends can be read, has the caller's sections in order, and opens none that was closed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/bundled.h"
#include "sip/offer_answer.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "sip/text.h"

namespace {

using namespace weir;
using namespace weir::sip;

/// Whatever a policy may allow, best effort included.
SecurityPolicy every_keying() {
  SecurityPolicy policy;
  policy.suites = {proto::SrtpProfile::kAesCm128HmacSha1_80, proto::SrtpProfile::kAeadAes256Gcm};
  policy.best_effort = true;
  return policy;
}

/// Whatever may cross between browsers.
SecurityPolicy every_crossing() {
  SecurityPolicy policy;
  policy.ice = policy.feedback = policy.video = policy.extensions = policy.simulcast = true;
  return policy;
}

CryptoAttribute our_line(std::uint32_t tag, proto::SrtpProfile suite) {
  CryptoAttribute line;
  line.tag = tag;
  line.suite = suite;
  line.keys.emplace_back()->key[0] = static_cast<std::uint8_t>(tag);
  return line;
}

LocalSession local_session(std::size_t sections, const SecurityPolicy& policy) {
  LocalSession local;
  local.security = policy;
  local.address = proto::IpAddress::from_ipv4(0xc6120101);
  local.fingerprints.push_back(Fingerprint{});
  LocalSection section;
  section.rtp = {local.address, 0, 20000};
  section.rtcp = {local.address, 0, 20001};
  section.tls_id = "abc3de65cddef001be82";
  for (const proto::SrtpProfile suite : policy.suites) {
    section.crypto.push_back(our_line(static_cast<std::uint32_t>(section.crypto.size() + 1), suite));
  }
  LocalIce& ice = section.ice.emplace();
  ice.credentials = {"weir", "0123456789abcdefghijkl"};
  ice.candidates.push_back({"1", 1, 2130706431, section.rtp, "host"});
  local.sections.assign(sections, section);
  return local;
}

void check_sent(const SessionDescription& sent, const SessionDescription& received) {
  WEIR_ASSERT(sent.media.size() == received.media.size());
  for (std::size_t i = 0; i < sent.media.size(); ++i) {
    WEIR_ASSERT(sent.media[i].media == received.media[i].media);
    WEIR_ASSERT(sent.media[i].port == 0 || is_open(received.media[i]));
  }
  const auto read = parse_sdp(write_sdp(sent));
  WEIR_ASSERT(std::holds_alternative<SessionDescription>(read) && std::get<SessionDescription>(read) == sent);
}

void check_keys(const AgreedSection& section) {
  switch (section.keying) {
    case Keying::kNone:
      WEIR_ASSERT(!is_secured(section.protocol) && !section.sdes && section.remote_dtls.fingerprints.empty());
      return;
    case Keying::kSdes:
      WEIR_ASSERT(section.sdes && section.sdes->local.suite == section.sdes->remote.suite);
      WEIR_ASSERT(section.sdes->local.tag == section.sdes->remote.tag);
      return;
    case Keying::kDtls:
      WEIR_ASSERT(!section.remote_dtls.fingerprints.empty() && !section.local_dtls.fingerprints.empty());
      return;
  }
}

void check_exchange(const RemoteOffer& offer, std::string_view answer, RtpProtocol protocol,
                    const SecurityPolicy& policy) {
  const LocalSession local = local_session(offer.sections.size(), policy);
  const SessionDescription forward = make_offer(offer, local, protocol);
  check_sent(forward, offer.description);
  const auto far = read_answer(forward, answer, policy);
  if (std::holds_alternative<SdpRefusal>(far)) {
    WEIR_ASSERT(!std::get<SdpRefusal>(far).reason.empty());
    return;
  }
  const Agreement near = make_answer(offer, std::get<Agreement>(far), local);
  check_sent(near.local, offer.description);
  for (const Agreement* agreement : {&near, &std::get<Agreement>(far)}) {
    for (const AgreedSection& section : agreement->sections) {
      if (!section.active) continue;
      if (!section.remote_rtp.port && section.protocol == RtpProtocol::kDtlsSavpf && section.keying == Keying::kNone) {
        continue;  // it rides on another's transport
      }
      check_keys(section);
      WEIR_ASSERT(section.ice.has_value() == section.local_ice.has_value());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view answer(reinterpret_cast<const char*>(data), size);
  const std::string_view offer_text = take_until(answer, '\0');
  for (const SecurityPolicy& policy : {SecurityPolicy{}, every_keying(), every_crossing()}) {
    const auto offer = read_offer(offer_text, 0, policy);
    if (const auto* refusal = std::get_if<SdpRefusal>(&offer)) {
      WEIR_ASSERT(refusal->status == 400 || refusal->status == 488);
      WEIR_ASSERT(refusal->reason.find_first_of("\r\n") == std::string::npos);
      continue;
    }
    for (const RtpProtocol protocol : {RtpProtocol::kAvp, RtpProtocol::kSavp, RtpProtocol::kDtlsSavp,
                                       RtpProtocol::kDtlsSavpf, RtpProtocol::kDtlsAvp}) {
      check_exchange(std::get<RemoteOffer>(offer), answer, protocol, policy);
    }
  }
  return 0;
}
