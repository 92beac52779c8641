// Groups and members in JSON: what is read, what is refused, what is answered.
#include <string>

#include <gtest/gtest.h>

#include "rest/chats_api.h"
#include "rest/groups_api.h"
#include "unit/rest/request.h"

namespace zvonok::rest {
namespace {

using namespace test;
using port::GroupOutcome;
using port::GroupRole;

constexpr WallTime kTime = wall_from_unix_milliseconds(1'770'122'096'789);  // 2026-02-03T12:34:56.789Z

struct Row {
  std::string body;
  std::string expected;
};

TEST(GroupBodies, OfCreateAreReadOrToldWhatIsWrong) {
  const auto members = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
    return R"({"title":"T","members":[)" + list + "]}";
  };
  const Row table[] = {
      {R"({"title":"Team"})", "good"},
      {R"({"title":"Team","id":null,"members":null})", "good"},
      {R"({"title":"Team","id":"A-z_0.9:x","members":["alice",7]})", "good"},
      {R"({"title":"Team","id":)" + ("\"" + std::string(128, 'x') + "\"}"), "good"},
      {members(100), "good"},
      {members(101), "400 invalid_field members"},
      {"{}", "400 invalid_field title"},
      {R"({"title":null})", "400 invalid_field title"},
      {R"({"title":5})", "400 invalid_field title"},
      {R"({"title":""})", "400 invalid_field title"},
      {R"({"title":"   "})", "400 invalid_field title"},
      {R"({"title":"a\u0000b"})", "400 invalid_field title"},
      {R"({"title":"a\u202eb"})", "400 invalid_field title"},
      {R"({"title":")" + std::string(101, 'x') + "\"}", "400 invalid_field title"},
      {R"({"title":"T","id":""})", "400 invalid_field id"},
      {R"({"title":"T","id":"a b"})", "400 invalid_field id"},
      {R"({"title":"T","id":"a/b"})", "400 invalid_field id"},
      {R"({"title":"T","id":"я"})", "400 invalid_field id"},
      {R"({"title":"T","id":-1})", "400 invalid_field id"},
      {R"({"title":"T","id":1.5})", "400 invalid_field id"},
      {R"({"title":"T","id":true})", "400 invalid_field id"},
      {R"({"title":"T","id":["1"]})", "400 invalid_field id"},
      {R"({"title":"T","id":)" + ("\"" + std::string(129, 'x') + "\"}"), "400 invalid_field id"},
      {R"({"title":"T","members":"alice"})", "400 invalid_field members"},
      {R"({"title":"T","members":{}})", "400 invalid_field members"},
      {R"({"title":"T","members":[""]})", "400 invalid_field members"},
      {R"({"title":"T","members":[null]})", "400 invalid_field members"},
      {R"({"title":"T","members":[{"id":"alice"}]})", "400 invalid_field members"},
      {R"({"title":"T","members":["a\u0007"]})", "400 invalid_field members"},
  };
  for (const Row& row : table) EXPECT_EQ(summary(decode_create_group(post(row.body))), row.expected) << row.body;
  const auto read = decode_create_group(post(R"({"title":"  Team ","id":17,"members":["alice",7]})"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->title, "Team");
  EXPECT_EQ(read->id, port::GroupId{"17"});
  EXPECT_EQ(read->members, (std::vector{UserId{"alice"}, UserId{"7"}}));
  EXPECT_EQ(decode_create_group(post(R"({"title":"T"})"))->id, std::nullopt);
}

TEST(GroupBodies, OfRenameAndRoleAreReadOrToldWhatIsWrong) {
  EXPECT_EQ(decode_rename_group(post(R"({"title":" Друзья "})")).value(), "Друзья");
  EXPECT_EQ(summary(decode_rename_group(post(R"({"title":""})"))), "400 invalid_field title");
  EXPECT_EQ(summary(decode_rename_group(post("{}"))), "400 invalid_field title");
  EXPECT_EQ(decode_member_role(post(R"({"role":"member"})")), GroupRole::Member);
  EXPECT_EQ(decode_member_role(post(R"({"role":"admin"})")), GroupRole::Admin);
  EXPECT_EQ(decode_member_role(post(R"({"role":"owner"})")), GroupRole::Owner);
  for (const char* body : {"{}", R"({"role":null})", R"({"role":"Owner"})", R"({"role":"host"})", R"({"role":""})",
                           R"({"role":2})", R"({"role":["admin"]})"}) {
    EXPECT_EQ(summary(decode_member_role(post(body))), "400 invalid_field role") << body;
  }
}

TEST(GroupPaths, ThatCannotNameAnythingAreNotFound) {
  EXPECT_EQ(group_id_of("Team_1.a:b-c").value(), port::GroupId{"Team_1.a:b-c"});
  for (const std::string& id : {std::string{}, std::string{"a b"}, std::string{"а"}, std::string(129, 'x')}) {
    EXPECT_EQ(summary(group_id_of(id)), "404 not_found") << id;
  }
  EXPECT_EQ(member_id_of("я/б").value(), UserId{"я/б"});
  EXPECT_EQ(chat_id_of("c 1").value(), ChatId{"c 1"});
  for (const std::string& id : {std::string{}, std::string{"a\n"}, std::string(129, 'x')}) {
    EXPECT_EQ(summary(member_id_of(id)), "404 not_found") << id;
    EXPECT_EQ(summary(chat_id_of(id)), "404 not_found") << id;
  }
}

void expect_json(const HttpResponse& response, int status, std::string_view body) {
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(json_of(response.body), json_of(body)) << response.body;
}

TEST(GroupAnswers, ShowAGroupAsItsMemberSeesIt) {
  const port::Membership membership{.group = {.id = port::GroupId{"g"},
                                              .title = "Team \"A\"",
                                              .created_by = UserId{"alice"},
                                              .created_at = kTime,
                                              .member_count = 3},
                                    .role = GroupRole::Admin,
                                    .since = kTime + seconds{1}};
  const std::string text = R"({"id":"g","title":"Team \"A\"","role":"admin","member_count":3,"created_by":"alice",
      "created_at":"2026-02-03T12:34:56.789Z","since":"2026-02-03T12:34:57.789Z"})";
  expect_json(encode_group(membership, GroupOutcome::Added), 201, text);
  expect_json(encode_group(membership, GroupOutcome::Changed), 200, text);
  expect_json(encode_group(membership, GroupOutcome::Unchanged), 200, text);
  expect_json(encode_groups({.items = {membership}, .next = "n"}), 200, R"({"groups":[)" + text + R"(],"next":"n"})");
  expect_json(encode_groups({}), 200, R"({"groups":[],"next":null})");
  const HttpResponse gone = encode_gone();
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.body, "");
}

TEST(GroupAnswers, ShowMembersOfGroupsAndChatsAlike) {
  const port::GroupMember owner{
      .user = UserId{"alice"}, .display_name = "Alice", .role = GroupRole::Owner, .since = kTime};
  const std::string text =
      R"({"user_id":"alice","display_name":"Alice","role":"owner","since":"2026-02-03T12:34:56.789Z"})";
  expect_json(encode_member(owner, GroupOutcome::Added), 201, text);
  expect_json(encode_member(owner, GroupOutcome::Unchanged), 200, text);
  expect_json(encode_members({.items = {owner}, .next = "n"}), 200, R"({"members":[)" + text + R"(],"next":"n"})");
  const port::PrivateChat chat{
      .id = ChatId{"c"}, .first = UserId{"alice"}, .second = UserId{"bob"}, .created_at = kTime};
  expect_json(encode_chat_members({.chat = chat, .first_name = "Alice", .second_name = ""}), 200,
              R"({"members":[
      {"user_id":"alice","display_name":"Alice","role":"member","since":"2026-02-03T12:34:56.789Z"},
      {"user_id":"bob","display_name":"","role":"member","since":"2026-02-03T12:34:56.789Z"}],"next":null})");
}

TEST(GroupProblems, EveryOutcomeHasAStatus) {
  const std::pair<GroupOutcome, std::string> table[] = {
      {GroupOutcome::NoSuchGroup, "404 not_found"},         {GroupOutcome::NoSuchMember, "404 not_found"},
      {GroupOutcome::Forbidden, "403 forbidden"},           {GroupOutcome::LastOwner, "409 last_owner"},
      {GroupOutcome::NoSuchUser, "404 not_found"},          {GroupOutcome::GroupFull, "409 group_full"},
      {GroupOutcome::TooManyGroups, "409 too_many_groups"}, {GroupOutcome::IdTaken, "409 id_taken"},
  };
  for (const auto& [outcome, expected] : table) EXPECT_EQ(summary(problem_of(outcome).value()), expected);
  for (const GroupOutcome good : {GroupOutcome::Added, GroupOutcome::Changed, GroupOutcome::Unchanged}) {
    EXPECT_FALSE(problem_of(good).has_value());
  }
}

}  // namespace
}  // namespace zvonok::rest
