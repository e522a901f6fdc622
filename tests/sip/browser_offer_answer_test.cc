// Offer and answer with browsers: ICE, BUNDLE and JSEP's attributes on their leg, none of them on a telephone's.
#include <gtest/gtest.h>

#include <string>

#include "sip/bundle.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

LocalIce our_ice() {
  LocalIce ice{{"weir", "0123456789abcdefghijkl"}, {}, true};
  ice.candidates.push_back({"1", 1, 2130706431, endpoint("198.18.1.1", 20000), "host"});
  ice.candidates.push_back({"1", 2, 2130706430, endpoint("198.18.1.1", 20001), "host"});
  return ice;
}

/// The browser's side of us.
LocalSession browser_leg(std::size_t sections = 1) {
  LocalSession local = leg("198.18.1.1", sections);
  for (LocalSection& section : local.sections) section.ice = our_ice();
  return local;
}

Agreement answer_to(const RemoteOffer& offer, std::string_view far_lines = "", std::string_view formats = "0 126") {
  return make_answer(offer, plain_far(offer, far_lines, formats), browser_leg(offer.sections.size()));
}

constexpr std::string_view kTwoAudios = R"(v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE a v b
m=audio 9 UDP/TLS/RTP/SAVPF 0
c=IN IP4 0.0.0.0
a=ice-ufrag:l5AU
a=ice-pwd:V8nNPhd4c1t4jXCnfE7AO9ML
a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB
a=setup:actpass
a=mid:a
a=rtcp-mux
m=video 0 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=bundle-only
a=mid:v
m=audio 9 UDP/TLS/RTP/SAVPF 0
c=IN IP4 0.0.0.0
a=ice-ufrag:l5AV
a=ice-pwd:V8nNPhd4c1t4jXCnfE7AO9ML
a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB
a=setup:actpass
a=mid:b
a=rtcp-mux
)";

TEST(BrowserOffer, IsAnsweredAsJsepWants) {
  const Agreement near = answer_to(offered(samples::kChromium));
  EXPECT_EQ(write_sdp(near.local), crlf(R"(v=0
o=- 42 1 IN IP4 198.18.1.1
s=-
c=IN IP4 198.18.1.1
t=0 0
a=group:BUNDLE 0
a=ice-lite
a=ice-options:ice2 trickle
m=audio 20000 UDP/TLS/RTP/SAVPF 0 126
a=rtpmap:0 PCMU/8000
a=rtpmap:126 telephone-event/8000
a=rtcp-mux
a=ice-ufrag:weir
a=ice-pwd:0123456789abcdefghijkl
a=candidate:1 1 UDP 2130706431 198.18.1.1 20000 typ host
a=end-of-candidates
a=setup:passive
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=sendrecv
a=msid:42 42-0
a=mid:0
m=application 0 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
)"));
  ASSERT_TRUE(near.sections[0].ice);
  EXPECT_EQ(near.sections[0].ice->credentials.ufrag, "l5AU");
  EXPECT_TRUE(near.sections[0].ice->trickle);
  EXPECT_EQ(near.sections[0].local_ice, our_ice());
}

TEST(BrowserOffer, IsNotAnsweredWithIceThatOneSideLacks) {
  const RemoteOffer browser = offered(samples::kChromium);
  const Agreement without = make_answer(browser, plain_far(browser), leg("198.18.1.1", 2));
  EXPECT_FALSE(without.sections[0].ice);
  EXPECT_EQ(write_sdp(without.local).find("ice"), std::string::npos);
  const RemoteOffer phone = offered(samples::kBaresipDtls);
  const Agreement plain = make_answer(phone, plain_far(phone), browser_leg());
  EXPECT_FALSE(plain.sections[0].ice);
  EXPECT_FALSE(plain.sections[0].local_ice);
  for (const std::string_view trace : {"ice", "candidate", "msid", "mid", "BUNDLE"}) {
    EXPECT_EQ(write_sdp(plain.local).find(trace), std::string::npos) << trace;
  }
}

TEST(BrowserOffer, OneSectionOfABundleIsCarried) {
  const RemoteOffer offer = offered(kTwoAudios);
  EXPECT_EQ(offer.sections[0].use, SectionUse::kAccepted);
  EXPECT_EQ(offer.sections[1].use, SectionUse::kRefused) << "bundle-only is no refusal of the offerer's";
  EXPECT_EQ(offer.sections[2].use, SectionUse::kRefused);
  const Agreement near = answer_to(offer, "", "0");
  EXPECT_EQ(attribute_values(near.local.attributes, "group"), std::vector<std::string_view>{"BUNDLE a"});
  EXPECT_EQ(near.local.media[1].port, 0);
  EXPECT_EQ(near.local.media[2].port, 0);
  EXPECT_EQ(value_of(near.local.media[2], "mid"), "b");
}

TEST(BrowserOffer, ABundleOfWhichNothingIsCarriedIsNotAnswered) {
  const RemoteOffer offer = offered(with(std::string(kTwoAudios), "BUNDLE a v b", "BUNDLE v"));
  EXPECT_EQ(offer.sections[2].use, SectionUse::kAccepted) << "it has a transport of its own";
  const std::string only_video = with(std::string(samples::kChromium), "BUNDLE 0 1", "BUNDLE 1");
  const Agreement near = answer_to(offered(only_video));
  EXPECT_FALSE(find_attribute(near.local.attributes, "group"));
  EXPECT_EQ(value_of(near.local.media[0], "mid"), "0");
}

TEST(BrowserOffer, BundleOnlyAudioHasNoTransportToAnswer) {
  const std::string text =
      with(with(std::string(samples::kChromium), "m=audio 9", "m=audio 0"), "a=mid:0\n", "a=mid:0\na=bundle-only\n");
  EXPECT_EQ(refused_offer(text).reason, "a section without a transport of its own (bundle-only) is not carried");
}

TEST(BrowserOffer, AHoldIsInTheDirectionAlone) {
  const std::string hold = with(std::string(samples::kChromium), "a=sendrecv\n", "a=sendonly\n");
  const Agreement near = answer_to(offered(hold));
  EXPECT_EQ(near.sections[0].direction, Direction::kRecvOnly);
  EXPECT_FALSE(has(near.local.media[0], "msid")) << "nothing is sent";
  const std::string short_rtcp = with(std::string(samples::kChromium), "a=rtcp:9 IN IP4 0.0.0.0\n", "a=rtcp:9\n");
  EXPECT_EQ(offered(short_rtcp).sections[0].rtcp, proto::Endpoint{});
  EXPECT_EQ(offered(short_rtcp).sections[0].direction, Direction::kSendRecv);
}

TEST(BrowserOffer, BrokenCredentialsAreRefusedWhereIceIsSpoken) {
  const std::string text = with(std::string(samples::kChromium), "a=ice-ufrag:l5AU\n", "a=ice-ufrag:l5A\n");
  SecurityPolicy speaks;
  speaks.ice = true;
  EXPECT_EQ(refused_offer(text, speaks).status, 400);
  EXPECT_FALSE(offered(text).sections[0].ice.has_value());
}

TEST(BrowserOffer, MuxOnlyIsNotAnsweredWithoutMux) {
  const std::string text = with(std::string(samples::kChromium), "a=rtcp-mux\n", "a=rtcp-mux\na=rtcp-mux-only\n");
  const RemoteOffer offer = offered(text);
  EXPECT_TRUE(answer_to(offer).sections[0].active);
  EXPECT_FALSE(has(answer_to(offer).local.media[0], "rtcp-mux-only")) << "RFC 8858: never in an answer";
  LocalSession local = browser_leg(2);
  local.sections[0].rtcp_mux = false;
  EXPECT_FALSE(make_answer(offer, plain_far(offer), local).sections[0].active);
}

TEST(OfferToABrowser, HasWhatJsepWants) {
  const SessionDescription ours = make_offer(offered(samples::kSipp), browser_leg(), RtpProtocol::kDtlsSavpf);
  EXPECT_EQ(write_sdp(ours), crlf(R"(v=0
o=- 42 1 IN IP4 198.18.1.1
s=-
c=IN IP4 198.18.1.1
t=0 0
a=group:BUNDLE 0
a=ice-lite
a=ice-options:ice2 trickle
m=audio 20000 UDP/TLS/RTP/SAVPF 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-11,16
a=ptime:20
a=rtcp:20001 IN IP4 198.18.1.1
a=rtcp-mux
a=ice-ufrag:weir
a=ice-pwd:0123456789abcdefghijkl
a=candidate:1 1 UDP 2130706431 198.18.1.1 20000 typ host
a=candidate:1 2 UDP 2130706430 198.18.1.1 20001 typ host
a=end-of-candidates
a=setup:actpass
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=tls-id:dbc8de77cddef001be90
a=sendrecv
a=msid:42 42-0
a=mid:0
)"));
}

TEST(OfferToABrowser, WithoutAPortForRtcpIsMuxOnly) {
  LocalSession local = browser_leg();
  local.sections[0].rtcp = {};
  const MediaSection section = make_offer(offered(samples::kSipp), local, RtpProtocol::kDtlsSavpf).media[0];
  EXPECT_TRUE(has(section, "rtcp-mux"));
  EXPECT_TRUE(has(section, "rtcp-mux-only"));
  EXPECT_FALSE(has(section, "rtcp"));
  EXPECT_EQ(attribute_values(section.attributes, "candidate").size(), 1u);
}

/// Chromium's answer to such an offer.
std::string chromium_answer() {
  return crlf(R"(v=0
o=- 4962303333179871723 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 5f2ba5dc-3e23-4d4b-9bb6-e4b0a2cd7e3d
m=audio 51472 UDP/TLS/RTP/SAVPF 8 101
c=IN IP4 198.18.1.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3348148302 1 udp 2113937151 198.18.1.2 51472 typ host generation 0 network-id 1 network-cost 10
a=candidate:842163049 1 udp 1677729535 e8a3b5a1-7f1c-4c1e-9a53-0e5d4c8c7f3a.local 51473 typ host generation 0
a=candidate:1 1 tcp 1518280447 198.18.1.2 9 typ host tcptype active generation 0
a=ice-ufrag:Zk1x
a=ice-pwd:aH8zNPhd4c1t4jXCnfE7AO9ML
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:active
a=mid:0
a=sendrecv
a=msid:5f2ba5dc-3e23-4d4b-9bb6-e4b0a2cd7e3d 8a5c3b5e-7c54-4d3b-9b7e-2f8e5d0e8b1f
a=rtcp-mux
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
)");
}

TEST(OfferToABrowser, ItsAnswerIsAgreedWithIce) {
  const RemoteOffer caller = offered(samples::kSipp);
  const SessionDescription ours = make_offer(caller, browser_leg(), RtpProtocol::kDtlsSavpf);
  const auto read = read_answer(ours, chromium_answer());
  ASSERT_TRUE(std::holds_alternative<Agreement>(read));
  const AgreedSection& section = std::get<Agreement>(read).sections[0];
  ASSERT_TRUE(section.ice);
  EXPECT_EQ(section.ice->credentials.ufrag, "Zk1x");
  ASSERT_EQ(section.ice->candidates.size(), 3u);
  EXPECT_EQ(section.ice->candidates[0].endpoint, endpoint("198.18.1.2", 51472));
  EXPECT_EQ(section.ice->candidates[1].endpoint.port, 0);
  EXPECT_EQ(section.ice->candidates[2].endpoint.port, 0);
  EXPECT_EQ(section.local_ice, our_ice());
  EXPECT_EQ(section.role, DtlsRole::kServer);
  EXPECT_TRUE(section.rtcp_mux);
  const std::string to_phone = write_sdp(make_answer(caller, std::get<Agreement>(read), leg("198.18.2.1")).local);
  for (const std::string_view trace : {"ice", "candidate", "msid", "mid", "BUNDLE", "ssrc", "extmap", "198.18.1."}) {
    EXPECT_EQ(to_phone.find(trace), std::string::npos) << trace << " in\n" << to_phone;
  }
}

TEST(OfferToABrowser, KeepsTheTagsTheSessionHas) {
  const std::string named = with(with(std::string(kTwoAudios), "a=mid:a", "a=mid:1"), "BUNDLE a v b", "BUNDLE 1 v b");
  const Agreement near = answer_to(offered(named), "", "0");
  LocalSession local = browser_leg(4);
  local.previous = near.local;
  const SessionDescription again = make_offer(offered(samples::kSipp), local, RtpProtocol::kDtlsSavpf);
  ASSERT_EQ(again.media.size(), 3u);
  EXPECT_EQ(value_of(again.media[0], "mid"), "1");
  EXPECT_EQ(value_of(again.media[1], "mid"), "v");
  EXPECT_EQ(value_of(again.media[2], "mid"), "b");
  EXPECT_EQ(attribute_values(again.attributes, "group"), std::vector<std::string_view>{"BUNDLE 1"});
}

TEST(Mids, NewOnesAreUnlikeThoseThereAre) {
  EXPECT_EQ(mids_to_offer(3, {}), (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(mids_to_offer(3, {"1", ""}), (std::vector<std::string>{"1", "1-", "2"}));
}

TEST(Mids, ThatAreNoTokensOrTooLongAreNone) {
  MediaSection section;
  for (const std::string& value : {std::string("a b"), std::string(256, 'a'), std::string("a;b")}) {
    section.attributes = {{"mid", value}};
    EXPECT_EQ(mid_of(section), "") << value;
  }
  section.attributes = {{"mid", std::string(255, 'a')}};
  EXPECT_EQ(mid_of(section).size(), 255u);
}

TEST(Feedback, ReducedSizeIsSaidWhereBothSidesSaidIt) {
  const RemoteOffer offer = offered(samples::kChromium);
  EXPECT_FALSE(has(answer_to(offer).local.media[0], "rtcp-rsize")) << "a telephone of RTP/AVP";
  const SessionDescription forward = make_offer(offer, leg("198.18.2.1", 2), RtpProtocol::kAvpf);
  EXPECT_TRUE(has(forward.media[0], "rtcp-rsize"));
  for (const bool answers : {false, true}) {
    const Agreement far = answered(forward, audio("7000 RTP/AVPF 0", answers ? "a=rtcp-rsize\n" : "", "198.18.2.2") +
                                                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\n");
    EXPECT_EQ(has(make_answer(offer, far, browser_leg(2)).local.media[0], "rtcp-rsize"), answers);
  }
}

}  // namespace
}  // namespace weir::sip
