// The examples of RFC 9143 section 18. Their RTP/AVP is of no browser, so Weir answers as one that carries the audio
// alone; as browsers' (the same lines, and ICE and DTLS of the session) the video rides.
#include <gtest/gtest.h>

#include <string>

#include "sip/bundle.h"
#include "sip/bundled.h"
#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

constexpr std::string_view kAlice = R"(v=0
o=alice 2890844526 2890844526 IN IP6 2001:db8::3
s=
c=IN IP6 2001:db8::3
t=0 0
)";
constexpr std::string_view kBob = R"(v=0
o=bob 2808844564 2808844564 IN IP6 2001:db8::1
s=
c=IN IP6 2001:db8::1
t=0 0
)";
/// Sections as they are printed there: without their m= lines' ports, and mid alone of what all have.
constexpr std::string_view kAudioOffered = R"(b=AS:200
a=mid:foo
a=rtcp-mux
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:97 iLBC/8000
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
)";
constexpr std::string_view kVideoOffered = R"(b=AS:1000
a=mid:bar
a=rtcp-mux
a=rtpmap:31 H261/90000
a=rtpmap:32 MPV/90000
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
)";
constexpr std::string_view kVideoInGroup = R"(b=AS:1000
a=mid:bar
a=bundle-only
a=rtpmap:31 H261/90000
a=rtpmap:32 MPV/90000
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
)";
constexpr std::string_view kAudioAnswered = R"(b=AS:200
a=mid:foo
a=rtcp-mux
a=rtpmap:0 PCMU/8000
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
)";
constexpr std::string_view kVideoAnsweredInGroup = R"(b=AS:1000
a=mid:bar
a=bundle-only
a=rtpmap:32 MPV/90000
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
)";

std::string text(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

/// Sections 18.1 and 18.2.
const std::string kFirstOffer = text({kAlice, "a=group:BUNDLE foo bar\n", "m=audio 10000 RTP/AVP 0 8 97\n",
                                      kAudioOffered, "m=video 10002 RTP/AVP 31 32\n", kVideoOffered});
const std::string kTaggedAnswer = text({kBob, "a=group:BUNDLE foo bar\n", "m=audio 20000 RTP/AVP 0\n", kAudioAnswered,
                                        "m=video 0 RTP/AVP 32\n", kVideoAnsweredInGroup});
const std::string kUngroupedAnswer =
    text({kBob, "m=audio 20000 RTP/AVP 0\n", "b=AS:200\na=rtcp-mux\na=rtpmap:0 PCMU/8000\n",
          "m=video 30000 RTP/AVP 32\n", "b=AS:1000\na=rtcp-mux\na=rtpmap:32 MPV/90000\n"});
/// Section 18.3.
const std::string kAddingOffer =
    text({kAlice, "a=group:BUNDLE zen foo bar\n", "m=audio 0 RTP/AVP 0 8 97\n",
          "b=AS:200\na=mid:foo\na=bundle-only\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:97 iLBC/8000\n"
          "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n",
          "m=video 0 RTP/AVP 31 32\n", kVideoInGroup, "m=video 10000 RTP/AVP 66\n",
          "b=AS:1000\na=mid:zen\na=rtcp-mux\na=rtpmap:66 H261/90000\n"
          "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"});
/// Section 18.4.
const std::string kMovingOffer = text(
    {kAlice, "a=group:BUNDLE foo bar\n", "m=audio 10000 RTP/AVP 0 8 97\n", kAudioOffered, "m=video 0 RTP/AVP 31 32\n",
     kVideoInGroup, "m=video 50000 RTP/AVP 66\n", "b=AS:1000\na=mid:zen\na=rtcp-mux\na=rtpmap:66 H261/90000\n"});
const std::string kMovingAnswer = text({kBob, "a=group:BUNDLE foo bar\n", "m=audio 20000 RTP/AVP 0\n", kAudioAnswered,
                                        "m=video 0 RTP/AVP 32\n", kVideoAnsweredInGroup, "m=video 60000 RTP/AVP 66\n",
                                        "b=AS:1000\na=mid:zen\na=rtcp-mux\na=rtpmap:66 H261/90000\n"});
/// Section 18.5: there each section that is not disabled has the connection of its own.
const std::string kDisablingOffer =
    text({"v=0\no=alice 2890844526 2890844526 IN IP6 2001:db8::3\ns=\nt=0 0\na=group:BUNDLE foo bar\n",
          "m=audio 10000 RTP/AVP 0 8 97\nc=IN IP6 2001:db8::3\n", kAudioOffered,
          "m=video 0 RTP/AVP 31 32\nc=IN IP6 2001:db8::3\n", kVideoInGroup,
          "m=video 0 RTP/AVP 66\na=mid:zen\na=rtpmap:66 H261/90000\n"});
const std::string kDisablingAnswer = text(
    {"v=0\no=bob 2808844564 2808844564 IN IP6 2001:db8::1\ns=\nt=0 0\na=group:BUNDLE foo bar\n",
     "m=audio 20000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n", kAudioAnswered, "m=video 0 RTP/AVP 32\nc=IN IP6 2001:db8::1\n",
     kVideoAnsweredInGroup, "m=video 0 RTP/AVP 66\na=mid:zen\na=rtpmap:66 H261/90000\n"});

/// The same description as a browser's.
std::string as_browsers(std::string description, std::string_view setup) {
  const std::string_view plain = "RTP/AVP";
  for (std::size_t at = 0; (at = description.find(plain, at)) != std::string::npos; at += 17) {
    description.replace(at, plain.size(), "UDP/TLS/RTP/SAVPF");
  }
  return with(std::move(description), "t=0 0\n",
              "t=0 0\na=ice-options:ice2\na=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\na=setup:" +
                  std::string(setup) + "\n" + fingerprint_line());
}

SecurityPolicy with_video() {
  SecurityPolicy policy;
  policy.srtp = SrtpDemand::kRequired;
  policy.feedback = policy.ice = policy.video = policy.extensions = true;
  return policy;
}

LocalSession browsers_leg(std::size_t sections) {
  LocalSession local = leg("2001:2::1", sections);
  local.security = with_video();
  for (LocalSection& section : local.sections) {
    section.ice = LocalIce{{"weir", "0123456789abcdefghijkl"}, {}, true};
    section.ice->candidates.push_back({"1", 1, 2130706431, section.rtp, "host"});
  }
  return local;
}

RemoteOffer offered_as_browsers(const std::string& offer, std::size_t sections_before = 0) {
  auto read = read_offer(crlf(as_browsers(offer, "actpass")), sections_before, with_video());
  EXPECT_TRUE(std::holds_alternative<RemoteOffer>(read));
  return std::holds_alternative<RemoteOffer>(read) ? std::get<RemoteOffer>(std::move(read)) : RemoteOffer{};
}

/// An offer through the middle to another browser, and its answer.
struct Exchange {
  Exchange(const std::string& from, const std::string& answer, std::size_t before = 0)
      : offer(offered_as_browsers(from, before)), local(browsers_leg(offer.sections.size())) {
    for (std::size_t i = 0; i < before; ++i) local.sections[i].bundled = i != 0;
    forward = make_offer(offer, local, RtpProtocol::kDtlsSavpf);
    far = read_answer(forward, crlf(as_browsers(answer, "active")), with_video());
  }
  Agreement back() { return make_answer(offer, std::get<Agreement>(far), browsers_leg(offer.sections.size())); }
  RemoteOffer offer;
  LocalSession local;
  SessionDescription forward;
  std::variant<Agreement, SdpRefusal> far;
};

std::vector<std::string_view> groups(const SessionDescription& session) {
  return attribute_values(session.attributes, "group");
}

/// RFC 9143 section 7.3.3: a section that is refused has port 0, no bundle-only, and no place in a group.
void expect_refused(const SessionDescription& answer, std::size_t at) {
  EXPECT_EQ(answer.media[at].port, 0);
  EXPECT_FALSE(has(answer.media[at], "bundle-only"));
  EXPECT_EQ(bundle_groups(answer)[at], kNoBundle);
}

TEST(Rfc9143, Section18OffersOfTelephonesAreAnsweredWithTheirAudio) {
  for (const std::string& text : {kFirstOffer, kMovingOffer, kDisablingOffer}) {
    const RemoteOffer offer = offered(text);
    ASSERT_EQ(offer.sections[0].use, SectionUse::kAccepted);
    EXPECT_EQ(offer.sections[0].rtp, endpoint("2001:db8::3", 10000));
    const Agreement near = make_answer(offer, plain_far(offer), leg("2001:2::1", offer.sections.size()));
    EXPECT_TRUE(near.sections[0].active);
    EXPECT_EQ(value_of(near.local.media[0], "mid"), "foo");
    EXPECT_TRUE(has(near.local.media[0], "rtcp-mux"));
    for (std::size_t at = 1; at < near.local.media.size(); ++at) expect_refused(near.local, at);
  }
}

TEST(Rfc9143, Section181TheAudioIsTaggedAndTheVideoRidesOnIt) {
  Exchange made(kFirstOffer, kTaggedAnswer);
  EXPECT_EQ(made.offer.sections[1].use, SectionUse::kBundled);
  EXPECT_EQ(groups(made.forward), std::vector<std::string_view>{"BUNDLE foo bar"});
  ASSERT_TRUE(std::holds_alternative<Agreement>(made.far)) << std::get<SdpRefusal>(made.far).reason;
  EXPECT_TRUE(std::get<Agreement>(made.far).sections[1].active) << "port 0 with bundle-only, and in the group";
  const Agreement near = made.back();
  EXPECT_EQ(groups(near.local), std::vector<std::string_view>{"BUNDLE foo bar"});
  EXPECT_TRUE(near.sections[1].active);
  EXPECT_EQ(near.local.media[1].formats, std::vector<std::string>{"32"});
}

TEST(Rfc9143, Section182WhoRejectsTheGroupIsHeardWithoutVideo) {
  // Our offer of the video is bundle-only (section 7.2.2), so it is refused where the group is; the RFC's was not.
  Exchange made(kFirstOffer, with(kUngroupedAnswer, "m=video 30000", "m=video 0"));
  ASSERT_TRUE(std::holds_alternative<Agreement>(made.far)) << std::get<SdpRefusal>(made.far).reason;
  const Agreement near = made.back();
  EXPECT_TRUE(near.sections[0].active);
  expect_refused(near.local, 1);
  const Exchange revived(kFirstOffer, kUngroupedAnswer);
  EXPECT_TRUE(std::holds_alternative<SdpRefusal>(revived.far));
}

TEST(Rfc9143, Section183AGroupThatRidesOnVideoIsNotCarried) {
  // Weir carries audio's transports only. The session is what it was before (RFC 3264 section 8).
  const auto read = read_offer(crlf(as_browsers(kAddingOffer, "actpass")), 2, with_video());
  const auto* refusal = std::get_if<SdpRefusal>(&read);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->status, 488);
}

TEST(Rfc9143, Section184AVideoThatLeavesTheGroupIsRefusedAndTheRestGoesOn) {
  const std::string answer = with(kMovingAnswer, "m=video 60000", "m=video 0");
  Exchange made(kMovingOffer, answer, 3);
  EXPECT_EQ(made.offer.sections[1].use, SectionUse::kBundled);
  EXPECT_EQ(made.offer.sections[2].use, SectionUse::kRefused);
  ASSERT_TRUE(std::holds_alternative<Agreement>(made.far)) << std::get<SdpRefusal>(made.far).reason;
  const Agreement near = made.back();
  EXPECT_EQ(groups(near.local), std::vector<std::string_view>{"BUNDLE foo bar"});
  EXPECT_TRUE(near.sections[0].active && near.sections[1].active);
  expect_refused(near.local, 2);
}

TEST(Rfc9143, Section185AVideoThatIsDisabledIsAnsweredSo) {
  Exchange made(kDisablingOffer, kDisablingAnswer, 3);
  EXPECT_EQ(made.offer.sections[2].use, SectionUse::kDisabled);
  ASSERT_TRUE(std::holds_alternative<Agreement>(made.far)) << std::get<SdpRefusal>(made.far).reason;
  const Agreement near = made.back();
  EXPECT_EQ(groups(near.local), std::vector<std::string_view>{"BUNDLE foo bar"});
  EXPECT_TRUE(near.sections[0].active && near.sections[1].active);
  expect_refused(near.local, 2);
}

}  // namespace
}  // namespace weir::sip
