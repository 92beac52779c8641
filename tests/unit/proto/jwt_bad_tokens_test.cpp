// Tokens that must be refused, and why, as one table. Those of the parts "header" and below are signed with a key that
// is trusted, so that nothing but the named fault can be the reason.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/proto/jwt_signer.h"

namespace zvonok::jwt {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::int64_t kNowSeconds = 1'800'000'000;
constexpr WallTime kNow = wall_from_unix_milliseconds(kNowSeconds * 1000);
const std::string kHeader = R"({"alg":"HS256","typ":"JWT"})";
const std::string kClaims = R"({"sub":"alice"})";
/// Seeds of keys that are trusted beside the RFC's, and of one that is not.
constexpr std::string_view kSecondSeed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

struct BadToken {
  std::string name;
  std::string token;
  JwtError error;
  VerifyOptions options = {};
};
using Table = std::vector<BadToken>;

KeySet trusted_keys() {
  KeySet keys;
  EXPECT_TRUE(keys.add(hmac_key()));
  EXPECT_TRUE(keys.add(rsa_key("rsa-1")));
  EXPECT_TRUE(keys.add(ec_key("ec-1")));
  EXPECT_TRUE(keys.add(ed_key("ed-1")));
  EXPECT_TRUE(keys.add(must(Key::ed25519(ed25519_public_of(kSecondSeed), "ed-2"))));
  return keys;
}

Table shape_table() {
  const std::string good = hs256(kHeader, kClaims);
  const std::string h = base64(kHeader);
  const std::string c = base64(kClaims);
  const std::string s = good.substr(good.rfind('.') + 1);
  return {
      {"nothing", "", JwtError::Malformed},
      {"a word", "token", JwtError::Malformed},
      {"one dot", ".", JwtError::Malformed},
      {"two dots", "..", JwtError::Malformed},
      {"two parts", h + "." + c, JwtError::Malformed},
      {"four parts", good + "." + s, JwtError::Malformed},
      {"five parts (JWE)", h + "." + c + "." + s + "." + s + "." + s, JwtError::Malformed},
      {"a dot at the end", good + ".", JwtError::Malformed},
      {"empty header", "." + c + "." + s, JwtError::Malformed},
      {"empty claims", h + ".." + s, JwtError::Malformed},
      {"empty signature", h + "." + c + ".", JwtError::BadSignature},
      {"JSON serialization", R"({"protected":")" + h + R"(","payload":")" + c + R"("})", JwtError::Malformed},
      {"8193 bytes", h + "." + c + "." + std::string(kTokenBytesMax - h.size() - c.size() - 1, 'A'), JwtError::TooLong},
      {"a megabyte of dots", std::string(1 << 20, '.'), JwtError::TooLong},
      {"a scheme before it", "Bearer " + good, JwtError::BadEncoding},
      {"a space before it", " " + good, JwtError::BadEncoding},
      {"a line end behind it", good + "\n", JwtError::BadEncoding},
      {"a NUL behind it", good + "\0"s, JwtError::BadEncoding},
  };
}

Table encoding_table() {
  const std::string good = hs256(kHeader, kClaims);
  const std::string h = base64(kHeader);
  const std::string c = base64(kClaims);
  const std::string s = good.substr(good.rfind('.') + 1);
  // 32 bytes are 43 characters, the last of which has two bits to spare: the next letter means the same bytes.
  const char last = s.back();
  const std::string other_spelling = s.substr(0, s.size() - 1) + static_cast<char>(last + 1);
  return {
      {"padded header", h + "=." + c + "." + s, JwtError::BadEncoding},
      {"padded claims", hs256_over(h, c + "=="), JwtError::BadEncoding},
      {"padded signature", good + "=", JwtError::BadEncoding},
      {"second spelling of the signature", h + "." + c + "." + other_spelling, JwtError::BadEncoding},
      {"second spelling of the claims", hs256_over(h, "e31"), JwtError::BadEncoding},
      {"length that no bytes have", hs256_over(h, "AAAAA"), JwtError::BadEncoding},
      {"plus and slash", h + "." + c + "." + std::string(42, '+') + "A", JwtError::BadEncoding},
      {"a space in the claims", hs256_over(h, c.substr(0, 4) + " " + c.substr(4)), JwtError::BadEncoding},
      {"a line end in the claims", hs256_over(h, c.substr(0, 4) + "\r\n" + c.substr(4)), JwtError::BadEncoding},
      {"a NUL in the claims", hs256_over(h, c.substr(0, 4) + "\0"s + c.substr(4)), JwtError::BadEncoding},
      {"percent-encoding", hs256_over(h, "%65" + c), JwtError::BadEncoding},
      {"UTF-8 outside of base64", hs256_over(h, "\xC3\xA9" + c), JwtError::BadEncoding},
  };
}

Table header_table() {
  const std::string deep = R"({"alg":"HS256","x":)" + std::string(20, '[') + std::string(20, ']') + "}";
  const auto with = [](const std::string& header) { return hs256(header, kClaims); };
  return {
      {"header is no JSON", with("alg=HS256"), JwtError::BadJson},
      {"header is a list", with(R"(["HS256"])"), JwtError::BadJson},
      {"header is a text", with(R"("HS256")"), JwtError::BadJson},
      {"header is cut off", with(R"({"alg":"HS256")"), JwtError::BadJson},
      {"header with something behind it", with(R"({"alg":"HS256"}{})"), JwtError::BadJson},
      {"header with a byte order mark", with("\xEF\xBB\xBF{\"alg\":\"HS256\"}"), JwtError::BadJson},
      {"header with a comment", with(R"({"alg":"HS256"/**/})"), JwtError::BadJson},
      {"header with a comma too many", with(R"({"alg":"HS256",})"), JwtError::BadJson},
      {"header with single quotes", with("{'alg':'HS256'}"), JwtError::BadJson},
      {"header is not UTF-8", with("{\"alg\":\"HS256\",\"x\":\"\xFF\"}"), JwtError::BadJson},
      {"header with an overlong letter", with("{\"alg\":\"HS256\",\"x\":\"\xC1\xA1\"}"), JwtError::BadJson},
      {"header is too deep", with(deep), JwtError::BadJson},
      {"`alg` twice, the last one good", with(R"({"alg":"none","alg":"HS256"})"), JwtError::BadJson},
      {"`alg` twice, the first one good", with(R"({"alg":"HS256","alg":"none"})"), JwtError::BadJson},
      {"`alg` twice, once escaped", with(R"({"alg":"HS256","\u0061lg":"none"})"), JwtError::BadJson},
      {"`kid` twice", with(R"({"alg":"HS256","kid":"a","kid":"b"})"), JwtError::BadJson},
      {"`crit` with an extension", with(R"({"alg":"HS256","crit":["b64"],"b64":false})"), JwtError::CriticalHeader},
      {"`crit` with `exp`", with(R"({"alg":"HS256","crit":["exp"],"exp":1})"), JwtError::CriticalHeader},
      {"`crit` empty", with(R"({"alg":"HS256","crit":[]})"), JwtError::CriticalHeader},
      {"`crit` null", with(R"({"alg":"HS256","crit":null})"), JwtError::CriticalHeader},
      {"`typ` of an encrypted token", with(R"({"alg":"HS256","typ":"JWE"})"), JwtError::WrongType},
      {"`typ` of a proof of possession", with(R"({"alg":"HS256","typ":"dpop+jwt"})"), JwtError::WrongType},
      {"`typ` of a logout token", with(R"({"alg":"HS256","typ":"logout+jwt"})"), JwtError::WrongType},
      {"`typ` of a security event", with(R"({"alg":"HS256","typ":"application/secevent+jwt"})"), JwtError::WrongType},
      {"`typ` empty", with(R"({"alg":"HS256","typ":""})"), JwtError::WrongType},
      {"`typ` application/ only", with(R"({"alg":"HS256","typ":"application/"})"), JwtError::WrongType},
      {"`typ` a number", with(R"({"alg":"HS256","typ":1})"), JwtError::BadHeader},
      {"`typ` null", with(R"({"alg":"HS256","typ":null})"), JwtError::BadHeader},
      {"`kid` a number", with(R"({"alg":"HS256","kid":1})"), JwtError::BadHeader},
      {"`kid` null", with(R"({"alg":"HS256","kid":null})"), JwtError::BadHeader},
      {"`kid` a list", with(R"({"alg":"HS256","kid":["a"]})"), JwtError::BadHeader},
  };
}

Table algorithm_table() {
  Table table{
      {"no `alg`", hs256(R"({"typ":"JWT"})", kClaims), JwtError::UnsupportedAlgorithm},
      {"`alg` a number", hs256(R"({"alg":256})", kClaims), JwtError::BadHeader},
      {"`alg` null", hs256(R"({"alg":null})", kClaims), JwtError::BadHeader},
      {"`alg` a list", hs256(R"({"alg":["HS256"]})", kClaims), JwtError::BadHeader},
      {"`alg` with a NUL", hs256(R"({"alg":"HS256\u0000"})", kClaims), JwtError::UnsupportedAlgorithm},
      {"`alg` none, unsigned", signed_text(R"({"alg":"none"})", kClaims) + ".", JwtError::UnsupportedAlgorithm},
  };
  for (const char* name :
       {"none",  "None",  "NONE",  "nOnE",  "",       "hs256", "HS256 ", " HS256",  "HS384", "HS512",    "RS384",
        "RS512", "PS256", "ES384", "ES512", "ES256K", "EDDSA", "EdDsa",  "Ed25519", "dir",   "RSA-OAEP", "A128KW"}) {
    table.push_back(
        {"`alg` "s + name, hs256(R"({"alg":")"s + name + R"("})", kClaims), JwtError::UnsupportedAlgorithm});
  }
  return table;
}

/// A token of HS256 whose secret is what everybody can know: the public key, in the forms it is handed around in.
std::string signed_with_public_key(std::string_view secret) {
  const std::string text = signed_text(R"({"alg":"HS256","kid":"rsa-1"})", kClaims);
  return with_signature(text, sign_hs256_raw(text, secret));
}

Table confusion_table() {
  const PkeyPtr rsa = rsa_private_key();
  std::uint8_t* der = nullptr;
  const int der_size = i2d_PUBKEY(rsa.get(), &der);
  const std::string spki{reinterpret_cast<const char*>(der), static_cast<std::size_t>(der_size)};
  OPENSSL_free(der);
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n" + base64_encode(as_bytes(spki)) + "\n-----END PUBLIC KEY-----\n";
  const std::string modulus{as_text(unbase64(kRsaModulus))};
  const std::string jwk = R"({"kty":"RSA","n":")"s + std::string{kRsaModulus} + R"(","e":"AQAB"})";
  const std::string rs_header = R"({"alg":"RS256","kid":"rsa-1"})";
  const std::string rs_text = signed_text(rs_header, kClaims);
  const std::string es_text = signed_text(R"({"alg":"ES256","kid":"ec-1"})", kClaims);
  return {
      {"HS256 by the public key in DER", signed_with_public_key(spki), JwtError::BadSignature},
      {"HS256 by the public key in PEM", signed_with_public_key(pem), JwtError::BadSignature},
      {"HS256 by the modulus", signed_with_public_key(modulus), JwtError::BadSignature},
      {"HS256 by the JWK", signed_with_public_key(jwk), JwtError::BadSignature},
      {"HS256 by the Ed25519 point", signed_with_public_key(as_text(unbase64(kEd25519Public))), JwtError::BadSignature},
      {"HS256 by no secret", signed_with_public_key(""), JwtError::BadSignature},
      {"HS256 by a secret of zeros", signed_with_public_key(std::string(32, '\0')), JwtError::BadSignature},
      {"HS256 by the beginning of the secret", signed_with_public_key(hmac_secret().substr(0, 32)),
       JwtError::BadSignature},
      {"RS256 signed by HMAC", with_signature(rs_text, sign_hs256_raw(rs_text, hmac_secret())), JwtError::BadSignature},
      {"ES256 signed by RSA", with_signature(es_text, sign_rs256(es_text)), JwtError::BadSignature},
      {"ES256 with the RSA key's kid", rs256(R"({"alg":"ES256","kid":"rsa-1"})", kClaims), JwtError::BadSignature},
      {"EdDSA with the RSA key's kid", eddsa(R"({"alg":"EdDSA","kid":"rsa-1"})", kClaims), JwtError::UnknownKey},
      {"EdDSA with the other key's kid", eddsa(R"({"alg":"EdDSA","kid":"ed-2"})", kClaims), JwtError::BadSignature},
      {"`kid` that nobody has", eddsa(R"({"alg":"EdDSA","kid":"ed-3"})", kClaims), JwtError::UnknownKey},
      {"`kid` with a path", eddsa(R"({"alg":"EdDSA","kid":"../../dev/null"})", kClaims), JwtError::UnknownKey},
      {"`kid` with SQL", eddsa(R"({"alg":"EdDSA","kid":"' OR 1=1 --"})", kClaims), JwtError::UnknownKey},
      {"`kid` in another case", eddsa(R"({"alg":"EdDSA","kid":"ED-1"})", kClaims), JwtError::UnknownKey},
  };
}

/// Signed by a key of the attacker's that the token brings along or points to.
Table embedded_key_table() {
  constexpr std::string_view kSeed = "_________________________________________-8";
  const std::string jwk = R"({"kty":"OKP","crv":"Ed25519","x":")" + base64(Bytes{ed25519_public_of(kSeed)}) + R"("})";
  const auto brought = [&](const std::string& fields) {
    const std::string text = signed_text(R"({"alg":"EdDSA","kid":"ed-1",)" + fields + "}", kClaims);
    return with_signature(text, raw_sign(ed25519_private_key(kSeed).get(), nullptr, text));
  };
  return {
      {"`jwk` in the header", brought(R"("jwk":)" + jwk), JwtError::BadSignature},
      {"`jku` in the header", brought(R"("jku":"http://127.0.0.1/keys.json")"), JwtError::BadSignature},
      {"`x5u` in the header", brought(R"("x5u":"http://127.0.0.1/chain.pem")"), JwtError::BadSignature},
      {"`x5c` in the header", brought(R"("x5c":["MIIB"],"x5t":"AAAA")"), JwtError::BadSignature},
  };
}

Blob changed(Blob signature, std::size_t at) {
  signature[at] ^= 0x80;
  return signature;
}
Blob resized(Blob signature, std::size_t size) {
  signature.resize(size);
  return signature;
}
Blob joined(const Blob& first, const Blob& second) {
  Blob out = first;
  out.insert(out.end(), second.begin(), second.end());
  return out;
}

Table hmac_and_rsa_signature_table() {
  const std::string hs = signed_text(kHeader, kClaims);
  const Blob hs_good = sign_hs256_raw(hs, hmac_secret());
  const std::string rs = signed_text(R"({"alg":"RS256","kid":"rsa-1"})", kClaims);
  const Blob rs_good = sign_rs256(rs);
  const PkeyPtr rsa = rsa_private_key();
  const std::string other = signed_text(kHeader, R"({"sub":"bob"})");
  const auto bad = JwtError::BadSignature;
  return {
      {"HMAC with a bit changed", with_signature(hs, changed(hs_good, 31)), bad},
      {"HMAC cut to half", with_signature(hs, resized(hs_good, 16)), bad},
      {"HMAC cut to a byte", with_signature(hs, resized(hs_good, 1)), bad},
      {"HMAC with a byte more", with_signature(hs, resized(hs_good, 33)), bad},
      {"HMAC of zeros", with_signature(hs, Blob(32)), bad},
      {"HMAC of other claims", with_signature(other, hs_good), bad},
      {"HMAC of another header", with_signature(signed_text(R"({"alg":"HS256"})", kClaims), hs_good), bad},
      {"HMAC over the claims only", with_signature(hs, sign_hs256_raw(base64(kClaims), hmac_secret())), bad},
      {"RSA with a bit changed", with_signature(rs, changed(rs_good, 100)), bad},
      {"RSA cut", with_signature(rs, resized(rs_good, 255)), bad},
      {"RSA with a zero before it", with_signature(rs, joined({0}, rs_good)), bad},
      {"RSA zero", with_signature(rs, Blob(256)), bad},
      {"RSA one", with_signature(rs, joined(Blob(255), {1})), bad},
      {"RSA not below the modulus", with_signature(rs, Blob(256, 0xFF)), bad},
      {"RSA over SHA-1", with_signature(rs, raw_sign(rsa.get(), EVP_sha1(), rs)), bad},
      {"RSA over SHA-512", with_signature(rs, raw_sign(rsa.get(), EVP_sha512(), rs)), bad},
      {"RSA by PSS", with_signature(rs, raw_sign(rsa.get(), EVP_sha256(), rs, RSA_PKCS1_PSS_PADDING)), bad},
  };
}

Table curve_signature_table() {
  const std::string es = signed_text(R"({"alg":"ES256","kid":"ec-1"})", kClaims);
  const Blob es_good = sign_es256(es);
  const Blob r(es_good.begin(), es_good.begin() + 32);
  const Blob s(es_good.begin() + 32, es_good.end());
  // n, the order of P-256's base point (SEC 2 section 2.4.2).
  const Blob n = unbase64("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  const std::string ed = signed_text(R"({"alg":"EdDSA","kid":"ed-1"})", kClaims);
  const Blob ed_good = sign_eddsa(ed);
  const auto bad = JwtError::BadSignature;
  return {
      {"ECDSA in DER", with_signature(es, raw_sign(ec_private_key().get(), EVP_sha256(), es)), bad},
      {"ECDSA with a bit changed", with_signature(es, changed(es_good, 40)), bad},
      {"ECDSA r zero", with_signature(es, joined(Blob(32), s)), bad},
      {"ECDSA s zero", with_signature(es, joined(r, Blob(32))), bad},
      {"ECDSA both zero", with_signature(es, Blob(64)), bad},
      {"ECDSA r is the order", with_signature(es, joined(n, s)), bad},
      {"ECDSA s is the order", with_signature(es, joined(r, n)), bad},
      {"ECDSA both the order", with_signature(es, joined(n, n)), bad},
      {"ECDSA swapped", with_signature(es, joined(s, r)), bad},
      {"ECDSA a byte short", with_signature(es, resized(es_good, 63)), bad},
      {"ECDSA a byte long", with_signature(es, resized(es_good, 65)), bad},
      {"ECDSA over SHA-512", with_signature(es, to_raw(raw_sign(ec_private_key().get(), EVP_sha512(), es))), bad},
      {"Ed25519 with a bit changed", with_signature(ed, changed(ed_good, 0)), bad},
      {"Ed25519 of zeros", with_signature(ed, Blob(64)), bad},
      {"Ed25519 identity point", with_signature(ed, joined({1}, Blob(63))), bad},
      {"Ed25519 with a high s", with_signature(ed, changed(ed_good, 63)), bad},
      {"Ed25519 a byte short", with_signature(ed, resized(ed_good, 63)), bad},
  };
}

Table claims_json_table() {
  const std::string deep = R"({"sub":"alice","x":)" + std::string(20, '[') + std::string(20, ']') + "}";
  return {
      {"claims are no JSON", hs256("sub=alice"), JwtError::BadJson},
      {"claims are a list", hs256(R"([{"sub":"alice"}])"), JwtError::BadJson},
      {"claims are a text", hs256(R"("alice")"), JwtError::BadJson},
      {"claims are null", hs256("null"), JwtError::BadJson},
      {"claims are cut off", hs256(R"({"sub":"alice")"), JwtError::BadJson},
      {"claims with something behind them", hs256(R"({"sub":"alice"} true)"), JwtError::BadJson},
      {"claims are a nested token", hs256(hs256(kClaims)), JwtError::BadJson},
      {"claims are not UTF-8", hs256("{\"sub\":\"\xC3\"}"), JwtError::BadJson},
      {"claims in Latin-1", hs256("{\"sub\":\"Jos\xE9\"}"), JwtError::BadJson},
      {"claims with half a surrogate pair", hs256(R"({"sub":"\ud83d"})"), JwtError::BadJson},
      {"claims with a raw control character", hs256("{\"sub\":\"a\nb\"}"), JwtError::BadJson},
      {"claims are too deep", hs256(deep), JwtError::BadJson},
      {"claims with NaN", hs256(R"({"sub":"alice","exp":NaN})"), JwtError::BadJson},
      {"claims with a number of hex", hs256(R"({"sub":"alice","exp":0x7fffffff})"), JwtError::BadJson},
      {"`sub` twice", hs256(R"({"sub":"alice","sub":"bob"})"), JwtError::BadJson},
      {"`sub` twice, once escaped", hs256(R"({"sub":"alice","s\u0075b":"bob"})"), JwtError::BadJson},
      {"`exp` twice", hs256(R"({"sub":"alice","exp":1,"exp":4000000000})"), JwtError::BadJson},
      {"an unknown claim twice", hs256(R"({"sub":"alice","x":1,"x":2})"), JwtError::BadJson},
  };
}

Table time_table() {
  const std::string now = std::to_string(kNowSeconds);
  const auto at = [](const std::string& claim) { return hs256(R"({"sub":"alice",)" + claim + "}"); };
  const auto second = [](std::int64_t offset) { return std::to_string(kNowSeconds + offset); };
  return {
      {"exp is now", at(R"("exp":)" + now), JwtError::Expired},
      {"exp a second ago", at(R"("exp":)" + second(-1)), JwtError::Expired},
      {"exp half a second ago", at(R"("exp":)" + second(-1) + ".5"), JwtError::Expired},
      {"exp zero", at(R"("exp":0)"), JwtError::Expired},
      {"exp minus zero", at(R"("exp":-0.0)"), JwtError::Expired},
      {"exp negative", at(R"("exp":-1)"), JwtError::Expired},
      {"exp the least int64", at(R"("exp":-9223372036854775808)"), JwtError::Expired},
      {"exp minus 1e300", at(R"("exp":-1e300)"), JwtError::Expired},
      {"exp tiny", at(R"("exp":1e-300)"), JwtError::Expired},
      {"exp a text", at(R"("exp":"4000000000")"), JwtError::BadClaim},
      {"exp no number at all", at(R"("exp":0e400)"), JwtError::BadClaim},
      {"exp null", at(R"("exp":null)"), JwtError::BadClaim},
      {"exp true", at(R"("exp":true)"), JwtError::BadClaim},
      {"exp an object", at(R"("exp":{})"), JwtError::BadClaim},
      {"exp a list", at(R"("exp":[4000000000])"), JwtError::BadClaim},
      {"nbf in six seconds", at(R"("nbf":)" + second(6)), JwtError::NotYetValid},
      {"nbf in 5.001 seconds", at(R"("nbf":)" + second(5) + ".001"), JwtError::NotYetValid},
      {"nbf the greatest int64", at(R"("nbf":9223372036854775807)"), JwtError::NotYetValid},
      {"nbf the greatest uint64", at(R"("nbf":18446744073709551615)"), JwtError::NotYetValid},
      {"nbf beyond uint64", at(R"("nbf":18446744073709551616)"), JwtError::NotYetValid},
      {"nbf 1e300", at(R"("nbf":1e300)"), JwtError::NotYetValid},
      {"nbf a text", at(R"("nbf":"0")"), JwtError::BadClaim},
      {"iat in 61 seconds", at(R"("iat":)" + second(61)), JwtError::IssuedInFuture},
      {"iat in milliseconds", at(R"("iat":)" + now + "000"), JwtError::IssuedInFuture},
      {"iat a text", at(R"("iat":"0")"), JwtError::BadClaim},
      {"no exp where one is demanded", hs256(kClaims), JwtError::NoExpiry, {.expiry = Expiry::Required}},
      {"expired and not yet valid", at(R"("exp":1,"nbf":)" + second(99)), JwtError::Expired},
  };
}

Table issuer_table() {
  const VerifyOptions issuers{.issuers = {"zvonok", "https://id.example.org"}};
  const VerifyOptions audience{.audience = "calls"};
  const auto iss = [](const std::string& value) { return hs256(R"({"sub":"alice","iss":)" + value + "}"); };
  const auto aud = [](const std::string& value) { return hs256(R"({"sub":"alice","aud":)" + value + "}"); };
  return {
      {"iss of somebody else", iss(R"("https://evil.example.org")"), JwtError::WrongIssuer, issuers},
      {"iss missing", hs256(kClaims), JwtError::WrongIssuer, issuers},
      {"iss empty", iss(R"("")"), JwtError::WrongIssuer, issuers},
      {"iss with a slash more", iss(R"("https://id.example.org/")"), JwtError::WrongIssuer, issuers},
      {"iss in another case", iss(R"("HTTPS://ID.EXAMPLE.ORG")"), JwtError::WrongIssuer, issuers},
      {"iss a list", iss(R"(["https://id.example.org"])"), JwtError::WrongIssuer, issuers},
      {"iss a number", iss("1"), JwtError::WrongIssuer, issuers},
      {"aud of somebody else", aud(R"("mail")"), JwtError::WrongAudience, audience},
      {"aud missing", hs256(kClaims), JwtError::WrongAudience, audience},
      {"aud null", aud("null"), JwtError::WrongAudience, audience},
      {"aud a longer text", aud(R"("calls2")"), JwtError::WrongAudience, audience},
      {"aud a list without us", aud(R"(["mail","files"])"), JwtError::WrongAudience, audience},
      {"aud an empty list", aud("[]"), JwtError::WrongAudience, audience},
      {"aud a list in a list", aud(R"([["calls"]])"), JwtError::WrongAudience, audience},
      {"aud an object", aud(R"({"calls":true})"), JwtError::WrongAudience, audience},
  };
}

Table user_table() {
  const auto sub = [](const std::string& value) { return hs256(R"({"sub":)" + value + "}"); };
  return {
      {"no user", hs256("{}"), JwtError::NoUser},
      {"user null", hs256(R"({"sub":null,"userId":null})"), JwtError::NoUser},
      {"user in a claim that is not asked", hs256(R"({"user_id":"alice","uid":"alice"})"), JwtError::NoUser},
      {"user claim in another case", hs256(R"({"Sub":"alice","userid":"alice"})"), JwtError::NoUser},
      {"user empty", sub(R"("")"), JwtError::BadUser},
      {"user empty, though the next claim has one", hs256(R"({"sub":"","userId":"alice"})"), JwtError::BadUser},
      {"user true", sub("true"), JwtError::BadUser},
      {"user an object", sub(R"({"id":"alice"})"), JwtError::BadUser},
      {"user a list", sub(R"(["alice"])"), JwtError::BadUser},
      {"user a fraction", sub("1.5"), JwtError::BadUser},
      {"user a float without a fraction", sub("1.0"), JwtError::BadUser},
      {"user with an exponent", sub("1e3"), JwtError::BadUser},
      {"user negative", sub("-1"), JwtError::BadUser},
      {"user beyond uint64", sub("18446744073709551616"), JwtError::BadUser},
      {"user of 129 bytes", sub('"' + std::string(129, 'a') + '"'), JwtError::BadUser},
      {"user with a NUL", sub(R"("alice\u0000")"), JwtError::BadUser},
      {"user with a line end", sub(R"("alice\nbob")"), JwtError::BadUser},
      {"user with DEL", sub(R"("alice\u007f")"), JwtError::BadUser},
      {"user with a C1 control", sub(R"("alice\u0085")"), JwtError::BadUser},
  };
}

void expect_refused(const Table& table) {
  const KeySet keys = trusted_keys();
  for (const BadToken& bad : table) {
    const auto claims = verify(bad.token, keys, bad.options, kNow);
    ASSERT_FALSE(claims.has_value()) << bad.name << ": taken for " << claims->user;
    EXPECT_EQ(claims.error(), bad.error) << bad.name;
  }
}

TEST(BadTokens, OfAWrongShapeAreRefused) {
  expect_refused(shape_table());
}
TEST(BadTokens, OfALooseEncodingAreRefused) {
  expect_refused(encoding_table());
}
TEST(BadTokens, WithABadHeaderAreRefused) {
  expect_refused(header_table());
}
TEST(BadTokens, OfAnotherAlgorithmAreRefused) {
  expect_refused(algorithm_table());
}
TEST(BadTokens, ThatConfuseKeysAreRefused) {
  expect_refused(confusion_table());
}
TEST(BadTokens, ThatBringTheirOwnKeyAreRefused) {
  expect_refused(embedded_key_table());
}
TEST(BadTokens, WithABadHmacOrRsaSignatureAreRefused) {
  expect_refused(hmac_and_rsa_signature_table());
}
TEST(BadTokens, WithABadCurveSignatureAreRefused) {
  expect_refused(curve_signature_table());
}
TEST(BadTokens, WithBadClaimsJsonAreRefused) {
  expect_refused(claims_json_table());
}
TEST(BadTokens, OutsideOfTheirTimeAreRefused) {
  expect_refused(time_table());
}
TEST(BadTokens, OfAnotherIssuerOrAudienceAreRefused) {
  expect_refused(issuer_table());
}
TEST(BadTokens, WithoutAGoodUserAreRefused) {
  expect_refused(user_table());
}

TEST(BadTokens, TheTablesHaveGoodNeighbours) {
  const KeySet keys = trusted_keys();
  const std::pair<const char*, std::string> table[] = {
      {"HS256", hs256(kHeader, kClaims)},
      {"RS256", rs256(R"({"alg":"RS256","kid":"rsa-1"})", kClaims)},
      {"ES256", es256(R"({"alg":"ES256","kid":"ec-1"})", kClaims)},
      {"EdDSA", eddsa(R"({"alg":"EdDSA","kid":"ed-1"})", kClaims)},
      {"EdDSA without a kid: both keys are tried", eddsa(R"({"alg":"EdDSA"})", kClaims)},
      {"EdDSA with an empty kid", eddsa(R"({"alg":"EdDSA","kid":""})", kClaims)},
      {"HS256 with a kid of its issuer's", hs256(R"({"alg":"HS256","kid":"2024"})", kClaims)},
      {"another order and spaces", hs256("{ \"typ\" : \"jwt\",\r\n \"alg\" : \"HS256\" }", kClaims)},
      {"typ of RFC 9068", hs256(R"({"alg":"HS256","typ":"at+jwt"})", kClaims)},
      {"typ with its media type", hs256(R"({"alg":"HS256","typ":"application/AT+JWT"})", kClaims)},
      {"unknown header fields", hs256(R"({"alg":"HS256","foo":{"bar":[1]},"jku":"http://x/"})", kClaims)},
      {"8192 bytes", hs256(R"({"sub":"alice","x":")" + std::string(6073, 'x') + R"("})")},
  };
  for (const auto& [name, token] : table) {
    const auto claims = verify(token, keys, VerifyOptions{}, kNow);
    ASSERT_TRUE(claims.has_value()) << name << ": " << claims.error();
    EXPECT_EQ(claims->user.value(), "alice") << name;
  }
  EXPECT_EQ(std::size(table), 12U);
  EXPECT_EQ(table[11].second.size(), kTokenBytesMax) << "the greatest token that is read";
}

}  // namespace
}  // namespace zvonok::jwt
