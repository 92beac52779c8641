// One connection to one of the two databases, as plain values: SQL text and parameters in, rows out. session.cpp is the
// only unit that sees the database library.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

#include "adapter/store_sql/store_sql.h"

namespace soci {
class session;
}

namespace zvonok::store_sql {

enum class Engine { Sqlite, Postgres };

enum class FailureKind {
  Connection,  // the connection is gone, or was never made: the session is of no more use
  Retry,       // the transaction lost against another one (deadlock, serialization)
  Timeout,     // a lock or the statement took too long
  Unique,
  ForeignKey,
  Other,
};

/// How SQL fails inside this adapter; Database turns it into a StoreError at the method's border. `detail` is one line
/// without row content.
struct SqlFailure {
  FailureKind kind = FailureKind::Other;
  std::string detail;
};

using Value = std::variant<std::monostate, std::int64_t, std::string>;

/// `:name` in the SQL text. A name may stand there several times.
struct Param {
  const char* name;
  Value value;
};
using Params = std::vector<Param>;

[[nodiscard]] Value optional_value(const std::optional<WallTime>& time);
[[nodiscard]] Value optional_value(const std::optional<std::string>& text);
[[nodiscard]] Value optional_value(const std::optional<std::int64_t>& number);

enum class Column { Text, Integer };

class Row {
 public:
  explicit Row(std::vector<Value> values) : values_{std::move(values)} {}
  [[nodiscard]] const std::string& text(std::size_t column) const { return std::get<std::string>(values_[column]); }
  [[nodiscard]] std::int64_t integer(std::size_t column) const { return std::get<std::int64_t>(values_[column]); }
  [[nodiscard]] bool is_null(std::size_t column) const {
    return std::holds_alternative<std::monostate>(values_[column]);
  }
  [[nodiscard]] WallTime time(std::size_t column) const { return wall_from_unix_milliseconds(integer(column)); }
  [[nodiscard]] std::optional<WallTime> optional_time(std::size_t column) const;
  [[nodiscard]] std::optional<std::string> optional_text(std::size_t column) const;

 private:
  std::vector<Value> values_;
};

/// INSERT INTO table (columns) VALUES (:one, :for, :each) on_conflict
struct InsertSql {
  std::string into;         // "calls (id, node)": each column's parameter has the column's name
  std::string on_conflict;  // may be empty
};

enum class SessionUse {
  Serve,
  Migrate,  // makes the SQLite file
  Inspect,  // changes nothing, not even the journal mode
};

/// Not thread-safe; one user at a time. Every method throws SqlFailure.
class Session {
 public:
  [[nodiscard]] static std::unique_ptr<Session> open(const StoreSqlOptions& options, SessionUse use);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Engine engine() const { return engine_; }
  [[nodiscard]] std::vector<Row> query(const std::string& sql, const std::vector<Column>& columns,
                                       const Params& params = {});
  /// Returns how many rows it changed.
  std::int64_t execute(const std::string& sql, const Params& params = {});
  /// Runs an INSERT for every element of `rows`: row by row, or many rows a statement, whichever is fast. All elements
  /// have the same parameters, of the same type or null. With ON CONFLICT DO UPDATE no two of them may name one row.
  void insert_each(const InsertSql& sql, const std::vector<Params>& rows);
  /// For statements without parameters and rows, such as BEGIN.
  void command(const std::string& sql);

  /// How long each statement may take; on SQLite, how long it may wait for another process.
  void limit_statements(milliseconds timeout);

  /// False when the server has closed the connection, or the SQLite file is not the one that was opened (somebody put
  /// another one in its place: writes would go nowhere). Costs no round trip, so true is no promise.
  [[nodiscard]] bool looks_alive() const;
  /// A duplicate of the connection's socket, to be shut down from another thread when a call takes too long; it lives
  /// as long as this object. -1 for SQLite.
  [[nodiscard]] int socket() const { return socket_; }

 private:
  Session(Engine engine, std::unique_ptr<soci::session> connection);
  void prepare_sqlite(const std::string& path, const SqliteOptions& options, SessionUse use);
  [[nodiscard]] bool use_write_ahead_log(milliseconds patience);
  void prepare_postgres();

  Engine engine_;
  std::unique_ptr<soci::session> connection_;
  int socket_ = -1;
  struct {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  } file_;  // SQLite only
};

enum class Locking {
  Row,      // of one row, found by its key
  InOrder,  // of several rows, in one order for everybody, so that two transactions can't lock each other out
  Skip,     // of those that nobody else has locked
};
/// What to put behind a SELECT of column `id` to lock its rows; nothing on SQLite, whose write transactions have the
/// database for themselves.
[[nodiscard]] std::string_view row_lock(const Session& session, Locking locking);

}  // namespace zvonok::store_sql
