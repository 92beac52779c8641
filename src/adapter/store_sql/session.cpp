// See session.h.
#include "adapter/store_sql/session.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <span>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/store_sql/connection_text.h"
#include "base/overloaded.h"

namespace zvonok::store_sql {
namespace {

// SQLite's extended result codes; its header calls them macros, which a namespace does not hide well.
constexpr int kSqliteBusy = 5;
constexpr int kSqliteLocked = 6;
constexpr int kSqliteUnique = 2067;
constexpr int kSqlitePrimaryKey = 1555;
constexpr int kSqliteForeignKey = 787;

constexpr std::size_t kRowsPerStatement = 64;

std::string first_line(std::string_view text) {
  return std::string{text.substr(0, text.find('\n'))};
}

FailureKind postgres_kind(std::string_view state) {
  // 25006: a primary that became a standby; another connection may find the new primary.
  if (state.starts_with("08") || state.starts_with("57P") || state == "25006") return FailureKind::Connection;
  if (state == "40P01" || state == "40001") return FailureKind::Retry;
  if (state == "57014" || state == "55P03") return FailureKind::Timeout;
  if (state == "23505") return FailureKind::Unique;
  if (state == "23503") return FailureKind::ForeignKey;
  return FailureKind::Other;
}

FailureKind sqlite_kind(int code) {
  if ((code & 0xFF) == kSqliteBusy || (code & 0xFF) == kSqliteLocked) return FailureKind::Timeout;
  if (code == kSqliteUnique || code == kSqlitePrimaryKey) return FailureKind::Unique;
  if (code == kSqliteForeignKey) return FailureKind::ForeignKey;
  return FailureKind::Other;
}

// The library does not export the type information that the vptr check of UBSan compares.
__attribute__((no_sanitize("vptr"))) PGconn* postgres_connection(soci::session& connection) {
  return static_cast<soci::postgresql_session_backend*>(connection.get_backend())->conn_;
}
__attribute__((no_sanitize("vptr"))) sqlite_api::sqlite3* sqlite_connection(soci::session& connection) {
  return static_cast<soci::sqlite3_session_backend*>(connection.get_backend())->conn_;
}

/// Only get_error_message(), never what(): the latter appends the statement with its parameters. Of PostgreSQL only the
/// first line, because DETAIL quotes rows; class 22 (data exception) quotes values there too.
SqlFailure describe(const soci::soci_error& error) {
  if (const auto* postgres = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
    const std::string state = postgres->sqlstate();
    std::string detail = "PostgreSQL " + state;
    if (!state.starts_with("22")) detail += ": " + first_line(error.get_error_message());
    return {postgres_kind(state), std::move(detail)};
  }
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error)) {
    return {sqlite_kind(sqlite->result()), "SQLite: " + first_line(error.get_error_message())};
  }
  return {FailureKind::Other, first_line(error.get_error_message())};
}

template <class F>
auto guarded(F&& body) {
  try {
    return body();
  } catch (const soci::soci_error& error) {
    throw describe(error);
  } catch (const std::exception& error) {
    throw SqlFailure{FailureKind::Other, first_line(error.what())};
  }
}

/// A parameter in the form the library reads it: it keeps addresses, so these must not move while a statement lives.
struct Bound {
  std::string text;
  long long integer = 0;
  soci::indicator indicator = soci::i_ok;

  void set(const Value& value) {
    indicator = soci::i_ok;
    std::visit(
        Overloaded{[&](std::monostate) { indicator = soci::i_null; }, [&](std::int64_t number) { integer = number; },
                   [&](const std::string& string) { text = string; }},
        value);
  }
};

/// `sample` tells the type; a null takes the type of text, which both databases convert.
void bind_parameter(soci::statement& statement, Bound& bound, const Param& sample,
                    const std::string& name_suffix = "") {
  bound.set(sample.value);
  const std::string name = sample.name + name_suffix;
  if (std::holds_alternative<std::int64_t>(sample.value)) {
    statement.exchange(soci::use(bound.integer, bound.indicator, name));
  } else {
    statement.exchange(soci::use(bound.text, bound.indicator, name));
  }
}

SqlFailure file_failure(const std::string& path, int error) {
  return {FailureKind::Connection, "SQLite file " + path + " can't be opened: " + std::string{std::strerror(error)}};
}

/// Creates the file before SQLite does, so that the database and the -wal and -shm beside it (which take its mode) are
/// closed to other users. A file that exists is not opened here, and one that is made is closed before anybody in this
/// process can open it: closing any descriptor of a file drops all locks that the process holds on it (POSIX), and
/// SQLite's are among them.
void create_private_file(const std::string& path) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock{one_at_a_time};
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
  } else if (errno != EEXIST) {
    throw file_failure(path, errno);
  }
}

/// SQLite says no more than "unable to open database file", and without its -wal it goes on read-only.
void check_access(const std::string& path) {
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) throw file_failure(path, errno);
  const std::string folder = std::filesystem::path{path}.parent_path().string();
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw SqlFailure{FailureKind::Connection, "SQLite file " + path +
                                                  " can't be used: its folder, where the log has to stand beside it, "
                                                  "can't be written to: " +
                                                  std::strerror(errno)};
  }
}

std::string sqlite_path(const SqliteOptions& options) {
  // Absolute: ":memory:" and "file:" then are names like any other.
  std::error_code error;
  const auto path = std::filesystem::absolute(options.path, error);
  if (error) throw SqlFailure{FailureKind::Connection, "SQLite path can't be resolved: " + error.message()};
  return path.string();
}

void swallow_notice(void*, const char*) {}

}  // namespace

Value optional_value(const std::optional<WallTime>& time) {
  return time ? Value{unix_milliseconds(*time)} : Value{std::monostate{}};
}
Value optional_value(const std::optional<std::string>& text) {
  return text ? Value{*text} : Value{std::monostate{}};
}
Value optional_value(const std::optional<std::int64_t>& number) {
  return number ? Value{*number} : Value{std::monostate{}};
}

std::optional<WallTime> Row::optional_time(std::size_t column) const {
  return is_null(column) ? std::nullopt : std::optional{time(column)};
}
std::optional<std::string> Row::optional_text(std::size_t column) const {
  return is_null(column) ? std::nullopt : std::optional{text(column)};
}

namespace {

std::unique_ptr<soci::session> connect_postgres(const PostgresOptions& options) {
  try {
    return std::make_unique<soci::session>(soci::postgresql, connection_text(options).reveal());
  } catch (const soci::soci_error& error) {
    // "Cannot establish connection to the database.", then a line for every address that was tried.
    std::string detail = error.get_error_message();
    while (!detail.empty() && detail.back() == '\n') detail.pop_back();
    for (std::size_t at = 0; (at = detail.find('\n', at)) != std::string::npos;) detail.replace(at, 1, " ");
    throw SqlFailure{FailureKind::Connection, "PostgreSQL: " + detail};
  } catch (const std::exception&) {
    // Its text is not known to be free of the connection string.
    throw SqlFailure{FailureKind::Connection, "PostgreSQL: the connection could not be made"};
  }
}

}  // namespace

std::unique_ptr<Session> Session::open(const StoreSqlOptions& options, SessionUse use) {
  if (const auto* sqlite = std::get_if<SqliteOptions>(&options.database)) {
    const std::string path = sqlite_path(*sqlite);
    if (use == SessionUse::Migrate) create_private_file(path);
    if (use != SessionUse::Inspect) check_access(path);
    try {
      auto connection =
          guarded([&] { return std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path + "\""); });
      std::unique_ptr<Session> session{new Session{Engine::Sqlite, std::move(connection)}};
      session->prepare_sqlite(path, *sqlite, use);
      return session;
    } catch (const SqlFailure& failure) {
      throw SqlFailure{failure.kind, failure.detail + " (" + path + ")"};
    }
  }
  auto connection = connect_postgres(std::get<PostgresOptions>(options.database));
  std::unique_ptr<Session> session{new Session{Engine::Postgres, std::move(connection)}};
  session->prepare_postgres();
  return session;
}

Session::Session(Engine engine, std::unique_ptr<soci::session> connection)
    : engine_{engine}, connection_{std::move(connection)} {}

Session::~Session() {
  if (socket_ >= 0) ::close(socket_);
}

void Session::prepare_sqlite(const std::string& path, const SqliteOptions& options, SessionUse use) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) throw file_failure(path, errno);
  file_ = {path, status.st_dev, status.st_ino};
  sqlite_api::sqlite3_extended_result_codes(sqlite_connection(*connection_), 1);
  limit_statements(options.busy_timeout);
  command("PRAGMA foreign_keys = ON");
  // A logout that was answered stays one after a power failure.
  command("PRAGMA synchronous = FULL");
  command("PRAGMA cache_size = -8192");
  if (use == SessionUse::Inspect) return;
  if (!use_write_ahead_log(options.busy_timeout)) {
    throw SqlFailure{FailureKind::Other, "SQLite: this file system can't carry a write-ahead log"};
  }
  command("PRAGMA journal_size_limit = 67108864");
}

/// Of two connections that turn a new file into one with a write-ahead log at once, one is told at once that the file
/// is locked: SQLite does not wait where both could wait for each other (sqlite3_busy_handler). False: it is not
/// possible.
bool Session::use_write_ahead_log(milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      const auto mode = query("PRAGMA journal_mode = WAL", {Column::Text});
      return mode.size() == 1 && mode.front().text(0) == "wal";
    } catch (const SqlFailure& failure) {
      if (failure.kind != FailureKind::Timeout || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(milliseconds{5});
  }
}

void Session::prepare_postgres() {
  PGconn* connection = postgres_connection(*connection_);
  PQsetNoticeProcessor(connection, &swallow_notice, nullptr);
  PQsetErrorVerbosity(connection, PQERRORS_TERSE);
  socket_ = ::fcntl(PQsocket(connection), F_DUPFD_CLOEXEC, 0);
  if (socket_ < 0) throw SqlFailure{FailureKind::Connection, "PostgreSQL: no file descriptor is left"};
  const char* encoding = PQparameterStatus(connection, "server_encoding");
  if (encoding == nullptr || std::string_view{encoding} != "UTF8") {
    throw SqlFailure{FailureKind::Other, "PostgreSQL: the database's encoding is " +
                                             std::string{encoding == nullptr ? "unknown" : encoding} +
                                             ", it has to be UTF8 (CREATE DATABASE ... ENCODING 'UTF8')"};
  }
}

void Session::limit_statements(milliseconds timeout) {
  switch (engine_) {
    case Engine::Sqlite:
      sqlite_api::sqlite3_busy_timeout(sqlite_connection(*connection_), static_cast<int>(timeout.count()));
      return;
    case Engine::Postgres:
      command("SET statement_timeout = " + std::to_string(timeout.count()));
      // A process that is stopped in the middle of a transaction keeps its locks no longer than this.
      command("SET idle_in_transaction_session_timeout = 30000");
      return;
  }
}

std::vector<Row> Session::query(const std::string& sql, const std::vector<Column>& columns, const Params& params) {
  return guarded([&] {
    std::vector<Bound> in(params.size());
    std::vector<Bound> out(columns.size());
    soci::statement statement{*connection_};
    statement.alloc();
    statement.prepare(sql, soci::details::st_one_time_query);
    for (std::size_t i = 0; i < params.size(); ++i) bind_parameter(statement, in[i], params[i]);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      switch (columns[i]) {
        case Column::Text: statement.exchange(soci::into(out[i].text, out[i].indicator)); break;
        case Column::Integer: statement.exchange(soci::into(out[i].integer, out[i].indicator)); break;
      }
    }
    statement.define_and_bind();
    std::vector<Row> rows;
    for (bool more = statement.execute(true); more; more = statement.fetch()) {
      std::vector<Value> values(columns.size());
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (out[i].indicator == soci::i_null) continue;
        values[i] = columns[i] == Column::Text ? Value{out[i].text} : Value{std::int64_t{out[i].integer}};
      }
      rows.emplace_back(std::move(values));
    }
    return rows;
  });
}

std::int64_t Session::execute(const std::string& sql, const Params& params) {
  return guarded([&] {
    std::vector<Bound> in(params.size());
    soci::statement statement{*connection_};
    statement.alloc();
    statement.prepare(sql, soci::details::st_one_time_query);
    for (std::size_t i = 0; i < params.size(); ++i) bind_parameter(statement, in[i], params[i]);
    statement.define_and_bind();
    statement.execute(true);
    return std::int64_t{statement.get_affected_rows()};
  });
}

namespace {

/// A column that is null in the first row may be a number in the second, so the type comes from any row that has one.
const Param& typed_sample(const std::vector<Params>& rows, std::size_t column) {
  const auto typed = std::ranges::find_if(
      rows, [&](const Params& row) { return !std::holds_alternative<std::monostate>(row[column].value); });
  return typed == rows.end() ? rows.front()[column] : (*typed)[column];
}

std::string tuple_sql(const Params& columns, const std::string& suffix) {
  std::string out;
  for (const Param& column : columns) out.append(out.empty() ? "(:" : ", :").append(column.name).append(suffix);
  return out + ")";
}

/// SQLite is in this process: a statement prepared once costs least.
void insert_by_row(soci::session& connection, const InsertSql& sql, const std::vector<Params>& rows) {
  std::vector<Bound> in(rows.front().size());
  soci::statement statement{connection};
  statement.alloc();
  statement.prepare("INSERT INTO " + sql.into + " VALUES " + tuple_sql(rows.front(), "") + " " + sql.on_conflict,
                    soci::details::st_repeatable_query);
  for (std::size_t i = 0; i < in.size(); ++i) bind_parameter(statement, in[i], typed_sample(rows, i));
  statement.define_and_bind();
  for (const Params& row : rows) {
    for (std::size_t i = 0; i < in.size(); ++i) in[i].set(row[i].value);
    statement.execute(true);
  }
}

/// A server costs a round trip a statement.
void insert_by_chunk(soci::session& connection, const InsertSql& sql, std::span<const Params> rows) {
  const std::size_t columns = rows.front().size();
  std::vector<Bound> in(rows.size() * columns);
  std::string text = "INSERT INTO " + sql.into + " VALUES ";
  for (std::size_t row = 0; row < rows.size(); ++row) {
    text += (row == 0 ? "" : ", ") + tuple_sql(rows[row], "_" + std::to_string(row));
  }
  soci::statement statement{connection};
  statement.alloc();
  statement.prepare(text + " " + sql.on_conflict, soci::details::st_one_time_query);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < columns; ++i) {
      bind_parameter(statement, in[row * columns + i], rows[row][i], "_" + std::to_string(row));
    }
  }
  statement.define_and_bind();
  statement.execute(true);
}

}  // namespace

void Session::insert_each(const InsertSql& sql, const std::vector<Params>& rows) {
  if (rows.empty()) return;
  guarded([&] {
    if (engine_ == Engine::Sqlite) return insert_by_row(*connection_, sql, rows);
    for (std::span<const Params> rest{rows}; !rest.empty();) {
      const auto chunk = rest.first(std::min(rest.size(), kRowsPerStatement));
      insert_by_chunk(*connection_, sql, chunk);
      rest = rest.subspan(chunk.size());
    }
  });
}

void Session::command(const std::string& sql) {
  execute(sql);
}

bool Session::looks_alive() const {
  switch (engine_) {
    case Engine::Sqlite: {
      struct stat status{};
      return ::stat(file_.path.c_str(), &status) == 0 && status.st_dev == file_.device && status.st_ino == file_.inode;
    }
    case Engine::Postgres: {
      if (PQstatus(postgres_connection(*connection_)) != CONNECTION_OK) return false;
      // Nothing is due on an idle connection: what can be read is the end of it, or the server's last words.
      pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
      return ::poll(&readable, 1, 0) == 0;
    }
  }
  return false;
}

std::string_view row_lock(const Session& session, Locking locking) {
  if (session.engine() == Engine::Sqlite) return "";
  switch (locking) {
    case Locking::Row: return " FOR UPDATE";
    case Locking::InOrder: return " ORDER BY id COLLATE \"C\" FOR UPDATE";
    case Locking::Skip: return " FOR UPDATE SKIP LOCKED";
  }
  return "";
}

}  // namespace zvonok::store_sql
