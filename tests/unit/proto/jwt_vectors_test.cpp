// The examples of RFC 7515 (appendix A) and RFC 8037 (appendix A), and signatures of our own checked by OpenSSL.
#include <gtest/gtest.h>

#include "unit/proto/jwt_signer.h"

namespace zvonok::jwt {
namespace {

using namespace test;

// {"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}
constexpr std::string_view kRfcClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr WallTime kBeforeExpiry = wall_from_unix_milliseconds(1'300'819'379'999);

struct Example {
  std::string_view name;
  std::string_view header;
  std::string_view signature;
  Algorithm algorithm;
};

const Example kExamples[] = {
    {"RFC 7515 A.1", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
     Algorithm::Hs256},
    {"RFC 7515 A.2", "eyJhbGciOiJSUzI1NiJ9",
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1"
     "dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzD"
     "wusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe7"
     "7Rw",
     Algorithm::Rs256},
    {"RFC 7515 A.3", "eyJhbGciOiJFUzI1NiJ9",
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", Algorithm::Es256},
};

KeySet rfc_keys() {
  KeySet keys;
  EXPECT_TRUE(keys.add(hmac_key()));
  EXPECT_TRUE(keys.add(rsa_key()));
  EXPECT_TRUE(keys.add(ec_key()));
  EXPECT_TRUE(keys.add(ed_key()));
  return keys;
}

TEST(JwtVectors, TheExamplesOfTheRfcVerify) {
  const KeySet keys = rfc_keys();
  VerifyOptions options;
  options.user_claims = {"iss"};  // the examples name nobody else
  for (const Example& example : kExamples) {
    const std::string token =
        std::string{example.header} + "." + std::string{kRfcClaims} + "." + std::string{example.signature};
    const auto claims = verify(token, keys, options, kBeforeExpiry);
    ASSERT_TRUE(claims.has_value()) << example.name << ": " << claims.error();
    EXPECT_EQ(claims->user.value(), "joe") << example.name;
    EXPECT_EQ(claims->issuer, "joe") << example.name;
    EXPECT_EQ(claims->algorithm, example.algorithm) << example.name;
    EXPECT_EQ(claims->expires_at, wall_from_unix_milliseconds(1'300'819'380'000)) << example.name;
    EXPECT_EQ(claims->origin, Origin::Foreign) << example.name;

    const auto late = verify(token, keys, options, kBeforeExpiry + milliseconds{1});
    ASSERT_FALSE(late.has_value()) << example.name;
    EXPECT_EQ(late.error(), JwtError::Expired) << example.name;
  }
}

TEST(JwtVectors, TheExamplesOfTheRfcFailWithOneBitChanged) {
  const KeySet keys = rfc_keys();
  VerifyOptions options;
  options.user_claims = {"iss"};
  for (const Example& example : kExamples) {
    const std::string text = std::string{example.header} + "." + std::string{kRfcClaims};
    for (const std::size_t byte : {std::size_t{0}, std::size_t{15}, std::size_t{31}}) {
      Blob signature = unbase64(example.signature);
      signature[byte] ^= 0x01;
      const auto claims = verify(with_signature(text, signature), keys, options, kBeforeExpiry);
      ASSERT_FALSE(claims.has_value()) << example.name << " byte " << byte;
      EXPECT_EQ(claims.error(), JwtError::BadSignature) << example.name << " byte " << byte;
    }
  }
}

// RFC 8037 A.4: the payload is a text and no JSON, so only the key can say that the signature is good.
TEST(JwtVectors, TheEd25519ExampleVerifies) {
  constexpr std::string_view kText = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  constexpr std::string_view kSignature =
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_TRUE(ed_key().verify(kText, unbase64(kSignature)));
  EXPECT_EQ(base64(sign_eddsa(kText)), kSignature) << "Ed25519 signatures are deterministic";
  EXPECT_FALSE(ed_key().verify(std::string{kText} + "x", unbase64(kSignature)));

  const auto claims =
      verify(std::string{kText} + "." + std::string{kSignature}, rfc_keys(), VerifyOptions{}, WallTime{});
  ASSERT_FALSE(claims.has_value());
  EXPECT_EQ(claims.error(), JwtError::BadJson) << "the signature is good, the claims are none";
}

// RFC 7515 A.5: an unsecured JWS. RFC 7515 A.4: ES512, which is not served.
TEST(JwtVectors, TheUnsecuredAndTheUnservedExampleAreRefused) {
  const std::string unsecured = "eyJhbGciOiJub25lIn0." + std::string{kRfcClaims} + ".";
  const std::string es512 =
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO"
      "0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
  for (const std::string& token : {unsecured, es512}) {
    const auto claims = verify(token, rfc_keys(), VerifyOptions{}, kBeforeExpiry);
    ASSERT_FALSE(claims.has_value()) << token;
    EXPECT_EQ(claims.error(), JwtError::UnsupportedAlgorithm) << token;
  }
}

TEST(JwtVectors, TheOwnHmacIsOpenSslsHmac) {
  // Lengths around the block of SHA-256, where the key is hashed first (RFC 2104 section 2).
  for (const std::size_t size : {32U, 33U, 63U, 64U, 65U, 200U}) {
    const std::string secret(size, 's');
    const Key key = must(Key::hs256(secret));
    for (const std::string_view message : {"", "a", "header.claims"}) {
      EXPECT_EQ(key.sign(message), sign_hs256_raw(message, secret)) << size << " bytes, message " << message;
      EXPECT_TRUE(key.verify(message, sign_hs256_raw(message, secret)));
    }
  }
}

TEST(JwtVectors, OwnTokensAreWhatOtherLibrariesWouldMake) {
  const std::string claims = R"({"sub":"alice"})";
  EXPECT_EQ(sign_hs256(claims, hmac_key()), hs256(R"({"alg":"HS256","typ":"JWT"})", claims));
}

}  // namespace
}  // namespace zvonok::jwt
