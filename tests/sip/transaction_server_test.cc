// The server side of the transaction layer, whole, in virtual time.
#include <gtest/gtest.h>

#include "sip/limits.h"
#include "tests/sip/transaction_lab.h"

namespace weir::sip {
namespace {

class ServerLab : public TransactionLab {
 protected:
  const Hop udp = hop_of("198.18.0.1", 5060);
  const Hop tcp = hop_of("198.18.0.1", 40'000, Reliability::kReliable);
  const Message invite = request_of({});
  const Message options = request_of({.method = "OPTIONS"});
  const Message ack = request_of({.method = "ACK", .to_tag = "bob"});
};

TEST_F(ServerLab, A100GoesOutAfter200MillisecondsUnlessTheUserWasFaster) {
  receive(invite, udp);
  EXPECT_EQ(heard(), "t1 request INVITE");
  run_to_ms(199);
  EXPECT_EQ(sends(), "");
  run_to_ms(200);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].message.to_tag(), "");
  EXPECT_EQ(sends(), "200 100");

  receive(request_of({.branch = "z9hG4bK-2", .call_id = "call-2"}), udp);
  respond(last_id, invite, 180);
  run_to_ms(1'000);
  EXPECT_EQ(sends(), "200 180");
}

TEST_F(ServerLab, WhatTheUserDoesNotAdmitIsAnsweredWithoutATransactionOrNotAtAll) {
  verdict = AdmissionVerdict::kRefused;
  receive(invite, udp);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].message.header(HeaderId::kRetryAfter), kRetryAfterSeconds);
  EXPECT_EQ(sends(), "0 503");
  verdict = AdmissionVerdict::kIgnored;
  receive(options, udp);
  EXPECT_EQ(sends() + heard(), "");
  EXPECT_EQ(layer->counters().requests_refused, 1u);
  EXPECT_EQ(layer->counters().requests_ignored, 1u);
  expect_all_gone();
}

TEST_F(ServerLab, OnlyWhatIsNewMustBeAdmitted) {
  receive(invite, udp);
  verdict = AdmissionVerdict::kIgnored;
  receive(invite, udp);
  receive(request_of({.method = "CANCEL"}), udp);
  receive(ack, udp);
  EXPECT_EQ(joined(asked_to_admit), "INVITE");
  EXPECT_EQ(sends(), "0 200") << "the CANCEL's";
  EXPECT_EQ(heard(), "t1 request INVITE, t1 cancel");
}

TEST_F(ServerLab, ARepeatedInviteGetsTheLatestResponseAndReachesTheUserOnce) {
  receive(invite, udp);
  receive(invite, udp);
  EXPECT_EQ(sends(), "");
  run_to_ms(200);
  receive(invite, udp);
  EXPECT_EQ(sends(), "200 100, 200 100");
  respond(last_id, invite, 183);
  receive(invite, udp);
  EXPECT_EQ(sends(), "200 183, 200 183");
  EXPECT_EQ(heard(), "t1 request INVITE");
  EXPECT_EQ(layer->counters().requests_absorbed, 3u);
}

TEST_F(ServerLab, ARejectionIsRepeatedAtTimerGUntilTheAck) {
  receive(invite, udp);
  respond(last_id, invite, 486);
  run_to_ms(3'600);
  EXPECT_EQ(sends(), "0 486, 500 486, 1500 486, 3500 486");
  receive(ack, udp);
  receive(ack, udp);
  run_to_ms(8'599);
  EXPECT_EQ(layer->size(), 1u);
  run_to_ms(8'600);  // timer I
  EXPECT_EQ(sends(), "");
  EXPECT_EQ(heard(), "t1 request INVITE, t1 terminated") << "this ACK is the transaction's, not the user's";
  expect_all_gone();
}

TEST_F(ServerLab, ARejectionWithoutAckFailsAtTimerH) {
  receive(invite, udp);
  respond(last_id, invite, 486);
  run_to_ms(32'000);
  EXPECT_EQ(sends(),
            "0 486, 500 486, 1500 486, 3500 486, 7500 486, 11500 486, 15500 486, 19500 486, 23500 486, "
            "27500 486, 31500 486");
  EXPECT_EQ(heard(), "t1 request INVITE, t1 timeout, t1 terminated");
  expect_all_gone();
}

TEST_F(ServerLab, OverAReliableTransportARejectionIsSaidOnceAndGoneWithItsAck) {
  receive(invite, tcp);
  respond(last_id, invite, 486);
  run_to_ms(10'000);
  EXPECT_EQ(sends(), "0 486");
  receive(ack, tcp);
  run_to_ms(10'000);
  EXPECT_EQ(heard(), "t1 request INVITE, t1 terminated");
  expect_all_gone();
}

TEST_F(ServerLab, AnAcceptanceIsRepeatedUntilTheUserSaysItsAckCame) {
  receive(invite, udp);
  respond(last_id, invite, 200);
  run_to_ms(1'600);
  receive(invite, udp);
  EXPECT_EQ(sends(), "0 200, 500 200, 1500 200") << "a repeated INVITE does not add to them";
  receive(request_of({.method = "ACK", .branch = "z9hG4bK-ack", .to_tag = "bob"}), udp);
  EXPECT_EQ(heard(), "t1 request INVITE, ack bob");
  layer->acknowledged(last_id);
  run_to_ms(31'999);
  EXPECT_EQ(sends(), "");
  EXPECT_EQ(heard(), "");
  run_to_ms(32'000);  // timer L
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(ServerLab, AnAcceptanceIsRepeatedOverAReliableTransportToo) {
  receive(invite, tcp);
  respond(last_id, invite, 200);
  run_to_ms(4'000);
  EXPECT_EQ(sends(), "0 200, 500 200, 1500 200, 3500 200");
}

TEST_F(ServerLab, AnAcceptanceWithoutAckIsToldAfter64T1) {
  receive(invite, udp);
  respond(last_id, invite, 200);
  run_to_ms(32'000);
  EXPECT_EQ(sends(),
            "0 200, 500 200, 1500 200, 3500 200, 7500 200, 11500 200, 15500 200, 19500 200, 23500 200, "
            "27500 200, 31500 200");
  EXPECT_EQ(heard(), "t1 request INVITE, t1 ack missing, t1 terminated");
  expect_all_gone();
}

TEST_F(ServerLab, AnAckForAnAcceptanceReachesTheUserEvenWithTheInvitesBranch) {
  receive(invite, udp);
  respond(last_id, invite, 200);
  receive(ack, udp);
  EXPECT_EQ(heard(), "t1 request INVITE, ack bob");
}

TEST_F(ServerLab, AnAckBeforeAnyFinalResponseIsAbsorbed) {
  receive(invite, udp);
  receive(ack, udp);
  EXPECT_EQ(heard(), "t1 request INVITE");
}

TEST_F(ServerLab, ARepeatedRequestGetsItsFinalResponseUntilTimerJ) {
  receive(options, udp);
  receive(options, udp);
  EXPECT_EQ(sends(), "");
  EXPECT_TRUE(respond(last_id, options, 100));
  receive(options, udp);
  EXPECT_TRUE(respond(last_id, options, 200));
  EXPECT_FALSE(respond(last_id, options, 500));
  run_to_ms(31'999);
  receive(options, udp);
  EXPECT_EQ(sends(), "0 100, 0 100, 0 200, 31999 200");
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 request OPTIONS, t1 terminated");
  expect_all_gone();
}

TEST_F(ServerLab, RequestsMatchByBranchSentByAndMethod) {
  receive(options, udp);
  receive(request_of({.method = "OPTIONS", .branch = "z9hG4bK-2", .call_id = "c2"}), udp);
  receive(request_of({.method = "OPTIONS", .sent_by = "198.18.0.9", .call_id = "c3"}), udp);
  receive(request_of({.method = "BYE", .call_id = "c4"}), udp);
  receive(request_of({.method = "PING", .call_id = "c5"}), udp);
  receive(request_of({.method = "PONG", .call_id = "c6"}), udp);
  EXPECT_EQ(layer->size(), 6u);
  receive(request_of({.method = "OPTIONS", .sent_by = "198.18.0.1"}), udp);
  receive(request_of({.method = "PING", .call_id = "c5"}), udp);
  EXPECT_EQ(layer->size(), 6u);
  EXPECT_EQ(layer->counters().requests_absorbed, 2u);
}

TEST_F(ServerLab, WithoutAnRfc3261BranchRequestsMatchByWhatTheySay) {
  // Section 17.2.3; a branch of the cookie alone is none (RFC 4475 section 3.2.1).
  for (const std::string_view branch : {"1", "", "z9hG4bK"}) {
    restart({});
    const RequestParts parts{.method = "OPTIONS", .branch = std::string(branch)};
    receive(request_of(parts), udp);
    receive(request_of(parts), udp);
    EXPECT_EQ(layer->counters().requests_absorbed, 1u) << branch;
    RequestParts other = parts;
    other.cseq = "2";
    receive(request_of(other), udp);
    other = parts;
    other.call_id = "call-2";
    receive(request_of(other), udp);
    other = parts;
    other.from_tag = "carol";
    receive(request_of(other), udp);
    other = parts;
    other.method = "PING";
    other.call_id = "call-3";
    receive(request_of(other), udp);
    EXPECT_EQ(layer->size(), 5u) << branch;
    EXPECT_EQ(layer->counters().requests_unbranched, 6u) << branch;
  }
}

TEST_F(ServerLab, AnInviteWithoutBranchIsCancelledAndItsRefusalAcknowledged) {
  const RequestParts parts{.branch = ""};
  receive(request_of(parts), udp);
  const TransactionId id = last_id;
  RequestParts old_cancel = parts;
  old_cancel.method = "CANCEL";
  receive(request_of(old_cancel), udp);
  EXPECT_EQ(heard(), "t1 request INVITE, t1 cancel");
  EXPECT_TRUE(respond(id, request_of(parts), 487));
  RequestParts old_ack = parts;
  old_ack.method = "ACK";
  old_ack.to_tag = "bob";
  receive(request_of(old_ack), udp);
  EXPECT_EQ(sends(), "0 200, 0 487");
  run_to_ms(40'000);
  EXPECT_EQ(sends(), "") << "the ACK was that transaction's: nothing is repeated";
  expect_all_gone();
}

TEST_F(ServerLab, TheSameRequestByAnotherWayIsALoop) {
  receive(invite, udp);
  receive(request_of({.branch = "z9hG4bK-2"}), udp);
  EXPECT_EQ(sends(), "0 482");
  EXPECT_EQ(heard(), "t1 request INVITE");
  receive(request_of({.branch = "z9hG4bK-3", .cseq = "2"}), udp);
  receive(request_of({.branch = "z9hG4bK-4", .from_tag = "carol"}), udp);
  receive(request_of({.branch = "z9hG4bK-5", .to_tag = "bob"}), udp);
  EXPECT_EQ(heard(), "t2 request INVITE, t3 request INVITE, t4 request INVITE");
}

TEST_F(ServerLab, ARefusedRequestMayBeTriedAgainByAnotherWay) {
  receive(invite, udp);
  respond(last_id, invite, 503);
  receive(request_of({.branch = "z9hG4bK-2"}), udp);
  EXPECT_EQ(heard(), "t1 request INVITE, t2 request INVITE");
}

TEST_F(ServerLab, BeyondItsBoundRequestsAreRefusedAlikeEachTimeAndRepeatsStillServed) {
  restart({.timers = {}, .transactions_max = 1});
  receive(options, udp);
  const Message other = request_of({.method = "OPTIONS", .branch = "z9hG4bK-2", .call_id = "c2"});
  receive(other, udp);
  receive(other, udp);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].message.status(), 503);
  EXPECT_EQ(sent[0].message.to_tag(), sent[1].message.to_tag());
  EXPECT_FALSE(sent[0].message.to_tag().empty());
  EXPECT_EQ(layer->counters().requests_refused, 2u);
  EXPECT_EQ(layer->send_request(now, request_of({.method = "OPTIONS", .branch = "z9hG4bK-3"}), udp), std::nullopt);
  receive(request_of({.method = "ACK", .branch = "z9hG4bK-9", .to_tag = "bob"}), udp);
  EXPECT_EQ(heard(), "t1 request OPTIONS, ack bob");
  sent.clear();
  respond(last_id, options, 200);
  receive(options, udp);
  EXPECT_EQ(sends(), "0 200, 0 200");
}

TEST_F(ServerLab, ResponsesGoWhereTheViaSays) {
  struct Row {
    const char* what;
    RequestParts parts;
    Hop source;
    std::uint16_t port;
  };
  const Hop natted = hop_of("198.18.0.1", 40'000);
  const Row rows[] = {
      {"rport: the port it came from", {}, natted, 40'000},
      {"no rport: the port of sent-by", {.sent_by = "198.18.0.1:5080", .via_parameters = ""}, natted, 5080},
      {"no port either: the default", {.sent_by = "198.18.0.1", .via_parameters = ""}, natted, 5060},
      {"maddr is ignored", {.via_parameters = ";rport;maddr=198.18.0.99"}, natted, 40'000},
      {"a connection: that connection",
       {.sent_by = "198.18.0.1:5080", .via_parameters = "", .transport = "TCP"},
       tcp,
       40'000},
  };
  for (const Row& row : rows) {
    restart({});
    const Message request = request_of(row.parts);
    receive(request, row.source);
    respond(last_id, request, 486);
    ASSERT_EQ(sent.size(), 1u) << row.what;
    EXPECT_EQ(sent[0].hop.remote.port, row.port) << row.what;
    EXPECT_EQ(sent[0].hop.remote.address, row.source.remote.address) << row.what;
    sent.clear();
  }
}

TEST_F(ServerLab, AnInviteWhoseResponseCannotBeSentIsToldAndLivesOn) {
  receive(invite, udp);
  reachable = false;
  EXPECT_TRUE(respond(last_id, invite, 180));
  run_to_ms(0);
  EXPECT_EQ(heard(), "t1 request INVITE, t1 transport error");
  reachable = true;
  EXPECT_TRUE(respond(last_id, invite, 200));
  EXPECT_EQ(sends(), "0 200");
}

TEST_F(ServerLab, TheRequestCanBeAskedForUntilTheFinalResponse) {
  receive(invite, udp);
  respond(last_id, invite, 180);
  ASSERT_NE(layer->request(last_id), nullptr);
  EXPECT_EQ(layer->request(last_id)->call_id(), "call-1");
  const auto kept = layer->request(last_id);
  respond(last_id, invite, 486);
  EXPECT_EQ(layer->request(last_id), nullptr);
  EXPECT_EQ(kept->call_id(), "call-1");
}

TEST_F(ServerLab, AUserMayAnswerFromWithinTheCallback) {
  react = [&](TransactionId id, const Message& request) {
    if (request.is_request()) {
      respond(id, request, 486);
      EXPECT_EQ(request.call_id(), "call-1") << "the request outlives its answer";
    }
  };
  receive(invite, udp);
  EXPECT_EQ(sends(), "0 486");
}

TEST_F(ServerLab, ARequestCanBeDroppedWithoutAnswer) {
  receive(options, udp);
  layer->abandon(last_id);
  expect_all_gone();
  EXPECT_EQ(heard(), "t1 request OPTIONS");
}

}  // namespace
}  // namespace weir::sip
