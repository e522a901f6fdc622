// A caller's offer and a callee's answer, both hostile, through the middle. The input is two texts with a NUL between.
// Whatever comes in: what Weir sends can be read, has the caller's sections in order, and opens none that was closed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/offer_answer.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "sip/text.h"

namespace {

using namespace weir;
using namespace weir::sip;

LocalSession local_session(std::size_t sections) {
  LocalSession local;
  local.address = proto::IpAddress::from_ipv4(0xc6120101);
  local.fingerprints.push_back(Fingerprint{});
  LocalSection section;
  section.rtp = {local.address, 0, 20000};
  section.rtcp = {local.address, 0, 20001};
  section.tls_id = "abc3de65cddef001be82";
  local.sections.assign(sections, section);
  return local;
}

void check_sent(const SessionDescription& sent, const SessionDescription& received) {
  WEIR_ASSERT(sent.media.size() == received.media.size());
  for (std::size_t i = 0; i < sent.media.size(); ++i) {
    WEIR_ASSERT(sent.media[i].media == received.media[i].media);
    WEIR_ASSERT(sent.media[i].port == 0 || received.media[i].port != 0);
  }
  const auto read = parse_sdp(write_sdp(sent));
  WEIR_ASSERT(std::holds_alternative<SessionDescription>(read) && std::get<SessionDescription>(read) == sent);
}

void check_exchange(const RemoteOffer& offer, std::string_view answer, RtpProtocol protocol) {
  const LocalSession local = local_session(offer.sections.size());
  const SessionDescription forward = make_offer(offer, local, protocol);
  check_sent(forward, offer.description);
  const auto far = read_answer(forward, answer);
  if (std::holds_alternative<SdpRefusal>(far)) {
    WEIR_ASSERT(!std::get<SdpRefusal>(far).reason.empty());
    return;
  }
  const Agreement near = make_answer(offer, std::get<Agreement>(far), local);
  check_sent(near.local, offer.description);
  for (const AgreedSection& section : near.sections) {
    if (!section.active || !is_secured(section.protocol)) continue;
    WEIR_ASSERT(!section.remote_dtls.fingerprints.empty() && !section.local_dtls.fingerprints.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view answer(reinterpret_cast<const char*>(data), size);
  const std::string_view offer_text = take_until(answer, '\0');
  const auto offer = read_offer(offer_text);
  if (const auto* refusal = std::get_if<SdpRefusal>(&offer)) {
    WEIR_ASSERT(refusal->status == 400 || refusal->status == 488);
    WEIR_ASSERT(refusal->reason.find_first_of("\r\n") == std::string::npos);
    return 0;
  }
  check_exchange(std::get<RemoteOffer>(offer), answer, RtpProtocol::kAvp);
  check_exchange(std::get<RemoteOffer>(offer), answer, RtpProtocol::kDtlsSavp);
  return 0;
}
