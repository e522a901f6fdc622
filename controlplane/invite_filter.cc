#include "controlplane/invite_filter.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "controlplane/leg.h"

namespace weir::controlplane {
namespace {

constexpr std::uint32_t kUdpHeaderBytes = 8;  // what the filter sees begins with it
constexpr std::uint32_t kAll = UINT32_MAX;
constexpr std::size_t kUriAt = std::string_view("INVITE ").size();

consteval std::uint32_t word(std::string_view four) {
  std::uint32_t made = 0;
  for (const char c : four.substr(0, 4)) made = made << 8 | static_cast<unsigned char>(c);
  return made;
}

constexpr sock_filter load(std::size_t at) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kUdpHeaderBytes + static_cast<std::uint32_t>(at));
}

constexpr sock_filter jump_if(std::uint16_t comparison, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value, yes, no);
}

constexpr std::uint32_t kRandom = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM);
static_assert(kContactUser == "weir", "the filter compares these four letters");

}  // namespace

void let_in_invites(int socket, double share) {
  if (share >= 1) {
    const int ignored = 0;
    (void)setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored);
    return;
  }
  const auto threshold = static_cast<std::uint32_t>(share * static_cast<double>(kAll));
  std::array<sock_filter, 14> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
      jump_if(BPF_JGE, kUdpHeaderBytes + kUriAt + 12, 0, 11),  // too short for an INVITE: keep-alives
      load(0),
      jump_if(BPF_JEQ, word("INVI"), 0, 9),
      load(3),
      jump_if(BPF_JEQ, word("ITE "), 0, 7),
      load(kUriAt),
      jump_if(BPF_JEQ, word("sip:"), 0, 2),
      load(kUriAt + 4),
      jump_if(BPF_JEQ, word("weir"), 3, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kRandom),
      jump_if(BPF_JGE, threshold, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, kAll),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  (void)setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace weir::controlplane
