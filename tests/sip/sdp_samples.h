// Session descriptions as real clients send them. Line ends are LF here; crlf() gives them as they come over the wire.
#pragma once

#include <string>
#include <string_view>

namespace weir::sip::samples {

inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

/// `text` with the first occurrence of `from` replaced.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? std::string() : text.replace(at, from.size(), to);
}

/// baresip 1.0.0, no media encryption (captured).
inline constexpr std::string_view kBaresipPlain = R"(v=0
o=- 2822805510 528455951 IN IP4 198.18.3.1
s=-
c=IN IP4 198.18.3.1
t=0 0
a=tool:baresip 1.0.0
m=audio 30048 RTP/AVP 0 8 96 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:2879859028 cname:sip:a@198.18.3.2:5081
a=rtcp-mux
a=minptime:20
a=ptime:20
)";

/// baresip 1.0.0 with mediaenc=dtls_srtp (captured): setup and fingerprint at session level, hash name in capitals.
inline constexpr std::string_view kBaresipDtls = R"(v=0
o=- 2439035159 1877334313 IN IP4 198.18.3.1
s=-
c=IN IP4 198.18.3.1
t=0 0
a=tool:baresip 1.0.0
a=setup:actpass
a=fingerprint:SHA-256 8C:EE:E8:66:B3:26:0B:EE:83:65:0E:0E:1C:37:09:37:79:94:00:78:BB:38:D0:C3:ED:39:7A:F2:98:18:F8:FB
m=audio 30004 UDP/TLS/RTP/SAVPF 0 8 96 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:1470215555 cname:sip:a@198.18.3.2:5082
a=rtcp-mux
a=minptime:20
a=ptime:20
)";

/// baresip 1.0.0 with mediaenc=dtls_srtp and medianat=ice (captured).
inline constexpr std::string_view kBaresipIce = R"(v=0
o=- 576608365 1421878448 IN IP4 198.18.3.1
s=-
c=IN IP4 198.18.3.1
t=0 0
a=tool:baresip 1.0.0
a=ice-ufrag:1GMDqcp
a=ice-pwd:MDFWGMwZtM8okMGIjR7OwGo9AiTAww0
a=setup:actpass
a=fingerprint:SHA-256 5D:2C:2D:AE:58:69:00:69:6B:1C:89:D7:E0:18:8E:6E:5E:86:6F:8D:44:4C:EC:25:A2:6D:EA:4A:CA:18:27:A8
m=audio 30088 UDP/TLS/RTP/SAVPF 0 8 96 101
c=IN IP4 198.18.3.1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:4219343094 cname:sip:a@198.18.3.2:5083
a=rtcp-mux
a=minptime:20
a=ptime:20
a=candidate:c6120301 1 UDP 2113929471 198.18.3.1 30088 typ host
a=candidate:c6120302 1 UDP 2113929471 198.18.3.2 30088 typ host
)";

/// baresip 1.0.0 with mediaenc=srtp-mand (captured): SDES.
inline constexpr std::string_view kBaresipSdes = R"(v=0
o=- 761802587 362945914 IN IP4 198.18.3.1
s=-
c=IN IP4 198.18.3.1
t=0 0
a=tool:baresip 1.0.0
m=audio 30070 RTP/SAVP 0 8 96 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 stereo=1;sprop-stereo=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=rtcp-mux
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:BZ0kGGyDCXZj+vpSx/G4QgkCD2OYISSC/c1wgrB2
a=minptime:20
a=ptime:20
)";

/// Chromium, before candidates are gathered: port 9, 0.0.0.0, BUNDLE with a data channel.
inline constexpr std::string_view kChromium = R"(v=0
o=- 4962303333179871722 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 5f2ba5dc-3e23-4d4b-9bb6-e4b0a2cd7e3d
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:l5AU
a=ice-pwd:V8nNPhd4c1t4jXCnfE7AO9ML
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=sendrecv
a=msid:5f2ba5dc-3e23-4d4b-9bb6-e4b0a2cd7e3d 8a5c3b5e-7c54-4d3b-9b7e-2f8e5d0e8b1f
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
a=ssrc:3570614608 msid:5f2ba5dc-3e23-4d4b-9bb6-e4b0a2cd7e3d 8a5c3b5e-7c54-4d3b-9b7e-2f8e5d0e8b1f
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:l5AU
a=ice-pwd:V8nNPhd4c1t4jXCnfE7AO9ML
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
)";

/// Firefox: fingerprint at session level, setup at media level, a video section as well.
inline constexpr std::string_view kFirefox = R"(v=0
o=mozilla...THIS_IS_SDPARTA-99.0 5229153217439498022 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 24:6F:0C:8C:1A:2C:7C:5C:4B:8F:52:C5:5B:9B:4C:C6:A2:8B:6F:3C:2A:0A:B1:5D:8E:9E:42:7C:2C:7D:11:9A
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 49203 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 198.18.3.9
a=candidate:0 1 UDP 2122252543 198.18.3.9 49203 typ host
a=sendrecv
a=end-of-candidates
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:8ed2c8a1f4e1f2b2f1f3a5d69ce6b13b
a=ice-ufrag:17bbb8b1
a=mid:0
a=msid:{6a8f2c6e} {0c1b2d3e}
a=rtcp:49204 IN IP4 198.18.3.9
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:1033942519 cname:{e5b0c1e6}
m=video 0 UDP/TLS/RTP/SAVPF 120
c=IN IP4 0.0.0.0
a=bundle-only
a=mid:1
a=rtpmap:120 VP8/90000
a=setup:actpass
)";

/// SIPp's usual answer (the scenario in use for whole calls).
inline constexpr std::string_view kSipp = R"(v=0
o=uas 53655765 2353687637 IN IP4 198.18.2.2
s=-
c=IN IP4 198.18.2.2
t=0 0
m=audio 7000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-11,16
a=ptime:20
)";

/// A desk phone: trailing space in the m= line, an X- attribute, explicit rtcp, T.38 beside the audio, b= at both
/// levels.
inline constexpr std::string_view kDeskPhone = R"(v=0
o=root 2094 2094 IN IP4 198.18.3.40
s=call
c=IN IP4 198.18.3.40
b=AS:84
t=0 0
m=audio 11780 RTP/AVP 9 8 0 18 101 
b=TIAS:64000
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=X-nat:0
a=ptime:20
a=rtcp:11783
a=sendrecv
m=image 11790 udptl t38
a=T38FaxVersion:0
)";

}  // namespace weir::sip::samples
