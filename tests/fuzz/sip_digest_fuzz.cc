// Digest challenges and credentials from any text: what was read is written so that it reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/digest.h"

namespace weir::sip {
namespace {

void try_challenge(std::string_view text) {
  const std::optional<DigestChallenge> challenge = parse_digest_challenge(text);
  if (!challenge) return;
  const std::string written = write(*challenge);
  const std::optional<DigestChallenge> again = parse_digest_challenge(written);
  WEIR_ASSERT(again && write(*again) == written);
  WEIR_ASSERT(again->realm == challenge->realm && again->nonce == challenge->nonce);
}

void try_credentials(std::string_view text) {
  const std::optional<DigestCredentials> credentials = parse_digest_credentials(text);
  if (!credentials) return;
  WEIR_ASSERT((credentials->qop == DigestQop::kNone) || credentials->nonce_count() != 0);
  const std::string written = write(*credentials);
  const std::optional<DigestCredentials> again = parse_digest_credentials(written);
  WEIR_ASSERT(again && write(*again) == written);
  WEIR_ASSERT(again->username == credentials->username && again->response == credentials->response);
}

void try_text(std::string_view text) {
  const std::string quoted = quoted_text(text);
  DigestCredentials credentials;
  credentials.username = quoted;
  const std::optional<DigestCredentials> again = parse_digest_credentials(write(credentials));
  WEIR_ASSERT(again && again->username == quoted && quoted_text(unquoted_text(quoted)) == quoted);
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try_challenge(text);
  try_credentials(text);
  try_text(text);
  return 0;
}
