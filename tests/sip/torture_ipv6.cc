// RFC 5118 section 4. Three bodies are longer or shorter than the RFC prints their Content-Length (sections 4.6, 4.8
// and 4.9: 268, 181 and 236), though it calls the messages well-formed: here it is what it has to be.
#include "tests/sip/torture_ipv6.h"

#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

/// Sections 4.1 to 4.4 differ in their Request-URI.
std::string registration(std::string_view request_uri) {
  return "REGISTER " + std::string(request_uri) + R"( SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

)";
}

constexpr std::string_view kWithDelim = R"(BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0

)";

constexpr std::string_view kNoDelim = R"(OPTIONS sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3
Call-ID: SSG95523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
CSeq: 921 OPTIONS
Content-Length: 0

)";

constexpr std::string_view kInSdp = R"(INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::20]>
CSeq: 8612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 251

v=0
o=assistant 971731711378798081 0 IN IP6 2001:db8::20
s=Live video feed for today's meeting
c=IN IP6 2001:db8::20
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
)";

constexpr std::string_view kInHeader = R"(BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: 997077@lau_4100
Max-Forwards: 70
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0

)";

constexpr std::string_view kMultInSdp = R"(INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
Max-Forwards: 70
CSeq: 8912 INVITE
Content-Type: application/sdp
Content-Length: 189

v=0
o=bob 280744730 28977631 IN IP4 host.example.com
s=
t=0 0
m=audio 22334 RTP/AVP 0
c=IN IP4 192.0.2.1
m=video 6024 RTP/AVP 107
c=IN IP6 2001:db8::1
a=rtpmap:107 H263-1998/90000
)";

constexpr std::string_view kMapped = R"(INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:user@east.example.com;tag=81x2
Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19
Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>
CSeq: 612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 245

v=0
o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2
s=Call me soon, please!
c=IN IP6 ::ffff:192.0.2.2
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
)";

/// Section 4.10's two differ in their addresses. The RFC prints neither with the empty line that ends its headers.
std::string abnf(std::string_view host) {
  const std::string uri = "sip:user@" + std::string(host);
  return "OPTIONS " + uri + " SIP/2.0\nTo: " + uri + R"(
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

)";
}

}  // namespace

std::map<std::string, std::string, std::less<>> torture_ipv6() {
  return {
      {"ipv6-good", crlf(registration("sip:[2001:db8::10]"))},
      {"ipv6-bad", crlf(registration("sip:2001:db8::10"))},
      {"port-ambiguous", crlf(registration("sip:[2001:db8::10:5070]"))},
      {"port-unambiguous", crlf(registration("sip:[2001:db8::10]:5070"))},
      {"via-received-param-with-delim", crlf(kWithDelim)},
      {"via-received-param-no-delim", crlf(kNoDelim)},
      {"ipv6-in-sdp", crlf(kInSdp)},
      {"mult-ip-in-header", crlf(kInHeader)},
      {"mult-ip-in-sdp", crlf(kMultInSdp)},
      {"ipv4-mapped-ipv6", crlf(kMapped)},
      {"ipv6-bug-abnf-3-colons", crlf(abnf("[2001:db8:::192.0.2.1]"))},
      {"ipv6-correct-abnf-2-colons", crlf(abnf("[2001:db8::192.0.2.1]"))},
  };
}

}  // namespace weir::sip
