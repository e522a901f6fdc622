#include "controlplane/certificate_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

/// Who makes certificates ahead of time has time: everything else goes first.
constexpr int kMakersNiceness = 10;

std::shared_ptr<const Certificate> make_certificate() {
  proto::Result<Certificate> made = Certificate::make();
  return made ? std::make_shared<const Certificate>(std::move(made).value()) : nullptr;
}

}  // namespace

CertificatePool::CertificatePool(std::size_t ready_max) : ring_(ready_max) {
  WEIR_ASSERT(ready_max != 0);
}

CertificatePool::~CertificatePool() {
  if (!maker_.joinable()) return;
  ending_ = true;
  more_.release();
  maker_.join();
}

void CertificatePool::start() {
  if (maker_.joinable()) return;
  maker_ = std::thread([this] { run(); });
  ask_for_more();
}

std::shared_ptr<const Certificate> CertificatePool::take() {
  start();
  Pointer found = pop();
  while (found != nullptr && !found->has_half_its_life()) found = pop();
  if (ready() <= ring_.size() / 2) ask_for_more();
  if (found != nullptr) return found;
  ++made_at_once_;
  return make_certificate();
}

/// Null: none is ready.
CertificatePool::Pointer CertificatePool::pop() {
  const std::uint64_t at = taken_.load(std::memory_order_relaxed);
  // Acquire pairs with the release in fill(): what was made is there.
  if (at == made_.load(std::memory_order_acquire)) return nullptr;
  Pointer found = std::move(ring_[at % ring_.size()]);
  // Release pairs with the acquire in fill(): the place is empty before it is filled again.
  taken_.store(at + 1, std::memory_order_release);
  return found;
}

void CertificatePool::ask_for_more() {
  if (!asked_.exchange(true)) more_.release();
}

void CertificatePool::run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kMakersNiceness);  // Linux: of this thread alone
  while (!ending_) {
    more_.acquire();
    asked_ = false;
    fill();
  }
}

void CertificatePool::fill() {
  std::uint64_t at = made_.load(std::memory_order_relaxed);
  while (!ending_ && at - taken_.load(std::memory_order_acquire) < ring_.size()) {
    Pointer made = make_certificate();
    if (made == nullptr) return;  // take() tries itself, and asks again
    ring_[at % ring_.size()] = std::move(made);
    made_.store(++at, std::memory_order_release);
  }
}

}  // namespace weir::controlplane
