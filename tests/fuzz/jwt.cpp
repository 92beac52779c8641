// Tokens: whatever is presented, nothing crashes, nothing that was not signed is taken, and what is taken means what
// another JSON parser reads in it.
#include "proto/jwt/jwt.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <openssl/evp.h>

#include "base/base64.h"
#include "base/check.h"
#include "proto/jwt/jwks.h"

using namespace zvonok;

namespace {

constexpr std::string_view kSecret = "a secret of thirty-two bytes, or";
constexpr WallTime kNow = wall_from_unix_milliseconds(1'800'000'000'000);

jwt::Key key() {
  auto made = jwt::Key::hs256(kSecret);
  ZVONOK_CHECK(made);
  return std::move(*made);
}

/// The secret one, and public ones of RFC 7515 A.3 and RFC 8037 A.2: nobody here can sign with those.
const jwt::KeySet& keys() {
  static const jwt::KeySet kKeys = [] {
    jwt::KeySet set;
    ZVONOK_CHECK(set.add(key()));
    auto jwks = jwt::parse_jwks(
        R"({"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
                    {"kty":"OKP","crv":"Ed25519","kid":"d","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    ZVONOK_CHECK(jwks);
    for (jwt::Key& one : jwks->keys) ZVONOK_CHECK(set.add(std::move(one)));
    return set;
  }();
  return kKeys;
}

/// HMAC by OpenSSL, not by the code under test.
std::string mac_of(std::string_view text) {
  std::string mac(32, '\0');
  std::size_t size = 0;
  ZVONOK_CHECK(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, kSecret.data(), kSecret.size(),
                         as_bytes(text).data(), text.size(), reinterpret_cast<unsigned char*>(mac.data()), mac.size(),
                         &size) != nullptr);
  return mac;
}

/// The user is the first of the claims that are asked which is there.
void check_user(const jwt::Claims& claims, const boost::json::object& body, const jwt::VerifyOptions& options) {
  const std::vector<std::string> names =
      claims.origin == jwt::Origin::Own ? std::vector<std::string>{"sub"} : options.user_claims;
  for (const std::string& name : names) {
    const boost::json::value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) continue;
    const std::string text =
        value->is_string() ? std::string{value->as_string()} : std::to_string(value->to_number<std::uint64_t>());
    ZVONOK_CHECK(text == claims.user.value());
    return;
  }
  constexpr bool kNobodyIsNamed = true;
  ZVONOK_CHECK(!kNobodyIsNamed);
}

/// What has to be true of every token that is taken.
void check_taken(std::string_view token, const jwt::Claims& claims, const jwt::VerifyOptions& options) {
  const std::size_t dot = token.rfind('.');
  ZVONOK_CHECK(claims.algorithm == jwt::Algorithm::Hs256);
  ZVONOK_CHECK(base64url_encode(as_bytes(mac_of(token.substr(0, dot)))) == token.substr(dot + 1));
  ZVONOK_CHECK(jwt::is_user_id(claims.user.value()));
  ZVONOK_CHECK(!claims.expires_at || *claims.expires_at > kNow);
  ZVONOK_CHECK(!claims.issued_at || *claims.issued_at <= kNow + seconds{60});

  const std::size_t first = token.find('.');
  const auto header_bytes = base64url_decode(token.substr(0, first));
  const auto claims_bytes = base64url_decode(token.substr(first + 1, dot - first - 1));
  ZVONOK_CHECK(header_bytes && claims_bytes);
  boost::json::error_code error;
  const auto header = boost::json::parse(as_text(*header_bytes), error);
  ZVONOK_CHECK(!error && header.is_object() && header.as_object().at("alg") == "HS256");
  ZVONOK_CHECK(!header.as_object().contains("crit"));
  const auto body = boost::json::parse(as_text(*claims_bytes), error);
  ZVONOK_CHECK(!error && body.is_object());
  check_user(claims, body.as_object(), options);
}

void check(std::string_view token, const jwt::VerifyOptions& options) {
  const auto claims = jwt::verify(token, keys(), options, kNow);
  if (claims) check_taken(token, *claims, options);
}

/// The input is a token.
void raw_token(std::string_view input) {
  check(input, {});
}

/// The input is header and claims, divided by the first zero byte; the signature is right. Then one character of the
/// token is another one, and it must be refused.
void signed_token(std::string_view input, std::uint8_t choice) {
  const std::size_t zero = std::min(input.find('\0'), input.size());
  const std::string header{zero == input.size() ? std::string_view{R"({"alg":"HS256"})"} : input.substr(0, zero)};
  const std::string_view body = zero == input.size() ? input : input.substr(zero + 1);
  const std::string text = base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(body));
  std::string token = text + "." + base64url_encode(as_bytes(mac_of(text)));
  jwt::VerifyOptions options;
  options.own_issuer = "zvonok";
  if ((choice & 2) != 0) options.user_claims = {"account", "sub"};
  if ((choice & 4) != 0) options.issuers = {"issuer"};
  if ((choice & 8) != 0) options.audience = "calls";
  if ((choice & 16) != 0) options.expiry = jwt::Expiry::Required;
  check(token, options);

  const std::size_t at = choice * token.size() / 256;
  token[at] = token[at] == 'A' ? 'B' : 'A';
  ZVONOK_CHECK(!jwt::verify(token, keys(), options, kNow));
}

/// The input is a key set; a key of it verifies nothing that was not signed.
void key_set(std::string_view input) {
  const auto jwks = jwt::parse_jwks(input);
  if (!jwks) {
    ZVONOK_CHECK(!jwks.error().empty());
    return;
  }
  ZVONOK_CHECK(!jwks->keys.empty() && jwks->keys.size() <= jwt::kKeysMax);
  for (const jwt::Key& one : jwks->keys) {
    ZVONOK_CHECK(one.algorithm() != jwt::Algorithm::Hs256);
    ZVONOK_CHECK(!one.verify("text", as_bytes(input)));
    ZVONOK_CHECK(!one.verify("text", std::vector<std::uint8_t>(64)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 4) {
    case 0: raw_token(input); break;
    case 1:
    case 2: signed_token(input, data[0]); break;
    default: key_set(input); break;
  }
  return 0;
}
