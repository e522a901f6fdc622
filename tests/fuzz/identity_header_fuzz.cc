// Identity of both kinds from any text, with the parties of a request beside it: what was read is written so that it
// reads the same again, and canonical parties stay what they are.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/digest_string.h"
#include "sip/identity_header.h"
#include "sip/telephone_number.h"

namespace weir::sip {
namespace {

void try_identity(std::string_view text) {
  const auto identity = parse_identity_header(text);
  if (!identity) {
    WEIR_ASSERT(!identity.error().empty());
    return;
  }
  WEIR_ASSERT(identity->token.size() <= kIdentityTokenBytesMax);
  const std::string written = write(*identity);
  WEIR_ASSERT(written.find_first_of("\r\n") == std::string::npos);
  const auto again = parse_identity_header(written);
  WEIR_ASSERT(again.ok() && *again == *identity);
}

void try_legacy(std::string_view signature, std::string_view info) {
  const auto identity = parse_legacy_identity(signature, info);
  if (!identity) return;
  WEIR_ASSERT(is_legacy_identity(signature));
  const auto again = parse_legacy_identity(write_legacy_identity(*identity), write_identity_info(*identity));
  WEIR_ASSERT(again.ok() && *again == *identity);
}

void try_party(std::string_view text, const NumberPlan& plan) {
  const std::optional<Uri> uri = parse_uri(text);
  if (!uri) return;
  const CanonicalIdentity party = canonical_identity(*uri, plan);
  if (party.kind == CanonicalIdentity::Kind::kNumber) {
    WEIR_ASSERT(!party.text.empty() && party.text.find_first_not_of("0123456789*#") == std::string::npos);
    return;
  }
  const std::optional<Uri> again = parse_uri(party.text);
  WEIR_ASSERT(again && canonical_identity(*again, plan) == party);
}

void try_request(std::string_view text) {
  Message request = Message::request("INVITE", "sip:a@h");
  for (const HeaderId id :
       {HeaderId::kFrom, HeaderId::kTo, HeaderId::kContact, HeaderId::kPAssertedIdentity, HeaderId::kIdentity}) {
    request.add_header(id, text);
  }
  request.add_header(HeaderId::kCallId, "c");
  request.add_header(HeaderId::kCSeq, "1 INVITE");
  request.add_header(HeaderId::kDate, text);
  static_cast<void>(digest_string(request));
  WEIR_ASSERT(calling_identities(request, true).size() <= 2);
  for (const std::string_view value : request.values(HeaderId::kIdentity)) try_identity(value);
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_identity(text);
  const std::size_t half = text.find('\n');
  try_legacy(text.substr(0, half), half == std::string_view::npos ? "<https://h/c>" : text.substr(half + 1));
  try_party(text, {});
  try_party(text, {.country_code = "49",
                   .national_prefix = "0",
                   .national_digits = 10,
                   .international_prefix = "00",
                   .digits_are_numbers = true});
  try_request(text);
  return 0;
}
