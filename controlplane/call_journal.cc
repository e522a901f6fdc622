#include "controlplane/call_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/assert.h"

namespace weir::controlplane {

namespace {

constexpr char kMagic[16] = "weir calls 7";
constexpr std::size_t kMagicFamilyBytes = 11;  ///< "weir calls ", of every version

std::string system_error() {
  return std::strerror(errno);
}

}  // namespace

/// The file: this, the slots, the pieces.
struct CallJournal::Header {
  char magic[16];
  std::uint32_t slots;
  std::uint32_t certificate_bytes;
  std::uint8_t certificate[kJournalCertificateBytesMax];
  std::uint8_t reserved[4096 - 16 - 8 - kJournalCertificateBytesMax];
};

/// Where a record lies, and its number in the slot's history; number 0 is no record. The sum tells a whole one from a
/// torn one.
struct CallJournal::Entry {
  std::uint32_t number;
  std::uint32_t bytes;
  std::uint32_t first;  ///< piece
  std::uint32_t reserved;
  std::uint64_t sum;
};

struct CallJournal::Slot {
  Entry entries[2];
};

struct CallJournal::Piece {
  static constexpr std::uint32_t kLast = UINT32_MAX;
  std::uint32_t next;
  std::uint8_t bytes[kJournalPieceBytes - 4];
};

/// Against tearing, not against an enemy: FNV-1a in words of eight bytes.
class CallJournal::Sum {
 public:
  explicit Sum(const Entry& entry) { add(std::uint64_t{entry.number} << 32 | entry.bytes), add(entry.first); }
  void add(proto::Bytes bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) add(proto::load_native64(bytes.data() + at));
    std::uint64_t tail = 0;
    std::memcpy(&tail, bytes.data() + at, bytes.size() - at);
    add(tail);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  void add(std::uint64_t word) { hash_ = (hash_ ^ word) * 0x100000001b3u, hash_ ^= hash_ >> 29; }
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

proto::Result<CallJournal> CallJournal::open(const std::string& path, std::uint32_t slots) {
  static_assert(sizeof(Header) == 4096 && sizeof(Slot) == 48 && sizeof(Piece) == kJournalPieceBytes);
  CallJournal journal;
  journal.slots_ = slots;
  journal.pieces_ = slots * kJournalPiecesPerCall;
  journal.bytes_ =
      sizeof(Header) + std::uint64_t{slots} * sizeof(Slot) + std::uint64_t{journal.pieces_} * sizeof(Piece);
  journal.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (journal.fd_ < 0) return proto::Error{"cannot open the call journal " + path + ": " + system_error()};
  if (flock(journal.fd_, LOCK_EX | LOCK_NB) != 0) {
    return proto::Error{"another weir-control is using the call journal " + path};
  }
  if (proto::Status status = journal.map(path); !status) return proto::Error{status.error()};
  journal.find_pieces();
  return journal;
}

proto::Status CallJournal::map(const std::string& path) {
  Header before{};
  const ssize_t had = pread(fd_, &before, sizeof before, 0);
  if (had < 0) return proto::Error{"cannot read the call journal " + path + ": " + system_error()};
  if (had > 0 && std::memcmp(before.magic, kMagic, kMagicFamilyBytes) != 0) {
    return proto::Error{path + " is not a call journal: remove it, or name another file"};
  }
  const bool same = had > 0 && std::memcmp(before.magic, kMagic, sizeof kMagic) == 0 && before.slots == slots_;
  lost_ = had > 0 && !same;
  if (lost_ && ftruncate(fd_, 0) != 0) return proto::Error{"cannot empty " + path + ": " + system_error()};
  if (ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) {
    return proto::Error{"cannot make the call journal " + path + " long enough: " + system_error()};
  }
  // Room now: a tmpfs that fills up later would be a SIGBUS in the middle of a call.
  if (const int failure = posix_fallocate(fd_, 0, static_cast<off_t>(bytes_)); failure != 0) {
    return proto::Error{"no room for the call journal " + path + ": " + std::strerror(failure)};
  }
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, 0);
  if (memory == MAP_FAILED) return proto::Error{"cannot map the call journal " + path + ": " + system_error()};
  static_cast<void>(madvise(memory, bytes_, MADV_DONTDUMP));  // keys lie here
  memory_ = static_cast<std::uint8_t*>(memory);
  if (same) return proto::success();
  std::memcpy(header().magic, kMagic, sizeof kMagic);
  header().slots = slots_;
  return proto::success();
}

bool CallJournal::is_wiped(const Piece& piece) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&piece);
  return std::all_of(bytes, bytes + sizeof piece, [](std::uint8_t byte) { return byte == 0; });
}

/// Which slots and pieces are free: all that no whole record has. What is torn, or older, goes.
void CallJournal::find_pieces() {
  std::vector<bool> used(pieces_);
  for (std::uint32_t index = slots_; index > 0; --index) {
    Slot& place = slot(index - 1);
    const Entry* entry = current(place);
    const Entry kept = entry == nullptr ? Entry{} : *entry;
    bool sound = kept.number != 0;
    for (std::uint32_t at = kept.first; sound && at != Piece::kLast; at = piece(at).next) {
      sound = !used[at];  // else two records in one place: the file is damaged
      used[at] = true;
    }
    place = {};
    if (sound) {
      place.entries[0] = kept;
      found_.push_back(index - 1);
    } else {
      free_.push_back(index - 1);
    }
  }
  std::reverse(found_.begin(), found_.end());
  for (std::uint32_t index = pieces_; index > 0; --index) {
    if (used[index - 1]) continue;
    Piece& left = piece(index - 1);  // of a record that was never finished, or not wiped to its end
    if (!is_wiped(left)) proto::wipe(&left, sizeof left);
    free_pieces_.push_back(index - 1);
  }
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
  pieces_ = std::exchange(other.pieces_, 0);
  fd_ = std::exchange(other.fd_, -1);
  lost_ = other.lost_;
  free_ = std::move(other.free_);
  free_pieces_ = std::move(other.free_pieces_);
  found_ = std::move(other.found_);
  return *this;
}

CallJournal::~CallJournal() {
  release();
}

void CallJournal::release() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
  if (fd_ >= 0) close(fd_);
}

CallJournal::Header& CallJournal::header() const {
  return *reinterpret_cast<Header*>(memory_);
}

CallJournal::Slot& CallJournal::slot(std::uint32_t index) const {
  WEIR_ASSERT(index < slots_);
  return *reinterpret_cast<Slot*>(memory_ + sizeof(Header) + std::uint64_t{index} * sizeof(Slot));
}

CallJournal::Piece& CallJournal::piece(std::uint32_t index) const {
  WEIR_ASSERT(index < pieces_);
  const std::uint64_t before = sizeof(Header) + std::uint64_t{slots_} * sizeof(Slot);
  return *reinterpret_cast<Piece*>(memory_ + before + std::uint64_t{index} * sizeof(Piece));
}

bool CallJournal::is_whole(const Entry& entry) const {
  if (entry.number == 0 || entry.bytes == 0 || entry.bytes > kJournalRecordBytesMax) return false;
  Sum sum(entry);
  std::uint32_t at = entry.first;
  for (std::size_t left = entry.bytes; left > 0;) {
    if (at >= pieces_) return false;
    const Piece& here = piece(at);
    const std::size_t bytes = std::min(left, sizeof here.bytes);
    sum.add({here.bytes, bytes});
    left -= bytes;
    at = here.next;
  }
  return at == Piece::kLast && sum.value() == entry.sum;
}

/// The entry that counts, or nullptr if the slot is empty.
const CallJournal::Entry* CallJournal::current(const Slot& slot) const {
  const Entry& newer = slot.entries[slot.entries[0].number > slot.entries[1].number ? 0 : 1];
  const Entry& older = &newer == &slot.entries[0] ? slot.entries[1] : slot.entries[0];
  if (is_whole(newer)) return &newer;
  return is_whole(older) ? &older : nullptr;
}

std::vector<std::uint8_t> CallJournal::read(std::uint32_t index) const {
  const Entry* entry = current(slot(index));
  if (entry == nullptr) return {};
  std::vector<std::uint8_t> record(entry->bytes);
  std::uint32_t at = entry->first;
  for (std::size_t done = 0; done < record.size();) {
    const Piece& here = piece(at);
    const std::size_t bytes = std::min(record.size() - done, sizeof here.bytes);
    std::memcpy(record.data() + done, here.bytes, bytes);
    done += bytes;
    at = here.next;
  }
  return record;
}

std::optional<std::uint32_t> CallJournal::reserve() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

bool CallJournal::store(std::uint32_t index, proto::Bytes record) {
  const std::size_t needed = (record.size() + sizeof(Piece::bytes) - 1) / sizeof(Piece::bytes);
  if (record.empty() || record.size() > kJournalRecordBytesMax || needed > free_pieces_.size()) return false;
  Slot& place = slot(index);
  const bool first_counts = place.entries[0].number > place.entries[1].number;
  Entry& before = place.entries[first_counts ? 0 : 1];
  Entry& next = place.entries[first_counts ? 1 : 0];
  Entry entry{.number = before.number + 1,
              .bytes = static_cast<std::uint32_t>(record.size()),
              .first = free_pieces_.back(),
              .reserved = 0,
              .sum = 0};
  Sum sum(entry);
  for (std::size_t done = 0; done < record.size();) {
    Piece& here = piece(free_pieces_.back());
    free_pieces_.pop_back();
    const std::size_t bytes = std::min(record.size() - done, sizeof here.bytes);
    std::memcpy(here.bytes, record.data() + done, bytes);
    sum.add({here.bytes, bytes});
    done += bytes;
    here.next = done < record.size() ? free_pieces_.back() : Piece::kLast;
  }
  entry.sum = sum.value();
  // The kernel keeps the pages of a killed process as they are; only the compiler must not reorder.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  next = entry;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  give_back(before);
  before.number = 0;
  return true;
}

/// A record counts no more: what it held is wiped.
void CallJournal::give_back(const Entry& entry) {
  if (entry.number == 0) return;
  std::uint32_t at = entry.first;
  for (std::size_t left = entry.bytes; left > 0;) {
    Piece& here = piece(at);
    const std::size_t bytes = std::min(left, sizeof here.bytes);
    left -= bytes;
    free_pieces_.push_back(at);
    at = here.next;
    proto::wipe(&here, sizeof here);
  }
}

void CallJournal::clear(std::uint32_t index) {
  Slot& place = slot(index);
  const Entry* entry = current(place);
  const Entry gone = entry == nullptr ? Entry{} : *entry;
  proto::wipe(&place, sizeof place);
  give_back(gone);
  free_.push_back(index);
}

std::vector<std::uint8_t> CallJournal::certificate() const {
  const std::uint32_t bytes = std::min<std::uint32_t>(header().certificate_bytes, kJournalCertificateBytesMax);
  return {header().certificate, header().certificate + bytes};
}

void CallJournal::store_certificate(proto::Bytes der) {
  WEIR_ASSERT(der.size() <= kJournalCertificateBytesMax);
  header().certificate_bytes = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(header().certificate, der.data(), der.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
  header().certificate_bytes = static_cast<std::uint32_t>(der.size());
}

}  // namespace weir::controlplane
