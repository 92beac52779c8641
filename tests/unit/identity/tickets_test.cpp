// One-time tickets, revoked sessions and remembered users: what the control thread keeps in memory about people.
#include "identity/tickets.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "identity/known_users.h"
#include "identity/revocations.h"
#include "support/seeded_entropy.h"

namespace zvonok::identity {
namespace {

constexpr std::uint64_t kSeed = 7;
constexpr TimePoint kStart{hours{1}};
constexpr WallTime kWall = wall_from_unix_milliseconds(1'800'000'000'000);

Principal principal(const std::string& user) {
  return {.user = UserId{user},
          .session_id = "session of " + user,
          .name = user,
          .token_id = "t",
          .rooms_json = "{}",
          .expires_at = kWall + minutes{15}};
}

TEST(Tickets, ATicketOpensOnceAndForItsUser) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{}};
  const std::string alice = tickets.issue(principal("alice"), entropy, kStart);
  const std::string bob = tickets.issue(principal("bob"), entropy, kStart);
  EXPECT_EQ(alice.size(), 43U);
  EXPECT_EQ(alice.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(tickets.redeem(alice, kStart), principal("alice"));
  EXPECT_EQ(tickets.redeem(alice, kStart), std::nullopt) << "used twice";
  EXPECT_EQ(tickets.redeem(bob, kStart), principal("bob"));
  EXPECT_EQ(tickets.size(), 0U);
}

TEST(Tickets, ATicketLives30Seconds) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{}};
  EXPECT_EQ(tickets.lifetime(), seconds{30});
  const std::string first = tickets.issue(principal("alice"), entropy, kStart);
  const std::string second = tickets.issue(principal("alice"), entropy, kStart);
  EXPECT_TRUE(tickets.redeem(first, kStart + seconds{30} - Duration{1}).has_value());
  EXPECT_FALSE(tickets.redeem(second, kStart + seconds{30}).has_value());
  EXPECT_EQ(tickets.size(), 0U) << "an expired ticket is not kept";
}

TEST(Tickets, OtherTextsAreNoTickets) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{}};
  const std::string ticket = tickets.issue(principal("alice"), entropy, kStart);
  for (const std::string& text :
       {std::string{}, ticket.substr(1), ticket + "=", ticket + ticket, std::string(43, 'A')}) {
    EXPECT_FALSE(tickets.redeem(text, kStart).has_value()) << text;
  }
  EXPECT_TRUE(tickets.redeem(ticket, kStart).has_value()) << "wrong tries use nothing up";
}

TEST(Tickets, AUserHasAFewAndTheOldestGoes) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{.lifetime = seconds{30}, .per_user_max = 3, .total_max = 100}};
  std::vector<std::string> texts;
  for (int i = 0; i < 5; ++i) texts.push_back(tickets.issue(principal("alice"), entropy, kStart));
  EXPECT_EQ(tickets.size(), 3U);
  EXPECT_EQ(tickets.dropped(), 2U);
  EXPECT_FALSE(tickets.redeem(texts[0], kStart));
  EXPECT_FALSE(tickets.redeem(texts[1], kStart));
  for (int i = 2; i < 5; ++i) EXPECT_TRUE(tickets.redeem(texts[static_cast<std::size_t>(i)], kStart)) << i;
}

TEST(Tickets, AllTogetherAreBoundedAndNoUserCanPushOutAnother) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{.lifetime = seconds{30}, .per_user_max = 2, .total_max = 50}};
  const std::string alice = tickets.issue(principal("alice"), entropy, kStart);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(tickets.issue(principal("mallory"), entropy, kStart).empty());
  }
  EXPECT_EQ(tickets.size(), 3U);
  EXPECT_TRUE(tickets.redeem(alice, kStart));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(tickets.issue(principal("user" + std::to_string(i)), entropy, kStart).empty());
  }
  EXPECT_EQ(tickets.size(), 50U);
}

TEST(Tickets, TicketsDoNotRepeat) {
  test::SeededEntropy entropy{kSeed};
  Tickets tickets{{}};
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.insert(tickets.issue(principal(std::to_string(i)), entropy, kStart));
  EXPECT_EQ(texts.size(), 1000U);
}

// ---- revocations ---------------------------------------------------------------------------------------------------

TEST(Revocations, ASessionIsRefusedForAsLongAsItsTokensCanLive) {
  Revocations revocations{{.access_token_lifetime = minutes{15}, .margin = minutes{1}, .sessions_max = 10}};
  revocations.revoke("s1", kWall);
  EXPECT_TRUE(revocations.is_revoked("s1"));
  EXPECT_FALSE(revocations.is_revoked("s2"));
  revocations.forget_old(kWall + minutes{16});
  EXPECT_TRUE(revocations.is_revoked("s1")) << "a token made at the last moment is just expiring";
  revocations.forget_old(kWall + minutes{16} + milliseconds{1});
  EXPECT_FALSE(revocations.is_revoked("s1"));
  EXPECT_EQ(revocations.size(), 0U);
}

TEST(Revocations, TokensWithoutASessionAreNeverRevoked) {
  Revocations revocations{{}};
  revocations.revoke("", kWall);
  EXPECT_FALSE(revocations.is_revoked(""));
  EXPECT_EQ(revocations.size(), 0U);
}

TEST(Revocations, TheLatestTimeCountsAndRepeatingIsHarmless) {
  Revocations revocations{{.access_token_lifetime = minutes{15}, .margin = minutes{1}, .sessions_max = 10}};
  revocations.revoke("s1", kWall);
  revocations.revoke("s1", kWall + minutes{5});
  revocations.revoke("s1", kWall);
  EXPECT_EQ(revocations.size(), 1U);
  revocations.forget_old(kWall + minutes{20});
  EXPECT_TRUE(revocations.is_revoked("s1"));
}

TEST(Revocations, MemoryIsBoundedAndTheOldestGoes) {
  Revocations revocations{{.access_token_lifetime = minutes{15}, .margin = minutes{1}, .sessions_max = 3}};
  for (int i = 0; i < 5; ++i) revocations.revoke("s" + std::to_string(i), kWall + seconds{i});
  EXPECT_EQ(revocations.size(), 3U);
  EXPECT_EQ(revocations.dropped(), 2U);
  EXPECT_FALSE(revocations.is_revoked("s1"));
  EXPECT_TRUE(revocations.is_revoked("s2"));
  EXPECT_TRUE(revocations.is_revoked("s4"));
}

// ---- known users ---------------------------------------------------------------------------------------------------

TEST(KnownUsers, WhatTheStoreSaidIsTrueForAMinute) {
  KnownUsers users{{.fresh_for = seconds{60}, .users_max = 10}};
  EXPECT_EQ(users.find(UserId{"alice"}, kStart), std::nullopt);
  users.remember(UserId{"alice"}, UserStanding::Active, kStart);
  users.remember(UserId{"bob"}, UserStanding::Disabled, kStart);
  EXPECT_EQ(users.find(UserId{"alice"}, kStart + seconds{60} - Duration{1}), UserStanding::Active);
  EXPECT_EQ(users.find(UserId{"bob"}, kStart), UserStanding::Disabled);
  EXPECT_EQ(users.find(UserId{"alice"}, kStart + seconds{60}), std::nullopt);
  users.remember(UserId{"bob"}, UserStanding::Active, kStart);
  EXPECT_EQ(users.find(UserId{"bob"}, kStart), UserStanding::Active);
  users.forget(UserId{"bob"});
  EXPECT_EQ(users.find(UserId{"bob"}, kStart), std::nullopt);
}

TEST(KnownUsers, MemoryIsBounded) {
  KnownUsers users{{.fresh_for = seconds{60}, .users_max = 10}};
  for (int i = 0; i < 100; ++i) users.remember(UserId{std::to_string(i)}, UserStanding::Active, kStart);
  EXPECT_EQ(users.size(), 10U);
  EXPECT_EQ(users.find(UserId{"0"}, kStart), std::nullopt);
  EXPECT_EQ(users.find(UserId{"99"}, kStart), UserStanding::Active);
}

}  // namespace
}  // namespace zvonok::identity
