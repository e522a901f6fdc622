// Bindings that came over WebSockets: they live as long as their connection (RFC 7118 section 5, RFC 5626).
#include "controlplane/bindings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace weir::controlplane {
namespace {

using proto::settings::SipTransport;
using testing::ElementsAre;
using testing::IsEmpty;

/// What a store would have.
struct Kept : BindingKeeper {
  void keep(const BindingRecord& record) override { numbers.insert(record.number); }
  void forget(std::uint64_t number) override { numbers.erase(number); }
  std::set<std::uint64_t> numbers;
};

class BindingsTest : public testing::Test {
 protected:
  Arrival over(SipTransport transport, std::uint64_t handle) {
    const proto::Endpoint remote{proto::parse_ip_address("198.18.1.2").value(), 0, 40'000};
    const bool datagrams = transport == SipTransport::kUdp;
    const sip::Hop hop{handle, remote, datagrams ? sip::Reliability::kUnreliable : sip::Reliability::kReliable};
    return {1, 1, Path{hop, 0, transport, {}}, "r", true};
  }
  RegisterRequest wish(const std::string& user, const std::string& uri, std::uint32_t reg_id = 0) {
    RegisterRequest request;
    request.user = user;
    request.call_id = "c";
    request.cseq = ++cseq_;
    request.direct = true;
    request.contacts.push_back({.uri = sip::parse_uri(uri).value(),
                                .text = "<" + uri + ">",
                                .instance = reg_id == 0 ? "" : "\"<urn:uuid:1>\"",
                                .reg_id = reg_id,
                                .expires_s = 600});
    return request;
  }
  const Binding* only(const std::string& user) {
    const auto* found = bindings_.find({"r", user});
    return found == nullptr || found->size() != 1 ? nullptr : found->data();
  }

  /// What is heard of parties that have moved, "OLD>NEW" by handle.
  std::vector<std::string> moved() { return std::exchange(moved_, {}); }

  BindingsTest() {
    bindings_.on_moved([this](const sip::Hop& gone, const sip::Hop& now) {
      moved_.push_back(std::to_string(gone.handle) + ">" + std::to_string(now.handle));
    });
  }

  std::vector<std::string> moved_;
  Kept kept_;
  Bindings bindings_{{.per_user_max = 5, .all_max = 10}, &kept_};
  std::uint32_t cseq_ = 0;
};

TEST_F(BindingsTest, ABrowserIsCalledOverItsConnectionWhateverItsContactSays) {
  ASSERT_FALSE(bindings_.apply(wish("alice", "sip:x@198.18.1.2"), over(SipTransport::kWss, 70)));
  ASSERT_NE(only("alice"), nullptr);
  EXPECT_TRUE(only("alice")->record.by_source);
  EXPECT_EQ(only("alice")->hop->handle, 70u);
}

TEST_F(BindingsTest, ItsBindingsEndWithTheConnectionAndNoOthers) {
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws"), over(SipTransport::kWs, 70));
  bindings_.apply(wish("bob", "sip:y@b.invalid;transport=ws"), over(SipTransport::kWs, 70));
  bindings_.apply(wish("bob", "sip:bob@198.18.1.9"), over(SipTransport::kTcp, 71));
  bindings_.apply(wish("carol", "sip:z@c.invalid;transport=ws"), over(SipTransport::kWs, 72));
  EXPECT_EQ(bindings_.forget_flow(70), 2u);
  EXPECT_EQ(bindings_.find({"r", "alice"}), nullptr);
  ASSERT_NE(only("bob"), nullptr);
  EXPECT_EQ(only("bob")->record.transport, SipTransport::kTcp);
  EXPECT_NE(only("carol"), nullptr);
  EXPECT_EQ(bindings_.forget_flow(71), 0u) << "TCP's may be opened again";
  EXPECT_EQ(bindings_.forget_flow(70), 0u);
  EXPECT_EQ(bindings_.size(), 2u);
}

TEST_F(BindingsTest, NoStoreKeepsThem) {
  bindings_.apply(wish("alice", "sip:alice@198.18.1.2", 1), over(SipTransport::kTcp, 70));
  EXPECT_EQ(kept_.numbers.size(), 1u);
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 71));
  EXPECT_THAT(kept_.numbers, testing::IsEmpty()) << "the same flow, by another way";
  ASSERT_NE(only("alice"), nullptr);
  EXPECT_EQ(bindings_.forget_flow(71), 1u);
}

// RFC 5626 section 6: the same instance and reg-id is the same flow, over a new connection.
TEST_F(BindingsTest, ABrowserThatCameBackIsNotForgottenWithItsOldConnection) {
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 70));
  bindings_.apply(wish("alice", "sip:y@b.invalid;transport=ws", 1), over(SipTransport::kWs, 71));
  ASSERT_NE(only("alice"), nullptr) << "replaced, not added";
  EXPECT_EQ(bindings_.forget_flow(70), 0u);
  ASSERT_NE(only("alice"), nullptr);
  EXPECT_EQ(only("alice")->record.contact, "<sip:y@b.invalid;transport=ws>");
  bindings_.expire(over(SipTransport::kWs, 0).now_ns + 600'000'000'000);
  EXPECT_EQ(bindings_.forget_flow(71), 0u) << "it has expired";
}

TEST_F(BindingsTest, WhoComesBackByAnotherConnectionHasMoved) {
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 70));
  EXPECT_THAT(moved(), IsEmpty());
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 70));
  EXPECT_THAT(moved(), IsEmpty()) << "a refresh";
  bindings_.apply(wish("alice", "sip:y@b.invalid;transport=ws", 1), over(SipTransport::kWs, 71));
  EXPECT_THAT(moved(), ElementsAre("70>71")) << "before the end of the old one is seen";
  bindings_.forget_flow(71);
  EXPECT_THAT(moved(), IsEmpty()) << "nobody is there";
  bindings_.apply(wish("bob", "sip:y@b.invalid;transport=ws", 1), over(SipTransport::kWs, 72));
  EXPECT_THAT(moved(), IsEmpty()) << "another user";
  bindings_.apply(wish("alice", "sip:z@c.invalid;transport=ws", 1), over(SipTransport::kWs, 73));
  EXPECT_THAT(moved(), ElementsAre("71>73"));
  bindings_.forget_flow(73);
  bindings_.expire(over(SipTransport::kWs, 0).now_ns + 600'000'000'000);
  bindings_.apply(wish("alice", "sip:z@c.invalid;transport=ws", 1), over(SipTransport::kWs, 74));
  EXPECT_THAT(moved(), IsEmpty()) << "its registration would have expired";
}

TEST_F(BindingsTest, WhoWasThereInAnEarlierProcessIsAwaited) {
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 70));
  bindings_.apply(wish("bob", "sip:x@a.invalid;transport=ws"), over(SipTransport::kWs, 70));
  const std::vector<FlowName> flows = bindings_.flows_over(70);
  ASSERT_THAT(flows, ElementsAre(FlowName{"r", "alice", "\"<urn:uuid:1>\"", 1})) << "bob's is no flow of RFC 5626";
  EXPECT_THAT(bindings_.flows_over(71), IsEmpty());
  Bindings next({.per_user_max = 5, .all_max = 10}, nullptr);
  next.on_moved([this](const sip::Hop& gone, const sip::Hop& now) {
    moved_.push_back(std::to_string(gone.handle) + ">" + std::to_string(now.handle));
  });
  next.await(flows[0], over(SipTransport::kWs, 70).from.hop, 600'000'000'000);
  next.apply(wish("alice", "sip:x@a.invalid;transport=ws", 2), over(SipTransport::kWs, 100));
  EXPECT_THAT(moved(), IsEmpty()) << "another of her flows";
  next.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 101));
  EXPECT_THAT(moved(), ElementsAre("70>101"));
}

TEST_F(BindingsTest, AnotherFlowOfTheInstanceStandsForOneThatIsGone) {
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 70));
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 2), over(SipTransport::kWs, 71));
  bindings_.forget_flow(70);
  EXPECT_THAT(moved(), ElementsAre("70>71"));
  bindings_.apply(wish("alice", "sip:x@a.invalid;transport=ws", 1), over(SipTransport::kWs, 72));
  EXPECT_THAT(moved(), ElementsAre("70>72"));
}

TEST_F(BindingsTest, WhereThereAreNoConnectionsNobodyMoves) {
  bindings_.apply(wish("alice", "sip:alice@198.18.1.2", 1), over(SipTransport::kUdp, 0));
  bindings_.apply(wish("alice", "sip:alice@198.18.1.2", 1), over(SipTransport::kTcp, 70));
  bindings_.apply(wish("alice", "sip:alice@198.18.1.2", 1), over(SipTransport::kUdp, 0));
  EXPECT_THAT(moved(), IsEmpty());
}

}  // namespace
}  // namespace weir::controlplane
