// Any token is a fault, or has been signed by the key; what has been signed is a claim within its bounds, or a fault.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/web_token.h"
#include "proto/assert.h"

namespace {

constexpr std::string_view kSecret = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count != 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

std::string sign(const std::string& body) {
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), reinterpret_cast<unsigned char*>(mac.data()),
       nullptr);
  return mac;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::controlplane;
  static const TokenKey key = TokenKey::parse(kSecret).value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  WEIR_ASSERT(std::holds_alternative<TokenFault>(check_token(text, key, "sip", 1000)));
  const std::size_t half = text.find('\n');
  const std::string header = half == text.npos ? R"({"alg":"HS256"})" : std::string(text.substr(0, half));
  const std::string body = encode(header) + "." + encode(half == text.npos ? text : text.substr(half + 1));
  const std::string token = body + "." + encode(sign(body));
  const auto read = check_token(token, key, "", 1000);
  if (const auto* claims = std::get_if<TokenClaims>(&read)) {
    WEIR_ASSERT(!claims->subject.empty() && claims->subject.size() <= kTokenSubjectBytesMax);
    WEIR_ASSERT(claims->expires_at_s >= 1000);
  }
  return 0;
}
