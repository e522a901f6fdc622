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

// RFC 1071 section 3's worked example: 0001 f203 f4f5 f6f7 sums to ddf2.
TEST(Inet, ChecksumOfRfc1071sExample) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_fold(checksum_add(0, bytes)), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Inet, ChecksumOfAnIpv4HeaderCapturedFromALinuxKernel) {
  std::vector<std::uint8_t> header = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                      0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  EXPECT_EQ(ipv4_checksum(header), 0xb861);
  store_be16(&header[10], 0xb861);
  EXPECT_EQ(checksum_fold(checksum_add(0, header)), 0);
}

TEST(Inet, AUdpDatagramWithItsChecksumSumsToZeroAtEveryLength) {
  std::mt19937 random(3);
  const std::uint8_t source[] = {198, 18, 0, 1};
  const std::uint8_t destination[] = {198, 18, 0, 2};
  for (std::size_t bytes = 8; bytes < 200; ++bytes) {
    std::vector<std::uint8_t> udp(bytes);
    for (std::uint8_t& byte : udp) byte = static_cast<std::uint8_t>(random());
    store_be16(&udp[4], static_cast<std::uint16_t>(bytes));
    store_be16(&udp[6], 0);
    const std::uint16_t checksum = udp_checksum(source, destination, udp);
    EXPECT_NE(checksum, 0);
    store_be16(&udp[6], checksum);
    std::uint64_t sum = checksum_add(checksum_add(0, source), destination);
    sum = checksum_add(sum + kIpProtocolUdp + bytes, udp);
    EXPECT_EQ(checksum_fold(sum), 0) << bytes;
  }
}

}  // namespace
}  // namespace weir::proto
