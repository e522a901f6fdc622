// Codecs by policy, and calls whose parties share none: what each is offered and answered.
#include "sip/codecs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

using Formats = std::vector<std::string>;

proto::CodecPolicy policy(std::initializer_list<proto::CodecName> names, bool transcode) {
  proto::CodecPolicy policy;
  for (const proto::CodecName name : names) policy.offer[policy.count++] = name;
  policy.transcode = transcode;
  return policy;
}
using enum proto::CodecName;

constexpr std::string_view kBrowserAlone =
    "a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:110 telephone-event/48000\n"
    "a=rtpmap:126 telephone-event/8000\n";

RemoteOffer opus_offer() {
  return offered(audio("5004 RTP/AVP 111 110 126", kBrowserAlone));
}
RemoteOffer law_offer() {
  return offered(audio("5004 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000\na=ptime:20\n"));
}

LocalSession towards(const proto::CodecPolicy& codecs) {
  LocalSession session = leg("198.18.2.1");
  session.security.codecs = codecs;
  return session;
}

TEST(CodecsToOffer, WithoutAPolicyTheyAreTheOthersAsTheyCame) {
  const SessionDescription offer = make_offer(law_offer(), towards({}), RtpProtocol::kAvp);
  EXPECT_EQ(offer.media[0].formats, (Formats{"8", "0", "101"}));
}

TEST(CodecsToOffer, WhatCopiesHeadersIsLeftOutWhereSourcesAreHidden) {
  const RemoteOffer offer =
      offered(audio("5004 RTP/AVP 8 100 102 101 103",
                    "a=rtpmap:100 ulpfec/8000\na=rtpmap:102 FlexFEC-03/8000\na=rtpmap:101 telephone-event/8000\n"
                    "a=rtpmap:103 parityfec/8000\n"));
  LocalSession local = towards({});
  EXPECT_EQ(make_offer(offer, local, RtpProtocol::kAvp).media[0].formats.size(), 5u);
  local.hides_sources = true;
  const SessionDescription hidden = make_offer(offer, local, RtpProtocol::kAvp);
  EXPECT_EQ(hidden.media[0].formats, (Formats{"8", "101"}));
  EXPECT_EQ(write_sdp(hidden).find("fec"), std::string::npos);
  MediaSection alone;
  alone.formats = {"100"};
  alone.attributes = {{"rtpmap", "100 ulpfec/8000"}};
  leave_out_repairs(alone);
  EXPECT_EQ(alone.formats, Formats{"100"}) << "a section has a format";
}

TEST(CodecsToOffer, APolicyPutsThemInItsOrderAndLeavesOutOthers) {
  const RemoteOffer offer = offered(audio("5004 RTP/AVP 9 8 0 13 101", "a=rtpmap:101 telephone-event/8000\n"));
  EXPECT_EQ(make_offer(offer, towards(policy({kPcmu, kPcma}, false)), RtpProtocol::kAvp).media[0].formats,
            (Formats{"0", "8", "13", "101"}));
  EXPECT_EQ(make_offer(offer, towards(policy({kOpus}, false)), RtpProtocol::kAvp).media[0].formats,
            (Formats{"9", "8", "0", "13", "101"}))
      << "none of them is there: as it came";
}

TEST(CodecsToOffer, ATelephoneIsOfferedG711WhereABrowserHasOpusAlone) {
  const SessionDescription offer = make_offer(opus_offer(), towards(policy({kPcma, kPcmu}, true)), RtpProtocol::kAvp);
  EXPECT_EQ(offer.media[0].formats, (Formats{"111", "8", "0", "110", "126"}));
  EXPECT_EQ(rtpmap(offer.media[0], 8)->encoding, "PCMA");
}

TEST(CodecsToOffer, ABrowserIsOfferedOpusBehindTheTelephonesG711) {
  const SessionDescription offer =
      make_offer(law_offer(), towards(policy({kOpus, kPcma, kPcmu}, true)), RtpProtocol::kDtlsSavpf);
  EXPECT_EQ(offer.media[0].formats, (Formats{"8", "0", "111", "101", "110"}));
  EXPECT_EQ(rtpmap(offer.media[0], 111), (Rtpmap{111, "opus", 48000, "2"}));
  EXPECT_EQ(rtpmap(offer.media[0], 110)->clock_hz, 48000u);
  EXPECT_NE(fmtp(offer.media[0], "111")->find("useinbandfec=1"), std::string_view::npos);
}

TEST(CodecsToOffer, ANumberThatIsTakenIsNotGivenTwice) {
  const RemoteOffer offer =
      offered(audio("5004 RTP/AVP 8 111 110", "a=rtpmap:111 telephone-event/8000\na=rtpmap:110 iLBC/8000\n"));
  const MediaSection mine = make_offer(offer, towards(policy({}, true)), RtpProtocol::kAvp).media[0];
  EXPECT_EQ(mine.formats, (Formats{"8", "111", "110", "96", "0", "97"}));
  EXPECT_EQ(rtpmap(mine, 96)->encoding, "opus");
  EXPECT_EQ(rtpmap(mine, 97), (Rtpmap{97, "telephone-event", 48000, ""}));
}

TEST(CodecsToOffer, ACodecKeepsTheNumberThatTheLegKnowsItBy) {
  LocalSession session = towards(policy({}, true));
  session.previous = make_offer(
      offered(audio("5004 RTP/AVP 109 101", "a=rtpmap:109 opus/48000/2\na=rtpmap:101 telephone-event/48000\n")),
      session, RtpProtocol::kAvp);
  const RemoteOffer offer = offered(audio("5004 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000\n"));
  const MediaSection mine = make_offer(offer, session, RtpProtocol::kAvp).media[0];
  EXPECT_EQ(mine.formats, (Formats{"8", "109", "0", "96", "101"}));
}

TEST(CodecsToOffer, NothingIsAddedToWhatCannotBeConverted) {
  const RemoteOffer offer = offered(audio("5004 RTP/AVP 9 18"));
  EXPECT_EQ(make_offer(offer, towards(policy({}, true)), RtpProtocol::kAvp).media[0].formats, (Formats{"9", "18"}));
}

/// The far side's answer to what it is offered in place of `offer`, and ours to `offer`.
MediaSection answer_through(const RemoteOffer& offer, std::string_view far_formats, std::string_view far_lines,
                            const proto::CodecPolicy& near = {}) {
  const SessionDescription passed = make_offer(offer, towards(policy({}, true)), RtpProtocol::kAvp);
  const Agreement far = answered(passed, audio("6000 RTP/AVP " + std::string(far_formats), far_lines, "198.18.2.2"));
  LocalSession local = leg("198.18.1.1");
  local.security.codecs = near;
  return make_answer(offer, far, local).local.media[0];
}

TEST(CodecsToAnswer, WhoOfferedOpusAloneGetsItThoughTheFarSideHasG711) {
  const MediaSection answer = answer_through(opus_offer(), "8 126", "a=rtpmap:126 telephone-event/8000\na=ptime:20\n");
  EXPECT_EQ(answer.formats, (Formats{"111", "110"})) << "and the events of Opus's clock";
  EXPECT_EQ(rtpmap(answer, 111), (Rtpmap{111, "opus", 48000, "2"}));
  EXPECT_NE(fmtp(answer, "111")->find("minptime=10"), std::string_view::npos);
  EXPECT_EQ(ptime_ms(answer), 20u);
}

TEST(CodecsToAnswer, WhoOfferedG711GetsItThoughTheFarSideHasOpus) {
  const std::string_view lines = "a=rtpmap:111 opus/48000/2\na=rtpmap:110 telephone-event/48000\n";
  EXPECT_EQ(answer_through(law_offer(), "111 110", lines).formats, (Formats{"8", "101"}));
  EXPECT_EQ(answer_through(law_offer(), "111 110", lines, policy({kPcmu, kPcma}, true)).formats, (Formats{"0", "101"}));
}

TEST(CodecsToAnswer, ACodecThatBothHaveIsAnsweredAndNothingElse) {
  const RemoteOffer offer = offered(audio("5004 RTP/AVP 111 8 110 126", kBrowserAlone));
  EXPECT_EQ(answer_through(offer, "8 126", "a=rtpmap:126 telephone-event/8000\n").formats, (Formats{"8", "126"}));
}

TEST(CodecsToAnswer, EventsAloneAreNoCodecInCommon) {
  const RemoteOffer offer =
      offered(audio("5004 RTP/AVP 111 126", "a=rtpmap:111 opus/48000/2\na=rtpmap:126 telephone-event/8000\n"));
  EXPECT_EQ(answer_through(offer, "0 126", "a=rtpmap:126 telephone-event/8000\n").formats, (Formats{"111"}))
      << "events of 8,000 Hz do not go with Opus (RFC 4733 section 2.1)";
}

}  // namespace
}  // namespace weir::sip
