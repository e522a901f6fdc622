// The examples of RFC 8839, read as the RFC means them: section 4.2.6, and appendix A with its variables filled in. A
// whole example of a lite agent the RFC has none.
#include <gtest/gtest.h>

#include <string>

#include "sip/ice_attributes.h"
#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

constexpr std::string_view kSection426 = R"(v=0
o=jdoe 2890844526 2890842807 IN IP4 203.0.113.141
s=
c=IN IP4 192.0.2.3
t=0 0
a=ice-options:ice2
a=ice-pacing:50
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=ice-ufrag:8hhY
m=audio 45664 RTP/AVP 0
b=RS:0
b=RR:0
a=rtpmap:0 PCMU/8000
a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host
a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998
)";

constexpr std::string_view kAppendixAOffer = R"(v=0
o=jdoe 2890844526 2890842807 IN IP6 fe80::6676:baff:fe9c:ee4a
s=
c=IN IP6 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9
t=0 0
a=ice-options:ice2
a=ice-pacing:50
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=ice-ufrag:8hhY
m=audio 45664 RTP/AVP 0
b=RS:0
b=RR:0
a=rtpmap:0 PCMU/8000
a=candidate:1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host
a=candidate:2 1 UDP 1694498815 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9 45664 typ srflx raddr fe80::6676:baff:fe9c:ee4a rport 8998
)";

constexpr std::string_view kAppendixAAnswer = R"(v=0
o=bob 2808844564 2808844564 IN IP4 192.0.2.1
s=
c=IN IP4 192.0.2.1
t=0 0
a=ice-options:ice2
a=ice-pacing:50
a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh
a=ice-ufrag:9uB6
m=audio 3478 RTP/AVP 0
b=RS:0
b=RR:0
a=rtpmap:0 PCMU/8000
a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host
)";

SecurityPolicy with_ice() {
  SecurityPolicy policy;
  policy.ice = policy.ice_full = true;
  return policy;
}

RemoteOffer read(std::string_view text) {
  auto result = read_offer(crlf(text), 0, with_ice());
  EXPECT_TRUE(std::holds_alternative<RemoteOffer>(result));
  return std::get<RemoteOffer>(std::move(result));
}

LocalSession full_agent(std::string_view address) {
  LocalSession local = leg(address);
  local.security = with_ice();
  LocalSection& section = local.sections[0];
  section.ice = LocalIce{{"weir", "0123456789abcdefghijkl"}, {}, false};
  section.ice->candidates.push_back({"1", 1, 2130706431, section.rtp, "host"});
  section.ice->candidates.push_back({"1", 2, 2130706430, section.rtcp, "host"});
  return local;
}

/// RFC 8839 section 4.2.1.2: the default destination of each component is that of one of its candidates.
void expect_defaults_among_candidates(const SessionDescription& session) {
  const MediaSection& section = session.media[0];
  const auto address = address_of(session.connection ? *session.connection : section.connections.at(0));
  ASSERT_TRUE(address.ok());
  bool found = false;
  for (const std::string_view value : attribute_values(section.attributes, "candidate")) {
    const auto candidate = parse_candidate(value);
    ASSERT_TRUE(candidate) << value;
    found = found || (candidate->component == 1 && candidate->endpoint.address == address.value() &&
                      candidate->endpoint.port == section.port);
  }
  EXPECT_TRUE(found);
}

TEST(Rfc8839, Section426AnOfferOfAnAgentBehindANat) {
  const RemoteOffer offer = read(kSection426);
  const RemoteSection& section = offer.sections[0];
  ASSERT_EQ(section.use, SectionUse::kAccepted);
  EXPECT_EQ(section.rtp, endpoint("192.0.2.3", 45664)) << "the default destination";
  ASSERT_TRUE(section.ice);
  EXPECT_EQ(section.ice->credentials, (IceCredentials{"8hhY", "asd88fgpdd777uzjYhagZg"})) << "of the session's level";
  EXPECT_FALSE(section.ice->lite);
  EXPECT_FALSE(section.ice->trickle) << "ice2 alone";
  EXPECT_EQ(section.ice->candidates_left_out, 0u);
  const std::vector<IceCandidate> candidates = {{"1", 1, 2130706431, endpoint("203.0.113.141", 8998), "host"},
                                                {"2", 1, 1694498815, endpoint("192.0.2.3", 45664), "srflx"}};
  EXPECT_EQ(section.ice->candidates, candidates);
}

TEST(Rfc8839, Section426IsAnsweredAsSection432Says) {
  const RemoteOffer offer = read(kSection426);
  const Agreement near = make_answer(offer, plain_far(offer), full_agent("198.18.1.1"));
  ASSERT_TRUE(near.sections[0].active);
  EXPECT_TRUE(near.sections[0].ice);
  const MediaSection& ours = near.local.media[0];
  EXPECT_EQ(value_of(ours, "ice-ufrag"), "weir");
  EXPECT_EQ(value_of(ours, "ice-pwd"), "0123456789abcdefghijkl");
  const auto options = attribute_values(near.local.attributes, "ice-options");
  ASSERT_EQ(options.size(), 1u);
  EXPECT_NE(options[0].find("ice2"), std::string_view::npos) << "section 4.3.2 with RFC 8445 section 10";
  EXPECT_EQ(find_attribute(near.local.attributes, "ice-lite"), nullptr);
  EXPECT_FALSE(has(ours, "remote-candidates")) << "of an initial exchange, and of answers never";
  expect_defaults_among_candidates(near.local);
}

TEST(Rfc8839, WhatCrossesToATelephoneHasNothingOfIt) {
  const std::string forward = write_sdp(make_offer(read(kSection426), leg("198.18.2.1"), RtpProtocol::kAvp));
  EXPECT_EQ(forward.find("ice"), std::string::npos);
  EXPECT_EQ(forward.find("candidate"), std::string::npos);
}

TEST(Rfc8839, AppendixAAnOfferOverIpv6) {
  const RemoteOffer offer = read(kAppendixAOffer);
  const RemoteSection& section = offer.sections[0];
  ASSERT_EQ(section.use, SectionUse::kAccepted);
  EXPECT_EQ(section.rtp, endpoint("2001:db8:8101:3a55:4858:a2a9:22ff:99b9", 45664));
  ASSERT_TRUE(section.ice);
  ASSERT_EQ(section.ice->candidates.size(), 2u);
  EXPECT_EQ(section.ice->candidates_left_out, 0u);
  EXPECT_EQ(section.ice->candidates[0].type, "host");
  EXPECT_EQ(section.ice->candidates[0].priority, 2130706431u);
  const IceCandidate reflexive = {"2", 1, 1694498815, section.rtp, "srflx"};
  EXPECT_EQ(section.ice->candidates[1], reflexive);
  const Agreement near = make_answer(offer, plain_far(offer), full_agent("2001:2::1"));
  EXPECT_TRUE(near.sections[0].ice);
  expect_defaults_among_candidates(near.local);
}

TEST(Rfc8839, AppendixAItsAnswerToAnOfferOfOurs) {
  const RemoteOffer received = offered(audio("5000 RTP/AVP 0"));
  const LocalSession local = full_agent("198.18.2.1");
  const SessionDescription ours = make_offer(received, local, RtpProtocol::kAvp);
  expect_defaults_among_candidates(ours);
  const auto result = read_answer(ours, crlf(kAppendixAAnswer), with_ice(), local.sections);
  const auto* agreement = std::get_if<Agreement>(&result);
  ASSERT_NE(agreement, nullptr);
  const AgreedSection& agreed = agreement->sections[0];
  EXPECT_EQ(agreed.remote_rtp, endpoint("192.0.2.1", 3478));
  ASSERT_TRUE(agreed.ice);
  EXPECT_EQ(agreed.ice->credentials, (IceCredentials{"9uB6", "YH75Fviy6338Vbrhrlp8Yh"}));
  const std::vector<IceCandidate> candidates = {{"1", 1, 2130706431, endpoint("192.0.2.1", 3478), "host"}};
  EXPECT_EQ(agreed.ice->candidates, candidates);
}

}  // namespace
}  // namespace weir::sip
