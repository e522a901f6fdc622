// Requests that belong to no dialog and make none.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

TEST(CallOutside, EachMethodHasItsAnswerAndNobodyElseHearsOfIt) {
  const std::tuple<const char*, std::string, const char*, const char*> kRows[] = {
      {"OPTIONS", "", "200", "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, NOTIFY, REFER"},
      {"MESSAGE", "Content-Type: text/plain\r\n", "405", "INVITE, ACK, CANCEL, OPTIONS"},
      {"SUBSCRIBE", "Event: presence\r\n", "405", "INVITE, ACK, CANCEL, OPTIONS"},
      {"REGISTER", "", "405", "INVITE, ACK, CANCEL, OPTIONS"},
      {"PUBLISH", "Event: presence\r\n", "405", "INVITE, ACK, CANCEL, OPTIONS"},
      {"NOTIFY", "Event: refer\r\nSubscription-State: active\r\n", "481", ""},
      {"INFO", "", "481", ""},
      {"UPDATE", "", "481", ""},
      {"BYE", "", "481", ""},
      {"PRACK", "RAck: 1 1 INVITE\r\n", "481", ""},
      {"REFER", "Refer-To: <sip:rtp-5070@198.18.1.1>\r\n", "403", ""},
      {"FOO", "", "501", "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, NOTIFY, REFER"},
  };
  for (const auto& [method, headers, status, allow] : kRows) {
    SCOPED_TRACE(method);
    CallLab lab;
    RequestText request;
    request.method = method;
    request.headers += headers;
    lab.caller_sends(request);
    const sip::Message response = lab.expect(kCallers, status);
    EXPECT_EQ(response.header(HeaderId::kAllow).value_or(""), allow);
    EXPECT_TRUE(lab.silent(kCallers));
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.nothing_left());
  }
}

}  // namespace
}  // namespace weir::tests
