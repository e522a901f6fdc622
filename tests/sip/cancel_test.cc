// CANCEL on both sides, and its races. RFC 3261 section 9.
#include <gtest/gtest.h>

#include "tests/sip/transaction_lab.h"

namespace weir::sip {
namespace {

class CancelLab : public TransactionLab {
 protected:
  const Hop udp = hop_of("198.18.0.2", 5060);
  const Hop caller = hop_of("198.18.0.1", 5060);
  const Message invite = request_of({});
  const Message cancel = request_of({.method = "CANCEL"});

  void answer(const Message& request, std::uint16_t status, std::string_view tag = "bob") {
    receive(make_response(request, status, "", tag), udp);
  }
};

TEST_F(CancelLab, TheClientsCancelIsMadeOfItsInvite) {
  const Message routed = request_of({.extra = "Route: <sip:198.18.0.7;lr>\nRequire: 100rel\n"});
  const TransactionId id = request(routed, udp);
  answer(routed, 180);
  EXPECT_TRUE(layer->cancel(now, id));
  ASSERT_EQ(sent.size(), 2u);
  const Message& made = sent[1].message;
  EXPECT_EQ(made.method(), Method::kCancel);
  EXPECT_EQ(made.request_uri_text(), routed.request_uri_text());
  EXPECT_EQ(made.call_id(), routed.call_id());
  EXPECT_EQ(made.header(HeaderId::kFrom), routed.header(HeaderId::kFrom));
  EXPECT_EQ(made.header(HeaderId::kTo), routed.header(HeaderId::kTo));
  EXPECT_EQ(made.cseq(), make_cseq(1, Method::kCancel));
  EXPECT_EQ(made.vias().size(), 1u);
  EXPECT_EQ(made.top_via()->branch(), routed.top_via()->branch());
  EXPECT_EQ(made.values(HeaderId::kRoute).size(), 1u);
  EXPECT_FALSE(made.has(HeaderId::kRequire));
  EXPECT_EQ(sent[1].hop, udp);
}

TEST_F(CancelLab, TheClientHoldsItsCancelBackUntilAProvisionalResponse) {
  const TransactionId id = request(invite, udp);
  EXPECT_TRUE(layer->cancel(now, id));
  run_to_ms(1'600);
  EXPECT_EQ(sends(), "0 INVITE, 500 INVITE, 1500 INVITE");
  answer(invite, 100);
  EXPECT_EQ(sends(), "1600 CANCEL");
  answer(cancel, 200);
  answer(invite, 487);
  EXPECT_EQ(sends(), "1600 ACK");
  EXPECT_EQ(heard(), "t1 response 100, t1 response 487") << "the CANCEL's own answer is the layer's";
  run_to_ms(100'000);
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(CancelLab, ItSaysTheFirstReasonGivenAlsoIfItWasHeldBack) {
  const TransactionId id = request(invite, udp);
  EXPECT_TRUE(layer->cancel(now, id, "SIP;cause=200;text=\"Call completed elsewhere\""));
  EXPECT_TRUE(layer->cancel(now, id, "SIP;cause=487"));
  answer(invite, 180);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].message.header(HeaderId::kReason), "SIP;cause=200;text=\"Call completed elsewhere\"");
}

TEST_F(CancelLab, ACancelHeldBackIsNeverSentIfTheAnswerComesFirst) {
  const TransactionId id = request(invite, udp);
  EXPECT_TRUE(layer->cancel(now, id));
  answer(invite, 200);
  EXPECT_EQ(heard(), "t1 response 200");
  EXPECT_EQ(sends(), "0 INVITE");
  EXPECT_FALSE(layer->cancel(now, id));
}

TEST_F(CancelLab, ACancelHeldBackIsForgottenAtTimerB) {
  layer->cancel(now, request(invite, udp));
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 timeout, t1 terminated");
  expect_all_gone();
}

TEST_F(CancelLab, ACancelThatCrossesTheAcceptanceLeavesTheUserAnAcceptedCall) {
  const TransactionId id = request(invite, udp);
  answer(invite, 180);
  layer->cancel(now, id);
  answer(invite, 200);
  answer(cancel, 481);
  EXPECT_EQ(heard(), "t1 response 180, t1 response 200");
  EXPECT_TRUE(layer->acknowledge(id, request_of({.method = "ACK", .branch = "z9hG4bK-a", .to_tag = "bob"}), udp));
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(CancelLab, ACancelledInviteThatGetsNoFinalResponseEndsAfter64T1) {
  const TransactionId id = request(invite, udp);
  answer(invite, 180);
  run_to_ms(5'000);
  layer->cancel(now, id);
  layer->cancel(now, id);
  answer(cancel, 200);
  EXPECT_EQ(sends(), "0 INVITE, 5000 CANCEL") << "one CANCEL, however often it is asked for";
  run_to_ms(36'999);
  EXPECT_EQ(heard(), "t1 response 180");
  run_to_ms(37'000);
  EXPECT_EQ(heard(), "t1 timeout, t1 terminated");
  expect_all_gone();
}

TEST_F(CancelLab, ALostCancelIsRepeated) {
  const TransactionId id = request(invite, udp);
  answer(invite, 180);
  layer->cancel(now, id);
  run_to_ms(1'500);
  EXPECT_EQ(sends(), "0 INVITE, 0 CANCEL, 500 CANCEL, 1500 CANCEL");
}

TEST_F(CancelLab, OnlyAnInviteOfOursCanBeCancelled) {
  EXPECT_FALSE(layer->cancel(now, request(request_of({.method = "OPTIONS"}), udp)));
  receive(request_of({.branch = "z9hG4bK-in"}), caller);
  EXPECT_FALSE(layer->cancel(now, last_id));
  EXPECT_FALSE(layer->cancel(now, {}));
}

TEST_F(CancelLab, TheServerAnswersACancelAndTellsTheUser) {
  receive(invite, caller);
  respond(last_id, invite, 180, "b1");
  receive(cancel, caller);
  receive(cancel, caller);
  EXPECT_EQ(heard(), "t1 request INVITE, t1 cancel");
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[1].message.to_tag(), "b1") << "the tag the INVITE's responses have";
  EXPECT_EQ(sent[1].message.cseq()->method, Method::kCancel);
  respond(last_id, invite, 487, "b1");
  EXPECT_EQ(sends(), "0 180, 0 200, 0 200, 0 487");
  receive(request_of({.method = "ACK", .to_tag = "b1"}), caller);
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "t1 terminated");
  expect_all_gone();
}

TEST_F(CancelLab, ACancelAfterTheFinalResponseChangesNothing) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{486}}) {
    restart({});
    receive(invite, caller);
    respond(last_id, invite, status);
    sent.clear();
    told.clear();
    receive(cancel, caller);
    EXPECT_EQ(sends(), "0 200");
    EXPECT_EQ(heard(), "");
  }
}

TEST_F(CancelLab, ACancelWithoutInviteGets481) {
  receive(cancel, caller);
  receive(cancel, caller);
  EXPECT_EQ(sends(), "0 481, 0 481");
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(layer->counters().cancels_unmatched, 1u);
  run_to_ms(32'000);
  EXPECT_EQ(heard(), "");
  expect_all_gone();
}

TEST_F(CancelLab, ACancelMatchesByBranchAndSentByAndOnlyFromTheInvitesAddress) {
  receive(invite, caller);
  receive(request_of({.method = "CANCEL", .branch = "z9hG4bK-2"}), caller);
  receive(request_of({.method = "CANCEL", .sent_by = "198.18.0.9"}), caller);
  receive(cancel, hop_of("198.18.0.66", 5060));
  EXPECT_EQ(heard(), "t1 request INVITE");
  EXPECT_EQ(sends(), "0 481, 0 481, 0 481");
  EXPECT_EQ(layer->counters().cancels_unmatched, 3u);
}

TEST_F(CancelLab, ACancelBeforeTheUserSaidAnythingIsTold) {
  receive(invite, caller);
  receive(cancel, caller);
  EXPECT_EQ(heard(), "t1 request INVITE, t1 cancel");
  EXPECT_EQ(sends(), "0 200");
}

TEST_F(CancelLab, AUserMayAnswerTheInviteFromWithinOnCancel) {
  receive(invite, caller);
  react = [&](TransactionId id, const Message&) { respond(id, invite, 487); };
  receive(cancel, caller);
  EXPECT_EQ(sends(), "0 200, 0 487");
}

}  // namespace
}  // namespace weir::sip
