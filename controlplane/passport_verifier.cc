#include "controlplane/passport_verifier.h"

#include <algorithm>

#include "controlplane/https_url.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace weir::controlplane {
namespace {

using Parties = std::vector<sip::CanonicalIdentity>;

IdentityVerdict failed(IdentityCheck check, std::string text, const Passport* passport = nullptr) {
  IdentityVerdict verdict{check, std::move(text), std::nullopt};
  if (passport != nullptr) verdict.passport = *passport;
  return verdict;
}

/// Whether one of a token's parties is one of the request's. A token's URIs are made canonical first: not every signer
/// does that.
bool names_one_of(const PassportIdentity& said, const Parties& parties) {
  using enum sip::CanonicalIdentity::Kind;
  return std::any_of(parties.begin(), parties.end(), [&said](const sip::CanonicalIdentity& party) {
    if (party.kind == kNumber) return std::find(said.tns.begin(), said.tns.end(), party.text) != said.tns.end();
    return std::any_of(said.uris.begin(), said.uris.end(), [&party](const std::string& text) {
      const std::optional<sip::Uri> uri = sip::parse_uri(text);
      return uri && sip::canonical_identity(*uri) == party;
    });
  });
}

bool is_fresh(std::int64_t then_s, const IdentityTerms& terms) {
  return then_s >= terms.now_s - terms.freshness_s && then_s <= terms.now_s + terms.freshness_s;
}

/// alg and ppt of the header, where they are said, are those of the token: else a relay that reads the one decides for
/// another that reads the other.
bool header_agrees(const sip::IdentityHeader& header, const Passport& passport) {
  return (header.alg.empty() || header.alg == passport.alg) && (header.ppt.empty() || header.ppt == passport.ppt);
}

/// parse_passport has seen to its div.
bool is_diversion(const Passport& passport) {
  return passport.div && (passport.ppt == "div" || passport.ppt == "div-o");
}

/// RFC 8224 section 6.2 steps 2 and 4, and where the certificate is, for a token in full form.
std::optional<IdentityVerdict> fault_of_full(const sip::IdentityHeader& header, const Passport& passport,
                                             const RequestFacts& facts, const IdentityTerms& terms) {
  if (!header_agrees(header, passport)) {
    return failed(IdentityCheck::kSyntax, "alg or ppt beside the token is not the token's", &passport);
  }
  if (!names_one_of(passport.orig, facts.callers)) {
    return failed(IdentityCheck::kCaller, "the token is about another caller", &passport);
  }
  if (!names_one_of(passport.dest, is_diversion(passport) ? facts.targets : facts.called)) {
    return failed(IdentityCheck::kCalled, "the token is for another destination", &passport);
  }
  if (!is_fresh(passport.iat_s, terms)) {
    return failed(IdentityCheck::kFreshness, "the token is stale, or from the future", &passport);
  }
  if (!header.info.empty() && !passport.x5u.empty() && header.info != passport.x5u) {
    return failed(IdentityCheck::kInfo, "info is another place than the token's x5u", &passport);
  }
  return std::nullopt;
}

std::variant<ExaminedIdentity, IdentityVerdict> examine_full(const sip::IdentityHeader& header,
                                                             const RequestFacts& facts, const IdentityTerms& terms) {
  std::variant<ParsedPassport, PassportRefusal> read = parse_passport(header.token);
  if (const auto* refusal = std::get_if<PassportRefusal>(&read)) {
    switch (refusal->fault) {
      case PassportFault::kSyntax:
        return failed(IdentityCheck::kSyntax, refusal->reason);
      case PassportFault::kAlgorithm:
        return failed(IdentityCheck::kAlgorithm, refusal->reason);
      case PassportFault::kExtension:
        return failed(IdentityCheck::kExtension, refusal->reason);
    }
  }
  ParsedPassport& parsed = std::get<ParsedPassport>(read);
  if (auto verdict = fault_of_full(header, parsed.passport, facts, terms)) return *std::move(verdict);
  std::string url = header.info.empty() ? parsed.passport.x5u : header.info;
  return ExaminedIdentity{std::move(parsed), std::move(url), false};
}

/// RFC 8225 section 7: the token as its signer must have written it, for one of the callers.
Passport rebuilt(const sip::IdentityHeader& header, const RequestFacts& facts, const sip::CanonicalIdentity& caller) {
  Passport passport;
  passport.x5u = header.info;
  passport.orig = make_passport_identity({caller});
  passport.dest = make_passport_identity(facts.called);
  passport.iat_s = facts.date_s.value_or(0);
  passport.mky = facts.fingerprints;
  return passport;
}

std::variant<ExaminedIdentity, IdentityVerdict> examine_compact(const sip::IdentityHeader& header,
                                                                const RequestFacts& facts, const IdentityTerms& terms) {
  if (!is_known_extension(header.ppt)) return failed(IdentityCheck::kExtension, "ppt is unknown here");
  if (!header.ppt.empty()) {
    return failed(IdentityCheck::kSyntax, "what a token of ppt " + header.ppt + " says cannot be rebuilt");
  }
  if (!header.alg.empty() && header.alg != "ES256") return failed(IdentityCheck::kAlgorithm, "alg is not ES256");
  const std::optional<Es256Signature> signature = parse_passport_signature(header.token);
  if (!signature) return failed(IdentityCheck::kSyntax, "the signature is not 64 bytes in base64url");
  if (facts.callers.empty()) return failed(IdentityCheck::kCaller, "nobody is the caller");
  if (facts.called.empty()) return failed(IdentityCheck::kCalled, "nobody is called");
  if (!facts.date_s || !is_fresh(*facts.date_s, terms)) {
    return failed(IdentityCheck::kFreshness, "Date is missing, stale, or from the future");
  }
  ExaminedIdentity examined{{rebuilt(header, facts, facts.callers.front()), {}, *signature}, header.info, true};
  return examined;
}

bool verifies(EVP_PKEY* key, std::string_view signed_bytes, const Es256Signature& signature) {
  return es256_verifies(key, {reinterpret_cast<const std::uint8_t*>(signed_bytes.data()), signed_bytes.size()},
                        signature);
}

/// The passport that the signature is over; nullopt: it is over none.
std::optional<Passport> signed_passport(const ExaminedIdentity& examined, const RequestFacts& facts, EVP_PKEY* key) {
  const Passport& passport = examined.parsed.passport;
  if (!examined.compact) {
    return verifies(key, examined.parsed.signed_bytes, examined.parsed.signature) ? std::optional(passport)
                                                                                  : std::nullopt;
  }
  // Of several callers the signer has chosen one.
  for (const sip::CanonicalIdentity& caller : facts.callers) {
    Passport one = passport;
    one.orig = make_passport_identity({caller});
    if (verifies(key, passport_signing_input(one), examined.parsed.signature)) return one;
  }
  return std::nullopt;
}

/// RFC 8226 and RFC 8224 section 7.5: whom the certificate may speak for. Who diverts a call vouches for whom it was
/// for, not for its caller (RFC 8946 section 4.1). Empty: it may.
std::string fault_of_authority(const IdentityCertificate& certificate, const Passport& passport) {
  const PassportIdentity& party = is_diversion(passport) ? *passport.div : passport.orig;
  if (!party.tns.empty()) {
    const std::optional<TnAuthList>& numbers = certificate.numbers();
    if (!numbers) return "the certificate speaks for no telephone numbers";
    // A provider's code stands for numbers that only its authority can tell.
    const bool covered = numbers->covers(party.tns.front()) || !numbers->providers().empty();
    return covered ? "" : "the certificate does not speak for " + party.tns.front();
  }
  const std::optional<sip::Uri> uri = sip::parse_uri(party.uris.front());
  const bool proved = uri && uri->is_sip() && certificate.domains().proves(uri->host);
  return proved ? "" : "the certificate does not speak for the domain of " + party.uris.front();
}

/// As sets, both without what is unknown here.
bool same_keys(std::vector<sip::Fingerprint> a, std::vector<sip::Fingerprint> b) {
  const auto before = [](const sip::Fingerprint& x, const sip::Fingerprint& y) {
    return x.hash != y.hash ? x.hash < y.hash : x.digest < y.digest;
  };
  for (std::vector<sip::Fingerprint>* const list : {&a, &b}) {
    std::sort(list->begin(), list->end(), before);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return a == b;
}

/// RFC 8224 section 12.1: what was signed is what the SDP has. Empty: it is.
std::string fault_of_keys(const Passport& passport, const RequestFacts& facts) {
  if (passport.mky.empty()) return {};
  return same_keys(passport.mky, facts.fingerprints) ? "" : "mky does not match the fingerprints of the SDP";
}

}  // namespace

std::variant<ExaminedIdentity, IdentityVerdict> examine_identity(const sip::IdentityHeader& header,
                                                                 const RequestFacts& facts,
                                                                 const IdentityTerms& terms) {
  auto result = header.compact() ? examine_compact(header, facts, terms) : examine_full(header, facts, terms);
  if (const auto* examined = std::get_if<ExaminedIdentity>(&result)) {
    if (!parse_https_url(examined->url)) {
      return failed(IdentityCheck::kInfo, "where the certificate is said to be is no https URL",
                    &examined->parsed.passport);
    }
  }
  return result;
}

IdentityVerdict judge_identity(const ExaminedIdentity& examined, const IdentityCredential& credential,
                               const TrustAnchors& anchors, const RequestFacts& facts, const IdentityTerms& terms) {
  const Passport& passport = examined.parsed.passport;
  if (auto verdict = fault_of_credential(credential, anchors, terms.now_s)) {
    verdict->passport = passport;
    return *std::move(verdict);
  }
  const IdentityCertificate& certificate = *credential.certificate;
  if (!is_p256(certificate.key())) {
    return failed(IdentityCheck::kCertificate, "the certificate's key is not of P-256", &passport);
  }
  std::optional<Passport> confirmed = signed_passport(examined, facts, certificate.key());
  if (!confirmed) return failed(IdentityCheck::kSignature, "the signature is not the certificate's", &passport);
  if (std::string fault = fault_of_authority(certificate, *confirmed); !fault.empty()) {
    return failed(IdentityCheck::kAuthority, std::move(fault), &*confirmed);
  }
  if (std::string fault = fault_of_keys(*confirmed, facts); !fault.empty()) {
    return failed(IdentityCheck::kMediaKeys, std::move(fault), &*confirmed);
  }
  return {IdentityCheck::kNone, "signed by " + certificate.subject(), std::move(confirmed)};
}

std::optional<IdentityVerdict> fault_of_credential(const IdentityCredential& credential, const TrustAnchors& anchors,
                                                   std::int64_t now_s) {
  if (credential.certificate == nullptr) {
    const IdentityCheck check = credential.unreadable ? IdentityCheck::kCertificate : IdentityCheck::kInfo;
    return failed(check, "the certificate: " + credential.why_not);
  }
  const proto::Status path = credential.certificate->verify(anchors, now_s);
  if (!path) return failed(IdentityCheck::kCertificate, "the certificate is not trusted: " + path.error());
  return std::nullopt;
}

bool diverts(const Passport& diversion, const Passport& before) {
  if (!diversion.div) return false;
  const auto holds = [](const std::vector<std::string>& list, const std::vector<std::string>& wanted) {
    return wanted.empty() || std::find(list.begin(), list.end(), wanted.front()) != list.end();
  };
  return diversion.orig == before.orig && holds(before.dest.tns, diversion.div->tns) &&
         holds(before.dest.uris, diversion.div->uris);
}

}  // namespace weir::controlplane
