// What the tests of offer/answer share: our end of a leg, and a peer's offers and answers as short texts.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sip/offer_answer.h"
#include "tests/sip/sdp_samples.h"

namespace weir::sip {

using samples::crlf;
using samples::with;

inline constexpr std::string_view kTlsId = "dbc8de77cddef001be90";

inline proto::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {proto::parse_ip_address(address).value(), 0, port};
}

inline std::vector<Fingerprint> our_fingerprints() {
  std::array<std::uint8_t, 32> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(i);
  return {make_fingerprint(FingerprintHash::kSha256, digest)};
}

inline LocalSession leg(std::string_view address, std::size_t sections = 1) {
  LocalSession local;
  local.session_id = 42;
  local.address = proto::parse_ip_address(address).value();
  local.fingerprints = our_fingerprints();
  for (std::size_t i = 0; i < sections; ++i) {
    LocalSection section;
    section.rtp = endpoint(address, static_cast<std::uint16_t>(20000 + 2 * i));
    section.rtcp = endpoint(address, static_cast<std::uint16_t>(20001 + 2 * i));
    section.tls_id = kTlsId;
    local.sections.push_back(section);
  }
  return local;
}

inline RemoteOffer offered(std::string_view text, std::size_t sections_before = 0) {
  auto result = read_offer(crlf(text), sections_before);
  if (const auto* refusal = std::get_if<SdpRefusal>(&result)) {
    ADD_FAILURE() << refusal->status << " " << refusal->reason;
    return {};
  }
  return std::get<RemoteOffer>(std::move(result));
}

inline SdpRefusal refused_offer(std::string_view text, const SecurityPolicy& policy = {}) {
  auto result = read_offer(crlf(text), 0, policy);
  if (std::holds_alternative<RemoteOffer>(result)) {
    ADD_FAILURE() << "was accepted";
    return {};
  }
  return std::get<SdpRefusal>(std::move(result));
}

inline Agreement answered(const SessionDescription& offer, std::string_view text) {
  auto result = read_answer(offer, crlf(text));
  if (const auto* refusal = std::get_if<SdpRefusal>(&result)) {
    ADD_FAILURE() << refusal->status << " " << refusal->reason;
    return {};
  }
  return std::get<Agreement>(std::move(result));
}

inline SdpRefusal refused_answer(const SessionDescription& offer, std::string_view text) {
  auto result = read_answer(offer, crlf(text));
  if (std::holds_alternative<Agreement>(result)) {
    ADD_FAILURE() << "was accepted";
    return {};
  }
  return std::get<SdpRefusal>(std::move(result));
}

/// One audio section after the usual head; `lines` follow its m= line.
inline std::string audio(std::string_view media, std::string_view lines = "", std::string_view address = "198.18.1.2") {
  return "v=0\no=peer 9 9 IN IP4 198.18.1.2\ns=-\nc=IN IP4 " + std::string(address) + "\nt=0 0\nm=audio " +
         std::string(media) + "\n" + std::string(lines);
}

inline std::string fingerprint_line() {
  return "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\n";
}

inline std::string dtls_audio(std::string_view setup, std::string_view more = "") {
  return audio("5000 UDP/TLS/RTP/SAVP 0 8 101", (setup.empty() ? "" : "a=setup:" + std::string(setup) + "\n") +
                                                    fingerprint_line() + "a=rtpmap:101 telephone-event/8000\n" +
                                                    std::string(more));
}

/// The far side's plain answer to what `offer` becomes on the other leg.
inline Agreement plain_far(const RemoteOffer& offer, std::string_view lines = "", std::string_view formats = "0") {
  const SessionDescription ours = make_offer(offer, leg("198.18.2.1", offer.sections.size()), RtpProtocol::kAvp);
  std::string text = audio("7000 RTP/AVP " + std::string(formats), lines, "198.18.2.2");
  for (std::size_t i = 1; i < ours.media.size(); ++i) text += "m=" + ours.media[i].media + " 0 x 0\n";
  return answered(ours, text);
}

inline std::optional<std::string> value_of(const MediaSection& section, std::string_view name) {
  const SdpAttribute* attribute = find_attribute(section.attributes, name);
  return attribute == nullptr ? std::nullopt : attribute->value;
}

inline bool has(const MediaSection& section, std::string_view name) {
  return find_attribute(section.attributes, name) != nullptr;
}

}  // namespace weir::sip
