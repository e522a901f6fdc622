#include "dataplane/ice_state.h"

#include <gtest/gtest.h>

#include <cstring>

#include "dataplane/cipher.h"
#include "tests/support/media_flows.h"
#include "tests/support/stun_peer.h"

namespace weir::dataplane {
namespace {

using tests::ice_credentials;
using tests::MediaFlows;

constexpr std::uint64_t kSecond = 1'000'000'000;

proto::Endpoint source(std::uint16_t port) {
  return {proto::IpAddress::from_ipv4(0xc6120102), 0, port};
}

class IceStateTest : public testing::Test {
 protected:
  IceStateTest() {
    spec_.ice[0] = ice_credentials("abcd", tests::Check().password);
    set_credentials(state_, spec_, flows_.cipher());
  }
  bool check(std::uint16_t from, bool nominates = false, std::uint8_t credentials = 0) {
    now_ns_ += kSecond;
    bool is_new = false;
    const IceCheck check = {.source = source(from),
                            .transaction = ++transaction_,
                            .priority = 100,
                            .credentials = credentials,
                            .nominates = nominates};
    return admits_check(state_, check.source, now_ns_) &&
           commit_check(state_, check, now_ns_, is_new) == IceCommit::kTaken;
  }

  MediaFlows flows_{8};
  proto::FlowSpec spec_{};
  IceState state_{};
  std::uint64_t now_ns_ = 100 * kSecond;
  std::uint64_t transaction_ = 0;
};

TEST_F(IceStateTest, OfTooManySourcesTheOneSilentLongestMakesRoomButNeverTheSelected) {
  ASSERT_TRUE(check(4000, true));
  for (std::uint16_t i = 1; i < kIceSources; ++i) ASSERT_TRUE(check(static_cast<std::uint16_t>(4000 + i)));
  ASSERT_TRUE(check(4001));  // heard again
  ASSERT_TRUE(check(5000));
  EXPECT_TRUE(is_checked(state_, source(4000)));
  EXPECT_TRUE(is_checked(state_, source(4001)));
  EXPECT_FALSE(is_checked(state_, source(4002)));
  for (std::uint16_t i = 0; i < 100; ++i) ASSERT_TRUE(check(static_cast<std::uint16_t>(6000 + i)));
  EXPECT_EQ(*state_.selected_source(), source(4000));
}

TEST_F(IceStateTest, NewCredentialsForgetTheChecksButNotTheNomination) {
  ASSERT_TRUE(check(4000));
  ASSERT_TRUE(check(4001, true));
  spec_.ice[0] = ice_credentials("next", tests::Check().password);
  set_credentials(state_, spec_, flows_.cipher());
  EXPECT_FALSE(is_checked(state_, source(4000)));
  EXPECT_EQ(*state_.selected_source(), source(4001));
  ASSERT_TRUE(check(4002, true));
  EXPECT_EQ(*state_.selected_source(), source(4002));
}

TEST_F(IceStateTest, AnotherPasswordOfTheSameUfragIsAnother) {
  ASSERT_TRUE(check(4000));
  spec_.ice[0] = ice_credentials("abcd", "VOkJxbRl1RmTxUk/WvJxBT");
  set_credentials(state_, spec_, flows_.cipher());
  EXPECT_FALSE(is_checked(state_, source(4000)));
}

TEST_F(IceStateTest, ThePasswordItselfIsNotKept) {
  const std::string password = tests::Check().password;
  EXPECT_EQ(memmem(&state_, sizeof state_, password.data(), password.size()), nullptr);
}

/// The bytes of a table's memory that tell of a secret.
bool holds(const tests::AlignedMemory& memory, const IceCredentials& credentials) {
  return memmem(memory.data(), memory.bytes(), credentials.hmac_inner.data(), credentials.hmac_inner.size()) != nullptr;
}

TEST(IceOfFlows, IsFoundAfterARestartAndWipedWithTheFlow) {
  const tests::AlignedMemory memory(MediaFlows::memory_bytes(8));
  MediaFlows flows(8, memory.data());
  proto::FlowSpec spec = MediaFlows::spec(2, {}, {});
  spec.ice[0] = ice_credentials("abcd", tests::Check().password);
  flows.install(2, MediaFlows::spec(2, {}, {}));
  EXPECT_EQ(flows.table().ice_of(2), nullptr);
  ASSERT_TRUE(flows.table().set_ice(2, spec, flows.cipher()));
  ASSERT_NE(flows.table().ice_of(2), nullptr);
  const IceCredentials credentials = flows.table().ice_of(2)->credentials[0];
  FlowTable again = flows.restarted();
  again.resume(flows.cipher());
  ASSERT_NE(again.ice_of(2), nullptr);
  EXPECT_EQ(std::memcmp(&again.ice_of(2)->credentials[0], &credentials, sizeof credentials), 0);
  EXPECT_TRUE(holds(memory, credentials));
  again.remove(2);
  EXPECT_FALSE(holds(memory, credentials));
}

TEST(IceOfFlows, WhatWasHalfMadeWhenThePlaneEndedIsGivenBack) {
  const tests::AlignedMemory memory(MediaFlows::memory_bytes(8));
  MediaFlows flows(8, memory.data());
  proto::FlowSpec spec = MediaFlows::spec(2, {}, {});
  spec.ice[0] = ice_credentials("abcd", tests::Check().password);
  flows.install(2, spec);
  ASSERT_TRUE(flows.table().set_ice(2, spec, flows.cipher()));
  const IceCredentials credentials = flows.table().ice_of(2)->credentials[0];
  flows.flow(2).accepts = spec.accepts;  // set_ice marks the flow last
  FlowTable again = flows.restarted();
  again.resume(flows.cipher());
  EXPECT_EQ(again.ice_of(2), nullptr);
  EXPECT_FALSE(holds(memory, credentials));
  EXPECT_TRUE(again.set_ice(2, spec, flows.cipher()));
}

}  // namespace
}  // namespace weir::dataplane
