#include "controlplane/binding_store.h"

#include <chrono>

#include "controlplane/log.h"

namespace weir::controlplane {
namespace {

/// Between batches: what comes in the meantime is one commit, and one fsync at most.
constexpr auto kBatchPause = std::chrono::milliseconds(50);
/// After a failure.
constexpr auto kRetryPause = std::chrono::seconds(1);

}  // namespace

proto::Result<std::unique_ptr<BindingStore>> BindingStore::open(const std::string& path, std::string_view fresh) {
  proto::Result<BindingTable> table = BindingTable::open(path);
  if (!table) return proto::Error{table.error()};
  proto::Result<std::string> secret = table->secret("gruu", fresh);
  if (!secret) return proto::Error{"[registrar] store " + path + ": " + secret.error()};
  return std::unique_ptr<BindingStore>(new BindingStore(std::move(table).value(), std::move(secret).value()));
}

BindingStore::BindingStore(BindingTable table, std::string gruu_secret)
    : loaded_(table.load()), gruu_secret_(std::move(gruu_secret)), table_(std::move(table)) {
  thread_ = std::thread([this] { run(); });
}

BindingStore::~BindingStore() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void BindingStore::keep(const BindingRecord& record) {
  note(record.number, record);
}

void BindingStore::forget(std::uint64_t number) {
  note(number, std::nullopt);
}

void BindingStore::note(std::uint64_t number, std::optional<BindingRecord> change) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= kPendingMax && pending_.count(number) == 0) return void(++counters_.lost);
    pending_.insert_or_assign(number, std::move(change));
  }
  wake_.notify_one();
}

void BindingStore::run() {
  std::unique_lock lock(mutex_);
  while (!ending_ || (!pending_.empty() && !failing_)) {
    wake_.wait(lock, [this] { return ending_ || !pending_.empty(); });
    if (!pending_.empty()) write(lock);
    const bool failed = failing_;
    wake_.wait_for(lock, failed ? std::chrono::milliseconds(kRetryPause) : kBatchPause, [this] { return ending_; });
  }
}

/// `lock` is open while the disk works.
void BindingStore::write(std::unique_lock<std::mutex>& lock) {
  BindingChanges batch;
  batch.swap(pending_);
  writing_ = true;
  lock.unlock();
  const proto::Status status = table_.write(batch);
  lock.lock();
  writing_ = false;
  if (status) {
    counters_.written += batch.size();
    if (failing_) log_event(LogLevel::kInfo, "registrar", {{"event", "the store is written again"}});
  } else {
    ++counters_.failures;
    if (!failing_) {
      log_event(LogLevel::kError, "registrar",
                {{"event", "the store cannot be written, trying on"}, {"reason", status.error()}});
    }
    pending_.merge(batch);  // what has changed since is newer
  }
  failing_ = !status;
  settled_.notify_all();
}

void BindingStore::settle() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return failing_ || (pending_.empty() && !writing_); });
}

BindingStoreCounters BindingStore::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace weir::controlplane
