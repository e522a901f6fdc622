// Video between two browsers: riders of a BUNDLE group through both legs, and whoever does not keep its rules.
#include "sip/bundled.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_write.h"
#include "tests/sip/jsep_samples.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

SecurityPolicy with_video() {
  SecurityPolicy policy;
  policy.srtp = SrtpDemand::kRequired;
  policy.feedback = policy.ice = policy.video = policy.extensions = true;
  return policy;
}

LocalSession browser(std::string_view address, const SecurityPolicy& policy, std::size_t sections = 2) {
  LocalSession local = leg(address, sections);
  local.security = policy;
  for (LocalSection& section : local.sections) {
    section.ice = LocalIce{{"weir", "0123456789abcdefghijkl"}, {}, true};
    section.ice->candidates.push_back({"1", 1, 2130706431, section.rtp, "host"});
  }
  return local;
}

RemoteOffer offered_with(std::string_view text, const SecurityPolicy& policy = with_video()) {
  auto read = read_offer(crlf(text), 0, policy);
  EXPECT_TRUE(std::holds_alternative<RemoteOffer>(read));
  return std::holds_alternative<RemoteOffer>(read) ? std::get<RemoteOffer>(std::move(read)) : RemoteOffer{};
}

SessionDescription forward_of(const RemoteOffer& offer, const SecurityPolicy& policy = with_video()) {
  return make_offer(offer, browser("198.18.2.1", policy, offer.sections.size()), RtpProtocol::kDtlsSavpf);
}

/// The whole of RFC 9429 section 7.1 through the middle, the answer changed.
struct Exchange {
  RemoteOffer offer;
  SessionDescription forward;
  std::variant<Agreement, SdpRefusal> far;
};

Exchange through(std::string_view offer, std::string_view answer, const SecurityPolicy& policy = with_video()) {
  Exchange made{offered_with(offer, policy), {}, {}};
  made.forward = forward_of(made.offer, policy);
  made.far = read_answer(made.forward, crlf(answer), policy);
  return made;
}

std::vector<std::string_view> values(const MediaSection& section, std::string_view name) {
  return attribute_values(section.attributes, name);
}

TEST(Bundled, VideoIsOfferedOnTheAudiosTransport) {
  const SessionDescription forward = forward_of(offered_with(samples::kJsepOffer));
  EXPECT_EQ(attribute_values(forward.attributes, "group"), std::vector<std::string_view>{"BUNDLE a1 v1"});
  ASSERT_EQ(forward.media.size(), 2u);
  EXPECT_EQ(write_sdp(forward).substr(write_sdp(forward).find("m=video")),
            crlf(R"(m=video 0 UDP/TLS/RTP/SAVPF 100 101 102 103
a=rtpmap:100 VP8/90000
a=rtpmap:101 H264/90000
a=fmtp:101 packetization-mode=1;profile-level-id=42e01f
a=rtpmap:102 rtx/90000
a=fmtp:102 apt=100
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=101
a=rtcp-fb:100 ccm fir
a=rtcp-fb:100 nack
a=rtcp-fb:100 nack pli
a=rtcp-rsize
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtcp-mux
a=bundle-only
a=sendrecv
a=msid:42 42-1
a=mid:v1
)"));
  EXPECT_EQ(values(forward.media[0], "extmap").size(), 2u);
}

TEST(Bundled, TheAnswerIsOneGroupOnOneTransport) {
  const Exchange made = through(samples::kJsepOffer, samples::kJsepAnswer);
  const auto& far = std::get<Agreement>(made.far);
  ASSERT_TRUE(far.sections[1].active);
  EXPECT_EQ(far.sections[1].direction, Direction::kSendRecv);
  EXPECT_FALSE(far.sections[1].ice);
  const Agreement near = make_answer(made.offer, far, browser("198.18.1.1", with_video()));
  EXPECT_EQ(attribute_values(near.local.attributes, "group"), std::vector<std::string_view>{"BUNDLE a1 v1"});
  EXPECT_EQ(near.local.media[1].port, near.local.media[0].port) << "RFC 9143 section 7.3";
  EXPECT_EQ(value_of(near.local.media[1], "mid"), "v1");
  EXPECT_FALSE(has(near.local.media[1], "bundle-only"));
  EXPECT_FALSE(has(near.local.media[1], "ice-ufrag"));
  EXPECT_EQ(values(near.local.media[1], "rtcp-fb").size(), 3u);
  std::vector<AgreedSection> again(2);
  restore_riders(near.remote, near.local, 0, again);
  EXPECT_TRUE(again[1].active);
  EXPECT_FALSE(again[0].active);
}

TEST(Bundled, AVideoThatIsRefusedIsRefusedInOrder) {
  const std::string text =
      with(with(std::string(samples::kJsepAnswer), "m=video 10200", "m=video 0"), "BUNDLE a1 v1", "BUNDLE a1");
  const Exchange made = through(samples::kJsepOffer, text);
  const Agreement near = make_answer(made.offer, std::get<Agreement>(made.far), browser("198.18.1.1", with_video()));
  EXPECT_EQ(attribute_values(near.local.attributes, "group"), std::vector<std::string_view>{"BUNDLE a1"});
  EXPECT_TRUE(near.sections[0].active);
  EXPECT_FALSE(near.sections[1].active);
  EXPECT_EQ(near.local.media[1].port, 0);
}

TEST(Bundled, ARefusalThatKeepsWhatItWasOfferedFellsNothingElse) {
  const std::string refuses =
      with(with(std::string(samples::kJsepAnswer), "m=video 10200 UDP/TLS/RTP/SAVPF 100 101 102 103",
                "m=video 0 UDP/TLS/RTP/SAVPF 0"),
           "BUNDLE a1 v1", "BUNDLE a1");
  const Exchange made = through(samples::kJsepOffer, with(refuses, "a=mid:v1", "a=mid:v1\na=bundle-only"));
  ASSERT_TRUE(std::holds_alternative<Agreement>(made.far)) << std::get<SdpRefusal>(made.far).reason;
  EXPECT_TRUE(std::get<Agreement>(made.far).sections[0].active);
  EXPECT_FALSE(std::get<Agreement>(made.far).sections[1].active);
}

TEST(Bundled, ATelephoneIsOfferedNone) {
  const RemoteOffer offer = offered_with(samples::kJsepOffer);
  EXPECT_EQ(offer.sections[1].use, SectionUse::kBundled);
  const SessionDescription forward = make_offer(offer, leg("198.18.2.1", 2), RtpProtocol::kAvp);
  EXPECT_EQ(forward.media[1].port, 0);
  EXPECT_FALSE(has(forward.media[1], "bundle-only"));
  const Agreement near =
      make_answer(offer, plain_far(offer, "a=rtpmap:96 opus/48000/2\n", "96 0"), browser("198.18.1.1", with_video()));
  EXPECT_TRUE(near.sections[0].active);
  EXPECT_FALSE(near.sections[1].active);
  EXPECT_FALSE(has(near.local.media[0], "extmap"));
  EXPECT_FALSE(has(near.local.media[0], "rtcp-fb"));
}

TEST(Bundled, EitherSidesPolicyKeepsItOut) {
  SecurityPolicy without = with_video();
  without.video = without.extensions = false;
  EXPECT_EQ(offered_with(samples::kJsepOffer, without).sections[1].use, SectionUse::kRefused);
  const SessionDescription forward = forward_of(offered_with(samples::kJsepOffer), without);
  EXPECT_EQ(forward.media[1].port, 0);
  EXPECT_FALSE(has(forward.media[1], "bundle-only"));
  EXPECT_EQ(write_sdp(forward).find("extmap"), std::string::npos);
}

TEST(Bundled, OneThatTheSessionHasIsOfferedAgainWithThePort) {
  const RemoteOffer offer = offered_with(samples::kJsepOffer);
  LocalSession local = browser("198.18.2.1", with_video());
  local.previous = make_offer(offer, local, RtpProtocol::kDtlsSavpf);
  local.sections[1].bundled = true;
  const SessionDescription again = make_offer(offer, local, RtpProtocol::kDtlsSavpf);
  EXPECT_EQ(again.media[1].port, 20000) << "RFC 9143 section 7.5";
  EXPECT_FALSE(has(again.media[1], "bundle-only"));
  EXPECT_EQ(value_of(again.media[1], "mid"), "v1");
}

TEST(Bundled, SimulcastCrossesWithItsPolicyAlone) {
  const std::string text = with(std::string(samples::kJsepOffer), "a=ice-ufrag:BGKk\n",
                                "a=rid:1 send\na=rid:2 send\na=simulcast:send 1;2\na=ice-ufrag:BGKk\n");
  const SessionDescription stripped = forward_of(offered_with(text));
  for (const std::string_view name : {"rid", "simulcast"}) EXPECT_FALSE(has(stripped.media[1], name)) << name;
  EXPECT_EQ(write_sdp(stripped).find("rtp-stream-id"), std::string::npos);
  SecurityPolicy policy = with_video();
  policy.simulcast = true;
  const MediaSection video = forward_of(offered_with(text, policy), policy).media[1];
  EXPECT_EQ(values(video, "rid").size(), 2u);
  EXPECT_EQ(value_of(video, "simulcast"), "send 1;2");
  EXPECT_EQ(values(video, "extmap").size(), 2u);
}

TEST(Bundled, SourcesCrossWithoutTheNamesOfStreams) {
  const std::string text = with(std::string(samples::kJsepOffer), "a=ice-ufrag:BGKk\n",
                                "a=ssrc-group:FID 11 12\na=ssrc:11 cname:x\na=ssrc:11 msid:a b\na=ssrc:12 cname:x\n"
                                "a=ice-ufrag:BGKk\n");
  const MediaSection video = forward_of(offered_with(text)).media[1];
  EXPECT_EQ(values(video, "ssrc"), (std::vector<std::string_view>{"11 cname:x", "12 cname:x"}));
  EXPECT_EQ(value_of(video, "ssrc-group"), "FID 11 12");
}

TEST(Bundled, TowardsWhoShallNotKnowTheOtherSideNeitherSourcesNorExtensionsCross) {
  const std::string text = with(std::string(samples::kJsepOffer), "a=ice-ufrag:BGKk\n",
                                "a=ssrc:11 cname:x\na=rid:1 send\na=simulcast:send 1\na=ice-ufrag:BGKk\n");
  SecurityPolicy policy = with_video();
  policy.simulcast = true;
  const RemoteOffer offer = offered_with(text, policy);
  LocalSession local = browser("198.18.2.1", policy);
  EXPECT_NE(write_sdp(make_offer(offer, local, RtpProtocol::kDtlsSavpf)).find("a=extmap:"), std::string::npos);
  local.hides_sources = true;
  const std::string hidden = write_sdp(make_offer(offer, local, RtpProtocol::kDtlsSavpf));
  for (const char* const line : {"a=extmap", "a=ssrc", "a=rid", "a=simulcast", "a=mid:a1"}) {
    EXPECT_EQ(hidden.find(line), std::string::npos) << line;
  }
}

TEST(Bundled, ExtensionsThatClashOrCannotCrossStayBehind) {
  const std::string text =
      with(std::string(samples::kJsepOffer), "a=msid:47017fee-b6c1-4162-929c-a25110252400\na=ice-ufrag:ETEn\n",
           "a=extmap:2 urn:another\na=extmap:7 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
           "a=extmap:0 urn:x\na=extmap:256 urn:y\na=extmap:4096 urn:z\na=extmap:8\na=extmap:x urn:v\n"
           "a=extmap:9 urn:ietf:params:rtp-hdrext:encrypt urn:w\na=extmap:10/sendonly urn:good more\n"
           "a=ice-ufrag:ETEn\n");
  EXPECT_EQ(
      values(forward_of(offered_with(text)).media[0], "extmap"),
      (std::vector<std::string_view>{"1 urn:ietf:params:rtp-hdrext:sdes:mid",
                                     "2 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "10/sendonly urn:good more"}));
}

TEST(Bundled, AnAnswerBringsNoExtensionThatWasNotOffered) {
  const std::string text =
      with(std::string(samples::kJsepAnswer), "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
           "a=extmap:5 urn:ietf:params:rtp-hdrext:ssrc-audio-level");
  const Exchange made = through(samples::kJsepOffer, text);
  const Agreement near = make_answer(made.offer, std::get<Agreement>(made.far), browser("198.18.1.1", with_video()));
  EXPECT_EQ(values(near.local.media[0], "extmap"),
            std::vector<std::string_view>{"1 urn:ietf:params:rtp-hdrext:sdes:mid"});
}

TEST(Bundled, AnswersThatBreakTheGroupAreRefused) {
  const struct {
    const char* from;
    const char* to;
    const char* reason;
  } rows[] = {
      {"BUNDLE a1 v1", "BUNDLE a1", "the answer takes a section out of its BUNDLE group"},
      {"a=mid:v1", "a=mid:v2", "the answer takes a section out of its BUNDLE group"},
      {"m=video 10200 UDP/TLS/RTP/SAVPF", "m=video 10200 RTP/AVP", "the answer's protocol is not the one offered"},
      {"m=video 10200 UDP/TLS/RTP/SAVPF 100 101 102 103", "m=video 10200 UDP/TLS/RTP/SAVPF 99",
       "the answer has no format of the offer"},
      {"m=audio 10200", "m=audio 0", "the answer refuses the section that its BUNDLE group rides on"},
  };
  for (const auto& row : rows) {
    const Exchange made = through(samples::kJsepOffer, with(std::string(samples::kJsepAnswer), row.from, row.to));
    ASSERT_TRUE(std::holds_alternative<SdpRefusal>(made.far)) << row.to;
    EXPECT_EQ(std::get<SdpRefusal>(made.far).reason, row.reason);
  }
}

TEST(Bundled, SoManyRideAndNoMore) {
  std::string group = "BUNDLE a1 v1";
  std::string sections;
  for (int i = 0; i < 60; ++i) {
    const std::string mid = "w" + std::to_string(i);
    group += " " + mid;
    sections += "m=video 0 UDP/TLS/RTP/SAVPF 100\nc=IN IP4 0.0.0.0\na=bundle-only\na=mid:" + mid + "\n";
  }
  const RemoteOffer offer = offered_with(with(std::string(samples::kJsepOffer), "BUNDLE a1 v1", group) + sections);
  std::size_t riders = 0;
  for (const RemoteSection& section : offer.sections) riders += section.use == SectionUse::kBundled ? 1 : 0;
  EXPECT_EQ(riders, kRidersMax);
  EXPECT_EQ(forward_of(offer).media.size(), 62u);
}

TEST(Feedback, WhoHasOnePictureRequestIsToldOfBoth) {
  const std::string text =
      with(with(std::string(samples::kJsepOffer), "a=rtcp-fb:100 ccm fir\n", ""), "a=rtcp-fb:100 nack\n", "");
  const RemoteOffer offer = offered_with(text);
  const SessionDescription forward = forward_of(offer);
  EXPECT_EQ(values(forward.media[1], "rtcp-fb"), (std::vector<std::string_view>{"100 nack pli", "100 ccm fir"}));
  const std::string answer =
      with(with(std::string(samples::kJsepAnswer), "a=rtcp-fb:100 nack pli\n", ""), "a=rtcp-fb:100 nack\n", "");
  const auto far = read_answer(forward, crlf(answer), with_video());
  const Agreement near = make_answer(offer, std::get<Agreement>(far), browser("198.18.1.1", with_video()));
  EXPECT_EQ(values(near.local.media[1], "rtcp-fb"), std::vector<std::string_view>{"100 nack pli"})
      << "Weir makes FIRs of them";
}

TEST(Feedback, WhoHasNoPictureRequestIsAskedAndAsksByInfo) {
  constexpr const char* kRequests[] = {"a=rtcp-fb:100 ccm fir\n", "a=rtcp-fb:100 nack pli\n"};
  std::string offer(samples::kJsepOffer);
  std::string answer(samples::kJsepAnswer);
  for (const char* line : kRequests) {
    offer = with(std::move(offer), line, "");
    answer = with(std::move(answer), line, "");
  }
  const auto without = offered_with(offer);
  EXPECT_EQ(values(forward_of(without).media[1], "rtcp-fb"),
            (std::vector<std::string_view>{"100 nack", "* nack pli", "* ccm fir"}))
      << "an INFO is made of them";
  const Exchange asks = through(samples::kJsepOffer, answer);
  const Agreement near = make_answer(asks.offer, std::get<Agreement>(asks.far), browser("198.18.1.1", with_video()));
  EXPECT_EQ(values(near.local.media[1], "rtcp-fb"),
            (std::vector<std::string_view>{"100 nack", "100 nack pli", "100 ccm fir"}));
  const Exchange asked = through(offer, samples::kJsepAnswer);
  const Agreement other = make_answer(asked.offer, std::get<Agreement>(asked.far), browser("198.18.1.1", with_video()));
  EXPECT_EQ(values(other.local.media[1], "rtcp-fb"), std::vector<std::string_view>{"100 nack"})
      << "an answer brings nothing new";
}

}  // namespace
}  // namespace weir::sip
