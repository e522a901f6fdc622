#include "controlplane/passed_identity.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "controlplane/passport.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

using sip::HeaderId;

namespace {

bool stays_true(std::string_view value) {
  const proto::Result<sip::IdentityHeader> header = sip::parse_identity_header(value);
  if (!header || header->compact()) return false;
  const auto token = parse_passport(header->token);
  const auto* refusal = std::get_if<PassportRefusal>(&token);
  if (refusal != nullptr) return refusal->fault == PassportFault::kExtension;  // its next reader may know it
  return std::get<ParsedPassport>(token).passport.mky.empty();
}

}  // namespace

void pass_identities(const sip::Message& in, sip::Message& out) {
  std::vector<std::string_view> values = in.values(HeaderId::kIdentity);
  if (values.size() > sip::kIdentitiesMax) values.resize(sip::kIdentitiesMax);
  for (const std::string_view value : values) {
    if (stays_true(value)) out.add_header(HeaderId::kIdentity, value);
  }
}

bool has_identity_of(const sip::Message& request, std::string_view ppt) {
  const std::vector<std::string_view> values = request.values(HeaderId::kIdentity);
  return std::any_of(values.begin(), values.end(), [ppt](std::string_view value) {
    const proto::Result<sip::IdentityHeader> header = sip::parse_identity_header(value);
    return header && header->ppt == ppt;
  });
}

}  // namespace weir::controlplane
