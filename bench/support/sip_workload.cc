#include "bench/support/sip_workload.h"

#include "proto/assert.h"

namespace weir::bench {
namespace {

std::string sdp(std::size_t call) {
  return "v=0\r\no=- " + std::to_string(3'000'000 + call) +
         " 1 IN IP4 198.18.0.10\r\ns=-\r\nc=IN IP4 198.18.0.10\r\nt=0 0\r\nm=audio " +
         std::to_string(20'000 + 2 * call) +
         " RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
         "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
}

/// What a trunk's INVITE says, filled up to its length by the User-Agent.
std::string invite(std::size_t call) {
  const std::string id = std::to_string(1'000'000'007 * (call + 1));
  const std::string caller = "+4930" + std::to_string(5'550'000 + call);
  const std::string callee = "+4940" + std::to_string(7'770'000 + 3 * call);
  const std::string body = sdp(call);
  const std::string head =
      "INVITE sip:" + callee +
      "@sbc.example.net;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.10:5060;branch=z9hG4bK" + id +
      ";rport\r\nVia: SIP/2.0/UDP pbx7.example.com:5060;branch=z9hG4bK-" + id +
      "-1;received=198.18.0.77\r\nRecord-Route: <sip:198.18.0.10;lr;did=" + id +
      ">\r\nMax-Forwards: 69\r\nFrom: \"Erika " + "Mustermann\" <sip:" + caller + "@example.com;user=phone>;tag=" + id +
      "a\r\nTo: <sip:" + callee + "@sbc.example.net;user=phone>\r\nCall-ID: " + id +
      "@pbx7.example.com\r\nCSeq: 102 INVITE\r\nContact: <sip:" + caller +
      "@198.18.0.77:5060;transport=udp>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, "
      "NOTIFY\r\n"
      "Supported: timer, 100rel, replaces\r\nSession-Expires: 1800\r\nMin-SE: 90\r\nP-Asserted-Identity: <sip:" +
      caller +
      "@example.com;user=phone>\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nUser-Agent: ";
  const std::size_t bytes = head.size() + 4 + body.size();
  WEIR_ASSERT(bytes < kInviteBytes);
  std::string agent = "Telephone exchange";
  agent.resize(kInviteBytes - bytes, 'x');
  return head + agent + "\r\n\r\n" + body;
}

}  // namespace

std::vector<std::string> make_invites() {
  std::vector<std::string> invites;
  for (std::size_t call = 0; call < kInvites; ++call) {
    invites.push_back(invite(call));
    WEIR_ASSERT(invites.back().size() == kInviteBytes);
  }
  return invites;
}

}  // namespace weir::bench
