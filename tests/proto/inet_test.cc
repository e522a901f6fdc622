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

}  // namespace
}  // namespace weir::proto
