// The client side of the transaction layer, whole, in virtual time.
#include <gtest/gtest.h>

#include "tests/sip/transaction_lab.h"

namespace weir::sip {
namespace {

class ClientLab : public TransactionLab {
 protected:
  const Hop udp = hop_of("198.18.0.2", 5060);
  const Hop tcp = hop_of("198.18.0.2", 5060, Reliability::kReliable);
  const Message invite = request_of({});
  const Message options = request_of({.method = "OPTIONS"});

  void answer(const Message& request, std::uint16_t status, std::string_view tag = "bob") {
    receive(make_response(request, status, "", tag), udp);
  }
};

TEST_F(ClientLab, AnUnansweredInviteIsRepeatedAtTimerAAndTimesOutAtTimerB) {
  request(invite, udp);
  run_to_ms(31'999);
  EXPECT_EQ(sends(), "0 INVITE, 500 INVITE, 1500 INVITE, 3500 INVITE, 7500 INVITE, 15500 INVITE, 31500 INVITE");
  EXPECT_EQ(heard(), "");
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 timeout, t1 terminated");
  EXPECT_EQ(sends(), "");
  expect_all_gone();
}

TEST_F(ClientLab, OverAReliableTransportNothingIsRepeated) {
  request(invite, tcp);
  run_to_ms(32'000);
  EXPECT_EQ(sends(), "0 INVITE");
  EXPECT_EQ(heard(), "t1 timeout, t1 terminated");
  expect_all_gone();
}

TEST_F(ClientLab, AnUnansweredRequestIsRepeatedAtTimerEAndTimesOutAtTimerF) {
  request(options, udp);
  run_to_ms(32'000);
  EXPECT_EQ(sends(),
            "0 OPTIONS, 500 OPTIONS, 1500 OPTIONS, 3500 OPTIONS, 7500 OPTIONS, 11500 OPTIONS, 15500 OPTIONS, "
            "19500 OPTIONS, 23500 OPTIONS, 27500 OPTIONS, 31500 OPTIONS");
  EXPECT_EQ(heard(), "t1 timeout, t1 terminated");
  expect_all_gone();
}

TEST_F(ClientLab, AProvisionalResponseStopsTheInviteForGood) {
  request(invite, udp);
  run_to_ms(600);
  answer(invite, 180);
  run_to_ms(600'000);
  EXPECT_EQ(sends(), "0 INVITE, 500 INVITE");
  EXPECT_EQ(heard(), "t1 response 180");
  EXPECT_EQ(layer->size(), 1u) << "an INVITE may ring for ever: who sent it cancels it";
}

TEST_F(ClientLab, AProvisionalResponseSlowsTheOtherRequestsToT2) {
  request(options, udp);
  run_to_ms(100);
  answer(options, 100);
  run_to_ms(9'000);
  EXPECT_EQ(sends(), "0 OPTIONS, 500 OPTIONS, 4500 OPTIONS, 8500 OPTIONS");
  answer(options, 200);
  answer(options, 200);
  EXPECT_EQ(heard(), "t1 response 100, t1 response 200");
  run_to_ms(13'999);
  EXPECT_EQ(layer->size(), 1u);
  run_to_ms(14'000);  // timer K
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(ClientLab, ARejectionIsAcknowledgedEachTimeAndToldOnce) {
  request(invite, udp);
  answer(invite, 486, "b1");
  run_to_ms(1'000);
  answer(invite, 486, "b1");
  EXPECT_EQ(heard(), "t1 response 486");
  ASSERT_EQ(sent.size(), 3u);
  const Message& ack = sent[1].message;
  EXPECT_EQ(ack.method(), Method::kAck);
  EXPECT_EQ(ack.request_uri_text(), invite.request_uri_text());
  EXPECT_EQ(ack.to_tag(), "b1");
  EXPECT_EQ(ack.from_tag(), "alice");
  EXPECT_EQ(ack.call_id(), invite.call_id());
  EXPECT_EQ(ack.cseq(), make_cseq(1, Method::kAck));
  EXPECT_EQ(ack.top_via()->branch(), invite.top_via()->branch());
  EXPECT_EQ(ack.vias().size(), 1u);
  EXPECT_EQ(sends(), "0 INVITE, 0 ACK, 1000 ACK");
  run_to_ms(31'999);
  EXPECT_EQ(layer->size(), 1u);
  run_to_ms(32'000);  // timer D, from the first 486
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(ClientLab, TheAckForARejectionGoesTheWayOfTheInvite) {
  const Message routed = request_of({.extra = "Route: <sip:198.18.0.7;lr>, <sip:198.18.0.8;lr>\n"});
  request(routed, udp);
  answer(routed, 503);
  ASSERT_EQ(sent.size(), 2u);
  const auto routes = sent[1].message.name_addrs(HeaderId::kRoute);
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].uri.host, "198.18.0.7");
  EXPECT_EQ(routes[1].uri.host, "198.18.0.8");
  EXPECT_EQ(sent[1].hop, udp);
}

TEST_F(ClientLab, OverAReliableTransportARejectedInviteIsGoneAtOnce) {
  request(invite, tcp);
  answer(invite, 404);
  run_to_ms(0);
  EXPECT_EQ(heard(), "t1 response 404, t1 terminated");
  EXPECT_EQ(sends(), "0 INVITE, 0 ACK");
  expect_all_gone();
}

TEST_F(ClientLab, AnAcceptedInviteHearsEveryForksAnswerUntilTimerM) {
  const TransactionId id = request(invite, udp);
  answer(invite, 180, "b1");
  answer(invite, 200, "b1");
  ASSERT_TRUE(layer->acknowledge(id, request_of({.method = "ACK", .branch = "z9hG4bK-a1", .to_tag = "b1"}), udp));
  run_to_ms(500);
  answer(invite, 200, "b1");  // repeated: the layer repeats the ACK
  answer(invite, 200, "b2");  // another fork: the user's
  EXPECT_EQ(heard(), "t1 response 180, t1 response 200, t1 response 200");
  EXPECT_EQ(sends(), "0 INVITE, 0 ACK, 500 ACK");
  answer(invite, 486, "b3");
  answer(invite, 180, "b3");
  EXPECT_EQ(heard(), "");
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
  answer(invite, 200, "b1");
  EXPECT_EQ(layer->counters().responses_unmatched, 1u);
  EXPECT_EQ(sends(), "");
}

TEST_F(ClientLab, EachForksAckIsKeptApart) {
  const TransactionId id = request(invite, udp);
  for (const char* tag : {"b1", "b2"}) {
    answer(invite, 200, tag);
    layer->acknowledge(id, request_of({.method = "ACK", .branch = std::string("z9hG4bK-") + tag, .to_tag = tag}), udp);
  }
  sent.clear();
  answer(invite, 200, "b2");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].message.top_via()->branch(), "z9hG4bK-b2");
}

TEST_F(ClientLab, OnlyAnAcceptedInviteCanBeAcknowledged) {
  const TransactionId id = request(invite, udp);
  const Message ack = request_of({.method = "ACK", .branch = "z9hG4bK-a1", .to_tag = "b1"});
  EXPECT_FALSE(layer->acknowledge(id, ack, udp));
  answer(invite, 486);
  EXPECT_FALSE(layer->acknowledge(id, ack, udp));
  EXPECT_FALSE(layer->acknowledge({}, ack, udp));
  EXPECT_EQ(sends(), "0 INVITE, 0 ACK");
}

TEST_F(ClientLab, AResponseMatchesByBranchSentByAndMethod) {
  request(invite, udp);
  for (const RequestParts& other :
       {RequestParts{.branch = "z9hG4bK-2"}, RequestParts{.sent_by = "198.18.0.9:5060"},
        RequestParts{.sent_by = "198.18.0.1:5061"}, RequestParts{.method = "BYE"}, RequestParts{.branch = ""}}) {
    answer(request_of(other), 200);
  }
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(layer->counters().responses_unmatched, 5u);
  answer(request_of({.sent_by = "198.18.0.1"}), 180);  // 5060 is the default
  EXPECT_EQ(heard(), "t1 response 180");
}

TEST_F(ClientLab, AResponseWithASecondViaWasNotForUs) {
  request(invite, udp);
  answer(request_of({.extra = "Via: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bK-x\n"}), 200);
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(layer->counters().responses_unmatched, 1u);
}

TEST_F(ClientLab, TwoRequestsCannotShareABranch) {
  request(invite, udp);
  EXPECT_EQ(layer->send_request(now, invite, udp), std::nullopt);
  EXPECT_EQ(layer->send_request(now, request_of({.branch = "no-cookie"}), udp), std::nullopt);
  EXPECT_EQ(layer->size(), 1u);
}

TEST_F(ClientLab, ASendThatFailsIsToldAtTheNextTimerAndNotWithinTheCall) {
  reachable = false;
  request(invite, udp);
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(layer->next_deadline_ns(), 0u);
  run_to_ms(0);
  EXPECT_EQ(heard(), "t1 transport error, t1 terminated");
  expect_all_gone();
}

TEST_F(ClientLab, ALostConnectionFailsWhatWasSentOverItAndNothingElse) {
  request(options, tcp);
  request(request_of({.method = "OPTIONS", .branch = "z9hG4bK-2"}), udp);
  layer->on_transport_error(now, tcp);
  run_to_ms(0);
  EXPECT_EQ(heard(), "t1 transport error, t1 terminated");
  EXPECT_EQ(layer->size(), 1u);
}

TEST_F(ClientLab, AUserThatRetriesForEverIsGivenBackTheThreadBetweenTries) {
  reachable = false;
  int tries = 0;
  react = [&](TransactionId, const Message&) {
    ++tries;
    layer->send_request(now, request_of({.method = "OPTIONS", .branch = "z9hG4bK-t" + std::to_string(tries)}), udp);
  };
  request(options, udp);
  const auto timers = static_cast<int>(layer->timer_count());
  layer->on_timer(now);
  EXPECT_GE(tries, 1);
  EXPECT_LE(tries, timers) << "one call fires no more than ran at its start";
  EXPECT_EQ(layer->size(), 1u);
}

TEST_F(ClientLab, AbandonedTransactionsLeaveNothingAndSayNothing) {
  const TransactionId id = request(invite, udp);
  layer->abandon(id);
  layer->abandon(id);
  expect_all_gone();
  answer(invite, 200);
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(layer->request(id), nullptr);
}

TEST_F(ClientLab, AUserMayAbandonFromWithinACallback) {
  react = [&](TransactionId id, const Message&) { layer->abandon(id); };
  request(invite, udp);
  answer(invite, 486);
  EXPECT_EQ(heard(), "t1 response 486");
  expect_all_gone();
}

TEST_F(ClientLab, AnIdNamesNothingOnceItsTransactionIsGoneThoughItsPlaceIsUsedAgain) {
  const TransactionId first = request(invite, udp);
  layer->abandon(first);
  const TransactionId second = request(options, udp);
  EXPECT_EQ(first.index, second.index);
  EXPECT_NE(first, second);
  layer->abandon(first);
  EXPECT_FALSE(layer->cancel(now, first));
  EXPECT_EQ(layer->request(first), nullptr);
  EXPECT_NE(layer->request(second), nullptr);
  EXPECT_EQ(layer->size(), 1u);
}

}  // namespace
}  // namespace weir::sip
