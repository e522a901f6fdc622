// WEIR_ASSERT: for our own bugs only, on in release. Input from the network never reaches it.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace weir::proto {

[[noreturn]] inline void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "weir: assertion failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace weir::proto

#define WEIR_ASSERT(expression)                         \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::weir::proto::assertion_failed(#expression, __FILE__, __LINE__))
