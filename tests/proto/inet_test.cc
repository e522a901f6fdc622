#include "proto/inet.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace weir::proto {
namespace {

TEST(Inet, ParsesAndPrintsAddresses) {
  for (const char* text : {"198.18.0.1", "2001:2::1", "255.255.255.255", "::"}) {
    const Result<IpAddress> address = parse_ip_address(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  for (const char* text : {"", "198.18.0", "198.18.0.256", "198.18.0.1 ", "[2001:2::1]", "fe80::1%eth0", "host"}) {
    EXPECT_FALSE(parse_ip_address(text).ok()) << text;
  }
  EXPECT_FALSE(parse_ip_address(std::string_view("198.18.0.1\0x", 12)).ok());
  EXPECT_FALSE(parse_ip_address(std::string_view("::1\0", 4)).ok());
  EXPECT_EQ(parse_ip_address("198.18.0.1")->ipv4(), 0xc6120001u);
  EXPECT_EQ(IpAddress::from_ipv4(0xc6120001), *parse_ip_address("198.18.0.1"));
}

TEST(Inet, PrintsEndpointsWithBracketsForIpv6) {
  EXPECT_EQ(to_string(Endpoint{*parse_ip_address("198.18.0.1"), 0, 5060}), "198.18.0.1:5060");
  EXPECT_EQ(to_string(Endpoint{*parse_ip_address("2001:2::1"), 0, 5060}), "[2001:2::1]:5060");
}

TEST(Inet, ParsesAndPrintsMacAddresses) {
  const Result<MacAddress> mac = parse_mac_address("02:00:5e:10:Ff:01");
  ASSERT_TRUE(mac.ok());
  EXPECT_EQ(to_string(*mac), "02:00:5e:10:ff:01");
  for (const char* text : {"", "02:00:5e:10:ff", "02:00:5e:10:ff:0g", "02-00-5e-10-ff-01", "02:00:5e:10:ff:01:02"}) {
    EXPECT_FALSE(parse_mac_address(text).ok()) << text;
  }
}

TEST(Prefix, IsSharedBitByBitWithinOneFamily) {
  const auto shared = [](const char* a, const char* b) {
    int bits = 0;
    const IpAddress first = parse_ip_address(a).value();
    const IpAddress second = parse_ip_address(b).value();
    const int most = first.family == Family::kIpv6 ? kIpv6Bits : kIpv4Bits;
    while (bits < most && share_prefix(first, second, static_cast<std::uint32_t>(bits + 1))) ++bits;
    return bits;
  };
  EXPECT_EQ(shared("198.18.0.1", "198.18.0.1"), 32);
  EXPECT_EQ(shared("198.18.0.1", "198.18.0.2"), 30);
  EXPECT_EQ(shared("198.18.0.1", "70.18.0.1"), 0);
  EXPECT_EQ(shared("2001:2::1", "2001:2::1"), 128);
  EXPECT_EQ(shared("2001:2::1", "2001:2::"), 127);
  EXPECT_EQ(shared("2001:2::1", "2001:2:0:0:8000::1"), 64);
  EXPECT_FALSE(share_prefix(parse_ip_address("198.18.0.1").value(), parse_ip_address("c612:1::").value(), 8));
  EXPECT_FALSE(share_prefix({}, {}, 0)) << "no address at all";
}

}  // namespace
}  // namespace weir::proto
