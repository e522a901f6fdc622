// A buffer that ends at a page nobody may touch: reading one byte past the end is a fault, not a guess.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::tests {

/// Holds up to 64 KiB; copy() places the bytes so that their end is the guard page's start.
class GuardedBytes {
 public:
  GuardedBytes() {
    void* memory = mmap(nullptr, kRoom + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WEIR_ASSERT(memory != MAP_FAILED);
    memory_ = static_cast<std::uint8_t*>(memory);
    WEIR_ASSERT(mprotect(memory_ + kRoom, kPage, PROT_NONE) == 0);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(memory_, kRoom + kPage); }

  proto::MutableBytes copy(proto::Bytes bytes) {
    WEIR_ASSERT(bytes.size() <= kRoom);
    std::uint8_t* start = memory_ + kRoom - bytes.size();
    if (!bytes.empty()) std::memcpy(start, bytes.data(), bytes.size());
    return {start, bytes.size()};
  }

 private:
  static constexpr std::size_t kRoom = 64 * 1024;
  static constexpr std::size_t kPage = 4096;
  std::uint8_t* memory_;
};

}  // namespace weir::tests
