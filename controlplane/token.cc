#include "controlplane/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstddef>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kTokenBytes = 12;
constexpr std::size_t kTokensDrawn = 256;

/// Random bytes that were drawn and not given out yet.
struct Drawn {
  std::array<unsigned char, kTokensDrawn * kTokenBytes> bytes;
  std::size_t used = sizeof bytes;
};

}  // namespace

std::string make_token() {
  static constexpr char kHex[] = "0123456789abcdef";
  thread_local Drawn drawn;
  if (drawn.used == drawn.bytes.size()) {
    WEIR_ASSERT(RAND_bytes(drawn.bytes.data(), static_cast<int>(drawn.bytes.size())) == 1);
    drawn.used = 0;
  }
  unsigned char* const mine = drawn.bytes.data() + drawn.used;
  drawn.used += kTokenBytes;
  std::string token(2 * kTokenBytes, '\0');
  for (std::size_t i = 0; i < kTokenBytes; ++i) {
    token[2 * i] = kHex[mine[i] >> 4];
    token[2 * i + 1] = kHex[mine[i] & 15];
  }
  OPENSSL_cleanse(mine, kTokenBytes);
  return token;
}

}  // namespace weir::controlplane
