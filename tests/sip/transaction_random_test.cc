// The transaction layer under random sequences: requests and responses that fit and that do not, users that answer
// late, early, twice or never, failing sends. Whatever happens it stays within its bound, tells of each transaction
// once that it ended, and leaves nothing behind.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

#include "tests/sip/transaction_lab.h"

namespace weir::sip {
namespace {

constexpr std::size_t kMax = 40;

class RandomLab : public TransactionLab {
 protected:
  RandomLab() { restart({.timers = {}, .transactions_max = kMax}); }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  void seed(unsigned value) { random_.seed(value); }

  Hop any_hop() {
    return hop_of(pick(8) == 0 ? "198.18.0.66" : "198.18.0.1", 5060,
                  pick(2) == 0 ? Reliability::kReliable : Reliability::kUnreliable);
  }

  Message any_request() {
    static constexpr const char* kMethods[] = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INVITE", "PING", "ACK"};
    const unsigned which = pick(30);
    return request_of({.method = kMethods[pick(8)],
                       .branch = pick(40) == 0 ? "old" : "z9hG4bK-" + std::to_string(which),
                       .sent_by = pick(20) == 0 ? "198.18.0.9" : "198.18.0.1:5060",
                       .via_parameters = pick(2) == 0 ? ";rport" : "",
                       .call_id = "call-" + std::to_string(which / 2),
                       .to_tag = pick(2) == 0 ? "bob" : ""});
  }

  std::uint16_t any_status() {
    static constexpr std::uint16_t kStatus[] = {100, 180, 183, 200, 202, 302, 404, 486, 503, 603};
    return kStatus[pick(10)];
  }

  void receive_response() {
    if (out_.empty()) return;
    Message request = out_[pick(static_cast<unsigned>(out_.size()))];
    if (pick(6) == 0) request = request_of({.method = "CANCEL", .branch = std::string(request.top_via()->branch())});
    receive(make_response(request, any_status(), "", "tag-" + std::to_string(pick(3))), any_hop());
  }

  void send_something() {
    const unsigned which = pick(30);
    Message message = request_of({.method = pick(3) == 0 ? "OPTIONS" : "INVITE",
                                  .branch = "z9hG4bK-o" + std::to_string(which),
                                  .sent_by = "198.18.0.2"});
    if (const auto id = layer->send_request(now, message, any_hop())) {
      EXPECT_TRUE(alive_.insert(*id).second);
      out_.push_back(std::move(message));
      if (out_.size() > 30) out_.erase(out_.begin());
    }
  }

  void touch(TransactionId id) {
    switch (pick(6)) {
      case 0:
      case 1:
      case 2:
        layer->respond(now, id, make_response(any_request(), any_status(), "", "bob"));
        break;
      case 3:
        layer->cancel(now, id);
        break;
      case 4:
        layer->acknowledged(id);
        layer->acknowledge(id, request_of({.method = "ACK", .branch = "z9hG4bK-a", .to_tag = "tag-1"}), any_hop());
        break;
      case 5:
        if (pick(4) == 0) {
          layer->abandon(id);
          alive_.erase(id);
        }
        break;
    }
  }

  void touch_any() {
    if (alive_.empty()) return;
    auto at = alive_.begin();
    std::advance(at, pick(static_cast<unsigned>(alive_.size())));
    touch(*at);
  }

  void step() {
    reachable = pick(10) != 0;
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
        return receive(any_request(), any_hop());
      case 3:
        return receive_response();
      case 4:
        return send_something();
      case 5:
        return touch_any();
      case 6:
        return run_to_ms(now / kMs + pick(pick(4) == 0 ? 20'000 : 300));
      case 7:
        if (pick(10) == 0) layer->on_transport_error(now, any_hop());
        return;
    }
  }

  void check_invariants() {
    // A CANCEL for each INVITE may go beyond the bound; nothing else.
    ASSERT_LE(layer->size(), 2 * kMax);
    ASSERT_GE(layer->size(), alive_.size());
    ASSERT_LE(layer->timer_count(), kTimerRows * layer->size());
    sent.clear();
    told.clear();
  }

  /// Answers and lets go of whatever is left.
  void drain() {
    reachable = true;
    react = nullptr;
    const auto left = alive_;
    for (const TransactionId id : left) {
      const bool invite = layer->cancel(now, id);
      if (!invite) layer->respond(now, id, make_response(any_request(), 500, "", "bob"));
    }
    for (int minutes = 0; minutes < 5; ++minutes) run_to_ms(now / kMs + 60'000);
    for (const TransactionId id : std::exchange(alive_, {})) layer->abandon(id);  // INVITEs that ring for ever
    run_to_ms(now / kMs + 60'000);
  }

  void on_request(TransactionId id, const Message& request, const Hop& hop) override {
    EXPECT_TRUE(alive_.insert(id).second) << "an id was given twice";
    EXPECT_NE(request.method(), Method::kAck);
    EXPECT_NE(request.method(), Method::kCancel);
    TransactionLab::on_request(id, request, hop);
  }
  void on_response(TransactionId id, const Message& response, const Hop& hop) override {
    EXPECT_TRUE(alive_.contains(id)) << "a response to nothing";
    EXPECT_NE(response.cseq()->method, Method::kCancel);
    TransactionLab::on_response(id, response, hop);
  }
  void on_failure(TransactionId id, TransactionFailure failure) override {
    EXPECT_TRUE(alive_.contains(id));
    TransactionLab::on_failure(id, failure);
  }
  void on_terminated(TransactionId id) override {
    EXPECT_EQ(alive_.erase(id), 1u) << "told twice that it ended, or never that it was";
  }

  std::set<TransactionId> alive_;
  std::vector<Message> out_;

 private:
  std::mt19937 random_;
};

TEST_F(RandomLab, StaysWithinItsBoundAndLeavesNothingBehind) {
  for (unsigned round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    seed(round);
    react = [&](TransactionId id, const Message&) {
      if (pick(3) == 0) touch(id);
      if (pick(20) == 0) send_something();
    };
    for (int steps = 0; steps < 300; ++steps) {
      step();
      check_invariants();
      if (HasFatalFailure()) return;
    }
    drain();
    expect_all_gone();
    if (HasFailure()) return;
  }
  // The rounds went everywhere.
  EXPECT_GT(layer->counters().requests_absorbed, 1000u);
  EXPECT_GT(layer->counters().responses_absorbed, 100u);
  EXPECT_GT(layer->counters().responses_unmatched, 100u);
  EXPECT_GT(layer->counters().requests_refused, 100u);
  EXPECT_GT(layer->counters().requests_merged, 100u);
  EXPECT_GT(layer->counters().cancels_unmatched, 100u);
  EXPECT_GT(layer->counters().timeouts, 100u);
  EXPECT_GT(layer->counters().transport_errors, 100u);
  EXPECT_GT(layer->counters().retransmissions, 1000u);
}

}  // namespace
}  // namespace weir::sip
