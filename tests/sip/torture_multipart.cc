// RFC 4475 section 3.1.1.11.
#include "tests/sip/torture_multipart.h"

#include "sip/text.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

constexpr std::string_view kHead = R"(MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport
Max-Forwards: 70
Route: <sip:127.0.0.1:5080>
Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=
Contact: <sip:fluffy@127.0.0.1:5070>
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0dcc9
Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=7a9cbec02ceef655
Date: Sat, 15 Oct 2005 04:44:56 GMT
User-Agent: SIPimp.org/0.2.5 (curses)
Content-Length: 553

--7a9cbec02ceef655
Content-Type: text/plain
Content-Transfer-Encoding: binary

Hello
--7a9cbec02ceef655
Content-Type: application/octet-stream
Content-Transfer-Encoding: binary

)";

constexpr std::string_view kSignatureHex =
    "3082015206092A864886F70D010702A08201433082013F0201013109300706052B0E03021A300B06092A864886F70D01"
    "0701318201203082011C020101307C3070310B3009060355040613025553311330110603550408130A43616C69666F72"
    "6E69613111300F0603550407130853616E204A6F7365310E300C060355040A1305736970697431293027060355040B13"
    "205369706974205465737420436572746966696361746520417574686F7269747902080195007102330113300706052B"
    "0E03021A300D06092A864886F70D01010105000481808EF466F948F0522DD2E5978E9D95AAE9F2FE15A06659716292E8"
    "DA2AA8D8350A68CEFFAE3CBD2BFF1675DDD5648E593DD64728F26220F7E941749E330D9A15EDABDB93D10C42102E7B72"
    "89D29CC0C9AE2EFBC7C0CFF9172F3B027E4FC027E1546DE4B6AA3ABB3E66CCCB5DD6C64B8383149CB8E6FF182D944FE5"
    "7B65BC99D005";

}  // namespace

std::string torture_signature() {
  std::string bytes;
  for (std::size_t i = 0; i < kSignatureHex.size(); i += 2) {
    bytes += static_cast<char>(*hex_value(kSignatureHex[i]) << 4 | *hex_value(kSignatureHex[i + 1]));
  }
  return bytes;
}

std::string torture_multipart() {
  return crlf(kHead) + torture_signature() + "\r\n--7a9cbec02ceef655--\r\n";
}

}  // namespace weir::sip
