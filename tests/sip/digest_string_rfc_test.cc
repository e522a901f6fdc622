// RFC 4474 sections 9 and 10: the strings of its own examples. That its signatures are over them: rsa_sha1_rfc_test.cc.
#include "sip/digest_string.h"

#include <gtest/gtest.h>

#include "sip/parse.h"
#include "tests/support/rfc4474.h"

namespace weir::sip {
namespace {

Message parsed(std::string_view text) {
  return parse_message(text).message();
}

TEST(DigestStringRfc, TheInviteOfSection10HasContactAndBody) {
  EXPECT_EQ(digest_string(parsed(tests::rfc4474_invite())), tests::rfc4474_invite_string());
}

TEST(DigestStringRfc, TheByeOfSection10HasNeither) {
  EXPECT_EQ(digest_string(parsed(tests::kRfc4474Bye)), std::string(tests::kRfc4474ByeString));
}

TEST(DigestStringRfc, EachByteIsAsTheRequestHasIt) {
  Message request = Message::request("INVITE", "sip:b@h");
  request.add_header(HeaderId::kFrom, "\"a <x>\" <SIP:Alice:pw@H.example:5060;a=B?c=d>;tag=1");
  request.add_header(HeaderId::kTo, "sip:b@h;x=y");
  request.add_header(HeaderId::kCallId, "c@d");
  request.add_header(HeaderId::kCSeq, "0007   INVITE");
  request.add_header(HeaderId::kContact, "<sip:one@h>;q=1, <sip:two@h>");
  EXPECT_EQ(digest_string(request), std::nullopt);
  request.add_header(HeaderId::kDate, "Thu, 21 Feb 2002 13:02:03 GMT");
  EXPECT_EQ(digest_string(request),
            "SIP:Alice:pw@H.example:5060;a=B?c=d|sip:b@h|c@d|0007 INVITE|Thu, 21 Feb 2002 13:02:03 GMT|sip:one@h|");
  request.remove_header(HeaderId::kTo);
  EXPECT_EQ(digest_string(request), std::nullopt);
}

}  // namespace
}  // namespace weir::sip
