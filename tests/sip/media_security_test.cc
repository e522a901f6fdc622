// Offer and answer of keys: SDES, DTLS and both, best effort, policies, feedback; late offers; bodies made to hurt.
// RFC 4568 section 5.1, RFC 8643, RFC 8842 section 5, RFC 4585 section 4.
#include "sip/media_security.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

using proto::SrtpProfile;

constexpr std::string_view kTheirKey = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
constexpr std::string_view kTheirOtherKey = "inline:YUJDZGVmZ2hpSktMbU9QUXJzVHVWd3l6MTIzNDU2";

CryptoAttribute our_line(std::uint32_t tag, SrtpProfile suite, std::uint8_t seed) {
  CryptoAttribute line;
  line.tag = tag;
  line.suite = suite;
  CryptoKey& key = *line.keys.emplace_back();
  const proto::SrtpProfileInfo& info = proto::srtp_profile(suite);
  for (std::size_t i = 0; i < info.key_bytes; ++i) key.key[i] = static_cast<std::uint8_t>(seed + i);
  for (std::size_t i = 0; i < info.salt_bytes; ++i) key.salt[i] = static_cast<std::uint8_t>(seed ^ i);
  return line;
}

SecurityPolicy policy(SrtpDemand demand, bool dtls, bool sdes, bool best_effort = false) {
  SecurityPolicy out;
  out.srtp = demand;
  out.dtls = dtls;
  if (sdes) out.suites = {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes256Gcm};
  out.best_effort = best_effort;
  return out;
}

LocalSession secured_leg(std::string_view address, const SecurityPolicy& security) {
  LocalSession local = leg(address);
  local.security = security;
  local.sections[0].crypto = {our_line(1, SrtpProfile::kAesCm128HmacSha1_80, 1),
                              our_line(2, SrtpProfile::kAeadAes256Gcm, 80)};
  return local;
}

std::string crypto_line(std::uint32_t tag, std::string_view suite = "AES_CM_128_HMAC_SHA1_80",
                        std::string_view key = kTheirKey) {
  return "a=crypto:" + std::to_string(tag) + " " + std::string(suite) + " " + std::string(key) + "\n";
}

std::string fingerprint() {
  return "a=setup:active\n" + fingerprint_line();
}

std::variant<RemoteOffer, SdpRefusal> read(std::string_view protocol, const std::string& lines,
                                           const SecurityPolicy& security) {
  return read_offer(crlf(audio("5000 " + std::string(protocol) + " 0", lines)), 0, security);
}

// What keys an offer's section, by protocol, by what it brings, and by policy.

struct Judged {
  std::string_view protocol;
  bool crypto;
  bool fingerprint;
  SecurityPolicy security;
  std::optional<Keying> keying;  ///< none: refused
};

TEST(ReadKeys, ByProtocolAndByPolicy) {
  using enum Keying;
  const SecurityPolicy none = policy(SrtpDemand::kForbidden, true, true);
  const SecurityPolicy old = policy(SrtpDemand::kPreferred, true, false);
  const SecurityPolicy both = policy(SrtpDemand::kPreferred, true, true);
  const SecurityPolicy sdes = policy(SrtpDemand::kPreferred, false, true);
  const SecurityPolicy best = policy(SrtpDemand::kPreferred, true, true, true);
  const SecurityPolicy must = policy(SrtpDemand::kRequired, true, true);
  SecurityPolicy sdes_first = best;
  sdes_first.first = kSdes;
  const Judged rows[] = {
      {"RTP/AVP", false, false, none, kNone},
      {"RTP/AVP", true, true, none, kNone},
      {"RTP/SAVP", true, false, none, {}},
      {"UDP/TLS/RTP/SAVP", false, true, none, {}},
      {"RTP/AVP", true, true, old, kNone},
      {"RTP/SAVP", true, false, old, {}},
      {"RTP/SAVP", true, true, old, kDtls},
      {"RTP/SAVP", true, false, both, kSdes},
      {"RTP/SAVPF", true, false, both, kSdes},
      {"RTP/SAVP", true, true, both, kDtls},
      {"RTP/SAVP", true, true, sdes_first, kSdes},
      {"RTP/SAVP", false, false, both, {}},
      {"RTP/AVP", true, true, both, kNone},
      {"RTP/SAVP", true, true, sdes, kSdes},
      {"RTP/SAVP", false, true, sdes, {}},
      {"UDP/TLS/RTP/SAVP", true, true, sdes, {}},
      {"UDP/TLS/RTP/SAVPF", true, true, both, kDtls},
      {"UDP/TLS/RTP/SAVPF", true, false, both, {}},
      {"UDP/TLS/RTP/AVP", false, true, both, kDtls},
      {"UDP/TLS/RTP/AVPF", true, true, sdes_first, kDtls},
      {"UDP/TLS/RTP/AVP", true, false, both, {}},
      {"UDP/TLS/RTP/AVPF", false, true, none, {}},
      {"UDP/TLS/RTP/AVP", true, true, sdes, {}},
      {"UDP/TLS/RTP/AVP", false, true, must, kDtls},
      {"UDP/TLS/RTP/SAVPF", true, true, sdes_first, kDtls},
      {"RTP/AVP", true, false, best, kSdes},
      {"RTP/AVPF", true, false, best, kSdes},
      {"RTP/AVP", false, true, best, kDtls},
      {"RTP/AVP", true, true, best, kDtls},
      {"RTP/AVP", true, true, sdes_first, kSdes},
      {"RTP/AVP", false, false, best, kNone},
      {"RTP/AVP", false, false, must, {}},
      {"RTP/AVP", true, false, must, kSdes},
      {"RTP/SAVP", true, false, must, kSdes},
  };
  for (const Judged& row : rows) {
    SCOPED_TRACE(std::string(row.protocol) + (row.crypto ? " crypto" : "") + (row.fingerprint ? " fingerprint" : ""));
    const auto offer =
        read(row.protocol, (row.crypto ? crypto_line(1) : "") + (row.fingerprint ? fingerprint() : ""), row.security);
    ASSERT_EQ(std::holds_alternative<RemoteOffer>(offer), row.keying.has_value());
    if (!row.keying) {
      EXPECT_EQ(std::get<SdpRefusal>(offer).status, 488);
      EXPECT_EQ(std::get<SdpRefusal>(offer).reason.find("PS1u"), std::string::npos);
      continue;
    }
    const RemoteSection& section = std::get<RemoteOffer>(offer).sections[0];
    EXPECT_EQ(section.keying, *row.keying);
    EXPECT_EQ(section.crypto.has_value(), *row.keying == kSdes);
    EXPECT_EQ(section.dtls.fingerprints.empty(), *row.keying != kDtls);
  }
}

TEST(ReadKeys, OfBestEffortThatIsBrokenNothingIsUsed) {
  const SecurityPolicy best = policy(SrtpDemand::kPreferred, true, true, true);
  const auto offer = read("RTP/AVP", "a=crypto:1 nonsense\na=fingerprint:sha-1 zz\n", best);
  ASSERT_TRUE(std::holds_alternative<RemoteOffer>(offer));
  EXPECT_EQ(std::get<RemoteOffer>(offer).sections[0].keying, Keying::kNone);
}

TEST(ProtocolToOffer, FollowsThePolicy) {
  SecurityPolicy wanted = policy(SrtpDemand::kRequired, true, true);
  EXPECT_EQ(protocol_to_offer(wanted), RtpProtocol::kDtlsSavp);
  wanted.first = Keying::kSdes;
  EXPECT_EQ(protocol_to_offer(wanted), RtpProtocol::kSavp);
  wanted.feedback = true;
  EXPECT_EQ(protocol_to_offer(wanted), RtpProtocol::kSavpf);
  EXPECT_EQ(protocol_to_offer(policy(SrtpDemand::kRequired, true, false)), RtpProtocol::kDtlsSavp);
  EXPECT_EQ(protocol_to_offer(policy(SrtpDemand::kRequired, false, true)), RtpProtocol::kSavp);
  EXPECT_EQ(protocol_to_offer(policy(SrtpDemand::kPreferred, true, true, true)), RtpProtocol::kAvp);
  EXPECT_EQ(protocol_to_offer(policy(SrtpDemand::kForbidden, true, true)), RtpProtocol::kAvp);
}

// Our offers and what answers them.

SessionDescription our_offer(const SecurityPolicy& security) {
  return make_offer(offered(samples::kSipp), secured_leg("198.18.2.1", security), protocol_to_offer(security));
}

TEST(OfferKeys, SdesOffersALineForEachSuitePadded) {
  const SessionDescription offer = our_offer(policy(SrtpDemand::kRequired, false, true));
  const auto lines = crypto_lines(offer.media[0]);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with("1 AES_CM_128_HMAC_SHA1_80 inline:"));
  EXPECT_TRUE(lines[1].starts_with("2 AEAD_AES_256_GCM inline:"));
  EXPECT_TRUE(lines[1].ends_with("="));
  EXPECT_FALSE(has(offer.media[0], "fingerprint"));
}

TEST(OfferKeys, BestEffortIsRtpAvpWithBoth) {
  const SessionDescription offer = our_offer(policy(SrtpDemand::kPreferred, true, true, true));
  EXPECT_EQ(offer.media[0].protocol, "RTP/AVP");
  EXPECT_EQ(crypto_lines(offer.media[0]).size(), 2u);
  EXPECT_TRUE(has(offer.media[0], "fingerprint"));
}

TEST(AnswerToUs, BestEffortMayBeTakenOrLeft) {
  const SecurityPolicy best = policy(SrtpDemand::kPreferred, true, true, true);
  const SessionDescription offer = our_offer(best);
  const auto answer = [&](const std::string& lines) {
    auto result = read_answer(offer, crlf(audio("7000 RTP/AVP 8", lines)), best);
    EXPECT_TRUE(std::holds_alternative<Agreement>(result)) << std::get<SdpRefusal>(result).reason;
    return std::get<Agreement>(std::move(result)).sections.at(0);
  };
  EXPECT_EQ(answer("").keying, Keying::kNone);
  const AgreedSection sdes = answer(crypto_line(1));
  EXPECT_EQ(sdes.keying, Keying::kSdes);
  EXPECT_EQ(sdes.sdes->local.keys.at(0)->key[0], 1);
  EXPECT_EQ(sdes.protocol, RtpProtocol::kAvp);
  const AgreedSection dtls = answer(fingerprint());
  EXPECT_EQ(dtls.keying, Keying::kDtls);
  EXPECT_EQ(dtls.role, DtlsRole::kServer);
}

TEST(AnswerToUs, KeysThatWereNotOfferedArePassedOver) {
  const SecurityPolicy plain = policy(SrtpDemand::kForbidden, true, true);
  const auto result =
      read_answer(our_offer(plain), crlf(audio("7000 RTP/AVP 8", crypto_line(1) + fingerprint())), plain);
  ASSERT_TRUE(std::holds_alternative<Agreement>(result));
  EXPECT_EQ(std::get<Agreement>(result).sections[0].keying, Keying::kNone);
}

TEST(AnswerToUs, OneCryptoLineOfOurTagAndSuiteAndNotOurOwnKey) {
  const SecurityPolicy sdes = policy(SrtpDemand::kRequired, false, true);
  const SessionDescription offer = our_offer(sdes);
  const auto status = [&](const std::string& lines) -> int {
    const auto result = read_answer(offer, crlf(audio("7000 RTP/SAVP 8", lines)), sdes);
    return std::holds_alternative<Agreement>(result) ? 200 : std::get<SdpRefusal>(result).status;
  };
  EXPECT_EQ(status(crypto_line(1)), 200);
  EXPECT_EQ(status(crypto_line(2)), 488) << "tag 2 has another suite";
  EXPECT_EQ(status(crypto_line(3)), 488) << "no such tag";
  EXPECT_EQ(status(crypto_line(1) + crypto_line(2, "AES_CM_128_HMAC_SHA1_80", kTheirOtherKey)), 488);
  EXPECT_EQ(status(""), 488) << "never downgraded";
  EXPECT_EQ(status(crypto_line(1, "AES_CM_128_HMAC_SHA1_80", std::string(kTheirKey) + " UNENCRYPTED_SRTP")), 488);
  const std::string echo(crypto_lines(offer.media[0]).front());
  EXPECT_EQ(status("a=crypto:" + echo + "\n"), 488) << "our own key, said back";
}

// Our answers.

AgreedSection our_answer(const RemoteOffer& offer, const LocalSession& local, SessionDescription* said = nullptr) {
  const Agreement answer = make_answer(offer, plain_far(offer), local);
  if (said != nullptr) *said = answer.local;
  return answer.sections.at(0);
}

TEST(OurAnswer, HasOneLineUnderTheOffersTagWithOurKey) {
  const SecurityPolicy both = policy(SrtpDemand::kPreferred, true, true);
  const auto offer = read("RTP/SAVP", crypto_line(7, "AES_256_CM_HMAC_SHA1_80") + crypto_line(9), both);
  ASSERT_TRUE(std::holds_alternative<RemoteOffer>(offer));
  SessionDescription said;
  const AgreedSection section = our_answer(std::get<RemoteOffer>(offer), secured_leg("198.18.1.1", both), &said);
  ASSERT_TRUE(section.active);
  ASSERT_EQ(crypto_lines(said.media[0]).size(), 1u);
  const auto line = parse_crypto(crypto_lines(said.media[0]).front());
  EXPECT_EQ(std::get<CryptoAttribute>(line).tag, 9u);
  EXPECT_EQ(std::get<CryptoAttribute>(line).keys[0]->key[0], 1);
  EXPECT_EQ(said.media[0].protocol, "RTP/SAVP");
  EXPECT_EQ(section.sdes->remote.tag, 9u);
  EXPECT_FALSE(has(said.media[0], "fingerprint"));
}

TEST(OurAnswer, ToBestEffortStaysRtpAvpWithTheKey) {
  const SecurityPolicy best = policy(SrtpDemand::kPreferred, true, true, true);
  const auto offer = read("RTP/AVP", crypto_line(1), best);
  SessionDescription said;
  EXPECT_EQ(our_answer(std::get<RemoteOffer>(offer), secured_leg("198.18.1.1", best), &said).keying, Keying::kSdes);
  EXPECT_EQ(said.media[0].protocol, "RTP/AVP");
  EXPECT_EQ(crypto_lines(said.media[0]).size(), 1u);
}

TEST(OurAnswer, KeepsOurKeyForTheirsAndTakesAFreshOneForANewOneOfTheirs) {
  const SecurityPolicy both = policy(SrtpDemand::kPreferred, true, true);
  const RemoteOffer first = std::get<RemoteOffer>(read("RTP/SAVP", crypto_line(1), both));
  LocalSession local = secured_leg("198.18.1.1", both);
  local.sections[0].sdes = our_answer(first, local).sdes;
  local.sections[0].crypto = {our_line(1, SrtpProfile::kAesCm128HmacSha1_80, 150)};
  const RemoteOffer again = std::get<RemoteOffer>(read("RTP/SAVP", crypto_line(4), both));
  const AgreedSection kept = our_answer(again, local);
  EXPECT_EQ(kept.sdes->local.keys[0]->key[0], 1) << "the tag may change, the key is what counts";
  EXPECT_EQ(kept.sdes->local.tag, 4u);
  const RemoteOffer renewed =
      std::get<RemoteOffer>(read("RTP/SAVP", crypto_line(1, "AES_CM_128_HMAC_SHA1_80", kTheirOtherKey), both));
  EXPECT_EQ(our_answer(renewed, local).sdes->local.keys[0]->key[0], 150);
  const SessionDescription reoffer = make_offer(first, local, RtpProtocol::kSavp);
  ASSERT_EQ(crypto_lines(reoffer.media[0]).size(), 1u);
  EXPECT_EQ(std::get<CryptoAttribute>(parse_crypto(crypto_lines(reoffer.media[0])[0])).keys[0]->key[0], 1);
}

TEST(OurAnswer, ANewAssociationHasAnotherTlsId) {
  LocalSession local = leg("198.18.1.1");
  local.sections[0].tls_id_next = "11111111111111111111";
  const std::string tls_id = "a=tls-id:abc3de65cddef001be82\n";
  const RemoteOffer first = offered(dtls_audio("actpass", tls_id));
  const AgreedSection before = our_answer(first, local);
  EXPECT_EQ(before.local_dtls.tls_id, kTlsId);
  DtlsAssociationTerms terms;
  terms.our_role = *before.role;
  terms.our_fingerprints = local.fingerprints;
  terms.their_fingerprints = before.remote_dtls.fingerprints;
  terms.our_tls_id = kTlsId;
  terms.their_tls_id = *before.remote_dtls.tls_id;
  local.sections[0].association = terms;
  local.sections[0].current_role = before.role;
  EXPECT_EQ(our_answer(first, local).local_dtls.tls_id, kTlsId);
  const RemoteOffer renewed = offered(dtls_audio("actpass", "a=tls-id:zzz3de65cddef001be82\n"));
  EXPECT_EQ(our_answer(renewed, local).local_dtls.tls_id, "11111111111111111111");
}

// Feedback: RFC 4585.

TEST(Feedback, CrossesOnlyWhereBothSidesHaveIt) {
  const std::string lines = "a=rtcp-fb:0 nack\na=rtcp-fb:* ccm fir\na=rtcp-fb:99 nack pli\n";
  const RemoteOffer offer = offered(audio("5000 RTP/AVPF 0", lines));
  const auto crossed = [&](RtpProtocol protocol) {
    return attribute_values(make_offer(offer, leg("198.18.2.1"), protocol).media[0].attributes, "rtcp-fb").size();
  };
  EXPECT_EQ(crossed(RtpProtocol::kAvpf), 2u) << "of a payload type that did not cross nothing does";
  EXPECT_EQ(crossed(RtpProtocol::kDtlsSavpf), 2u);
  EXPECT_EQ(crossed(RtpProtocol::kAvp), 0u);
  EXPECT_EQ(crossed(RtpProtocol::kDtlsSavp), 0u);
}

/// Weir in the middle of every pair of keyings, and with an offer that the callee makes in its 200: the same functions
/// in the other direction.
TEST(OfferAnswer, EveryKeyingMeetsEveryOtherInBothDirections) {
  const SecurityPolicy policies[] = {
      policy(SrtpDemand::kForbidden, true, true), policy(SrtpDemand::kRequired, true, false),
      policy(SrtpDemand::kRequired, false, true), policy(SrtpDemand::kPreferred, true, true, true)};
  for (const SecurityPolicy& one : policies) {
    for (const SecurityPolicy& other : policies) {
      const SessionDescription theirs =
          make_offer(offered(samples::kSipp), secured_leg("198.18.1.2", one), protocol_to_offer(one));
      const auto offer = read_offer(write_sdp(theirs), 0, one);
      ASSERT_TRUE(std::holds_alternative<RemoteOffer>(offer)) << std::get<SdpRefusal>(offer).reason;
      LocalSession far_leg = secured_leg("198.18.2.1", other);
      for (CryptoAttribute& line : far_leg.sections[0].crypto) line.keys[0]->key[5] = 77;
      const SessionDescription forward = make_offer(std::get<RemoteOffer>(offer), far_leg, protocol_to_offer(other));
      const auto at_far = read_offer(write_sdp(forward), 0, other);
      ASSERT_TRUE(std::holds_alternative<RemoteOffer>(at_far)) << std::get<SdpRefusal>(at_far).reason;
      LocalSession party = secured_leg("198.18.2.2", other);
      for (CryptoAttribute& line : party.sections[0].crypto) line.keys[0]->key[5] = 78;
      const RemoteOffer& heard = std::get<RemoteOffer>(at_far);
      const Agreement answer = make_answer(heard, plain_far(heard, "", "8"), party);
      const auto far = read_answer(forward, write_sdp(answer.local), other);
      ASSERT_TRUE(std::holds_alternative<Agreement>(far)) << std::get<SdpRefusal>(far).reason;
      LocalSession near_leg = secured_leg("198.18.1.1", one);
      for (CryptoAttribute& line : near_leg.sections[0].crypto) line.keys[0]->key[5] = 79;
      const Agreement near = make_answer(std::get<RemoteOffer>(offer), std::get<Agreement>(far), near_leg);
      const auto back = read_answer(theirs, write_sdp(near.local), one);
      ASSERT_TRUE(std::holds_alternative<Agreement>(back)) << std::get<SdpRefusal>(back).reason;
      EXPECT_EQ(std::get<Agreement>(back).sections[0].keying, near.sections[0].keying);
      EXPECT_EQ(std::get<Agreement>(far).sections[0].keying, answer.sections[0].keying);
      EXPECT_EQ(near.sections[0].keying == Keying::kNone, one.srtp == SrtpDemand::kForbidden);
      EXPECT_EQ(answer.sections[0].keying == Keying::kNone, other.srtp == SrtpDemand::kForbidden);
    }
  }
}

// Addresses that nothing may be sent to.

TEST(Addresses, ThatAreNoOtherHostsAreRefused) {
  for (const std::string_view bad :
       {"127.0.0.1", "127.255.0.1", "0.0.0.7", "255.255.255.255", "224.0.0.1", "240.1.2.3"}) {
    EXPECT_EQ(refused_offer(audio("5000 RTP/AVP 0", "", bad)).status, 488) << bad;
    const SdpRefusal rtcp = refused_offer(audio("5000 RTP/AVP 0", "a=rtcp:6001 IN IP4 " + std::string(bad) + "\n"));
    EXPECT_TRUE(rtcp.status == 488 || rtcp.status == 400) << bad;
  }
  for (const std::string_view bad : {"::1", "::ffff:127.0.0.1", "::127.0.0.1", "ff02::1"}) {
    const std::string text =
        "v=0\no=p 9 9 IN IP4 198.18.1.2\ns=-\nc=IN IP6 " + std::string(bad) + "\nt=0 0\nm=audio 5000 RTP/AVP 0\n";
    EXPECT_EQ(refused_offer(text).status, 488) << bad;
  }
}

// Bodies made to hurt: refused by the bounds of sdp_parse.h, before they cost more than their bytes.

TEST(Bombs, AreRefused) {
  std::string sections = audio("5000 RTP/AVP 0");
  for (int i = 0; i < 10'000; ++i) sections += "m=audio 5002 RTP/AVP 0\n";
  EXPECT_EQ(refused_offer(sections).status, 400);
  EXPECT_EQ(refused_offer(audio("5000 RTP/AVP 0", "a=" + std::string(1'000'000, 'x') + "\n")).status, 400);
  std::string crypto;
  for (std::uint32_t i = 1; i <= 10'000; ++i) crypto += crypto_line(i);
  EXPECT_EQ(refused_offer(audio("5000 RTP/SAVP 0", crypto)).status, 400);
  for (const std::string_view port : {"65536", "99999999999999999999", "-1", "5000/65537", "5000/0"}) {
    const SdpRefusal refusal = refused_offer(audio(std::string(port) + " RTP/AVP 0"));
    EXPECT_TRUE(refusal.status == 400 || refusal.status == 488) << port;
  }
}

TEST(Bombs, ReoffersThatGrowAreCarriedUpToTheBoundAndRefusedBeyond) {
  std::string text = audio("5000 RTP/AVP 0");
  std::size_t before = 1;
  for (std::size_t sections = 2; sections <= kSdpSectionsMax; ++sections) {
    text += "m=audio 5002 RTP/AVP 0\n";
    const RemoteOffer offer = offered(text, before);
    EXPECT_EQ(offer.sections.size(), sections);
    const SessionDescription ours = make_offer(offer, leg("198.18.2.1", sections), RtpProtocol::kAvp);
    const auto open =
        std::count_if(ours.media.begin(), ours.media.end(), [](const auto& each) { return each.port != 0; });
    EXPECT_LE(static_cast<std::size_t>(open), kSectionsAcceptedMax);
    before = sections;
  }
  EXPECT_EQ(refused_offer(text + "m=audio 5002 RTP/AVP 0\n").status, 400);
}

}  // namespace
}  // namespace weir::sip
