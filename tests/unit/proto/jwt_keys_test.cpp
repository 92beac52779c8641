// Keys: which are taken, which are too weak, how a token's `kid` chooses among them, and key sets in JSON.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/jwt/jwks.h"
#include "unit/proto/jwt_signer.h"

namespace zvonok::jwt {
namespace {

using namespace test;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Moduli of real RSA keys that are too short: 1024 and 2047 bits.
constexpr std::string_view kModulus1024 =
    "4bQmI7qscURcqEthEnC52hqfk1jU0PG9gg2gpTUlVcpmTTacBcYRUdtWWSkJJ6t66y-fXO5UJNV1tEW0CLO1o1hg-uwDTEzgdj3G_6kgm8JO_"
    "Vj8ZWXB"
    "pYWntzgehs5KDLMzoK2ZhPK6WdIPu3Nkmo8zFlVNKmeJ4CwLlDEGuBk";
constexpr std::string_view kModulus2047 =
    "aE2dNpJiGYfuvNGM9HZXqlDA24GC9HjPRFdnqtbXyFnnVXNefLdcK_1_MW_ISC1eRM7ulEdLwobR66oKldgtGb-"
    "WQDFBC55TtQL1Ps17E2DYICObJx8j"
    "hdquuBSdknc4YeRvojoi3441PZOBS_9nJHE0ooLca4YSb0BHVDWUirYIyOz7-6Z3CLi27k3Zny17h-PB8BSXURxFT-Sgld6mwGNgoH-"
    "SjDrRiKZ9S6rN"
    "t4N_WLgWosPGn-bBtKHvV46M-obb08It1vECwqkdlkBD3MzqUXhuUpV2_A-HDdGN7aGTDKgUtCtpkRU0mpSjQYVb4uQrRII23wHXbPeCaMq1SQ";

/// The same number with three zeros before it.
Blob joined_zeros(const Blob& number) {
  Blob out(3);
  out.insert(out.end(), number.begin(), number.end());
  return out;
}

TEST(JwtKeys, SecretsUnder32BytesAreRefused) {
  for (const std::size_t size : {0U, 1U, 16U, 31U}) {
    const auto key = Key::hs256(std::string(size, 's'));
    ASSERT_FALSE(key.has_value()) << size;
    EXPECT_EQ(key.error(), KeyError::SecretTooShort) << size;
  }
  for (const std::size_t size : {32U, 64U, 65U, 1000U}) EXPECT_TRUE(Key::hs256(std::string(size, 's'))) << size;
}

TEST(JwtKeys, WeakAndBrokenRsaKeysAreRefused) {
  const Blob modulus = unbase64(kRsaModulus);
  const Blob exponent = unbase64(kRsaExponent);
  Blob even = modulus;
  even.back() &= 0xFE;
  Blob huge(1025, 0xFF);
  struct Row {
    const char* name;
    Blob modulus;
    Blob exponent;
    KeyError error;
  };
  const Row table[] = {
      {"1024 bits", unbase64(kModulus1024), exponent, KeyError::WrongSize},
      {"2047 bits", unbase64(kModulus2047), exponent, KeyError::WrongSize},
      {"8200 bits", huge, exponent, KeyError::WrongSize},
      {"no modulus", {}, exponent, KeyError::WrongSize},
      {"a modulus of zeros", Blob(256), exponent, KeyError::WrongSize},
      {"1024 bits behind zeros", joined_zeros(unbase64(kModulus1024)), exponent, KeyError::WrongSize},
      {"no exponent", modulus, {}, KeyError::WrongSize},
      {"exponent 0", modulus, {0}, KeyError::WrongSize},
      {"exponent 1", modulus, {1}, KeyError::WrongSize},
      {"exponent 2", modulus, {2}, KeyError::NotAKey},
      {"exponent of nine bytes", modulus, Blob(9, 0xFF), KeyError::WrongSize},
      {"even modulus", even, exponent, KeyError::NotAKey},
  };
  for (const Row& row : table) {
    const auto key = Key::rs256({.modulus = row.modulus, .exponent = row.exponent});
    ASSERT_FALSE(key.has_value()) << row.name;
    EXPECT_EQ(key.error(), row.error) << row.name;
  }
  EXPECT_TRUE(Key::rs256({.modulus = joined_zeros(modulus), .exponent = exponent})) << "leading zeros mean nothing";
}

TEST(JwtKeys, PointsOffTheCurveAreRefused) {
  const Blob x = unbase64(kEcX);
  const Blob y = unbase64(kEcY);
  Blob other = y;
  other.back() ^= 1;
  struct Row {
    const char* name;
    Blob x;
    Blob y;
    KeyError error;
  };
  const Row table[] = {
      {"off the curve", x, other, KeyError::NotAKey},
      {"the origin", Blob(32), Blob(32), KeyError::NotAKey},
      {"x not below p", Blob(32, 0xFF), y, KeyError::NotAKey},
      {"x short", Blob(31), y, KeyError::WrongSize},
      {"y long", x, Blob(33), KeyError::WrongSize},
      {"nothing", {}, {}, KeyError::WrongSize},
  };
  for (const Row& row : table) {
    const auto key = Key::es256({.x = row.x, .y = row.y});
    ASSERT_FALSE(key.has_value()) << row.name;
    EXPECT_EQ(key.error(), row.error) << row.name;
  }
}

/// Whether OpenSSL takes a made-up signature under `point`: R any point of small order, S zero.
bool can_be_forged(const Blob& point, const std::vector<Blob>& small) {
  const PkeyPtr key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, point.data(), point.size())};
  if (!key) return false;
  for (int message = 0; message < 64; ++message) {
    for (const Blob& r : small) {
      Blob signature = r;
      signature.resize(64);
      const DigestContextPtr context{EVP_MD_CTX_new()};
      const Blob text{static_cast<std::uint8_t>(message)};
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get());
      if (EVP_DigestVerify(context.get(), signature.data(), 64, text.data(), text.size()) == 1) return true;
    }
  }
  return false;
}

TEST(JwtKeys, Ed25519KeysUnderWhichAnybodyCanSignAreRefused) {
  std::vector<Blob> small;
  for (const std::string_view text :
       {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P_______________________________________38", "7f_______________________________________38",
        "7v_______________________________________38", "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"}) {
    Blob point = unbase64(text);
    small.push_back(point);
    point.back() |= 0x80;
    small.push_back(point);
  }
  for (const Blob& point : small) {
    EXPECT_TRUE(can_be_forged(point, small)) << base64(Bytes{point}) << " is in the table for a reason";
    const auto key = Key::ed25519(point);
    ASSERT_FALSE(key.has_value()) << base64(Bytes{point});
    EXPECT_EQ(key.error(), KeyError::NotAKey);
  }
  EXPECT_FALSE(can_be_forged(unbase64(kEd25519Public), small));
  EXPECT_TRUE(Key::ed25519(unbase64(kEd25519Public)));
  for (const std::size_t size : {0U, 31U, 33U, 64U}) {
    EXPECT_EQ(Key::ed25519(Blob(size, 7)).error(), KeyError::WrongSize) << size;
  }
}

std::vector<std::string> kids_of(const std::vector<const Key*>& keys) {
  std::vector<std::string> kids;
  for (const Key* key : keys) kids.push_back(std::string{to_text(key->algorithm())} + "/" + key->kid());
  return kids;
}

TEST(JwtKeys, TheKidChoosesAmongTheKeysOfTheAlgorithm) {
  KeySet keys;
  ASSERT_TRUE(keys.add(hmac_key()));
  ASSERT_TRUE(keys.add(rsa_key("a")));
  ASSERT_TRUE(keys.add(ed_key("a")));
  ASSERT_TRUE(keys.add(ed_key("b")));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::Hs256, std::nullopt)), ElementsAre("HS256/"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::Hs256, "a")), ElementsAre("HS256/"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::Rs256, "a")), ElementsAre("RS256/a"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::Rs256, "z")), ElementsAre("RS256/a"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::EdDsa, "b")), ElementsAre("EdDSA/b"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::EdDsa, "z")), IsEmpty());
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::EdDsa, std::nullopt)), ElementsAre("EdDSA/a", "EdDSA/b"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::EdDsa, "")), ElementsAre("EdDSA/a", "EdDSA/b"));
  EXPECT_THAT(kids_of(keys.candidates(Algorithm::Es256, std::nullopt)), IsEmpty());
}

TEST(JwtKeys, OneBadTokenCostsABoundedNumberOfChecks) {
  KeySet keys;
  for (std::size_t i = 0; i < kKeysMax; ++i) ASSERT_TRUE(keys.add(hmac_key("k" + std::to_string(i)))) << i;
  EXPECT_FALSE(keys.add(hmac_key("one more")));
  EXPECT_EQ(keys.size(), kKeysMax);
  EXPECT_THAT(keys.candidates(Algorithm::Hs256, std::nullopt), SizeIs(kCandidatesMax));
}

TEST(JwtKeys, AKidIsTakenOncePerAlgorithm) {
  KeySet keys;
  EXPECT_TRUE(keys.add(ed_key("a")));
  EXPECT_FALSE(keys.add(ed_key("a")));
  EXPECT_TRUE(keys.add(ec_key("a")));
  EXPECT_TRUE(keys.add(ed_key()));
  EXPECT_TRUE(keys.add(ed_key())) << "keys without a kid don't clash";
}

// ---- key sets ------------------------------------------------------------------------------------------------------

std::string rsa_jwk(const std::string& more = {}) {
  return R"({"kty":"RSA","n":")" + std::string{kRsaModulus} + R"(","e":"AQAB")" + more + "}";
}
std::string ec_jwk(const std::string& more = {}) {
  return R"({"kty":"EC","crv":"P-256","x":")" + std::string{kEcX} + R"(","y":")" + std::string{kEcY} + '"' + more + "}";
}
std::string ed_jwk(const std::string& more = {}) {
  return R"({"kty":"OKP","crv":"Ed25519","x":")" + std::string{kEd25519Public} + '"' + more + "}";
}
std::string jwks(const std::string& keys) {
  return R"({"keys":[)" + keys + "]}";
}

TEST(Jwks, EveryKindThatIsServedIsRead) {
  const auto set = parse_jwks(jwks(rsa_jwk(R"(,"kid":"r","alg":"RS256","use":"sig")") + "," +
                                   ec_jwk(R"(,"kid":"e","alg":"ES256","key_ops":["verify"])") + "," +
                                   ed_jwk(R"(,"kid":"d","alg":"EdDSA")") + "," + ed_jwk()));
  ASSERT_TRUE(set.has_value()) << set.error();
  ASSERT_THAT(set->keys, SizeIs(4));
  EXPECT_THAT(set->skipped, IsEmpty());
  EXPECT_EQ(set->keys[0].algorithm(), Algorithm::Rs256);
  EXPECT_EQ(set->keys[0].kid(), "r");
  EXPECT_EQ(set->keys[1].algorithm(), Algorithm::Es256);
  EXPECT_EQ(set->keys[2].algorithm(), Algorithm::EdDsa);
  EXPECT_EQ(set->keys[3].kid(), "");
  EXPECT_TRUE(set->keys[0].verify("m", sign_rs256("m")));
  EXPECT_TRUE(set->keys[1].verify("m", sign_es256("m")));
  EXPECT_TRUE(set->keys[2].verify("m", sign_eddsa("m")));
}

TEST(Jwks, UnusableKeysAreLeftOutWithTheReason) {
  struct Row {
    std::string jwk;
    std::string reason;
  };
  const Row table[] = {
      {R"({"kty":"oct","k":"AAAA"})", "shared secret"},
      {R"({"kty":"oct","k":")" + base64(std::string(32, 's')) + R"(","alg":"HS256"})", "shared secret"},
      {rsa_jwk(R"(,"alg":"HS256")"), "`alg` is not RS256"},
      {rsa_jwk(R"(,"alg":"RS512")"), "`alg` is not RS256"},
      {rsa_jwk(R"(,"alg":5)"), "`alg` is not RS256"},
      {rsa_jwk(R"(,"use":"enc")"), "`use` is not sig"},
      {rsa_jwk(R"(,"use":null)"), "`use` is not sig"},
      {rsa_jwk(R"(,"key_ops":["encrypt"])"), "no verify"},
      {rsa_jwk(R"(,"key_ops":"verify")"), "no list"},
      {rsa_jwk(R"(,"kid":7)"), "`kid`"},
      {rsa_jwk(R"(,"kid":")" + std::string(257, 'k') + '"'), "`kid`"},
      {rsa_jwk(R"(,"kid":"good")"), "taken"},
      {R"({"kty":"RSA","n":")" + std::string{kModulus1024} + R"(","e":"AQAB"})", "too small"},
      {R"({"kty":"RSA","n":"!","e":"AQAB"})", "too small"},
      {R"({"kty":"RSA","n":")" + std::string{kRsaModulus} + R"("})", "too small"},
      {R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})", "P-256"},
      {R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})", "P-256"},
      {R"({"kty":"EC","crv":"P-256","x":")" + std::string{kEcX} + R"(","y":")" + std::string{kEcX} + R"("})",
       "no valid"},
      {R"({"kty":"OKP","crv":"X25519","x":"AA"})", "Ed25519"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})", "no valid"},
      {R"({"kty":"AKP"})", "`kty`"},
      {R"({"kty":1})", "`kty`"},
      {R"({})", "`kty`"},
      {R"([])", "no JSON object"},
      {R"("key")", "no JSON object"},
  };
  for (const Row& row : table) {
    const auto set = parse_jwks(jwks(rsa_jwk(R"(,"kid":"good")") + "," + row.jwk));
    ASSERT_TRUE(set.has_value()) << row.jwk << ": " << set.error();
    EXPECT_THAT(set->keys, SizeIs(1)) << row.jwk;
    EXPECT_THAT(set->skipped, ElementsAre(HasSubstr(row.reason))) << row.jwk;
    EXPECT_THAT(set->skipped, ElementsAre(HasSubstr("key 2"))) << row.jwk;
  }
}

TEST(Jwks, ASetWithoutAUsableKeyIsAnError) {
  const std::string table[] = {
      "",
      "[]",
      "null",
      "{}",
      R"({"keys":{}})",
      R"({"keys":[]})",
      jwks(R"({"kty":"oct"})"),
      rsa_jwk(),
      R"({"keys":[)" + rsa_jwk(),
      R"({"keys":)" + std::string(20, '[') + std::string(20, ']') + "}",
      std::string(kJwksBytesMax + 1, ' '),
  };
  for (const std::string& text : table) {
    const auto set = parse_jwks(text);
    ASSERT_FALSE(set.has_value()) << text.substr(0, 80);
    EXPECT_FALSE(set.error().empty());
    EXPECT_EQ(set.error().find('\n'), std::string::npos) << "one line for the operator";
  }
}

TEST(Jwks, MoreKeysThanAreKeptAreLeftOut) {
  std::string keys;
  for (std::size_t i = 0; i < kKeysMax + 2; ++i) {
    keys += (i == 0 ? "" : ",") + ed_jwk(R"(,"kid":")" + std::to_string(i) + '"');
  }
  const auto set = parse_jwks(jwks(keys));
  ASSERT_TRUE(set.has_value()) << set.error();
  EXPECT_THAT(set->keys, SizeIs(kKeysMax));
  EXPECT_THAT(set->skipped, SizeIs(2));
}

TEST(Jwks, APrivateKeyInTheFileIsReadAsItsPublicHalf) {
  const auto set = parse_jwks(jwks(ed_jwk(R"(,"d":")" + std::string{kEd25519Private} + '"')));
  ASSERT_TRUE(set.has_value()) << set.error();
  EXPECT_TRUE(set->keys.front().verify("m", sign_eddsa("m")));
}

}  // namespace
}  // namespace zvonok::jwt
