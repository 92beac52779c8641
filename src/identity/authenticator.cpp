#include "identity/authenticator.h"

#include <cstdlib>

namespace zvonok::identity {

std::string_view to_text(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::NoToken: return "no-token";
    case AuthFailure::BadToken: return "bad-token";
    case AuthFailure::Expired: return "expired";
    case AuthFailure::Revoked: return "revoked";
    case AuthFailure::NoSuchUser: return "no-such-user";
    case AuthFailure::Disabled: return "disabled";
  }
  std::abort();
}

Authenticator::Authenticator(jwt::KeySet keys, jwt::VerifyOptions options, const Revocations& revocations)
    : keys_{std::move(keys)}, options_{std::move(options)}, revocations_{revocations} {
  if (options_.own_issuer.empty()) options_.own_issuer = kOwnIssuer;
}

Result<Principal, AuthError> Authenticator::verify(std::string_view token, WallTime now) const {
  if (token.empty()) return fail(AuthError{.failure = AuthFailure::NoToken, .cause = std::nullopt});
  Result<jwt::Claims, jwt::JwtError> verified = jwt::verify(token, keys_, options_, now);
  if (!verified) {
    const jwt::JwtError cause = verified.error();
    const bool expired = cause == jwt::JwtError::Expired;
    return fail(AuthError{.failure = expired ? AuthFailure::Expired : AuthFailure::BadToken, .cause = cause});
  }
  jwt::Claims& claims = *verified;
  // A `sid` of another issuer is a name in its own books: it must not be taken for a login session here.
  if (claims.origin == jwt::Origin::Foreign) claims.session_id.clear();
  if (revocations_.is_revoked(claims.session_id)) {
    return fail(AuthError{.failure = AuthFailure::Revoked, .cause = std::nullopt});
  }
  // Made when ACCESS_TOKEN_TTL was longer: whether its session has ended is no longer remembered.
  if (!claims.session_id.empty() && claims.issued_at && *claims.issued_at < revocations_.relevant_since(now)) {
    return fail(AuthError{.failure = AuthFailure::Expired, .cause = jwt::JwtError::Expired});
  }
  return Principal{.user = std::move(claims.user),
                   .session_id = std::move(claims.session_id),
                   .name = std::move(claims.name),
                   .token_id = std::move(claims.token_id),
                   .rooms_json = std::move(claims.rooms_json),
                   .expires_at = claims.expires_at};
}

Result<void, AuthError> Authenticator::recheck(const Principal& principal, WallTime now) const {
  if (revocations_.is_revoked(principal.session_id)) {
    return fail(AuthError{.failure = AuthFailure::Revoked, .cause = std::nullopt});
  }
  if (principal.expires_at && now >= *principal.expires_at + options_.exp_leeway) {
    return fail(AuthError{.failure = AuthFailure::Expired, .cause = jwt::JwtError::Expired});
  }
  return {};
}

void Authenticator::replace_keys(jwt::KeySet keys) {
  keys_ = std::move(keys);
}

}  // namespace zvonok::identity
