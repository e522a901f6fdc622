#include "controlplane/verification_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "controlplane/legacy_verifier.h"
#include "controlplane/passport_verifier.h"
#include "sip/date.h"
#include "sip/digest_string.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using settings::IdentityUse;
using sip::HeaderId;
using sip::Message;

namespace {

std::optional<std::int64_t> date_of(const Message& request) {
  const std::optional<std::string_view> date = request.header(HeaderId::kDate);
  return date ? sip::parse_date(*date) : std::nullopt;
}

RequestFacts facts_of(const Message& request, bool trusted, const std::vector<sip::Fingerprint>& offered) {
  return {.callers = sip::calling_identities(request, trusted),
          .called = sip::called_identities(request),
          .targets = sip::target_identities(request),
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

/// The address that it came from, as the transport has noted it.
std::string source_of(const Message& request) {
  const std::optional<sip::Via> via = request.top_via();
  if (!via) return "";
  return via->received().empty() ? via->host : std::string(via->received());
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

/// Extensions whose tokens say who calls; those of others say something about the call.
bool names_caller(const Passport& passport) {
  return passport.ppt.empty() || passport.ppt == "shaken" || passport.ppt == "rcd";
}

}  // namespace

/// One request's. Its certificates come in any order, at once or later.
class VerificationService::Query : public IdentityQuery {
 public:
  Query(VerificationService& service, const Message& request, std::uint32_t realm, IdentityUse use,
        const std::vector<sip::Fingerprint>& offered, IdentityService::Done done)
      : service_(service),
        use_(use),
        anchors_(service.anchors_),
        facts_(facts_of(request, service.settings_.realms[realm].policy.trusted, offered)),
        legacy_facts_(legacy_facts_of(request)),
        call_id_(request.call_id()),
        from_tag_(request.from_tag()),
        source_(source_of(request)),
        has_body_(!request.body().empty()),
        done_(std::move(done)) {
    terms_.now_s = service.unix_clock_();
    terms_.freshness_s = service.settings_.identity.freshness_s;
    const settings::RealmIdentitySettings& rules = service.settings_.realms[realm].identity;
    legacy_suffices_ = rules.verify != IdentityUse::kRequire || rules.verify_legacy == IdentityUse::kRequire;
    read(request, rules.verify_legacy != IdentityUse::kIgnore);
  }

  /// False: `done` has been called.
  bool start() {
    for (std::size_t i = 0; i < values_.size(); ++i) ask_for_certificate(i);
    starting_ = false;
    if (pending_ != 0) return true;
    conclude();
    return false;
  }

 private:
  /// One value of Identity.
  struct Value {
    std::variant<std::monostate, ExaminedIdentity, sip::LegacyIdentity> examined;  ///< what waits for its certificate
    IdentityVerdict verdict;
    bool diverted = false;  ///< it is for whom the call was before
    bool renewed = false;   ///< its certificate was asked for anew
  };

  void read(const Message& request, bool takes_legacy) {
    std::vector<std::string_view> texts = request.values(HeaderId::kIdentity);
    if (texts.size() > sip::kIdentitiesMax) texts.resize(sip::kIdentitiesMax);
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
    examine(headers);
  }

  void read_legacy(std::string_view text, std::string_view info) {
    const proto::Result<sip::LegacyIdentity> legacy = sip::parse_legacy_identity(text, info);
    if (!legacy) return add_failure(IdentityCheck::kSyntax, legacy.error());
    Value value;
    if (auto fault = examine_legacy_identity(*legacy, legacy_facts_, terms_.now_s)) {
      value.verdict = *std::move(fault);
    } else {
      value.examined = *legacy;
    }
    values_.push_back(std::move(value));
  }

  /// Diversions first: tokens from before them name those whom the call was for.
  void examine(const std::vector<sip::IdentityHeader>& headers) {
    before_ = facts_;
    for (const bool diversions : {true, false}) {
      for (const sip::IdentityHeader& header : headers) {
        if ((header.ppt == "div" || header.ppt == "div-o") == diversions) examine_one(header);
      }
    }
  }

  void examine_one(const sip::IdentityHeader& header) {
    Value value;
    auto result = examine_identity(header, facts_, terms_);
    const auto* fault = std::get_if<IdentityVerdict>(&result);
    if (fault != nullptr && fault->failed == IdentityCheck::kCalled && before_.called.size() > facts_.called.size()) {
      result = examine_identity(header, before_, terms_);
      value.diverted = true;
    }
    if (auto* examined = std::get_if<ExaminedIdentity>(&result)) {
      if (examined->parsed.passport.div) {
        for (sip::CanonicalIdentity& one : parties(*examined->parsed.passport.div)) {
          before_.called.push_back(std::move(one));
        }
      }
      value.examined = std::move(*examined);
    } else {
      value.verdict = std::get<IdentityVerdict>(std::move(result));
    }
    values_.push_back(std::move(value));
  }

  void add_failure(IdentityCheck check, std::string text) {
    Value value;
    value.verdict = {check, std::move(text), std::nullopt};
    values_.push_back(std::move(value));
  }

  void ask_for_certificate(std::size_t index) {
    Value& value = values_[index];
    std::string url;
    if (const auto* examined = std::get_if<ExaminedIdentity>(&value.examined)) url = examined->url;
    if (const auto* legacy = std::get_if<sip::LegacyIdentity>(&value.examined)) url = legacy->info;
    if (url.empty()) return;
    if (anchors_ == nullptr) {
      value.verdict.failed = IdentityCheck::kCertificate;
      value.verdict.text = "nobody is believed here: [identity] anchors names no file";
      return;
    }
    ++pending_;
    const bool costs = service_.certificates_.would_fetch(url);
    FetchSeat seat = costs ? take_seat() : nullptr;
    if (costs && seat == nullptr) {
      return on_certificate(index, {nullptr, "too many certificates are being fetched for where the request is from"});
    }
    service_.certificates_.get(url, when_fetched(index, std::move(seat)));
  }

  /// The fetch's own, until it has ended: who gives its request up does not get another one sooner. Null: there is
  /// none.
  using FetchSeat = std::shared_ptr<Seats<std::string>::Seat>;
  FetchSeat take_seat() {
    auto seat = service_.fetching_.take(source_, service_.settings_.identity.fetch.per_source_max);
    return seat ? std::make_shared<Seats<std::string>::Seat>(*std::move(seat)) : nullptr;
  }

  void on_certificate(std::size_t index, const IdentityCertificates::Cached& cached) {
    Value& value = values_[index];
    const IdentityCredential credential{
        .certificate = cached.certificate, .why_not = cached.failure, .unreadable = cached.unreadable};
    if (const auto* examined = std::get_if<ExaminedIdentity>(&value.examined)) {
      value.verdict = judge_identity(*examined, credential, *anchors_, value.diverted ? before_ : facts_, terms_);
      if (value.verdict.failed == IdentityCheck::kSignature && !value.renewed) return renew(index);
      const Es256Signature& signature = examined->parsed.signature;
      check_replay(value, signature, examined->parsed.passport.iat_s + terms_.freshness_s);
    } else if (const auto* legacy = std::get_if<sip::LegacyIdentity>(&value.examined)) {
      value.verdict = judge_legacy_identity(*legacy, legacy_facts_, credential, *anchors_, terms_.now_s);
      check_replay(value, {reinterpret_cast<const std::uint8_t*>(legacy->signature.data()), legacy->signature.size()},
                   legacy_facts_.date_s.value_or(0) + kLegacyFreshnessSeconds);
    }
    --pending_;
    if (pending_ == 0 && !starting_) conclude();
  }

  /// The signer may have another key by now at the same place.
  void renew(std::size_t index) {
    Value& value = values_[index];
    value.renewed = true;
    service_.certificates_.renew(std::get<ExaminedIdentity>(value.examined).url, when_fetched(index));
  }

  IdentityCertificates::Done when_fetched(std::size_t index, FetchSeat seat = nullptr) {
    return [weak = std::weak_ptr(self_), index, seat = std::move(seat)](const IdentityCertificates::Cached& cached) {
      const std::shared_ptr<Query*> query = weak.lock();
      if (query != nullptr) (*query)->on_certificate(index, cached);
    };
  }

  void check_replay(Value& value, proto::Bytes signature, std::int64_t expires_s) {
    if (!value.verdict.good()) return;
    if (service_.replays_.is_replay(signature, call_id_, from_tag_, terms_.now_s)) {
      value.verdict.failed = IdentityCheck::kReplay;
      value.verdict.text = "the token was another call's";
      return;
    }
    service_.replays_.commit(signature, call_id_, from_tag_, expires_s, terms_.now_s);
  }

  /// Whether the value says who calls, and somebody whom we believe says so.
  [[nodiscard]] bool vouches(const Value& value) const {
    if (!value.verdict.good()) return false;
    if (std::holds_alternative<sip::LegacyIdentity>(value.examined)) return legacy_suffices_;
    const Passport& passport = *value.verdict.passport;
    if (!names_caller(passport) || !value.diverted) return names_caller(passport);
    return std::any_of(values_.begin(), values_.end(), [&passport](const Value& other) {
      return other.verdict.good() && other.verdict.passport && diverts(*other.verdict.passport, passport);
    });
  }

  void take(const Value& value, JudgedIdentity& judged) const {
    judged.outcome = IdentityOutcome::kPassed;
    judged.text = value.verdict.text;
    if (std::holds_alternative<sip::LegacyIdentity>(value.examined)) {
      if (has_body_) judged.bound = facts_.fingerprints;  // the whole body is signed
      return;
    }
    const Passport& passport = *value.verdict.passport;
    if (judged.orig.empty() || !passport.orig.tns.empty()) {
      judged.is_number = !passport.orig.tns.empty();
      judged.orig = judged.is_number ? passport.orig.tns.front() : passport.orig.uris.front();
    }
    if (!passport.attest.empty()) judged.attest = passport.attest;
    if (!passport.origid.empty()) judged.origid = passport.origid;
    if (!passport.mky.empty()) judged.bound = passport.mky;
  }

  /// The failure that is told: of the media's keys before all others, else the one that got farthest.
  [[nodiscard]] const IdentityVerdict* worst() const {
    const IdentityVerdict* worst = nullptr;
    for (const Value& value : values_) {
      const IdentityVerdict& verdict = value.verdict;
      if (verdict.good() || verdict.failed == IdentityCheck::kExtension) continue;
      const bool keys = worst != nullptr && worst->failed == IdentityCheck::kMediaKeys;
      if (worst == nullptr || verdict.failed == IdentityCheck::kMediaKeys ||
          (!keys && verdict.failed > worst->failed)) {
        worst = &verdict;
      }
    }
    return worst;
  }

  [[nodiscard]] JudgedIdentity judge() const {
    JudgedIdentity judged;
    const IdentityVerdict* const fault = worst();
    const bool keys_differ = fault != nullptr && fault->failed == IdentityCheck::kMediaKeys;
    for (const Value& value : values_) {
      if (!keys_differ && vouches(value)) take(value, judged);
    }
    const bool required = use_ == IdentityUse::kRequire;
    if (judged.outcome == IdentityOutcome::kPassed) {
      const bool unsigned_keys = required && judged.bound.empty() && !facts_.fingerprints.empty();
      if (unsigned_keys) fail(IdentityCheck::kMediaKeys, "nobody has signed the fingerprints", true, judged);
      return judged;
    }
    if (!facts_.callers.empty()) {
      judged.orig = facts_.callers.front().text;
      judged.is_number = facts_.callers.front().kind == sip::CanonicalIdentity::Kind::kNumber;
    }
    if (fault != nullptr) {
      fail(fault->failed, fault->text, required || keys_differ, judged);
    } else if (required) {
      judged.text = "nobody vouches for the caller";
      judged.refusal = {kUseIdentityHeader.status, judged.text};
    }
    return judged;
  }

  static void fail(IdentityCheck check, const std::string& text, bool refuses, JudgedIdentity& judged) {
    judged.outcome = IdentityOutcome::kFailed;
    judged.check = std::string(to_string(check));
    judged.text = text;
    judged.bound.clear();
    if (!refuses) return;
    const IdentityResponse response = response_to(check);
    judged.refusal = {response.status, std::string(response.reason) + " (" + judged.check + "): " + text};
  }

  void count(IdentityOutcome outcome) {
    VerificationCounters& counters = service_.counters_;
    switch (outcome) {
      case IdentityOutcome::kPassed:
        ++counters.passed;
        break;
      case IdentityOutcome::kFailed:
        ++counters.failed;
        break;
      case IdentityOutcome::kNone:
        ++counters.none;
        break;
    }
  }

  /// The last thing that is done: whoever hears it may destroy the query.
  void conclude() {
    const JudgedIdentity judged = judge();
    count(judged.outcome);
    const IdentityService::Done done = std::move(done_);
    done(judged);
  }

  VerificationService& service_;
  IdentityUse use_;
  std::shared_ptr<const TrustAnchors> anchors_;  ///< null: nobody is believed
  RequestFacts facts_;
  RequestFacts before_;  ///< the same, for whom the call was before diversions
  LegacyFacts legacy_facts_;
  IdentityTerms terms_;
  std::string call_id_;
  std::string from_tag_;
  std::string source_;
  bool has_body_;
  bool legacy_suffices_ = false;  ///< RFC 4474's word is enough for this realm
  IdentityService::Done done_;
  std::vector<Value> values_;
  std::size_t pending_ = 0;
  bool starting_ = true;
  std::shared_ptr<Query*> self_ = std::make_shared<Query*>(this);
};

VerificationService::VerificationService(const settings::Settings& settings, IdentityCertificates& certificates,
                                         UnixClock unix_clock)
    : settings_(settings),
      certificates_(certificates),
      unix_clock_(std::move(unix_clock)),
      replays_(settings.identity.replays_max) {}

std::unique_ptr<IdentityQuery> VerificationService::verify(const Message& request, std::uint32_t realm, IdentityUse use,
                                                           const std::vector<sip::Fingerprint>& offered,
                                                           IdentityService::Done done) {
  auto query = std::make_unique<Query>(*this, request, realm, use, offered, std::move(done));
  return query->start() ? std::move(query) : nullptr;
}

}  // namespace weir::controlplane
