// What others send in floods: a few lines, a few answers, and no more.
#include "controlplane/line_limits.h"

#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::controlplane {
namespace {

using tests::CallLab;
using tests::kCallers;

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(LineLimits, EachKindHasAFewLinesASecondAndTheRestIsCounted) {
  LineLimits limits;
  std::uint32_t written = 0;
  for (int i = 0; i < 100; ++i) written += limits.may(kSecond, LineKind::kMalformed) ? 1 : 0;
  EXPECT_EQ(written, LineLimits::kLinesPerS);
  EXPECT_EQ(limits.left_out(LineKind::kMalformed), 100 - LineLimits::kLinesPerS);
  EXPECT_TRUE(limits.may(kSecond, LineKind::kOfferRefused)) << "another kind has its own";
  EXPECT_FALSE(limits.may(kSecond + kSecond / 10, LineKind::kMalformed));
  EXPECT_TRUE(limits.may(kSecond + kSecond / LineLimits::kLinesPerS, LineKind::kMalformed));
}

TEST(LineLimits, WhatWasLeftOutIsSaidOnce) {
  LineLimits limits;
  for (int i = 0; i < 100; ++i) (void)limits.may(kSecond, LineKind::kMalformed);
  testing::internal::CaptureStdout();
  limits.report();
  limits.report();
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_NE(said.find("event=\"lines left out\" of=malformed lines=95"), std::string::npos) << said;
  EXPECT_EQ(said.find("lines left out"), said.rfind("lines left out"));
}

/// A CSeq of another method than the start line's.
std::string malformed(int number) {
  return "OPTIONS sip:weir@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bK" +
         std::to_string(number) +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@198.18.1.2>;tag=a\r\nTo: <sip:weir@198.18.1.1>\r\nCall-ID: 1\r\n"
         "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}

TEST(LineLimits, AFloodOfMalformedMessagesIsAnsweredAsOthersAreAndThenNot) {
  CallLab lab;  // 50 requests a second of each source, as in the settings
  for (int i = 0; i < 500; ++i) lab.deliver(kCallers, malformed(i));
  int answers = 0;
  for (; !lab.silent(kCallers); ++answers) EXPECT_EQ(lab.next(kCallers).status(), 400);
  EXPECT_EQ(answers, 50);
  EXPECT_EQ(lab.control().admission_counters().malformed_ignored, 450u);
}

TEST(LineLimits, MalformedMessagesTakeNothingFromGoodOnes) {
  CallLab lab;
  for (int i = 0; i < 500; ++i) lab.deliver(kCallers, malformed(i));
  while (!lab.silent(kCallers)) (void)lab.next(kCallers);
  tests::RequestText options;
  options.method = "OPTIONS";
  lab.caller_sends(options);
  (void)lab.expect(kCallers, "200");
}

}  // namespace
}  // namespace weir::controlplane
