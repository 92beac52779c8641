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
#include "port/group_rules.h"

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

// Limits in bytes. Ids (of users, calls, chats, groups, sessions, nodes) and token hashes have 1 byte at least; caller
// and callee of a call may be empty.
inline constexpr std::size_t kIdBytesMax = 128;
inline constexpr std::size_t kEmailBytesMax = 320;
inline constexpr std::size_t kDisplayNameBytesMax = 400;  // 100 code points of 4 bytes
inline constexpr std::size_t kPasswordHashBytesMax = 512;
inline constexpr std::size_t kCallKeyBytesMax = 255;

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

/// Which calls of a history are wanted; what is not set does not matter.
struct CallFilter {
  std::optional<call::CallKind> kind;
  std::optional<call::CallState> state;
  std::optional<bool> answered;           // an answer was given, now or in the end
  std::optional<bool> rung;               // the other side was rung
  std::vector<call::EndReason> reasons;   // one of these; empty: any, and none
  std::optional<WallTime> started_from;   // then or later
  std::optional<WallTime> started_until;  // before then
  std::optional<std::string> phone_number;
  std::optional<bool> outgoing;  // the user is the caller
  friend bool operator==(const CallFilter&, const CallFilter&) = default;
};

/// Phone calls of one user that were begun in some time.
struct PhoneUsage {
  UserId user;
  std::int64_t calls = 0;
  std::int64_t talked_seconds = 0;  // of those that are over
  friend bool operator==(const PhoneUsage&, const PhoneUsage&) = default;
};

class CallStore {
 public:
  virtual ~CallStore() = default;
  /// Upserts by id, all of them in one transaction. A record that is Ended in the store is never reopened or changed:
  /// such a write succeeds and does nothing. But one that lacks what the sides have used of its tunnel takes that from
  /// another Ended one that has it. Writes of one call may arrive in any order: an Active record does not
  /// become Ringing again, times that are set stay set. Of an existing record only state, times, reason, duration and
  /// node change. `node` says which node owns the call while it is open.
  [[nodiscard]] virtual StoreResult<void> save_calls(const std::vector<call::CallRecord>& records,
                                                     std::string_view node) = 0;
  /// Calls in which `user` is caller or callee, newest `started_at` first, then greatest id.
  [[nodiscard]] virtual StoreResult<Page<call::CallRecord>> list_calls(const UserId& user, const PageRequest& page) = 0;
  /// Of them, those that fit. A cursor goes on with the filter it came from.
  [[nodiscard]] virtual StoreResult<Page<call::CallRecord>> search_calls(const UserId& user, const CallFilter& filter,
                                                                         const PageRequest& page) = 0;
  /// Of every node, in no order: who has begun phone calls since then.
  [[nodiscard]] virtual StoreResult<std::vector<PhoneUsage>> phone_usage(WallTime since) = 0;
  [[nodiscard]] virtual StoreResult<std::optional<call::CallRecord>> find_call(const CallId& id) = 0;
  /// The newest phone call that `user` began under that Idempotency-Key since then.
  [[nodiscard]] virtual StoreResult<std::optional<call::CallRecord>> find_keyed_call(const UserId& user,
                                                                                     std::string_view key,
                                                                                     WallTime since) = 0;
  /// Who is rung when that number is called: who has it, else who has `*`; nobody who is disabled. See
  /// PhoneNumberStore.
  [[nodiscard]] virtual StoreResult<std::optional<UserId>> find_phone_user(std::string_view number) = 0;
  /// Ends every open call of `node` (left by a crash) with ServerShutdown; answered ones get their duration from the
  /// wall clock up to `now`, phone calls `phone_call_max` at most. A clock that was set back makes no negative duration
  /// and no end before the start. Returns how many.
  [[nodiscard]] virtual StoreResult<std::int64_t> settle_open_calls(std::string_view node, WallTime now,
                                                                    Duration phone_call_max) = 0;
};

// ---- telephone numbers -------------------------------------------------------------------------------------------

/// A number has one user, a user may have several numbers.
struct PhoneNumberOwner {
  std::string number;  // E.164, or what a trunk calls it; "*": every number that nobody has
  UserId user;         // need not have an account here
  WallTime since{};
  friend bool operator==(const PhoneNumberOwner&, const PhoneNumberOwner&) = default;
};

class PhoneNumberStore {
 public:
  virtual ~PhoneNumberStore() = default;
  /// Takes the number from whoever has it.
  [[nodiscard]] virtual StoreResult<void> put_phone_number(const PhoneNumberOwner& owner) = 0;
  /// NotFound when nobody has it.
  [[nodiscard]] virtual StoreResult<void> remove_phone_number(std::string_view number) = 0;
  /// In order of the numbers; of one user only, if `user`.
  [[nodiscard]] virtual StoreResult<Page<PhoneNumberOwner>> list_phone_numbers(const std::optional<UserId>& user,
                                                                               const PageRequest& page) = 0;
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

// ---- groups ------------------------------------------------------------------------------------------------------

using GroupId = TextId<struct GroupIdTag>;

inline constexpr std::size_t kGroupTitleBytesMax = 400;  // 100 code points of 4 bytes
inline constexpr std::size_t kGroupMembersMax = 10'000;
inline constexpr std::size_t kGroupsPerUserMax = 1'000;
inline constexpr std::size_t kNewGroupMembersMax = 100;  // besides the creator

struct Group {
  GroupId id;
  std::string title;  // 1 to kGroupTitleBytesMax bytes
  UserId created_by;  // for the record; may have left since
  WallTime created_at{};
  std::int64_t member_count = 0;  // read only
  friend bool operator==(const Group&, const Group&) = default;
};

struct GroupMember {
  UserId user;
  std::string display_name;  // the user's own, as it is now
  GroupRole role = GroupRole::Member;
  WallTime since{};
  friend bool operator==(const GroupMember&, const GroupMember&) = default;
};

/// A group as one of its members sees it.
struct Membership {
  Group group;
  GroupRole role = GroupRole::Member;
  WallTime since{};
  friend bool operator==(const Membership&, const Membership&) = default;
};

/// How a change of a group ended. Of several that apply the first one in this order is told; all but the first three
/// changed nothing.
enum class GroupOutcome {
  Added,    // the group is made, or the member is new
  Changed,  // the title, the role or the members; a group that was deleted, too
  Unchanged,
  NoSuchGroup,    // or the one who asks is not in it: strangers can't tell the two apart
  NoSuchMember,   // who is to be removed is not in the group
  Forbidden,      // the role of the one who asks does not allow it (port/group_rules.h)
  LastOwner,      // a group is never without an owner
  NoSuchUser,     // who is to be added, or a creator
  GroupFull,      // kGroupMembersMax
  TooManyGroups,  // kGroupsPerUserMax of one of those who are to be added
  IdTaken,
};

struct NewGroup {
  Group group;                  // created_by becomes its owner, since created_at
  std::vector<UserId> members;  // the others, role Member; one who comes twice, and the creator, count once
};

struct MemberChange {
  GroupId group;
  UserId user;
  GroupRole role = GroupRole::Member;
  WallTime now{};            // `since` of a new member
  std::optional<UserId> by;  // who asks; absent: the server itself, which may do everything but orphan a group
};

struct MemberRemoval {
  GroupId group;
  UserId user;
  std::optional<UserId> by;
};

/// Groups and their members. What the one who asks may do is decided in the same transaction as the change. Changes of
/// one group happen one after the other: of two admins who add the same user at once one is told Added and the other
/// Unchanged, and of two last owners who leave at once one stays. Members have accounts (UserStore); what happens in a
/// group changes nothing about them.
class GroupStore {
 public:
  virtual ~GroupStore() = default;
  /// Added, NoSuchUser, TooManyGroups or IdTaken. Invalid for more than kNewGroupMembersMax members.
  [[nodiscard]] virtual StoreResult<GroupOutcome> create_group(const NewGroup& group) = 0;
  /// nullopt when there is no such group, or `user` is not in it.
  [[nodiscard]] virtual StoreResult<std::optional<Membership>> find_membership(const GroupId& id,
                                                                               const UserId& user) = 0;
  [[nodiscard]] virtual StoreResult<std::optional<GroupMember>> find_member(const GroupId& id, const UserId& user) = 0;
  /// Groups of the user, the one joined last first, then greatest id.
  [[nodiscard]] virtual StoreResult<Page<Membership>> list_groups(const UserId& user, const PageRequest& page) = 0;
  /// Those who joined first come first, then the least user id. Empty when there is no such group.
  [[nodiscard]] virtual StoreResult<Page<GroupMember>> list_members(const GroupId& id, const PageRequest& page) = 0;
  /// This and the next: `by` as in MemberChange. Changed, Unchanged, NoSuchGroup or Forbidden.
  [[nodiscard]] virtual StoreResult<GroupOutcome> rename_group(const GroupId& id, std::string_view title,
                                                               const std::optional<UserId>& by) = 0;
  /// With its members. Changed, NoSuchGroup or Forbidden.
  [[nodiscard]] virtual StoreResult<GroupOutcome> delete_group(const GroupId& id, const std::optional<UserId>& by) = 0;
  /// Adds the user or changes the role. Never IdTaken or NoSuchMember.
  [[nodiscard]] virtual StoreResult<GroupOutcome> put_member(const MemberChange& change) = 0;
  /// Changed, NoSuchGroup, NoSuchMember, Forbidden or LastOwner.
  [[nodiscard]] virtual StoreResult<GroupOutcome> remove_member(const MemberRemoval& removal) = 0;
};

// ---- all of it ---------------------------------------------------------------------------------------------------

class Store : public UserStore,
              public SessionStore,
              public CallStore,
              public PhoneNumberStore,
              public ChatStore,
              public GroupStore {
 public:
  /// A cheap round trip, for /readyz.
  [[nodiscard]] virtual StoreResult<void> ping() = 0;
};

}  // namespace zvonok::port
