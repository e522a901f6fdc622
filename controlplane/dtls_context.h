// What all DTLS associations of a shard share: our certificate, OpenSSL's configuration, the cookie secrets.
// RFC 8827 section 6.5 (cipher suites), RFC 5764 section 4.1 (use_srtp).
#pragma once

#include <cstdint>
#include <memory>
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
