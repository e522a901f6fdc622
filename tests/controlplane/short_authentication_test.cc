// The string itself; that both ends of a handshake have the same one is in dtls_test and dtls_openssl_test.
#include "controlplane/short_authentication.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace weir::controlplane {
namespace {

constexpr std::array<std::uint8_t, 4> kClientCertificate{0x30, 0x02, 0x05, 0x00};
constexpr std::array<std::uint8_t, 5> kServerCertificate{0x30, 0x03, 0x02, 0x01, 0x07};

std::array<std::uint8_t, 32> random_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return bytes;
}

std::string string_of(std::uint8_t client_random, std::uint8_t server_random) {
  const auto client = random_of(client_random);
  const auto server = random_of(server_random);
  return short_authentication_string({.client_certificate = kClientCertificate,
                                      .client_random = client,
                                      .server_certificate = kServerCertificate,
                                      .server_random = server})
      .value();
}

TEST(ShortAuthentication, IsTheLow25BitsOfTheDigestAsPythonsHashlibAndBase64CountThem) {
  EXPECT_EQ(string_of(0x11, 0x22), "IA42V");
  EXPECT_EQ(string_of(0x00, 0xff), "TL67P");
}

TEST(ShortAuthentication, TellsTheRolesApartAndChangesWithEachPart) {
  const std::string usual = string_of(0x11, 0x22);
  EXPECT_NE(string_of(0x22, 0x11), usual);
  EXPECT_NE(string_of(0x11, 0x23), usual);
  EXPECT_NE(string_of(0x12, 0x22), usual);
}

}  // namespace
}  // namespace weir::controlplane
