// JSON Web Tokens (RFC 7519) in the compact JWS form (RFC 7515), checked by the rules of RFC 8725.
// Pure: keys and time are arguments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/jwt/error.h"
#include "proto/jwt/key.h"

namespace zvonok::jwt {

constexpr std::size_t kTokenBytesMax = 8 * 1024;
constexpr std::size_t kUserIdBytesMax = 128;
constexpr std::size_t kJsonDepthMax = 16;

enum class Expiry { Optional, Required };

struct VerifyOptions {
  /// Our own tokens: HS256 with this `iss`. Their user is in `sub`, and the options for foreign ones below
  /// (user_claims, issuers, audience) are not about them. Empty: no token is our own.
  std::string own_issuer{};
  /// The claims that may name the user; the first one present (and not null) decides.
  std::vector<std::string> user_claims{"sub", "userId"};
  /// The claims that may tell what the user is called; the first one that is a text decides.
  std::vector<std::string> name_claims{"name", "preferred_username"};
  Expiry expiry = Expiry::Optional;  // `exp` is always honoured when it is there
  seconds exp_leeway{0};
  seconds nbf_leeway{5};
  seconds iat_leeway{60};
  std::vector<std::string> issuers{};  // empty: any; else `iss` must be one of them
  std::string audience{};              // empty: any; else `aud` must be or contain it
};

/// Who made a token.
enum class Origin {
  Own,      // this server: HS256 with `iss` = own_issuer
  Foreign,  // a messenger, by a key that we trust
};

/// What a good token says.
struct Claims {
  Origin origin = Origin::Foreign;
  UserId user;
  std::string session_id;  // `sid`, or empty
  std::string token_id;    // `jti`, or empty
  std::string issuer;      // `iss`, or empty
  std::string name;        // by VerifyOptions::name_claims, or empty
  std::string rooms_json;  // `rooms` as JSON text, or empty
  std::optional<WallTime> expires_at;
  std::optional<WallTime> issued_at;
  Algorithm algorithm = Algorithm::Hs256;
};

/// Whether `id` can be a user id: 1 to 128 bytes without control characters.
[[nodiscard]] bool is_user_id(std::string_view id);

/// The only door: signature first, then the claims. `token` is the compact form without any scheme word.
[[nodiscard]] Result<Claims, JwtError> verify(std::string_view token, const KeySet& keys, const VerifyOptions& options,
                                              WallTime now);

/// Signs `claims_json` (a JSON object) with an HS256 key.
[[nodiscard]] std::string sign_hs256(std::string_view claims_json, const Key& key);

}  // namespace zvonok::jwt
