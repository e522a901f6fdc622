#include "controlplane/call_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::controlplane {

/// A record with its number in the slot's history; number 0 is no record. The sum tells a whole one from a torn one.
struct CallJournal::Copy {
  std::uint32_t number;
  std::uint32_t sum;
  std::uint32_t bytes;
  std::uint32_t reserved;
  char text[kJournalRecordBytesMax];

  [[nodiscard]] std::uint32_t expected_sum() const {
    std::uint32_t hash = 0x811c9dc5u ^ number ^ bytes << 8;  // FNV-1a: against tearing, not against an enemy
    for (std::uint32_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<std::uint8_t>(text[i])) * 0x01000193u;
    return hash;
  }
  [[nodiscard]] bool whole() const { return number != 0 && bytes <= sizeof text && sum == expected_sum(); }
};

struct CallJournal::Slot {
  Copy copies[2];

  /// The copy that counts, or nullptr if the slot is empty.
  [[nodiscard]] const Copy* current() const {
    const bool first = copies[0].whole();
    const bool second = copies[1].whole();
    if (first && second) return copies[0].number > copies[1].number ? &copies[0] : &copies[1];
    if (first) return &copies[0];
    return second ? &copies[1] : nullptr;
  }
};

namespace {

struct Header {
  char magic[16];
  std::uint8_t reserved[4080];
};
static_assert(sizeof(Header) == 4096);
constexpr char kMagic[16] = "weir calls 1";

std::string system_error() {
  return std::strerror(errno);
}

}  // namespace

proto::Result<CallJournal> CallJournal::open(const std::string& path, std::uint32_t slots) {
  static_assert(sizeof(Copy) == 4096 && sizeof(Slot) == 8192);
  CallJournal journal;
  journal.slots_ = slots;
  journal.bytes_ = sizeof(Header) + std::uint64_t{slots} * sizeof(Slot);
  journal.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (journal.fd_ < 0) return proto::Error{"cannot open the call journal " + path + ": " + system_error()};
  if (flock(journal.fd_, LOCK_EX | LOCK_NB) != 0) {
    return proto::Error{"another weir-control is using the call journal " + path};
  }
  struct stat status;
  if (fstat(journal.fd_, &status) != 0) return proto::Error{"cannot stat " + path + ": " + system_error()};
  const bool fresh = status.st_size == 0;
  if (ftruncate(journal.fd_, static_cast<off_t>(journal.bytes_)) != 0) {
    return proto::Error{"cannot make the call journal " + path + " long enough: " + system_error()};
  }
  // Room now: a tmpfs that fills up later would be a SIGBUS in the middle of a call.
  if (const int failure = posix_fallocate(journal.fd_, 0, static_cast<off_t>(journal.bytes_)); failure != 0) {
    return proto::Error{"no room for the call journal " + path + ": " + std::strerror(failure)};
  }
  void* memory = mmap(nullptr, journal.bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, journal.fd_, 0);
  if (memory == MAP_FAILED) return proto::Error{"cannot map the call journal " + path + ": " + system_error()};
  journal.memory_ = static_cast<std::uint8_t*>(memory);
  auto* header = reinterpret_cast<Header*>(journal.memory_);
  if (fresh) std::memcpy(header->magic, kMagic, sizeof kMagic);
  if (std::memcmp(header->magic, kMagic, sizeof kMagic) != 0) {
    return proto::Error{path + " is not a call journal: remove it, or name another file"};
  }
  for (std::uint32_t index = slots; index > 0; --index) {
    if (journal.slot(index - 1).current() == nullptr) journal.free_.push_back(index - 1);
  }
  return journal;
}

std::optional<std::uint32_t> CallJournal::reserve() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

CallJournal::CallJournal(CallJournal&& other) noexcept {
  *this = std::move(other);
}

CallJournal& CallJournal::operator=(CallJournal&& other) noexcept {
  if (this == &other) return *this;
  release();
  memory_ = std::exchange(other.memory_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  slots_ = std::exchange(other.slots_, 0);
  fd_ = std::exchange(other.fd_, -1);
  free_ = std::move(other.free_);
  return *this;
}

CallJournal::~CallJournal() {
  release();
}

void CallJournal::release() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
  if (fd_ >= 0) close(fd_);
}

CallJournal::Slot& CallJournal::slot(std::uint32_t index) const {
  WEIR_ASSERT(index < slots_);
  return *reinterpret_cast<Slot*>(memory_ + sizeof(Header) + std::uint64_t{index} * sizeof(Slot));
}

std::vector<JournalEntry> CallJournal::entries() const {
  std::vector<JournalEntry> entries;
  for (std::uint32_t index = 0; index < slots_; ++index) {
    const Copy* copy = slot(index).current();
    if (copy != nullptr && copy->bytes != 0) entries.push_back({index, std::string(copy->text, copy->bytes)});
  }
  return entries;
}

bool CallJournal::store(std::uint32_t index, std::string_view record) {
  if (record.size() > kJournalRecordBytesMax) return false;
  Slot& place = slot(index);
  const Copy* current = place.current();
  Copy& next = current == &place.copies[0] ? place.copies[1] : place.copies[0];
  next.number = 0;
  // The kernel keeps the pages of a killed process as they are; only the compiler must not reorder.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(next.text, record.data(), record.size());
  next.bytes = static_cast<std::uint32_t>(record.size());
  next.number = current == nullptr ? 1 : current->number + 1;
  next.sum = next.expected_sum();
  return true;
}

void CallJournal::clear(std::uint32_t index) {
  proto::wipe(&slot(index), sizeof(Slot));
}

}  // namespace weir::controlplane
