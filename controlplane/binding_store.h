// The bindings' store: what the registrar knows, on disk, written by a thread of its own. The shard never waits for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "controlplane/binding_table.h"
#include "controlplane/bindings.h"
#include "proto/result.h"

namespace weir::controlplane {

struct BindingStoreCounters {
  std::uint64_t written = 0;   ///< changes on disk
  std::uint64_t lost = 0;      ///< changes that there was no room to remember while the disk failed
  std::uint64_t failures = 0;  ///< batches that could not be written, and were tried again
};

/// Changes wait in memory, the last of each binding, and go to disk in batches: a killed process loses what was
/// registered in the last moment, and those phones register again.
class BindingStore : public BindingKeeper {
 public:
  /// Changes that may wait. More bindings than that do not change before a disk that works has caught up.
  static constexpr std::size_t kPendingMax = 500'000;

  /// Reads all there is: at start only. `fresh`: the secret of a file that has none. Errors: BindingTable::open's.
  static proto::Result<std::unique_ptr<BindingStore>> open(const std::string& path, std::string_view fresh = "");
  BindingStore(const BindingStore&) = delete;
  BindingStore& operator=(const BindingStore&) = delete;
  /// Writes what waits.
  ~BindingStore() override;

  /// What the file held, expired or not; once.
  std::vector<BindingRecord> take_loaded() { return std::move(loaded_); }

  /// What temporary GRUUs are made with, for as long as the file is there. Once.
  std::string take_gruu_secret() { return std::move(gruu_secret_); }

  // BindingKeeper. Neither waits for the disk.
  void keep(const BindingRecord& record) override;
  void forget(std::uint64_t number) override;

  /// Waits until all changes so far have been tried: for tests.
  void settle();
  [[nodiscard]] BindingStoreCounters counters() const;

 private:
  BindingStore(BindingTable table, std::string gruu_secret);
  void note(std::uint64_t number, std::optional<BindingRecord> change);
  void run();
  void write(std::unique_lock<std::mutex>& lock);

  std::vector<BindingRecord> loaded_;
  std::string gruu_secret_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable settled_;
  BindingChanges pending_;         // of mutex_
  BindingStoreCounters counters_;  // of mutex_
  bool writing_ = false;           // of mutex_
  bool ending_ = false;            // of mutex_
  bool failing_ = false;           // of mutex_
  BindingTable table_;             // of the thread
  std::thread thread_;
};

}  // namespace weir::controlplane
