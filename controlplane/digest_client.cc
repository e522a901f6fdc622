#include "controlplane/digest_client.h"

#include <algorithm>
#include <vector>

#include "controlplane/digest_response.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

/// Where a challenge stands, and where its answer goes (RFC 3261 sections 22.2 and 22.3).
struct Places {
  HeaderId challenge;
  HeaderId credentials;
};

std::optional<Places> places_of(std::uint16_t status) {
  if (status == 401) return Places{HeaderId::kWwwAuthenticate, HeaderId::kAuthorization};
  if (status == 407) return Places{HeaderId::kProxyAuthenticate, HeaderId::kProxyAuthorization};
  return std::nullopt;
}

bool answers(const Message& response, const Message& request) {
  const std::optional<sip::Via> ours = request.top_via();
  const std::optional<sip::Via> theirs = response.top_via();
  return ours && theirs && ours->branch() == theirs->branch() && request.call_id() == response.call_id() &&
         request.cseq() == response.cseq();
}

/// What of a challenge is ours to answer, the strongest algorithm first.
std::vector<sip::DigestChallenge> challenges_of(const Message& response, HeaderId id, const std::string& realm) {
  std::vector<sip::DigestChallenge> challenges = sip::digest_challenges(response, id);
  std::erase_if(challenges, [&](const sip::DigestChallenge& one) { return sip::unquoted_text(one.realm) != realm; });
  std::stable_sort(challenges.begin(), challenges.end(), [](const auto& a, const auto& b) {
    return a.algorithm.value_or(sip::DigestAlgorithm::kMd5) > b.algorithm.value_or(sip::DigestAlgorithm::kMd5);
  });
  return challenges;
}

/// The nonce of the credentials that the request has shown for this domain.
std::optional<std::string> shown_nonce(const Message& request, HeaderId id, const std::string& realm) {
  for (sip::DigestCredentials& one : sip::digest_credentials(request, id)) {
    if (sip::unquoted_text(one.realm) == realm) return std::move(one.nonce);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Message> DigestClient::authorise(const Message& request, const Message& challenge,
                                               std::string_view cnonce) {
  const std::optional<Places> places = places_of(challenge.status());
  const std::optional<sip::CSeq> cseq = request.cseq();
  if (!places || !cseq || cseq->number >= sip::kCSeqMax || !answers(challenge, request)) return std::nullopt;
  const std::vector<sip::DigestChallenge> ours = challenges_of(challenge, places->challenge, account_.realm);
  const sip::DigestChallenge* answered = answerable(ours);
  if (answered == nullptr) return std::nullopt;
  const std::optional<std::string> shown = shown_nonce(request, places->credentials, account_.realm);
  if (shown && (!answered->stale || !may_be_replaced(*shown))) return std::nullopt;
  const DigestSubject subject{request.method_name(), request.body()};
  const sip::DigestCredentials credentials =
      answer_challenge(*answered, {account_.user, account_.password}, request.request_uri_text(), subject, cnonce,
                       ++note(*answered).count);
  Message again = request;
  again.set_header(places->credentials, sip::write(credentials));
  again.set_header(HeaderId::kCSeq, sip::write(sip::CSeq{cseq->number + 1, cseq->method, cseq->method_name}));
  return again;
}

DigestClient::Nonce& DigestClient::note(const sip::DigestChallenge& challenge) {
  for (Nonce& known : nonces_) {
    if (known.value != challenge.nonce) continue;
    known.replacement = challenge.stale;
    return known;
  }
  if (nonces_.size() == kNoncesMax) nonces_.pop_front();
  return nonces_.emplace_back(Nonce{challenge.nonce, 0, challenge.stale});
}

/// A server that calls each of its nonces too old would have us repeat the request for ever.
bool DigestClient::may_be_replaced(const std::string& nonce) const {
  return std::any_of(nonces_.begin(), nonces_.end(),
                     [&](const Nonce& known) { return known.value == nonce && !known.replacement; });
}

}  // namespace weir::controlplane
