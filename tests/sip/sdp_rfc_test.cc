// The session descriptions printed in the RFCs, read as the RFCs mean them. Host names in c= lines of offer/answer
// examples are addresses here: Weir refuses names.
#include <gtest/gtest.h>

#include <string>

#include "sip/offer_answer.h"
#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "tests/sip/sdp_samples.h"

namespace weir::sip {
namespace {

using samples::crlf;
using samples::with;

SessionDescription parsed(std::string_view text) {
  auto result = parse_sdp(crlf(text));
  if (const auto* error = std::get_if<SdpError>(&result)) {
    ADD_FAILURE() << to_string(*error);
    return {};
  }
  return std::get<SessionDescription>(std::move(result));
}

proto::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {proto::parse_ip_address(address).value(), 0, port};
}

TEST(Rfc4566, Section5Example) {
  constexpr std::string_view kText = R"(v=0
o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5
s=SDP Seminar
i=A Seminar on the session description protocol
u=http://www.example.com/seminars/sdp.pdf
e=j.doe@example.com (Jane Doe)
c=IN IP4 224.2.17.12/127
t=2873397496 2873404696
a=recvonly
m=audio 49170 RTP/AVP 0
m=video 51372 RTP/AVP 99
a=rtpmap:99 h263-1998/90000
)";
  const SessionDescription session = parsed(kText);
  EXPECT_EQ(write_sdp(session), crlf(kText));
  EXPECT_EQ(session.origin.username, "jdoe");
  EXPECT_EQ(session.origin.version, "2890842807");
  EXPECT_EQ(session.times[0].stop, "2873404696");
  EXPECT_EQ(direction(session, session.media[1]), Direction::kRecvOnly);
  EXPECT_EQ(rtpmap(session.media[1], 99), (Rtpmap{99, "h263-1998", 90000, ""}));
  EXPECT_FALSE(address_of(*session.connection).ok()) << "multicast";
}

TEST(Rfc8866, Section5Example) {
  constexpr std::string_view kText = R"(v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
t=0 0
m=audio 49170 RTP/AVP 0
m=audio 49180 RTP/AVP 0
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
)";
  const SessionDescription session = parsed(kText);
  EXPECT_EQ(write_sdp(session), crlf(kText));
  ASSERT_EQ(session.media.size(), 3u);
  EXPECT_EQ(proto::to_string(*address_of(*connection_of(session, session.media[0]))), "198.51.100.1");
  EXPECT_EQ(proto::to_string(*address_of(*connection_of(session, session.media[2]))), "2001:db8::2");
}

/// RFC 3264 section 10.1: audio and two video streams. Weir carries the audio only, so the answerer sees closed videos.
constexpr std::string_view kAliceOffer = R"(v=0
o=alice 2890844526 2890844526 IN IP4 198.18.1.2
s=
c=IN IP4 198.18.1.2
t=0 0
m=audio 49170 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 51372 RTP/AVP 31
a=rtpmap:31 H261/90000
m=video 53000 RTP/AVP 32
a=rtpmap:32 MPV/90000
)";
constexpr std::string_view kBobAnswer = R"(v=0
o=bob 2890844730 2890844730 IN IP4 198.18.2.2
s=
c=IN IP4 198.18.2.2
t=0 0
m=audio 49920 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 0 RTP/AVP 31
m=video 0 RTP/AVP 32
)";

LocalSession local_session(std::string_view address, std::size_t sections) {
  LocalSession local;
  local.session_id = 7;
  local.address = proto::parse_ip_address(address).value();
  for (std::size_t i = 0; i < sections; ++i) {
    LocalSection section;
    const auto port = static_cast<std::uint16_t>(20000 + 2 * i);
    section.rtp = endpoint(address, port);
    section.rtcp = endpoint(address, static_cast<std::uint16_t>(port + 1));
    section.rtcp_mux = false;
    local.sections.push_back(section);
  }
  return local;
}

TEST(Rfc3264, Section10_1ThroughTheMiddle) {
  auto offer = read_offer(crlf(kAliceOffer));
  ASSERT_TRUE(std::holds_alternative<RemoteOffer>(offer));
  const RemoteOffer& alice = std::get<RemoteOffer>(offer);
  EXPECT_EQ(alice.sections[0].use, SectionUse::kAccepted);
  EXPECT_EQ(alice.sections[1].use, SectionUse::kRefused);
  EXPECT_EQ(alice.sections[2].use, SectionUse::kRefused);

  const SessionDescription towards_bob = make_offer(alice, local_session("198.18.2.1", 3), RtpProtocol::kAvp);
  EXPECT_EQ(write_sdp(towards_bob), crlf(R"(v=0
o=- 7 1 IN IP4 198.18.2.1
s=-
c=IN IP4 198.18.2.1
t=0 0
m=audio 20000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=rtcp:20001 IN IP4 198.18.2.1
a=sendrecv
m=video 0 RTP/AVP 31
m=video 0 RTP/AVP 32
)"));

  auto answer = read_answer(towards_bob, crlf(kBobAnswer));
  ASSERT_TRUE(std::holds_alternative<Agreement>(answer));
  const Agreement& bob = std::get<Agreement>(answer);
  EXPECT_EQ(bob.sections[0].remote_rtp, endpoint("198.18.2.2", 49920));
  EXPECT_EQ(bob.sections[0].remote_rtcp, endpoint("198.18.2.2", 49921));
  EXPECT_FALSE(bob.sections[1].active);

  const Agreement to_alice = make_answer(alice, bob, local_session("198.18.1.1", 3));
  EXPECT_EQ(write_sdp(to_alice.local), crlf(R"(v=0
o=- 7 1 IN IP4 198.18.1.1
s=-
c=IN IP4 198.18.1.1
t=0 0
m=audio 20000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=rtcp:20001 IN IP4 198.18.1.1
a=sendrecv
m=video 0 RTP/AVP 31
m=video 0 RTP/AVP 32
)"));
  EXPECT_EQ(to_alice.sections[0].remote_rtp, endpoint("198.18.1.2", 49170));
}

/// RFC 3264 section 10.2: one of N codecs. Of three, the answer takes two; the next offer settles on one.
TEST(Rfc3264, Section10_2OneOfNCodecs) {
  const std::string offered = R"(v=0
o=alice 2890844526 2890844526 IN IP4 198.18.1.2
s=
c=IN IP4 198.18.1.2
t=0 0
m=audio 62986 RTP/AVP 0 4 18
a=rtpmap:0 PCMU/8000
a=rtpmap:4 G723/8000
a=rtpmap:18 G729/8000
a=inactive
)";
  const std::string answered = R"(v=0
o=bob 2890844730 2890844731 IN IP4 198.18.2.2
s=
c=IN IP4 198.18.2.2
t=0 0
m=audio 54344 RTP/AVP 0 4
a=rtpmap:0 PCMU/8000
a=rtpmap:4 G723/8000
a=inactive
)";
  const auto first = std::get<RemoteOffer>(read_offer(crlf(offered)));
  LocalSession b_leg = local_session("198.18.2.1", 1);
  LocalSession a_leg = local_session("198.18.1.1", 1);
  const SessionDescription told = make_offer(first, b_leg, RtpProtocol::kAvp);
  b_leg.previous = told;
  const auto bob = std::get<Agreement>(read_answer(told, crlf(answered)));
  const Agreement alice = make_answer(first, bob, a_leg);
  EXPECT_EQ(alice.local.media[0].formats, (std::vector<std::string>{"0", "4"}));
  EXPECT_EQ(direction(alice.local, alice.local.media[0]), Direction::kInactive);
  EXPECT_EQ(alice.sections[0].direction, Direction::kInactive);

  const std::string again = with(with(with(offered, "0 4 18", "4"), "2890844526 2890844526", "2890844526 2890844527"),
                                 "a=inactive", "a=sendrecv");
  const auto second = std::get<RemoteOffer>(read_offer(crlf(again), 1));
  const SessionDescription reoffer = make_offer(second, b_leg, RtpProtocol::kAvp);
  EXPECT_EQ(reoffer.origin.version, "2");
  EXPECT_EQ(reoffer.origin.session_id, told.origin.session_id);
  EXPECT_EQ(reoffer.media[0].formats, std::vector<std::string>{"4"});
  EXPECT_EQ(direction(reoffer, reoffer.media[0]), Direction::kSendRecv);
}

/// RFC 5763 section 7.1, the secured alternative of its capability negotiation as the actual configuration. Attributes
/// stand before t=, a space follows the colon, as printed.
constexpr std::string_view kRfc5763Offer = R"(v=0
o=- 1181923068 1181923196 IN IP4 198.18.1.2
s=example1
c=IN IP4 198.18.1.2
a=setup:actpass
a=fingerprint: SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB
t=0 0
m=audio 6056 UDP/TLS/RTP/SAVP 0
a=sendrecv
)";
constexpr std::string_view kRfc5763Answer = R"(v=0
o=- 6418913922105372816 2105372818 IN IP4 198.18.2.2
s=example2
c=IN IP4 198.18.2.2
a=setup:active
a=fingerprint: SHA-1 FF:FF:FF:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB
t=0 0
m=audio 12000 UDP/TLS/RTP/SAVP 0
)";

TEST(Rfc5763, Section7_1RolesAndFingerprints) {
  const auto offer = std::get<RemoteOffer>(read_offer(crlf(kRfc5763Offer)));
  const RemoteSection& alice = offer.sections[0];
  EXPECT_EQ(alice.protocol, RtpProtocol::kDtlsSavp);
  EXPECT_EQ(alice.dtls.setup, DtlsSetup::kActpass);
  ASSERT_EQ(alice.dtls.fingerprints.size(), 1u);
  EXPECT_EQ(write_fingerprint(alice.dtls.fingerprints[0]),
            "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB");

  LocalSession b_leg = local_session("198.18.2.1", 1);
  b_leg.fingerprints = alice.dtls.fingerprints;
  const SessionDescription towards_bob = make_offer(offer, b_leg, RtpProtocol::kDtlsSavp);
  const auto bob = std::get<Agreement>(read_answer(towards_bob, crlf(kRfc5763Answer)));
  EXPECT_EQ(bob.sections[0].role, DtlsRole::kServer) << "the answerer is active";
  EXPECT_EQ(bob.sections[0].remote_dtls.fingerprints[0].bytes()[0], 0xff);
}

TEST(Rfc5763, Section7_1CapabilityOfferIsPlainUntilItIsTaken) {
  const std::string printed = with(std::string(kRfc5763Offer), "UDP/TLS/RTP/SAVP 0\n", "RTP/AVP 0\n") +
                              "a=tcap:1 UDP/TLS/RTP/SAVP RTP/AVP\na=pcfg:1 t=1\n";
  const auto offer = std::get<RemoteOffer>(read_offer(crlf(printed)));
  EXPECT_EQ(offer.sections[0].protocol, RtpProtocol::kAvp) << "RFC 5939 is not spoken: the actual configuration counts";
}

/// RFC 8842 section 8's ids in a section of ours: tls-id is answered only when offered (section 5.3).
TEST(Rfc8842, TlsIdIsAnsweredOnlyWhenOffered) {
  const std::string without(kRfc5763Offer);
  const std::string present = without + "a=tls-id:abc3de65cddef001be82\n";
  for (const std::string& text : {without, present}) {
    const auto offer = std::get<RemoteOffer>(read_offer(crlf(text)));
    LocalSession leg = local_session("198.18.1.1", 1);
    leg.fingerprints = offer.sections[0].dtls.fingerprints;
    leg.sections[0].tls_id = "dbc8de77cddef001be90";
    const SessionDescription far_offer = make_offer(offer, leg, RtpProtocol::kAvp);
    const auto far = std::get<Agreement>(read_answer(
        far_offer, crlf(with(std::string(kBobAnswer), "m=video 0 RTP/AVP 31\nm=video 0 RTP/AVP 32\n", ""))));
    const Agreement answer = make_answer(offer, far, leg);
    const SdpAttribute* tls_id = find_attribute(answer.local.media[0].attributes, "tls-id");
    if (text == without) {
      EXPECT_EQ(tls_id, nullptr);
    } else {
      ASSERT_NE(tls_id, nullptr);
      EXPECT_EQ(tls_id->value, "dbc8de77cddef001be90");
      EXPECT_EQ(answer.sections[0].remote_dtls.tls_id, "abc3de65cddef001be82");
    }
  }
}

/// RFC 3605 section 2.1's examples.
TEST(Rfc3605, AttributeExamples) {
  const SessionDescription session = parsed(R"(v=0
o=- 1 1 IN IP4 198.18.0.1
s=-
t=0 0
m=audio 49170 RTP/AVP 0
a=rtcp:53020
m=audio 49170 RTP/AVP 0
a=rtcp:53020 IN IP4 126.16.64.4
m=audio 49170 RTP/AVP 0
a=rtcp:53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD
)");
  EXPECT_EQ(rtcp(session.media[0])->address, std::nullopt);
  EXPECT_EQ(proto::to_string(*rtcp(session.media[1])->address), "126.16.64.4");
  EXPECT_EQ(proto::to_string(*rtcp(session.media[2])->address), "2001:2345:6789:abcd:ef01:2345:6789:abcd");
}

}  // namespace
}  // namespace weir::sip
