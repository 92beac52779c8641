// Contract of RoomAuthorizer: who is let in, as what, and what is told when it can't be found out.
#include <atomic>
#include <thread>
#include <vector>

#include "contract/authorizer/fixture.h"

namespace zvonok::test {
namespace {

class Authorizers : public testing::TestWithParam<AuthorizerKind> {
 protected:
  std::string ask(const call::RoomKey& room, const std::string& user) {
    const UserId id{user};
    return summary(
        subject_->authorizer().authorize({.room = room, .user = id, .rooms_claim = subject_->rooms_claim(id)}));
  }
  void let_in(const call::RoomKey& room, const std::string& user, call::RoomRole role = call::RoomRole::Member) {
    subject_->let_in(room, UserId{user}, role);
  }

  std::unique_ptr<AuthorizerSubject> subject_ = make_subject(GetParam());
};
INSTANTIATE_TEST_SUITE_P(All, Authorizers,
                         testing::Values(AuthorizerKind::Store, AuthorizerKind::Token, AuthorizerKind::Http),
                         [](const auto& parameter) { return to_text(parameter.param); });

TEST_P(Authorizers, LetMembersInWithTheirRoles) {
  let_in(group_room("1"), "alice", call::RoomRole::Host);
  let_in(group_room("1"), "bob", call::RoomRole::Moderator);
  let_in(group_room("1"), "carol", call::RoomRole::Member);
  EXPECT_EQ(ask(group_room("1"), "alice"), "host");
  EXPECT_EQ(ask(group_room("1"), "bob"), "moderator");
  EXPECT_EQ(ask(group_room("1"), "carol"), "member");
  EXPECT_EQ(ask(group_room("1"), "stranger"), "denied");
  EXPECT_EQ(ask(group_room("2"), "alice"), "denied");
}

TEST_P(Authorizers, LetBothSidesOfAChatModerate) {
  let_in(chat_room("1"), "alice");
  EXPECT_EQ(ask(chat_room("1"), "alice"), "moderator");
  EXPECT_EQ(ask(chat_room("1"), "bob"), "denied");
}

TEST_P(Authorizers, TellAChatFromAGroupOfTheSameId) {
  let_in(chat_room("1"), "alice");
  let_in(group_room("1"), "bob");
  EXPECT_EQ(ask(group_room("1"), "alice"), "denied");
  EXPECT_EQ(ask(chat_room("1"), "bob"), "denied");
  EXPECT_EQ(ask(group_room("1"), "bob"), "member");
}

TEST_P(Authorizers, CompareIdsExactly) {
  let_in(group_room("1"), "alice");
  let_in(group_room("Team.a:b"), "alice");
  EXPECT_EQ(ask(group_room("Team.a:b"), "alice"), "member");
  for (const char* id : {"", "*", "01", "1 ", " 1", "10", "+1", "team.a:b", "Team.a", "Team.a:b:", "%", "_", "1' OR '1",
                         "\"", "{}", "group:1", "1\n", "\xFF", "я"}) {
    EXPECT_EQ(ask(group_room(id), "alice"), "denied") << id;
  }
  EXPECT_EQ(ask(group_room(std::string(129, '1')), "alice"), "denied");
  for (const char* user : {"", "*", "Alice", "alice ", "%", "\"", "а"}) {
    EXPECT_EQ(ask(group_room("1"), user), "denied") << user;
  }
}

TEST_P(Authorizers, HearOfChanges) {
  let_in(group_room("1"), "alice");
  let_in(group_room("1"), "alice", call::RoomRole::Moderator);
  EXPECT_EQ(ask(group_room("1"), "alice"), "moderator");
  subject_->keep_out(group_room("1"), UserId{"alice"});
  EXPECT_EQ(ask(group_room("1"), "alice"), "denied");
  let_in(group_room("1"), "alice");
  EXPECT_EQ(ask(group_room("1"), "alice"), "member");
}

TEST_P(Authorizers, SayWhenItCannotBeFoundOutAndRecover) {
  let_in(group_room("1"), "alice");
  let_in(chat_room("1"), "alice");
  if (!subject_->set_broken(true)) {
    EXPECT_EQ(ask(group_room("1"), "alice"), "member") << "there is nothing that could break";
    return;
  }
  for (const char* user : {"alice", "stranger"}) {
    EXPECT_EQ(ask(group_room("1"), user), "unavailable") << user;
    EXPECT_EQ(ask(chat_room("1"), user), "unavailable") << user;
  }
  subject_->set_broken(false);
  EXPECT_EQ(ask(group_room("1"), "alice"), "member");
  EXPECT_EQ(ask(group_room("1"), "stranger"), "denied");
}

TEST_P(Authorizers, AnswerManyThreadsEachItsOwn) {
  for (int i = 0; i < 8; i += 2) let_in(group_room("1"), "user-" + std::to_string(i));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i, &wrong] {
      for (int round = 0; round < 20; ++round) {
        const std::string expected = i % 2 == 0 ? "member" : "denied";
        if (ask(group_room("1"), "user-" + std::to_string(i)) != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(StoreMembers, ComeWithTheNamesOfTheirAccounts) {
  const auto subject = make_subject(AuthorizerKind::Store);
  for (const auto& room : {group_room("1"), chat_room("1")}) {
    subject->let_in(room, UserId{"alice"}, call::RoomRole::Member);
    const auto answer = subject->authorizer().authorize({.room = room, .user = UserId{"alice"}, .rooms_claim = {}});
    ASSERT_EQ(answer.index(), 0U);
    EXPECT_EQ(std::get<port::RoomAllowed>(answer).display_name, "Name of alice");
  }
}

// ---- the first that allows -----------------------------------------------------------------------------------------

class Fixed final : public port::RoomAuthorizer {
 public:
  explicit Fixed(port::RoomAnswer answer) : answer_{std::move(answer)} {}
  port::RoomAnswer authorize(const port::RoomQuestion&) override {
    ++asked;
    return answer_;
  }
  int asked = 0;

 private:
  port::RoomAnswer answer_;
};

TEST(AnyOfSeveral, TheFirstThatAllowsDecides) {
  const port::RoomAnswer allowed = port::RoomAllowed{.role = call::RoomRole::Host, .display_name = {}};
  const port::RoomAnswer denied = port::RoomDenied{};
  const port::RoomAnswer broken = port::AuthorizerUnavailable{.detail = "down"};
  struct Row {
    port::RoomAnswer first;
    port::RoomAnswer second;
    std::string expected;
    int second_asked;
  };
  const Row table[] = {
      {allowed, denied, "host", 0},       {allowed, broken, "host", 0},       {denied, allowed, "host", 1},
      {broken, allowed, "host", 1},       {denied, denied, "denied", 1},      {denied, broken, "unavailable", 1},
      {broken, denied, "unavailable", 1}, {broken, broken, "unavailable", 1},
  };
  for (const Row& row : table) {
    Fixed first{row.first};
    Fixed second{row.second};
    port::AnyAuthorizer any{{first, second}};
    EXPECT_EQ(summary(any.authorize({.room = group_room("1"), .user = UserId{"alice"}, .rooms_claim = {}})),
              row.expected);
    EXPECT_EQ(first.asked, 1);
    EXPECT_EQ(second.asked, row.second_asked);
  }
  port::AnyAuthorizer none{{}};
  EXPECT_EQ(summary(none.authorize({.room = group_room("1"), .user = UserId{"alice"}, .rooms_claim = {}})), "denied");
}

}  // namespace
}  // namespace zvonok::test
