#include "controlplane/leg_ice.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace weir::controlplane {
namespace {

proto::Endpoint place(std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(0xc612010a), .reserved = 0, .port = port};
}

sip::RemoteIce remote(const std::string& ufrag, const std::string& password) {
  sip::RemoteIce ice;
  ice.credentials = {.ufrag = ufrag, .password = password};
  return ice;
}

std::string_view ufrag(const proto::IceCredentialsSpec& spec) {
  return {reinterpret_cast<const char*>(spec.ufrag.data()), spec.ufrag_bytes};
}

const sip::RemoteIce kBefore = remote("abcd", "abcdefghijklmnopqrstuv");
const sip::RemoteIce kRestarted = remote("wxyz", "vutsrqponmlkjihgfedcba");

TEST(LegIce, CredentialsHaveTheRandomnessOfRfc8445AndStay) {
  LegIce ice;
  const sip::LocalIce first = ice.local(nullptr, place(20000), place(20001));
  EXPECT_GE(first.credentials.ufrag.size() * 4, 24u) << "hexadecimal digits";
  EXPECT_GE(first.credentials.password.size() * 4, 128u);
  EXPECT_EQ(ice.local(nullptr, place(20000), place(20001)).credentials, first.credentials);
  EXPECT_NE(LegIce().local(nullptr, place(20000), place(20001)).credentials, first.credentials);
}

TEST(LegIce, ThereIsAHostCandidateForEachPort) {
  const sip::LocalIce local = LegIce().local(nullptr, place(20000), place(20001));
  ASSERT_EQ(local.candidates.size(), 2u);
  EXPECT_EQ(local.candidates[0].component, 1);
  EXPECT_EQ(local.candidates[0].endpoint, place(20000));
  EXPECT_EQ(local.candidates[1].component, 2);
  EXPECT_EQ(local.candidates[1].endpoint, place(20001));
  EXPECT_GT(local.candidates[0].priority, local.candidates[1].priority);
  EXPECT_TRUE(local.lite);
}

TEST(LegIce, ARestartBringsOthersAndThoseBeforeStayUntilAPairIsChosen) {
  LegIce ice;
  const sip::IceCredentials before = ice.local(&kBefore, place(20000), place(20001)).credentials;
  ice.follow(kBefore);
  EXPECT_EQ(ice.local(&kBefore, place(20000), place(20001)).credentials, before) << "the same offer again";
  const sip::IceCredentials next = ice.local(&kRestarted, place(20000), place(20001)).credentials;
  EXPECT_NE(next.ufrag, before.ufrag);
  EXPECT_NE(next.password, before.password);
  EXPECT_EQ(ice.local(&kRestarted, place(20000), place(20001)).credentials, next);
  EXPECT_EQ(ufrag(ice.spec()[0]), before.ufrag);
  EXPECT_EQ(ufrag(ice.spec()[1]), next.ufrag);
  EXPECT_FALSE(ice.choose(0)) << "the pair before, once more";
  EXPECT_EQ(ufrag(ice.spec()[0]), before.ufrag);
  EXPECT_TRUE(ice.choose(1));
  EXPECT_EQ(ufrag(ice.spec()[0]), next.ufrag);
  EXPECT_EQ(ice.spec()[1].ufrag_bytes, 0);
}

TEST(LegIce, AnotherRestartBeforeThatDropsTheOldest) {
  LegIce ice;
  (void)ice.local(&kBefore, place(20000), place(20001));
  ice.follow(kBefore);
  const sip::IceCredentials second = ice.local(&kRestarted, place(20000), place(20001)).credentials;
  const sip::RemoteIce again = remote("1234", "1234567890123456789012");
  const sip::IceCredentials third = ice.local(&again, place(20000), place(20001)).credentials;
  EXPECT_EQ(ufrag(ice.spec()[0]), second.ufrag);
  EXPECT_EQ(ufrag(ice.spec()[1]), third.ufrag);
}

}  // namespace
}  // namespace weir::controlplane
