// The Store on SQL: one adapter, two databases (an SQLite file, or PostgreSQL), and the migrations of their schema.
// Nothing of the database library shows here. See docs/adr/0003-sql-storage.md.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "port/store.h"

namespace zvonok::store_sql {

class Database;

enum class StoreSqlErrorKind {
  BadOptions,   // an option, or DATABASE_URL, is malformed
  Unavailable,  // the database can't be reached, refused us, or its file can't be opened
  Migration,    // the schema and this binary do not fit: see `message`
};

struct StoreSqlError {
  StoreSqlErrorKind kind = StoreSqlErrorKind::Unavailable;
  std::string message;  // one line for the operator; names no password
};

// ---- where the data is -------------------------------------------------------------------------------------------

struct SqliteOptions {
  std::string path;                 // made with mode 0600 by `migrate` when it is missing; its folder must exist
  milliseconds busy_timeout{5000};  // how long to wait for a lock that another process holds
};

/// Also what a DATABASE_URL says. Empty texts leave the choice to the PostgreSQL client library.
struct PostgresOptions {
  std::string host = "127.0.0.1";  // a name, an address, or the folder of a Unix socket (starts with '/')
  std::uint16_t port = 5432;
  std::string user;
  Private<std::string> password;
  std::string dbname;
  std::string sslmode = "prefer";  // disable, allow, prefer, require, verify-ca, verify-full
  std::string sslrootcert;         // file of the CA for verify-ca and verify-full
  std::string sslcert;             // client certificate, with its key
  std::string sslkey;
  std::string application_name = "zvonok";
  milliseconds connect_timeout{2000};  // whole seconds count, 2 at least
};

/// Reads `postgres://user:password@host:port/dbname?sslmode=require` (or `postgresql:`). Percent-escapes are decoded;
/// known parameters are those of PostgresOptions, with `connect_timeout` in seconds and `host` for a socket folder;
/// others are refused by name. Errors never quote the URL.
[[nodiscard]] Result<PostgresOptions, StoreSqlError> parse_database_url(const Private<std::string>& url);

// ---- migrations --------------------------------------------------------------------------------------------------

/// One step of the schema. `sql` is one or more statements, each ending with ';' at the end of a line; lines that begin
/// with `--` are comments; there is no other ';'. It has to mean the same on both databases.
struct Migration {
  std::int64_t version = 0;  // 1, 2, 3, ... without gaps
  std::string name;          // `create_users` of migrations/001_create_users.sql
  std::string sql;
};

/// The files of migrations/, in order, as they were when this binary was built.
[[nodiscard]] const std::vector<Migration>& embedded_migrations();

struct MigrationName {
  std::int64_t version = 0;
  std::string name;
  friend bool operator==(const MigrationName&, const MigrationName&) = default;
};

struct MigrationReport {
  std::vector<MigrationName> applied;  // by this run
  std::size_t applied_before = 0;
};

enum class MigrationState {
  Applied,
  Pending,
  Edited,   // applied with another text than this binary has
  Unknown,  // applied, and this binary does not have it: the database is newer
};
[[nodiscard]] std::string_view to_text(MigrationState state);

struct MigrationStatus {
  std::int64_t version = 0;
  std::string name;
  MigrationState state = MigrationState::Pending;
  std::optional<WallTime> applied_at;
};

// ---- the store ---------------------------------------------------------------------------------------------------

enum class SchemaOnStart {
  Migrate,         // apply what is pending
  RequireCurrent,  // change nothing; an error names what is pending
};

struct StoreSqlOptions {
  std::variant<SqliteOptions, PostgresOptions> database;
  std::size_t pool_size = 4;                // database sessions, and so calls at once; 1 to 64
  milliseconds acquire_timeout{2000};       // how long a call waits for a free session, then Unavailable
  milliseconds statement_timeout{2000};     // PostgreSQL: how long a call may take, then Unavailable
  milliseconds migration_timeout{600'000};  // waiting for another node's migrations and running our own
  SchemaOnStart schema_on_start = SchemaOnStart::Migrate;
  std::optional<std::vector<Migration>> migrations;  // in the place of the embedded ones; for tests
};

/// Applies what is pending, in order, each migration in its own transaction. Safe when several nodes start at once:
/// one of them works, the others wait and find nothing to do. A failure leaves the migrations before it applied and
/// nothing of the failed one; its message names the file and the statement.
[[nodiscard]] Result<MigrationReport, StoreSqlError> migrate(const StoreSqlOptions& options);
/// What is applied and what is pending, in order of version. Applies nothing and
/// makes no database; for one that is not there yet everything is pending.
[[nodiscard]] Result<std::vector<MigrationStatus>, StoreSqlError> migration_status(const StoreSqlOptions& options);

/// Threads: as port::Store says. A connection to PostgreSQL that broke is replaced on the next use; while the server
/// is away every call answers Unavailable: at once when it refuses, after `connect_timeout` or `statement_timeout` (and
/// before it `acquire_timeout`, when all sessions wait like this) when it is silent.
class StoreSql final : public port::Store {
 public:
  /// Fails when the database can't be reached or its schema can't be used.
  [[nodiscard]] static Result<std::unique_ptr<StoreSql>, StoreSqlError> create(const StoreSqlOptions& options);
  /// No call may be running.
  ~StoreSql() override;
  StoreSql(const StoreSql&) = delete;
  StoreSql& operator=(const StoreSql&) = delete;

  [[nodiscard]] port::StoreResult<void> create_user(const port::User& user) override;
  [[nodiscard]] port::StoreResult<port::User> ensure_user(const port::User& user) override;
  [[nodiscard]] port::StoreResult<std::optional<port::User>> find_user(const UserId& id) override;
  [[nodiscard]] port::StoreResult<std::optional<port::User>> find_user_by_email(std::string_view email) override;
  [[nodiscard]] port::StoreResult<port::Page<port::User>> list_users(const ListUsers& request) override;
  [[nodiscard]] port::StoreResult<void> set_user_disabled(const UserId& id, bool disabled) override;
  [[nodiscard]] port::StoreResult<void> set_display_name(const UserId& id, std::string_view name) override;

  [[nodiscard]] port::StoreResult<void> create_session(const port::Session& session,
                                                       std::string_view refresh_hash) override;
  [[nodiscard]] port::StoreResult<port::RotateResult> rotate_refresh(const port::RotateRequest& request) override;
  [[nodiscard]] port::StoreResult<std::optional<port::Session>> revoke_by_refresh(std::string_view hash,
                                                                                  WallTime now) override;
  [[nodiscard]] port::StoreResult<void> revoke_session(std::string_view session_id, WallTime now) override;
  [[nodiscard]] port::StoreResult<std::vector<std::string>> revoke_user_sessions(const UserId& user,
                                                                                 WallTime now) override;
  [[nodiscard]] port::StoreResult<std::vector<port::RevokedSession>> revoked_since(WallTime since) override;
  [[nodiscard]] port::StoreResult<std::int64_t> purge_sessions(WallTime before) override;

  [[nodiscard]] port::StoreResult<void> save_calls(const std::vector<call::CallRecord>& records,
                                                   std::string_view node) override;
  [[nodiscard]] port::StoreResult<port::Page<call::CallRecord>> list_calls(const UserId& user,
                                                                           const port::PageRequest& page) override;
  [[nodiscard]] port::StoreResult<port::Page<call::CallRecord>> search_calls(const UserId& user,
                                                                             const port::CallFilter& filter,
                                                                             const port::PageRequest& page) override;
  [[nodiscard]] port::StoreResult<std::vector<port::PhoneUsage>> phone_usage(WallTime since) override;
  [[nodiscard]] port::StoreResult<std::optional<call::CallRecord>> find_call(const CallId& id) override;
  [[nodiscard]] port::StoreResult<std::optional<call::CallRecord>> find_keyed_call(const UserId& user,
                                                                                   std::string_view key,
                                                                                   WallTime since) override;
  [[nodiscard]] port::StoreResult<std::optional<UserId>> find_phone_user(std::string_view number) override;
  [[nodiscard]] port::StoreResult<std::int64_t> settle_open_calls(std::string_view node, WallTime now,
                                                                  Duration phone_call_max) override;

  [[nodiscard]] port::StoreResult<void> put_phone_number(const port::PhoneNumberOwner& owner) override;
  [[nodiscard]] port::StoreResult<void> remove_phone_number(std::string_view number) override;
  [[nodiscard]] port::StoreResult<port::Page<port::PhoneNumberOwner>> list_phone_numbers(
      const std::optional<UserId>& user, const port::PageRequest& page) override;

  [[nodiscard]] port::StoreResult<port::PrivateChat> ensure_private_chat(const port::PrivateChat& chat) override;
  [[nodiscard]] port::StoreResult<std::optional<port::PrivateChat>> find_private_chat(const ChatId& id) override;
  [[nodiscard]] port::StoreResult<port::Page<port::PrivateChat>> list_private_chats(
      const UserId& user, const port::PageRequest& page) override;

  [[nodiscard]] port::StoreResult<port::GroupOutcome> create_group(const port::NewGroup& group) override;
  [[nodiscard]] port::StoreResult<std::optional<port::Membership>> find_membership(const port::GroupId& id,
                                                                                   const UserId& user) override;
  [[nodiscard]] port::StoreResult<std::optional<port::GroupMember>> find_member(const port::GroupId& id,
                                                                                const UserId& user) override;
  [[nodiscard]] port::StoreResult<port::Page<port::Membership>> list_groups(const UserId& user,
                                                                            const port::PageRequest& page) override;
  [[nodiscard]] port::StoreResult<port::Page<port::GroupMember>> list_members(const port::GroupId& id,
                                                                              const port::PageRequest& page) override;
  [[nodiscard]] port::StoreResult<port::GroupOutcome> rename_group(const port::GroupId& id, std::string_view title,
                                                                   const std::optional<UserId>& by) override;
  [[nodiscard]] port::StoreResult<port::GroupOutcome> delete_group(const port::GroupId& id,
                                                                   const std::optional<UserId>& by) override;
  [[nodiscard]] port::StoreResult<port::GroupOutcome> put_member(const port::MemberChange& change) override;
  [[nodiscard]] port::StoreResult<port::GroupOutcome> remove_member(const port::MemberRemoval& removal) override;

  [[nodiscard]] port::StoreResult<void> ping() override;

 private:
  explicit StoreSql(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace zvonok::store_sql
