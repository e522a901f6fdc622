#include "controlplane/digest_auth.h"

#include <algorithm>

#include "controlplane/digest_response.h"
#include "sip/uri.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::DigestAlgorithm;

namespace {

DigestAlgorithm algorithm_of(settings::DigestHash hash) {
  switch (hash) {
    case settings::DigestHash::kMd5:
      return DigestAlgorithm::kMd5;
    case settings::DigestHash::kSha256:
      return DigestAlgorithm::kSha256;
    case settings::DigestHash::kSha512_256:
      return DigestAlgorithm::kSha512_256;
  }
  return DigestAlgorithm::kMd5;
}

settings::DigestHash hash_of(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kMd5:
    case DigestAlgorithm::kMd5Sess:
      return settings::DigestHash::kMd5;
    case DigestAlgorithm::kSha256:
    case DigestAlgorithm::kSha256Sess:
      return settings::DigestHash::kSha256;
    case DigestAlgorithm::kSha512_256:
    case DigestAlgorithm::kSha512_256Sess:
      return settings::DigestHash::kSha512_256;
  }
  return settings::DigestHash::kMd5;
}

/// What it is does not matter: matching it proves nothing.
const std::string& nobodys_ha1(DigestAlgorithm algorithm) {
  static const std::string kMd5(32, '0');
  static const std::string kLonger(64, '0');
  return hash_of(algorithm) == settings::DigestHash::kMd5 ? kMd5 : kLonger;
}

/// The digest's URI is the request's own (RFC 7616 section 3.4.6).
bool is_for(const sip::DigestCredentials& credentials, const sip::Message& request) {
  if (credentials.uri == request.request_uri_text()) return true;
  const std::optional<sip::Uri> said = sip::parse_uri(credentials.uri);
  const std::optional<sip::Uri> sent = request.request_uri();
  return said && sent && equivalent(*said, *sent);
}

}  // namespace

DigestAuth::DigestAuth(const settings::RegistrarSettings& settings, const UserDirectory& users)
    : users_(users),
      allow_without_qop_(settings.allow_without_qop),
      nonces_(std::uint64_t{settings.nonce_lifetime_ms} * 1'000'000) {
  for (const settings::DigestHash hash : settings.algorithms) algorithms_.push_back(algorithm_of(hash));
}

const sip::DigestCredentials* DigestAuth::usable(const std::vector<sip::DigestCredentials>& all,
                                                 std::string_view domain, const sip::Message& request) const {
  for (const sip::DigestCredentials& credentials : all) {
    const bool offered = credentials.algorithm &&
                         std::find(algorithms_.begin(), algorithms_.end(), *credentials.algorithm) != algorithms_.end();
    const bool protection =
        credentials.qop == sip::DigestQop::kAuth || (credentials.qop == sip::DigestQop::kNone && allow_without_qop_);
    if (offered && protection && !credentials.userhash && credentials.realm == domain && is_for(credentials, request)) {
      return &credentials;
    }
  }
  return nullptr;
}

DigestJudgement DigestAuth::judge(std::uint64_t now_ns, std::string_view domain, const sip::Message& request,
                                  const Source& source) const {
  DigestJudgement judgement;
  const auto all = sip::digest_credentials(request, sip::HeaderId::kAuthorization);
  const sip::DigestCredentials* const given = usable(all, domain, request);
  if (given == nullptr) return judgement;
  judgement.name = sip::unquoted_text(given->username);
  judgement.verdict = DigestVerdict::kStale;
  const std::optional<std::uint64_t> serial = nonces_.read(now_ns, given->nonce, domain, source);
  if (!serial) return judgement;
  const User* const user = users_.find(domain, judgement.name);
  const std::string ha1 =
      user == nullptr ? std::string() : user->ha1[static_cast<std::size_t>(hash_of(*given->algorithm))];
  // Somebody who is not there has a hash as long as any, so that both take the same time.
  const std::string& secret = ha1.empty() ? nobodys_ha1(*given->algorithm) : ha1;
  const bool matches = digest_matches(*given, secret, {request.method_name(), request.body()});
  judgement.verdict = matches && !ha1.empty() ? DigestVerdict::kRight : DigestVerdict::kWrong;
  if (judgement.verdict != DigestVerdict::kRight) return judgement;
  judgement.user = user;
  judgement.nonce_serial = *serial;
  judgement.nonce_count = given->nonce_count();
  return judgement;
}

std::vector<std::string> DigestAuth::challenges(std::uint64_t now_ns, std::string_view domain, const Source& source,
                                                bool stale) {
  sip::DigestChallenge challenge;
  challenge.realm = domain;
  challenge.nonce = nonces_.make(now_ns, domain, source);
  challenge.stale = stale;
  challenge.algorithm_written = true;
  challenge.has_qop = challenge.qop_auth = true;
  std::vector<std::string> values;
  for (const DigestAlgorithm algorithm : algorithms_) {
    challenge.algorithm = algorithm;
    values.push_back(write(challenge));
  }
  return values;
}

}  // namespace weir::controlplane
