// What an offer's sections are judged to be: sip/remote_section.h through read_offer.
#include <gtest/gtest.h>

#include <string>

#include "sip/offer_answer.h"
#include "sip/sdp_parse.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

TEST(ReadOffer, BaresipOffersDtlsWithSessionLevelKeys) {
  const RemoteOffer offer = offered(samples::kBaresipDtls);
  const RemoteSection& section = offer.sections[0];
  EXPECT_EQ(section.use, SectionUse::kAccepted);
  EXPECT_EQ(section.protocol, RtpProtocol::kDtlsSavpf);
  EXPECT_EQ(section.rtp, endpoint("198.18.3.1", 30004));
  EXPECT_EQ(section.rtcp, endpoint("198.18.3.1", 30005));
  EXPECT_TRUE(section.rtcp_mux);
  EXPECT_EQ(section.dtls.setup, DtlsSetup::kActpass);
  EXPECT_EQ(section.dtls.fingerprints.size(), 1u);
  EXPECT_EQ(section.direction, Direction::kSendRecv);
}

TEST(ReadOffer, ChromiumsUnspecifiedAddressIsNotHold) {
  const RemoteOffer offer = offered(samples::kChromium);
  EXPECT_EQ(offer.sections[0].use, SectionUse::kAccepted);
  EXPECT_TRUE(offer.sections[0].ice);
  EXPECT_EQ(offer.sections[0].direction, Direction::kSendRecv);
  EXPECT_EQ(offer.sections[0].rtp.address.family, proto::Family::kNone);
  EXPECT_EQ(offer.sections[0].rtcp.address.family, proto::Family::kNone);
  EXPECT_EQ(offer.sections[1].use, SectionUse::kRefused) << "data channel";
}

TEST(ReadOffer, FirefoxAndADeskPhoneKeepTheirAudio) {
  const RemoteOffer firefox = offered(samples::kFirefox);
  EXPECT_EQ(firefox.sections[0].use, SectionUse::kAccepted);
  EXPECT_EQ(firefox.sections[0].rtcp, endpoint("198.18.3.9", 49204));
  EXPECT_EQ(firefox.sections[1].use, SectionUse::kRefused) << "video, of the first one's transport";
  const RemoteOffer phone = offered(samples::kDeskPhone);
  EXPECT_EQ(phone.sections[0].rtcp, endpoint("198.18.3.40", 11783));
  EXPECT_EQ(phone.sections[1].use, SectionUse::kRefused) << "T.38";
}

TEST(ReadOffer, EveryProtocolSpokenIsTaken) {
  for (const RtpProtocol protocol : {RtpProtocol::kAvp, RtpProtocol::kAvpf, RtpProtocol::kSavp, RtpProtocol::kSavpf,
                                     RtpProtocol::kDtlsSavp, RtpProtocol::kDtlsSavpf}) {
    const std::string token(to_string(protocol));
    EXPECT_EQ(rtp_protocol(token), protocol);
    const RemoteOffer offer = offered(audio("5000 " + token + " 0", "a=setup:active\n" + fingerprint_line()));
    ASSERT_EQ(offer.sections.size(), 1u);
    EXPECT_EQ(offer.sections[0].protocol, protocol);
    EXPECT_EQ(is_secured(protocol), !offer.sections[0].dtls.fingerprints.empty());
  }
}

struct BadOffer {
  std::string text;
  std::uint16_t status;
  std::string_view reason;
};

class RefusedOffer : public testing::TestWithParam<BadOffer> {};

TEST_P(RefusedOffer, HasItsStatusAndReason) {
  const SdpRefusal refusal = refused_offer(GetParam().text);
  EXPECT_EQ(refusal.status, GetParam().status) << GetParam().text;
  EXPECT_EQ(refusal.reason, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    OfferAnswer, RefusedOffer,
    testing::Values(
        BadOffer{"", 400, "SDP: the session description is empty"},
        BadOffer{"v=0\no=- 1 1 IN IP4 h\nt=0 0\nm=audio x RTP/AVP 0\n", 400,
                 "SDP: line 4: the port is not a number below 65536"},
        BadOffer{"v=0\no=- 1 1 IN IP4 h\nt=0 0\n", 488, "the offer has no open media section"},
        BadOffer{audio("0 RTP/AVP 0"), 488, "the offer has no open media section"},
        BadOffer{with(audio("5000 RTP/AVP 0"), "m=audio", "m=video"), 488, "media of type 'video' is not carried"},
        BadOffer{audio("5000 TCP/RTP/AVP 0"), 488, "the protocol 'TCP/RTP/AVP' is not carried"},
        BadOffer{audio("5000/2 RTP/AVP 0"), 488, "layered media on several ports is not carried"},
        BadOffer{audio("5000 RTP/AVP PCMU"), 400, "the format 'PCMU' is not an RTP payload type"},
        BadOffer{audio("5000 RTP/AVP 128"), 400, "the format '128' is not an RTP payload type"},
        BadOffer{audio("5000 RTP/AVP 0", "", "phone.example.com"), 488,
                 "the connection address 'phone.example.com' is not a unicast IP address"},
        BadOffer{audio("5000 RTP/AVP 0", "", "233.252.0.1/127"), 488,
                 "the connection address '233.252.0.1/127' is not a unicast IP address"},
        BadOffer{with(audio("5000 RTP/AVP 0"), "c=IN IP4 198.18.1.2\n", ""), 400, "the section has no c= line"},
        BadOffer{audio("5000 RTP/AVP 0", "c=IN IP4 198.18.1.2\nc=IN IP4 198.18.1.3\n"), 488,
                 "a section with several c= lines is not carried"},
        BadOffer{audio("5000 RTP/AVP 0", "a=rtcp:host\n"), 400, "the rtcp attribute is not a port and an IP address"},
        BadOffer{audio("5000 UDP/TLS/RTP/SAVP 0", "a=setup:active\n"), 488,
                 "the secured section has no certificate fingerprint"},
        BadOffer{audio("5000 UDP/TLS/RTP/SAVP 0", "a=setup:sideways\n" + fingerprint_line()), 488,
                 "the setup attribute is none of active, passive, actpass and holdconn"},
        BadOffer{audio("5000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:sha-1 4A:AD\n"), 488,
                 "a sha-1 fingerprint has 20 bytes, not 2"},
        BadOffer{audio("5000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:sha-1 nonsense\n"), 400,
                 "the fingerprint is not a hash name and pairs of hexadecimal digits"},
        BadOffer{std::string(samples::kBaresipSdes), 488, "SRTP keyed by a=crypto (SDES) is not carried"}));

TEST(ReadOffer, ARefusalNeverCarriesLineBreaksOrQuotesOfThePeer) {
  const SdpRefusal refusal = refused_offer(audio("5000 x\"y\tz\x01\x80 0"));
  EXPECT_EQ(refusal.reason,
            "the protocol 'x?y?z?"
            "?' is not carried");
}

TEST(ReadOffer, AudioDecidesTheReasonWhenNothingCanBeCarried) {
  const std::string text = with(audio("5000 RTP/AVP 31"), "m=audio", "m=video") + "m=audio 5002 RTP/SAVP 0\n";
  EXPECT_EQ(refused_offer(text).reason, "the secured section has no certificate fingerprint");
}

TEST(ReadOffer, SectionsBeyondTheLimitAreRefusedOneByOne) {
  std::string text = audio("5000 RTP/AVP 0");
  for (std::size_t i = 0; i < kSectionsAcceptedMax; ++i)
    text += "m=audio " + std::to_string(6000 + 2 * i) + " RTP/AVP 0\n";
  const RemoteOffer offer = offered(text);
  ASSERT_EQ(offer.sections.size(), kSectionsAcceptedMax + 1);
  for (std::size_t i = 0; i < kSectionsAcceptedMax; ++i) EXPECT_EQ(offer.sections[i].use, SectionUse::kAccepted);
  EXPECT_EQ(offer.sections.back().use, SectionUse::kRefused);
  const SessionDescription ours = make_offer(offer, leg("198.18.2.1", offer.sections.size()), RtpProtocol::kAvp);
  EXPECT_EQ(ours.media.back().port, 0);
}

TEST(ReadOffer, AReofferMayNotHaveFewerSections) {
  const auto result = read_offer(crlf(audio("5000 RTP/AVP 0")), 2);
  ASSERT_TRUE(std::holds_alternative<SdpRefusal>(result));
  EXPECT_EQ(std::get<SdpRefusal>(result).status, 400);
  offered(audio("5000 RTP/AVP 0"), 1);
}

TEST(ReadOffer, WhereRtcpGoes) {
  EXPECT_EQ(offered(audio("5000 RTP/AVP 0")).sections[0].rtcp, endpoint("198.18.1.2", 5001));
  EXPECT_EQ(offered(audio("5000 RTP/AVP 0", "a=rtcp:6001\n")).sections[0].rtcp, endpoint("198.18.1.2", 6001));
  EXPECT_EQ(offered(audio("5000 RTP/AVP 0", "a=rtcp:6001 IN IP4 198.18.1.9\n")).sections[0].rtcp,
            endpoint("198.18.1.9", 6001));
  EXPECT_EQ(offered(audio("65535 RTP/AVP 0")).sections[0].rtcp, proto::Endpoint{}) << "there is no next port";
  EXPECT_EQ(offered(audio("5000 RTP/AVP 0", "a=rtcp:0\n")).sections[0].rtcp, proto::Endpoint{});
}

}  // namespace
}  // namespace weir::sip
