// Where a URL of a stranger may lead, row by row.
#include "controlplane/address_policy.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

using proto::settings::AddressPrefix;

proto::IpAddress address(const char* text) {
  return proto::parse_ip_address(text).value();
}

std::string refusal(const AddressPolicy& policy, const char* text) {
  const char* what = policy.refusal(address(text));
  return what == nullptr ? "" : what;
}

struct Row {
  const char* address;
  const char* refusal;  ///< "": it may be gone to
};

const Row kRows[] = {
    {"8.8.8.8", ""},
    {"1.0.0.0", ""},
    {"100.63.255.255", ""},
    {"100.128.0.0", ""},
    {"172.15.255.255", ""},
    {"172.32.0.0", ""},
    {"198.17.255.255", ""},
    {"198.20.0.0", ""},
    {"223.255.255.255", ""},
    {"2606:4700::1111", ""},
    {"2001:4860:4860::8888", ""},
    {"0.0.0.0", "an unspecified address"},
    {"0.1.2.3", "an unspecified address"},
    {"10.0.0.1", "a private address"},
    {"10.255.255.255", "a private address"},
    {"100.64.0.1", "a private address"},
    {"127.0.0.1", "this host itself"},
    {"127.255.255.254", "this host itself"},
    {"169.254.169.254", "a link-local address"},
    {"172.16.0.1", "a private address"},
    {"172.31.255.255", "a private address"},
    {"192.0.0.8", "a reserved address"},
    {"192.0.2.1", "an address of documentation"},
    {"192.88.99.1", "a reserved address"},
    {"192.168.1.1", "a private address"},
    {"198.18.0.1", "an address of test networks"},
    {"198.19.255.255", "an address of test networks"},
    {"198.51.100.1", "an address of documentation"},
    {"203.0.113.1", "an address of documentation"},
    {"224.0.0.1", "a multicast address"},
    {"239.255.255.255", "a multicast address"},
    {"240.0.0.1", "a reserved address"},
    {"255.255.255.255", "a reserved address"},
    {"::", "an unspecified address"},
    {"::1", "this host itself"},
    {"::8.8.8.8", "IPv4 in IPv6's clothes"},
    {"::127.0.0.1", "IPv4 in IPv6's clothes"},
    {"::ffff:8.8.8.8", "IPv4 in IPv6's clothes"},
    {"::ffff:127.0.0.1", "IPv4 in IPv6's clothes"},
    {"::ffff:0:127.0.0.1", "a reserved address"},
    {"64:ff9b::8.8.8.8", ""},
    {"64:ff9b::10.0.0.1", "a private address"},
    {"64:ff9b::127.0.0.1", "this host itself"},
    {"64:ff9b:1::8.8.8.8", "a private address"},
    {"2002:808:808::1", ""},
    {"2002:7f00:1::1", "this host itself"},
    {"2002:c0a8:101::1", "a private address"},
    {"2001::1", "a reserved address"},
    {"2001:2::1", "an address of test networks"},
    {"2001:db8::1", "an address of documentation"},
    {"3fff:1::1", "an address of documentation"},
    {"4000::1", "a reserved address"},
    {"fc00::1", "a private address"},
    {"fd12:3456::1", "a private address"},
    {"fe80::1", "a link-local address"},
    {"fec0::1", "a private address"},
    {"ff02::1", "a multicast address"},
};

TEST(AddressPolicy, OnlyPublicHostsMayBeGoneTo) {
  const AddressPolicy policy({});
  for (const Row& row : kRows) EXPECT_EQ(refusal(policy, row.address), row.refusal) << row.address;
  EXPECT_NE(policy.refusal({}), nullptr);
}

TEST(AddressPolicy, WhatTheOperatorAllowsMayBeGoneToAndNothingBesideIt) {
  const AddressPolicy policy({{address("10.1.0.0"), 16}, {address("fd00::"), 8}});
  EXPECT_EQ(refusal(policy, "10.1.2.3"), "");
  EXPECT_EQ(refusal(policy, "10.2.2.3"), "a private address");
  EXPECT_EQ(refusal(policy, "fd00::1"), "");
  EXPECT_EQ(refusal(policy, "fc00::1"), "a private address");
  EXPECT_EQ(refusal(policy, "64:ff9b::10.1.2.3"), "") << "what the translator leads to is what counts";
}

TEST(AddressPolicy, OurOwnAddressesMayNotBeGoneToUnlessAllowed) {
  const std::vector<AddressPrefix> own = {{address("8.8.8.0"), 24}};
  EXPECT_EQ(refusal(AddressPolicy({}, own), "8.8.8.8"), "an address of ours");
  EXPECT_EQ(refusal(AddressPolicy({}, own), "2002:808:808::1"), "an address of ours");
  EXPECT_EQ(refusal(AddressPolicy({{address("8.8.8.8"), 32}}, own), "8.8.8.8"), "");
}

}  // namespace
}  // namespace weir::controlplane
