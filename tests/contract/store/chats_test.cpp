// Contract of ChatStore, and of the Store as a whole.
#include <atomic>

#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using port::PrivateChat;
using port::StoreErrorKind;

class Chats : public StoreContract {
 protected:
  static PrivateChat chat(std::uint64_t number, const std::string& first, const std::string& second) {
    return {.id = ChatId{uuid_of(number)},
            .first = UserId{first},
            .second = UserId{second},
            .created_at = at(static_cast<double>(number))};
  }
};
ZVONOK_STORE_CONTRACT(Chats);

TEST_P(Chats, ThereIsOneForTwoUsersInEitherOrder) {
  add_user("alice");
  add_user("bob");
  const PrivateChat first = chat(1, "alice", "bob");
  EXPECT_EQ(store().ensure_private_chat(first).value(), first);
  EXPECT_EQ(store().ensure_private_chat(chat(2, "alice", "bob")).value(), first);
  EXPECT_EQ(store().ensure_private_chat(chat(3, "bob", "alice")).value(), first);
  EXPECT_EQ(store().ensure_private_chat(first).value(), first) << "the same again";
  EXPECT_EQ(store().find_private_chat(first.id).value(), first);
  EXPECT_EQ(store().find_private_chat(ChatId{uuid_of(2)}).value(), std::nullopt);
  reopen();
  EXPECT_EQ(store().find_private_chat(first.id).value(), first) << "after a restart";
}

TEST_P(Chats, SidesAreOrderedByBytes) {
  // A locale would put 'a' before 'B' and 'ё' before 'я'.
  for (const char* id : {"a", "B", "я", "ё"}) add_user(id);
  EXPECT_EQ(store().ensure_private_chat(chat(1, "a", "B"))->first, UserId{"B"});
  EXPECT_EQ(store().ensure_private_chat(chat(2, "ё", "я"))->first, UserId{"я"});
}

TEST_P(Chats, NeedTwoUsersThatExistAndAFreshId) {
  add_user("alice");
  add_user("bob");
  add_user("carol");
  EXPECT_STORE_ERROR(store().ensure_private_chat(chat(1, "alice", "nobody")), StoreErrorKind::NotFound);
  EXPECT_STORE_ERROR(store().ensure_private_chat(chat(1, "nobody", "alice")), StoreErrorKind::NotFound);
  EXPECT_STORE_ERROR(store().ensure_private_chat(chat(1, "alice", "alice")), StoreErrorKind::Conflict);
  ASSERT_STORED(store().ensure_private_chat(chat(1, "alice", "bob")));
  EXPECT_STORE_ERROR(store().ensure_private_chat(chat(1, "alice", "carol")), StoreErrorKind::Conflict);
  EXPECT_STORE_ERROR(store().ensure_private_chat(chat(2, "", "carol")), StoreErrorKind::Invalid);
  PrivateChat nameless = chat(2, "alice", "carol");
  nameless.id = ChatId{};
  EXPECT_STORE_ERROR(store().ensure_private_chat(nameless), StoreErrorKind::Invalid);
  ASSERT_STORED(store().ensure_private_chat(chat(3, "bob", "carol")));
  EXPECT_EQ(store().ensure_private_chat(chat(1, "carol", "bob"))->id, ChatId{uuid_of(3)})
      << "a taken id does not matter when the chat is there";
}

TEST_P(Chats, EnsureFromManyThreadsMakesOne) {
  add_user("alice");
  add_user("bob");
  std::vector<std::string> ids(8);
  in_parallel(8, [&](std::size_t i) {
    const auto made = store().ensure_private_chat(i % 2 == 0 ? chat(i, "alice", "bob") : chat(i, "bob", "alice"));
    ids[i] = made ? made->id.value() : made.error().detail;
  });
  for (const auto& id : ids) EXPECT_EQ(id, ids.front());
}

TEST_P(Chats, ListIsNewestFirstFromBothSidesInPages) {
  add_user("me");
  std::vector<PrivateChat> expected;
  for (std::uint64_t i = 0; i < 120; ++i) {
    const std::string other = (i % 2 == 0 ? "a" : "z") + std::to_string(i);
    add_user(other);
    PrivateChat made = i % 2 == 0 ? chat(i, other, "me") : chat(i, "me", other);
    made.created_at = at(static_cast<double>(i / 10));
    ASSERT_STORED(store().ensure_private_chat(made));
    expected.insert(expected.begin(), made);
  }
  ASSERT_STORED(store().ensure_private_chat(chat(9999, "a0", "z1")));
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
    EXPECT_EQ(all_pages<PrivateChat>(
                  [&](const port::PageRequest& page) { return store().list_private_chats(UserId{"me"}, page); }, limit),
              expected)
        << "limit " << limit;
  }
  const auto foreign = store().list_private_chats(UserId{"me"}, {.after = "bm90IG91cnM", .limit = 5});
  ASSERT_STORED(foreign);
  EXPECT_TRUE(foreign->items.empty());
  EXPECT_TRUE(store().list_private_chats(UserId{"nobody"}, {})->items.empty());
}

class WholeStore : public StoreContract {};
ZVONOK_STORE_CONTRACT(WholeStore);

TEST_P(WholeStore, AnswersPing) {
  ASSERT_STORED(store().ping());
}

TEST_P(WholeStore, PingNoticesADatabaseThatLostItsTables) {
  database_.session()->command("DROP TABLE schema_migrations");
  EXPECT_STORE_ERROR(store().ping(), StoreErrorKind::Unavailable);
}

TEST_P(WholeStore, AnErrorLeavesTheSessionUsable) {
  auto options = database_.options();
  options.pool_size = 1;
  reopen(options);
  add_user("alice");
  for (int i = 0; i < 5; ++i) {
    EXPECT_STORE_ERROR(store().create_user(user_named("alice")), StoreErrorKind::Conflict);
    ASSERT_STORED(store().ping());
  }
  database_.session()->command("ALTER TABLE calls RENAME TO gone");
  EXPECT_STORE_ERROR(store().find_call(CallId{"x"}), StoreErrorKind::Unavailable);
  database_.session()->command("ALTER TABLE gone RENAME TO calls");
  ASSERT_STORED(store().find_call(CallId{"x"}));
}

TEST_P(WholeStore, OneSessionServesManyThreads) {
  auto options = database_.options();
  options.pool_size = 1;
  reopen(options);
  std::atomic<int> errors = 0;
  in_parallel(8, [&](std::size_t i) {
    if (!store().create_user(user_named("user-" + std::to_string(i)))) ++errors;
    if (!store().ping()) ++errors;
  });
  EXPECT_EQ(errors, 0);
}

TEST_P(WholeStore, ACallWaitsForASessionOnlySoLong) {
  auto options = database_.options();
  options.pool_size = 1;
  options.acquire_timeout = milliseconds{200};
  reopen(options);
  // Another node holds what our only session needs.
  auto other = database_.session();
  other->command(GetParam() == DatabaseKind::Sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
  if (GetParam() == DatabaseKind::Postgres) other->command("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
  std::atomic<int> busy = 0;
  in_parallel(3, [&](std::size_t i) {
    const auto result = store().create_user(user_named("user-" + std::to_string(i)));
    if (result) return;
    EXPECT_EQ(result.error().kind, StoreErrorKind::Unavailable);
    // The last of the three to be refused lets the first one go.
    if (++busy == 2) other->command("ROLLBACK");
  });
  EXPECT_EQ(busy, 2);
}

}  // namespace
}  // namespace zvonok::test
