// The examples of RFC 4474 section 10: two requests, what is signed of them, the signatures, and the keys.
#pragma once

#include <string>
#include <string_view>

namespace weir::tests {

/// Section 10.1, the body's lines ended by CR LF.
inline std::string rfc4474_body() {
  return "v=0\r\no=UserA 2890844526 2890844526 IN IP4 pc33.atlanta.example.com\r\ns=Session SDP\r\n"
         "c=IN IP4 pc33.atlanta.example.com\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
}
inline std::string rfc4474_invite() {
  const std::string body = rfc4474_body();
  return "INVITE sip:bob@biloxi.example.org SIP/2.0\r\n"
         "Via: SIP/2.0/TLS pc33.atlanta.example.com;branch=z9hG4bKnashds8\r\n"
         "To: Bob <sip:bob@biloxi.example.org>\r\n"
         "From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
         "Call-ID: a84b4c76e66710\r\n"
         "CSeq: 314159 INVITE\r\n"
         "Max-Forwards: 70\r\n"
         "Date: Thu, 21 Feb 2002 13:02:03 GMT\r\n"
         "Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
         "Content-Type: application/sdp\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string rfc4474_invite_string() {
  return "sip:alice@atlanta.example.com|sip:bob@biloxi.example.org|a84b4c76e66710|314159 INVITE|"
         "Thu, 21 Feb 2002 13:02:03 GMT|sip:alice@pc33.atlanta.example.com|" +
         rfc4474_body();
}
inline constexpr std::string_view kRfc4474InviteSignature =
    "ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB0SsSAaifsRdiOPoQZYOy2wrVghuhcsMbHWUSFxI6p6q5TOQXHMmz6u"
    "Eo3svJsSH49thyGnFVcnyaZ++yRlBYYQTLqWzJ+KVhPKbfU/pryhVn9Yc6U=";

/// Section 10.2.
inline constexpr std::string_view kRfc4474Bye =
    "BYE sip:alice@pc33.atlanta.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.4;branch=z9hG4bKnashds10\r\n"
    "Max-Forwards: 70\r\n"
    "From: Bob <sip:bob@biloxi.example.org>;tag=a6c85cf\r\n"
    "To: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    "Date: Thu, 21 Feb 2002 14:19:51 GMT\r\n"
    "Call-ID: a84b4c76e66710\r\n"
    "CSeq: 231 BYE\r\n"
    "Content-Length: 0\r\n\r\n";
inline constexpr std::string_view kRfc4474ByeString =
    "sip:bob@biloxi.example.org|sip:alice@atlanta.example.com|a84b4c76e66710|231 BYE|Thu, 21 Feb 2002 14:19:51 GMT||";
inline constexpr std::string_view kRfc4474ByeSignature =
    "sv5CTo05KqpSmtHt3dcEiO/1CWTSZtnG3iV+1nmurLXV/HmtyNS7Ltrg9dlxkWzoeU7d7OV8HweTTDobV3itTmgPwCFjaEmMyEI3d7SyN21yNDo2"
    "ER/Ovgtw0Lu5csIppPqOg1uXndzHbG7mR6Rl9BnUhHufVRbp51Mn3w0gfUs=";

/// atlanta.example.com's private key.
inline constexpr std::string_view kRfc4474AtlantaKey =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDPPMBtHVoPkXV+Z6jq1LsgfTELVWpy2BVUffJMPH06LL0cJSQO\n"
    "aIeVzIojzWtpauB7IylZKlAjB5f429tRuoUiedCwMLKblWAqZt6eHWpCNZJ7lONc\n"
    "IEwnmh2nAccKk83Lp/VH3tgAS/43DQoX2sndnYh+g8522Pzwg7EGWspzzwIDAQAB\n"
    "AoGBAK0W3tnEFD7AjVQAnJNXDtx59Aa1Vu2JEXe6oi+OrkFysJjbZJwsLmKtrgtt\n"
    "PXOU8t2mZpi0wK4hX4tZhntiwGKkUPC3h9Bjp+GerifP341RMyMO+6fPgjqOzUDw\n"
    "+rPjjMpwD7AkcEcqDgbTrZnWv/QnCSaaF3xkUGfFkLx5OKcRAkEA7UxnsE8XaT30\n"
    "tP/UUc51gNk2KGKgxQQTHopBcew9yfeCRFhvdL7jpaGatEi5iZwGGQQDVOVHUN1H\n"
    "0YLpHQjRowJBAN+R2bvA/Nimq464ZgnelEDPqaEAZWaD3kOfhS9+vL7oqES+u5E0\n"
    "J7kXb7ZkiSVUg9XU/8PxMKx/DAz0dUmOL+UCQH8C9ETUMI2uEbqHbBdVUGNk364C\n"
    "DFcndSxVh+34KqJdjiYSx6VPPv26X9m7S0OydTkSgs3/4ooPxo8HaMqXm80CQB+r\n"
    "xbB3UlpOohcBwFK9mTrlMB6Cs9ql66KgwnlL9ukEhHHYozGatdXeoBCyhUsogdSU\n"
    "6/aSAFcvWEGtj7/vyJECQQCCS1lKgEXoNQPqONalvYhyyMZRXFLdD4gbwRPK1uXK\n"
    "Ypk3CkfFzOyfjeLcGPxXzq2qzuHzGTDxZ9PAepwX4RSk\n"
    "-----END RSA PRIVATE KEY-----\n";
/// The public half of biloxi.example.org's.
inline constexpr std::string_view kRfc4474BiloxiKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/obBYLRMPjskrAqWOiGPAUxI3\n"
    "/m2ti7ix4caqCTAuFX5cLegQ7nmquLOHfIhxVIqT2f06UA0lOo2NVofK9G7MTkVb\n"
    "VNiyAlLYUDEj7XWLDICf3ZHL6Fr/+CF7wrQ9r4kv7XiJKxodVCCd/DhCT9Gp+VDo\n"
    "e8HymqOW/KsneriyIwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

}  // namespace weir::tests
