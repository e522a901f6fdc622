// DTLS certificates that were never used: for legs whose party must not be known again by ours (RFC 3323 section 5,
// RFC 8827 section 6.5). Made ahead of time on a thread of their own, so that a leg never waits for one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "controlplane/certificate.h"

namespace weir::controlplane {

/// Owned by a shard, whose thread alone takes from it. Without a lock: a ring with one thread at either end.
class CertificatePool {
 public:
  /// Three seconds of 10,000 calls a minute; 2 MB.
  static constexpr std::size_t kReadyMax = 512;

  /// No thread begins before one is wanted: see start().
  explicit CertificatePool(std::size_t ready_max = kReadyMax);
  CertificatePool(const CertificatePool&) = delete;
  CertificatePool& operator=(const CertificatePool&) = delete;
  ~CertificatePool();

  /// Makes them from now on, down to half of the pool's room ahead of who takes. Idempotent; take() does it too.
  void start();

  /// One that nobody has had, with half of its life before it at least. Never waits: where none is ready, one is made
  /// at once, in a third of a millisecond. Null: OpenSSL cannot make any.
  std::shared_ptr<const Certificate> take();

  [[nodiscard]] std::size_t ready() const { return made_.load() - taken_.load(); }
  /// How often take() had to make one itself.
  [[nodiscard]] std::uint64_t made_at_once() const { return made_at_once_; }

 private:
  using Pointer = std::shared_ptr<const Certificate>;

  Pointer pop();
  void ask_for_more();
  void run();
  void fill();

  std::vector<Pointer> ring_;             ///< those from taken_ to made_, modulo its size
  std::atomic<std::uint64_t> made_ = 0;   ///< written by the maker
  std::atomic<std::uint64_t> taken_ = 0;  ///< written by who takes
  std::uint64_t made_at_once_ = 0;
  std::atomic<bool> asked_ = false;  ///< more_ is released, and the maker has not seen it
  std::atomic<bool> ending_ = false;
  std::counting_semaphore<> more_{0};
  std::thread maker_;
};

}  // namespace weir::controlplane
