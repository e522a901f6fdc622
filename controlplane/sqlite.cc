#include "controlplane/sqlite.h"

namespace weir::controlplane {
namespace {

constexpr SqliteCode kPrimary = 0xff;

}  // namespace

SqliteCode sqlite_run(sqlite3* database, const char* sql) {
  return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) & kPrimary;
}

SqliteStatement::SqliteStatement(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  compiled_ = sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) & kPrimary;
  handle_.reset(statement);
}

SqliteStatement& SqliteStatement::bind(std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), ++parameter_, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::string_view value) {
  sqlite3_bind_text(handle_.get(), ++parameter_, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  return *this;
}

SqliteCode SqliteStatement::step() {
  if (compiled_ != SQLITE_OK) return compiled_;
  const SqliteCode code = sqlite3_step(handle_.get()) & kPrimary;
  if (code == SQLITE_ROW) return code;
  sqlite3_reset(handle_.get());
  parameter_ = 0;
  return code;
}

std::string SqliteStatement::text(int column) const {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return text == nullptr ? std::string() : std::string(text, bytes);
}

}  // namespace weir::controlplane
