// The client against a worker that reads the real rings of a real region.
#include "controlplane/dataplane_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_worker.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

class Listener : public FlowHandler {
 public:
  void on_flow_event(const proto::Event& event, std::uint64_t) override { events.push_back(event); }
  void on_punt(const proto::Punt& punt, std::uint64_t) override { punts.push_back(punt); }
  std::vector<proto::Event> events;
  std::vector<proto::Punt> punts;
};

class DataplaneClientTest : public testing::Test {
 protected:
  DataplaneClientTest() { attach(); }

  void attach(const DataplaneClientOptions& options = {}) {
    client_.reset();
    region_.reset();
    auto attached = proto::Region::attach(directory_.path());
    ASSERT_TRUE(attached.ok()) << attached.error();
    region_ = std::make_unique<proto::Region>(std::move(attached).value());
    client_ = std::make_unique<DataplaneClient>(*region_, options);
  }

  proto::FlowId reserve(std::uint16_t port) {
    const auto flow = client_->reserve(port, listener_);
    EXPECT_TRUE(flow.ok());
    return *flow;
  }
  proto::FlowSpec spec(std::uint16_t port) {
    proto::FlowSpec made{};
    made.local_port = port;
    made.punts = proto::kPuntDtls;
    made.cookie = 77;
    return made;
  }
  CommandDone note() {
    return [this](const proto::Status& status) { answers_.push_back(status.ok() ? "ok" : status.error()); };
  }
  void turn() {
    worker_.run();
    now_ns_ += kSecondNs / 10;
    client_->poll(now_ns_);
  }

  tests::TemporaryDirectory directory_;
  tests::FakeWorker worker_{directory_.path()};
  std::unique_ptr<proto::Region> region_;
  std::unique_ptr<DataplaneClient> client_;
  Listener listener_;
  std::vector<std::string> answers_;
  std::uint64_t now_ns_ = 1000 * kSecondNs;
};

TEST_F(DataplaneClientTest, EachCommandIsAnsweredOnce) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, note()).ok());
  EXPECT_TRUE(client_->install(flow, spec(20000), now_ns_, note()).ok());
  EXPECT_TRUE(client_->set_peer(flow, spec(20000), now_ns_, note()).ok());
  EXPECT_TRUE(client_->update_keys(flow, spec(20000), now_ns_, note()).ok());
  EXPECT_TRUE(answers_.empty());
  turn();
  EXPECT_EQ(answers_, (std::vector<std::string>{"ok", "ok", "ok", "ok"}));
  EXPECT_EQ(worker_.installed(), 1u);
  ASSERT_NE(client_->status(flow), nullptr);
  EXPECT_EQ(client_->status(flow)->state, proto::FlowState::kInstalled);
  turn();
  EXPECT_EQ(answers_.size(), 4u);
  EXPECT_TRUE(client_->flows_found().empty());
}

TEST_F(DataplaneClientTest, CommandsGoToTheWorkerOfThePort) {
  // The fake worker refuses a port of another's, as the real one does.
  for (const std::uint16_t port : std::vector<std::uint16_t>{20000, 20001, 20002, 20003}) {
    EXPECT_TRUE(client_->install(reserve(port), spec(port), now_ns_, note()).ok());
  }
  turn();
  EXPECT_EQ(answers_, (std::vector<std::string>{"ok", "ok", "ok", "ok"}));
}

TEST_F(DataplaneClientTest, ARefusalIsAnErrorThatSaysWhy) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, {}).ok());
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, note()).ok());
  turn();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0], std::string("weir-media refused: ") + proto::to_string(proto::Refusal::kStateWrong));
  EXPECT_EQ(client_->counters().commands_refused, 1u);
}

TEST_F(DataplaneClientTest, AFullRingIsAnErrorAtOnceAndLosesNothing) {
  const proto::FlowId flow = reserve(20000);
  for (std::uint32_t i = 0; i < region_->shape().command_slots; ++i) {
    EXPECT_TRUE(client_->set_peer(flow, spec(20000), now_ns_, note()).ok());
  }
  EXPECT_EQ(client_->set_peer(flow, spec(20000), now_ns_, note()).error(), "weir-media's command ring is full");
  turn();
  EXPECT_EQ(answers_.size(), region_->shape().command_slots);
  EXPECT_TRUE(client_->set_peer(flow, spec(20000), now_ns_, note()).ok());
  EXPECT_EQ(client_->counters().command_ring_full, 1u);
}

TEST_F(DataplaneClientTest, KeysOfGcmGoDownUnlessTheOptionsForbidIt) {
  for (const auto side : {&proto::FlowSpec::receive, &proto::FlowSpec::send}) {
    proto::FlowSpec gcm = spec(20000);
    (gcm.*side).profile = proto::SrtpProfile::kAeadAes256Gcm;
    attach({.aead = false});
    const proto::FlowId refused = reserve(20000);
    EXPECT_EQ(client_->install(refused, gcm, now_ns_, {}).error(), "AES-GCM is not allowed ([srtp] aead)");
    EXPECT_FALSE(client_->update_keys(refused, gcm, now_ns_, {}).ok());
    EXPECT_EQ(client_->counters().aead_refused, 2u);
    turn();
    EXPECT_EQ(worker_.installed(), 0u);
    attach();
    EXPECT_TRUE(client_->install(reserve(20000), gcm, now_ns_, {}).ok());
    turn();
    EXPECT_EQ(worker_.installed(), 1u);
    attach();
    ASSERT_EQ(client_->flows_found().size(), 1u);
    client_->remove_found(client_->flows_found().front(), now_ns_);
    turn();
  }
}

TEST_F(DataplaneClientTest, KeysOfANullCipherGoDownOnlyIfTheOptionsAllowIt) {
  for (const auto profile : {proto::SrtpProfile::kNullHmacSha1_80, proto::SrtpProfile::kNullHmacSha1_32}) {
    proto::FlowSpec receives = spec(20000);
    receives.receive.profile = profile;
    proto::FlowSpec sends = spec(20000);
    sends.send.profile = profile;
    for (const proto::FlowSpec& clear : {receives, sends}) {
      attach();
      const proto::FlowId refused = reserve(20000);
      EXPECT_EQ(client_->install(refused, clear, now_ns_, {}).error(),
                "the NULL cipher is not allowed ([srtp] null_cipher)");
      EXPECT_FALSE(client_->update_keys(refused, clear, now_ns_, {}).ok());
      EXPECT_EQ(client_->counters().null_cipher_refused, 2u);
      turn();
      EXPECT_EQ(worker_.installed(), 0u);
      attach({.null_cipher = true});
      EXPECT_TRUE(client_->install(reserve(20000), clear, now_ns_, {}).ok());
      turn();
      EXPECT_EQ(worker_.installed(), 1u);
      attach();
      ASSERT_EQ(client_->flows_found().size(), 1u);
      client_->remove_found(client_->flows_found().front(), now_ns_);
      turn();
      EXPECT_EQ(worker_.flows(), 0u);
    }
  }
}

TEST_F(DataplaneClientTest, KeysAreGoneFromTheRingOnceTheWorkerHasThem) {
  proto::FlowSpec secret = spec(20000);
  secret.send.profile = proto::SrtpProfile::kAeadAes128Gcm;
  secret.send.rtp.encryption.fill(0xa7);
  EXPECT_TRUE(client_->install(reserve(20000), secret, now_ns_, {}).ok());
  const auto in_ring = [&] {
    std::ifstream file(directory_.path() + "/control", std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    return bytes.find(std::string(32, '\xa7')) != std::string::npos;
  };
  EXPECT_TRUE(in_ring());
  turn();
  EXPECT_FALSE(in_ring());
}

TEST_F(DataplaneClientTest, EventsAndPuntsReachTheirFlowsHandlerAndNoOther) {
  Listener other;
  const proto::FlowId flow = reserve(20000);
  const proto::FlowId neighbour = *client_->reserve(20002, other);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, {}).ok());
  EXPECT_TRUE(client_->open(neighbour, spec(20002), now_ns_, {}).ok());
  turn();
  const proto::Endpoint source{.address = proto::IpAddress::from_ipv4(0xc6120102), .port = 5004};
  EXPECT_TRUE(worker_.punt(20000, source, {22, 1, 2, 3}));
  worker_.event(neighbour, proto::EventKind::kMediaTimeout);
  turn();
  ASSERT_EQ(listener_.punts.size(), 1u);
  EXPECT_EQ(listener_.punts[0].source, source);
  EXPECT_EQ(listener_.punts[0].bytes, 4);
  EXPECT_TRUE(listener_.events.empty());
  ASSERT_EQ(other.events.size(), 1u);
  EXPECT_EQ(other.events[0].kind, proto::EventKind::kMediaTimeout);
}

TEST_F(DataplaneClientTest, WhatIsOfAnEarlierGenerationOrImpossibleIsIgnored) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, {}).ok());
  turn();
  worker_.event({.index = flow.index, .generation = flow.generation - 1}, proto::EventKind::kMediaTimeout);
  worker_.event({.index = 0xffffff, .generation = 1}, proto::EventKind::kMediaTimeout);
  proto::Punt punt{};
  punt.flow = flow;
  punt.bytes = proto::kPuntDataBytesMax + 1;
  auto punts = worker_.region().punt_producer(0);
  EXPECT_EQ(punts.push(punt), proto::RingState::kOk);
  turn();
  EXPECT_TRUE(listener_.events.empty());
  EXPECT_TRUE(listener_.punts.empty());
  EXPECT_EQ(client_->counters().stale, 3u);
}

TEST_F(DataplaneClientTest, InjectedDatagramsLeaveFromTheFlowsPort) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, {}).ok());
  turn();
  const proto::Endpoint destination{.address = proto::IpAddress::from_ipv4(0xc6120102), .port = 5004};
  const std::vector<std::uint8_t> bytes = {22, 0xfe, 0xfd};
  EXPECT_TRUE(client_->inject(flow, destination, bytes).ok());
  worker_.run();
  ASSERT_EQ(worker_.sent().size(), 1u);
  EXPECT_EQ(worker_.sent()[0].local_port, 20000);
  EXPECT_EQ(worker_.sent()[0].destination, destination);
  EXPECT_EQ(worker_.sent()[0].bytes, bytes);
  EXPECT_FALSE(client_->inject(flow, destination, std::vector<std::uint8_t>(proto::kPuntDataBytesMax + 1)).ok());
}

TEST_F(DataplaneClientTest, ARemovedFlowIsSilentAtOnceAndItsIndexComesBackWithAHigherGeneration) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, note()).ok());
  turn();
  worker_.event(flow, proto::EventKind::kMediaTimeout);
  client_->remove(flow, now_ns_);
  turn();
  EXPECT_TRUE(listener_.events.empty());
  EXPECT_EQ(worker_.flows(), 0u);
  // Every other index is used before this one comes round.
  std::uint32_t generation = 0;
  for (std::uint32_t i = 0; i < region_->shape().flows_max; ++i) {
    const proto::FlowId next = reserve(20000);
    if (next.index == flow.index) generation = next.generation;
  }
  EXPECT_EQ(generation, flow.generation + 1);
  EXPECT_FALSE(client_->reserve(20000, listener_).ok());
}

TEST_F(DataplaneClientTest, ARemovalIsRepeatedUntilItIsAnswered) {
  const proto::FlowId flow = reserve(20000);
  for (std::uint32_t i = 0; i < region_->shape().command_slots; ++i) {
    EXPECT_TRUE(client_->open(flow, spec(20000), now_ns_, {}).ok());
  }
  client_->remove(flow, now_ns_);  // the ring is full
  turn();
  EXPECT_EQ(worker_.flows(), 1u);
  now_ns_ += 2 * kSecondNs;
  client_->poll(now_ns_);
  turn();
  EXPECT_EQ(worker_.flows(), 0u);
}

TEST_F(DataplaneClientTest, AnUnansweredCommandFailsUnlessTheTableShowsItDone) {
  const proto::FlowId done = reserve(20000);
  const proto::FlowId lost = reserve(20002);
  worker_.set_mute(true);
  EXPECT_TRUE(client_->install(done, spec(20000), now_ns_, note()).ok());
  turn();
  EXPECT_TRUE(client_->install(lost, spec(20002), now_ns_, note()).ok());
  now_ns_ += 6 * kSecondNs;
  client_->poll(now_ns_);
  std::sort(answers_.begin(), answers_.end());
  EXPECT_EQ(answers_, (std::vector<std::string>{"ok", "weir-media does not answer"}));
  EXPECT_EQ(client_->counters().commands_timed_out, 1u);
}

TEST_F(DataplaneClientTest, ARemovalWhoseAnswerIsLostEndsByTheTable) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->install(flow, spec(20000), now_ns_, {}).ok());
  turn();
  worker_.set_mute(true);
  client_->remove(flow, now_ns_);
  turn();
  now_ns_ += 2 * kSecondNs;
  client_->poll(now_ns_);
  const std::uint64_t commands = client_->counters().commands;
  now_ns_ += 2 * kSecondNs;
  client_->poll(now_ns_);
  EXPECT_EQ(client_->counters().commands, commands) << "still removing";
}

TEST_F(DataplaneClientTest, AClientThatAttachesFindsTheFlowsOfTheOneBeforeAndEndsThem) {
  EXPECT_TRUE(client_->install(reserve(20000), spec(20000), now_ns_, {}).ok());
  EXPECT_TRUE(client_->install(reserve(20003), spec(20003), now_ns_, {}).ok());
  turn();
  attach();
  ASSERT_EQ(client_->flows_found().size(), 2u);
  EXPECT_EQ(client_->flows_found()[0].cookie, 77u);
  EXPECT_EQ(client_->flows_found()[1].local_port, 20003);
  const std::vector<FlowFound> found = client_->flows_found();
  for (const FlowFound& flow : found) client_->remove_found(flow, now_ns_);
  turn();
  EXPECT_EQ(worker_.flows(), 0u);
  EXPECT_TRUE(client_->flows().empty());
}

TEST_F(DataplaneClientTest, AnAdoptedFlowGoesOnUnderItsNewHandler) {
  const proto::FlowId flow = reserve(20000);
  EXPECT_TRUE(client_->install(flow, spec(20000), now_ns_, {}).ok());
  turn();
  attach();
  Listener adopter;
  client_->adopt(client_->flows_found().at(0), adopter);
  worker_.event(flow, proto::EventKind::kMediaTimeout);
  turn();
  EXPECT_EQ(adopter.events.size(), 1u);
  EXPECT_EQ(worker_.flows(), 1u);
  client_->remove(flow, now_ns_);
  turn();
  EXPECT_EQ(worker_.flows(), 0u);
}

TEST_F(DataplaneClientTest, ACommandOfADeadClientThatIsReadLateLeaksNoFlow) {
  EXPECT_TRUE(client_->install(reserve(20000), spec(20000), now_ns_, {}).ok());
  attach();  // the command still lies in the ring
  EXPECT_TRUE(client_->flows_found().empty());
  for (int i = 0; i < 5; ++i) turn();
  EXPECT_EQ(worker_.flows(), 0u);
  EXPECT_EQ(client_->counters().orphans_removed, 1u);
}

TEST_F(DataplaneClientTest, ANewFlowOnTheIndexOfALateCommandIsRefusedAndNothingLeaks) {
  const proto::FlowId old = reserve(20000);
  EXPECT_TRUE(client_->install(old, spec(20000), now_ns_, {}).ok());
  attach();
  const proto::FlowId fresh = reserve(20000);
  ASSERT_EQ(fresh.index, old.index);
  EXPECT_GT(fresh.generation, old.generation);
  EXPECT_TRUE(client_->install(fresh, spec(20000), now_ns_, note()).ok());
  turn();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_NE(answers_[0], "ok");
  client_->remove(fresh, now_ns_);
  for (int i = 0; i < 5; ++i) turn();
  EXPECT_EQ(worker_.flows(), 0u);
}

TEST_F(DataplaneClientTest, ADamagedRingIsCountedAndNothingMore) {
  // An event ring whose tail lies far ahead of what it can hold.
  const proto::FlowId flow = reserve(20000);
  auto events = worker_.region().event_producer(0);
  for (std::uint32_t i = 0; i <= region_->shape().event_slots; ++i) events.publish();
  turn();
  EXPECT_GE(client_->counters().ring_corrupt, 1u);
  EXPECT_TRUE(listener_.events.empty());
  client_->remove(flow, now_ns_);
}

TEST_F(DataplaneClientTest, AWorkerWithoutASignOfLifeIsNoticed) {
  const auto alive = [&](std::uint64_t at_ns) {
    for (std::uint32_t worker = 0; worker < 2; ++worker) {
      worker_.region().worker_status_mutable(worker).alive_ns.store(at_ns, std::memory_order_relaxed);
    }
  };
  alive(now_ns_);
  EXPECT_TRUE(client_->media_alive(now_ns_ + kSecondNs / 2));
  EXPECT_FALSE(client_->media_alive(now_ns_ + 2 * kSecondNs));
}

}  // namespace
}  // namespace weir::controlplane
