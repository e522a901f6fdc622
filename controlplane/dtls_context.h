// What all DTLS associations of a shard share: our certificate, OpenSSL's configuration, the cookie secrets.
// RFC 8827 section 6.5 (cipher suites), RFC 5764 section 4.1 (use_srtp).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "controlplane/certificate.h"
#include "controlplane/dtls_cookie.h"
#include "controlplane/openssl_handles.h"
#include "proto/result.h"
#include "proto/srtp_profile.h"

namespace weir::controlplane {

struct DtlsOptions {
  std::vector<proto::SrtpProfile> profiles = {proto::SrtpProfile::kAeadAes128Gcm,
                                              proto::SrtpProfile::kAesCm128HmacSha1_80};  ///< by preference
  std::uint16_t mtu_bytes = 1200;               ///< of a handshake datagram, UDP payload
  std::uint64_t timeout_ns = 10'000'000'000;    ///< from when a handshake can start to when it must be done
  std::uint32_t retransmit_first_us = 100'000;  ///< doubling up to retransmit_us_max
  std::uint32_t retransmit_us_max = 1'600'000;
};

/// What handshakes may agree on, by who we are in them. As a server 1.2 alone: the cookie exchange is
/// HelloVerifyRequest, after which there is no 1.3 (RFC 9147 section 5.1); with it a forger's hello costs nothing.
#ifdef WEIR_DTLS_1_3
inline constexpr int kDtlsClientVersionMax = DTLS1_3_VERSION;
#else
inline constexpr int kDtlsClientVersionMax = DTLS1_2_VERSION;
#endif
inline constexpr int kDtlsServerVersionMax = DTLS1_2_VERSION;
/// For people: "DTLSv1.2", or with what a client may agree on beside it.
inline constexpr std::string_view kDtlsVersions =
    kDtlsClientVersionMax == kDtlsServerVersionMax ? "DTLSv1.2" : "DTLSv1.2, as the client also DTLSv1.3";

class DtlsContext {
 public:
  /// Makes the OpenSSL context. `certificate`: ours from an earlier process; without one it makes another. Errors:
  /// OpenSSL's; no profile.
  static proto::Result<std::unique_ptr<DtlsContext>> create(const DtlsOptions& options,
                                                            std::optional<Certificate> certificate = {});
  DtlsContext(const DtlsContext&) = delete;
  DtlsContext& operator=(const DtlsContext&) = delete;

  [[nodiscard]] const DtlsOptions& options() const { return options_; }
  [[nodiscard]] const Certificate& certificate() const { return certificate_; }
  [[nodiscard]] DtlsCookies& cookies() { return cookies_; }

  [[nodiscard]] SSL_CTX* ssl_context() const { return ssl_context_.get(); }
  /// For a BIO whose data pointer is a DtlsDatagrams: see dtls_association.h.
  [[nodiscard]] const BIO_METHOD* bio_method() const { return bio_method_.get(); }

 private:
  DtlsContext(const DtlsOptions& options, Certificate certificate);
  proto::Status configure();

  DtlsOptions options_;
  Certificate certificate_;
  DtlsCookies cookies_;
  BioMethodHandle bio_method_;
  SslContextHandle ssl_context_;
};

}  // namespace weir::controlplane
