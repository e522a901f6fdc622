#include "sip/offer_answer.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

TEST(Hold, TheOldSignTakesReceivingAway) {
  const RemoteSection held = offered(audio("5000 RTP/AVP 0", "", "0.0.0.0")).sections[0];
  EXPECT_EQ(held.direction, Direction::kSendOnly);
  EXPECT_EQ(held.rtp, proto::Endpoint{});
  EXPECT_EQ(offered(audio("5000 RTP/AVP 0", "a=recvonly\n", "0.0.0.0")).sections[0].direction, Direction::kInactive);
}

TEST(Hold, EveryPairOfDirectionsMeetsInTheMiddle) {
  constexpr Direction kAll[] = {Direction::kSendRecv, Direction::kSendOnly, Direction::kRecvOnly, Direction::kInactive};
  for (const Direction caller : kAll) {
    for (const Direction callee : kAll) {
      SCOPED_TRACE(std::string(to_string(caller)) + " / " + std::string(to_string(callee)));
      const RemoteOffer offer = offered(audio("5000 RTP/AVP 0", "a=" + std::string(to_string(caller)) + "\n"));
      const Agreement far = plain_far(offer, "a=" + std::string(to_string(callee)) + "\n");
      EXPECT_EQ(direction(far.local, far.local.media[0]), caller) << "the offer goes through as it is";
      const bool forth = sends(caller) && receives(callee);
      const bool back = receives(caller) && sends(callee);
      EXPECT_EQ(far.sections[0].direction, direction_of(forth, back));
      const Agreement near = make_answer(offer, far, leg("198.18.1.1"));
      EXPECT_EQ(near.sections[0].direction, direction_of(back, forth));
      EXPECT_EQ(direction(near.local, near.local.media[0]), direction_of(back, forth));
    }
  }
}

TEST(Hold, AHoldAnsweredFromAnEarlierAgreementIsStillObeyed) {
  const Agreement far = plain_far(offered(audio("5000 RTP/AVP 0")));
  const RemoteOffer hold = offered(audio("5000 RTP/AVP 0", "a=sendonly\n"));
  const Agreement near = make_answer(hold, far, leg("198.18.1.1"));
  EXPECT_EQ(direction(near.local, near.local.media[0]), Direction::kRecvOnly);
  EXPECT_FALSE(sends(near.sections[0].direction));
}

TEST(MakeOffer, DtlsCallerToPlainCallee) {
  const RemoteOffer offer = offered(samples::kBaresipDtls);
  LocalSession b_leg = leg("198.18.2.1");
  b_leg.sections[0].rtcp_mux = false;
  EXPECT_EQ(write_sdp(make_offer(offer, b_leg, RtpProtocol::kAvp)), crlf(R"(v=0
o=- 42 1 IN IP4 198.18.2.1
s=-
c=IN IP4 198.18.2.1
t=0 0
m=audio 20000 RTP/AVP 0 8 96 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=rtcp:20001 IN IP4 198.18.2.1
a=sendrecv
)"));
}

TEST(MakeOffer, PlainCallerToDtlsCallee) {
  const RemoteOffer offer = offered(samples::kSipp);
  EXPECT_EQ(write_sdp(make_offer(offer, leg("198.18.1.1"), RtpProtocol::kDtlsSavp)), crlf(R"(v=0
o=- 42 1 IN IP4 198.18.1.1
s=-
c=IN IP4 198.18.1.1
t=0 0
m=audio 20000 UDP/TLS/RTP/SAVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-11,16
a=ptime:20
a=rtcp:20001 IN IP4 198.18.1.1
a=rtcp-mux
a=setup:actpass
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=tls-id:dbc8de77cddef001be90
a=sendrecv
)"));
}

TEST(MakeOffer, NothingOfTheCallersNetworkCrosses) {
  for (const std::string_view text : {samples::kBaresipPlain, samples::kBaresipDtls, samples::kBaresipIce,
                                      samples::kChromium, samples::kFirefox, samples::kDeskPhone}) {
    const RemoteOffer offer = offered(text);
    for (const RtpProtocol protocol : {RtpProtocol::kAvp, RtpProtocol::kDtlsSavp}) {
      const std::string wire = write_sdp(make_offer(offer, leg("198.18.2.1", offer.sections.size()), protocol));
      for (const std::string_view trace : {"198.18.3.", "127.0.0.1", "ice-", "candidate", "ssrc", "cname", "mozilla",
                                           "baresip", "msid", "extmap", "BUNDLE", "X-nat", "T38"}) {
        EXPECT_EQ(wire.find(trace), std::string::npos) << trace << " in\n" << wire;
      }
      EXPECT_TRUE(std::holds_alternative<SessionDescription>(parse_sdp(wire)));
    }
  }
}

TEST(MakeOffer, ARepeatedPayloadTypeCrossesOnce) {
  const RemoteOffer offer = offered(audio("5000 RTP/AVP 96 96 96 0", "a=rtpmap:96 opus/48000/2\n"));
  const SessionDescription ours = make_offer(offer, leg("198.18.2.1"), RtpProtocol::kAvp);
  EXPECT_EQ(ours.media[0].formats, (std::vector<std::string>{"96", "0"}));
  EXPECT_EQ(attribute_values(ours.media[0].attributes, "rtpmap").size(), 1u);
}

TEST(MakeOffer, VersionGoesUpOnlyWithAChange) {
  const RemoteOffer offer = offered(samples::kSipp);
  LocalSession local = leg("198.18.1.1");
  const SessionDescription first = make_offer(offer, local, RtpProtocol::kAvp);
  local.previous = first;
  EXPECT_EQ(first.origin.version, "1");
  EXPECT_EQ(make_offer(offer, local, RtpProtocol::kAvp), first);
  local.sections[0].rtp.port = 20004;
  const SessionDescription moved = make_offer(offer, local, RtpProtocol::kAvp);
  EXPECT_EQ(moved.origin.version, "2");
  EXPECT_EQ(moved.origin.session_id, "42");
}

TEST(MakeOffer, NeverHasFewerSectionsThanTheSession) {
  LocalSession local = leg("198.18.2.10", 2);
  const RemoteOffer one = offered(samples::kSipp);
  ASSERT_EQ(one.sections.size(), 1u);
  SessionDescription before = make_offer(one, local, RtpProtocol::kAvp);
  MediaSection video;
  video.media = "video";
  video.port = 20002;
  video.protocol = "RTP/AVP";
  video.formats = {"96"};
  before.media.push_back(video);
  local.previous = before;
  const SessionDescription after = make_offer(one, local, RtpProtocol::kAvp);
  ASSERT_EQ(after.media.size(), 2u);
  EXPECT_NE(after.media[0].port, 0);
  EXPECT_EQ(after.media[1].media, "video");
  EXPECT_EQ(after.media[1].port, 0) << "closed, in its place";
  EXPECT_EQ(after.media[1].formats, video.formats);
  EXPECT_NE(after.origin.version, before.origin.version);
}

TEST(ReadAnswer, TakesTheAddressesAndTheRoleOfTheFarSide) {
  const RemoteOffer offer = offered(samples::kSipp);
  const SessionDescription ours = make_offer(offer, leg("198.18.1.1"), RtpProtocol::kDtlsSavp);
  const std::string text = audio("5000 UDP/TLS/RTP/SAVP 8",
                                 "a=setup:active\na=rtcp-mux\na=tls-id:abc3de65cddef001be82\n" + fingerprint_line());
  const Agreement agreement = answered(ours, text);
  const AgreedSection& section = agreement.sections[0];
  EXPECT_TRUE(section.active);
  EXPECT_EQ(section.remote_rtp, endpoint("198.18.1.2", 5000));
  EXPECT_EQ(section.remote_rtcp, section.remote_rtp);
  EXPECT_TRUE(section.rtcp_mux);
  EXPECT_EQ(section.role, DtlsRole::kServer);
  EXPECT_EQ(section.remote_dtls.tls_id, "abc3de65cddef001be82");
  EXPECT_EQ(section.local_dtls.fingerprints, our_fingerprints());
  EXPECT_EQ(section.local_dtls.tls_id, kTlsId);
}

TEST(ReadAnswer, EverySetupAnswerToOursHasItsRole) {
  struct Row {
    DtlsSetup ours;
    std::string_view theirs;
    bool valid;
    std::optional<DtlsRole> role;
  };
  const Row rows[] = {
      {DtlsSetup::kActpass, "active", true, DtlsRole::kServer},
      {DtlsSetup::kActpass, "passive", true, DtlsRole::kClient},
      {DtlsSetup::kActpass, "", true, DtlsRole::kClient},  // RFC 4145 section 4: the default of an answer is passive
      {DtlsSetup::kActpass, "actpass", false, {}},
      {DtlsSetup::kActpass, "holdconn", true, {}},
      {DtlsSetup::kActive, "passive", true, DtlsRole::kClient},
      {DtlsSetup::kActive, "active", false, {}},
      {DtlsSetup::kPassive, "active", true, DtlsRole::kServer},
      {DtlsSetup::kPassive, "passive", false, {}},
      {DtlsSetup::kPassive, "", false, {}},
  };
  const RemoteOffer offer = offered(samples::kSipp);
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.ours)) + " / " + std::string(row.theirs));
    LocalSession local = leg("198.18.1.1");
    local.sections[0].setup = row.ours;
    const SessionDescription ours = make_offer(offer, local, RtpProtocol::kDtlsSavp);
    const std::string text = with(dtls_audio(row.theirs), "0 8 101", "8 101");
    if (row.valid) {
      EXPECT_EQ(answered(ours, text).sections[0].role, row.role);
    } else {
      EXPECT_EQ(refused_answer(ours, text).status, 488);
    }
  }
}

TEST(ReadAnswer, WhoIsAskedToTurnItsRoleMayKeepIt) {
  struct Row {
    const char* answered;
    DtlsSetup ours;
    std::optional<DtlsRole> current;
    bool valid;
  };
  const Row rows[] = {
      {"active", DtlsSetup::kActive, DtlsRole::kServer, true},
      {"passive", DtlsSetup::kPassive, DtlsRole::kClient, true},
      {"active", DtlsSetup::kActive, DtlsRole::kClient, false},
      {"passive", DtlsSetup::kPassive, DtlsRole::kServer, false},
      {"active", DtlsSetup::kActive, std::nullopt, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.answered) + (row.current ? " / " + std::string(to_string(*row.current)) : ""));
    LocalSession local = leg("198.18.1.1");
    local.sections[0].setup = row.ours;
    local.sections[0].current_role = row.current;
    const SessionDescription ours = make_offer(offered(samples::kSipp), local, RtpProtocol::kDtlsSavp);
    const auto read = read_answer(ours, crlf(with(dtls_audio(row.answered), "0 8 101", "8 101")), {}, local.sections);
    ASSERT_EQ(std::holds_alternative<Agreement>(read), row.valid);
    if (row.valid) {
      EXPECT_EQ(std::get<Agreement>(read).sections[0].role, row.current);
    }
  }
}

TEST(ReadAnswer, AnOpenAnswerLeavesTheRolesOfAnAssociationAsTheyAre) {
  struct Row {
    DtlsSetup ours;
    std::optional<DtlsRole> current;
    bool valid;
  };
  const Row rows[] = {
      {DtlsSetup::kActpass, DtlsRole::kServer, true}, {DtlsSetup::kActpass, DtlsRole::kClient, true},
      {DtlsSetup::kPassive, DtlsRole::kServer, true}, {DtlsSetup::kActive, DtlsRole::kClient, true},
      {DtlsSetup::kPassive, DtlsRole::kClient, true}, {DtlsSetup::kActive, DtlsRole::kServer, true},
      {DtlsSetup::kActpass, std::nullopt, false},
  };
  const RemoteOffer offer = offered(samples::kSipp);
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.ours)) + (row.current ? " / " + std::string(to_string(*row.current)) : ""));
    LocalSession local = leg("198.18.1.1");
    local.sections[0].setup = row.ours;
    local.sections[0].current_role = row.current;
    const SessionDescription ours = make_offer(offer, local, RtpProtocol::kDtlsSavp);
    const std::string text = crlf(with(dtls_audio("actpass"), "0 8 101", "8 101"));
    const auto read = read_answer(ours, text, {}, local.sections);
    ASSERT_EQ(std::holds_alternative<Agreement>(read), row.valid);
    if (row.valid) {
      EXPECT_EQ(std::get<Agreement>(read).sections[0].role, row.current);
    }
  }
}

TEST(ReadAnswer, WhatDoesNotAnswerTheOfferIsRefused) {
  const RemoteOffer offer = offered(std::string(samples::kBaresipDtls) + "m=video 4 RTP/AVP 31\n");
  const SessionDescription plain = make_offer(offer, leg("198.18.2.1", 2), RtpProtocol::kAvp);
  const SessionDescription secured = make_offer(offer, leg("198.18.2.1", 2), RtpProtocol::kDtlsSavp);
  const std::string video = "m=video 0 RTP/AVP 31\n";
  const auto reason = [](const SessionDescription& ours, const std::string& text, std::uint16_t status = 488) {
    const SdpRefusal refusal = refused_answer(ours, text);
    EXPECT_EQ(refusal.status, status) << refusal.reason;
    return refusal.reason;
  };
  answered(plain, audio("7000 RTP/AVP 0") + video);
  EXPECT_EQ(reason(plain, "v=0\n", 400), "SDP: there is no o= line");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 0")), "the answer has another number of sections than the offer");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 0") + video + video),
            "the answer has another number of sections than the offer");
  EXPECT_EQ(reason(plain, with(audio("7000 RTP/AVP 0"), "m=audio", "m=text") + video),
            "the answer's media types are not those of the offer");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 0") + "m=video 4 RTP/AVP 31\n"),
            "the answer opens a section that the offer closed");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVPF 0") + video), "the answer's protocol is not the one offered");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 3") + video), "the answer has no format of the offer");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 96", "a=rtpmap:96 speex/16000\n") + video),
            "the answer has no format of the offer");
  EXPECT_EQ(reason(plain, audio("0 RTP/AVP 0") + video), "the answer accepts no media");
  EXPECT_EQ(reason(plain, audio("7000 RTP/AVP 0", "", "phone.example.com") + video),
            "the connection address 'phone.example.com' is not a unicast IP address");
  EXPECT_EQ(reason(secured, audio("7000 RTP/AVP 0") + video), "the answer's protocol is not the one offered")
      << "never downgraded";
  EXPECT_EQ(reason(secured, audio("7000 UDP/TLS/RTP/SAVP 0", "a=setup:active\n") + video),
            "the secured section has no certificate fingerprint");
  EXPECT_EQ(reason(secured, audio("7000 UDP/TLS/RTP/SAVP 0", "a=setup:active\na=fingerprint:sha-1 zz\n") + video, 400),
            "the fingerprint is not a hash name and pairs of hexadecimal digits");
}

TEST(ReadAnswer, RtcpMuxIsAgreedOnlyIfBothSayIt) {
  const RemoteOffer offer = offered(samples::kSipp);
  for (const bool ours : {false, true}) {
    for (const bool theirs : {false, true}) {
      LocalSession local = leg("198.18.2.1");
      local.sections[0].rtcp_mux = ours;
      const SessionDescription sent = make_offer(offer, local, RtpProtocol::kAvp);
      EXPECT_EQ(has(sent.media[0], "rtcp-mux"), ours);
      EXPECT_EQ(value_of(sent.media[0], "rtcp"), "20001 IN IP4 198.18.2.1");
      const Agreement agreement = answered(sent, audio("7000 RTP/AVP 8", theirs ? "a=rtcp-mux\n" : ""));
      EXPECT_EQ(agreement.sections[0].rtcp_mux, ours && theirs);
      EXPECT_EQ(agreement.sections[0].remote_rtcp.port, ours && theirs ? 7000 : 7001);
    }
  }
}

TEST(MakeAnswer, TheEsbcFlowAnswersActiveWithPassive) {
  const RemoteOffer offer = offered(dtls_audio("active", "a=rtcp-mux\na=ptime:20\n"));
  const Agreement near = make_answer(offer, plain_far(offer, "a=ptime:20\n", "0 101"), leg("198.18.1.1"));
  EXPECT_EQ(write_sdp(near.local), crlf(R"(v=0
o=- 42 1 IN IP4 198.18.1.1
s=-
c=IN IP4 198.18.1.1
t=0 0
m=audio 20000 UDP/TLS/RTP/SAVP 0 101
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=rtcp-mux
a=setup:passive
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=sendrecv
)"));
  EXPECT_EQ(near.sections[0].role, DtlsRole::kServer);
  EXPECT_EQ(near.sections[0].remote_rtcp, near.sections[0].remote_rtp);
}

TEST(MakeAnswer, EveryOfferedSetupGivesItsRole) {
  struct Row {
    std::string_view offered;
    std::optional<DtlsRole> current;
    std::string_view answered;
    std::optional<DtlsRole> role;
  };
  const Row rows[] = {
      {"actpass", {}, "passive", DtlsRole::kServer},
      {"active", {}, "passive", DtlsRole::kServer},
      {"passive", {}, "active", DtlsRole::kClient},
      {"holdconn", {}, "holdconn", {}},
      {"", {}, "passive", DtlsRole::kServer},  // RFC 4145 section 4: the default of an offer is active
      {"actpass", DtlsRole::kClient, "active", DtlsRole::kClient},
      {"actpass", DtlsRole::kServer, "passive", DtlsRole::kServer},
      {"active", DtlsRole::kClient, "passive", DtlsRole::kServer},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.offered);
    const RemoteOffer offer = offered(dtls_audio(row.offered));
    LocalSession local = leg("198.18.1.1");
    local.sections[0].current_role = row.current;
    const Agreement near = make_answer(offer, plain_far(offer), local);
    EXPECT_EQ(value_of(near.local.media[0], "setup"), row.answered);
    EXPECT_EQ(near.sections[0].role, row.role);
  }
}

TEST(MakeAnswer, TheCallersProtocolTokenIsAnswered) {
  for (const RtpProtocol protocol : {RtpProtocol::kAvp, RtpProtocol::kAvpf, RtpProtocol::kSavp, RtpProtocol::kSavpf,
                                     RtpProtocol::kDtlsSavp, RtpProtocol::kDtlsSavpf}) {
    const std::string token(to_string(protocol));
    const RemoteOffer offer = offered(audio("5000 " + token + " 0", "a=setup:actpass\n" + fingerprint_line()));
    const Agreement near = make_answer(offer, plain_far(offer), leg("198.18.1.1"));
    EXPECT_EQ(near.local.media[0].protocol, token);
    EXPECT_EQ(near.sections[0].protocol, protocol);
    EXPECT_EQ(has(near.local.media[0], "fingerprint"), is_secured(protocol));
    EXPECT_EQ(near.sections[0].role.has_value(), is_secured(protocol));
  }
}

TEST(MakeAnswer, RtcpMuxOnlyIfOfferedAndWanted) {
  for (const bool theirs : {false, true}) {
    for (const bool ours : {false, true}) {
      const RemoteOffer offer = offered(audio("5000 RTP/AVP 0", theirs ? "a=rtcp-mux\n" : ""));
      LocalSession local = leg("198.18.1.1");
      local.sections[0].rtcp_mux = ours;
      const Agreement near = make_answer(offer, plain_far(offer), local);
      EXPECT_EQ(has(near.local.media[0], "rtcp-mux"), ours && theirs);
      EXPECT_EQ(has(near.local.media[0], "rtcp"), !(ours && theirs));
      EXPECT_EQ(near.sections[0].remote_rtcp.port, ours && theirs ? 5000 : 5001);
    }
  }
}

TEST(MakeAnswer, KeepsTheFarSidesChoiceOfCodecsWithinTheOffer) {
  const RemoteOffer offer = offered(samples::kBaresipDtls);
  // The far side prefers opus, adds a codec nobody offered, and leaves out the rtpmap of telephone-event.
  const Agreement far = plain_far(
      offer, "a=rtpmap:96 OPUS/48000/2\na=fmtp:96 useinbandfec=1\na=rtpmap:97 iLBC/8000\na=ptime:40\n", "96 97 101 8");
  const MediaSection section = make_answer(offer, far, leg("198.18.1.1")).local.media[0];
  EXPECT_EQ(section.formats, (std::vector<std::string>{"96", "101", "8"}));
  EXPECT_EQ(rtpmap(section, 96)->encoding, "OPUS");
  EXPECT_EQ(rtpmap(section, 101)->encoding, "telephone-event") << "from the offer";
  EXPECT_EQ(fmtp(section, "96"), "useinbandfec=1");
  EXPECT_EQ(fmtp(section, "101"), std::nullopt) << "the answerer's silence on fmtp is its answer";
  EXPECT_EQ(ptime_ms(section), 40u);
}

TEST(MakeAnswer, RefusedSectionsKeepTheirPlace) {
  const RemoteOffer offer = offered(samples::kDeskPhone);
  const Agreement near = make_answer(offer, plain_far(offer), leg("198.18.1.1", 2));
  ASSERT_EQ(near.local.media.size(), 2u);
  EXPECT_EQ(near.local.media[1].media, "image");
  EXPECT_EQ(near.local.media[1].port, 0);
  EXPECT_EQ(near.local.media[1].protocol, "udptl");
  EXPECT_EQ(near.local.media[1].formats, std::vector<std::string>{"t38"});
  EXPECT_FALSE(near.sections[1].active);
}

TEST(MakeAnswer, ASectionTheFarSideClosedIsClosedHereToo) {
  const RemoteOffer offer = offered(audio("5000 RTP/AVP 0") + "m=audio 6000 RTP/AVP 0\n");
  const SessionDescription ours = make_offer(offer, leg("198.18.2.1", 2), RtpProtocol::kAvp);
  const Agreement far = answered(ours, audio("0 RTP/AVP 0", "", "198.18.2.2") + "m=audio 7002 RTP/AVP 0\n");
  const Agreement near = make_answer(offer, far, leg("198.18.1.1", 2));
  EXPECT_EQ(near.local.media[0].port, 0);
  EXPECT_FALSE(near.sections[0].active);
  EXPECT_EQ(near.local.media[1].port, 20002);
  EXPECT_TRUE(near.sections[1].active);
}

TEST(MakeAnswer, SectionsOfDifferentAddressesEachHaveTheirConnection) {
  const RemoteOffer offer = offered(audio("5000 RTP/AVP 0") + "m=audio 6000 RTP/AVP 0\n");
  LocalSession local = leg("198.18.2.1", 2);
  local.sections[1].rtp = endpoint("198.18.2.5", 21000);
  const SessionDescription ours = make_offer(offer, local, RtpProtocol::kAvp);
  EXPECT_EQ(address_of(*connection_of(ours, ours.media[0])).value(), local.sections[0].rtp.address);
  EXPECT_EQ(address_of(*connection_of(ours, ours.media[1])).value(), local.sections[1].rtp.address);
}

TEST(MakeAnswer, AProvisionalAndAFinalAnswerAreTheSame) {
  const RemoteOffer offer = offered(samples::kBaresipDtls);
  const Agreement far = plain_far(offer);
  LocalSession local = leg("198.18.1.1");
  const SessionDescription first = make_answer(offer, far, local).local;
  local.previous = first;
  EXPECT_EQ(make_answer(offer, far, local).local, first);
}

/// Weir on both ends: what we offer we can read, and what we answer we accept, in every pair of protocols.
TEST(OfferAnswer, TwoOfUsAgreeInEveryCombination) {
  for (const RtpProtocol near_protocol : {RtpProtocol::kAvp, RtpProtocol::kDtlsSavp, RtpProtocol::kDtlsSavpf}) {
    for (const RtpProtocol far_protocol : {RtpProtocol::kAvp, RtpProtocol::kDtlsSavp}) {
      const SessionDescription caller = make_offer(offered(samples::kSipp), leg("198.18.1.2"), near_protocol);
      const RemoteOffer offer = std::get<RemoteOffer>(read_offer(write_sdp(caller)));
      const SessionDescription forward = make_offer(offer, leg("198.18.2.1"), far_protocol);
      const RemoteOffer at_callee = std::get<RemoteOffer>(read_offer(write_sdp(forward)));
      const Agreement callee = make_answer(at_callee, plain_far(at_callee, "", "8"), leg("198.18.2.2"));
      const auto far = read_answer(forward, write_sdp(callee.local));
      ASSERT_TRUE(std::holds_alternative<Agreement>(far));
      const Agreement near = make_answer(offer, std::get<Agreement>(far), leg("198.18.1.1"));
      const auto heard = read_answer(caller, write_sdp(near.local));
      ASSERT_TRUE(std::holds_alternative<Agreement>(heard));
      const AgreedSection& at_caller = std::get<Agreement>(heard).sections[0];
      EXPECT_EQ(at_caller.rtcp_mux, near.sections[0].rtcp_mux);
      EXPECT_EQ(at_caller.role.has_value(), is_secured(near_protocol));
      if (at_caller.role) {
        EXPECT_NE(*at_caller.role, *near.sections[0].role);
      }
      if (callee.sections[0].role) {
        EXPECT_NE(*callee.sections[0].role, *std::get<Agreement>(far).sections[0].role);
      }
    }
  }
}

}  // namespace
}  // namespace weir::sip
