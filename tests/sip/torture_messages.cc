// RFC 4475 section 3.1.1 (valid), 3.3 and 3.4 (beyond syntax). The invalid ones are in torture_invalid.cc, mpart01 in
// torture_multipart.cc, RFC 5118's in torture_ipv6.cc.
#include "tests/sip/torture_messages.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/sip/torture_invalid.h"
#include "tests/sip/torture_ipv6.h"
#include "tests/sip/torture_multipart.h"

namespace weir::sip {
namespace {

std::string repeat(std::string_view word, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += word;
  return out;
}

/// The body of wsinv.
std::string wsinv_sdp() {
  return "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
         "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n";
}

constexpr std::string_view kWsinv = R"(INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

)";

constexpr std::string_view kIntmethStart =
    "!interesting-Method0123456789_*+`.%indeed'~ "
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com "
    "SIP/2.0\n"
    "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
    "To: \"BEL:\\\x07 NUL:\\";
constexpr std::string_view kIntmethRest =
    " DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n"
    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
    "\"\xd1\x80\xd0\xb0\xd0\xb1\xd0\xbe\xd1\x82\xd0\xb0\xd1\x8e\xd1\x89\xd0\xb8\xd0\xb9\";tag=_token~1'+`*%!-.\n"
    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
    "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
    "Max-Forwards: 255\n"
    "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb\n"
    "Content-Length: 0\n\n";

constexpr std::string_view kEsc01 = R"(INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

)";

constexpr std::string_view kEscnull = R"(REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

)";

constexpr std::string_view kEsc02 = R"(RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

)";

constexpr std::string_view kLwsdisp = R"(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

)";

std::string longreq() {
  const std::string caller = repeat("amazinglylongcallername", 5);
  std::string text = "INVITE sip:user@example.com SIP/2.0\nTo: \"I have a user name of " + repeat("extreme", 10) +
                     " proportion\"<sip:user@example.com:6000;unknownparam1=very" + repeat("long", 20) +
                     "value;longparam" + repeat("name", 25) + "=shortvalue;very" + repeat("long", 25) +
                     "ParameterNameWithNoValue>\nF: sip:" + caller + "@example.net;tag=1" + repeat("298", 50) +
                     "2424;unknownheaderparam" + repeat("name", 20) + "=unknowheaderparam" + repeat("value", 15) +
                     ";unknownValueless" + repeat("paramname", 10) + "\nCall-ID: longreq.one" + repeat("really", 20) +
                     "longcallid\nCSeq: 3882340 INVITE\nUnknown-" + repeat("Long", 20) + "-Name: unknown-" +
                     repeat("long", 20) + "-value; unknown-" + repeat("long", 20) + "-parameter-name = unknown-" +
                     repeat("long", 20) + "-parameter-value\n";
  constexpr std::string_view kNames[] = {"Via:", "v:",   "V:",  "Via:", "ViA:", "VIa:", "VIA:",  "via:",  "viA:",
                                         "vIa:", "vIA:", "V :", "v :",  "V  :", "v  :", "Via :", "Via  :"};
  int host = 33;
  for (const std::string_view name : kNames) {
    text.append(name).append(" SIP/2.0/TCP sip").append(std::to_string(host--)).append(".example.com\n");
  }
  while (host > 0) text.append("Via: SIP/2.0/TCP sip").append(std::to_string(host--)).append(".example.com\n");
  text += "Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very" + repeat("long", 50) +
          "branchvalue\nMax-Forwards: 70\nContact: <sip:" + caller +
          "@host5.example.net>\nContent-Type: application/sdp\nl: 150\n\n";
  return text;
}

constexpr std::string_view kDblreq = R"(REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234
Content-Type: application/sdp
Content-Length: 150

)";

constexpr std::string_view kSemiuri = R"(OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

)";

constexpr std::string_view kTransports = R"(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

)";

constexpr std::string_view kUnreason =
    "SIP/2.0 200 = 2**3 * 5**2 "
    "\xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe "
    "\xd0\xb4\xd0\xb5\xd0\xb2\xd1\x8f\xd0\xbd\xd0\xbe\xd1\x81\xd1\x82\xd0\xbe "
    "\xd0\xb4\xd0\xb5\xd0\xb2\xd1\x8f\xd1\x82\xd1\x8c - "
    "\xd0\xbf\xd1\x80\xd0\xbe\xd1\x81\xd1\x82\xd0\xbe\xd0\xb5\n"
    "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
    "Call-ID: unreason.1234ksdfak3j2erwedfsASdf\n"
    "CSeq: 35 INVITE\n"
    "From: sip:user@example.com;tag=11141343\n"
    "To: sip:user@example.edu;tag=2229\n"
    "Content-Length: 154\n"
    "Content-Type: application/sdp\n"
    "Contact: <sip:user@host198.example.com>\n\n";

constexpr std::string_view kNoreason = R"(SIP/2.0 100 
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

)";

constexpr std::string_view kBadbranch = R"(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

)";

constexpr std::string_view kUnkscm = R"(OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

)";

constexpr std::string_view kNovelsc = R"(OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: novelsc.asdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

)";

constexpr std::string_view kUnksm2 = R"(REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: unksm2.daksdj@hyphenated-host.example.com
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw
Contact: <name:John_Smith>
l: 0

)";

constexpr std::string_view kBext01 = R"(OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: bext01.0ha0isndaksdj
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw
Content-Length: 0

)";

constexpr std::string_view kInvut = R"(INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: invut.0ha0isndaksdjadsfij34n23d
CSeq: 235448 INVITE
Via: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw
Content-Type: application/unknownformat
Content-Length: 40

<audio>
 <pcmu port="443"/>
</audio>
)";

constexpr std::string_view kRegaut01 = R"(REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=87321hj23128
Max-Forwards: 8
Call-ID: regaut01.0ha0isndaksdj
CSeq: 9338 REGISTER
Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw
Authorization: NoOneKnowsThisScheme opaque-data=here
Content-Length:0

)";

constexpr std::string_view kZeromf = R"(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas
CSeq: 39234321 OPTIONS
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i
Max-Forwards: 0
Content-Length: 0

)";

constexpr std::string_view kCparam01 = R"(REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
l: 0

)";

constexpr std::string_view kCparam02 = R"(REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=838293
To: sip:watson@example.com
Call-ID: cparam02.70710@saturn.example.com
CSeq: 3 REGISTER
Contact: <sip:+19725552222@gw1.example.net;unknownparam>
l: 0

)";

constexpr std::string_view kRegescrt = R"(REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: regescrt.k345asrl3fdbv@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

)";

constexpr std::string_view kSdp01 = R"(INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: sdp01.ndaksdj9342dasdd
Accept: text/nobodyKnowsThis
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw
Content-Length: 150
Content-Type: application/sdp

)";

constexpr std::string_view kInv2543 = R"(INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
s=-
c=IN IP4 192.0.2.5
t=0 0
m=audio 49217 RTP/AVP 0
)";

constexpr std::string_view kBcast = R"(SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host28.example.com>

)";

std::map<std::string, std::string, std::less<>> all_messages() {
  std::map<std::string, std::string, std::less<>> all = torture_invalid();
  all.merge(torture_ipv6());
  all["mpart01"] = torture_multipart();
  all["wsinv"] = crlf(kWsinv) + wsinv_sdp();
  all["intmeth"] = crlf(kIntmethStart) + std::string(1, '\0') + crlf(kIntmethRest);
  all["esc01"] = crlf(kEsc01) + torture_sdp("192.0.2.1");
  all["escnull"] = crlf(kEscnull);
  all["esc02"] = crlf(kEsc02);
  all["lwsdisp"] = crlf(kLwsdisp);
  all["longreq"] = crlf(longreq()) + torture_sdp("192.0.2.1");
  all["dblreq"] = crlf(kDblreq) + torture_sdp("192.0.2.15");
  all["semiuri"] = crlf(kSemiuri);
  all["transports"] = crlf(kTransports);
  all["unreason"] = crlf(kUnreason) + torture_sdp("192.0.2.198");
  all["noreason"] = crlf(kNoreason);
  all["badbranch"] = crlf(kBadbranch);
  all["unkscm"] = crlf(kUnkscm);
  all["novelsc"] = crlf(kNovelsc);
  all["unksm2"] = crlf(kUnksm2);
  all["bext01"] = crlf(kBext01);
  all["invut"] = crlf(kInvut);
  all["regaut01"] = crlf(kRegaut01);
  all["zeromf"] = crlf(kZeromf);
  all["cparam01"] = crlf(kCparam01);
  all["cparam02"] = crlf(kCparam02);
  all["regescrt"] = crlf(kRegescrt);
  all["sdp01"] = crlf(kSdp01) + torture_sdp("192.0.2.5");
  all["inv2543"] = crlf(kInv2543);
  all["bcast"] = crlf(kBcast) + torture_sdp("192.0.2.198");
  return all;
}

}  // namespace

std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string torture_sdp(std::string_view address, std::string_view time) {
  const std::string ip(address);
  return "v=0\r\no=mhandley 29739 7272939 IN IP4 " + ip + "\r\ns=-\r\nc=IN IP4 " + ip + "\r\nt=" + std::string(time) +
         "\r\nm=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n";
}

namespace {

const std::map<std::string, std::string, std::less<>>& messages() {
  static const std::map<std::string, std::string, std::less<>> kAll = all_messages();
  return kAll;
}

}  // namespace

std::string torture(std::string_view name) {
  const auto found = messages().find(name);
  if (found == messages().end()) {
    ADD_FAILURE() << "no message " << name;
    return {};
  }
  return found->second;
}

std::vector<std::string> torture_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : messages()) names.push_back(name);
  return names;
}

}  // namespace weir::sip
