// The verification service: what the Identity headers of a request are worth. RFC 8224 section 6.2, RFC 4474 section 6.
// Certificates are fetched while the caller of verify() goes on; nothing here blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/certificate_cache.h"
#include "controlplane/identity_chain.h"
#include "controlplane/identity_service.h"
#include "controlplane/replay_cache.h"
#include "controlplane/seats.h"
#include "controlplane/source_rates.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

using IdentityCertificates = CertificateCache<IdentityCertificate>;

struct VerificationCounters {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t none = 0;  ///< requests that nobody has signed
};

class VerificationService {
 public:
  /// All outlive the service.
  VerificationService(const proto::settings::Settings& settings, IdentityCertificates& certificates,
                      UnixClock unix_clock);
  VerificationService(const VerificationService&) = delete;
  VerificationService& operator=(const VerificationService&) = delete;

  /// Whose certificates count from now on; null: nobody's.
  void use(std::shared_ptr<const TrustAnchors> anchors) { anchors_ = std::move(anchors); }

  /// See IdentityService::verify.
  std::unique_ptr<IdentityQuery> verify(const sip::Message& request, std::uint32_t realm,
                                        proto::settings::IdentityUse use, const std::vector<sip::Fingerprint>& offered,
                                        IdentityService::Done done);

  [[nodiscard]] const VerificationCounters& counters() const { return counters_; }

 private:
  class Query;

  const proto::settings::Settings& settings_;
  IdentityCertificates& certificates_;
  UnixClock unix_clock_;
  std::shared_ptr<const TrustAnchors> anchors_;
  ReplayCache replays_;
  // Of certificates that are fetched for whoever a request came from.
  Seats<Source> fetching_;
  SourceRates fetches_;
  VerificationCounters counters_;
};

}  // namespace weir::controlplane
