// The forms of the claim `rooms`.
#include <string>

#include "adapter/authorizer_token/token_authorizer.h"
#include "contract/authorizer/fixture.h"

namespace zvonok::test {
namespace {

std::string ask(const std::string& claim, const call::RoomKey& room) {
  authorizer_token::TokenAuthorizer authorizer;
  return summary(authorizer.authorize({.room = room, .user = UserId{"alice"}, .rooms_claim = claim}));
}

TEST(RoomsClaim, AllowsWhatItsEntriesName) {
  struct Row {
    std::string claim;
    std::string group_1;
    std::string group_a_b;  // "a:b"
    std::string chat_1;
  };
  const Row table[] = {
      {R"(["group:1"])", "allowed", "denied", "denied"},
      {R"(["group:a:b"])", "denied", "allowed", "denied"},
      {R"(["chat:1"])", "denied", "denied", "moderator"},
      {R"(["group:*"])", "allowed", "allowed", "denied"},
      {R"(["chat:*"])", "denied", "denied", "moderator"},
      {R"([{"kind":"group","id":"1"}])", "allowed", "denied", "denied"},
      {R"([{"kind":"group","id":1,"role":"host"}])", "host", "denied", "denied"},
      {R"([{"kind":"group","id":"*","role":"member"}])", "member", "member", "denied"},
      {R"([{"kind":"chat","id":"1","role":"member"}])", "denied", "denied", "member"},
      {R"([{"kind":"group","id":"1","role":null,"more":[1]}])", "allowed", "denied", "denied"},
      // the highest role of those that fit
      {R"(["group:1",{"kind":"group","id":"1","role":"member"}])", "member", "denied", "denied"},
      {R"([{"kind":"group","id":"1","role":"moderator"},{"kind":"group","id":"*","role":"member"}])", "moderator",
       "member", "denied"},
      {R"([{"kind":"group","id":"*","role":"member"},{"kind":"group","id":"1","role":"host"}])", "host", "member",
       "denied"},
      // what is not understood allows nothing and spoils nothing
      {R"([1,null,true,[],{},"","group","group:","groups:1",":1","GROUP:1","group:1 "," group:1","group:1"])",
       "allowed", "denied", "denied"},
      {R"([{"kind":"group"},{"id":"1"},{"kind":1,"id":"1"},{"kind":"group","id":["1"]},{"kind":"group","id":1.0},
           {"kind":"group","id":-1},{"kind":"group","id":null},{"kind":"*","id":"*"},"*","*:*","group:1*"])",
       "denied", "denied", "denied"},
      {R"([{"kind":"group","id":"1","role":"owner"},{"kind":"group","id":"1","role":7},
           {"kind":"group","id":"1","role":""}])",
       "denied", "denied", "denied"},
      {R"({"group:1":"host"})", "denied", "denied", "denied"},
      {R"("group:1")", "denied", "denied", "denied"},
      {"", "denied", "denied", "denied"},
      {"[", "denied", "denied", "denied"},
      {"null", "denied", "denied", "denied"},
      {std::string(8000, '['), "denied", "denied", "denied"},
      {R"(["group:1",")" + std::string(20'000, 'x') + "\"]", "denied", "denied", "denied"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(ask(row.claim, group_room("1")), row.group_1) << row.claim.substr(0, 120);
    EXPECT_EQ(ask(row.claim, group_room("a:b")), row.group_a_b) << row.claim.substr(0, 120);
    EXPECT_EQ(ask(row.claim, chat_room("1")), row.chat_1) << row.claim.substr(0, 120);
  }
}

}  // namespace
}  // namespace zvonok::test
