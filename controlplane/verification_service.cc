#include "controlplane/verification_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "controlplane/identity_values.h"
#include "controlplane/shard_clock.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using settings::IdentityUse;
using sip::HeaderId;
using sip::Message;

namespace {

/// The address that it came from, as the transport has noted it.
Source sender_of(const Message& request) {
  const std::optional<sip::Via> via = request.top_via();
  if (!via) return {};
  const proto::Result<proto::IpAddress> address =
      proto::parse_ip_address(via->received().empty() ? via->host : via->received());
  return address ? source_of(*address) : Source{};
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
        call_id_(request.call_id()),
        from_tag_(request.from_tag()),
        source_(sender_of(request)),
        has_body_(!request.body().empty()),
        done_(std::move(done)) {
    terms_.now_s = service.unix_clock_();
    terms_.freshness_s = service.settings_.identity.freshness_s;
    const settings::RealmIdentitySettings& rules = service.settings_.realms[realm].identity;
    legacy_suffices_ = use_ != IdentityUse::kRequire || rules.verify_legacy == IdentityUse::kRequire;
    if (const std::optional<sip::NameAddr> from = request.from()) from_ = sip::canonical_uri(from->uri);
    read_ = read_identities(request, service.settings_.realms[realm], offered, terms_);
  }

  /// False: `done` has been called.
  bool start() {
    for (std::size_t i = 0; i < read_.values.size(); ++i) ask_for_certificate(i);
    starting_ = false;
    if (pending_ != 0) return true;
    conclude();
    return false;
  }

 private:
  void ask_for_certificate(std::size_t index) {
    IdentityValue& value = read_.values[index];
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
  using FetchSeat = std::shared_ptr<Seats<Source>::Seat>;
  FetchSeat take_seat() {
    const std::uint32_t most = service_.settings_.identity.fetch.per_source_max;
    auto seat = service_.fetching_.take(source_, most);
    if (!seat || !service_.fetches_.take(clock_ns(), source_, most)) return nullptr;
    return seat ? std::make_shared<Seats<Source>::Seat>(*std::move(seat)) : nullptr;
  }

  void on_certificate(std::size_t index, const IdentityCertificates::Cached& cached) {
    IdentityValue& value = read_.values[index];
    if (cached.certificate != nullptr) value.signer = cached.certificate->subject();
    const IdentityCredential credential{
        .certificate = cached.certificate, .why_not = cached.failure, .unreadable = cached.unreadable};
    if (const auto* examined = std::get_if<ExaminedIdentity>(&value.examined)) {
      value.verdict =
          judge_identity(*examined, credential, *anchors_, value.diverted ? read_.before : read_.facts, terms_);
      if (value.verdict.failed == IdentityCheck::kSignature && !value.renewed && renew(index)) return;
      const Es256Signature& signature = examined->parsed.signature;
      check_replay(value, signature, examined->parsed.passport.iat_s + terms_.freshness_s);
    } else if (const auto* legacy = std::get_if<sip::LegacyIdentity>(&value.examined)) {
      value.verdict = judge_legacy_identity(*legacy, read_.legacy_facts, credential, *anchors_, terms_.now_s);
      if (const auto bytes = legacy_signature(*legacy)) {
        check_replay(value, *bytes, read_.legacy_facts.date_s.value_or(0) + kLegacyFreshnessSeconds);
      }
    }
    --pending_;
    if (pending_ == 0 && !starting_) conclude();
  }

  /// The signer may have another key by now at the same place. False: it has to be believed that it has not.
  bool renew(std::size_t index) {
    IdentityValue& value = read_.values[index];
    FetchSeat seat = take_seat();
    if (seat == nullptr) return false;
    value.renewed = true;
    service_.certificates_.renew(std::get<ExaminedIdentity>(value.examined).url, when_fetched(index, std::move(seat)));
    return true;
  }

  IdentityCertificates::Done when_fetched(std::size_t index, FetchSeat seat) {
    return [weak = std::weak_ptr(self_), index, seat = std::move(seat)](const IdentityCertificates::Cached& cached) {
      const std::shared_ptr<Query*> query = weak.lock();
      if (query != nullptr) (*query)->on_certificate(index, cached);
    };
  }

  /// A token from before a diversion was another call's, before that; the diversion's own may not have been.
  void check_replay(IdentityValue& value, proto::Bytes signature, std::int64_t expires_s) {
    if (!value.verdict.good() || value.diverted) return;
    if (service_.replays_.is_replay(signature, call_id_, from_tag_, terms_.now_s)) {
      value.verdict.failed = IdentityCheck::kReplay;
      value.verdict.text = "the token was another call's";
      return;
    }
    service_.replays_.commit(signature, call_id_, from_tag_, expires_s, terms_.now_s);
  }

  /// Whether somebody whom we believe says who calls.
  [[nodiscard]] bool vouches(const IdentityValue& value) const {
    if (!value.verdict.good()) return false;
    return std::holds_alternative<sip::LegacyIdentity>(value.examined) ? legacy_suffices_
                                                                       : names_caller(*value.verdict.passport);
  }

  /// By value: whether it is for whom the request is for, or each of those whom the call was for since has sent it on.
  [[nodiscard]] std::vector<bool> lead_here() const {
    const std::vector<IdentityValue>& values = read_.values;
    std::vector<bool> here(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) here[i] = values[i].verdict.good() && !values[i].diverted;
    const auto sends_on = [&](std::size_t by, const IdentityValue& before) {
      return here[by] && values[by].verdict.passport && diverts(*values[by].verdict.passport, *before.verdict.passport);
    };
    for (std::size_t link = 0; link < kDiversionsMax; ++link) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (here[i] || !values[i].verdict.good()) continue;
        for (std::size_t by = 0; by < values.size() && !here[i]; ++by) here[i] = sends_on(by, values[i]);
      }
    }
    return here;
  }

  void take(const IdentityValue& value, JudgedIdentity& judged) const {
    judged.outcome = IdentityOutcome::kPassed;
    judged.text = value.verdict.text;
    judged.certificate = value.signer;
    if (std::holds_alternative<sip::LegacyIdentity>(value.examined)) {
      if (has_body_) judged.bound = read_.facts.fingerprints;  // the whole body is signed
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
    for (const IdentityValue& value : read_.values) {
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
    const std::vector<bool> here = lead_here();
    for (std::size_t i = 0; i < here.size(); ++i) {
      if (!keys_differ && here[i] && vouches(read_.values[i])) take(read_.values[i], judged);
    }
    const bool required = use_ == IdentityUse::kRequire;
    if (judged.outcome == IdentityOutcome::kPassed) {
      if (judged.orig.empty()) judged.orig = from_;  // what RFC 4474 signs; for a number's user it is no word
      const bool unsigned_keys = required && judged.bound.empty() && !read_.facts.fingerprints.empty();
      if (unsigned_keys) fail(IdentityCheck::kMediaKeys, "nobody has signed the fingerprints", true, judged);
      return judged;
    }
    if (!read_.facts.callers.empty()) {
      judged.orig = read_.facts.callers.front().text;
      judged.is_number = read_.facts.callers.front().kind == sip::CanonicalIdentity::Kind::kNumber;
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
  IdentityTerms terms_;
  std::string call_id_;
  std::string from_tag_;
  std::string from_;  ///< canonical
  Source source_;
  bool has_body_;
  bool legacy_suffices_ = false;  ///< RFC 4474's word is enough for this realm
  IdentityService::Done done_;
  IdentityValues read_;
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
