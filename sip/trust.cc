#include "sip/trust.h"

#include <algorithm>
#include <array>
#include <string>

#include "sip/scan.h"
#include "sip/uri.h"

namespace weir::sip {
namespace {

/// Letters and digits of the names that begin with neither P- nor X-, in lower case.
constexpr std::array<std::string_view, 14> kNames{
    "additionalidentity", "attestationinfo", "ccdiversion",   "cellularnetworkinfo", "diversion", "historyinfo",
    "identity",           "identityinfo",    "originationid", "priorityverstat",     "privacy",   "relayedcharge",
    "remotepartyid",      "rpidprivacy",
};
static_assert(std::is_sorted(kNames.begin(), kNames.end()));

/// And of those that do, which are found without their hyphen too.
constexpr std::array<std::string_view, 4> kPrivateNames{
    "paccessnetworkinfo",
    "passertedidentity",
    "pchargingvector",
    "ppreferredidentity",
};
static_assert(std::is_sorted(kPrivateNames.begin(), kPrivateNames.end()));

bool is_alphanumeric(char c) {
  return is_alpha(c) || is_digit(c);
}

}  // namespace

bool is_trust_header(std::string_view name) {
  std::string letters;
  bool private_name = false;
  for (const char c : unescape(name)) {
    if (is_alphanumeric(c)) {
      letters += lowered(c);
    } else if (letters == "p" || letters == "x") {
      private_name = true;
    }
  }
  // Compact forms: Identity (RFC 8224 section 4), Identity-Info (RFC 4474 section 9).
  if (letters == "y" || letters == "n") return true;
  return private_name || std::binary_search(kNames.begin(), kNames.end(), letters) ||
         std::binary_search(kPrivateNames.begin(), kPrivateNames.end(), letters);
}

void remove_trust_headers(Message& message) {
  message.remove_headers_if([](const HeaderView& header) { return is_trust_header(header.name); });
}

}  // namespace weir::sip
