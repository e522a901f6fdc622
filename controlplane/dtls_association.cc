#include "controlplane/dtls_association.h"

#include <openssl/err.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/short_authentication.h"
#include "proto/assert.h"
#include "proto/control_protocol.h"
#include "proto/dtls_record.h"

namespace weir::controlplane {
namespace {

/// OpenSSL asks for the next interval: 0 means the first.
unsigned next_interval_us(SSL* ssl, unsigned interval_us) {
  const auto* options = static_cast<const DtlsOptions*>(SSL_get_app_data(ssl));
  if (interval_us == 0) return options->retransmit_first_us;
  return std::min(interval_us * 2, options->retransmit_us_max);
}

bool is_alert(proto::Bytes datagram) {
  return !datagram.empty() && datagram[0] == static_cast<std::uint8_t>(proto::DtlsContentType::kAlert);
}

}  // namespace

DtlsAssociation::DtlsAssociation(DtlsContext& context, sip::DtlsRole role, Send send, const Certificate* certificate,
                                 Media media)
    : role_(role), media_(std::move(media)), ssl_(SSL_new(context.ssl_context())) {
  WEIR_ASSERT(ssl_ != nullptr);
  WEIR_ASSERT(certificate == nullptr ||
              SSL_use_cert_and_key(ssl_.get(), certificate->x509(), certificate->key(), nullptr, 1) == 1);
  // No alert ever leaves: a handshake that fails here may have been spoilt by a forger, and the alert would end the
  // real peer's side of it. The peer learns of the end by its own timeout, or by SIP.
  datagrams_.send = [out = std::move(send)](proto::Bytes datagram) {
    if (!is_alert(datagram)) out(datagram);
  };
  BIO* bio = BIO_new(context.bio_method());
  WEIR_ASSERT(bio != nullptr);
  BIO_set_data(bio, &datagrams_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), const_cast<DtlsOptions*>(&context.options()));
  DTLS_set_timer_cb(ssl_.get(), next_interval_us);
  SSL_set_mtu(ssl_.get(), context.options().mtu_bytes);
}

DtlsAssociation::~DtlsAssociation() = default;

DtlsAssociation::State DtlsAssociation::start_client() {
  SSL_set_connect_state(ssl_.get());
  return step();
}

DtlsAssociation::State DtlsAssociation::start_server(proto::Bytes client_hello_record) {
  ERR_clear_error();
  SSL_set_accept_state(ssl_.get());
  WEIR_ASSERT(SSL_set_max_proto_version(ssl_.get(), kDtlsServerVersionMax) == 1);
  datagrams_.incoming = client_hello_record;
  if (const auto hello = proto::parse_dtls_record(client_hello_record)) sequence_next_ = hello->sequence + 1;
  // OpenSSL's own way into a handshake whose HelloVerifyRequest is behind it: message sequences start at 1 and the
  // record sequence goes on from the ClientHello's.
  BIO_ADDR* unused = BIO_ADDR_new();
  WEIR_ASSERT(unused != nullptr);
  const int listened = DTLSv1_listen(ssl_.get(), unused);
  BIO_ADDR_free(unused);
  datagrams_.incoming = {};
  if (listened != 1) return fail(openssl_error("the ClientHello is malformed"));
  return step();
}

DtlsAssociation::State DtlsAssociation::receive(proto::Bytes datagram, bool may_begin) {
  if (state_ == State::kFailed || datagram.size() > proto::kPuntDataBytesMax) return state_;
  if (renegotiable_) return receive_later(datagram, may_begin);
  std::array<std::uint8_t, proto::kPuntDataBytesMax> kept;
  const std::size_t kept_bytes = filter_dtls_records(datagram, role_, stage(), sequence_next_, kept);
  if (kept_bytes == 0) return state_;
  datagrams_.incoming = {kept.data(), kept_bytes};
  if (state_ == State::kConnected) {
    drain();
  } else {
    step();
  }
  datagrams_.incoming = {};
  return state_;
}

bool DtlsAssociation::allow_renegotiation() {
  if (state_ != State::kConnected || carries_media()) return false;
  if (SSL_get_secure_renegotiation_support(ssl_.get()) != 1) return false;
  // Its cookies were DTLSv1_listen's: a peer need not say the first one again, nor may OpenSSL ask for another.
  SSL_clear_options(ssl_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_COOKIE_EXCHANGE);
  SSL_set_options(ssl_.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  renegotiable_ = true;
  SSL_free_buffers(ssl_.get());  // it may wait for hours
  return true;
}

bool DtlsAssociation::renegotiates() const {
  return renegotiable_ && state_ == State::kConnected && SSL_is_init_finished(ssl_.get()) != 1;
}

/// OpenSSL is shown no handshake that may not begin: it would refuse it by an alert, and count its messages as begun.
DtlsAssociation::State DtlsAssociation::receive_later(proto::Bytes datagram, bool may_begin) {
  while (const std::optional<proto::DtlsRecordView> record = proto::parse_dtls_record(datagram)) {
    const bool chacha = result_.cipher_suite.find("CHACHA20") != std::string::npos;
    const int at = progress();
    const LaterRecords taken{.epoch = static_cast<std::uint16_t>(handshakes_),
                             .added_bytes = chacha ? kChachaBytes : kGcmBytes,
                             .may_begin = may_begin,
                             .runs = renegotiates(),
                             .has_next = at == TLS_ST_SR_CHANGE || at == TLS_ST_CR_CHANGE};
    if (is_taken(*record, taken)) {
      datagrams_.incoming = datagram.first(record->record_bytes);
      if (read_later() == State::kFailed) break;
    }
    datagram = datagram.subspan(record->record_bytes);
  }
  datagrams_.incoming = {};
  return state_;
}

/// Reading is what moves a renegotiation on.
DtlsAssociation::State DtlsAssociation::read_later() {
  const bool ran = renegotiates();
  std::array<std::uint8_t, 512> unused;
  int read = 0;
  ERR_clear_error();
  do {
    read = SSL_read(ssl_.get(), unused.data(), static_cast<int>(unused.size()));
  } while (read > 0);
  if (SSL_get_error(ssl_.get(), read) != SSL_ERROR_WANT_READ) return fail(openssl_error("the renegotiation failed"));
  ERR_clear_error();
  if (!renegotiates()) SSL_free_buffers(ssl_.get());
  if (!ran || renegotiates()) return state_;
  if (std::optional<std::string> reason = take_result()) return fail(*std::move(reason));
  return state_;
}

DtlsStage DtlsAssociation::stage() const {
  if (state_ != State::kConnected) return DtlsStage::kHandshaking;
  return carries_media() ? DtlsStage::kCarrying : DtlsStage::kConnected;
}

void DtlsAssociation::send_media(proto::Bytes media) {
  if (!carries_media() || media.empty()) return;
  ERR_clear_error();
  SSL_write(ssl_.get(), media.data(), static_cast<int>(media.size()));  // what is not sent is lost, as by a network
  ERR_clear_error();
}

DtlsAssociation::State DtlsAssociation::advance() {
  if (state_ != State::kHandshaking && !renegotiates()) return state_;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) return fail(openssl_error("the peer does not answer"));
  return state_;
}

std::optional<std::uint64_t> DtlsAssociation::timer_remaining_ns() const {
  timeval remaining{};
  if (state_ != State::kHandshaking || DTLSv1_get_timeout(ssl_.get(), &remaining) != 1) return std::nullopt;
  return static_cast<std::uint64_t>(remaining.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(remaining.tv_usec) * 1'000u;
}

int DtlsAssociation::progress() const {
  return static_cast<int>(SSL_get_state(ssl_.get()));
}

DtlsAssociation::State DtlsAssociation::step() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return finish();
  const int error = SSL_get_error(ssl_.get(), done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return state_;
  return fail(openssl_error("the DTLS handshake failed"));
}

DtlsAssociation::State DtlsAssociation::fail(std::string reason) {
  failure_ = std::move(reason);
  state_ = State::kFailed;
  return state_;
}

DtlsAssociation::State DtlsAssociation::finish() {
  if (std::optional<std::string> reason = take_result()) return fail(*std::move(reason));
  state_ = State::kConnected;
  drain();
  return state_;
}

/// Of the handshake that has just been done; why not, if it cannot be.
std::optional<std::string> DtlsAssociation::take_result() {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  const bool may_carry = media_ && handshakes_ == 0;  // who has keys goes on to have them
  if (selected == nullptr && !may_carry) return "the peer and Weir have no SRTP profile in common (use_srtp)";
  // Without the extension it is plain DTLS (RFC 5764 section 4.1.1): media is its application data.
  const std::optional<proto::SrtpProfile> profile =
      selected == nullptr ? proto::SrtpProfile::kDtlsRecords
                          : proto::srtp_profile_by_dtls_id(static_cast<std::uint16_t>(selected->id));
  if (!profile) return "the negotiated SRTP profile is unknown";
  result_.profile = *profile;
  result_.peer_certificate.reset(SSL_get1_peer_certificate(ssl_.get()));
  if (result_.peer_certificate == nullptr) return "the peer sent no certificate";

  if (proto::is_srtp(*profile) && !export_keys()) return openssl_error("OpenSSL exports no keys");
  const std::optional<std::string> short_authentication = short_authentication_string(*ssl_);
  if (!short_authentication) return openssl_error("OpenSSL has no SHA-1");
  result_.short_authentication = *short_authentication;
  result_.version = SSL_get_version(ssl_.get());
  result_.cipher_suite = SSL_get_cipher_name(ssl_.get());
  ++handshakes_;
  return std::nullopt;
}

bool DtlsAssociation::export_keys() {
  Secret<std::array<std::uint8_t, kExporterBytesMax>> exported;
  const std::size_t bytes = exporter_bytes(result_.profile);
  if (SSL_export_keying_material(ssl_.get(), exported->data(), bytes, kDtlsSrtpExporterLabel,
                                 sizeof kDtlsSrtpExporterLabel - 1, nullptr, 0, 0) != 1) {
    return false;
  }
  result_.keys = split_exporter(result_.profile, {exported->data(), bytes});
  return true;
}

void DtlsAssociation::drain() {
  // Reading makes OpenSSL repeat its last flight when the peer repeats its own. An authentic close or alert changes
  // nothing: media lives and dies with the call (RFC 5763 section 6.7). A record is one packet, and fits.
  std::array<std::uint8_t, proto::kPuntDataBytesMax> data;
  ERR_clear_error();
  for (int bytes = 1; bytes > 0;) {
    bytes = SSL_read(ssl_.get(), data.data(), static_cast<int>(data.size()));
    if (bytes > 0 && carries_media()) media_({data.data(), static_cast<std::size_t>(bytes)});
  }
  ERR_clear_error();
}

}  // namespace weir::controlplane
