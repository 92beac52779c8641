// What the server keeps, as a port. Implementations: adapter/store_sql (SQLite, PostgreSQL).
//
// Threads: every method blocks and may be called from any thread at once; callers run them on the storage pool, never
// on an event loop. No method throws. Every method is atomic: it happened wholly or not at all; after Unavailable it
// may have happened (the answer got lost), so writes that matter are repeated, and repeating one is harmless or a
// Conflict. Texts: a write of one that breaks the limits is Invalid; a look-up of one finds nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "call/call.h"

namespace zvonok::port {

enum class StoreErrorKind {
  Unavailable,  // the database can't be reached or refused; trying again may help
  Conflict,     // a uniqueness rule was hit (email taken, id taken)
  NotFound,     // the row that the method is about does not exist
  Invalid,      // a text to be stored is too long, empty where it must not be, or not UTF-8 without NUL
};

struct StoreError {
  StoreErrorKind kind = StoreErrorKind::Unavailable;
  std::string detail;  // for logs: names no secret and no row content
};

template <class T>
using StoreResult = Result<T, StoreError>;

// Limits in bytes. Ids (of users, calls, chats, sessions, nodes) and token hashes have 1 byte at least; caller and
// callee of a call may be empty.
inline constexpr std::size_t kIdBytesMax = 128;
inline constexpr std::size_t kEmailBytesMax = 320;
inline constexpr std::size_t kDisplayNameBytesMax = 400;  // 100 code points of 4 bytes
inline constexpr std::size_t kPasswordHashBytesMax = 512;

// ---- users -------------------------------------------------------------------------------------------------------

struct User {
  UserId id;
  std::optional<std::string> email;  // lower case; absent for users provisioned from a messenger's token
  std::string display_name;          // up to 100 code points; may be empty for provisioned users
  std::string password_hash;         // argon2id in its encoded form; empty: can't log in by password
  bool disabled = false;
  WallTime created_at{};
  friend bool operator==(const User&, const User&) = default;
};

/// A page of a listing. `next` is opaque and goes into the next request's `after`; empty on the last page.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next;
};

struct PageRequest {
  std::string after;       // "" for the first page; a text that is no `next` of this listing yields an empty page
  std::size_t limit = 50;  // 1 to 200; less and more are taken as these
};
inline constexpr std::size_t kPageLimitMax = 200;

class UserStore {
 public:
  virtual ~UserStore() = default;
  /// Conflict when the id or the (case-insensitive) email is taken.
  [[nodiscard]] virtual StoreResult<void> create_user(const User& user) = 0;
  /// Creates the user unless the id exists; returns the stored row either way. For JIT provisioning. Conflict when the
  /// email is another user's.
  [[nodiscard]] virtual StoreResult<User> ensure_user(const User& user) = 0;
  [[nodiscard]] virtual StoreResult<std::optional<User>> find_user(const UserId& id) = 0;
  /// `email` is compared in lower case.
  [[nodiscard]] virtual StoreResult<std::optional<User>> find_user_by_email(std::string_view email) = 0;
  /// Ordered by display name in lower case (by the database's collation), then id. `search`: a part of the name or
  /// email, without case for Latin, Greek and Cyrillic letters; its % and _ are plain characters. Disabled users are
  /// listed only when `include_disabled`.
  struct ListUsers {
    std::string search;
    bool include_disabled = false;
    PageRequest page;
  };
  [[nodiscard]] virtual StoreResult<Page<User>> list_users(const ListUsers& request) = 0;
  /// This and the next: NotFound when there is no such user.
  [[nodiscard]] virtual StoreResult<void> set_user_disabled(const UserId& id, bool disabled) = 0;
  [[nodiscard]] virtual StoreResult<void> set_display_name(const UserId& id, std::string_view name) = 0;
};

// ---- login sessions ----------------------------------------------------------------------------------------------

/// A login on one device: lives from login to logout and carries a chain of refresh tokens, one valid at a time.
struct Session {
  std::string id;  // UUID; the `sid` claim of the access tokens made for it
  UserId user;
  WallTime created_at{};
  WallTime expires_at{};  // the newest refresh token's expiry
  friend bool operator==(const Session&, const Session&) = default;
};

enum class RotateOutcome {
  Rotated,  // the old token was valid and is used up; the new one is stored
  Unknown,  // no such token
  Expired,  // `now` is its expiry or later
  Reused,   // the token was used before: the whole session is revoked now
  Revoked,  // its session was revoked before
};

struct RotateRequest {
  std::string old_hash;  // SHA-256 of the presented refresh token, lower-case hex
  std::string new_hash;
  WallTime now{};
  WallTime new_expires_at{};
};

struct RotateResult {
  RotateOutcome outcome = RotateOutcome::Unknown;
  std::optional<Session> session;  // set for Rotated (with the new expiry), Reused and Revoked
};

struct RevokedSession {
  std::string id;
  WallTime revoked_at{};
  friend bool operator==(const RevokedSession&, const RevokedSession&) = default;
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;
  /// NotFound when the user does not exist, Conflict when the id or the hash is taken.
  [[nodiscard]] virtual StoreResult<void> create_session(const Session& session, std::string_view refresh_hash) = 0;
  /// Safe against two simultaneous rotations of one token: exactly one of them gets Rotated. Revoked is told before
  /// Reused, and Reused before Expired. Conflict when `new_hash` is taken; nothing has changed then.
  [[nodiscard]] virtual StoreResult<RotateResult> rotate_refresh(const RotateRequest& request) = 0;
  /// Idempotent. Returns the session when the token belongs to one. For logout by refresh token.
  [[nodiscard]] virtual StoreResult<std::optional<Session>> revoke_by_refresh(std::string_view hash, WallTime now) = 0;
  /// Idempotent, and no error for a session that does not exist. The first revocation's time stays.
  [[nodiscard]] virtual StoreResult<void> revoke_session(std::string_view session_id, WallTime now) = 0;
  /// Revokes every session of the user; returns the ids of those that were not revoked yet.
  [[nodiscard]] virtual StoreResult<std::vector<std::string>> revoke_user_sessions(const UserId& user,
                                                                                   WallTime now) = 0;
  /// Sessions revoked at or after `since`, in order of time; the control thread keeps them to refuse their access
  /// tokens.
  [[nodiscard]] virtual StoreResult<std::vector<RevokedSession>> revoked_since(WallTime since) = 0;
  /// Forgets sessions whose expiry passed before `before`, and expired tokens of the others; returns how many sessions.
  /// Not atomic: on an error a part of them may be gone.
  [[nodiscard]] virtual StoreResult<std::int64_t> purge_sessions(WallTime before) = 0;
};

// ---- calls -------------------------------------------------------------------------------------------------------

class CallStore {
 public:
  virtual ~CallStore() = default;
  /// Upserts by id, all of them in one transaction. A record that is Ended in the store is never reopened or changed:
  /// such a write succeeds and does nothing. Writes of one call may arrive in any order: an Active record does not
  /// become Ringing again, times that are set stay set. Of an existing record only state, times, reason, duration and
  /// node change. `node` says which node owns the call while it is open.
  [[nodiscard]] virtual StoreResult<void> save_calls(const std::vector<call::CallRecord>& records,
                                                     std::string_view node) = 0;
  /// Calls in which `user` is caller or callee, newest `started_at` first, then greatest id.
  [[nodiscard]] virtual StoreResult<Page<call::CallRecord>> list_calls(const UserId& user, const PageRequest& page) = 0;
  [[nodiscard]] virtual StoreResult<std::optional<call::CallRecord>> find_call(const CallId& id) = 0;
  /// Ends every open call of `node` (left by a crash) with ServerShutdown; answered ones get their duration from the
  /// wall clock up to `now`. A clock that was set back makes no negative duration and no end before the start.
  /// Returns how many.
  [[nodiscard]] virtual StoreResult<std::int64_t> settle_open_calls(std::string_view node, WallTime now) = 0;
};

// ---- chats -------------------------------------------------------------------------------------------------------

struct PrivateChat {
  ChatId id;
  UserId first;  // first < second
  UserId second;
  WallTime created_at{};
  friend bool operator==(const PrivateChat&, const PrivateChat&) = default;
};

class ChatStore {
 public:
  virtual ~ChatStore() = default;
  /// The chat of the two users (in either order), made with `id` unless there is one already. NotFound when a user does
  /// not exist, Conflict when both are the same or the id is taken by another chat.
  [[nodiscard]] virtual StoreResult<PrivateChat> ensure_private_chat(const PrivateChat& chat) = 0;
  [[nodiscard]] virtual StoreResult<std::optional<PrivateChat>> find_private_chat(const ChatId& id) = 0;
  /// Chats of the user, newest first, then greatest id.
  [[nodiscard]] virtual StoreResult<Page<PrivateChat>> list_private_chats(const UserId& user,
                                                                          const PageRequest& page) = 0;
};

// ---- all of it ---------------------------------------------------------------------------------------------------

class Store : public UserStore, public SessionStore, public CallStore, public ChatStore {
 public:
  /// A cheap round trip, for /readyz.
  [[nodiscard]] virtual StoreResult<void> ping() = 0;
};

}  // namespace zvonok::port
