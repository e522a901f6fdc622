#include "controlplane/identity_values.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "sip/date.h"
#include "sip/digest_string.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

std::optional<std::int64_t> date_of(const Message& request) {
  const std::optional<std::string_view> date = request.header(HeaderId::kDate);
  return date ? sip::parse_date(*date) : std::nullopt;
}

RequestFacts facts_of(const Message& request, const proto::settings::RealmSettings& from,
                      const std::vector<sip::Fingerprint>& offered) {
  const proto::NumberPlan& plan = from.identity.numbers;
  return {.callers = sip::calling_identities(request, from.policy.trusted, plan),
          .called = sip::called_identities(request, plan),
          .targets = sip::target_identities(request, plan),
          .date_s = date_of(request),
          .fingerprints = offered};
}

LegacyFacts legacy_facts_of(const Message& request) {
  LegacyFacts facts{.digest_string = sip::digest_string(request).value_or(""), .from_domain = {}, .date_s = {}};
  if (const std::optional<sip::NameAddr> from = request.from(); from && from->uri.is_sip()) {
    facts.from_domain = from->uri.host;
  }
  facts.date_s = date_of(request);
  return facts;
}

/// For whom the call was before: parties of a diversion.
std::vector<sip::CanonicalIdentity> parties(const PassportIdentity& identity) {
  using enum sip::CanonicalIdentity::Kind;
  std::vector<sip::CanonicalIdentity> all;
  for (const std::string& number : identity.tns) all.push_back({kNumber, number});
  for (const std::string& text : identity.uris) {
    if (const std::optional<sip::Uri> uri = sip::parse_uri(text)) all.push_back(sip::canonical_identity(*uri));
  }
  return all;
}

bool is_diversion(const sip::IdentityHeader& header) {
  return header.ppt == "div" || header.ppt == "div-o";
}

class Reader {
 public:
  Reader(IdentityValues& into, const IdentityTerms& terms) : into_(into), terms_(terms) {}

  void read(const Message& request, bool takes_legacy) {
    std::vector<std::string_view> texts = request.values(HeaderId::kIdentity);
    if (texts.size() > sip::kIdentitiesMax) texts.resize(sip::kIdentitiesMax);
    room_ = sip::kIdentitiesMax - texts.size();
    std::vector<sip::IdentityHeader> headers;
    for (const std::string_view text : texts) {
      if (sip::is_legacy_identity(text)) {
        if (takes_legacy) read_legacy(text, request.header(HeaderId::kIdentityInfo).value_or(""));
        continue;
      }
      proto::Result<sip::IdentityHeader> header = sip::parse_identity_header(text);
      if (header) {
        headers.push_back(std::move(header).value());
      } else {
        add_failure(IdentityCheck::kSyntax, header.error());
      }
    }
    examine(std::move(headers));
  }

 private:
  void read_legacy(std::string_view text, std::string_view info) {
    const proto::Result<sip::LegacyIdentity> legacy = sip::parse_legacy_identity(text, info);
    if (!legacy) return add_failure(IdentityCheck::kSyntax, legacy.error());
    IdentityValue value;
    if (auto fault = examine_legacy_identity(*legacy, into_.legacy_facts, terms_.now_s)) {
      value.verdict = *std::move(fault);
    } else {
      value.examined = *legacy;
    }
    into_.values.push_back(std::move(value));
  }

  /// Diversions first, in the order in which the call was sent on, last one first: each names whom the call was for
  /// before it, and older tokens are for them.
  void examine(std::vector<sip::IdentityHeader> headers) {
    into_.before = into_.facts;
    for (std::size_t pass = 0; pass < kDiversionsMax; ++pass) {
      const std::size_t before = into_.values.size();
      std::vector<sip::IdentityHeader> left;
      for (sip::IdentityHeader& header : headers) {
        if (!is_diversion(header) || !examine_one(header, false)) left.push_back(std::move(header));
      }
      std::move(nested_.begin(), nested_.end(), std::back_inserter(left));
      nested_.clear();
      headers = std::move(left);
      if (into_.values.size() == before) break;
    }
    for (const sip::IdentityHeader& header : headers) (void)examine_one(header, true);
  }

  /// False: it is for somebody else than the call is known to have been for, which only counts if it is the `last` try.
  bool examine_one(const sip::IdentityHeader& header, bool last) {
    IdentityValue value;
    auto result = examine_identity(header, into_.facts, terms_);
    const auto is_for_others = [&result] {
      const auto* fault = std::get_if<IdentityVerdict>(&result);
      return fault != nullptr && fault->failed == IdentityCheck::kCalled;
    };
    if (is_for_others() && into_.before.called.size() > into_.facts.called.size()) {
      result = examine_identity(header, into_.before, terms_);
      value.diverted = true;
    }
    if (is_for_others() && !last) return false;
    if (auto* examined = std::get_if<ExaminedIdentity>(&result)) {
      look_behind(examined->parsed.passport);
      value.examined = std::move(*examined);
    } else {
      value.verdict = std::get<IdentityVerdict>(std::move(result));
    }
    into_.values.push_back(std::move(value));
    return true;
  }

  /// Whom the call was for before the diversion, and the token from then, where it is within (RFC 8946 section 5).
  void look_behind(const Passport& passport) {
    if (!passport.div) return;
    for (sip::CanonicalIdentity& one : parties(*passport.div)) {
      into_.before.targets.push_back(one);
      into_.before.called.push_back(std::move(one));
    }
    if (passport.opt.empty() || room_ == 0) return;
    --room_;
    const auto within = parse_passport(passport.opt);
    const auto* parsed = std::get_if<ParsedPassport>(&within);
    if (parsed == nullptr) return add_failure(IdentityCheck::kSyntax, "opt is no token");
    const Passport& older = parsed->passport;
    nested_.push_back({.token = passport.opt, .info = older.x5u, .alg = older.alg, .ppt = older.ppt, .others = {}});
  }

  void add_failure(IdentityCheck check, std::string text) {
    IdentityValue value;
    value.verdict = {check, std::move(text), std::nullopt};
    into_.values.push_back(std::move(value));
  }

  IdentityValues& into_;
  const IdentityTerms& terms_;
  std::size_t room_ = 0;                     ///< tokens within others that may still be looked at
  std::vector<sip::IdentityHeader> nested_;  ///< tokens found within others, still to be examined
};

}  // namespace

IdentityValues read_identities(const Message& request, const proto::settings::RealmSettings& from,
                               const std::vector<sip::Fingerprint>& offered, const IdentityTerms& terms) {
  IdentityValues read{
      .facts = facts_of(request, from, offered), .before = {}, .legacy_facts = legacy_facts_of(request), .values = {}};
  Reader(read, terms).read(request, from.identity.verify_legacy != proto::settings::IdentityUse::kIgnore);
  return read;
}

}  // namespace weir::controlplane
