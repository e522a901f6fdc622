#include "controlplane/record_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "controlplane/log.h"
#include "controlplane/permission_report.h"

namespace weir::controlplane {
namespace {

/// How often a disk that fails is tried again.
constexpr auto kPause = std::chrono::milliseconds(200);

/// A writer that was stopped in the middle of a line, or a disk that was full, may have left a part of one.
void end_line(int descriptor) {
  const off_t end = lseek(descriptor, 0, SEEK_END);
  char last = '\n';
  if (end > 0 && pread(descriptor, &last, 1, end - 1) == 1 && last != '\n') (void)!::write(descriptor, "\n", 1);
}

int open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (descriptor >= 0) end_line(descriptor);
  return descriptor;
}

}  // namespace

proto::Result<std::unique_ptr<RecordFile>> RecordFile::open(const std::string& path) {
  const int descriptor = open_file(path);
  if (descriptor < 0) {
    return proto::Error{"[control] call_records: " + explain_refusal(path, Access::kWrite, errno)};
  }
  return std::unique_ptr<RecordFile>(new RecordFile(path, descriptor));
}

RecordFile::RecordFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), thread_([this] { run(); }) {}

RecordFile::~RecordFile() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
  close(descriptor_);
  if (counters_.lost == 0) return;
  log_event(LogLevel::kError, "records", {{"event", "records were lost"}, {"records", counters_.lost}});
}

bool RecordFile::write(const boost::json::object& record) {
  std::string line = boost::json::serialize(record) + "\n";
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kWaitingMax) {
      ++counters_.lost;
      return false;
    }
    waiting_.push_back(std::move(line));
  }
  wake_.notify_one();
  return true;
}

void RecordFile::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void RecordFile::settle() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return waiting_.empty() && !reopen_; });
}

RecordFileCounters RecordFile::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void RecordFile::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !waiting_.empty() || reopen_ || ending_; });
    if (waiting_.empty() && !reopen_) return;
    const bool anew = std::exchange(reopen_, false);
    const std::string* const line = waiting_.empty() ? nullptr : &waiting_.front();  // stays where it is in a deque
    lock.unlock();
    if (anew) open_anew();
    const bool written = line == nullptr || write_line(*line);
    lock.lock();
    if (line != nullptr) {
      ++(written ? counters_.written : counters_.lost);
      waiting_.pop_front();
    }
    settled_.notify_all();
  }
}

/// The file before goes on to be written if there is none to be had.
void RecordFile::open_anew() {
  const int descriptor = open_file(path_);
  if (descriptor >= 0) {
    close(std::exchange(descriptor_, descriptor));
  } else {
    log_event(LogLevel::kError, "records",
              {{"event", "the file cannot be opened anew: the one before is written"},
               {"reason", explain_refusal(path_, Access::kWrite, errno)}});
  }
}

/// A disk that fails is waited for; what comes meanwhile waits in memory. False: the end has come first.
bool RecordFile::write_line(std::string_view line) {
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t bytes = ::write(descriptor_, rest.data(), rest.size());
    if (bytes >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(bytes));
      continue;
    }
    if (errno == EINTR) continue;
    const int before = descriptor_;
    if (!wait_for_disk(errno)) return false;
    if (descriptor_ != before) rest = line;  // in the new file it is whole
  }
  if (std::exchange(failing_, false)) log_event(LogLevel::kInfo, "records", {{"event", "records are written again"}});
  return true;
}

bool RecordFile::wait_for_disk(int error) {
  std::unique_lock lock(mutex_);
  if (!std::exchange(failing_, true)) {
    ++counters_.waits;
    lock.unlock();
    log_event(LogLevel::kError, "records", {{"event", "records wait for the disk"}, {"reason", std::strerror(error)}});
    lock.lock();
  }
  wake_.wait_for(lock, kPause, [this] { return ending_ || reopen_; });
  if (ending_) return false;
  const bool anew = std::exchange(reopen_, false);
  lock.unlock();
  if (anew) open_anew();
  return true;
}

}  // namespace weir::controlplane
