// The call journal: what a weir-control that was killed leaves for the next one, so that it can end the calls it lost.
// A file of fixed slots, mapped: a store is a copy in memory, never a write that could block the shard. Put it on
// tmpfs: it must outlive the process, not the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.h"

namespace weir::controlplane {

/// The longest record in bytes: two dialogs with their route sets. A longer one is not kept, and its call is not ended
/// in SIP after a crash, only in the media plane.
inline constexpr std::size_t kJournalRecordBytesMax = 4080;

/// One record as an earlier process left it.
struct JournalEntry {
  std::uint32_t slot;
  std::string record;
};

/// Owned by weir-control; one process at a time (the file is locked). A slot holds two copies and the newer whole one
/// counts, so a kill in the middle of a store leaves the one before.
class CallJournal {
 public:
  /// Opens or makes the file at `path` (mode 0600) with room for `slots` calls; a file of another size is kept in what
  /// fits. Errors: another process holds it, no directory, no space, not a journal.
  static proto::Result<CallJournal> open(const std::string& path, std::uint32_t slots);

  CallJournal(CallJournal&& other) noexcept;
  CallJournal& operator=(CallJournal&& other) noexcept;
  ~CallJournal();

  /// Records left by an earlier process, in slot order. They stay until cleared.
  [[nodiscard]] std::vector<JournalEntry> entries() const;

  /// An empty slot for a call of this process; nullopt if none is left. clear() gives it back.
  std::optional<std::uint32_t> reserve();

  /// Keeps `record` in a slot below slots(). False: it is too long, and the slot keeps what it had.
  bool store(std::uint32_t slot, std::string_view record);
  void clear(std::uint32_t slot);

  [[nodiscard]] std::uint32_t slots() const { return slots_; }

 private:
  struct Copy;
  struct Slot;

  CallJournal() = default;
  [[nodiscard]] Slot& slot(std::uint32_t index) const;
  void release();

  std::uint8_t* memory_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint32_t slots_ = 0;
  int fd_ = -1;
  std::vector<std::uint32_t> free_;
};

}  // namespace weir::controlplane
