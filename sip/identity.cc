#include "sip/identity.h"

namespace weir::sip {

Identity identity_of(const Message& message, HeaderId header) {
  Identity identity;
  for (const std::string_view value : message.values(header)) {
    std::optional<NameAddr> one = parse_name_addr(value);
    if (!one) return {};
    if (one->uri.is_sip() && !identity.sip) {
      identity.sip = *std::move(one);
    } else if (one->uri.scheme == Scheme::kTel && !identity.tel) {
      identity.tel = *std::move(one);
    }
  }
  return identity;
}

std::string write(const Identity& identity) {
  std::string out;
  if (identity.sip) append(out, *identity.sip);
  if (identity.sip && identity.tel) out += ", ";
  if (identity.tel) append(out, *identity.tel);
  return out;
}

}  // namespace weir::sip
