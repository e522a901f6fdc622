#include "controlplane/binding_table.h"

#include <ctime>
#include <filesystem>

#include "controlplane/log.h"

namespace weir::controlplane {
namespace {

/// For another process that is just ending.
constexpr int kBusyMs = 3000;
/// PRAGMA user_version; 0 is a file that has just been made.
constexpr std::int64_t kVersion = 2;

// WAL: a commit is one append, and a killed process leaves the last whole one. The file is ours alone while we run.
constexpr const char* kPragmas =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS binding (number INTEGER PRIMARY KEY, realm TEXT, user TEXT, contact TEXT, instance "
    "TEXT,"
    " reg_id INTEGER, q INTEGER, expires_at_s INTEGER, call_id TEXT, cseq INTEGER, path TEXT, user_agent TEXT,"
    " transport INTEGER, source_address TEXT, source_port INTEGER, by_source INTEGER, epoch INTEGER);"
    "CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT);"
    "PRAGMA user_version = 2;"
    "COMMIT;";
/// Version 1 knew no GRUUs.
constexpr const char* kFromVersion1 =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE binding ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 2;"
    "COMMIT;";
constexpr const char* kSelect =
    "SELECT number, realm, user, contact, instance, reg_id, q, expires_at_s, call_id, cseq, path, user_agent, "
    "transport,"
    " source_address, source_port, by_source, epoch FROM binding";
constexpr const char* kInsert = "INSERT OR REPLACE INTO binding VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kDelete = "DELETE FROM binding WHERE number = ?";

bool is_damage(SqliteCode code) {
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

std::optional<BindingRecord> read_row(const SqliteStatement& row) {
  BindingRecord record;
  const proto::Result<proto::IpAddress> address = proto::parse_ip_address(row.text(13));
  if (!address) return std::nullopt;
  record.number = static_cast<std::uint64_t>(row.integer(0));
  record.realm = row.text(1);
  record.user = row.text(2);
  record.contact = row.text(3);
  record.instance = row.text(4);
  record.reg_id = static_cast<std::uint32_t>(row.integer(5));
  record.q = static_cast<std::uint16_t>(row.integer(6));
  record.expires_at_s = row.integer(7);
  record.call_id = row.text(8);
  record.cseq = static_cast<std::uint32_t>(row.integer(9));
  record.path = row.text(10);
  record.user_agent = row.text(11);
  record.transport = static_cast<proto::settings::SipTransport>(row.integer(12));
  record.source = {*address, 0, static_cast<std::uint16_t>(row.integer(14))};
  record.by_source = row.integer(15) != 0;
  record.epoch = static_cast<std::uint32_t>(row.integer(16));
  return record;
}

SqliteCode write_row(SqliteStatement& insert, const BindingRecord& record) {
  const std::string address = proto::to_string(record.source.address);
  insert.bind(static_cast<std::int64_t>(record.number)).bind(record.realm).bind(record.user).bind(record.contact);
  insert.bind(record.instance).bind(record.reg_id).bind(record.q).bind(record.expires_at_s).bind(record.call_id);
  insert.bind(record.cseq).bind(record.path).bind(record.user_agent);
  insert.bind(static_cast<std::int64_t>(record.transport)).bind(address).bind(record.source.port);
  return insert.bind(record.by_source ? 1 : 0).bind(record.epoch).step();
}

/// The file and what SQLite put beside it.
void move_aside(const std::string& path) {
  const std::string aside = path + ".damaged-" + std::to_string(std::time(nullptr));
  std::error_code failure;
  std::filesystem::rename(path, aside, failure);
  for (const char* suffix : {"-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::rename(path + suffix, aside + suffix, ignored);
  }
  log_event(LogLevel::kError, "registrar",
            {{"event", "the store is damaged: begun anew"}, {"file", path}, {"moved_to", failure ? "nowhere" : aside}});
}

}  // namespace

void BindingTable::prepare(Attempt& attempt) {
  sqlite3* const database = attempt.database.get();
  const auto fail = [&](SqliteCode code) {
    attempt.fault = is_damage(code) ? Fault::kDamaged : Fault::kRefused;
    attempt.reason = code == SQLITE_BUSY ? "another process has it open" : sqlite3_errmsg(database);
  };
  sqlite3_busy_timeout(database, kBusyMs);
  if (const SqliteCode code = sqlite_run(database, kPragmas); code != SQLITE_OK) return fail(code);
  SqliteStatement version(database, "PRAGMA user_version");
  if (const SqliteCode code = version.step(); code != SQLITE_ROW) return fail(code);
  const std::int64_t made_by = version.integer(0);
  if (made_by < 0 || made_by > kVersion) {
    attempt.reason = "was made by another version of Weir";
    return;
  }
  version.step();
  SqliteStatement check(database, "PRAGMA quick_check(1)");
  if (const SqliteCode code = check.step(); code != SQLITE_ROW) return fail(code);
  if (check.text(0) != "ok") return fail(SQLITE_CORRUPT);
  check.step();
  if (made_by == 1) {
    if (const SqliteCode code = sqlite_run(database, kFromVersion1); code != SQLITE_OK) return fail(code);
  }
  if (const SqliteCode code = sqlite_run(database, kSchema); code != SQLITE_OK) return fail(code);
}

BindingTable::Attempt BindingTable::try_open(const std::string& path) {
  Attempt attempt;
  sqlite3* database = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const SqliteCode code = sqlite3_open_v2(path.c_str(), &database, kFlags, nullptr);
  attempt.database.reset(database);
  if (code != SQLITE_OK) {
    attempt.reason = sqlite3_errmsg(database);
  } else if (sqlite3_db_readonly(database, "main") == 1) {
    attempt.reason = "may not be written";
  } else {
    prepare(attempt);
  }
  return attempt;
}

proto::Result<BindingTable> BindingTable::open(const std::string& path) {
  Attempt attempt = try_open(path);
  if (!attempt.reason.empty() && attempt.fault == Fault::kDamaged) {
    attempt.database.reset();
    move_aside(path);
    attempt = try_open(path);
  }
  if (attempt.reason.empty()) return BindingTable(std::move(attempt.database));
  return proto::Error{"[registrar] store " + path + ": " + attempt.reason +
                      " (it and its directory must be writable for weir-control's user)"};
}

proto::Result<std::string> BindingTable::secret(std::string_view name, std::string_view fresh) {
  sqlite3* const database = database_.get();
  SqliteStatement insert(database, "INSERT OR IGNORE INTO secret VALUES (?,?)");
  if (insert.bind(name).bind(fresh).step() != SQLITE_DONE) return proto::Error{sqlite3_errmsg(database)};
  SqliteStatement select(database, "SELECT value FROM secret WHERE name = ?");
  if (select.bind(name).step() != SQLITE_ROW) return proto::Error{sqlite3_errmsg(database)};
  return std::string(select.text(0));
}

std::vector<BindingRecord> BindingTable::load() const {
  std::vector<BindingRecord> records;
  SqliteStatement select(database_.get(), kSelect);
  while (select.step() == SQLITE_ROW) {
    if (auto record = read_row(select)) records.push_back(*std::move(record));
  }
  return records;
}

proto::Status BindingTable::write(const BindingChanges& changes) {
  sqlite3* const database = database_.get();
  SqliteCode code = sqlite_run(database, "BEGIN IMMEDIATE");
  SqliteStatement insert(database, kInsert);
  SqliteStatement remove(database, kDelete);
  for (auto change = changes.begin(); code == SQLITE_OK && change != changes.end(); ++change) {
    const SqliteCode step = change->second ? write_row(insert, *change->second)
                                           : remove.bind(static_cast<std::int64_t>(change->first)).step();
    code = step == SQLITE_DONE ? SQLITE_OK : step;
  }
  if (code == SQLITE_OK) code = sqlite_run(database, "COMMIT");
  if (code == SQLITE_OK) return proto::success();
  const std::string reason = sqlite3_errmsg(database);
  sqlite_run(database, "ROLLBACK");
  return proto::Error{reason};
}

}  // namespace weir::controlplane
