// Contract of GroupStore: membership, who may change it, its limits, and changes at the same time.
#include <algorithm>
#include <array>
#include <atomic>

#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using port::Group;
using port::GroupId;
using port::GroupMember;
using port::GroupOutcome;
using port::GroupRole;
using port::Membership;
using port::NewGroup;
using port::StoreErrorKind;
using testing::ElementsAre;
using testing::IsEmpty;

const GroupId kGroup{"g-1"};

class Groups : public StoreContract {
 protected:
  static NewGroup group_of(const std::string& owner, const std::vector<std::string>& members = {}) {
    NewGroup group{.group = {.id = kGroup, .title = "Friends", .created_by = UserId{owner}, .created_at = at(1)},
                   .members = {}};
    for (const auto& member : members) group.members.emplace_back(member);
    return group;
  }
  /// The group g-1 of "owner", "admin" and "member", who exist, beside "stranger", who is in no group.
  void found_group() {
    for (const char* user : {"owner", "admin", "member", "stranger"}) add_user(user);
    ASSERT_EQ(store().create_group(group_of("owner", {"member", "admin"})), GroupOutcome::Added);
    ASSERT_EQ(put("owner", "admin", GroupRole::Admin), GroupOutcome::Changed);
  }
  /// `by` "" is the server itself.
  GroupOutcome put(const std::string& by, const std::string& user, GroupRole role) {
    const auto outcome = store().put_member({.group = kGroup,
                                             .user = UserId{user},
                                             .role = role,
                                             .now = at(10),
                                             .by = by.empty() ? std::nullopt : std::optional{UserId{by}}});
    EXPECT_TRUE(outcome.has_value()) << outcome.error().detail;
    return outcome.value_or(GroupOutcome::IdTaken);
  }
  GroupOutcome remove(const std::string& by, const std::string& user) {
    const auto outcome = store().remove_member(
        {.group = kGroup, .user = UserId{user}, .by = by.empty() ? std::nullopt : std::optional{UserId{by}}});
    EXPECT_TRUE(outcome.has_value()) << outcome.error().detail;
    return outcome.value_or(GroupOutcome::IdTaken);
  }
  std::optional<GroupRole> role_of(const std::string& user) {
    const auto found = store().find_membership(kGroup, UserId{user});
    EXPECT_TRUE(found.has_value()) << found.error().detail;
    return found.value() ? std::optional{(*found)->role} : std::nullopt;
  }
  std::int64_t member_count() { return store().find_membership(kGroup, UserId{"owner"}).value()->group.member_count; }
  std::int64_t rows_of(const std::string& table) {
    return database_.session()->query("SELECT COUNT(*) FROM " + table, {store_sql::Column::Integer}).front().integer(0);
  }
  std::vector<std::string> members() {
    std::vector<std::string> users;
    for (const auto& member : all_pages<GroupMember>(
             [&](const port::PageRequest& page) { return store().list_members(kGroup, page); }, 200)) {
      users.push_back(member.user.value());
    }
    return users;
  }
};
ZVONOK_STORE_CONTRACT(Groups);

TEST_P(Groups, AreMadeWithAnOwnerAndMembers) {
  add_user("alice", "Alice");
  add_user("bob", "Bob");
  add_user("carol", "Carol");
  EXPECT_EQ(store().create_group(group_of("alice", {"carol", "bob", "carol", "alice"})), GroupOutcome::Added);
  reopen();
  const Group group{
      .id = kGroup, .title = "Friends", .created_by = UserId{"alice"}, .created_at = at(1), .member_count = 3};
  EXPECT_EQ(store().find_membership(kGroup, UserId{"alice"}).value(),
            (Membership{.group = group, .role = GroupRole::Owner, .since = at(1)}));
  EXPECT_EQ(store().find_membership(kGroup, UserId{"bob"}).value(),
            (Membership{.group = group, .role = GroupRole::Member, .since = at(1)}));
  EXPECT_EQ(store().find_member(kGroup, UserId{"carol"}).value(),
            (GroupMember{.user = UserId{"carol"}, .display_name = "Carol", .role = GroupRole::Member, .since = at(1)}));
  EXPECT_THAT(members(), ElementsAre("alice", "bob", "carol"));
}

TEST_P(Groups, AreNotMadeWhenSomethingIsWrong) {
  add_user("alice");
  add_user("bob");
  EXPECT_EQ(store().create_group(group_of("nobody")), GroupOutcome::NoSuchUser);
  EXPECT_EQ(store().create_group(group_of("alice", {"bob", "nobody"})), GroupOutcome::NoSuchUser);
  const auto invalid = [&](auto spoil) {
    NewGroup group = group_of("alice");
    spoil(group);
    EXPECT_STORE_ERROR(store().create_group(group), StoreErrorKind::Invalid);
  };
  invalid([](NewGroup& g) { g.group.id = GroupId{}; });
  invalid([](NewGroup& g) { g.group.id = GroupId{std::string(129, 'x')}; });
  invalid([](NewGroup& g) { g.group.title = ""; });
  invalid([](NewGroup& g) { g.group.title = std::string(401, 'x'); });
  invalid([](NewGroup& g) { g.group.title = "\xFF"; });
  invalid([](NewGroup& g) { g.group.created_by = UserId{}; });
  invalid([](NewGroup& g) { g.members = {UserId{""}}; });
  invalid([](NewGroup& g) { g.members.assign(101, UserId{"bob"}); });
  EXPECT_EQ(rows_of("chat_groups"), 0);
  EXPECT_EQ(rows_of("group_members"), 0);
  EXPECT_EQ(store().create_group(group_of("alice")), GroupOutcome::Added);
  EXPECT_EQ(store().create_group(group_of("alice")), GroupOutcome::IdTaken) << "the same again";
  EXPECT_EQ(store().create_group(group_of("bob", {"alice"})), GroupOutcome::IdTaken);
  EXPECT_THAT(members(), ElementsAre("alice"));
}

TEST_P(Groups, AreUnknownToStrangers) {
  found_group();
  EXPECT_EQ(store().find_membership(kGroup, UserId{"stranger"}).value(), std::nullopt);
  EXPECT_EQ(store().find_member(kGroup, UserId{"stranger"}).value(), std::nullopt);
  for (const GroupId& id : {kGroup, GroupId{"nowhere"}, GroupId{""}, GroupId{"\xFF"}, GroupId{std::string(200, 'x')}}) {
    for (const char* who : {"stranger", "nobody", ""}) {
      const UserId by{who};
      EXPECT_EQ(store().rename_group(id, "Mine", by), GroupOutcome::NoSuchGroup) << id << " " << who;
      EXPECT_EQ(store().delete_group(id, by), GroupOutcome::NoSuchGroup) << id << " " << who;
      EXPECT_EQ(store().put_member({.group = id, .user = UserId{"stranger"}, .role = {}, .now = at(2), .by = by}),
                GroupOutcome::NoSuchGroup)
          << id << " " << who;
      EXPECT_EQ(store().put_member({.group = id, .user = UserId{"unknown"}, .role = {}, .now = at(2), .by = by}),
                GroupOutcome::NoSuchGroup)
          << id << " " << who;
      for (const char* whom : {"stranger", "member", "", "\xFF"}) {
        EXPECT_EQ(store().remove_member({.group = id, .user = UserId{whom}, .by = by}), GroupOutcome::NoSuchGroup)
            << id << " " << who;
      }
    }
  }
  EXPECT_EQ(member_count(), 3);
}

TEST_P(Groups, RolesDecideWhoMayChangeThem) {
  found_group();
  add_user("other");
  struct Row {
    const char* by;
    const char* user;
    GroupRole role;
    GroupOutcome outcome;
  };
  using enum GroupOutcome;
  using enum GroupRole;
  // Each row from the same start: owner, admin, member; "other" outside.
  const Row table[] = {
      {"owner", "other", Member, Added},
      {"owner", "other", Admin, Added},
      {"owner", "other", Owner, Added},
      {"owner", "member", Admin, Changed},
      {"owner", "admin", Member, Changed},
      {"owner", "member", Owner, Changed},
      {"owner", "member", Member, Unchanged},
      {"owner", "owner", Owner, Unchanged},
      {"owner", "owner", Admin, LastOwner},
      {"owner", "owner", Member, LastOwner},
      {"owner", "nobody", Member, NoSuchUser},
      {"admin", "other", Member, Added},
      {"admin", "other", Admin, Forbidden},
      {"admin", "other", Owner, Forbidden},
      {"admin", "member", Member, Unchanged},
      {"admin", "member", Admin, Forbidden},
      {"admin", "owner", Member, Forbidden},
      {"admin", "admin", Owner, Forbidden},
      {"admin", "admin", Admin, Unchanged},
      {"admin", "admin", Member, Changed},
      {"admin", "nobody", Member, NoSuchUser},
      {"member", "other", Member, Forbidden},
      {"member", "member", Admin, Forbidden},
      {"member", "member", Member, Unchanged},
      {"member", "admin", Member, Forbidden},
      {"member", "nobody", Member, Forbidden},
      {"", "other", Owner, Added},
      {"", "owner", Member, LastOwner},
      {"other", "other", Member, NoSuchGroup},
      {"", "nobody", Member, NoSuchUser},
  };
  for (const Row& row : table) {
    EXPECT_EQ(put(row.by, row.user, row.role), row.outcome)
        << row.by << " makes " << row.user << " " << static_cast<int>(row.role);
    if (row.outcome == Added || row.outcome == Changed) {
      EXPECT_EQ(role_of(row.user), row.role);
    }
    remove("", "other");
    put("", "owner", Owner);
    put("", "admin", Admin);
    put("", "member", Member);
  }
  EXPECT_EQ(member_count(), 3);
  EXPECT_EQ(rows_of("group_members"), 3);
}

TEST_P(Groups, RolesDecideWhoMayRemoveWhom) {
  found_group();
  add_user("second");
  struct Row {
    const char* by;
    const char* user;
    GroupOutcome outcome;
  };
  using enum GroupOutcome;
  const Row table[] = {
      {"owner", "member", Changed},          {"owner", "admin", Changed},
      {"owner", "second", Changed},          {"owner", "owner", Changed},
      {"admin", "member", Changed},          {"admin", "admin", Changed},
      {"admin", "owner", Forbidden},         {"member", "admin", Forbidden},
      {"member", "owner", Forbidden},        {"member", "member", Changed},
      {"stranger", "member", NoSuchGroup},   {"owner", "stranger", NoSuchMember},
      {"member", "nobody", NoSuchMember},    {"", "owner", Changed},
      {"stranger", "stranger", NoSuchGroup}, {"owner", "", NoSuchMember},
  };
  for (const Row& row : table) {
    put("", "second", GroupRole::Owner);
    EXPECT_EQ(remove(row.by, row.user), row.outcome) << row.by << " removes " << row.user;
    if (row.outcome == Changed) {
      EXPECT_EQ(role_of(row.user), std::nullopt);
    }
    put("", "owner", GroupRole::Owner);
    put("", "admin", GroupRole::Admin);
    put("", "member", GroupRole::Member);
  }
}

TEST_P(Groups, TheLastOwnerCanNeitherLeaveNorStepDown) {
  found_group();
  for (const char* by : {"owner", ""}) {
    EXPECT_EQ(remove(by, "owner"), GroupOutcome::LastOwner);
    EXPECT_EQ(put(by, "owner", GroupRole::Admin), GroupOutcome::LastOwner);
  }
  EXPECT_EQ(role_of("owner"), GroupRole::Owner);
  EXPECT_EQ(put("owner", "member", GroupRole::Owner), GroupOutcome::Changed);
  EXPECT_EQ(put("owner", "owner", GroupRole::Member), GroupOutcome::Changed);
  EXPECT_EQ(remove("owner", "owner"), GroupOutcome::Changed);
  EXPECT_EQ(remove("member", "member"), GroupOutcome::LastOwner);
}

TEST_P(Groups, ANewMemberKeepsTheTimeOfJoiningWhateverTheRoleBecomes) {
  found_group();
  put("admin", "stranger", GroupRole::Member);
  const auto later = store().put_member(
      {.group = kGroup, .user = UserId{"stranger"}, .role = GroupRole::Admin, .now = at(99), .by = UserId{"owner"}});
  EXPECT_EQ(later, GroupOutcome::Changed);
  EXPECT_EQ(store().find_membership(kGroup, UserId{"stranger"}).value()->since, at(10));
}

TEST_P(Groups, AreRenamedByAdminsAndDeletedByOwners) {
  found_group();
  const auto rename = [&](const char* by, std::string_view title) {
    return store().rename_group(kGroup, title, UserId{by});
  };
  EXPECT_EQ(rename("member", "Mine"), GroupOutcome::Forbidden);
  EXPECT_EQ(rename("admin", "Ours"), GroupOutcome::Changed);
  EXPECT_EQ(rename("owner", "Ours"), GroupOutcome::Unchanged);
  EXPECT_EQ(rename("owner", "Друзья"), GroupOutcome::Changed);
  EXPECT_STORE_ERROR(rename("owner", ""), StoreErrorKind::Invalid);
  EXPECT_EQ(store().find_membership(kGroup, UserId{"member"}).value()->group.title, "Друзья");
  EXPECT_EQ(store().delete_group(kGroup, UserId{"member"}), GroupOutcome::Forbidden);
  EXPECT_EQ(store().delete_group(kGroup, UserId{"admin"}), GroupOutcome::Forbidden);
  EXPECT_EQ(store().delete_group(kGroup, UserId{"owner"}), GroupOutcome::Changed);
  EXPECT_EQ(store().delete_group(kGroup, UserId{"owner"}), GroupOutcome::NoSuchGroup);
  EXPECT_EQ(store().find_membership(kGroup, UserId{"owner"}).value(), std::nullopt);
  EXPECT_THAT(members(), IsEmpty());
  EXPECT_EQ(rows_of("group_members"), 0);
  EXPECT_TRUE(store().find_user(UserId{"member"}).value().has_value()) << "accounts stay";
  EXPECT_EQ(store().create_group(group_of("stranger")), GroupOutcome::Added) << "the id is free again";
}

TEST_P(Groups, BeingRemovedChangesNothingAboutTheAccount) {
  found_group();
  const auto before = store().find_user(UserId{"member"}).value();
  ASSERT_STORED(store().create_session(
      {.id = "s", .user = UserId{"member"}, .created_at = at(0), .expires_at = at(1000)}, hash_of(1)));
  EXPECT_EQ(remove("owner", "member"), GroupOutcome::Changed);
  EXPECT_EQ(store().find_user(UserId{"member"}).value(), before);
  EXPECT_TRUE(store().revoke_by_refresh(hash_of(1), at(5)).value().has_value());
}

TEST_P(Groups, AreListedByTheTimeOfJoiningInPages) {
  add_user("me");
  add_user("other");
  std::vector<std::string> expected;
  for (std::uint64_t i = 0; i < 45; ++i) {
    NewGroup group = group_of(i % 3 == 0 ? "me" : "other", {"me"});
    group.group.id = GroupId{uuid_of(i)};
    group.group.created_at = at(static_cast<double>(i / 5));
    ASSERT_EQ(store().create_group(group), GroupOutcome::Added);
    expected.insert(expected.begin(), group.group.id.value());
  }
  NewGroup foreign = group_of("other");
  ASSERT_EQ(store().create_group(foreign), GroupOutcome::Added);
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
    std::vector<std::string> seen;
    for (const auto& row : all_pages<Membership>(
             [&](const port::PageRequest& page) { return store().list_groups(UserId{"me"}, page); }, limit)) {
      seen.push_back(row.group.id.value());
      EXPECT_EQ(row.role, row.group.created_by == UserId{"me"} ? GroupRole::Owner : GroupRole::Member);
    }
    EXPECT_EQ(seen, expected) << "limit " << limit;
  }
  EXPECT_TRUE(store().list_groups(UserId{"nobody"}, {})->items.empty());
  EXPECT_TRUE(store().list_groups(UserId{"me"}, {.after = "bm90IG91cnM", .limit = 5})->items.empty());
}

TEST_P(Groups, MembersAreListedByTheTimeOfJoiningInPages) {
  add_user("owner");
  ASSERT_EQ(store().create_group(group_of("owner")), GroupOutcome::Added);
  std::vector<std::string> expected{"owner"};
  for (std::uint64_t i = 0; i < 45; ++i) {
    const std::string id = uuid_of(i);
    add_user(id, "Name " + id);
    ASSERT_EQ(store().put_member({.group = kGroup,
                                  .user = UserId{id},
                                  .role = GroupRole::Member,
                                  .now = at(static_cast<double>(10 + i / 5)),
                                  .by = UserId{"owner"}}),
              GroupOutcome::Added);
    expected.push_back(id);
  }
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
    std::vector<std::string> seen;
    for (const auto& member : all_pages<GroupMember>(
             [&](const port::PageRequest& page) { return store().list_members(kGroup, page); }, limit)) {
      seen.push_back(member.user.value());
      const bool owner = member.user == UserId{"owner"};
      EXPECT_EQ(member.display_name, owner ? "owner" : "Name " + member.user.value());
    }
    EXPECT_EQ(seen, expected) << "limit " << limit;
  }
  EXPECT_TRUE(store().list_members(GroupId{"nowhere"}, {})->items.empty());
  const auto first = store().list_members(kGroup, {.after = "", .limit = 5});
  EXPECT_TRUE(store().list_groups(UserId{"owner"}, {.after = first->next, .limit = 5})->items.empty())
      << "a cursor of another listing";
}

TEST_P(Groups, HoldSoManyMembersAndAUserIsInSoManyGroups) {
  found_group();
  const auto session = database_.session();
  session->execute("UPDATE chat_groups SET member_count = :count",
                   {{"count", static_cast<std::int64_t>(port::kGroupMembersMax) - 1}});
  add_user("another");
  EXPECT_EQ(put("admin", "stranger", GroupRole::Member), GroupOutcome::Added);
  EXPECT_EQ(put("admin", "another", GroupRole::Member), GroupOutcome::GroupFull);
  EXPECT_EQ(put("admin", "stranger", GroupRole::Member), GroupOutcome::Unchanged) << "is in already";
  EXPECT_EQ(put("owner", "stranger", GroupRole::Admin), GroupOutcome::Changed);
  EXPECT_EQ(remove("owner", "stranger"), GroupOutcome::Changed);
  EXPECT_EQ(put("admin", "another", GroupRole::Member), GroupOutcome::Added);
  remove("owner", "another");
  // 998 groups of which "another" is a member; by two more the limit is reached.
  session->command("BEGIN");
  for (std::size_t i = 0; i < port::kGroupsPerUserMax - 2; ++i) {
    const store_sql::Params id{{"id", "filler-" + std::to_string(i)}};
    session->execute("INSERT INTO chat_groups VALUES (:id, 't', 'another', 0, 1)", id);
    session->execute("INSERT INTO group_members VALUES (:id, 'another', 'owner', 0)", id);
  }
  session->command("COMMIT");
  EXPECT_EQ(put("owner", "another", GroupRole::Member), GroupOutcome::Added);
  NewGroup last = group_of("stranger", {"another"});
  last.group.id = GroupId{"g-2"};
  EXPECT_EQ(store().create_group(last), GroupOutcome::Added);
  last.group.id = GroupId{"g-3"};
  EXPECT_EQ(store().create_group(last), GroupOutcome::TooManyGroups);
  EXPECT_EQ(remove("another", "another"), GroupOutcome::Changed);
  EXPECT_EQ(put("owner", "another", GroupRole::Member), GroupOutcome::Added);
  EXPECT_EQ(remove("owner", "another"), GroupOutcome::Changed);
  EXPECT_EQ(store().create_group(last), GroupOutcome::Added);
  EXPECT_EQ(put("owner", "another", GroupRole::Member), GroupOutcome::TooManyGroups);
}

// ---- at the same time --------------------------------------------------------------------------------------------

TEST_P(Groups, OfManyWhoAddTheSameUserAtOnceOneAdds) {
  found_group();
  put("owner", "member", GroupRole::Admin);
  std::array<GroupOutcome, 8> outcomes{};
  in_parallel(
      8, [&](std::size_t i) { outcomes.at(i) = put(i % 2 == 0 ? "admin" : "member", "stranger", GroupRole::Member); });
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::Added), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::Unchanged), 7);
  EXPECT_EQ(member_count(), 4);
  EXPECT_EQ(rows_of("group_members"), 4);
}

TEST_P(Groups, OfTwoLastOwnersWhoLeaveAtOnceOneStays) {
  found_group();
  for (int round = 0; round < 10; ++round) {
    put("", "owner", GroupRole::Owner);
    put("", "admin", GroupRole::Owner);
    std::array<GroupOutcome, 2> outcomes{};
    in_parallel(2, [&](std::size_t i) {
      const std::string self = i == 0 ? "owner" : "admin";
      outcomes.at(i) = round % 2 == 0 ? remove(self, self) : put(self, self, GroupRole::Member);
    });
    EXPECT_THAT(outcomes, testing::UnorderedElementsAre(GroupOutcome::Changed, GroupOutcome::LastOwner)) << round;
    EXPECT_NE(role_of("owner") == GroupRole::Owner, role_of("admin") == GroupRole::Owner) << round;
  }
}

TEST_P(Groups, OfTwoOwnersWhoRemoveEachOtherOneStays) {
  found_group();
  for (int round = 0; round < 10; ++round) {
    put("", "owner", GroupRole::Owner);
    put("", "admin", GroupRole::Owner);
    std::array<GroupOutcome, 2> outcomes{};
    in_parallel(2,
                [&](std::size_t i) { outcomes.at(i) = i == 0 ? remove("owner", "admin") : remove("admin", "owner"); });
    EXPECT_THAT(outcomes, testing::UnorderedElementsAre(GroupOutcome::Changed, GroupOutcome::NoSuchGroup)) << round;
  }
}

TEST_P(Groups, LimitsHoldWhenManyAddAtOnce) {
  found_group();
  database_.session()->execute("UPDATE chat_groups SET member_count = :count",
                               {{"count", static_cast<std::int64_t>(port::kGroupMembersMax) - 2}});
  for (int i = 0; i < 8; ++i) add_user("user-" + std::to_string(i));
  std::array<GroupOutcome, 8> outcomes{};
  in_parallel(8, [&](std::size_t i) { outcomes.at(i) = put("admin", "user-" + std::to_string(i), GroupRole::Member); });
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::Added), 2);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::GroupFull), 6);
}

TEST_P(Groups, CreationsWithTheSamePeopleInAnyOrderDoNotLockEachOtherOut) {
  for (int i = 0; i < 10; ++i) add_user("user-" + std::to_string(i));
  std::atomic<int> errors = 0;
  in_parallel(8, [&](std::size_t i) {
    NewGroup group = group_of("user-" + std::to_string(i));
    group.group.id = GroupId{uuid_of(i)};
    for (std::size_t k = 0; k < 10; ++k) group.members.emplace_back("user-" + std::to_string((i + k * 7) % 10));
    if (store().create_group(group) != GroupOutcome::Added) ++errors;
    if (store().put_member({.group = group.group.id,
                            .user = UserId{"user-0"},
                            .role = GroupRole::Admin,
                            .now = at(2),
                            .by = std::nullopt}) != GroupOutcome::Changed) {
      // The group's own owner may be user-0, who then is the last owner.
      if (i != 0) ++errors;
    }
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(rows_of("group_members"), 80);
}

TEST_P(Groups, OfManyWhoTakeTheSameIdOneGetsIt) {
  for (int i = 0; i < 8; ++i) add_user("user-" + std::to_string(i));
  std::array<GroupOutcome, 8> outcomes{};
  in_parallel(8, [&](std::size_t i) {
    outcomes.at(i) = store().create_group(group_of("user-" + std::to_string(i))).value_or(GroupOutcome::Forbidden);
  });
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::Added), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), GroupOutcome::IdTaken), 7);
  EXPECT_EQ(rows_of("group_members"), 1);
}

}  // namespace
}  // namespace zvonok::test
