// Values of a=crypto lines. What is taken is written so that it reads as the same again, within the bounds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/crypto_attribute.h"
#include "sip/media_security.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = parse_crypto(text);
  if (const auto* fault = std::get_if<CryptoFault>(&read)) {
    WEIR_ASSERT(!fault->reason.empty() && fault->reason.find_first_of("\r\n") == std::string::npos);
    return 0;
  }
  const CryptoAttribute& crypto = std::get<CryptoAttribute>(read);
  WEIR_ASSERT(!crypto.keys.empty() && crypto.keys.size() <= kCryptoKeysMax && crypto.tag <= kCryptoTagMax);
  const auto again = parse_crypto(write_crypto(crypto));
  WEIR_ASSERT(std::holds_alternative<CryptoAttribute>(again));
  WEIR_ASSERT(std::get<CryptoAttribute>(again).tag == crypto.tag);
  WEIR_ASSERT(is_same_crypto(std::get<CryptoAttribute>(again), crypto));
  return 0;
}
