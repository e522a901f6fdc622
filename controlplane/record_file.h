// A file of call records: one line of JSON for each, for others to rotate and read. A thread of its own writes them:
// the shard never waits for a disk.
#pragma once

#include <boost/json/object.hpp>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "proto/result.h"

namespace weir::controlplane {

struct RecordFileCounters {
  std::uint64_t written = 0;
  std::uint64_t lost = 0;   ///< no room to keep them while the disk failed, or it still failed at the end
  std::uint64_t waits = 0;  ///< times the disk began to fail
};

/// Owned by the shard.
class RecordFile {
 public:
  /// Records that may wait for the disk: a minute of 1,000 calls a second, about 100 MB.
  static constexpr std::size_t kWaitingMax = 60'000;

  /// Opens or makes the file at `path` (mode 0640), and appends to it, in a line of its own whatever was there. Errors:
  /// which permission is missing.
  static proto::Result<std::unique_ptr<RecordFile>> open(const std::string& path);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  /// Writes what waits, as far as the disk takes it.
  ~RecordFile();

  /// Never waits; false: there was no room, the record is lost and counted.
  bool write(const boost::json::object& record);
  /// Opens the path anew before the next record: whoever rotates has moved the file away.
  void reopen();
  /// Waits until all records so far are written: for tests.
  void settle();
  [[nodiscard]] RecordFileCounters counters() const;

 private:
  RecordFile(std::string path, int descriptor);
  void run();
  bool write_line(std::string_view line);
  bool wait_for_disk(int error);
  void open_anew();

  const std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable settled_;
  std::deque<std::string> waiting_;  // of mutex_; the first is being written
  RecordFileCounters counters_;      // of mutex_
  bool reopen_ = false;              // of mutex_
  bool ending_ = false;              // of mutex_
  int descriptor_;                   // of the thread
  bool failing_ = false;             // of the thread
  std::thread thread_;
};

}  // namespace weir::controlplane
