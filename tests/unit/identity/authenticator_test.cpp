// Tokens as this server's own doors see them: good, expired, revoked, of a messenger.
#include "identity/authenticator.h"

#include <string>

#include <gtest/gtest.h>

#include "base/check.h"

namespace zvonok::identity {
namespace {

using namespace std::string_literals;

constexpr WallTime kNow = wall_from_unix_milliseconds(1'800'000'000'000);
const std::string kSecret = "a secret of thirty-two bytes, or";

jwt::Key key(const std::string& secret = kSecret) {
  auto made = jwt::Key::hs256(secret);
  ZVONOK_CHECK(made);
  return std::move(*made);
}
jwt::KeySet keys(const std::string& secret = kSecret) {
  jwt::KeySet set;
  ZVONOK_CHECK(set.add(key(secret)));
  return set;
}
std::string token(const std::string& claims) {
  return jwt::sign_hs256(claims, key());
}
std::string own(const std::string& more) {
  return token(R"({"iss":"zvonok","sub":"alice","sid":"s1","iat":1800000000,"exp":1800000900)" + more + "}");
}

class AuthenticatorTest : public testing::Test {
 protected:
  Revocations revocations_{{.access_token_lifetime = minutes{15}}};
  Authenticator authenticator_{keys(), {}, revocations_};
};

TEST_F(AuthenticatorTest, AGoodTokenTellsWhoItIs) {
  const auto principal = authenticator_.verify(own(R"(,"name":"Alice","jti":"j1","rooms":["r"])"), kNow);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(*principal, (Principal{.user = UserId{"alice"},
                                   .session_id = "s1",
                                   .name = "Alice",
                                   .token_id = "j1",
                                   .rooms_json = R"(["r"])",
                                   .expires_at = kNow + minutes{15}}));
}

TEST_F(AuthenticatorTest, EveryRefusalHasItsReason) {
  const auto refused = [&](const std::string& text, WallTime now = kNow) {
    return authenticator_.verify(text, now).error();
  };
  EXPECT_EQ(refused(""), (AuthError{AuthFailure::NoToken, std::nullopt}));
  EXPECT_EQ(refused("nonsense"), (AuthError{AuthFailure::BadToken, jwt::JwtError::Malformed}));
  EXPECT_EQ(refused(own("") + "="), (AuthError{AuthFailure::BadToken, jwt::JwtError::BadEncoding}));
  EXPECT_EQ(refused(own(""), kNow + minutes{15}), (AuthError{AuthFailure::Expired, jwt::JwtError::Expired}));
  revocations_.revoke("s1", kNow);
  EXPECT_EQ(refused(own("")), (AuthError{AuthFailure::Revoked, std::nullopt}));
}

TEST_F(AuthenticatorTest, TheSidOfAMessengersTokenIsNoSessionOfOurs) {
  revocations_.revoke("s1", kNow);
  for (const std::string& claims :
       {R"({"sub":"alice","sid":"s1"})"s, R"({"iss":"https://id.example.org","sub":"alice","sid":"s1"})"s}) {
    const auto principal = authenticator_.verify(token(claims), kNow);
    ASSERT_TRUE(principal.has_value()) << claims;
    EXPECT_EQ(principal->session_id, "") << claims << ": or its logout would end somebody's login";
  }
}

// Between two runs of the server ACCESS_TOKEN_TTL went from a day to 15 minutes: of sessions that ended before the last
// 16 minutes nothing is remembered any more.
TEST_F(AuthenticatorTest, AnOwnTokenOlderThanTheMemoryOfRevocationsIsExpired) {
  const std::string old = token(R"({"iss":"zvonok","sub":"alice","sid":"s1","iat":1799990000,"exp":1800080000})");
  EXPECT_EQ(authenticator_.verify(old, kNow).error(), (AuthError{AuthFailure::Expired, jwt::JwtError::Expired}));
  const std::string of_no_session = token(R"({"iss":"zvonok","sub":"alice","iat":1799990000,"exp":1800080000})");
  EXPECT_TRUE(authenticator_.verify(of_no_session, kNow).has_value()) << "it can't be revoked anyhow";
  const std::string foreign = token(R"({"sub":"alice","sid":"s1","iat":1799990000,"exp":1800080000})");
  EXPECT_TRUE(authenticator_.verify(foreign, kNow).has_value());
}

TEST_F(AuthenticatorTest, APrincipalIsCheckedAgainWhenATicketIsRedeemed) {
  const auto principal = authenticator_.verify(own(""), kNow);
  ASSERT_TRUE(principal.has_value());
  EXPECT_TRUE(authenticator_.recheck(*principal, kNow + minutes{15} - milliseconds{1}).has_value());
  EXPECT_EQ(authenticator_.recheck(*principal, kNow + minutes{15}).error().failure, AuthFailure::Expired);
  revocations_.revoke("s1", kNow);
  EXPECT_EQ(authenticator_.recheck(*principal, kNow).error().failure, AuthFailure::Revoked);
}

TEST_F(AuthenticatorTest, KeysCanBeReplacedWhileRunning) {
  const std::string before = own("");
  authenticator_.replace_keys(keys("another secret of 32 bytes and more"));
  EXPECT_EQ(authenticator_.verify(before, kNow).error().cause, jwt::JwtError::BadSignature);
}

}  // namespace
}  // namespace zvonok::identity
