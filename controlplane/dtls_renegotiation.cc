// The peer redoes the handshake inside its association: RFC 5763 section 6.7, RFC 5746. OpenSSL authenticates each
// record of it under the keys in force, so nobody else can begin or disturb one. What it gives is judged as the first
// one was.
#include <utility>

#include "controlplane/certificate.h"
#include "controlplane/dtls.h"

namespace weir::controlplane {

bool DtlsEndpoint::renegotiates() const {
  return renegotiable_ && candidates_.front().association->renegotiates();
}

void DtlsEndpoint::hear_renegotiation(proto::Bytes datagram, std::uint64_t now_ns) {
  candidates_.front().association->receive(datagram, now_ns >= welcome_ns_ && callbacks_.welcomes());
  watch_renegotiation(now_ns);
}

/// After whatever may have moved one on, and by the clock.
void DtlsEndpoint::watch_renegotiation(std::uint64_t now_ns) {
  DtlsAssociation& association = *candidates_.front().association;
  association.advance();
  if (association.state() == DtlsAssociation::State::kFailed) return give_up(association.failure(), now_ns);
  if (association.handshakes() != handshakes_) return take_renegotiated(now_ns);
  if (!association.renegotiates()) return;
  if (patience_ns_ == 0) patience_ns_ = now_ns + context_.options().timeout_ns;
  if (now_ns >= patience_ns_) give_up("the peer's renegotiation came to no end", now_ns);
}

void DtlsEndpoint::take_renegotiated(std::uint64_t now_ns) {
  DtlsAssociation& association = *candidates_.front().association;
  handshakes_ = association.handshakes();
  patience_ns_ = 0;
  welcome_ns_ = now_ns + kRenegotiationNs;
  const FingerprintVerdict verdict = verify_certificate(*association.result().peer_certificate, promised_);
  if (!verdict.matched) return give_up("after a renegotiation the peer's certificate " + verdict.text, now_ns);
  const DtlsSecured renewed = outcome(verdict.text);
  association.forget_keys();
  callbacks_.renegotiated(renewed, now_ns);
}

/// The association ends; its keys are in force elsewhere, and stay.
void DtlsEndpoint::give_up(const std::string& reason, std::uint64_t now_ns) {
  const std::string kept = reason;  // it may be the association's
  renegotiable_ = false;
  candidates_.clear();
  if (callbacks_.given_up) callbacks_.given_up(kept, now_ns);
}

}  // namespace weir::controlplane
