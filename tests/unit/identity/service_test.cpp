// Accounts and login sessions over the reference store: who gets in, what a refresh token is good for, what ends a
// login, and what nobody may learn from the answers.
#include "identity/service.h"

#include <algorithm>
#include <array>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <time.h>

#include "base/check.h"
#include "identity/authenticator.h"
#include "support/memory_store.h"
#include "support/seeded_entropy.h"

namespace zvonok::identity {
namespace {

using namespace std::string_literals;
using Kind = IdentityErrorKind;

constexpr std::uint64_t kSeed = 11;
constexpr WallTime kNow = wall_from_unix_milliseconds(1'800'000'000'000);
const std::string kSecret = "a secret of thirty-two bytes, or";
const std::string kEmail = "alice@example.org";
const std::string kPassword = "password123";

Private<std::string> secret(const std::string& text) {
  return Private<std::string>{text};
}

PasswordHasher hasher(PasswordOptions options) {
  auto made = PasswordHasher::create(options);
  ZVONOK_CHECK(made);
  return std::move(*made);
}
jwt::Key key() {
  auto made = jwt::Key::hs256(kSecret);
  ZVONOK_CHECK(made);
  return std::move(*made);
}
jwt::KeySet keys() {
  jwt::KeySet set;
  ZVONOK_CHECK(set.add(key()));
  return set;
}

struct Scene {
  explicit Scene(PasswordOptions passwords = {.passes = 1, .memory_bytes = 8 * 1024}, IdentityOptions options = {})
      : service{{store, entropy, hasher(passwords), key()}, std::move(options)} {}

  IdentityResult<Login> sign_up(const std::string& email = kEmail, const std::string& name = {}) {
    return service.register_user({.email = email, .password = secret(kPassword), .display_name = name}, kNow);
  }
  IdentityResult<Login> log_in(const std::string& email = kEmail, const std::string& password = kPassword) {
    return service.login({.email = email, .password = secret(password)}, kNow);
  }
  Result<Principal, AuthError> who(const Login& login, WallTime now = kNow) {
    return authenticator.verify(login.tokens.access_token.reveal(), now);
  }

  test::MemoryStore store;
  test::SeededEntropy entropy{kSeed};
  Revocations revocations{{}};
  Authenticator authenticator{keys(), {}, revocations};
  IdentityService service;
};

/// Somebody with an email but without a password.
port::User without_password(const std::string& name) {
  port::User user;
  user.id = UserId{name};
  user.email = name + "@example.org";
  user.display_name = name;
  return user;
}

Kind kind_of(const auto& result) {
  ZVONOK_CHECK(!result);
  return result.error().kind;
}

// ---- register ------------------------------------------------------------------------------------------------------

TEST(Accounts, RegisteringLogsIn) {
  Scene scene;
  const auto login = scene.sign_up(" Alice@Example.ORG ", "Alice");
  ASSERT_TRUE(login.has_value()) << login.error().kind;
  EXPECT_EQ(login->user.email, kEmail);
  EXPECT_EQ(login->user.display_name, "Alice");
  EXPECT_EQ(login->user.created_at, kNow);
  EXPECT_FALSE(login->user.disabled);
  EXPECT_EQ(login->user.id.value().size(), 36U) << "a UUID";
  EXPECT_EQ(login->tokens.access_expires_in, seconds{900});
  EXPECT_EQ(login->tokens.refresh_token.reveal().size(), 43U) << "32 random bytes";
  const auto principal = scene.who(*login);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->user, login->user.id);
  EXPECT_EQ(principal->session_id, login->tokens.session_id);
  EXPECT_EQ(principal->name, "Alice");
  EXPECT_EQ(principal->expires_at, kNow + minutes{15});
}

TEST(Accounts, RegistrationRefusesWhatBreaksTheRules) {
  struct Row {
    std::string email;
    std::string password;
    std::string name;
    Kind kind;
  };
  const Row table[] = {
      {"", kPassword, "", Kind::InvalidEmail},
      {"alice", kPassword, "", Kind::InvalidEmail},
      {"a@b@c", kPassword, "", Kind::InvalidEmail},
      {std::string(1'000'000, 'a') + "@b", kPassword, "", Kind::InvalidEmail},
      {kEmail, "", "", Kind::InvalidPassword},
      {kEmail, "1234567", "", Kind::InvalidPassword},
      {kEmail, std::string(257, 'p'), "", Kind::InvalidPassword},
      {kEmail, kPassword, "  ", Kind::InvalidDisplayName},
      {kEmail, kPassword, "a\nb", Kind::InvalidDisplayName},
      {kEmail, kPassword, std::string(101, 'a'), Kind::InvalidDisplayName},
  };
  Scene scene;
  for (const Row& row : table) {
    const auto result = scene.service.register_user(
        {.email = row.email, .password = secret(row.password), .display_name = row.name}, kNow);
    ASSERT_FALSE(result.has_value()) << row.email << "/" << row.password << "/" << row.name;
    EXPECT_EQ(result.error().kind, row.kind) << row.email << "/" << row.password << "/" << row.name;
  }
  EXPECT_TRUE(scene.store.list_users({})->items.empty()) << "nothing was made";
}

TEST(Accounts, AnEmailIsTakenOnceInAnySpelling) {
  Scene scene;
  ASSERT_TRUE(scene.sign_up());
  for (const char* email : {"alice@example.org", "ALICE@example.org", " alice@EXAMPLE.org "}) {
    EXPECT_EQ(kind_of(scene.sign_up(email)), Kind::EmailTaken) << email;
  }
}

TEST(Accounts, OfManyRegistrationsOfAnEmailAtOnceOneWins) {
  Scene scene;
  constexpr std::size_t kThreads = 8;
  std::array<bool, kThreads> made{};
  std::barrier start{kThreads};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        made[i] = scene.sign_up().has_value();
      });
    }
  }
  EXPECT_EQ(std::count(made.begin(), made.end(), true), 1);
}

// ---- login ---------------------------------------------------------------------------------------------------------

TEST(Logins, TheRightPasswordOpensANewSessionEachTime) {
  Scene scene;
  const auto first = scene.sign_up();
  const auto second = scene.log_in(" ALICE@example.org");
  const auto third = scene.log_in();
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(second->user, first->user);
  EXPECT_NE(second->tokens.session_id, first->tokens.session_id);
  EXPECT_NE(second->tokens.session_id, third->tokens.session_id);
  EXPECT_NE(second->tokens.refresh_token, third->tokens.refresh_token);
  EXPECT_NE(second->tokens.access_token, third->tokens.access_token);
}

TEST(Logins, EveryRefusalLooksTheSame) {
  Scene scene;
  ASSERT_TRUE(scene.sign_up());
  const auto bob = scene.sign_up("bob@example.org");
  ASSERT_TRUE(bob);
  ASSERT_TRUE(scene.store.set_user_disabled(bob->user.id, true));
  ASSERT_TRUE(scene.store.create_user(without_password("nopass")));
  const std::pair<std::string, std::string> table[] = {
      {kEmail, "password124"},
      {kEmail, ""},
      {kEmail, "PASSWORD123"},
      {kEmail, kPassword + " "},
      {kEmail, kPassword + "\0"s},
      {kEmail, std::string(257, 'p')},
      {kEmail, std::string(100'000, 'p')},
      {"nobody@example.org", kPassword},
      {"", ""},
      {"not an email", kPassword},
      {"bob@example.org", kPassword},
      {"bob@example.org", "wrong password"},
      {"nopass@example.org", ""},
      {"nopass@example.org", kPassword},
      {"' OR 1=1 --@x", kPassword},
  };
  for (const auto& [email, password] : table) {
    const auto result = scene.log_in(email, password);
    ASSERT_FALSE(result.has_value()) << email << "/" << password;
    EXPECT_EQ(result.error().kind, Kind::WrongCredentials) << email << "/" << password;
    EXPECT_EQ(result.error().detail, "") << email << "/" << password;
    EXPECT_EQ(result.error().revoked_session, "") << email << "/" << password;
  }
}

double cpu_seconds_of(const auto& work) {
  // The least of a few: what else the machine does only ever adds.
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    timespec begin{};
    timespec end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    work();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    least = std::min(least, static_cast<double>(end.tv_sec - begin.tv_sec) +
                                static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9);
  }
  return least;
}

TEST(Logins, AnUnknownEmailCostsWhatAWrongPasswordCosts) {
  Scene scene{{.passes = 2, .memory_bytes = 8 * 1024 * 1024}};
  ASSERT_TRUE(scene.sign_up());
  const auto disabled = scene.sign_up("bob@example.org");
  ASSERT_TRUE(disabled);
  ASSERT_TRUE(scene.store.set_user_disabled(disabled->user.id, true));
  ASSERT_TRUE(scene.store.create_user(without_password("nopass")));
  const double wrong = cpu_seconds_of([&] { EXPECT_FALSE(scene.log_in(kEmail, "wrong password")); });
  for (const char* email : {"nobody@example.org", "bob@example.org", "nopass@example.org"}) {
    const double other = cpu_seconds_of([&] { EXPECT_FALSE(scene.log_in(email, kPassword)); });
    EXPECT_GT(other, wrong * 0.5) << email;
    EXPECT_LT(other, wrong * 2) << email;
  }
}

TEST(Logins, AStoreThatIsDownIsNoWrongPassword) {
  Scene scene;
  ASSERT_TRUE(scene.sign_up());
  scene.store.set_health(test::MemoryStore::Health::Down);
  EXPECT_EQ(kind_of(scene.log_in()), Kind::Unavailable);
  EXPECT_EQ(kind_of(scene.sign_up("bob@example.org")), Kind::Unavailable);
  scene.store.set_health(test::MemoryStore::Health::Up);
  scene.store.go_down_after(1);
  EXPECT_EQ(kind_of(scene.log_in()), Kind::Unavailable) << "found the user, could not write the session";
}

// ---- refresh -------------------------------------------------------------------------------------------------------

TEST(Refreshes, ATokenIsExchangedForANewPairOfTheSameSession) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const WallTime later = kNow + hours{1};
  const auto refreshed = scene.service.refresh(login->tokens.refresh_token, later);
  ASSERT_TRUE(refreshed.has_value());
  EXPECT_EQ(refreshed->tokens.session_id, login->tokens.session_id);
  EXPECT_NE(refreshed->tokens.refresh_token, login->tokens.refresh_token);
  EXPECT_EQ(refreshed->user, login->user);
  const auto principal = scene.who(*refreshed, later);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->expires_at, later + minutes{15});
  EXPECT_TRUE(scene.service.refresh(refreshed->tokens.refresh_token, later)) << "the chain goes on";
}

TEST(Refreshes, ALoginEndsThirtyDaysAfterItsLastRefresh) {
  Scene scene;
  auto login = scene.sign_up();
  ASSERT_TRUE(login);
  WallTime now = kNow;
  for (int i = 0; i < 5; ++i) {
    now += hours{24 * 30} - milliseconds{1};
    login = scene.service.refresh(login->tokens.refresh_token, now);
    ASSERT_TRUE(login.has_value()) << i;
  }
  EXPECT_EQ(kind_of(scene.service.refresh(login->tokens.refresh_token, now + hours{24 * 30})), Kind::BadRefreshToken);
}

TEST(Refreshes, ATokenUsedTwiceEndsTheSession) {
  Scene scene;
  const auto login = scene.sign_up();
  const auto bystander = scene.log_in();
  ASSERT_TRUE(login && bystander);
  const auto thief = scene.service.refresh(login->tokens.refresh_token, kNow);
  ASSERT_TRUE(thief.has_value());
  const auto owner = scene.service.refresh(login->tokens.refresh_token, kNow);
  ASSERT_FALSE(owner.has_value());
  EXPECT_EQ(owner.error().kind, Kind::BadRefreshToken);
  EXPECT_EQ(owner.error().revoked_session, login->tokens.session_id);
  const auto after = scene.service.refresh(thief->tokens.refresh_token, kNow);
  EXPECT_EQ(kind_of(after), Kind::BadRefreshToken) << "the newest token of the session is dead, too";
  EXPECT_EQ(after.error().revoked_session, "") << "it was told once";
  EXPECT_TRUE(scene.service.refresh(bystander->tokens.refresh_token, kNow)) << "other devices stay logged in";
}

TEST(Refreshes, AnOldTokenEndsTheSessionHoweverManyCameAfterIt) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  auto newest = login;
  for (int i = 0; i < 5; ++i) {
    newest = scene.service.refresh(newest->tokens.refresh_token, kNow);
    ASSERT_TRUE(newest.has_value()) << i;
  }
  EXPECT_EQ(scene.service.refresh(login->tokens.refresh_token, kNow).error().revoked_session, login->tokens.session_id);
  EXPECT_EQ(kind_of(scene.service.refresh(newest->tokens.refresh_token, kNow)), Kind::BadRefreshToken);
}

TEST(Refreshes, OfTwoAtOnceOneIsServedAndTheSessionEnds) {
  Scene scene;
  ASSERT_TRUE(scene.sign_up());
  for (int round = 0; round < 50; ++round) {
    const auto login = scene.log_in();
    ASSERT_TRUE(login);
    std::array<std::optional<IdentityResult<Login>>, 2> results;
    std::barrier start{2};
    {
      std::vector<std::jthread> threads;
      for (auto& result : results) {
        threads.emplace_back([&] {
          start.arrive_and_wait();
          result = scene.service.refresh(login->tokens.refresh_token, kNow);
        });
      }
    }
    const auto served = std::count_if(results.begin(), results.end(), [](const auto& r) { return r->has_value(); });
    ASSERT_EQ(served, 1) << "round " << round;
    for (const auto& result : results) {
      if (result->has_value()) {
        EXPECT_EQ(kind_of(scene.service.refresh((*result)->tokens.refresh_token, kNow)), Kind::BadRefreshToken);
      } else {
        EXPECT_EQ(result->error().revoked_session, login->tokens.session_id);
      }
    }
  }
}

TEST(Refreshes, TextsThatAreNoTokensAreRefused) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const std::string& good = login->tokens.refresh_token.reveal();
  for (const std::string& text :
       {""s, "x"s, good + "=", good.substr(1), " " + good, std::string(43, 'A'), good + "\0"s, std::string(257, 'A'),
        std::string(1'000'000, 'A'), refresh_token_hash(good), login->tokens.access_token.reveal()}) {
    const auto result = scene.service.refresh(secret(text), kNow);
    ASSERT_FALSE(result.has_value()) << text.substr(0, 80);
    EXPECT_EQ(result.error().kind, Kind::BadRefreshToken) << text.substr(0, 80);
    EXPECT_EQ(result.error().revoked_session, "") << text.substr(0, 80);
  }
  EXPECT_TRUE(scene.service.refresh(login->tokens.refresh_token, kNow)) << "wrong tries use nothing up";
}

TEST(Refreshes, ADisabledUserIsRefusedAndTheSessionEnds) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  ASSERT_TRUE(scene.store.set_user_disabled(login->user.id, true));
  const auto result = scene.service.refresh(login->tokens.refresh_token, kNow);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, Kind::BadRefreshToken);
  EXPECT_EQ(result.error().revoked_session, login->tokens.session_id);
  ASSERT_TRUE(scene.store.set_user_disabled(login->user.id, false));
  EXPECT_TRUE(scene.log_in().has_value()) << "enabled again, by a new login";
}

TEST(Refreshes, AStoreThatIsDownUsesNoTokenUp) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  scene.store.set_health(test::MemoryStore::Health::Down);
  EXPECT_EQ(kind_of(scene.service.refresh(login->tokens.refresh_token, kNow)), Kind::Unavailable);
  scene.store.set_health(test::MemoryStore::Health::Up);
  EXPECT_TRUE(scene.service.refresh(login->tokens.refresh_token, kNow).has_value());
}

TEST(Refreshes, TheStoreSeesHashesOnly) {
  EXPECT_EQ(refresh_token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(refresh_token_hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const auto rotation = scene.store.rotate_refresh({.old_hash = login->tokens.refresh_token.reveal(),
                                                    .new_hash = "new",
                                                    .now = kNow,
                                                    .new_expires_at = kNow + hours{1}});
  ASSERT_TRUE(rotation.has_value());
  EXPECT_EQ(rotation->outcome, port::RotateOutcome::Unknown) << "the token itself is not what is kept";
}

// ---- logout --------------------------------------------------------------------------------------------------------

TEST(Logouts, TheRefreshTokenEndsItsSession) {
  Scene scene;
  const auto login = scene.sign_up();
  const auto other = scene.log_in();
  ASSERT_TRUE(login && other);
  const auto ended = scene.service.logout({.refresh_token = login->tokens.refresh_token, .session_id = {}}, kNow);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(*ended, login->tokens.session_id);
  EXPECT_EQ(kind_of(scene.service.refresh(login->tokens.refresh_token, kNow)), Kind::BadRefreshToken);
  EXPECT_TRUE(scene.service.refresh(other->tokens.refresh_token, kNow).has_value());
  EXPECT_TRUE(scene.service.logout({.refresh_token = login->tokens.refresh_token, .session_id = {}}, kNow)) << "again";
}

TEST(Logouts, TheSessionOfTheAccessTokenEnds) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const auto ended = scene.service.logout({.refresh_token = {}, .session_id = login->tokens.session_id}, kNow);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(*ended, login->tokens.session_id);
  EXPECT_EQ(kind_of(scene.service.refresh(login->tokens.refresh_token, kNow)), Kind::BadRefreshToken);
  scene.revocations.revoke(*ended, kNow);
  EXPECT_EQ(scene.who(*login).error().failure, AuthFailure::Revoked) << "the access token, too";
}

TEST(Logouts, NothingToEndIsNoError) {
  Scene scene;
  const LogoutRequest table[] = {
      {.refresh_token = secret("unknown"), .session_id = {}},
      {.refresh_token = secret(std::string(1'000'000, 'x')), .session_id = {}},
      {.refresh_token = {}, .session_id = {}},
  };
  for (const LogoutRequest& request : table) {
    const auto ended = scene.service.logout(request, kNow);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(*ended, "");
  }
  scene.store.set_health(test::MemoryStore::Health::Down);
  EXPECT_EQ(kind_of(scene.service.logout({.refresh_token = secret("unknown"), .session_id = {}}, kNow)),
            Kind::Unavailable);
  EXPECT_EQ(kind_of(scene.service.logout({.refresh_token = {}, .session_id = "s"}, kNow)), Kind::Unavailable);
}

// ---- people --------------------------------------------------------------------------------------------------------

Principal foreign(const std::string& user, const std::string& name) {
  return {.user = UserId{user},
          .session_id = {},
          .name = name,
          .token_id = {},
          .rooms_json = {},
          .expires_at = std::nullopt};
}

TEST(Provisioning, AnUnknownUserOfAGoodTokenIsMadeOnce) {
  Scene scene;
  const auto first = scene.service.provision(foreign("42", " Боб "), kNow);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->id.value(), "42");
  EXPECT_EQ(first->display_name, "Боб");
  EXPECT_EQ(first->email, std::nullopt);
  EXPECT_EQ(first->password_hash, "") << "can't log in by password";
  const auto again = scene.service.provision(foreign("42", "Robert"), kNow + hours{1});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, *first) << "a name that the user may have changed is not overwritten";
}

TEST(Provisioning, ANameThatBreaksTheRulesIsLeftOut) {
  Scene scene;
  for (const std::string& name : {""s, " "s, "a\nb"s, std::string(101, 'x'), "\xE2\x80\xAE evil"s}) {
    const auto user = scene.service.provision(foreign(std::to_string(name.size()), name), kNow);
    ASSERT_TRUE(user.has_value()) << name;
    EXPECT_EQ(user->display_name, "") << name;
  }
}

TEST(Provisioning, ADisabledUserStaysDisabled) {
  Scene scene;
  ASSERT_TRUE(scene.service.provision(foreign("42", "Bob"), kNow));
  ASSERT_TRUE(scene.store.set_user_disabled(UserId{"42"}, true));
  const auto user = scene.service.provision(foreign("42", "Bob"), kNow);
  ASSERT_TRUE(user.has_value());
  EXPECT_TRUE(user->disabled);
}

TEST(Provisioning, ManyTokensOfANewUserAtOnceMakeOneUser) {
  Scene scene;
  constexpr std::size_t kThreads = 8;
  std::barrier start{kThreads};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        EXPECT_TRUE(scene.service.provision(foreign("42", "Bob"), kNow));
      });
    }
  }
  EXPECT_EQ(scene.store.list_users({})->items.size(), 1U);
}

TEST(People, AUserIsFoundOrNot) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  EXPECT_EQ(*scene.service.find(login->user.id), login->user);
  EXPECT_EQ(kind_of(scene.service.find(UserId{"nobody"})), Kind::UnknownUser);
  scene.store.set_health(test::MemoryStore::Health::Down);
  EXPECT_EQ(kind_of(scene.service.find(login->user.id)), Kind::Unavailable);
}

TEST(People, AUserCanBeRenamed) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const auto renamed = scene.service.rename(login->user.id, "  Alice Doe ");
  ASSERT_TRUE(renamed.has_value());
  EXPECT_EQ(renamed->display_name, "Alice Doe");
  EXPECT_EQ(kind_of(scene.service.rename(login->user.id, "")), Kind::InvalidDisplayName);
  EXPECT_EQ(kind_of(scene.service.rename(UserId{"nobody"}, "Bob")), Kind::UnknownUser);
  EXPECT_EQ(scene.who(*scene.log_in())->name, "Alice Doe") << "new tokens carry the new name";
}

// ---- tokens and logs -----------------------------------------------------------------------------------------------

TEST(OwnTokens, CarryWhatTheContractAndTheSettingsSay) {
  Scene scene{{.passes = 1, .memory_bytes = 8 * 1024},
              {.access_token_ttl = seconds{60}, .refresh_token_ttl = seconds{120}, .audience = "calls"}};
  const auto login = scene.sign_up(kEmail, "Alice \"A\" Doe");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->tokens.access_expires_in, seconds{60});
  jwt::VerifyOptions strict;
  strict.user_claims = {"userId"};
  strict.issuers = {"zvonok"};
  strict.audience = "calls";
  strict.expiry = jwt::Expiry::Required;
  const auto claims = jwt::verify(login->tokens.access_token.reveal(), keys(), strict, kNow);
  ASSERT_TRUE(claims.has_value()) << claims.error() << ": other servers that share the secret read it, too";
  EXPECT_EQ(claims->user, login->user.id);
  EXPECT_EQ(claims->expires_at, kNow + seconds{60});
  EXPECT_EQ(claims->issued_at, kNow);
  EXPECT_EQ(claims->name, "Alice \"A\" Doe");
  EXPECT_EQ(claims->token_id.size(), 36U);
  EXPECT_EQ(kind_of(scene.service.refresh(login->tokens.refresh_token, kNow + seconds{120})), Kind::BadRefreshToken);
}

TEST(OwnTokens, AreReadWhateverClaimsForeignTokensAreReadBy) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  jwt::VerifyOptions options;
  options.user_claims = {"account"};
  options.issuers = {"https://id.example.org"};
  options.audience = "somebody else";
  const Authenticator authenticator{keys(), options, scene.revocations};
  EXPECT_EQ(authenticator.verify(login->tokens.access_token.reveal(), kNow)->user, login->user.id);
}

TEST(Errors, NameNoSecret) {
  Scene scene;
  const auto login = scene.sign_up();
  ASSERT_TRUE(login);
  const std::string refresh_token = login->tokens.refresh_token.reveal();
  ASSERT_TRUE(scene.service.refresh(login->tokens.refresh_token, kNow));
  std::vector<IdentityError> errors{scene.log_in(kEmail, "wrong password").error(), scene.sign_up().error(),
                                    scene.service.refresh(login->tokens.refresh_token, kNow).error(),
                                    scene.service.refresh(secret("unknown"), kNow).error()};
  scene.store.set_health(test::MemoryStore::Health::Down);
  errors.push_back(scene.log_in().error());
  errors.push_back(scene.service.refresh(login->tokens.refresh_token, kNow).error());
  for (const IdentityError& error : errors) {
    for (const std::string& hidden : {kPassword, "wrong password"s, refresh_token, refresh_token_hash(refresh_token)}) {
      EXPECT_EQ(error.detail.find(hidden), std::string::npos) << error.kind;
    }
  }
}

}  // namespace
}  // namespace zvonok::identity
