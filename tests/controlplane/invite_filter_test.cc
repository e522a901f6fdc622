#include "controlplane/invite_filter.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace weir::controlplane {
namespace {

/// Two UDP sockets on the loopback interface: what one sends the other has at once, or never.
class Wire {
 public:
  Wire() {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof here;
    EXPECT_EQ(bind(receiver_, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    EXPECT_EQ(getsockname(receiver_, reinterpret_cast<sockaddr*>(&here), &length), 0);
    EXPECT_EQ(connect(sender_, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    close(sender_);
    close(receiver_);
  }

  [[nodiscard]] int receiver() const { return receiver_; }
  [[nodiscard]] bool passes(std::string_view datagram) const {
    EXPECT_EQ(send(sender_, datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
    std::array<char, 256> buffer;
    return recv(receiver_, buffer.data(), buffer.size(), MSG_DONTWAIT) == static_cast<ssize_t>(datagram.size());
  }

 private:
  int sender_ = socket(AF_INET, SOCK_DGRAM, 0);
  int receiver_ = socket(AF_INET, SOCK_DGRAM, 0);
};

TEST(InviteFilter, DropsNewInvitesOnly) {
  const Wire wire;
  let_in_invites(wire.receiver(), 0);
  for (const std::string_view invite : {"INVITE sip:bob@198.18.1.1 SIP/2.0\r\n", "INVITE tel:+441632960123 SIP/2.0\r\n",
                                        "INVITE sips:weir@a SIP/2.0\r\n"}) {
    EXPECT_FALSE(wire.passes(invite)) << invite;
  }
  for (const std::string_view other :
       {"INVITE sip:weir@198.18.1.1:5060 SIP/2.0\r\n", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n",
        "ACK sip:bob@a SIP/2.0\r\n", "BYE sip:weir@198.18.1.1:5060 SIP/2.0\r\n", "INFO sip:weir@198.18.1.1 SIP/2.0\r\n",
        "\r\n\r\n", "\r\n", "x", ""}) {
    EXPECT_TRUE(wire.passes(other)) << other;
  }
}

TEST(InviteFilter, LetsTheShareIn) {
  const Wire wire;
  let_in_invites(wire.receiver(), 0.25);
  int passed = 0;
  for (int i = 0; i < 4000; ++i) passed += wire.passes("INVITE sip:bob@198.18.1.1 SIP/2.0\r\n") ? 1 : 0;
  EXPECT_GT(passed, 800);
  EXPECT_LT(passed, 1200);
}

TEST(InviteFilter, IsGoneWithAShareOfOne) {
  const Wire wire;
  let_in_invites(wire.receiver(), 0);
  let_in_invites(wire.receiver(), 1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(wire.passes("INVITE sip:bob@198.18.1.1 SIP/2.0\r\n"));
}

}  // namespace
}  // namespace weir::controlplane
