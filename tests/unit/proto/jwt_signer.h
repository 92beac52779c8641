// Makes tokens as other issuers do, with the private keys of the RFCs' examples, so that every run signs with the same
// keys: RFC 7515 appendices A.1 to A.3, RFC 8037 appendix A.1.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/check.h"
#include "proto/jwt/crypto.h"
#include "proto/jwt/jwt.h"

namespace zvonok::jwt::test {

using Blob = std::vector<std::uint8_t>;

inline constexpr std::string_view kHmacSecret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
inline constexpr std::string_view kRsaModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgN"
    "MsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xs"
    "mtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpo"
    "Q";
inline constexpr std::string_view kRsaExponent = "AQAB";
inline constexpr std::string_view kRsaPrivate =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1"
    "O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4e"
    "hNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopzn"
    "Q";
inline constexpr std::string_view kEcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
inline constexpr std::string_view kEcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
inline constexpr std::string_view kEcPrivate = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
inline constexpr std::string_view kEd25519Public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
inline constexpr std::string_view kEd25519Private = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

inline Blob unbase64(std::string_view text) {
  auto bytes = base64url_decode(text);
  ZVONOK_CHECK(bytes);
  return std::move(*bytes);
}
inline std::string base64(std::string_view text) {
  return base64url_encode(as_bytes(text));
}
inline std::string base64(Bytes bytes) {
  return base64url_encode(bytes);
}
/// A secret as the key of HS256 takes it.
inline std::string hmac_secret() {
  return std::string{as_text(unbase64(kHmacSecret))};
}

inline BignumPtr bignum(std::string_view base64_text) {
  const Blob bytes = unbase64(base64_text);
  return BignumPtr{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
}

inline PkeyPtr make_private_key(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params{OSSL_PARAM_BLD_to_param(builder)};
  const PkeyContextPtr context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  ZVONOK_CHECK(EVP_PKEY_fromdata_init(context.get()) == 1 &&
               EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return PkeyPtr{key};
}

inline PkeyPtr rsa_private_key() {
  const BignumPtr n = bignum(kRsaModulus);
  const BignumPtr e = bignum(kRsaExponent);
  const BignumPtr d = bignum(kRsaPrivate);
  const ParamsBuilderPtr builder{OSSL_PARAM_BLD_new()};
  ZVONOK_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get()) == 1);
  return make_private_key("RSA", builder.get());
}

inline PkeyPtr ec_private_key() {
  Blob point{0x04};
  for (const std::string_view part : {kEcX, kEcY}) {
    const Blob bytes = unbase64(part);
    point.insert(point.end(), bytes.begin(), bytes.end());
  }
  const BignumPtr d = bignum(kEcPrivate);
  const ParamsBuilderPtr builder{OSSL_PARAM_BLD_new()};
  ZVONOK_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
               OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) ==
                   1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get()) == 1);
  return make_private_key("EC", builder.get());
}

inline PkeyPtr ed25519_private_key(std::string_view seed = kEd25519Private) {
  const Blob bytes = unbase64(seed);
  return PkeyPtr{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size())};
}

/// A signature as OpenSSL makes it: DER for ECDSA. `digest` is null for Ed25519.
inline Blob raw_sign(EVP_PKEY* key, const EVP_MD* digest, std::string_view message, int padding = 0) {
  const DigestContextPtr context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* options = nullptr;
  ZVONOK_CHECK(EVP_DigestSignInit(context.get(), &options, digest, nullptr, key) == 1);
  if (padding != 0) ZVONOK_CHECK(EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1);
  const Bytes bytes = as_bytes(message);
  std::size_t size = 0;
  ZVONOK_CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes.data(), bytes.size()) == 1);
  Blob signature(size);
  ZVONOK_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) == 1);
  signature.resize(size);
  return signature;
}

/// r||s of a DER signature (RFC 7518 section 3.4).
inline Blob to_raw(Bytes der) {
  const std::uint8_t* at = der.data();
  const EcdsaSignaturePtr signature{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
  ZVONOK_CHECK(signature);
  Blob raw(64);
  ZVONOK_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), 32) == 32);
  ZVONOK_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + 32, 32) == 32);
  return raw;
}

inline Blob sign_hs256_raw(std::string_view message, std::string_view secret) {
  Blob mac(32);
  std::size_t size = 0;
  const Bytes bytes = as_bytes(message);
  ZVONOK_CHECK(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(), bytes.data(),
                         bytes.size(), mac.data(), mac.size(), &size) != nullptr);
  return mac;
}
inline Blob sign_rs256(std::string_view message) {
  return raw_sign(rsa_private_key().get(), EVP_sha256(), message);
}
inline Blob sign_es256(std::string_view message) {
  return to_raw(raw_sign(ec_private_key().get(), EVP_sha256(), message));
}
inline Blob sign_eddsa(std::string_view message) {
  return raw_sign(ed25519_private_key().get(), nullptr, message);
}

inline std::string signed_text(std::string_view header, std::string_view claims) {
  return base64(header) + "." + base64(claims);
}
inline std::string with_signature(std::string_view text, Bytes signature) {
  return std::string{text} + "." + base64(signature);
}

/// A token of the HMAC key over any header and claims.
inline std::string hs256(std::string_view header, std::string_view claims) {
  const std::string text = signed_text(header, claims);
  return with_signature(text, sign_hs256_raw(text, hmac_secret()));
}
/// A token of the HMAC key over parts that are encoded already, rightly or not.
inline std::string hs256_over(std::string_view header, std::string_view claims) {
  const std::string text = std::string{header} + "." + std::string{claims};
  return with_signature(text, sign_hs256_raw(text, hmac_secret()));
}
/// The first, with an ordinary header.
inline std::string hs256(std::string_view claims) {
  return hs256(R"({"alg":"HS256"})", claims);
}
inline std::string rs256(std::string_view header, std::string_view claims) {
  const std::string text = signed_text(header, claims);
  return with_signature(text, sign_rs256(text));
}
inline std::string es256(std::string_view header, std::string_view claims) {
  const std::string text = signed_text(header, claims);
  return with_signature(text, sign_es256(text));
}
inline std::string eddsa(std::string_view header, std::string_view claims) {
  const std::string text = signed_text(header, claims);
  return with_signature(text, sign_eddsa(text));
}

template <class T, class E>
T must(Result<T, E> result) {
  ZVONOK_CHECK(result.has_value());
  return std::move(*result);
}

inline Key hmac_key(std::string kid = {}) {
  return must(Key::hs256(hmac_secret(), std::move(kid)));
}
inline Key rsa_key(std::string kid = {}) {
  return must(Key::rs256({.modulus = unbase64(kRsaModulus), .exponent = unbase64(kRsaExponent)}, std::move(kid)));
}
inline Key ec_key(std::string kid = {}) {
  return must(Key::es256({.x = unbase64(kEcX), .y = unbase64(kEcY)}, std::move(kid)));
}
inline Key ed_key(std::string kid = {}) {
  return must(Key::ed25519(unbase64(kEd25519Public), std::move(kid)));
}

/// The public half of a private Ed25519 key.
inline Blob ed25519_public_of(std::string_view seed) {
  Blob out(32);
  std::size_t size = out.size();
  ZVONOK_CHECK(EVP_PKEY_get_raw_public_key(ed25519_private_key(seed).get(), out.data(), &size) == 1 && size == 32);
  return out;
}

}  // namespace zvonok::jwt::test
