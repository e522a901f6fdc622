#include "controlplane/invite_filter.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "controlplane/leg.h"

namespace weir::controlplane {
namespace {

constexpr std::uint32_t kAll = UINT32_MAX;
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

constexpr sock_filter jump_if(std::uint16_t comparison, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value, yes, no);
}

constexpr sock_filter give(std::uint32_t verdict) {
  return BPF_STMT(BPF_RET | BPF_K, verdict);
}

template <std::size_t Length>
bool attach(int socket, int option, std::array<sock_filter, Length> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return setsockopt(socket, SOL_SOCKET, option, &filter, sizeof filter) == 0;
}

constexpr std::uint32_t kRandom = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM);
static_assert(kContactUser == "weir", "the program compares these four letters");

}  // namespace

bool part_invites(int socket) {
  return attach(socket, SO_ATTACH_REUSEPORT_CBPF,
                std::array{
                    load(0),
                    jump_if(BPF_JEQ, word("INVI"), 0, 7),
                    load(3),
                    jump_if(BPF_JEQ, word("ITE "), 0, 5),
                    load(kUriAt),
                    jump_if(BPF_JEQ, word("sip:"), 0, 2),
                    load(kUriAt + 4),
                    jump_if(BPF_JEQ, word("weir"), 1, 0),
                    give(kNewcomers),
                    give(kOthers),
                });
}

void let_in(int socket, double share) {
  if (share >= 1) {
    const int ignored = 0;
    (void)setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored);
    return;
  }
  const auto threshold = static_cast<std::uint32_t>(share * static_cast<double>(kAll));
  (void)attach(socket, SO_ATTACH_FILTER,
               std::array{
                   load(kRandom),
                   jump_if(BPF_JGE, threshold, 0, 1),
                   give(0),
                   give(kAll),
               });
}

}  // namespace weir::controlplane
