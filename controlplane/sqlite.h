// SQLite as owning objects: a database and its prepared statements. Blocks: never on a shard once it runs.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::controlplane {

struct SqliteDeleter {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteHandle = std::unique_ptr<sqlite3, SqliteDeleter>;
using SqliteStatementHandle = std::unique_ptr<sqlite3_stmt, SqliteDeleter>;

/// A result code of SQLite's (SQLITE_OK is 0), without its extension.
using SqliteCode = int;

/// Runs statements that give no rows.
SqliteCode sqlite_run(sqlite3* database, const char* sql);

/// One prepared statement. Texts that are bound or read live as long as their owner, or until the next step.
class SqliteStatement {
 public:
  /// What does not compile fails at its first step().
  SqliteStatement(sqlite3* database, const char* sql);

  /// The next parameter, in order.
  SqliteStatement& bind(std::int64_t value);
  SqliteStatement& bind(std::string_view value);
  /// SQLITE_ROW, SQLITE_DONE, or an error. After the last row, and after an error, parameters start from the first
  /// again.
  SqliteCode step();

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  [[nodiscard]] std::string text(int column) const;

 private:
  SqliteStatementHandle handle_;
  SqliteCode compiled_;
  int parameter_ = 0;
};

}  // namespace weir::controlplane
