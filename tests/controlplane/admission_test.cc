// Admission: rates by the clock, then whole INVITEs through call control.
#include "controlplane/admission.h"

#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1000 * kMs;

proto::IpAddress ip(const std::string& text) {
  return proto::parse_ip_address(text).value();
}

/// What became of some INVITEs.
struct Tally {
  int admitted = 0;
  int refused = 0;
  int ignored = 0;
  bool operator==(const Tally&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
  return out << tally.admitted << " admitted, " << tally.refused << " refused, " << tally.ignored << " ignored";
}

proto::settings::LimitSettings invites(std::uint32_t per_s_max, std::uint32_t per_s_per_source_max) {
  proto::settings::LimitSettings limits;
  limits.invites_per_s_max = per_s_max;
  limits.invites_per_s_per_source_max = per_s_per_source_max;
  return limits;
}

Tally decide(Admission& admission, int requests, std::uint64_t now_ns, const std::string& source,
             RequestKind kind = RequestKind::kInvite) {
  Tally tally;
  for (int i = 0; i < requests; ++i) {
    const sip::AdmissionVerdict decision = admission.decide(now_ns, kind, ip(source));
    ++(decision == sip::AdmissionVerdict::kAdmitted  ? tally.admitted
       : decision == sip::AdmissionVerdict::kRefused ? tally.refused
                                                     : tally.ignored);
  }
  return tally;
}

TEST(Admission, ASourceHasASecondsWorthThenAsMuchRefusalThenSilence) {
  const proto::settings::LimitSettings limits = invites(0, 10);
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 100, 5 * kSecond, "198.18.1.2"), (Tally{10, 10, 80}));
  EXPECT_EQ(decide(admission, 100, 5 * kSecond + 100 * kMs, "198.18.1.2"), (Tally{1, 1, 98})) << "100 ms later";
  EXPECT_EQ(decide(admission, 100, 9 * kSecond, "198.18.1.2"), (Tally{10, 10, 80})) << "no more than a second's worth";
  EXPECT_EQ(admission.counters().invites_refused, 21u);
  EXPECT_EQ(admission.counters().invites_ignored, 258u);
}

TEST(Admission, WhoKeepsToTheRateIsNeverRefused) {
  const proto::settings::LimitSettings limits = invites(0, 10);
  Admission admission(limits);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(decide(admission, 1, kSecond + i * 100 * kMs, "198.18.1.2"), (Tally{1, 0, 0})) << i;
  }
}

TEST(Admission, OneSourcesFloodIsNotAnothers) {
  const proto::settings::LimitSettings limits = invites(100, 10);
  Admission admission(limits);
  std::uint64_t now_ns = kSecond;
  for (int i = 0; i < 100; ++i, now_ns += 100 * kMs) {
    EXPECT_LE(decide(admission, 50, now_ns, "198.18.1.66").admitted, 10);
    ASSERT_EQ(decide(admission, 1, now_ns, "198.18.1.2"), (Tally{1, 0, 0})) << i;
  }
}

TEST(Admission, AllSourcesTogetherHaveALimitToo) {
  const proto::settings::LimitSettings limits = invites(20, 10);
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 10, kSecond, "198.18.1.1"), (Tally{10, 0, 0}));
  EXPECT_EQ(decide(admission, 10, kSecond, "198.18.1.2"), (Tally{10, 0, 0}));
  EXPECT_EQ(decide(admission, 20, kSecond, "198.18.1.3"), (Tally{0, 10, 10}));
}

TEST(Admission, ZeroIsNoLimit) {
  const proto::settings::LimitSettings limits = invites(0, 0);
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 10'000, kSecond, "198.18.1.2"), (Tally{10'000, 0, 0}));
}

TEST(Admission, ASourceThatIsStillSpendingIsRememberedAcrossTurns) {
  const proto::settings::LimitSettings limits = invites(0, 10);
  Admission admission(limits);
  // Ten at the end of one turn of a second; the next turn does not begin with ten more.
  EXPECT_EQ(decide(admission, 1, kSecond, "198.18.1.2"), (Tally{1, 0, 0}));
  EXPECT_EQ(decide(admission, 100, 2 * kSecond - kMs, "198.18.1.2").admitted, 10);
  EXPECT_EQ(decide(admission, 100, 2 * kSecond + kMs, "198.18.1.2").admitted, 0);
}

TEST(Admission, MoreSourcesThanItRemembersAreHeldToTheLimitOfAll) {
  const proto::settings::LimitSettings limits = invites(5000, 10);
  Admission admission(limits);
  Tally tally;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const sip::AdmissionVerdict decision =
        admission.decide(kSecond, RequestKind::kInvite, proto::IpAddress::from_ipv4(0xc6120000u + i));
    tally.admitted += decision == sip::AdmissionVerdict::kAdmitted ? 1 : 0;
  }
  EXPECT_EQ(tally.admitted, 5000);
}

TEST(Admission, AnIpv6SourceIsItsNetwork) {
  const proto::settings::LimitSettings limits = invites(0, 10);
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 10, kSecond, "2001:2:0:1::1"), (Tally{10, 0, 0}));
  EXPECT_EQ(decide(admission, 1, kSecond, "2001:2:0:1::2"), (Tally{0, 1, 0}));
  EXPECT_EQ(decide(admission, 1, kSecond, "2001:2:0:2::1"), (Tally{1, 0, 0}));
}

TEST(Admission, EachKindOfRequestHasLimitsOfItsOwn) {
  proto::settings::LimitSettings limits = invites(0, 10);
  limits.registers_per_s_per_source_max = 20;
  limits.requests_per_s_per_source_max = 5;
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 100, kSecond, "198.18.1.2", RequestKind::kOther), (Tally{5, 5, 90}));
  EXPECT_EQ(decide(admission, 100, kSecond, "198.18.1.2", RequestKind::kRegister), (Tally{20, 20, 60}));
  EXPECT_EQ(decide(admission, 100, kSecond, "198.18.1.2", RequestKind::kInvite), (Tally{10, 10, 80}));
  EXPECT_EQ(admission.counters().invites_refused, 10u);
  EXPECT_EQ(admission.counters().requests_refused, 25u);
  EXPECT_EQ(admission.counters().requests_ignored, 150u);
}

TEST(Admission, LimitsThatChangeHoldFromThenOn) {
  proto::settings::LimitSettings limits = invites(0, 10);
  Admission admission(limits);
  EXPECT_EQ(decide(admission, 20, kSecond, "198.18.1.2").admitted, 10);
  limits.invites_per_s_per_source_max = 0;
  EXPECT_EQ(decide(admission, 20, kSecond, "198.18.1.2").admitted, 20);
}

TEST(Admission, WhatIsPartOfADialogIsOfNoKind) {
  sip::Message request = sip::Message::request("OPTIONS", "sip:h");
  request.add_header(sip::HeaderId::kTo, "<sip:h>");
  EXPECT_EQ(kind_of(request), RequestKind::kOther);
  request.set_header(sip::HeaderId::kTo, "<sip:h>;tag=1");
  EXPECT_EQ(kind_of(request), std::nullopt);
  EXPECT_EQ(kind_of(sip::Message::request("INVITE", "sip:h")), RequestKind::kInvite);
  EXPECT_EQ(kind_of(sip::Message::request("REGISTER", "sip:h")), RequestKind::kRegister);
  EXPECT_EQ(kind_of(sip::Message::request("NEWONE", "sip:h")), RequestKind::kOther);
}

}  // namespace
}  // namespace weir::controlplane

namespace weir::tests {
namespace {

constexpr const char* kThreeASecond = "[limits]\ninvites_per_s_per_source_max = 3\n";

/// An INVITE of its own call, which no route takes.
RequestText stray_invite(int number) {
  RequestText request;
  request.uri = "sip:nobody@198.18.1.1";
  request.branch = "z9hG4bKstray" + std::to_string(number);
  request.cseq = static_cast<std::uint32_t>(number);
  request.body = plain_sdp("198.18.1.2", 40000);
  return request;
}

TEST(CallAdmission, OverTheLimitIsA503WithRetryAfterThatKeepsNothing) {
  CallLab lab(kThreeASecond);
  for (int i = 1; i <= 9; ++i) lab.caller_sends(stray_invite(i));
  for (int i = 1; i <= 3; ++i) (void)lab.expect(kCallers, "404");
  for (int i = 4; i <= 6; ++i) {
    const sip::Message refusal = lab.expect(kCallers, "503");
    EXPECT_EQ(refusal.header(sip::HeaderId::kRetryAfter), "5");
  }
  EXPECT_TRUE(lab.silent(kCallers)) << "far over the limit there is no answer";
  EXPECT_EQ(lab.control().admission_counters().invites_refused, 3u);
  EXPECT_EQ(lab.control().admission_counters().invites_ignored, 3u);
  EXPECT_EQ(lab.control().counters().calls_refused, 3u);
  lab.advance(80'000);
  EXPECT_TRUE(lab.control().idle());
}

TEST(CallAdmission, AFloodOfOptionsIsRefusedToo) {
  CallLab lab("[limits]\nrequests_per_s_per_source_max = 3\n");
  for (int i = 1; i <= 9; ++i) {
    RequestText options = stray_invite(i);
    options.method = "OPTIONS";
    options.body = "";
    lab.caller_sends(options);
  }
  for (int i = 1; i <= 3; ++i) (void)lab.expect(kCallers, "200");
  for (int i = 4; i <= 6; ++i) (void)lab.expect(kCallers, "503");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_EQ(lab.control().admission_counters().requests_refused, 3u);
}

TEST(CallAdmission, RepetitionsOfAKnownInviteAreNotCounted) {
  CallLab lab(kThreeASecond);
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  for (int i = 0; i < 50; ++i) lab.caller_sends(invite);
  (void)lab.expect(kCallees, "INVITE");
  EXPECT_EQ(lab.control().admission_counters().invites_refused, 0u);
  EXPECT_EQ(lab.control().admission_counters().invites_ignored, 0u);
}

TEST(CallAdmission, CallsInProgressGoOnWhileTheirSourceIsOverTheLimit) {
  CallLab lab(kThreeASecond);
  lab.establish();
  for (int i = 10; i < 40; ++i) lab.caller_sends(stray_invite(i));
  while (!lab.silent(kCallers)) (void)lab.next(kCallers);
  RequestText again = lab.in_dialog("INVITE", 50);
  again.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(again);
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 50));
  lab.caller_sends(lab.in_dialog("BYE", 51));
  (void)lab.expect(kCallers, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  lab.callee_answers(bye, 200);
  lab.advance(80'000);
  EXPECT_TRUE(lab.control().idle());
}

}  // namespace
}  // namespace weir::tests
