#include "controlplane/passport_signer.h"

#include "controlplane/base64url.h"

namespace weir::controlplane {
namespace {

/// What makes a passport none that anybody would believe. Empty: nothing.
std::string fault_of(const Passport& passport, bool compact) {
  if (passport.alg != "ES256" || passport.typ != "passport") return "only ES256 passports are signed";
  if (passport.x5u.empty()) return "it does not say where the certificate is";
  if (passport.orig.size() != 1) return "it does not have exactly one caller";
  if (passport.dest.size() == 0) return "it has no destination";
  if (!is_known_extension(passport.ppt)) return "its extension is unknown here";
  if (compact && !passport.ppt.empty()) return "its extension cannot be rebuilt out of a request";
  return {};
}

}  // namespace

proto::Result<sip::IdentityHeader> sign_passport(const Passport& passport, const SigningKey& key, bool compact) {
  if (std::string fault = fault_of(passport, compact); !fault.empty()) return proto::Error{std::move(fault)};
  const std::string input = passport_signing_input(passport);
  const proto::Result<Es256Signature> signature =
      key.sign({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()});
  if (!signature) return proto::Error{signature.error()};
  const std::string text = encode_base64url({reinterpret_cast<const char*>(signature->data()), signature->size()});
  return sip::IdentityHeader{.token = (compact ? "." : input) + "." + text,
                             .info = passport.x5u,
                             .alg = passport.alg,
                             .ppt = passport.ppt,
                             .others = {}};
}

}  // namespace weir::controlplane
