// DTLS-SRTP handshakes from the first ClientHello to session keys as weir-media takes them, beside OpenSSL alone: two
// of its ends over memory BIOs, without a cookie exchange, up to the exported keys. Both sides' work is counted in both
// rows, and the client is the same.
#include <benchmark/benchmark.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "controlplane/certificate.h"
#include "controlplane/dtls.h"
#include "controlplane/openssl_handles.h"
#include "controlplane/srtp_keys.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using controlplane::Certificate;
using controlplane::DtlsEndpoint;
using controlplane::DtlsSecured;

constexpr char kProfiles[] = "SRTP_AEAD_AES_128_GCM";
constexpr long kMtuBytes = 1200;
constexpr std::size_t kDatagramBytes = 1984;
constexpr int kTurnsMax = 16;

int any_chain(X509_STORE_CTX*, void*) {
  return 1;
}

/// What one end of OpenSSL's own needs: made once, as Weir makes its context once.
class OpensslEnd {
 public:
  explicit OpensslEnd(const SSL_METHOD* method) : certificate_(make_certificate()), context_(SSL_CTX_new(method)) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, any_chain, nullptr);
    WEIR_ASSERT(SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
                SSL_CTX_use_certificate(context, certificate_.x509()) == 1 &&
                SSL_CTX_use_PrivateKey(context, certificate_.key()) == 1 &&
                SSL_CTX_set_tlsext_use_srtp(context, kProfiles) == 0);
  }

  [[nodiscard]] const Certificate& certificate() const { return certificate_; }
  [[nodiscard]] SSL_CTX* context() const { return context_.get(); }

 private:
  static Certificate make_certificate() {
    auto made = Certificate::make();
    WEIR_ASSERT(made.ok());
    return std::move(made).value();
  }

  Certificate certificate_;
  controlplane::SslContextHandle context_;
};

/// One handshake's end over memory BIOs.
class OpensslPeer {
 public:
  OpensslPeer(const OpensslEnd& end, bool client) : ssl_(SSL_new(end.context())) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_mtu(ssl_.get(), kMtuBytes);
    client ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
  }

  /// Takes what the other end sent, goes on, and says whether it is done.
  bool step(proto::Bytes datagram) {
    if (!datagram.empty()) {
      BIO_write(SSL_get_rbio(ssl_.get()), datagram.data(), static_cast<int>(datagram.size()));
    }
    return SSL_do_handshake(ssl_.get()) == 1;
  }
  /// What it has to send; valid until the next call.
  proto::Bytes take_sent() {
    const int bytes = BIO_read(SSL_get_wbio(ssl_.get()), sent_.data(), static_cast<int>(sent_.size()));
    return {sent_.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
  }
  void export_keys(proto::MutableBytes out) {
    WEIR_ASSERT(SSL_export_keying_material(ssl_.get(), out.data(), out.size(), controlplane::kDtlsSrtpExporterLabel,
                                           sizeof controlplane::kDtlsSrtpExporterLabel - 1, nullptr, 0, 0) == 1);
  }

 private:
  controlplane::SslHandle ssl_;
  std::array<std::uint8_t, 2 * kDatagramBytes> sent_;
};

void openssl_alone(benchmark::State& state) {
  const OpensslEnd client_end(DTLS_client_method());
  const OpensslEnd server_end(DTLS_server_method());
  std::array<std::uint8_t, controlplane::kExporterBytesMax> keys;
  for (auto _ : state) {
    OpensslPeer client(client_end, true);
    OpensslPeer server(server_end, false);
    bool done = false;
    client.step({});
    for (int turn = 0; turn < kTurnsMax && !done; ++turn) {
      const bool served = server.step(client.take_sent());
      done = client.step(server.take_sent()) && served;
    }
    WEIR_ASSERT(done);
    server.export_keys({keys.data(), controlplane::exporter_bytes(proto::SrtpProfile::kAeadAes128Gcm)});
    benchmark::DoNotOptimize(keys);
  }
  state.SetItemsProcessed(state.iterations());
}

/// Weir's end as a port has it: made when the SDP is known, gone with its keys.
void weir_beside_a_client(benchmark::State& state) {
  const OpensslEnd client_end(DTLS_client_method());
  auto made = controlplane::DtlsContext::create({.profiles = {proto::SrtpProfile::kAeadAes128Gcm}});
  WEIR_ASSERT(made.ok());
  const proto::Endpoint place{.address = proto::IpAddress::from_ipv4(0xc6120102), .port = 5000};
  std::uint64_t now_ns = 1'000'000'000;
  for (auto _ : state) {
    OpensslPeer client(client_end, true);
    std::vector<std::vector<std::uint8_t>> sent;
    std::optional<DtlsSecured> secured;
    DtlsEndpoint endpoint(**made,
                          {.send = [&](const proto::Endpoint&,
                                       proto::Bytes datagram) { sent.emplace_back(datagram.begin(), datagram.end()); },
                           .secured = [&](const DtlsSecured& outcome, std::uint64_t) { secured = outcome; },
                           .failed = [](const std::string&, std::uint64_t) {}});
    endpoint.start(sip::DtlsRole::kServer, place, {client_end.certificate().fingerprint()}, now_ns);
    bool done = false;
    client.step({});
    for (int turn = 0; turn < kTurnsMax && !(done && secured); ++turn) {
      if (const proto::Bytes datagram = client.take_sent(); !datagram.empty()) {
        endpoint.receive(place, datagram, now_ns);
      }
      for (const auto& datagram : std::exchange(sent, {})) done = client.step(datagram);
    }
    WEIR_ASSERT(done && secured);
    auto receive = controlplane::make_transform(secured->profile, *secured->receive_key, *secured->receive_key);
    auto send = controlplane::make_transform(secured->profile, *secured->send_key, *secured->send_key);
    benchmark::DoNotOptimize(&receive);
    benchmark::DoNotOptimize(&send);
    now_ns += 1'000'000;
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(openssl_alone)->Name("signalling/dtls_handshake|openssl");
BENCHMARK(weir_beside_a_client)->Name("signalling/dtls_handshake|weir");

}  // namespace
}  // namespace weir::bench

BENCHMARK_MAIN();
