// RFC 3261 figures 5 and 6, figure 5 as RFC 6026 corrects it: every arrow, and that there is no other.
#include <gtest/gtest.h>

#include "sip/client_invite_transaction.h"
#include "sip/client_transaction.h"
#include "tests/sip/machine_rows.h"

namespace weir::sip {
namespace {

using Invite = ClientInviteTransaction;
using Plain = ClientTransaction;
using Ms = std::vector<std::uint64_t>;
constexpr TimerSettings kSettings;

std::vector<StateRows<Invite::State>> invite_figure(const std::string& d) {
  using enum Invite::State;
  const std::string accepted = "-A -B -Cancelled M=32000 up";
  const std::string rejected = "ack -A -B -Cancelled D=" + d + " up";
  return {
      {kCalling,
       {"start"},
       {{"in 100", "-A -B up", kProceeding},
        {"in 199", "-A -B up", kProceeding},
        {"in 200", accepted, kAccepted},
        {"in 299", accepted, kAccepted},
        {"in 300", rejected, kCompleted},
        {"in 486", rejected, kCompleted},
        {"in 503", rejected, kCompleted},
        {"in 699", rejected, kCompleted},
        {"timer A", "request A=1000", kCalling},
        {"timer B", "timeout end", kTerminated},
        {"error", "error end", kTerminated}}},
      {kProceeding,
       {"start", "in 180"},
       {{"in 100", "up", kProceeding},
        {"in 199", "up", kProceeding},
        {"in 200", accepted, kAccepted},
        {"in 299", accepted, kAccepted},
        {"in 300", rejected, kCompleted},
        {"in 486", rejected, kCompleted},
        {"in 503", rejected, kCompleted},
        {"in 699", rejected, kCompleted},
        {"cancelled", "Cancelled=32000", kProceeding},
        {"timer Cancelled", "timeout end", kTerminated}}},
      {kCompleted,
       {"start", "in 180", "in 404"},
       {{"in 300", "ack", kCompleted},
        {"in 486", "ack", kCompleted},
        {"in 503", "ack", kCompleted},
        {"in 699", "ack", kCompleted},
        {"timer D", "end", kTerminated},
        {"error", "error end", kTerminated}}},
      {kAccepted,
       {"start", "in 200"},
       {{"in 200", "up", kAccepted}, {"in 299", "up", kAccepted}, {"timer M", "end", kTerminated}}},
      {kTerminated, {"start", "timer B"}, {}},
  };
}

std::vector<StateRows<Plain::State>> plain_figure(const std::string& k) {
  using enum Plain::State;
  const std::string completed = "-E -F K=" + k + " up";
  std::vector<StateRows<Plain::State>> figure = {
      {kTrying,
       {"start"},
       {{"in 100", "up", kProceeding},
        {"in 199", "up", kProceeding},
        {"timer E", "request E=1000", kTrying},
        {"timer F", "timeout end", kTerminated},
        {"error", "error end", kTerminated}}},
      {kProceeding,
       {"start", "in 100"},
       {{"in 100", "up", kProceeding},
        {"in 199", "up", kProceeding},
        {"timer E", "request E=4000", kProceeding},
        {"timer F", "timeout end", kTerminated},
        {"error", "error end", kTerminated}}},
      {kCompleted, {"start", "in 200"}, {{"timer K", "end", kTerminated}}},
      {kTerminated, {"start", "timer F"}, {}},
  };
  for (auto* rows : {&figure[0], &figure[1]}) {
    for (const char* status : {"200", "299", "300", "486", "503", "699"}) {
      rows->arrows.push_back({std::string("in ") + status, completed, kCompleted});
    }
  }
  return figure;
}

TEST(ClientInviteFigure, EveryArrowOverAnUnreliableTransport) {
  check_figure<Invite>(kSettings, Reliability::kUnreliable, invite_figure("32000"));
}

TEST(ClientInviteFigure, EveryArrowOverAReliableTransport) {
  check_figure<Invite>(kSettings, Reliability::kReliable, invite_figure("0"));
}

TEST(ClientInviteFigure, TheInviteIsSentAndOnlyAnUnreliableTransportRepeatsIt) {
  Invite unreliable(kSettings, Reliability::kUnreliable);
  EXPECT_EQ(text_of(unreliable.start()), "request A=500 B=32000");
  Invite reliable(kSettings, Reliability::kReliable);
  EXPECT_EQ(text_of(reliable.start()), "request B=32000");
}

TEST(ClientInviteFigure, TimerADoublesWithoutBound) {
  Invite machine(kSettings, Reliability::kUnreliable);
  const Actions first = machine.start();
  EXPECT_EQ(intervals_ms(machine, first, Timer::kA, 7), (Ms{500, 1000, 2000, 4000, 8000, 16000, 32000}));
}

TEST(ClientInviteFigure, TimerDIsAtLeast32SecondsHoweverShortT1Is) {
  const TimerSettings quick{.t1_ns = 10 * kNsPerMs};
  EXPECT_EQ(quick.d_ns(Reliability::kUnreliable), 32'000 * kNsPerMs);
  const TimerSettings slow{.t1_ns = 1000 * kNsPerMs};
  EXPECT_EQ(slow.d_ns(Reliability::kUnreliable), 64'000 * kNsPerMs);
}

TEST(ClientFigure, EveryArrowOverAnUnreliableTransport) {
  check_figure<Plain>(kSettings, Reliability::kUnreliable, plain_figure("5000"));
}

TEST(ClientFigure, EveryArrowOverAReliableTransport) {
  check_figure<Plain>(kSettings, Reliability::kReliable, plain_figure("0"));
}

TEST(ClientFigure, TheRequestIsSentAndOnlyAnUnreliableTransportRepeatsIt) {
  Plain unreliable(kSettings, Reliability::kUnreliable);
  EXPECT_EQ(text_of(unreliable.start()), "request E=500 F=32000");
  Plain reliable(kSettings, Reliability::kReliable);
  EXPECT_EQ(text_of(reliable.start()), "request F=32000");
}

TEST(ClientFigure, TimerEDoublesUpToT2) {
  Plain machine(kSettings, Reliability::kUnreliable);
  const Actions first = machine.start();
  EXPECT_EQ(intervals_ms(machine, first, Timer::kE, 7), (Ms{500, 1000, 2000, 4000, 4000, 4000, 4000}));
}

}  // namespace
}  // namespace weir::sip
