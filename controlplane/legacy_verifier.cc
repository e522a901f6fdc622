#include "controlplane/legacy_verifier.h"

#include <array>

#include "controlplane/https_url.h"
#include "controlplane/rsa_sha1.h"
#include "sip/base64.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

/// Of the longest RSA key that is taken, 8192 bits.
constexpr std::size_t kSignatureBytesMax = 1024;

IdentityVerdict failed(IdentityCheck check, std::string text) {
  return {check, std::move(text), std::nullopt};
}

}  // namespace

std::optional<std::vector<std::uint8_t>> legacy_signature(const sip::LegacyIdentity& identity) {
  std::array<std::uint8_t, kSignatureBytesMax> signature;
  const std::optional<std::size_t> bytes = sip::decode_base64(identity.signature, signature);
  if (!bytes) return std::nullopt;
  return std::vector<std::uint8_t>(signature.begin(), signature.begin() + static_cast<std::ptrdiff_t>(*bytes));
}

std::optional<IdentityVerdict> examine_legacy_identity(const sip::LegacyIdentity& identity, const LegacyFacts& facts,
                                                       std::int64_t now_s) {
  if (!identity.alg.empty() && !sip::equals_without_case(identity.alg, "rsa-sha1")) {
    return failed(IdentityCheck::kAlgorithm, "alg is not rsa-sha1");
  }
  if (facts.digest_string.empty()) {
    return failed(IdentityCheck::kSyntax, "From, To, Call-ID, CSeq or Date is missing or malformed");
  }
  if (facts.from_domain.empty()) return failed(IdentityCheck::kCaller, "From has no domain that could vouch for it");
  const bool fresh = facts.date_s && *facts.date_s >= now_s - kLegacyFreshnessSeconds &&
                     *facts.date_s <= now_s + kLegacyFreshnessSeconds;
  if (!fresh) return failed(IdentityCheck::kFreshness, "Date is stale, from the future, or malformed");
  if (!parse_https_url(identity.info)) return failed(IdentityCheck::kInfo, "Identity-Info is no https URL");
  return std::nullopt;
}

IdentityVerdict judge_legacy_identity(const sip::LegacyIdentity& identity, const LegacyFacts& facts,
                                      const IdentityCredential& credential, const TrustAnchors& anchors,
                                      std::int64_t now_s) {
  if (auto verdict = fault_of_credential(credential, anchors, now_s)) return *std::move(verdict);
  const IdentityCertificate& certificate = *credential.certificate;
  const std::optional<std::vector<std::uint8_t>> signature = legacy_signature(identity);
  if (!signature) return failed(IdentityCheck::kSyntax, "the signature is no base64, or too long");
  if (!rsa_sha1_verifies(certificate.key(), facts.digest_string, *signature)) {
    return failed(IdentityCheck::kSignature, "the signature is not the certificate's");
  }
  if (!certificate.domains().proves(facts.from_domain)) {
    return failed(IdentityCheck::kAuthority, "the certificate does not speak for " + facts.from_domain);
  }
  return {IdentityCheck::kNone, "signed by " + certificate.subject(), std::nullopt};
}

}  // namespace weir::controlplane
