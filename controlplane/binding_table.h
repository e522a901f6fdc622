// The bindings' table in SQLite: what stands in its file and how it is read and written. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/binding.h"
#include "controlplane/sqlite.h"
#include "proto/result.h"

namespace weir::controlplane {

/// What became of bindings, by their numbers: the record, or nullopt for one that is gone.
using BindingChanges = std::map<std::uint64_t, std::optional<BindingRecord>>;

class BindingTable {
 public:
  /// Opens or makes the file, and brings one of an earlier version up to date. One that SQLite finds damaged is moved
  /// aside, which is logged, and a new one made. Errors: it cannot be opened or written, another process has it open,
  /// it was made by a later version of Weir.
  static proto::Result<BindingTable> open(const std::string& path);

  /// A secret that is as old as the file: `fresh`, if it has none yet. Not to be shown. Errors: why SQLite could not.
  proto::Result<std::string> secret(std::string_view name, std::string_view fresh);
  /// Every row; those that make no sense are left out.
  [[nodiscard]] std::vector<BindingRecord> load() const;
  /// All or nothing. Errors: why SQLite could not.
  proto::Status write(const BindingChanges& changes);

 private:
  enum class Fault : std::uint8_t { kDamaged, kRefused };
  struct Attempt {
    SqliteHandle database;
    Fault fault = Fault::kRefused;
    std::string reason;  ///< empty: it is open
  };

  explicit BindingTable(SqliteHandle database) : database_(std::move(database)) {}
  static Attempt try_open(const std::string& path);
  static void prepare(Attempt& attempt);

  SqliteHandle database_;
};

}  // namespace weir::controlplane
