// Why a token was refused. The text goes to logs and counters; a client is only told that its token is no good.
#pragma once
#include <ostream>
#include <string_view>

namespace zvonok::jwt {

enum class JwtError {
  TooLong,               // over kTokenBytesMax
  Malformed,             // not header.claims.signature
  BadEncoding,           // a part is not strict base64url
  BadJson,               // header or claims are not a JSON object, nest too deeply, or name a member twice
  BadHeader,             // a header field of the wrong type
  UnsupportedAlgorithm,  // `alg` missing, `none`, or none of ours
  WrongType,             // `typ` says that it is no access token (RFC 8725 section 3.11)
  CriticalHeader,        // `crit`: it demands something that we don't do (RFC 7515 section 4.1.11)
  UnknownKey,            // no key of that algorithm and `kid`
  BadSignature,
  BadClaim,        // a registered claim of the wrong type
  NoUser,          // none of the user claims is there
  BadUser,         // the user claim is no text or whole number, or breaks the rules of a user id
  NoExpiry,        // `exp` is demanded by the configuration and missing
  Expired,         // `exp` (RFC 7519 section 4.1.4)
  NotYetValid,     // `nbf` (section 4.1.5)
  IssuedInFuture,  // `iat` (section 4.1.6)
  WrongIssuer,     // `iss`
  WrongAudience,   // `aud`
};

[[nodiscard]] std::string_view to_text(JwtError error);
inline std::ostream& operator<<(std::ostream& out, JwtError error) {
  return out << to_text(error);
}

}  // namespace zvonok::jwt
