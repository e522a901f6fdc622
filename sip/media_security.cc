#include "sip/media_security.h"

#include <algorithm>

namespace weir::sip {

std::string_view to_string(Keying keying) {
  switch (keying) {
    case Keying::kNone:
      return "none";
    case Keying::kSdes:
      return "sdes";
    case Keying::kDtls:
      return "dtls";
  }
  return "unknown";
}

bool is_same_crypto(const CryptoAttribute& a, const CryptoAttribute& b) {
  return a.suite == b.suite && std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(), b.keys.end(),
                                          [](const proto::Secret<CryptoKey>& one,
                                             const proto::Secret<CryptoKey>& other) { return *one == *other; });
}

}  // namespace weir::sip
