// Any token is refused with a reason, or read; what was read is written so that it reads the same again. The input is
// a token as it came, and, parted by a line end, a header and claims to be put into one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/base64url.h"
#include "controlplane/passport.h"
#include "controlplane/passport_verifier.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

std::string assemble(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + "." + encode_base64url(claims) + "." + encode_base64url(std::string(64, 's'));
}

void try_token(const std::string& token) {
  const auto parsed = parse_passport(token);
  if (const auto* const refusal = std::get_if<PassportRefusal>(&parsed)) {
    WEIR_ASSERT(!refusal->reason.empty());
    return;
  }
  const auto& [passport, signed_bytes, signature] = std::get<ParsedPassport>(parsed);
  WEIR_ASSERT(passport.orig.size() == 1 && passport.dest.size() >= 1);
  WEIR_ASSERT(token.starts_with(signed_bytes));
  // Escapes may be longer in what is written: only what fits is a token again.
  const std::string header = write_passport_header(passport);
  const std::string claims = write_passport_claims(passport);
  const auto again = parse_passport(assemble(header, claims));
  const auto* const same = std::get_if<ParsedPassport>(&again);
  WEIR_ASSERT(same != nullptr || (header.size() + claims.size()) * 4 / 3 + 95 > sip::kIdentityTokenBytesMax);
  if (same == nullptr) return;
  WEIR_ASSERT(write_passport_header(same->passport) == header && write_passport_claims(same->passport) == claims);
}

void try_verdict(const std::string& token) {
  const RequestFacts facts{.callers = {{sip::CanonicalIdentity::Kind::kNumber, "1"}},
                           .called = {{sip::CanonicalIdentity::Kind::kUri, "sip:a@h"}},
                           .targets = {},
                           .date_s = 1,
                           .fingerprints = {}};
  const sip::IdentityHeader header{.token = token, .info = "https://h/c", .alg = "", .ppt = "", .others = {}};
  const auto examined = examine_identity(header, facts, {.now_s = 1});
  if (const auto* const verdict = std::get_if<IdentityVerdict>(&examined)) {
    WEIR_ASSERT(!verdict->good() && !verdict->text.empty() && response_to(verdict->failed).status != 0);
  }
}

}  // namespace
}  // namespace weir::controlplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::controlplane;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_token(text);
  try_verdict(text);
  const std::size_t half = text.find('\n');
  const std::string header = half == std::string::npos ? R"({"alg":"ES256","typ":"passport"})" : text.substr(0, half);
  const std::string token = assemble(header, half == std::string::npos ? text : text.substr(half + 1));
  try_token(token);
  try_verdict(token);
  return 0;
}
