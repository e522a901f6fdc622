#include "controlplane/invite_filter.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "controlplane/leg.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kUriAt = std::string_view("INVITE ").size();
constexpr std::uint32_t kOthers = 0;  // which of the two sockets
constexpr std::uint32_t kNewcomers = 1;

consteval std::uint32_t word(std::string_view four) {
  std::uint32_t made = 0;
  for (const char c : four.substr(0, 4)) made = made << 8 | static_cast<unsigned char>(c);
  return made;
}

/// Of a datagram that ends before it the program gives 0: kOthers.
constexpr sock_filter load(std::size_t at) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at));
}

/// So many statements on.
constexpr sock_filter jump(std::uint32_t if_equal_to, std::uint8_t yes, std::uint8_t no) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, if_equal_to, yes, no);
}

constexpr sock_filter give_to(std::uint32_t socket) {
  return BPF_STMT(BPF_RET | BPF_K, socket);
}

static_assert(kContactUser == "weir", "the program compares these four letters");

}  // namespace

bool part_invites(int socket) {
  std::array program = {
      load(0),
      jump(word("INVI"), 0, 7),
      load(3),
      jump(word("ITE "), 0, 5),
      load(kUriAt),
      jump(word("sip:"), 0, 2),
      load(kUriAt + 4),
      jump(word("weir"), 1, 0),
      give_to(kNewcomers),
      give_to(kOthers),
  };
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

}  // namespace weir::controlplane
