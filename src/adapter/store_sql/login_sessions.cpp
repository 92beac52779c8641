// Login sessions and their refresh tokens: see port/store.h.
#include "adapter/store_sql/database.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"

namespace zvonok::store_sql {
namespace {

using port::RotateOutcome;
using port::RotateRequest;
using port::RotateResult;
using port::StoreResult;

using LoginSession = port::Session;

constexpr std::int64_t kPurgeRowsMax = 1000;

struct StoredSession {
  LoginSession session;
  bool revoked = false;
};

/// The session that a token belongs to, its row locked until the end of the transaction, so that rotations and
/// revocations of one session happen one after the other. The token is read by its own statement after that: a lock
/// waited for does not refresh what the same statement has read of other tables.
std::optional<StoredSession> lock_session_of(Session& session, const std::string& hash) {
  const auto token =
      session.query("SELECT session_id FROM refresh_tokens WHERE hash = :hash", {Column::Text}, {{"hash", hash}});
  if (token.empty()) return std::nullopt;
  const auto rows = session.query(
      "SELECT id, user_id, created_at, expires_at, revoked_at FROM sessions WHERE id = :id" +
          std::string{row_lock(session, Locking::Row)},
      {Column::Text, Column::Text, Column::Integer, Column::Integer, Column::Integer}, {{"id", token.front().text(0)}});
  if (rows.empty()) return std::nullopt;
  const Row& row = rows.front();
  return StoredSession{
      .session = {.id = row.text(0), .user = UserId{row.text(1)}, .created_at = row.time(2), .expires_at = row.time(3)},
      .revoked = !row.is_null(4)};
}

void revoke(Session& session, const std::string& id, WallTime now) {
  session.execute("UPDATE sessions SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL",
                  {{"now", unix_milliseconds(now)}, {"id", id}});
}

void insert_token(Session& session, const std::string& hash, const LoginSession& owner) {
  session.execute(
      "INSERT INTO refresh_tokens (hash, session_id, expires_at, used_at) VALUES (:hash, :session, :expires, NULL)",
      {{"hash", hash}, {"session", owner.id}, {"expires", unix_milliseconds(owner.expires_at)}});
}

RotateResult rotate(Session& session, const RotateRequest& request) {
  auto stored = lock_session_of(session, request.old_hash);
  if (!stored) return {RotateOutcome::Unknown, std::nullopt};
  LoginSession& owner = stored->session;
  if (stored->revoked) return {RotateOutcome::Revoked, std::move(owner)};
  const auto tokens = session.query("SELECT expires_at, used_at FROM refresh_tokens WHERE hash = :hash",
                                    {Column::Integer, Column::Integer}, {{"hash", request.old_hash}});
  if (tokens.empty()) return {RotateOutcome::Unknown, std::nullopt};
  if (!tokens.front().is_null(1)) {
    revoke(session, owner.id, request.now);
    return {RotateOutcome::Reused, std::move(owner)};
  }
  if (tokens.front().time(0) <= request.now) return {RotateOutcome::Expired, std::nullopt};
  session.execute("UPDATE refresh_tokens SET used_at = :now WHERE hash = :hash",
                  {{"now", unix_milliseconds(request.now)}, {"hash", request.old_hash}});
  owner.expires_at = request.new_expires_at;
  insert_token(session, request.new_hash, owner);
  session.execute("UPDATE sessions SET expires_at = :expires WHERE id = :id",
                  {{"expires", unix_milliseconds(owner.expires_at)}, {"id", owner.id}});
  return {RotateOutcome::Rotated, std::move(owner)};
}

/// In small transactions, so that logins go on beside a purge that was put off for long.
StoreResult<std::int64_t> purge(Database& database, const std::string& table, const std::string& key, WallTime before) {
  std::int64_t total = 0;
  for (;;) {
    const auto purged =
        database.run("purge_sessions", Access::Maintenance, [&](Session& session) -> StoreResult<std::int64_t> {
          return session.execute("DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table +
                                     " WHERE expires_at < :before ORDER BY expires_at LIMIT :limit" +
                                     std::string{row_lock(session, Locking::Skip)} + ")",
                                 {{"before", unix_milliseconds(before)}, {"limit", kPurgeRowsMax}});
        });
    if (!purged) return purged;
    total += *purged;
    if (*purged < kPurgeRowsMax) return total;
  }
}

}  // namespace

StoreResult<void> StoreSql::create_session(const LoginSession& login, std::string_view refresh_hash) {
  const auto check = TextCheck{}
                         .required("session id", login.id)
                         .required("user id", login.user.value())
                         .required("refresh hash", refresh_hash);
  if (check.error()) return fail(*check.error());
  return database_->run("create_session", Access::Write, [&](Session& session) -> StoreResult<void> {
    session.execute(
        "INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at) "
        "VALUES (:id, :user, :created, :expires, NULL)",
        {{"id", login.id},
         {"user", login.user.value()},
         {"created", unix_milliseconds(login.created_at)},
         {"expires", unix_milliseconds(login.expires_at)}});
    insert_token(session, std::string{refresh_hash}, login);
    return {};
  });
}

StoreResult<RotateResult> StoreSql::rotate_refresh(const RotateRequest& request) {
  if (auto error = TextCheck{}.required("new hash", request.new_hash).error()) return fail(std::move(*error));
  if (!possible_id(request.old_hash)) return RotateResult{};
  return database_->run("rotate_refresh", Access::Write,
                        [&](Session& session) -> StoreResult<RotateResult> { return rotate(session, request); });
}

StoreResult<std::optional<LoginSession>> StoreSql::revoke_by_refresh(std::string_view hash, WallTime now) {
  if (!possible_id(hash)) return std::nullopt;
  return database_->run("revoke_by_refresh", Access::Write,
                        [&](Session& session) -> StoreResult<std::optional<LoginSession>> {
                          auto stored = lock_session_of(session, std::string{hash});
                          if (!stored) return std::nullopt;
                          revoke(session, stored->session.id, now);
                          return std::move(stored->session);
                        });
}

StoreResult<void> StoreSql::revoke_session(std::string_view session_id, WallTime now) {
  if (!possible_id(session_id)) return {};
  return database_->run("revoke_session", Access::Write, [&](Session& session) -> StoreResult<void> {
    revoke(session, std::string{session_id}, now);
    return {};
  });
}

StoreResult<std::vector<std::string>> StoreSql::revoke_user_sessions(const UserId& user, WallTime now) {
  if (!possible_id(user.value())) return std::vector<std::string>{};
  return database_->run(
      "revoke_user_sessions", Access::Write, [&](Session& session) -> StoreResult<std::vector<std::string>> {
        std::vector<std::string> ids;
        for (const Row& row : session.query(
                 "UPDATE sessions SET revoked_at = :now WHERE id IN (SELECT id FROM sessions "
                 "WHERE user_id = :user AND revoked_at IS NULL" +
                     std::string{row_lock(session, Locking::InOrder)} + ") AND revoked_at IS NULL RETURNING id",
                 {Column::Text}, {{"now", unix_milliseconds(now)}, {"user", user.value()}})) {
          ids.push_back(row.text(0));
        }
        return ids;
      });
}

StoreResult<std::vector<port::RevokedSession>> StoreSql::revoked_since(WallTime since) {
  return database_->run(
      "revoked_since", Access::Read, [&](Session& session) -> StoreResult<std::vector<port::RevokedSession>> {
        std::vector<port::RevokedSession> out;
        for (const Row& row : session.query("SELECT id, revoked_at FROM sessions WHERE revoked_at IS NOT NULL AND "
                                            "revoked_at >= :since ORDER BY revoked_at, id",
                                            {Column::Text, Column::Integer}, {{"since", unix_milliseconds(since)}})) {
          out.push_back({row.text(0), row.time(1)});
        }
        return out;
      });
}

StoreResult<std::int64_t> StoreSql::purge_sessions(WallTime before) {
  const auto purged = purge(*database_, "sessions", "id", before);
  if (!purged) return purged;
  // A session that is refreshed for years leaves a row behind each time.
  if (const auto tokens = purge(*database_, "refresh_tokens", "hash", before); !tokens) return tokens;
  return purged;
}

}  // namespace zvonok::store_sql
