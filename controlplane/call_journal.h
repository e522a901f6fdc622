// The call journal: what a weir-control that was killed leaves for the next one, so that its calls go on. A mapped
// file: a store is a copy in memory, never a write that could block the shard. Put it on tmpfs: it must outlive the
// process, not the host, and it holds keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::controlplane {

/// The longest record in bytes: two legs with the session descriptions of browsers. A longer one is not kept.
inline constexpr std::size_t kJournalRecordBytesMax = 32 * 1024;
/// Records lie in pieces of this size.
inline constexpr std::size_t kJournalPieceBytes = 512;
/// Pieces in the file for each call it is made for: a record of two telephones has 5 to 8.
inline constexpr std::uint32_t kJournalPiecesPerCall = 10;
/// What is not of a call: our DTLS certificate and its key, so that associations in force stay ours (Certificate).
inline constexpr std::size_t kJournalCertificateBytesMax = 2048;

/// Owned by weir-control; one process at a time (the file is locked). A record is written beside the one before, which
/// counts until the new one is whole: a kill in the middle of a store leaves the one before.
class CallJournal {
 public:
  /// Opens or makes the file at `path` (mode 0600) with room for `slots` calls. What a journal of another size or of
  /// another version holds is lost: see lost(). Errors: another process holds it, no directory, no space, not a
  /// journal.
  static proto::Result<CallJournal> open(const std::string& path, std::uint32_t slots);

  CallJournal(CallJournal&& other) noexcept;
  CallJournal& operator=(CallJournal&& other) noexcept;
  ~CallJournal();

  /// Slots that held a record of an earlier process when this one began.
  [[nodiscard]] const std::vector<std::uint32_t>& slots_found() const { return found_; }
  /// A slot's record; empty: there is none. The caller wipes it.
  [[nodiscard]] std::vector<std::uint8_t> read(std::uint32_t slot) const;
  /// The file was a journal that this Weir cannot read: its calls are lost.
  [[nodiscard]] bool lost() const { return lost_; }

  /// An empty slot for a call of this process; nullopt if none is left. clear() gives it back.
  std::optional<std::uint32_t> reserve();
  /// Keeps `record` in a slot below slots(). False: it is too long or the file is full; the slot keeps what it had.
  bool store(std::uint32_t slot, proto::Bytes record);
  /// Wipes the slot's record, keys and all.
  void clear(std::uint32_t slot);

  /// Empty: none is kept. The caller wipes it.
  [[nodiscard]] std::vector<std::uint8_t> certificate() const;
  /// At most kJournalCertificateBytesMax.
  void store_certificate(proto::Bytes der);

  [[nodiscard]] std::uint32_t slots() const { return slots_; }
  /// Slots that are reserved or found.
  [[nodiscard]] std::size_t used() const { return slots_ - free_.size(); }

 private:
  struct Header;
  struct Entry;
  struct Slot;
  struct Piece;
  class Sum;

  CallJournal() = default;
  proto::Status map(const std::string& path);
  void find_pieces();
  [[nodiscard]] Header& header() const;
  [[nodiscard]] Slot& slot(std::uint32_t index) const;
  [[nodiscard]] Piece& piece(std::uint32_t index) const;
  [[nodiscard]] bool is_whole(const Entry& entry) const;
  [[nodiscard]] const Entry* current(const Slot& slot) const;
  void give_back(const Entry& entry);
  static bool is_wiped(const Piece& piece);
  void release();

  std::uint8_t* memory_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint32_t slots_ = 0;
  std::uint32_t pieces_ = 0;
  int fd_ = -1;
  bool lost_ = false;
  std::vector<std::uint32_t> free_;         ///< slots
  std::vector<std::uint32_t> found_;        ///< likewise
  std::vector<std::uint32_t> free_pieces_;  ///< likewise
};

}  // namespace weir::controlplane
