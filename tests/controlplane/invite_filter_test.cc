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

/// A sender, and two sockets at one address of the loopback interface: what is sent one of them has at once, or none.
class Wire {
 public:
  Wire() {
    const int on = 1;
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof here;
    for (const int receiver : {others_, newcomers_}) {
      EXPECT_EQ(setsockopt(receiver, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
      EXPECT_EQ(bind(receiver, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
      EXPECT_EQ(getsockname(receiver, reinterpret_cast<sockaddr*>(&here), &length), 0);
    }
    EXPECT_EQ(connect(sender_, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    EXPECT_TRUE(part_invites(newcomers_));
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    for (const int socket : {sender_, others_, newcomers_}) close(socket);
  }

  void send(std::string_view datagram) const {
    EXPECT_EQ(::send(sender_, datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
  }
  [[nodiscard]] bool goes_to_newcomers(std::string_view datagram) const {
    send(datagram);
    return has(newcomers_, datagram);
  }
  [[nodiscard]] bool goes_to_others(std::string_view datagram) const {
    send(datagram);
    return has(others_, datagram);
  }

 private:
  static bool has(int receiver, std::string_view datagram) {
    std::array<char, 256> buffer;
    return recv(receiver, buffer.data(), buffer.size(), MSG_DONTWAIT) == static_cast<ssize_t>(datagram.size());
  }

  int sender_ = socket(AF_INET, SOCK_DGRAM, 0);
  int others_ = socket(AF_INET, SOCK_DGRAM, 0);
  int newcomers_ = socket(AF_INET, SOCK_DGRAM, 0);
};

constexpr std::string_view kInvite = "INVITE sip:bob@198.18.1.1 SIP/2.0\r\n";

TEST(InviteFilter, PartsNewInvitesFromAllElse) {
  const Wire wire;
  for (const std::string_view invite : {kInvite, std::string_view("INVITE tel:+441632960123 SIP/2.0\r\n"),
                                        std::string_view("INVITE sips:weir@a SIP/2.0\r\n")}) {
    EXPECT_TRUE(wire.goes_to_newcomers(invite)) << invite;
  }
  for (const std::string_view other :
       {"INVITE sip:weir@198.18.1.1:5060 SIP/2.0\r\n", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n",
        "ACK sip:bob@a SIP/2.0\r\n", "BYE sip:weir@198.18.1.1:5060 SIP/2.0\r\n", "INFO sip:weir@198.18.1.1 SIP/2.0\r\n",
        "INVITE sip:w", "\r\n\r\n", "\r\n", "x", ""}) {
    EXPECT_TRUE(wire.goes_to_others(other)) << other;
  }
}

}  // namespace
}  // namespace weir::controlplane
