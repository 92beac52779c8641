// Contract of UserStore.
#include <atomic>

#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using port::StoreErrorKind;
using port::User;

class Users : public StoreContract {
 protected:
  std::vector<std::string> listed(const std::string& search, bool include_disabled = false) {
    std::vector<std::string> ids;
    for (const User& user : all_pages<User>(
             [&](const port::PageRequest& page) {
               return store().list_users({.search = search, .include_disabled = include_disabled, .page = page});
             },
             50)) {
      ids.push_back(user.id.value());
    }
    return ids;
  }
};
ZVONOK_STORE_CONTRACT(Users);

User full_user() {
  return {.id = UserId{"alice"},
          .email = "alice@example.org",
          .display_name = "Alice",
          .password_hash = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA",
          .disabled = true,
          .created_at = at(1.234)};
}

TEST_P(Users, AreFoundAsTheyWereCreated) {
  const User user = full_user();
  ASSERT_STORED(store().create_user(user));
  EXPECT_EQ(store().find_user(user.id).value(), user);
  EXPECT_EQ(store().find_user_by_email("alice@example.org").value(), user);
  EXPECT_EQ(store().find_user(UserId{"bob"}).value(), std::nullopt);
  EXPECT_EQ(store().find_user_by_email("bob@example.org").value(), std::nullopt);
  reopen();
  EXPECT_EQ(store().find_user(user.id).value(), user) << "after a restart";
}

TEST_P(Users, NeedNoEmailAndNoName) {
  User user = user_named("alice");
  user.display_name = "";
  ASSERT_STORED(store().create_user(user));
  EXPECT_EQ(store().find_user(user.id).value(), user);
  EXPECT_EQ(store().find_user_by_email("").value(), std::nullopt) << "no email is not the email ''";
  ASSERT_STORED(store().create_user(user_named("bob")));
  EXPECT_EQ(listed("").size(), 2U) << "two users without email do not collide";
}

TEST_P(Users, ConflictOnTheIdAndOnTheEmailInAnyCase) {
  ASSERT_STORED(store().create_user(full_user()));
  User same_id = user_named("alice");
  EXPECT_STORE_ERROR(store().create_user(same_id), StoreErrorKind::Conflict);
  User same_email = user_named("bob");
  same_email.email = "ALICE@Example.org";
  EXPECT_STORE_ERROR(store().create_user(same_email), StoreErrorKind::Conflict);
  EXPECT_EQ(store().find_user(UserId{"alice"}).value(), full_user()) << "the first one is untouched";
  EXPECT_EQ(store().find_user(UserId{"bob"}).value(), std::nullopt);
}

TEST_P(Users, AreFoundByEmailInAnyCase) {
  User user = full_user();
  user.email = "Алиса@Example.ORG";
  ASSERT_STORED(store().create_user(user));
  const auto found = store().find_user_by_email("алИСа@eXample.org").value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->email, "алиса@example.org");
}

TEST_P(Users, ErrorsNameNoRowContent) {
  ASSERT_STORED(store().create_user(full_user()));
  User other = user_named("someone-else");
  other.email = "alice@example.org";
  for (const auto& result : {store().create_user(full_user()), store().create_user(other)}) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().detail.find("example.org"), std::string::npos) << result.error().detail;
    EXPECT_EQ(result.error().detail.find("argon2id"), std::string::npos) << result.error().detail;
    EXPECT_EQ(result.error().detail.find('\n'), std::string::npos) << result.error().detail;
  }
}

TEST_P(Users, EnsureCreatesOnceAndReturnsWhatIsStored) {
  const User first = user_named("alice", "Alice");
  EXPECT_EQ(store().ensure_user(first).value(), first);
  User second = first;
  second.display_name = "Another name";
  second.created_at = at(100);
  EXPECT_EQ(store().ensure_user(second).value(), first);
  User thief = user_named("bob");
  thief.email = "bob@example.org";
  ASSERT_STORED(store().ensure_user(thief));
  thief.id = UserId{"carol"};
  EXPECT_STORE_ERROR(store().ensure_user(thief), StoreErrorKind::Conflict);
}

TEST_P(Users, EnsureFromManyThreadsMakesOneRow) {
  std::atomic<int> wrong = 0;
  std::vector<std::string> names(8);
  in_parallel(8, [&](std::size_t i) {
    User user = user_named("alice", "name " + std::to_string(i));
    user.email = "alice@example.org";
    const auto stored = store().ensure_user(user);
    if (stored) {
      names[i] = stored->display_name;
    } else {
      ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  for (const auto& name : names) EXPECT_EQ(name, names.front()) << "everybody sees the same row";
}

TEST_P(Users, CreateFromManyThreadsSucceedsOnce) {
  std::atomic<int> created = 0;
  std::atomic<int> conflicts = 0;
  in_parallel(8, [&](std::size_t i) {
    User user = user_named("user-" + std::to_string(i));
    user.email = "same@example.org";
    const auto result = store().create_user(user);
    if (result) {
      ++created;
    } else if (result.error().kind == StoreErrorKind::Conflict) {
      ++conflicts;
    }
  });
  EXPECT_EQ(created, 1);
  EXPECT_EQ(conflicts, 7);
}

TEST_P(Users, CanBeDisabledEnabledAndRenamed) {
  User user = add_user("alice", "Alice");
  ASSERT_STORED(store().set_user_disabled(user.id, true));
  ASSERT_STORED(store().set_display_name(user.id, "Zoë"));
  user.disabled = true;
  user.display_name = "Zoë";
  EXPECT_EQ(store().find_user(user.id).value(), user);
  EXPECT_EQ(listed("zoË", true), std::vector<std::string>{"alice"}) << "the search knows the new name";
  ASSERT_STORED(store().set_user_disabled(user.id, false));
  ASSERT_STORED(store().set_user_disabled(user.id, false));
  user.disabled = false;
  EXPECT_EQ(store().find_user(user.id).value(), user);
  EXPECT_STORE_ERROR(store().set_user_disabled(UserId{"nobody"}, true), StoreErrorKind::NotFound);
  EXPECT_STORE_ERROR(store().set_display_name(UserId{"nobody"}, "x"), StoreErrorKind::NotFound);
}

TEST_P(Users, ListIsOrderedByNameWithoutCaseThenId) {
  add_user("4", "bob");
  add_user("3", "Alice");
  add_user("2", "alice");
  add_user("1", "Carol");
  add_user("5", "анна");
  add_user("6", "Борис");
  EXPECT_EQ(listed(""), (std::vector<std::string>{"2", "3", "4", "1", "5", "6"}));
}

TEST_P(Users, ListPagesOver500RowsGiveEachRowOnceWhateverThePageSize) {
  std::vector<std::string> expected;
  for (std::uint64_t i = 0; i < 500; ++i) {
    // Runs of equal names that are longer than a page, so that the id has to carry the order.
    add_user(uuid_of(i), "name " + std::to_string(100 + i / 60));
    expected.push_back(uuid_of(i));
  }
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{50}, std::size_t{200}}) {
    std::vector<std::string> ids;
    for (const User& user : all_pages<User>(
             [&](const port::PageRequest& page) {
               return store().list_users({.search = "name", .include_disabled = false, .page = page});
             },
             limit)) {
      ids.push_back(user.id.value());
    }
    EXPECT_EQ(ids, expected) << "limit " << limit;
  }
}

TEST_P(Users, ListTakesALimitOfOneTo200) {
  for (std::uint64_t i = 0; i < 250; ++i) add_user(uuid_of(i));
  const auto size = [&](std::size_t limit) {
    return store()
        .list_users({.search = "", .include_disabled = false, .page = {.after = "", .limit = limit}})
        ->items.size();
  };
  EXPECT_EQ(size(0), 1U);
  EXPECT_EQ(size(1), 1U);
  EXPECT_EQ(size(200), 200U);
  EXPECT_EQ(size(100000), 200U);
}

TEST_P(Users, LastPageHasNoNextEvenWhenItIsFull) {
  for (std::uint64_t i = 0; i < 10; ++i) add_user(uuid_of(i));
  const auto page = store().list_users({.search = "", .include_disabled = false, .page = {.after = "", .limit = 10}});
  ASSERT_STORED(page);
  EXPECT_EQ(page->items.size(), 10U);
  EXPECT_EQ(page->next, "");
}

TEST_P(Users, SearchFindsPartsOfNamesAndEmailsWithoutCase) {
  User alice = user_named("1", "Alice Liddell");
  alice.email = "wonder@example.org";
  ASSERT_STORED(store().create_user(alice));
  add_user("2", "Bob 100%");
  add_user("3", "Bob_Builder");
  add_user("4", "Пётр Ёлкин");
  add_user("5", "O'Brien \"q\" \\ !");
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"lidd", {"1"}},
      {"LIDD", {"1"}},
      {"WONDER@", {"1"}},
      {"bob", {"2", "3"}},
      {"%", {"2"}},
      {"_", {"3"}},
      {"100%", {"2"}},
      {"b_b", {"3"}},
      {"ёл", {"4"}},
      {"ПЁТР", {"4"}},
      {"o'b", {"5"}},
      {"\"Q\"", {"5"}},
      {"\\", {"5"}},
      {"!", {"5"}},
      {"nobody", {}},
      {"'; DROP", {}},
      {":id", {}},
      {"?", {}},
      {std::string(5000, 'b'), {}},
  };
  for (const auto& [search, expected] : cases) EXPECT_EQ(listed(search), expected) << "search: " << search;
}

TEST_P(Users, ListHidesTheDisabledUnlessAsked) {
  add_user("1", "alice");
  add_user("2", "bob");
  ASSERT_STORED(store().set_user_disabled(UserId{"1"}, true));
  EXPECT_EQ(listed("", false), (std::vector<std::string>{"2"}));
  EXPECT_EQ(listed("", true), (std::vector<std::string>{"1", "2"}));
}

TEST_P(Users, WeirdTextsAreKeptAsTheyAre) {
  const std::vector<std::string> texts{"O'Brien",
                                       "\"quoted\"",
                                       "back\\slash",
                                       "semi;colon -- /* */",
                                       ":id $1 ? %s {0}",
                                       "👩‍👩‍👧‍👦 family",
                                       "\u202Eright to left",
                                       "e\u0301",
                                       "tab\tnewline\nreturn\r",
                                       "   ",
                                       std::string(100, 'x'),
                                       "\x01\x1f\x7f"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    User user = user_named("id " + texts[i], texts[i]);
    user.email = "e" + std::to_string(i) + "'\"\\👩@example.org";
    user.password_hash = texts[i];
    ASSERT_STORED(store().create_user(user));
    EXPECT_EQ(store().find_user(user.id).value(), user) << texts[i];
    EXPECT_EQ(store().find_user_by_email(*user.email).value(), user) << texts[i];
  }
  EXPECT_EQ(listed("").size(), texts.size());
}

TEST_P(Users, TextsThatBreakTheLimitsAreInvalidAndFindNothing) {
  const std::string ten_kilobytes(10240, 'a');
  const std::vector<std::string> bad{
      std::string("nul\0inside", 10), "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "cut \xf0\x9f\x98", ten_kilobytes};
  for (const std::string& text : bad) {
    User user = user_named("alice");
    user.id = UserId{text};
    EXPECT_STORE_ERROR(store().create_user(user), StoreErrorKind::Invalid);
    EXPECT_STORE_ERROR(store().ensure_user(user), StoreErrorKind::Invalid);
    user = user_named("alice");
    user.display_name = text;
    EXPECT_STORE_ERROR(store().create_user(user), StoreErrorKind::Invalid);
    user = user_named("alice");
    user.email = text;
    EXPECT_STORE_ERROR(store().create_user(user), StoreErrorKind::Invalid);
    user = user_named("alice");
    user.password_hash = text;
    EXPECT_STORE_ERROR(store().create_user(user), StoreErrorKind::Invalid);
    EXPECT_EQ(store().find_user(UserId{text}).value(), std::nullopt);
    EXPECT_EQ(store().find_user_by_email(text).value(), std::nullopt);
    EXPECT_STORE_ERROR(store().set_user_disabled(UserId{text}, true), StoreErrorKind::NotFound);
    EXPECT_STORE_ERROR(store().set_display_name(UserId{"alice"}, text), StoreErrorKind::Invalid);
    EXPECT_TRUE(listed(text).empty());
  }
  EXPECT_STORE_ERROR(store().create_user(User{}), StoreErrorKind::Invalid);
  EXPECT_TRUE(listed("", true).empty()) << "nothing was stored";
}

TEST_P(Users, LongestAllowedTextsAreStored) {
  User user = user_named(std::string(port::kIdBytesMax, 'i'));
  user.email = std::string(port::kEmailBytesMax, 'e');
  user.display_name.clear();
  for (int i = 0; i < 100; ++i) user.display_name += "😀";
  user.password_hash = std::string(port::kPasswordHashBytesMax, 'h');
  ASSERT_STORED(store().create_user(user));
  EXPECT_EQ(store().find_user(user.id).value(), user);
  add_user("next");
  EXPECT_EQ(all_pages<User>(
                [&](const port::PageRequest& page) {
                  return store().list_users({.search = "", .include_disabled = false, .page = page});
                },
                1)
                .size(),
            2U)
      << "its cursor works";
}

}  // namespace
}  // namespace zvonok::test
