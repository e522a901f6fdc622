#include "dataplane/control_guard.h"

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>

namespace weir::dataplane {
namespace {

// Written once, before the handler is installed; read in the handler.
std::uintptr_t g_first = 0;
std::size_t g_bytes = 0;
std::atomic<bool> g_lost{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

/// Only mmap and atomics: safe in a signal handler. Two workers may be here at once, and both map zeros: harmless.
void on_bus_error(int signal, siginfo_t* info, void* /*context*/) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (at >= g_first && at - g_first < g_bytes) {
    void* wanted = reinterpret_cast<void*>(g_first);
    if (mmap(wanted, g_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
      g_lost.store(true, std::memory_order_relaxed);
      return;  // the access is made again, and reads zeros
    }
  }
  ::signal(signal, SIG_DFL);  // returning repeats the access, which then ends the process
}

}  // namespace

void guard_control_segment(const proto::Region& region) {
  const proto::Bytes segment = region.control_segment();
  g_first = reinterpret_cast<std::uintptr_t>(segment.data());
  g_bytes = segment.size();
  g_lost.store(false, std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

bool control_segment_lost() {
  return g_lost.load(std::memory_order_relaxed);
}

}  // namespace weir::dataplane
