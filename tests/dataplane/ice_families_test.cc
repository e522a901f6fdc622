// A flow that arrives on networks of both families, for a peer that chooses between them by ICE. RFC 8445
// section 5.1.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ice_flow.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using proto::Refusal;
using proto::settings::NetworkSettings;
using tests::MediaPlane;
using tests::Packet;
using tests::StunAnswer;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint8_t kIpv6Network = 2;  ///< beside network 0, on its device
constexpr const char* kOurs6 = "2001:2:0:1::a";
constexpr const char* kPeer6 = "2001:2:0:1::2";

proto::Endpoint peer6(std::uint16_t port) {
  return {.address = proto::parse_ip_address(kPeer6).value(), .port = port};
}

MediaPlane::Shape both_families(std::uint16_t workers = 1) {
  return {.workers = workers, .adjust = [](std::vector<NetworkSettings>& networks) {
            NetworkSettings ipv6 = networks[0];
            ipv6.name = "outside6";
            ipv6.address = proto::parse_ip_address(kOurs6).value();
            ipv6.prefix_bits = 64;
            ipv6.neighbours = {{proto::parse_ip_address(kPeer6).value(), MediaPlane::kPeerMac}};
            networks.push_back(ipv6);
          }};
}

class IceFamilies : public testing::Test {
 protected:
  IceFamilies() {
    command_ = MediaPlane::install(1, 0, kPort, 20002);
    command_.spec.also_network = kIpv6Network + 1;
    command_.spec.peer = {};
    command_.spec.source_policy = proto::SourcePolicy::kIce;
    command_.spec.punts = proto::kPuntDtls;
    command_.spec.ice[0] = tests::ice_credentials("abcd", tests::Check().password);
  }
  proto::Event send(CommandKind kind) {
    command_.kind = kind;
    return plane_.command(command_);
  }
  void install() { ASSERT_EQ(send(CommandKind::kInstall).kind, EventKind::kInstalled); }
  void arrive4(const Packet& payload) {
    plane_.arrive(0, 4000, kPort, payload);
    plane_.run(1);
  }
  void arrive6(const Packet& payload) {
    plane_.arrive(0, tests::udp6_frame({.source_port = 4006, .destination_port = kPort, .payload = payload}));
    plane_.run(1);
  }
  bool passes() { return !plane_.departed(1).empty(); }
  /// What left towards a peer that weir-control sends a check to.
  Packet inject(const proto::Endpoint& destination) {
    proto::Inject inject{};
    inject.flow = command_.flow;
    inject.destination = destination;
    const Packet check = tests::stun_check({.transaction = 5});
    inject.bytes = static_cast<std::uint16_t>(check.size());
    std::copy(check.begin(), check.end(), inject.data);
    EXPECT_EQ(plane_.control().inject_producer(0).push(inject), proto::RingState::kOk);
    plane_.run(2);
    const std::vector<Packet> left = plane_.departed(0);
    return left.size() == 1 ? left[0] : Packet();
  }
  MediaPlane plane_{both_families()};
  proto::Command command_;
};

TEST_F(IceFamilies, ChecksAreAnsweredWhereTheyComeAndMediaFollowsTheNomination) {
  install();
  arrive4(tests::stun_check({.transaction = 1}));
  std::vector<Packet> answers = plane_.departed(0);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(tests::read_stun_answer(tests::udp_payload(answers[0])).mapped, "198.18.1.2:4000");
  arrive6(tests::stun_check({.transaction = 2, .nominates = true}));
  answers = plane_.departed(0);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(tests::read_stun_answer(tests::udp_payload(answers[0])).mapped, "[2001:2:0:1::2]:4006");
  EXPECT_EQ(Address::load_ipv6(answers[0].data() + 22), Address(proto::parse_ip_address(kOurs6).value()));
  arrive6(tests::rtp_packet(1, 7, 20));
  EXPECT_TRUE(passes());
  arrive4(tests::rtp_packet(2, 7, 20));
  EXPECT_FALSE(passes()) << "the other family's was nominated";
  EXPECT_EQ(plane_.control().flow_status(1).source, peer6(4006));
  EXPECT_EQ(plane_.control().flow_status(1).also_network, kIpv6Network + 1);
}

TEST_F(IceFamilies, WhatWeirControlSendsLeavesByTheNetworkOfItsDestination) {
  install();
  const Packet to_ipv4 = inject(MediaPlane::peer(0, 4000));
  ASSERT_FALSE(to_ipv4.empty());
  EXPECT_EQ(proto::load_be32(to_ipv4.data() + 26), MediaPlane::our_address(0));
  const Packet to_ipv6 = inject(peer6(4006));
  ASSERT_FALSE(to_ipv6.empty());
  EXPECT_EQ(Address::load_ipv6(to_ipv6.data() + 22), Address(proto::parse_ip_address(kOurs6).value()));
}

TEST_F(IceFamilies, NobodyIsHeardOnEitherWithoutACheck) {
  install();
  arrive6(tests::rtp_packet(1, 7, 20));
  EXPECT_FALSE(passes());
  arrive6({22, 254, 253, 0, 0});
  EXPECT_TRUE(plane_.punts().empty());
  EXPECT_EQ(plane_.dropped(DropReason::kSourceNotAllowed), 2u);
  arrive6(tests::stun_check({.transaction = 3, .password = "anotherpassword123456+/"}));
  EXPECT_TRUE(plane_.departed(0).empty());
}

TEST_F(IceFamilies, BothPlacesStayOverARestartAndAreFreeAfterwards) {
  install();
  plane_.restart();
  arrive6(tests::stun_check({.transaction = 4}));
  EXPECT_EQ(plane_.departed(0).size(), 1u);
  ASSERT_EQ(send(CommandKind::kRemove).kind, EventKind::kRemoved);
  arrive6(tests::stun_check({.transaction = 5}));
  arrive4(tests::stun_check({.transaction = 6}));
  EXPECT_TRUE(plane_.departed(0).empty());
  EXPECT_EQ(plane_.dropped(DropReason::kPortClosed), 2u);
}

TEST_F(IceFamilies, APlaceThatIsNoneIsRefused) {
  const auto refusal = [&](std::uint8_t also) {
    command_.spec.also_network = also;
    return send(CommandKind::kInstall).refusal;
  };
  EXPECT_EQ(refusal(kIpv6Network + 2), Refusal::kNetworkUnknown);
  EXPECT_EQ(refusal(255), Refusal::kNetworkUnknown);
  EXPECT_EQ(refusal(1), Refusal::kAddressFamily) << "the network itself";
  EXPECT_EQ(refusal(2), Refusal::kAddressFamily) << "another of its family";
  proto::Command holder = MediaPlane::install(2, 0, kPort, 20002);
  holder.spec.network = kIpv6Network;
  holder.spec.peer = peer6(4000);
  ASSERT_EQ(plane_.command(holder).kind, EventKind::kInstalled);
  EXPECT_EQ(refusal(kIpv6Network + 1), Refusal::kPortInUse);
}

TEST_F(IceFamilies, ItStaysForTheFlowsLifeWhatItWas) {
  ASSERT_EQ(send(CommandKind::kOpen).kind, EventKind::kOpened);
  command_.spec.also_network = 0;
  EXPECT_EQ(send(CommandKind::kInstall).refusal, Refusal::kStateWrong);
  command_.spec.also_network = kIpv6Network + 1;
  install();
  command_.spec.peer = peer6(4006);
  EXPECT_EQ(send(CommandKind::kSetPeer).kind, EventKind::kPeerSet);
}

}  // namespace
}  // namespace weir::dataplane
