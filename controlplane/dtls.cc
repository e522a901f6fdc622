#include "controlplane/dtls.h"

#include <algorithm>
#include <utility>

#include "controlplane/certificate.h"
#include "proto/dtls_record.h"

namespace weir::controlplane {

DtlsEndpoint::DtlsEndpoint(DtlsContext& context, Callbacks callbacks, const Certificate* certificate)
    : context_(context), certificate_(certificate), callbacks_(std::move(callbacks)) {
  candidates_.reserve(kCandidatesMax);
}

void DtlsEndpoint::listen() {
  if (state_ == State::kDeaf) state_ = State::kRunning;
}

void DtlsEndpoint::start(sip::DtlsRole role, const proto::Endpoint& signalled, std::vector<sip::Fingerprint> promised,
                         std::uint64_t now_ns) {
  if (!unfinished() || started_) return;
  state_ = State::kRunning;
  started_ = true;
  role_ = role;
  signalled_ = signalled;
  promised_ = std::move(promised);
  deadline_ns_ = now_ns + context_.options().timeout_ns;
  if (role_ == sip::DtlsRole::kClient) {
    candidates_.clear();  // those who came while it might have been the other way round
    start_client(now_ns);
    return;
  }
  // Handshakes that were done before the SDP came: the first that matches wins.
  std::size_t at = 0;
  while (state_ == State::kRunning && at < candidates_.size()) {
    const std::size_t before = candidates_.size();
    settle(candidates_.begin() + static_cast<std::ptrdiff_t>(at), now_ns);
    if (candidates_.size() == before) ++at;
  }
}

void DtlsEndpoint::follow(const proto::Endpoint& peer) {
  const bool leads = state_ == State::kRunning && started_ && role_ == sip::DtlsRole::kClient;
  if (!leads && !renegotiable_ && !carries_media()) return;
  signalled_ = peer;
  for (Candidate& only : candidates_) only.source = peer;
}

void DtlsEndpoint::receive(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns) {
  if (state_ == State::kDeaf || state_ == State::kFailed) return;
  if (state_ == State::kRunning && role_ == sip::DtlsRole::kServer) {
    receive_as_server(source, datagram, now_ns);
    return;
  }
  // A client hears only the signalled peer, and the winner is the one candidate left.
  const auto candidate = candidate_of(source);
  if (candidate == candidates_.end()) return;
  if (renegotiable_) return hear_renegotiation(datagram, now_ns);
  candidate->association->receive(datagram);
  if (state_ == State::kRunning) settle(candidate, now_ns);
}

void DtlsEndpoint::receive_as_server(const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns) {
  const std::optional<proto::DtlsRecordView> first = proto::parse_dtls_record(datagram);
  if (!first) return;
  if (const std::optional<ClientHelloStart> start = parse_client_hello_start(*first)) {
    on_client_hello(source, *start, now_ns);
  }
  const auto candidate = candidate_of(source);
  if (candidate == candidates_.end()) return;
  if (candidate->association == nullptr) {
    add_to_hello(*candidate, datagram, now_ns);
  } else {
    const int progress = candidate->association->progress();
    candidate->association->receive(datagram);
    if (candidate->association->progress() != progress) candidate->progress_ns = now_ns;
  }
  settle(candidate, now_ns);
}

void DtlsEndpoint::on_client_hello(const proto::Endpoint& source, const ClientHelloStart& start, std::uint64_t now_ns) {
  const auto candidate = candidate_of(source);
  // A handshake that moves is not to be disturbed: whoever sends its source another ClientHello is a forger, or will
  // say it again when this one has come to a stop.
  if (candidate != candidates_.end() && now_ns - candidate->progress_ns < kStallNs) return;
  if (start.message_sequence == 0) {
    const DtlsCookie cookie = context_.cookies().make(source, now_ns);
    callbacks_.send(source, write_hello_verify_request(cookie, start.record_sequence));
    return;
  }
  // The answer to our HelloVerifyRequest is the client's second message; OpenSSL goes on from there.
  if (start.message_sequence != 1 || !ClientHelloAssembly::fits(start)) return;
  if (!context_.cookies().valid(source, start.cookie, now_ns)) return;
  if (candidate != candidates_.end()) {
    if (candidate->random == start.random) return;  // the same handshake: its own timer repeats our flight
    candidates_.erase(candidate);
  }
  admit(source, start, now_ns);
}

void DtlsEndpoint::admit(const proto::Endpoint& source, const ClientHelloStart& start, std::uint64_t now_ns) {
  if (candidates_.size() == kCandidatesMax) {
    const auto victim = replaceable(source, now_ns);
    if (victim == candidates_.end()) return;
    candidates_.erase(victim);
  }
  candidates_.push_back(Candidate{.source = source,
                                  .random = start.random,
                                  .hello = ClientHelloAssembly(start),
                                  .association = nullptr,
                                  .progress_ns = now_ns});
}

DtlsEndpoint::Candidates::iterator DtlsEndpoint::replaceable(const proto::Endpoint& source, std::uint64_t now_ns) {
  // The signalled peer always finds a place and never loses it to others; of the rest the one that has stood still
  // longest goes.
  const auto rank = [this](const Candidate& candidate) {
    return std::pair(candidate.source == signalled_, candidate.progress_ns);
  };
  const auto stalest = std::min_element(candidates_.begin(), candidates_.end(),
                                        [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  const bool stalled = now_ns - stalest->progress_ns >= kStallNs;
  return stalled || source == signalled_ ? stalest : candidates_.end();
}

void DtlsEndpoint::add_to_hello(Candidate& candidate, proto::Bytes datagram, std::uint64_t now_ns) {
  while (const std::optional<proto::DtlsRecordView> record = proto::parse_dtls_record(datagram)) {
    candidate.hello->add(*record);
    datagram = datagram.subspan(record->record_bytes);
  }
  if (!candidate.hello->complete()) return;
  candidate.association = std::make_unique<DtlsAssociation>(context_, sip::DtlsRole::kServer, send_to(candidate.source),
                                                            certificate_, take_media());
  candidate.association->start_server(candidate.hello->record());
  candidate.hello.reset();
  candidate.progress_ns = now_ns;
}

DtlsEndpoint::Candidates::iterator DtlsEndpoint::candidate_of(const proto::Endpoint& source) {
  return std::find_if(candidates_.begin(), candidates_.end(),
                      [&](const Candidate& candidate) { return candidate.source == source; });
}

bool DtlsEndpoint::knows(const proto::Endpoint& source) const {
  return std::any_of(candidates_.begin(), candidates_.end(),
                     [&](const Candidate& candidate) { return candidate.source == source; });
}

void DtlsEndpoint::start_client(std::uint64_t now_ns) {
  restart_ns_ = 0;
  candidates_.clear();
  candidates_.push_back(Candidate{.source = signalled_,
                                  .random = {},
                                  .hello = std::nullopt,
                                  .association = std::make_unique<DtlsAssociation>(context_, role_, send_to_signalled(),
                                                                                   certificate_, take_media()),
                                  .progress_ns = now_ns});
  candidates_.front().association->start_client();
  settle(candidates_.begin(), now_ns);
}

DtlsAssociation::Send DtlsEndpoint::send_to(const proto::Endpoint& destination) {
  return [this, destination](proto::Bytes datagram) { send(destination, datagram); };
}

DtlsAssociation::Send DtlsEndpoint::send_to_signalled() {
  return [this](proto::Bytes datagram) { send(signalled_, datagram); };
}

/// Who has been secured is followed to where it is.
void DtlsEndpoint::send(const proto::Endpoint& destination, proto::Bytes datagram) {
  callbacks_.send(state_ == State::kSecured ? signalled_ : destination, datagram);
}

/// Nobody is believed before its certificate was judged.
DtlsAssociation::Media DtlsEndpoint::take_media() {
  if (!callbacks_.media) return {};
  return [this](proto::Bytes media) {
    if (state_ == State::kSecured) callbacks_.media(media);
  };
}

void DtlsEndpoint::send_media(proto::Bytes media) {
  if (carries_media()) candidates_.front().association->send_media(media);
}

bool DtlsEndpoint::carries_media() const {
  return state_ == State::kSecured && !candidates_.empty() && candidates_.front().association->carries_media();
}

void DtlsEndpoint::settle(Candidates::iterator candidate, std::uint64_t now_ns) {
  if (candidate->association == nullptr) return;
  switch (candidate->association->state()) {
    case DtlsAssociation::State::kHandshaking:
      return;
    case DtlsAssociation::State::kConnected:
      if (started_) judge(candidate, now_ns);
      return;
    case DtlsAssociation::State::kFailed:
      last_failure_ = candidate->association->failure();
      candidates_.erase(candidate);
      if (role_ == sip::DtlsRole::kClient) restart_ns_ = now_ns + kRestartNs;
      return;
  }
}

void DtlsEndpoint::judge(Candidates::iterator candidate, std::uint64_t now_ns) {
  const FingerprintVerdict verdict = verify_certificate(*candidate->association->result().peer_certificate, promised_);
  if (verdict.matched) {
    win(candidate, verdict.text, now_ns);
    return;
  }
  last_failure_ = "the peer's certificate " + verdict.text;
  // The signalled peer itself has the wrong certificate: that is final. From anywhere else it may be a stranger who
  // wants the call to fail, so the real peer goes on having its chance.
  const bool is_signalled = candidate->source == signalled_;
  candidates_.erase(candidate);
  if (is_signalled) fail(last_failure_, now_ns);
}

void DtlsEndpoint::win(Candidates::iterator candidate, const std::string& verdict, std::uint64_t now_ns) {
  std::swap(*candidate, candidates_.front());
  candidates_.erase(candidates_.begin() + 1, candidates_.end());
  state_ = State::kSecured;
  signalled_ = candidates_.front().source;
  DtlsAssociation& association = *candidates_.front().association;
  renegotiable_ = callbacks_.renegotiated != nullptr && association.allow_renegotiation();
  handshakes_ = association.handshakes();
  welcome_ns_ = now_ns + kRenegotiationNs;
  const DtlsSecured secured = outcome(verdict);
  association.forget_keys();
  callbacks_.secured(secured, now_ns);
}

/// What the winner's last handshake gave.
DtlsSecured DtlsEndpoint::outcome(const std::string& verdict) const {
  const DtlsResult& result = candidates_.front().association->result();
  const bool server = role_ == sip::DtlsRole::kServer;
  return {
      .profile = result.profile,
      .role = role_,
      .version = result.version,
      .cipher_suite = result.cipher_suite,
      .fingerprint = sip::write_fingerprint(fingerprint_of(*result.peer_certificate, sip::FingerprintHash::kSha256)),
      .verdict = verdict,
      .short_authentication = result.short_authentication,
      .peer = candidates_.front().source,
      .receive_key = server ? result.keys.client_write : result.keys.server_write,
      .send_key = server ? result.keys.server_write : result.keys.client_write,
  };
}

void DtlsEndpoint::advance(std::uint64_t now_ns) {
  if (renegotiable_) return watch_renegotiation(now_ns);
  if (state_ != State::kRunning) return;
  if (started_ && now_ns >= deadline_ns_) {
    const std::string seconds = std::to_string(context_.options().timeout_ns / 1'000'000'000u);
    const std::string why = last_failure_.empty() ? "" : " (last: " + last_failure_ + ")";
    fail("no DTLS handshake within " + seconds + " s" + why, now_ns);
    return;
  }
  if (restart_ns_ != 0 && now_ns >= restart_ns_) {
    start_client(now_ns);
    return;
  }
  for (std::size_t i = candidates_.size(); i-- > 0;) {
    if (candidates_[i].association == nullptr) continue;
    candidates_[i].association->advance();
    if (candidates_[i].association->state() == DtlsAssociation::State::kFailed) {
      settle(candidates_.begin() + static_cast<std::ptrdiff_t>(i), now_ns);
    }
  }
}

void DtlsEndpoint::fail(const std::string& reason, std::uint64_t now_ns) {
  state_ = State::kFailed;
  candidates_.clear();
  const std::string kept = reason;  // `reason` may be last_failure_, and the callback may end us
  callbacks_.failed(kept, now_ns);
}

}  // namespace weir::controlplane
