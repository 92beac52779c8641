// What a good token is understood to say: times at their edges, users, names, issuers, our own tokens and foreign ones.
#include <string>

#include <gtest/gtest.h>

#include "unit/proto/jwt_signer.h"

namespace zvonok::jwt {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::int64_t kNowSeconds = 1'800'000'000;
constexpr WallTime kNow = wall_from_unix_milliseconds(kNowSeconds * 1000);

KeySet keys() {
  KeySet set;
  EXPECT_TRUE(set.add(hmac_key()));
  EXPECT_TRUE(set.add(ec_key("ec-1")));
  return set;
}

Result<Claims, JwtError> check(const std::string& claims, const VerifyOptions& options = {}, WallTime now = kNow) {
  return verify(hs256(claims), keys(), options, now);
}

TEST(JwtClaims, TimesAreGoodUpToTheirEdge) {
  const std::string table[] = {
      R"("exp":1800000001)",
      R"("exp":1800000000.001)",
      R"("exp":1.800000001e9)",
      R"("exp":9223372036854775807)",
      R"("exp":18446744073709551615)",
      R"("exp":18446744073709551616)",
      R"("exp":1e300)",
      R"("nbf":1800000005)",
      R"("nbf":1800000000)",
      R"("nbf":0)",
      R"("nbf":-1)",
      R"("nbf":-9223372036854775808)",
      R"("iat":1800000060)",
      R"("iat":1800000060.0)",
      R"("iat":-1e300)",
      R"("iat":1,"nbf":1,"exp":1800000001)",
      R"("iat":1900000,"exp":4000000000)",
  };
  for (const std::string& times : table) {
    const auto claims = check(R"({"sub":"alice",)" + times + "}");
    ASSERT_TRUE(claims.has_value()) << times << ": " << claims.error();
  }
}

TEST(JwtClaims, LeewayMovesTheEdges) {
  VerifyOptions options;
  options.exp_leeway = seconds{10};
  options.nbf_leeway = seconds{20};
  options.iat_leeway = seconds{30};
  const std::string claims = R"({"sub":"alice","exp":1800000000,"nbf":1700000000,"iat":1700000000})";
  EXPECT_TRUE(check(claims, options, kNow + seconds{10} - milliseconds{1}).has_value());
  EXPECT_EQ(check(claims, options, kNow + seconds{10}).error(), JwtError::Expired);
  const WallTime begin = wall_from_unix_milliseconds(1'700'000'000'000);
  EXPECT_TRUE(check(claims, options, begin - seconds{20}).has_value());
  EXPECT_EQ(check(claims, options, begin - seconds{20} - milliseconds{1}).error(), JwtError::NotYetValid);
  options.nbf_leeway = seconds{1000};
  EXPECT_TRUE(check(claims, options, begin - seconds{30}).has_value());
  EXPECT_EQ(check(claims, options, begin - seconds{30} - milliseconds{1}).error(), JwtError::IssuedInFuture);
}

TEST(JwtClaims, HugeTimesAreTheEndOfTheCalendarAndOverflowNothing) {
  VerifyOptions options;
  options.exp_leeway = hours{24 * 365};
  const WallTime latest = wall_from_unix_milliseconds(253'402'300'799'000);
  for (const char* number : {"9223372036854775807", "18446744073709551615", "99999999999999999999", "1e308"}) {
    const auto claims = check(R"({"sub":"alice","exp":)"s + number + "}", options);
    ASSERT_TRUE(claims.has_value()) << number << ": " << claims.error();
    EXPECT_EQ(claims->expires_at, latest) << number;
  }
}

TEST(JwtClaims, TheUserIsTheFirstClaimThatIsThere) {
  struct Row {
    std::string claims;
    std::string user;
  };
  const Row table[] = {
      {R"({"sub":"alice"})", "alice"},
      {R"({"userId":"alice"})", "alice"},
      {R"({"sub":"alice","userId":"bob"})", "alice"},
      {R"({"userId":"bob","sub":"alice"})", "alice"},
      {R"({"sub":null,"userId":"bob"})", "bob"},
      {R"({"sub":42})", "42"},
      {R"({"sub":0})", "0"},
      {R"({"userId":9007199254740993})", "9007199254740993"},
      {R"({"userId":18446744073709551615})", "18446744073709551615"},
      {R"({"sub":"007"})", "007"},
      {R"({"sub":" alice "})", " alice "},
      {R"({"sub":"\u0430\u043b\u0438\u0441\u0430"})", "алиса"},
      {R"({"sub":"\ud83d\ude00"})", "\xF0\x9F\x98\x80"},
      {R"({"sub":")" + std::string(128, 'a') + R"("})", std::string(128, 'a')},
  };
  for (const Row& row : table) {
    const auto claims = check(row.claims);
    ASSERT_TRUE(claims.has_value()) << row.claims << ": " << claims.error();
    EXPECT_EQ(claims->user.value(), row.user) << row.claims;
  }
}

TEST(JwtClaims, TheUserIsReadFromTheClaimsThatTheOperatorNames) {
  VerifyOptions options;
  options.user_claims = {"https://chat.example.org/uid", "account"};
  EXPECT_EQ(check(R"({"sub":"x","account":"alice"})", options)->user.value(), "alice");
  EXPECT_EQ(check(R"({"https://chat.example.org/uid":7,"account":"alice"})", options)->user.value(), "7");
  EXPECT_EQ(check(R"({"sub":"alice","userId":"alice"})", options).error(), JwtError::NoUser)
      << "a claim that was not named must not stand in: it may be of another kind";
}

TEST(JwtClaims, TheNameIsTheFirstTextOfTheNameClaims) {
  struct Row {
    std::string claims;
    std::string name;
  };
  const Row table[] = {
      {R"({"sub":"a","name":"Alice"})", "Alice"},
      {R"({"sub":"a","preferred_username":"alice"})", "alice"},
      {R"({"sub":"a","preferred_username":"alice","name":"Alice"})", "Alice"},
      {R"({"sub":"a","name":"","preferred_username":"alice"})", "alice"},
      {R"({"sub":"a","name":5,"preferred_username":"alice"})", "alice"},
      {R"({"sub":"a","name":null})", ""},
      {R"({"sub":"a"})", ""},
      {R"({"sub":"a","name":")" + std::string(512, 'n') + R"("})", std::string(512, 'n')},
      {R"({"sub":"a","name":")" + std::string(513, 'n') + R"("})", ""},
  };
  for (const Row& row : table) {
    const auto claims = check(row.claims);
    ASSERT_TRUE(claims.has_value()) << row.claims;
    EXPECT_EQ(claims->name, row.name) << row.claims;
  }
}

TEST(JwtClaims, IssuerAndAudienceAreMatchedExactly) {
  VerifyOptions options;
  options.issuers = {"zvonok", "https://id.example.org"};
  options.audience = "calls";
  const std::string table[] = {
      R"({"sub":"a","iss":"https://id.example.org","aud":"calls"})",
      R"({"sub":"a","iss":"https://id.example.org","aud":["calls"]})",
      R"({"sub":"a","iss":"https://id.example.org","aud":[1,null,"mail","calls"]})",
  };
  for (const std::string& claims : table) EXPECT_TRUE(check(claims, options).has_value()) << claims;
}

TEST(JwtClaims, OtherClaimsAreCarriedAlong) {
  const auto claims = check(R"({"sub":"a","iat":1700000000,"exp":1900000000,"jti":"t1","sid":"s1","iss":"i",
                                "rooms":{"chat:1":["join"]},"nonsense":[{}]})");
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->token_id, "t1");
  EXPECT_EQ(claims->session_id, "s1");
  EXPECT_EQ(claims->issuer, "i");
  EXPECT_EQ(claims->rooms_json, R"({"chat:1":["join"]})");
  EXPECT_EQ(claims->issued_at, wall_from_unix_milliseconds(1'700'000'000'000));
  EXPECT_EQ(claims->expires_at, wall_from_unix_milliseconds(1'900'000'000'000));
  EXPECT_EQ(claims->algorithm, Algorithm::Hs256);
}

TEST(JwtClaims, AbsentClaimsAreEmpty) {
  const auto claims = check(R"({"sub":"a","rooms":null,"jti":7,"sid":["x"]})");
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->token_id, "");
  EXPECT_EQ(claims->session_id, "");
  EXPECT_EQ(claims->rooms_json, "");
  EXPECT_EQ(claims->expires_at, std::nullopt);
  EXPECT_EQ(claims->issued_at, std::nullopt);
}

TEST(JwtClaims, OwnTokensAreOwnWhateverIsAskedOfForeignOnes) {
  VerifyOptions options;
  options.own_issuer = "zvonok";
  options.user_claims = {"account"};
  options.issuers = {"https://id.example.org"};
  options.audience = "calls";
  const auto own = check(R"({"iss":"zvonok","sub":"alice","sid":"s"})", options);
  ASSERT_TRUE(own.has_value()) << own.error();
  EXPECT_EQ(own->origin, Origin::Own);
  EXPECT_EQ(own->user.value(), "alice");
  EXPECT_EQ(check(R"({"iss":"zvonok","account":"alice"})", options).error(), JwtError::NoUser);

  const auto foreign = check(R"({"iss":"https://id.example.org","aud":"calls","account":"bob"})", options);
  ASSERT_TRUE(foreign.has_value()) << foreign.error();
  EXPECT_EQ(foreign->origin, Origin::Foreign);
  EXPECT_EQ(foreign->user.value(), "bob");
}

TEST(JwtClaims, AKeyOfAMessengerMakesNoOwnTokens) {
  VerifyOptions options;
  options.own_issuer = "zvonok";
  const auto claims =
      verify(es256(R"({"alg":"ES256","kid":"ec-1"})", R"({"iss":"zvonok","sub":"alice"})"), keys(), options, kNow);
  ASSERT_TRUE(claims.has_value()) << claims.error();
  EXPECT_EQ(claims->origin, Origin::Foreign);
  options.own_issuer.clear();
  EXPECT_EQ(check(R"({"iss":"","sub":"alice"})", options)->origin, Origin::Foreign);
  EXPECT_EQ(check(R"({"sub":"alice"})", options)->origin, Origin::Foreign);
}

TEST(JwtClaims, UserIdsAreOneTo128BytesWithoutControlCharacters) {
  for (const std::string& good : {"a"s, "0"s, " "s, "\xC2\xA0"s, "a/b?c"s, std::string(128, 'x')}) {
    EXPECT_TRUE(is_user_id(good)) << good;
  }
  for (const std::string& bad : {""s, "\0"s, "a\tb"s, "\x7F"s, "\xC2\x80"s, "a\xC2\x9F"s, std::string(129, 'x')}) {
    EXPECT_FALSE(is_user_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace zvonok::jwt
