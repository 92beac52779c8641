// Tells who a token belongs to: signature, claims, revocation. Whether the user exists and is enabled is another
// question (KnownUsers, then the store). Pure; used on the control thread.
#pragma once
#include <optional>
#include <ostream>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "identity/principal.h"
#include "identity/revocations.h"
#include "proto/jwt/jwt.h"

namespace zvonok::identity {

enum class AuthFailure {
  NoToken,     // nothing was presented
  BadToken,    // not ours, broken, or meant for somebody else
  Expired,     // was good once
  Revoked,     // the login session has ended
  NoSuchUser,  // for callers that asked the store
  Disabled,    // for callers that asked the store
};

struct AuthError {
  AuthFailure failure = AuthFailure::NoToken;
  std::optional<jwt::JwtError> cause;  // for BadToken and Expired: for logs and counters, not for the client
  friend bool operator==(const AuthError&, const AuthError&) = default;
};

[[nodiscard]] std::string_view to_text(AuthFailure failure);
inline std::ostream& operator<<(std::ostream& out, AuthFailure failure) {
  return out << to_text(failure);
}

class Authenticator {
 public:
  /// `revocations` must outlive the authenticator. An empty `options.own_issuer` is taken as kOwnIssuer.
  Authenticator(jwt::KeySet keys, jwt::VerifyOptions options, const Revocations& revocations);

  /// `token`: the compact form; empty means none was presented.
  [[nodiscard]] Result<Principal, AuthError> verify(std::string_view token, WallTime now) const;
  /// Whether a principal found earlier (by token or ticket) is still good.
  [[nodiscard]] Result<void, AuthError> recheck(const Principal& principal, WallTime now) const;
  /// After a reload of the configuration.
  void replace_keys(jwt::KeySet keys);

 private:
  jwt::KeySet keys_;
  jwt::VerifyOptions options_;
  const Revocations& revocations_;
};

}  // namespace zvonok::identity
