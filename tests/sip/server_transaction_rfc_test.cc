// RFC 3261 figures 7 and 8, figure 7 as RFC 6026 corrects it: every arrow, and that there is no other. The repeating of
// a 2xx: section 13.3.1.4.
#include <gtest/gtest.h>

#include "sip/accept_retransmitter.h"
#include "sip/server_invite_transaction.h"
#include "sip/server_transaction.h"
#include "tests/sip/machine_rows.h"

namespace weir::sip {
namespace {

using Invite = ServerInviteTransaction;
using Plain = ServerTransaction;
using Ms = std::vector<std::uint64_t>;
constexpr TimerSettings kSettings;

std::vector<StateRows<Invite::State>> invite_figure(const std::string& g, const std::string& i) {
  using enum Invite::State;
  std::vector<StateRows<Invite::State>> figure = {
      {kProceeding, {"start"}, {{"timer Trying", "100", kProceeding}}},
      {kProceeding, {"start", "timer Trying"}, {{"request", "100", kProceeding}}},
      {kProceeding, {"start", "out 180"}, {{"request", "response", kProceeding}}},
      {kCompleted,
       {"start", "out 486"},
       {{"request", "response", kCompleted},
        {"ack", "-G -H I=" + i, kConfirmed},
        {"timer G", "response G=1000", kCompleted},
        {"timer H", "timeout end", kTerminated},
        {"error", "error", kCompleted}}},
      {kConfirmed, {"start", "out 486", "ack"}, {{"timer I", "end", kTerminated}}},
      {kAccepted,
       {"start", "out 200"},
       {{"ack", "up", kAccepted},
        {"out 200", "response", kAccepted},
        {"out 299", "response", kAccepted},
        {"timer L", "end", kTerminated},
        {"error", "error", kAccepted}}},
      {kTerminated, {"start", "out 200", "timer L"}, {}},
  };
  for (auto* rows : {&figure[0], &figure[1], &figure[2]}) {
    rows->arrows.push_back({"error", "error", kProceeding});
    for (const char* status : {"100", "199"}) {
      rows->arrows.push_back({std::string("out ") + status, "response -Trying", kProceeding});
    }
    for (const char* status : {"200", "299"}) {
      rows->arrows.push_back({std::string("out ") + status, "response -Trying L=32000", kAccepted});
    }
    for (const char* status : {"300", "486", "503", "699"}) {
      rows->arrows.push_back({std::string("out ") + status, "response -Trying " + g + "H=32000", kCompleted});
    }
  }
  return figure;
}

std::vector<StateRows<Plain::State>> plain_figure(const std::string& j) {
  using enum Plain::State;
  std::vector<StateRows<Plain::State>> figure = {
      {kTrying, {"start"}, {}},
      {kProceeding, {"start", "out 100"}, {{"request", "response", kProceeding}, {"error", "error end", kTerminated}}},
      {kCompleted,
       {"start", "out 200"},
       {{"request", "response", kCompleted}, {"error", "error end", kTerminated}, {"timer J", "end", kTerminated}}},
      {kTerminated, {"start", "out 200", "timer J"}, {}},
  };
  for (auto* rows : {&figure[0], &figure[1]}) {
    for (const char* status : {"100", "199"}) {
      rows->arrows.push_back({std::string("out ") + status, "response", kProceeding});
    }
    for (const char* status : {"200", "299", "300", "486", "503", "699"}) {
      rows->arrows.push_back({std::string("out ") + status, "response J=" + j, kCompleted});
    }
  }
  return figure;
}

TEST(ServerInviteFigure, EveryArrowOverAnUnreliableTransport) {
  check_figure<Invite>(kSettings, Reliability::kUnreliable, invite_figure("G=500 ", "5000"));
}

TEST(ServerInviteFigure, EveryArrowOverAReliableTransport) {
  auto figure = invite_figure("", "0");
  check_figure<Invite>(kSettings, Reliability::kReliable, figure);
}

TEST(ServerInviteFigure, TheUserHas200MillisecondsBeforeTheTransactionSays100) {
  Invite machine(kSettings, Reliability::kUnreliable);
  EXPECT_EQ(text_of(machine.start()), "Trying=200 up");
}

TEST(ServerInviteFigure, The100GoesFirstWhereNoDelayIsSet) {
  Invite machine({.trying_ns = 0}, Reliability::kUnreliable);
  EXPECT_EQ(text_of(machine.start()), "100 up");
  EXPECT_EQ(text_of(machine.on_request()), "100");
}

TEST(ServerInviteFigure, TheLatestProvisionalResponseAnswersARepeatedInvite) {
  Invite machine(kSettings, Reliability::kUnreliable);
  machine.start();
  machine.on_timer(Timer::kTrying);
  machine.respond(183);
  EXPECT_EQ(text_of(machine.on_request()), "response");
}

TEST(ServerInviteFigure, TimerGDoublesUpToT2) {
  Invite machine(kSettings, Reliability::kUnreliable);
  machine.start();
  const Actions first = machine.respond(486);
  EXPECT_EQ(intervals_ms(machine, first, Timer::kG, 6), (Ms{500, 1000, 2000, 4000, 4000, 4000}));
}

TEST(ServerFigure, EveryArrowOverAnUnreliableTransport) {
  check_figure<Plain>(kSettings, Reliability::kUnreliable, plain_figure("32000"));
}

TEST(ServerFigure, EveryArrowOverAReliableTransport) {
  check_figure<Plain>(kSettings, Reliability::kReliable, plain_figure("0"));
}

TEST(ServerFigure, TheRequestGoesToTheUserAndNoTimerRuns) {
  Plain machine(kSettings, Reliability::kUnreliable);
  EXPECT_EQ(text_of(machine.start()), "up");
}

TEST(AcceptRetransmitter, RepeatsFromT1ToT2UntilTimerLAndThenMissesTheAck) {
  AcceptRetransmitter accept(kSettings);
  const Actions first = accept.start();
  EXPECT_EQ(text_of(first), "Accept=500");
  EXPECT_EQ(intervals_ms(accept, first, Timer::kAccept, 6), (Ms{500, 1000, 2000, 4000, 4000, 4000}));
  EXPECT_EQ(text_of(accept.on_timer(Timer::kL)), "-Accept no-ack");
  EXPECT_FALSE(accept.waiting());
  EXPECT_EQ(text_of(accept.on_timer(Timer::kL)), "");
}

TEST(AcceptRetransmitter, StopsForGoodAtTheAck) {
  AcceptRetransmitter accept(kSettings);
  EXPECT_EQ(text_of(accept.on_acknowledged()), "") << "before there is a 2xx";
  accept.start();
  EXPECT_EQ(text_of(accept.on_acknowledged()), "-Accept");
  EXPECT_EQ(text_of(accept.on_acknowledged()), "");
  EXPECT_EQ(text_of(accept.start()), "");
  EXPECT_EQ(text_of(accept.on_timer(Timer::kAccept)), "");
  EXPECT_EQ(text_of(accept.on_timer(Timer::kL)), "");
}

}  // namespace
}  // namespace weir::sip
