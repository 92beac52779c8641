// Brings the schema up to date. The table schema_migrations(version, name, checksum, applied_at) says what was applied.
#include "adapter/store_sql/migrator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <openssl/evp.h>

#include "adapter/store_sql/connection_text.h"
#include "adapter/store_sql/session.h"
#include "adapter/store_sql/watchdog.h"

namespace zvonok::store_sql {
namespace {

// "zvonok" in ASCII: advisory locks are numbers shared by everybody in the database.
constexpr std::int64_t kAdvisoryLock = 0x7A766F6E6F6B;
constexpr std::size_t kStatementCharsShown = 80;

constexpr const char* kCreateTable =
    "CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at BIGINT NOT NULL)";

struct AppliedRow {
  std::int64_t version;
  std::string name;
  std::string checksum;
  WallTime applied_at;
};

StoreSqlError migration_error(std::string message) {
  return {StoreSqlErrorKind::Migration, std::move(message)};
}

std::string file_name(std::int64_t version, std::string_view name) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%03lld", static_cast<long long>(version));
  return "migrations/" + std::string{digits.data()} + "_" + std::string{name} + ".sql";
}

std::int64_t wall_clock_milliseconds() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

const std::vector<Migration>& list_of(const StoreSqlOptions& options) {
  return options.migrations ? *options.migrations : embedded_migrations();
}

/// The list itself: 1, 2, 3, ...
std::optional<StoreSqlError> check_list(const std::vector<Migration>& list) {
  std::int64_t expected = 1;
  for (const Migration& migration : list) {
    if (migration.version != expected) {
      return migration_error("this binary has " + file_name(migration.version, migration.name) + " where version " +
                             std::to_string(expected) + " should be: versions have no gaps");
    }
    ++expected;
  }
  return std::nullopt;
}

/// Asked for, because CREATE TABLE IF NOT EXISTS needs the right to create even when there is nothing to do.
bool table_exists(Session& session) {
  const char* sql = session.engine() == Engine::Sqlite
                        ? "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
                        : "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('schema_migrations')";
  return session.query(sql, {Column::Integer}).front().integer(0) != 0;
}

std::vector<AppliedRow> read_applied(Session& session) {
  std::vector<AppliedRow> applied;
  if (!table_exists(session)) return applied;
  for (const Row& row :
       session.query("SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version",
                     {Column::Integer, Column::Text, Column::Text, Column::Integer})) {
    applied.push_back({row.integer(0), row.text(1), row.text(2), row.time(3)});
  }
  return applied;
}

/// What was applied has to be the beginning of the list, word by word.
std::optional<StoreSqlError> check_applied(const std::vector<Migration>& list, const std::vector<AppliedRow>& applied) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const AppliedRow& row = applied[i];
    const auto expected = static_cast<std::int64_t>(i) + 1;
    if (row.version != expected) {
      return migration_error("the database has a gap: version " + std::to_string(row.version) + " (" + row.name +
                             ") is applied, version " + std::to_string(expected) + " is not");
    }
    if (i >= list.size()) {
      return migration_error("the database is newer than this binary: version " + std::to_string(row.version) + " (" +
                             row.name + ") is applied, this binary ends with version " + std::to_string(list.size()) +
                             "; run a newer binary");
    }
    const std::string checksum = migration_checksum(list[i].sql);
    if (row.checksum != checksum) {
      return migration_error(file_name(row.version, list[i].name) + " was edited after it was applied: version " +
                             std::to_string(row.version) + " was applied with checksum " + row.checksum +
                             ", this binary has " + checksum + "; put changes into a new migration");
    }
  }
  return std::nullopt;
}

std::optional<StoreSqlError> apply(Session& session, const Migration& migration) {
  const auto statements = split_statements(migration.sql);
  if (statements.empty()) return migration_error(file_name(migration.version, migration.name) + ": no statement");
  // SQLite would run the first one only, and say nothing.
  if (std::ranges::any_of(statements, [](const std::string& text) { return text.find(';') != std::string::npos; })) {
    return migration_error(file_name(migration.version, migration.name) + ": a ';' that does not end its line");
  }
  for (std::size_t i = 0; i < statements.size(); ++i) {
    try {
      session.command(statements[i]);
    } catch (const SqlFailure& failure) {
      std::string shown = statements[i].substr(0, kStatementCharsShown);
      for (char& c : shown) c = c == '\n' ? ' ' : c;
      return migration_error(file_name(migration.version, migration.name) + ", statement " + std::to_string(i + 1) +
                             " of " + std::to_string(statements.size()) + " (" + shown + "): " + failure.detail);
    }
  }
  session.execute(
      "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (:version, :name, :checksum, :at)",
      {{"version", migration.version},
       {"name", migration.name},
       {"checksum", migration_checksum(migration.sql)},
       {"at", wall_clock_milliseconds()}});
  return std::nullopt;
}

enum class Step { Applied, NothingToDo };

/// One transaction: looks what is applied, applies the next one. Looking inside of it is what makes several nodes safe
/// on SQLite; on PostgreSQL the advisory lock does that.
Result<Step, StoreSqlError> step(Session& session, const std::vector<Migration>& list, MigrationReport& report) {
  session.command(session.engine() == Engine::Sqlite ? "BEGIN EXCLUSIVE" : "BEGIN");
  const auto applied = read_applied(session);
  auto error = check_applied(list, applied);
  if (!error && applied.size() == list.size()) {
    session.command("COMMIT");
    return Step::NothingToDo;
  }
  if (!error) {
    if (applied.empty() && !table_exists(session)) session.command(kCreateTable);
    error = apply(session, list[applied.size()]);
  }
  if (error) {
    try {
      session.command("ROLLBACK");
    } catch (const SqlFailure&) {
      // On SQLite some errors have rolled back already; closing the session does it in any case.
    }
    return fail(std::move(*error));
  }
  session.command("COMMIT");
  report.applied.push_back({list[applied.size()].version, list[applied.size()].name});
  return Step::Applied;
}

Result<MigrationReport, StoreSqlError> run_all(Session& session, const std::vector<Migration>& list) {
  MigrationReport report;
  for (;;) {
    auto outcome = step(session, list, report);
    if (!outcome) return fail(std::move(outcome.error()));
    if (*outcome == Step::NothingToDo) break;
  }
  report.applied_before = list.size() - report.applied.size();
  return report;
}

/// Nothing to do needs no lock: a server starts beside one that holds it, and a role that may not create tables can
/// start one. nullopt when there is something to do, or to complain about.
std::optional<MigrationReport> nothing_to_do(Session& session, const std::vector<Migration>& list) {
  const auto applied = read_applied(session);
  if (applied.size() != list.size() || check_applied(list, applied)) return std::nullopt;
  return MigrationReport{.applied = {}, .applied_before = list.size()};
}

/// Waits for other nodes. The lock goes with the session, whatever happens.
void lock_postgres(Session& session, milliseconds timeout) {
  session.command("SET lock_timeout = " + std::to_string(timeout.count()));
  try {
    session.execute("SELECT pg_advisory_lock(CAST(:key AS BIGINT))", {{"key", kAdvisoryLock}});
  } catch (const SqlFailure& failure) {
    throw SqlFailure{failure.kind, "waiting for another node's migrations: " + failure.detail};
  }
}

bool missing_sqlite_file(const StoreSqlOptions& options) {
  const auto* sqlite = std::get_if<SqliteOptions>(&options.database);
  std::error_code error;
  return sqlite != nullptr && !std::filesystem::exists(sqlite->path, error);
}

}  // namespace

std::string_view to_text(MigrationState state) {
  switch (state) {
    case MigrationState::Applied: return "applied";
    case MigrationState::Pending: return "pending";
    case MigrationState::Edited: return "edited";
    case MigrationState::Unknown: return "unknown";
  }
  return "";
}

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::string current;
  while (!sql.empty()) {
    const std::size_t end = sql.find('\n');
    std::string_view line = sql.substr(0, end);
    sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.remove_suffix(1);
    const std::size_t text = line.find_first_not_of(" \t");
    if (text == std::string_view::npos || line.substr(text).starts_with("--")) continue;
    const bool ends = line.back() == ';';
    if (ends) line.remove_suffix(1);
    if (!current.empty()) current += '\n';
    current += line;
    if (!ends) continue;
    statements.push_back(std::move(current));
    current.clear();
  }
  if (!current.empty()) statements.push_back(std::move(current));
  return statements;
}

std::string migration_checksum(std::string_view sql) {
  std::string text;
  text.reserve(sql.size());
  for (const char c : sql) {
    if (c != '\r') text += c;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kHex[digest[i] >> 4];
    hex += kHex[digest[i] & 15];
  }
  return hex;
}

Result<MigrationReport, StoreSqlError> migrate(const StoreSqlOptions& options) {
  if (auto error = check_options(options)) return fail(std::move(*error));
  const auto& list = list_of(options);
  if (auto error = check_list(list)) return fail(std::move(*error));
  try {
    Watchdog watchdog;
    const auto session = Session::open(options, SessionUse::Migrate);
    const Watchdog::Guard guard{watchdog, session->socket(),
                                std::chrono::steady_clock::now() + options.migration_timeout + seconds{1}};
    if (auto report = nothing_to_do(*session, list)) return std::move(*report);
    session->limit_statements(options.migration_timeout);
    if (session->engine() == Engine::Postgres) lock_postgres(*session, options.migration_timeout);
    return run_all(*session, list);
  } catch (const SqlFailure& failure) {
    return fail(StoreSqlError{StoreSqlErrorKind::Unavailable, "migrations: " + failure.detail});
  }
}

Result<std::vector<MigrationStatus>, StoreSqlError> migration_status(const StoreSqlOptions& options) {
  if (auto error = check_options(options)) return fail(std::move(*error));
  const auto& list = list_of(options);
  if (auto error = check_list(list)) return fail(std::move(*error));
  std::vector<AppliedRow> applied;
  try {
    if (!missing_sqlite_file(options)) {
      Watchdog watchdog;
      const auto session = Session::open(options, SessionUse::Inspect);
      const Watchdog::Guard guard{watchdog, session->socket(),
                                  std::chrono::steady_clock::now() + options.statement_timeout};
      applied = read_applied(*session);
    }
  } catch (const SqlFailure& failure) {
    return fail(StoreSqlError{StoreSqlErrorKind::Unavailable, "migrations: " + failure.detail});
  }
  std::vector<MigrationStatus> out;
  for (const Migration& migration : list)
    out.push_back({migration.version, migration.name, MigrationState::Pending, std::nullopt});
  for (const AppliedRow& row : applied) {
    if (row.version < 1 || row.version > static_cast<std::int64_t>(list.size())) {
      out.push_back({row.version, row.name, MigrationState::Unknown, row.applied_at});
      continue;
    }
    const auto index = static_cast<std::size_t>(row.version - 1);
    const bool same = row.checksum == migration_checksum(list[index].sql);
    out[index].state = same ? MigrationState::Applied : MigrationState::Edited;
    out[index].applied_at = row.applied_at;
  }
  return out;
}

std::optional<StoreSqlError> require_current(const StoreSqlOptions& options) {
  auto status = migration_status(options);
  if (!status) return std::move(status.error());
  for (const MigrationStatus& row : *status) {
    if (row.state == MigrationState::Applied) continue;
    return migration_error("the schema is not the one of this binary: version " + std::to_string(row.version) + " (" +
                           row.name + ") is " + std::string{to_text(row.state)} + "; run `zvonok migrate`");
  }
  return std::nullopt;
}

}  // namespace zvonok::store_sql
