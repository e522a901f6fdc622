#include "controlplane/own_addresses.h"

#include <gtest/gtest.h>

#include "controlplane/places.h"

namespace weir::controlplane {
namespace {

proto::settings::Settings border() {
  proto::settings::Settings settings;
  settings.networks.resize(3);
  const auto set = [&](std::size_t at, const char* address, std::uint8_t prefix_bits) {
    settings.networks[at].address = proto::parse_ip_address(address).value();
    settings.networks[at].prefix_bits = prefix_bits;
  };
  set(0, "198.18.1.10", 25);
  set(1, "198.18.9.1", 31);
  set(2, "2001:2:0:1::10", 64);
  settings.realms.resize(1);
  settings.realms[0].listeners.resize(1);
  settings.realms[0].listeners[0].local = {proto::parse_ip_address("198.18.3.1").value(), 0, 5060};
  return settings;
}

struct Row {
  const char* address;
  bool ours;
};
constexpr Row kRows[] = {{"198.18.1.10", true},   {"198.18.1.127", true},  {"198.18.1.0", true},
                         {"198.18.1.126", false}, {"198.18.1.255", false}, {"198.18.9.1", true},
                         {"198.18.9.0", false},   {"198.18.3.1", true},    {"2001:2:0:1::10", true},
                         {"198.18.3.2", false},   {"2001:2:0:1::", false}};

TEST(OwnAddresses, AreThoseOfNetworksAndListenersAndTheBroadcastAddresses) {
  const proto::settings::Settings settings = border();
  for (const Row& row : kRows) {
    EXPECT_EQ(is_ours_or_everybodys(settings, proto::parse_ip_address(row.address).value()), row.ours) << row.address;
  }
}

TEST(Places, SendNothingToAnAddressThatIsOursOrEverybodys) {
  const proto::settings::Settings settings = border();
  const Places places(settings);
  for (const Row& row : kRows) {
    EXPECT_EQ(places.may_be_sent_to({proto::parse_ip_address(row.address).value(), 0, 5060}), !row.ours) << row.address;
  }
  for (const char* address : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "ff02::1"}) {
    EXPECT_FALSE(places.may_be_sent_to({proto::parse_ip_address(address).value(), 0, 5060})) << address;
  }
}

}  // namespace
}  // namespace weir::controlplane
