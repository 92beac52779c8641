// Groups and their members: see port/store.h. Whoever changes a group locks its row first, so that what is read after
// it about the members stays so. Rows of users are locked before rows of groups, in one order for everybody.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "adapter/store_sql/database.h"
#include "adapter/store_sql/listing_sql.h"
#include "adapter/store_sql/store_sql.h"
#include "adapter/store_sql/text.h"

namespace zvonok::store_sql {
namespace {

using port::Asker;
using port::Group;
using port::GroupId;
using port::GroupMember;
using port::GroupOutcome;
using port::GroupRole;
using port::MemberChange;
using port::MemberRemoval;
using port::Membership;
using port::NewGroup;
using port::StoreError;
using port::StoreErrorKind;
using port::StoreResult;

const std::string kMembershipColumns =
    "g.id, g.title, g.created_by, g.created_at, g.member_count, m.role, m.since FROM ";
const std::vector<Column> kMembershipTypes{Column::Text,    Column::Text, Column::Text,   Column::Integer,
                                           Column::Integer, Column::Text, Column::Integer};

const std::string kMemberColumns = "m.user_id, u.display_name, m.role, m.since FROM ";
const std::vector<Column> kMemberTypes{Column::Text, Column::Text, Column::Text, Column::Integer};

// The page is cut from one range of an index before the names and titles are looked up.
const std::string kListGroups = "SELECT " + kMembershipColumns +
                                "(SELECT group_id, role, since FROM group_members WHERE user_id = :user AND "
                                "(since, group_id) < (:at, :id) ORDER BY since DESC, group_id DESC LIMIT :limit) AS m "
                                "JOIN chat_groups AS g ON g.id = m.group_id ORDER BY m.since DESC, m.group_id DESC";

const std::string kListMembers = "SELECT " + kMemberColumns +
                                 "(SELECT user_id, role, since FROM group_members WHERE group_id = :group AND "
                                 "(since, user_id) > (:at, :id) ORDER BY since, user_id LIMIT :limit) AS m "
                                 "JOIN users AS u ON u.id = m.user_id ORDER BY m.since, m.user_id";

std::string_view to_text(GroupRole role) {
  switch (role) {
    case GroupRole::Member: return "member";
    case GroupRole::Admin: return "admin";
    case GroupRole::Owner: return "owner";
  }
  std::abort();
}

/// An unknown role, of a newer server's row, has no rights.
GroupRole role_from(const std::string& text) {
  if (text == "owner") return GroupRole::Owner;
  if (text == "admin") return GroupRole::Admin;
  return GroupRole::Member;
}

Membership to_membership(const Row& row) {
  return {.group = {.id = GroupId{row.text(0)},
                    .title = row.text(1),
                    .created_by = UserId{row.text(2)},
                    .created_at = row.time(3),
                    .member_count = row.integer(4)},
          .role = role_from(row.text(5)),
          .since = row.time(6)};
}

GroupMember to_member(const Row& row) {
  return {
      .user = UserId{row.text(0)}, .display_name = row.text(1), .role = role_from(row.text(2)), .since = row.time(3)};
}

// ---- steps of the changes ----------------------------------------------------------------------------------------

/// Locks the user's row, which serializes what counts the user's groups.
bool lock_user(Session& session, const UserId& user) {
  return !session
              .query("SELECT id FROM users WHERE id = :id" + std::string{row_lock(session, Locking::Row)},
                     {Column::Text}, {{"id", user.value()}})
              .empty();
}

struct LockedGroup {
  std::string title;
  std::int64_t member_count = 0;
};

std::optional<LockedGroup> lock_group(Session& session, const GroupId& id) {
  const auto rows = session.query(
      "SELECT title, member_count FROM chat_groups WHERE id = :id" + std::string{row_lock(session, Locking::Row)},
      {Column::Text, Column::Integer}, {{"id", id.value()}});
  if (rows.empty()) return std::nullopt;
  return LockedGroup{.title = rows.front().text(0), .member_count = rows.front().integer(1)};
}

std::optional<GroupRole> role_of(Session& session, const GroupId& group, const UserId& user) {
  const auto rows = session.query("SELECT role FROM group_members WHERE group_id = :group AND user_id = :user",
                                  {Column::Text}, {{"group", group.value()}, {"user", user.value()}});
  return rows.empty() ? std::nullopt : std::optional{role_from(rows.front().text(0))};
}

/// The rights of the one who asks; nullopt for a stranger.
std::optional<GroupRole> rights_of(Session& session, const GroupId& group, const std::optional<UserId>& by) {
  return by ? role_of(session, group, *by) : GroupRole::Owner;
}

bool has_another_owner(Session& session, const GroupId& group, const UserId& user) {
  return !session
              .query(
                  "SELECT user_id FROM group_members WHERE group_id = :group AND role = 'owner' AND user_id <> "
                  ":user LIMIT 1",
                  {Column::Text}, {{"group", group.value()}, {"user", user.value()}})
              .empty();
}

bool in_too_many_groups(Session& session, const UserId& user) {
  const auto rows = session.query("SELECT COUNT(*) FROM group_members WHERE user_id = :user", {Column::Integer},
                                  {{"user", user.value()}});
  return rows.front().integer(0) >= static_cast<std::int64_t>(port::kGroupsPerUserMax);
}

void insert_member(Session& session, const MemberChange& member) {
  session.execute("INSERT INTO group_members (group_id, user_id, role, since) VALUES (:group, :user, :role, :since)",
                  {{"group", member.group.value()},
                   {"user", member.user.value()},
                   {"role", std::string{to_text(member.role)}},
                   {"since", unix_milliseconds(member.now)}});
}

void change_count(Session& session, const GroupId& group, std::int64_t difference) {
  session.execute("UPDATE chat_groups SET member_count = member_count + :difference WHERE id = :id",
                  {{"difference", difference}, {"id", group.value()}});
}

// ---- the changes -------------------------------------------------------------------------------------------------

GroupOutcome found_group(Session& session, const NewGroup& wanted, const std::vector<UserId>& everybody) {
  for (const UserId& user : everybody) {
    if (!lock_user(session, user)) return GroupOutcome::NoSuchUser;
  }
  for (const UserId& user : everybody) {
    if (in_too_many_groups(session, user)) return GroupOutcome::TooManyGroups;
  }
  const Group& group = wanted.group;
  const auto inserted = session.execute(
      "INSERT INTO chat_groups (id, title, created_by, created_at, member_count) "
      "VALUES (:id, :title, :creator, :at, :count) ON CONFLICT (id) DO NOTHING",
      {{"id", group.id.value()},
       {"title", group.title},
       {"creator", group.created_by.value()},
       {"at", unix_milliseconds(group.created_at)},
       {"count", static_cast<std::int64_t>(everybody.size())}});
  if (inserted == 0) return GroupOutcome::IdTaken;
  for (const UserId& user : everybody) {
    insert_member(session, {.group = group.id,
                            .user = user,
                            .role = user == group.created_by ? GroupRole::Owner : GroupRole::Member,
                            .now = group.created_at,
                            .by = std::nullopt});
  }
  return GroupOutcome::Added;
}

GroupOutcome put_in(Session& session, const MemberChange& change) {
  const bool user_exists = lock_user(session, change.user);
  const auto group = lock_group(session, change.group);
  const auto rights = rights_of(session, change.group, change.by);
  if (!group || !rights) return GroupOutcome::NoSuchGroup;
  const auto current = role_of(session, change.group, change.user);
  const Asker asker = change.by == change.user ? Asker::Self : Asker::Other;
  if (!port::may_set_role(*rights, asker, current, change.role)) return GroupOutcome::Forbidden;
  if (current == change.role) return GroupOutcome::Unchanged;
  if (current) {
    if (*current == GroupRole::Owner && !has_another_owner(session, change.group, change.user)) {
      return GroupOutcome::LastOwner;
    }
    session.execute(
        "UPDATE group_members SET role = :role WHERE group_id = :group AND user_id = :user",
        {{"role", std::string{to_text(change.role)}}, {"group", change.group.value()}, {"user", change.user.value()}});
    return GroupOutcome::Changed;
  }
  if (!user_exists) return GroupOutcome::NoSuchUser;
  if (group->member_count >= static_cast<std::int64_t>(port::kGroupMembersMax)) return GroupOutcome::GroupFull;
  if (in_too_many_groups(session, change.user)) return GroupOutcome::TooManyGroups;
  insert_member(session, change);
  change_count(session, change.group, 1);
  return GroupOutcome::Added;
}

GroupOutcome take_out(Session& session, const MemberRemoval& removal) {
  const auto group = lock_group(session, removal.group);
  const auto rights = rights_of(session, removal.group, removal.by);
  if (!group || !rights) return GroupOutcome::NoSuchGroup;
  const auto current = role_of(session, removal.group, removal.user);
  if (!current) return GroupOutcome::NoSuchMember;
  const Asker asker = removal.by == removal.user ? Asker::Self : Asker::Other;
  if (!port::may_remove_member(*rights, asker, *current)) return GroupOutcome::Forbidden;
  if (*current == GroupRole::Owner && !has_another_owner(session, removal.group, removal.user)) {
    return GroupOutcome::LastOwner;
  }
  session.execute("DELETE FROM group_members WHERE group_id = :group AND user_id = :user",
                  {{"group", removal.group.value()}, {"user", removal.user.value()}});
  change_count(session, removal.group, -1);
  return GroupOutcome::Changed;
}

// ---- pages -------------------------------------------------------------------------------------------------------

/// What both listings share: `first` is where the first page begins, nullopt a cursor of another listing.
struct PageStart {
  TimeCursor cursor;
  std::size_t limit = 0;
};
std::optional<PageStart> start_of(Listing listing, const port::PageRequest& page, TimeCursor first) {
  if (!page.after.empty()) {
    auto cursor = decode_time_cursor(listing, page.after);
    if (!cursor) return std::nullopt;
    first = std::move(*cursor);
  }
  return PageStart{.cursor = std::move(first), .limit = std::clamp<std::size_t>(page.limit, 1, port::kPageLimitMax)};
}

Params page_params(const char* key, const std::string& value, const PageStart& start) {
  return {{key, value},
          {"at", start.cursor.at},
          {"id", start.cursor.id},
          {"limit", static_cast<std::int64_t>(start.limit) + 1}};
}

}  // namespace

const std::string& groups_sql() {
  return kListGroups;
}
const std::string& group_members_sql() {
  return kListMembers;
}

StoreResult<GroupOutcome> StoreSql::create_group(const NewGroup& group) {
  auto check = TextCheck{}
                   .required("group id", group.group.id.value())
                   .required("title", group.group.title, port::kGroupTitleBytesMax)
                   .required("creator", group.group.created_by.value());
  for (const UserId& user : group.members) check.required("member", user.value());
  if (check.error()) return fail(*check.error());
  if (group.members.size() > port::kNewGroupMembersMax) {
    return fail(StoreError{StoreErrorKind::Invalid, "too many members of a new group"});
  }
  std::vector<UserId> everybody = group.members;
  everybody.push_back(group.group.created_by);
  std::sort(everybody.begin(), everybody.end());
  everybody.erase(std::unique(everybody.begin(), everybody.end()), everybody.end());
  return database_->run("create_group", Access::Write, [&](Session& session) -> StoreResult<GroupOutcome> {
    return found_group(session, group, everybody);
  });
}

StoreResult<std::optional<Membership>> StoreSql::find_membership(const GroupId& id, const UserId& user) {
  if (!possible_id(id.value()) || !possible_id(user.value())) return std::nullopt;
  return database_->run(
      "find_membership", Access::Read, [&](Session& session) -> StoreResult<std::optional<Membership>> {
        const auto rows = session.query("SELECT " + kMembershipColumns +
                                            "group_members AS m JOIN chat_groups AS g ON g.id = m.group_id "
                                            "WHERE m.group_id = :group AND m.user_id = :user",
                                        kMembershipTypes, {{"group", id.value()}, {"user", user.value()}});
        if (rows.empty()) return std::nullopt;
        return to_membership(rows.front());
      });
}

StoreResult<std::optional<GroupMember>> StoreSql::find_member(const GroupId& id, const UserId& user) {
  if (!possible_id(id.value()) || !possible_id(user.value())) return std::nullopt;
  return database_->run("find_member", Access::Read, [&](Session& session) -> StoreResult<std::optional<GroupMember>> {
    const auto rows = session.query("SELECT " + kMemberColumns +
                                        "group_members AS m JOIN users AS u ON u.id = m.user_id "
                                        "WHERE m.group_id = :group AND m.user_id = :user",
                                    kMemberTypes, {{"group", id.value()}, {"user", user.value()}});
    if (rows.empty()) return std::nullopt;
    return to_member(rows.front());
  });
}

StoreResult<port::Page<Membership>> StoreSql::list_groups(const UserId& user, const port::PageRequest& page) {
  const auto start = start_of(Listing::Groups, page, {.at = std::numeric_limits<std::int64_t>::max(), .id = ""});
  if (!start || !possible_id(user.value())) return port::Page<Membership>{};
  return database_->run("list_groups", Access::Read, [&](Session& session) -> StoreResult<port::Page<Membership>> {
    const auto rows = session.query(kListGroups, kMembershipTypes, page_params("user", user.value(), *start));
    port::Page<Membership> out;
    for (std::size_t i = 0; i < std::min(rows.size(), start->limit); ++i) out.items.push_back(to_membership(rows[i]));
    if (rows.size() > start->limit) {
      const Membership& last = out.items.back();
      out.next =
          encode_cursor(Listing::Groups, TimeCursor{.at = unix_milliseconds(last.since), .id = last.group.id.value()});
    }
    return out;
  });
}

StoreResult<port::Page<GroupMember>> StoreSql::list_members(const GroupId& id, const port::PageRequest& page) {
  const auto start = start_of(Listing::Members, page, {.at = std::numeric_limits<std::int64_t>::min(), .id = ""});
  if (!start || !possible_id(id.value())) return port::Page<GroupMember>{};
  return database_->run("list_members", Access::Read, [&](Session& session) -> StoreResult<port::Page<GroupMember>> {
    const auto rows = session.query(kListMembers, kMemberTypes, page_params("group", id.value(), *start));
    port::Page<GroupMember> out;
    for (std::size_t i = 0; i < std::min(rows.size(), start->limit); ++i) out.items.push_back(to_member(rows[i]));
    if (rows.size() > start->limit) {
      const GroupMember& last = out.items.back();
      out.next =
          encode_cursor(Listing::Members, TimeCursor{.at = unix_milliseconds(last.since), .id = last.user.value()});
    }
    return out;
  });
}

StoreResult<GroupOutcome> StoreSql::rename_group(const GroupId& id, std::string_view title,
                                                 const std::optional<UserId>& by) {
  if (auto error = TextCheck{}.required("title", title, port::kGroupTitleBytesMax).error()) return fail(*error);
  if (!possible_id(id.value()) || (by && !possible_id(by->value()))) return GroupOutcome::NoSuchGroup;
  return database_->run("rename_group", Access::Write, [&](Session& session) -> StoreResult<GroupOutcome> {
    const auto group = lock_group(session, id);
    const auto rights = rights_of(session, id, by);
    if (!group || !rights) return GroupOutcome::NoSuchGroup;
    if (!port::may_rename_group(*rights)) return GroupOutcome::Forbidden;
    if (group->title == title) return GroupOutcome::Unchanged;
    session.execute("UPDATE chat_groups SET title = :title WHERE id = :id",
                    {{"title", std::string{title}}, {"id", id.value()}});
    return GroupOutcome::Changed;
  });
}

StoreResult<GroupOutcome> StoreSql::delete_group(const GroupId& id, const std::optional<UserId>& by) {
  if (!possible_id(id.value()) || (by && !possible_id(by->value()))) return GroupOutcome::NoSuchGroup;
  return database_->run("delete_group", Access::Write, [&](Session& session) -> StoreResult<GroupOutcome> {
    const auto group = lock_group(session, id);
    const auto rights = rights_of(session, id, by);
    if (!group || !rights) return GroupOutcome::NoSuchGroup;
    if (!port::may_delete_group(*rights)) return GroupOutcome::Forbidden;
    session.execute("DELETE FROM chat_groups WHERE id = :id", {{"id", id.value()}});
    return GroupOutcome::Changed;
  });
}

StoreResult<GroupOutcome> StoreSql::put_member(const MemberChange& change) {
  if (auto error = TextCheck{}.required("member", change.user.value()).error()) return fail(*error);
  if (!possible_id(change.group.value()) || (change.by && !possible_id(change.by->value()))) {
    return GroupOutcome::NoSuchGroup;
  }
  return database_->run("put_member", Access::Write,
                        [&](Session& session) -> StoreResult<GroupOutcome> { return put_in(session, change); });
}

StoreResult<GroupOutcome> StoreSql::remove_member(const MemberRemoval& removal) {
  if (!possible_id(removal.group.value()) || (removal.by && !possible_id(removal.by->value()))) {
    return GroupOutcome::NoSuchGroup;
  }
  return database_->run("remove_member", Access::Write, [&](Session& session) -> StoreResult<GroupOutcome> {
    // A text that no user can have finds no member, but only after strangers were told that there is no group.
    if (!possible_id(removal.user.value())) {
      const bool knows = lock_group(session, removal.group) && rights_of(session, removal.group, removal.by);
      return knows ? GroupOutcome::NoSuchMember : GroupOutcome::NoSuchGroup;
    }
    return take_out(session, removal);
  });
}

}  // namespace zvonok::store_sql
