// Contract of SessionStore.
#include <algorithm>
#include <array>
#include <atomic>

#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using port::RotateOutcome;
using port::RotateRequest;
using port::StoreErrorKind;
using LoginSession = port::Session;

class Sessions : public StoreContract {
 protected:
  LoginSession login(std::uint64_t number, const std::string& user, double expires = 1000) {
    const LoginSession session{
        .id = uuid_of(number), .user = UserId{user}, .created_at = at(0), .expires_at = at(expires)};
    const auto created = store().create_session(session, hash_of(number));
    EXPECT_TRUE(created.has_value()) << created.error().detail;
    return session;
  }
  port::StoreResult<port::RotateResult> rotate(std::uint64_t old_hash, std::uint64_t new_hash, double now = 10,
                                               double expires = 2000) {
    return store().rotate_refresh(
        {.old_hash = hash_of(old_hash), .new_hash = hash_of(new_hash), .now = at(now), .new_expires_at = at(expires)});
  }
  RotateOutcome outcome(std::uint64_t old_hash, std::uint64_t new_hash, double now = 10) {
    const auto result = rotate(old_hash, new_hash, now);
    EXPECT_TRUE(result.has_value()) << result.error().detail;
    return result ? result->outcome : RotateOutcome::Unknown;
  }
};
ZVONOK_STORE_CONTRACT(Sessions);

TEST_P(Sessions, NeedTheirUserAndFreshIdAndHash) {
  const LoginSession session{.id = uuid_of(1), .user = UserId{"alice"}, .created_at = at(0), .expires_at = at(9)};
  EXPECT_STORE_ERROR(store().create_session(session, hash_of(1)), StoreErrorKind::NotFound);
  add_user("alice");
  ASSERT_STORED(store().create_session(session, hash_of(1)));
  EXPECT_STORE_ERROR(store().create_session(session, hash_of(2)), StoreErrorKind::Conflict);
  LoginSession other = session;
  other.id = uuid_of(2);
  EXPECT_STORE_ERROR(store().create_session(other, hash_of(1)), StoreErrorKind::Conflict);
  ASSERT_STORED(store().create_session(other, hash_of(3)));
  EXPECT_EQ(store().revoke_user_sessions(UserId{"alice"}, at(1))->size(), 2U) << "a refused one left nothing behind";
}

TEST_P(Sessions, RotateFromTokenToTokenAndMoveTheExpiry) {
  add_user("alice");
  LoginSession session = login(1, "alice");
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const auto result = rotate(i, i + 1, 10, 2000 + static_cast<double>(i));
    ASSERT_STORED(result);
    EXPECT_EQ(result->outcome, RotateOutcome::Rotated);
    session.expires_at = at(2000 + static_cast<double>(i));
    EXPECT_EQ(result->session, session);
  }
  reopen();
  EXPECT_EQ(outcome(6, 7), RotateOutcome::Rotated) << "after a restart";
}

TEST_P(Sessions, RotateUnknownToken) {
  const auto result = rotate(99, 100);
  ASSERT_STORED(result);
  EXPECT_EQ(result->outcome, RotateOutcome::Unknown);
  EXPECT_EQ(result->session, std::nullopt);
}

TEST_P(Sessions, RotateExpiresAtTheMomentOfExpiry) {
  add_user("alice");
  login(1, "alice", 100);
  EXPECT_EQ(outcome(1, 2, 100), RotateOutcome::Expired);
  EXPECT_EQ(outcome(1, 2, 5000), RotateOutcome::Expired);
  EXPECT_EQ(outcome(2, 3, 5000), RotateOutcome::Unknown) << "an expired rotation stores no token";
  EXPECT_EQ(outcome(1, 2, 99.999), RotateOutcome::Rotated);
}

TEST_P(Sessions, SecondUseOfATokenRevokesTheSession) {
  add_user("alice");
  const LoginSession session = login(1, "alice");
  ASSERT_EQ(outcome(1, 2), RotateOutcome::Rotated);
  ASSERT_EQ(outcome(2, 3), RotateOutcome::Rotated);
  const auto reused = rotate(1, 50, 20);
  ASSERT_STORED(reused);
  EXPECT_EQ(reused->outcome, RotateOutcome::Reused);
  ASSERT_TRUE(reused->session.has_value());
  EXPECT_EQ(reused->session->id, session.id);
  EXPECT_EQ(reused->session->user, session.user);
  EXPECT_EQ(outcome(3, 4), RotateOutcome::Revoked) << "the newest token is worth nothing now";
  EXPECT_EQ(outcome(50, 51), RotateOutcome::Unknown) << "the thief got no token";
  EXPECT_EQ(store().revoked_since(at(20)).value(),
            (std::vector<port::RevokedSession>{{.id = session.id, .revoked_at = at(20)}}));
}

TEST_P(Sessions, ReuseIsToldOfATokenThatExpiredMeanwhile) {
  add_user("alice");
  login(1, "alice", 100);
  ASSERT_EQ(outcome(1, 2, 10), RotateOutcome::Rotated);
  EXPECT_EQ(outcome(1, 3, 500), RotateOutcome::Reused);
}

TEST_P(Sessions, RotateToATakenHashIsAConflictAndChangesNothing) {
  add_user("alice");
  login(1, "alice");
  login(2, "alice");
  EXPECT_STORE_ERROR(rotate(1, 2), StoreErrorKind::Conflict);
  EXPECT_STORE_ERROR(rotate(1, 1), StoreErrorKind::Conflict);
  EXPECT_EQ(outcome(1, 3), RotateOutcome::Rotated) << "the token is still unused";
}

TEST_P(Sessions, OneOfManySimultaneousRotationsWins) {
  add_user("alice");
  for (std::uint64_t round = 0; round < 10; ++round) {
    const std::uint64_t token = 1000 * (round + 1);
    const LoginSession session = login(token, "alice");
    std::array<RotateOutcome, 8> outcomes{};
    std::atomic<int> errors = 0;
    in_parallel(8, [&](std::size_t i) {
      const auto result = rotate(token, token + 1 + i);
      if (result) {
        outcomes[i] = result->outcome;
      } else {
        ++errors;
      }
    });
    EXPECT_EQ(errors, 0);
    EXPECT_EQ(std::ranges::count(outcomes, RotateOutcome::Rotated), 1);
    EXPECT_EQ(std::ranges::count(outcomes, RotateOutcome::Reused), 1) << "the second one is told; it revokes";
    EXPECT_EQ(std::ranges::count(outcomes, RotateOutcome::Revoked), 6);
    const auto winner = std::ranges::find(outcomes, RotateOutcome::Rotated) - outcomes.begin();
    EXPECT_EQ(outcome(token + 1 + static_cast<std::uint64_t>(winner), token + 100), RotateOutcome::Revoked);
    const auto revoked = store().revoked_since(at(0));
    ASSERT_STORED(revoked);
    EXPECT_EQ(std::ranges::count(*revoked, session.id, &port::RevokedSession::id), 1);
  }
}

TEST_P(Sessions, RotationAndRevocationDoNotLockEachOtherOut) {
  add_user("alice");
  for (std::uint64_t i = 1; i <= 4; ++i) login(i * 1000, "alice");
  std::atomic<int> errors = 0;
  in_parallel(8, [&](std::size_t i) {
    for (std::uint64_t round = 0; round < 20; ++round) {
      const std::uint64_t token = (1 + i % 4) * 1000 + round;
      if (i < 4) {
        if (!rotate(token, token + 1)) ++errors;
      } else if (round % 5 == 4) {
        if (!store().revoke_user_sessions(UserId{"alice"}, at(20))) ++errors;
      } else {
        if (!store().purge_sessions(at(1))) ++errors;
      }
    }
  });
  EXPECT_EQ(errors, 0);
}

TEST_P(Sessions, RevokeByRefreshWorksForEveryTokenOfTheChainAndAgain) {
  add_user("alice");
  LoginSession session = login(1, "alice");
  ASSERT_EQ(outcome(1, 2), RotateOutcome::Rotated);
  session.expires_at = at(2000);
  EXPECT_EQ(store().revoke_by_refresh(hash_of(77), at(20)).value(), std::nullopt);
  EXPECT_EQ(store().revoke_by_refresh(hash_of(1), at(20)).value(), session) << "by a used token";
  EXPECT_EQ(store().revoke_by_refresh(hash_of(2), at(30)).value(), session) << "idempotent";
  EXPECT_EQ(outcome(2, 3), RotateOutcome::Revoked);
  EXPECT_EQ(store().revoked_since(at(0)).value(),
            (std::vector<port::RevokedSession>{{.id = session.id, .revoked_at = at(20)}}))
      << "the first revocation's time stays";
}

TEST_P(Sessions, RevokeSessionIsIdempotentAndForgiving) {
  add_user("alice");
  const LoginSession session = login(1, "alice");
  ASSERT_STORED(store().revoke_session(session.id, at(5)));
  ASSERT_STORED(store().revoke_session(session.id, at(6)));
  ASSERT_STORED(store().revoke_session("no such session", at(6)));
  ASSERT_STORED(store().revoke_session(std::string("nul\0", 4), at(6)));
  EXPECT_EQ(outcome(1, 2), RotateOutcome::Revoked);
  EXPECT_EQ(store().revoked_since(at(0)).value(),
            (std::vector<port::RevokedSession>{{.id = session.id, .revoked_at = at(5)}}));
}

TEST_P(Sessions, RevokeUserSessionsTouchesOnlyTheUsersOpenOnes) {
  add_user("alice");
  add_user("bob");
  for (std::uint64_t i = 1; i <= 3; ++i) login(i, "alice");
  login(4, "bob");
  ASSERT_STORED(store().revoke_session(uuid_of(1), at(5)));
  auto revoked = store().revoke_user_sessions(UserId{"alice"}, at(6)).value();
  std::ranges::sort(revoked);
  EXPECT_EQ(revoked, (std::vector<std::string>{uuid_of(2), uuid_of(3)}));
  EXPECT_TRUE(store().revoke_user_sessions(UserId{"alice"}, at(7))->empty());
  EXPECT_TRUE(store().revoke_user_sessions(UserId{"nobody"}, at(7))->empty());
  EXPECT_EQ(outcome(4, 5), RotateOutcome::Rotated);
}

TEST_P(Sessions, RevokedSinceIncludesItsMomentInOrderOfTime) {
  add_user("alice");
  for (std::uint64_t i = 1; i <= 4; ++i) login(i, "alice");
  ASSERT_STORED(store().revoke_session(uuid_of(3), at(10)));
  ASSERT_STORED(store().revoke_session(uuid_of(1), at(20)));
  ASSERT_STORED(store().revoke_session(uuid_of(2), at(30)));
  EXPECT_EQ(store().revoked_since(at(20)).value(),
            (std::vector<port::RevokedSession>{{.id = uuid_of(1), .revoked_at = at(20)},
                                               {.id = uuid_of(2), .revoked_at = at(30)}}));
  EXPECT_EQ(store().revoked_since(at(0))->size(), 3U);
  EXPECT_TRUE(store().revoked_since(at(30.001))->empty());
}

TEST_P(Sessions, PurgeForgetsTheExpiredWithTheirTokens) {
  add_user("alice");
  login(1, "alice", 100);
  login(2, "alice", 200);
  login(3, "alice", 300);
  EXPECT_EQ(store().purge_sessions(at(200)).value(), 1) << "expiry strictly before";
  EXPECT_EQ(outcome(1, 10, 50), RotateOutcome::Unknown);
  EXPECT_EQ(outcome(2, 20, 50), RotateOutcome::Rotated);
  EXPECT_EQ(store().purge_sessions(at(250)).value(), 0) << "the rotated session lives until 2000 now";
  EXPECT_EQ(outcome(2, 30, 60), RotateOutcome::Unknown) << "but its expired token is forgotten";
  EXPECT_EQ(outcome(20, 21, 60), RotateOutcome::Rotated);
  EXPECT_EQ(store().purge_sessions(at(10000)).value(), 2);
  const auto left = database_.session()->query("SELECT COUNT(*) FROM refresh_tokens", {store_sql::Column::Integer});
  EXPECT_EQ(left.front().integer(0), 0);
}

TEST_P(Sessions, WeirdHashesFindNothingAndAreNotStored) {
  add_user("alice");
  for (const std::string& hash :
       {std::string{}, std::string("a\0b", 3), std::string{"\xff"}, std::string(10240, 'a')}) {
    const LoginSession session{.id = uuid_of(1), .user = UserId{"alice"}, .created_at = at(0), .expires_at = at(9)};
    EXPECT_STORE_ERROR(store().create_session(session, hash), StoreErrorKind::Invalid);
    EXPECT_EQ(store()
                  .rotate_refresh({.old_hash = hash, .new_hash = hash_of(1), .now = at(0), .new_expires_at = at(9)})
                  ->outcome,
              RotateOutcome::Unknown);
    EXPECT_EQ(store().revoke_by_refresh(hash, at(0)).value(), std::nullopt);
  }
}

}  // namespace
}  // namespace zvonok::test
