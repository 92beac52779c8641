// Groups and members over HTTP: the whole life of a group, what strangers are told, and members of private chats.
#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

class GroupsApi : public ::testing::Test {
 protected:
  HttpReply send(const Person& person, const std::string& method, const std::string& target,
                 const std::string& body = {}) {
    HttpCall call{.method = method, .target = target, .headers = {}, .body = body, .token = person.token};
    if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
    return node_.call(call);
  }
  static json::object object_of(const HttpReply& reply) { return json::parse(reply.body).as_object(); }
  static std::string text_of(const HttpReply& reply, std::string_view member) {
    return std::string{object_of(reply).at(member).as_string()};
  }
  /// "alice owner, bob member", in the order of the listing.
  static std::string roles_in(const HttpReply& reply) {
    std::string text;
    const json::object body = object_of(reply);
    for (const json::value& member : body.at("members").as_array()) {
      if (!text.empty()) text += ", ";
      text += member.at("display_name").as_string();
      text += ' ';
      text += member.at("role").as_string();
    }
    return text;
  }
  static std::string path(const Person& member, const std::string& group = "/api/v1/groups/team") {
    return group + "/members/" + member.id;
  }

  TestNode node_;
  Person alice_ = node_.person("alice");
  Person bob_ = node_.person("bob");
  Person carol_ = node_.person("carol");
};

TEST_F(GroupsApi, LiveFromCreationToDeletion) {
  const auto made =
      send(alice_, "POST", "/api/v1/groups", R"({"id":"team","title":" Team ","members":[")" + bob_.id + R"("]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text_of(made, "title"), "Team");
  EXPECT_EQ(text_of(made, "role"), "owner");
  EXPECT_EQ(object_of(made).at("member_count").as_int64(), 2);
  EXPECT_EQ(send(bob_, "PUT", path(carol_), R"({"role":"member"})").status, 403);
  const auto promoted = send(alice_, "PUT", path(bob_), R"({"role":"admin"})");
  EXPECT_EQ(promoted.status, 200) << promoted.body;
  EXPECT_EQ(text_of(promoted, "role"), "admin");
  EXPECT_EQ(send(bob_, "PUT", path(carol_), R"({"role":"member"})").status, 201);
  EXPECT_EQ(send(bob_, "PUT", path(carol_), R"({"role":"member"})").status, 200);
  EXPECT_EQ(text_of(send(carol_, "GET", "/api/v1/groups/team"), "role"), "member");
  EXPECT_EQ(text_of(send(bob_, "PATCH", "/api/v1/groups/team", R"({"title":"Ours"})"), "title"), "Ours");
  const auto first = send(carol_, "GET", "/api/v1/groups/team/members?limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  const auto rest = send(carol_, "GET", "/api/v1/groups/team/members?after=" + text_of(first, "next"));
  EXPECT_EQ(roles_in(rest), "carol member");
  EXPECT_EQ(send(alice_, "DELETE", path(alice_)).status, 409);
  EXPECT_EQ(send(carol_, "DELETE", path(carol_)).status, 204);
  EXPECT_EQ(send(carol_, "GET", "/api/v1/groups/team").status, 404);
  EXPECT_EQ(object_of(send(bob_, "GET", "/api/v1/groups")).at("groups").as_array().size(), 1U);
  EXPECT_EQ(send(bob_, "DELETE", "/api/v1/groups/team").status, 403);
  const auto deleted = send(alice_, "DELETE", "/api/v1/groups/team");
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(send(alice_, "GET", "/api/v1/groups/team").status, 404);
  EXPECT_EQ(object_of(send(bob_, "GET", "/api/v1/groups")).at("groups").as_array().size(), 0U);
}

TEST_F(GroupsApi, TellStrangersNothing) {
  ASSERT_EQ(send(alice_, "POST", "/api/v1/groups", R"({"id":"team","title":"Team"})").status, 201);
  struct Row {
    std::string method;
    std::string below;
    std::string body;
  };
  const Row table[] = {
      {"GET", "", ""},
      {"PATCH", "", R"({"title":"Mine"})"},
      {"DELETE", "", ""},
      {"GET", "/members", ""},
      {"PUT", "/members/" + bob_.id, R"({"role":"member"})"},
      {"DELETE", "/members/" + alice_.id, ""},
  };
  const auto without_id = [](const HttpReply& reply) {
    json::object body = object_of(reply);
    body.erase("request_id");
    return json::serialize(body);
  };
  for (const Row& row : table) {
    const auto there = send(bob_, row.method, "/api/v1/groups/team" + row.below, row.body);
    const auto nowhere = send(bob_, row.method, "/api/v1/groups/nowhere" + row.below, row.body);
    EXPECT_EQ(there.status, 404) << row.method << row.below;
    EXPECT_EQ(without_id(there), without_id(nowhere)) << row.method << row.below;
  }
  EXPECT_EQ(send(bob_, "POST", "/api/v1/groups", R"({"id":"team","title":"T"})").status, 409);
  const Person nobody;
  EXPECT_EQ(send(nobody, "GET", "/api/v1/groups/team").status, 401);
}

TEST_F(GroupsApi, MakeAnIdWhereNoneIsGiven) {
  const auto made = send(alice_, "POST", "/api/v1/groups", R"({"title":"Team"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text_of(made, "id").size(), 36U);
  EXPECT_EQ(send(alice_, "POST", "/api/v1/groups", R"({"title":"Team","members":["nobody"]})").status, 404);
}

TEST_F(GroupsApi, MembersOfAPrivateChatAreItsTwo) {
  const auto made = send(alice_, "POST", "/api/v1/chats", R"({"userId":")" + bob_.id + R"("})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string chat = "/api/v1/chats/" + text_of(made, "id");
  EXPECT_EQ(object_of(send(bob_, "GET", chat)), object_of(made));
  const auto members = send(bob_, "GET", chat + "/members");
  ASSERT_EQ(members.status, 200) << members.body;
  const std::string roles = roles_in(members);
  EXPECT_TRUE(roles == "alice member, bob member" || roles == "bob member, alice member") << roles;
  EXPECT_EQ(send(carol_, "GET", chat).status, 404);
  EXPECT_EQ(send(carol_, "GET", chat + "/members").status, 404);
  EXPECT_EQ(send(carol_, "GET", "/api/v1/chats/nowhere/members").status, 404);
}

}  // namespace
}  // namespace zvonok::test
