// What crosses the border of one call: headers by trust, privacy and hiding; and that the check for leaks sees them.
#include "controlplane/identity_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sip/parse.h"
#include "sip/write.h"
#include "tests/support/call_lab.h"
#include "tests/support/topology.h"

namespace weir::controlplane {
namespace {

using proto::settings::RealmSettings;
using sip::HeaderId;
using sip::Message;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

RealmSettings realm(bool trusted, bool hiding = true) {
  RealmSettings one;
  one.policy.trusted = trusted;
  one.policy.topology_hiding = hiding;
  return one;
}

/// An INVITE from a party's network, with every header that may cross and some that may not.
Message invite(const std::string& headers) {
  const std::string text =
      "INVITE sip:+4930@198.18.1.1 SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 10.1.2.3:5062;branch=z9hG4bKparty;received=10.1.2.4\r\n"
      "Max-Forwards: 70\r\n"
      "From: \"Alice\" <sip:alice%20a@10.1.2.3:5062;transport=udp>;tag=alicetag\r\n"
      "To: <sip:+4930@198.18.1.1>\r\n"
      "Call-ID: secret@10.1.2.3\r\nCSeq: 1 INVITE\r\n"
      "Contact: <sip:alice@10.1.2.3:5062>\r\n"
      "User-Agent: Inside/1.0\r\n" +
      headers + "Content-Length: 0\r\n\r\n";
  return sip::parse_message(text).message();
}

/// What our message to the other side has before headers are passed.
Message ours() {
  sip::RequestHead head;
  head.request_uri = "sip:+4930@198.18.2.2";
  head.via.transport = "UDP";
  head.via.host = "198.18.2.1";
  head.from.uri = sip::make_sip_uri("alice", "198.18.2.1");
  head.to.uri = sip::make_sip_uri("+4930", "198.18.2.2");
  head.call_id = "ours";
  Message request = sip::make_request(head);
  request.add_header(HeaderId::kContact, "<sip:weir@198.18.2.1:5060>");
  return request;
}

std::string passed(const Message& in, HeaderId id, const RealmSettings& from, const RealmSettings& to) {
  Message out = ours();
  pass_headers(in, from, to, out);
  std::string text;
  for (std::size_t i = 0; i < out.header_count(); ++i) {
    if (out.header_at(i).id == id) text += (text.empty() ? "" : " | ") + std::string(out.header_at(i).value);
  }
  return text;
}

TEST(IdentityHeaders, AnIdentityIsAssertedBetweenTrustedRealmsOnly) {
  const Message in = invite("P-Asserted-Identity: \"A\" <sip:+4940@10.1.2.3:5062;user=phone>, <tel:+4940>\r\n");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(true), realm(true)),
            "\"A\" <sip:+4940@198.18.2.1;user=phone>, <tel:+4940>");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(true), realm(true, false)),
            "\"A\" <sip:+4940@10.1.2.3:5062;user=phone>, <tel:+4940>");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(true), realm(false)), "");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(false), realm(true)), "");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(false), realm(false)), "");
}

TEST(IdentityHeaders, AMalformedIdentityIsNone) {
  const Message in = invite("P-Asserted-Identity: <sip:+4940@10.1.2.3>, <sip:broken\r\n");
  EXPECT_EQ(passed(in, HeaderId::kPAssertedIdentity, realm(true), realm(true)), "");
}

TEST(IdentityHeaders, APreferredIdentityAndStrangersNeverCross) {
  Message out = ours();
  pass_headers(invite("P-Preferred-Identity: <sip:+4940@x>\r\nX-Inside: 10.9.9.9\r\nServer: s\r\nRoute: <sip:x;lr>\r\n"
                      "Proxy-Authorization: Digest username=\"a\"\r\nWarning: 399 inside \"x\"\r\n"),
               realm(true), realm(true, false), out);
  EXPECT_EQ(sip::write(out), sip::write(ours()));
}

TEST(IdentityHeaders, WhereACallHasBeenCrossesBetweenTrustedRealmsWithoutItsAddresses) {
  const Message in = invite(
      "Diversion: \"Bob\" <sip:bob@10.1.2.9;transport=tcp>;reason=user-busy;counter=2\r\n"
      "History-Info: <sip:bob@10.1.2.9?Reason=SIP%3Bcause%3D302&Route=%3Csip%3A10.1.2.8%3E>;index=1, "
      "<sip:carol@10.1.2.9;cause=302>;index=1.1\r\n");
  EXPECT_EQ(passed(in, HeaderId::kDiversion, realm(true), realm(true)),
            "\"Bob\" <sip:bob@198.18.2.1>;reason=user-busy;counter=2");
  EXPECT_EQ(passed(in, HeaderId::kHistoryInfo, realm(true), realm(true)),
            "<sip:bob@198.18.2.1?Reason=SIP%3Bcause%3D302>;index=1 | <sip:carol@198.18.2.1;cause=302>;index=1.1");
  EXPECT_EQ(passed(in, HeaderId::kDiversion, realm(true), realm(false)), "");
  EXPECT_EQ(passed(in, HeaderId::kHistoryInfo, realm(false), realm(true)), "");
}

TEST(IdentityHeaders, AListWithAGapDoesNotCross) {
  const Message in = invite("Diversion: <sip:bob@h>;reason=x, <sip:broken\r\n");
  EXPECT_EQ(passed(in, HeaderId::kDiversion, realm(true), realm(true)), "");
}

TEST(IdentityHeaders, WhatSaysNothingOfANetworkAlwaysCrosses) {
  const Message in =
      invite("Subject: lunch\r\nPriority: urgent\r\nAccept-Contact: *;audio\r\nAccept-Contact: *;video\r\n");
  EXPECT_EQ(passed(in, HeaderId::kSubject, realm(false), realm(false)), "lunch");
  EXPECT_EQ(passed(in, HeaderId::kPriority, realm(false), realm(false)), "urgent");
  EXPECT_EQ(passed(in, HeaderId::kAcceptContact, realm(false), realm(false)), "*;audio | *;video");
}

TEST(IdentityHeaders, UrisToBeFetchedStayBehindUnlessNothingIsHidden) {
  const Message in = invite("Alert-Info: <http://10.1.2.3/ring.wav>\r\nCall-Info: <http://10.1.2.3/me.jpg>\r\n");
  EXPECT_EQ(passed(in, HeaderId::kAlertInfo, realm(true), realm(true)), "");
  EXPECT_EQ(passed(in, HeaderId::kCallInfo, realm(true), realm(true)), "");
  EXPECT_EQ(passed(in, HeaderId::kAlertInfo, realm(false), realm(false, false)), "<http://10.1.2.3/ring.wav>");
}

TEST(IdentityHeaders, WhatIsThereAlreadyStays) {
  Message out = ours();
  out.add_header(HeaderId::kSubject, "ours");
  pass_headers(invite("Subject: theirs\r\n"), realm(false), realm(false), out);
  EXPECT_EQ(out.header(HeaderId::kSubject), "ours");
  EXPECT_EQ(out.values(HeaderId::kSubject).size(), 1u);
}

std::string caller(const std::string& headers, const RealmSettings& to) {
  return sip::write(shown_caller(invite(headers), to, "198.18.2.1"));
}

TEST(IdentityHeaders, TheCallerIsShownWithNameAndUserAtOurHost) {
  EXPECT_EQ(caller("", realm(false)), "\"Alice\" <sip:alice%20a@198.18.2.1>");
  EXPECT_EQ(caller("", realm(false, false)), "\"Alice\" <sip:alice%20a@10.1.2.3:5062;transport=udp>");
}

TEST(IdentityHeaders, WhoWantsPrivacyIsNobodyTowardsAnUntrustedRealm) {
  const std::string nobody = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
  for (const char* wish : {"id", "user", "header;critical", "ID", "session, user", "\"broken"}) {
    const std::string header = "Privacy: " + std::string(wish) + "\r\nSubject: lunch\r\n";
    EXPECT_EQ(caller(header, realm(false)), nobody) << wish;
    EXPECT_EQ(caller(header, realm(false, false)), nobody) << wish;
    EXPECT_NE(caller(header, realm(true)), nobody) << "a trusted realm keeps it itself";
    EXPECT_EQ(passed(invite(header), HeaderId::kSubject, realm(false), realm(false)), "") << wish;
    EXPECT_EQ(passed(invite(header), HeaderId::kSubject, realm(false), realm(true)), "lunch") << wish;
    EXPECT_EQ(passed(invite(header), HeaderId::kPrivacy, realm(false), realm(true)), wish);
  }
  EXPECT_NE(caller("Privacy: none\r\n", realm(false)), nobody);
  EXPECT_NE(caller("Privacy: session\r\n", realm(false)), nobody);
}

TEST(IdentityHeaders, IdentityGoesWhereItIsWantedUnlessTheUserDoesNotWantToBeKnown) {
  // RFC 8588's shaken token has claims like these: {"alg":"ES256","ppt":"x","typ":"passport","x5u":"https://c/"}
  const std::string header =
      "Identity: eyJhbGciOiJFUzI1NiIsInBwdCI6IngiLCJ0eXAiOiJwYXNzcG9ydCIsIng1dSI6Imh0dHBzOi8vYy8ifQ.e30." +
      std::string(86, 'A') + ";info=<https://c/>;alg=ES256;ppt=x\r\n";
  RealmSettings wants = realm(false);
  wants.identity.pass = true;
  EXPECT_EQ(passed(invite(header), HeaderId::kIdentity, realm(false), realm(false)), "");
  EXPECT_EQ(passed(invite(header), HeaderId::kIdentity, realm(true), realm(true)), "");
  EXPECT_EQ(passed(invite(header), HeaderId::kIdentity, realm(false), wants), header.substr(10, header.size() - 12));
  EXPECT_EQ(passed(invite(header + "Privacy: id\r\n"), HeaderId::kIdentity, realm(false), wants), "");
  wants.policy.trusted = true;
  EXPECT_NE(passed(invite(header + "Privacy: id\r\n"), HeaderId::kIdentity, realm(false), wants), "");
  EXPECT_EQ(passed(invite("Identity: x\r\n"), HeaderId::kIdentity, realm(false), wants), "");
}

TEST(IdentityHeaders, NothingOfAPartysNetworkIsLeftInWhatCrosses) {
  const Message in = invite(
      "P-Asserted-Identity: <sip:+4940@10.1.2.3>\r\nDiversion: <sip:bob@10.1.2.3>;reason=x\r\n"
      "History-Info: <sip:bob@10.1.2.3?Route=10.1.2.3>;index=1\r\nAlert-Info: <http://10.1.2.3/>\r\n"
      "Call-Info: <http://10.1.2.3/>\r\nReply-To: <sip:a@10.1.2.3>\r\nSubject: lunch\r\n");
  Message out = ours();
  pass_headers(in, realm(true), realm(true), out);
  EXPECT_TRUE(out.has(HeaderId::kHistoryInfo));
  EXPECT_THAT(tests::leaks(in, out), IsEmpty());
}

TEST(Topology, TheTracesOfAMessage) {
  Message in = invite("Record-Route: <sip:10.7.7.7;lr>\r\n");
  in.set_body(
      "v=0\r\no=alice 987654321 12345 IN IP4 10.1.2.8\r\ns=-\r\nc=IN IP4 10.1.2.9\r\nm=audio 4 RTP/AVP 0\r\n"
      "a=candidate:1 1 UDP 1 10.1.2.10 5000 typ host\r\n",
      "application/sdp");
  EXPECT_THAT(tests::traces_of(in),
              ElementsAre("10.1.2.3", "z9hG4bKparty", "10.1.2.4", "10.7.7.7", "alicetag", "secret@10.1.2.3",
                          "Inside/1.0", "alice", "987654321", "12345", "10.1.2.8", "10.1.2.9", "10.1.2.10"));
}

TEST(Topology, ALeakIsFoundWhereverItIs) {
  const Message in = invite("");
  for (const HeaderId id : {HeaderId::kSubject, HeaderId::kCallInfo, HeaderId::kVia}) {
    Message out = ours();
    EXPECT_THAT(tests::leaks(in, out), IsEmpty());
    out.add_header(id, "x 10.1.2.4 y");
    EXPECT_THAT(tests::leaks(in, out), ElementsAre("10.1.2.4"));
  }
  Message out = ours();
  out.set_body("the tag is alicetag", "text/plain");
  EXPECT_THAT(tests::leaks(in, out), ElementsAre("alicetag"));
}

}  // namespace
}  // namespace weir::controlplane

namespace weir::tests {
namespace {

TEST(Topology, AWholeCallShowsNothingOfEitherSide) {
  CallLab lab;
  RequestText text;
  text.headers += "User-Agent: Inside/1.0\r\nRecord-Route: <sip:10.7.7.7;lr>\r\n";
  text.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(text);
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  const std::string theirs =
      "INVITE sip:rtp-5070@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKcaller1\r\n"
      "From: <sip:alice@198.18.1.2>;tag=alicetag\r\nTo: <sip:x@198.18.1.1>\r\nMax-Forwards: 70\r\n"
      "Call-ID: secret-call-id@198.18.1.2\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@198.18.1.2:5062>\r\n"
      "User-Agent: Inside/1.0\r\nRecord-Route: <sip:10.7.7.7;lr>\r\nContent-Length: 0\r\n\r\n";
  sip::Message in = sip::parse_message(theirs).message();
  EXPECT_THAT(leaks(in, invite), testing::IsEmpty());
  sip::Message answer = sip::make_response(invite, 200, "", "calleetag");
  answer.add_header(sip::HeaderId::kContact, "<sip:bob@198.18.2.2:5070>");
  answer.add_header(sip::HeaderId::kServer, "Cellar/2.0");
  answer.set_body(plain_sdp("198.18.2.2", 50000), "application/sdp");
  lab.deliver(kCallees, sip::write(answer));
  (void)lab.expect(kCallees, "ACK");
  EXPECT_THAT(traces_of(answer), testing::Contains("calleetag"));
  EXPECT_THAT(leaks(answer, lab.expect(kCallers, "200")), testing::IsEmpty());
}

}  // namespace
}  // namespace weir::tests
