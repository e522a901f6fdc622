// Session timers (RFC 4028): who refreshes, what is too short, and what happens when nobody does.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

RequestText invite(const std::string& headers) {
  RequestText request;
  request.body = kCallerSdp;
  request.headers += headers;
  return request;
}

/// A call whose parties say this of session timers.
void establish(CallLab& lab, const std::string& caller, const std::string& callee) {
  lab.caller_sends(invite(caller));
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", callee);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
}

/// Until something is sent to that side, and not longer: nothing is repeated meanwhile. Seconds.
std::uint64_t wait(CallLab& lab, std::uint32_t realm) {
  const std::uint64_t start_ns = lab.now_ns;
  while (lab.silent(realm) && lab.now_ns - start_ns < 3'600'000'000'000) lab.advance(100);
  return (lab.now_ns - start_ns) / 1'000'000'000;
}

TEST(CallTimer, ACallerThatKnowsTimersRefreshesAndIsHungUpOnIfItDoesNot) {
  CallLab lab;
  establish(lab, "Supported: timer\r\nSession-Expires: 120\r\n", "");
  EXPECT_EQ(lab.answer->header(HeaderId::kSessionExpires), "120;refresher=uac");
  EXPECT_TRUE(lab.answer->lists(HeaderId::kRequire, "timer"));
  lab.advance(80'000);
  RequestText update = lab.in_dialog("UPDATE", 2);
  update.headers += "Session-Expires: 120;refresher=uac\r\nSupported: timer\r\n";
  lab.caller_sends(update);
  EXPECT_EQ(lab.expect(kCallers, "200").header(HeaderId::kSessionExpires), "120;refresher=uac");
  lab.advance(80'000);
  EXPECT_TRUE(lab.silent(kCallers));
  lab.advance(10'000);
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_EQ(bye.header(HeaderId::kReason), "SIP;cause=408;text=\"the caller has not refreshed the session\"");
}

TEST(CallTimer, OfACallerThatKnowsNoneWeRefresh) {
  CallLab lab("", "session_expires_s = 200");
  establish(lab, "", "");
  EXPECT_EQ(lab.answer->header(HeaderId::kSessionExpires), "200;refresher=uas");
  EXPECT_FALSE(lab.answer->lists(HeaderId::kRequire, "timer"));
  EXPECT_EQ(wait(lab, kCallers), 100u);
  const sip::Message refresh = lab.expect(kCallers, "INVITE");
  EXPECT_EQ(sdp_value(refresh.body(), "o="), sdp_value(lab.answer->body(), "o=")) << "nothing has changed";
  lab.caller_answers(refresh, 200, kCallerSdp);
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallTimer, TheCalleesAnswerSaysWhoRefreshes) {
  CallLab lab;
  establish(lab, "", "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\nAllow: UPDATE\r\n");
  EXPECT_TRUE(lab.callee_invite->lists(HeaderId::kSupported, "timer"));
  EXPECT_EQ(lab.callee_invite->header(HeaderId::kSessionExpires), "1800");
  EXPECT_EQ(wait(lab, kCallees), 150u);
  const sip::Message update = lab.expect(kCallees, "UPDATE");
  EXPECT_EQ(update.header(HeaderId::kSessionExpires), "300;refresher=uac");
  EXPECT_TRUE(update.body().empty());
  lab.callee_answers(update, 200, "", "callee", "Session-Expires: 300;refresher=uac\r\n");
  EXPECT_EQ(wait(lab, kCallees), 150u);
  const sip::Message next = lab.expect(kCallees, "UPDATE");
  lab.callee_answers(next, 481);
  (void)lab.expect(kCallers, "BYE");
}

TEST(CallTimer, AnIntervalThatIsTooSmallIs422) {
  CallLab lab;
  lab.caller_sends(invite("Supported: timer\r\nSession-Expires: 30\r\n"));
  const sip::Message refusal = lab.expect(kCallers, "422");
  EXPECT_EQ(refusal.header(HeaderId::kMinSe), "90");
  EXPECT_TRUE(lab.silent(kCallees));
  lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallTimer, ARealmWithoutTimersAsksForNone) {
  CallLab lab("", "session_expires_s = 0");
  establish(lab, "", "");
  EXPECT_FALSE(lab.answer->has(HeaderId::kSessionExpires));
  lab.advance(850'000);
  EXPECT_TRUE(lab.silent(kCallers));
}

}  // namespace
}  // namespace weir::tests
