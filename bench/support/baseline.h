// What Weir is measured against: the same SRTP packets, one at a time, through other people's code.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/support/workload.h"

namespace weir::bench {

/// One SRTP session per stream of a workload.
class Baseline {
 public:
  virtual ~Baseline() = default;
  /// RTP to SRTP in place. Aborts if the library refuses: the benchmark would measure nothing.
  virtual void protect(Packet& packet) = 0;
  /// SRTP to RTP in place.
  virtual void unprotect(Packet& packet) = 0;
};

/// libsrtp2 as Debian ships it (on NSS).
std::unique_ptr<Baseline> make_libsrtp2(const Workload& workload);

/// The transform as libsrtp2 on OpenSSL drives it: per packet, contexts keyed once, EVP cipher and EVP MAC, with
/// index and replay arithmetic left out: a little faster than the real thing.
std::unique_ptr<Baseline> make_openssl(const Workload& workload);

}  // namespace weir::bench
