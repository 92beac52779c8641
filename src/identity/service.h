// Accounts and login sessions over the Store: register, log in, refresh, log out.
//
// Threads: every method blocks (store, password hash) and may run on any worker thread at once; `Store` and `Entropy`
// must allow that. Nothing throws.
#pragma once
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/id.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "identity/password.h"
#include "identity/principal.h"
#include "port/store.h"
#include "proto/jwt/key.h"

namespace zvonok::identity {

enum class IdentityErrorKind {
  InvalidEmail,
  InvalidPassword,
  InvalidDisplayName,
  EmailTaken,
  WrongCredentials,  // unknown email, wrong password or disabled account: one and the same for the client
  BadRefreshToken,   // unknown, expired, used before, or its session has ended
  UnknownUser,       // the account is gone, or was never here
  Unavailable,       // the store failed; trying again may help
};

[[nodiscard]] std::string_view to_text(IdentityErrorKind kind);
inline std::ostream& operator<<(std::ostream& out, IdentityErrorKind kind) {
  return out << to_text(kind);
}

struct IdentityError {
  IdentityErrorKind kind = IdentityErrorKind::Unavailable;
  /// A session that ended because of this (a refresh token used twice): its access tokens have to be refused from now
  /// on.
  std::string revoked_session;
  std::string detail;  // for logs
};

template <class T>
using IdentityResult = Result<T, IdentityError>;

struct Registration {
  std::string email;
  Private<std::string> password;
  std::string display_name;  // empty: the local part of the email
};

struct Credentials {
  std::string email;
  Private<std::string> password;
};

struct Tokens {
  Private<std::string> access_token;
  Private<std::string> refresh_token;
  seconds access_expires_in{0};
  std::string session_id;
};

struct Login {
  port::User user;
  Tokens tokens;
};

/// By refresh token, or by the session of the access token; one of them.
struct LogoutRequest {
  Private<std::string> refresh_token;
  std::string session_id;
};

struct IdentityOptions {
  seconds access_token_ttl{900};
  seconds refresh_token_ttl{30 * 24 * 3600};
  std::string issuer{kOwnIssuer};
  std::string audience;  // put into own tokens when not empty
};

class IdentityService {
 public:
  struct Parts {
    port::Store& store;  // outlives the service
    Entropy& entropy;    // outlives the service; thread-safe
    PasswordHasher passwords;
    jwt::Key signing_key;  // HS256
  };
  IdentityService(Parts parts, IdentityOptions options);

  /// Makes the account and logs it in. EmailTaken, Invalid*, Unavailable.
  [[nodiscard]] IdentityResult<Login> register_user(const Registration& registration, WallTime now);
  /// WrongCredentials, Unavailable. Takes the same time whether or not the account exists.
  [[nodiscard]] IdentityResult<Login> login(const Credentials& credentials, WallTime now);
  /// Uses the refresh token up and gives a new pair. BadRefreshToken, Unavailable.
  [[nodiscard]] IdentityResult<Login> refresh(const Private<std::string>& refresh_token, WallTime now);
  /// Ends the session; idempotent. Returns its id when there was one, empty otherwise. Unavailable.
  [[nodiscard]] IdentityResult<std::string> logout(const LogoutRequest& request, WallTime now);
  /// UnknownUser, Unavailable.
  [[nodiscard]] IdentityResult<port::User> find(const UserId& user);
  /// The user of a foreign token, made on first sight (JIT). Unavailable.
  [[nodiscard]] IdentityResult<port::User> provision(const Principal& principal, WallTime now);
  /// InvalidDisplayName, UnknownUser, Unavailable. Returns the user as it is now.
  [[nodiscard]] IdentityResult<port::User> rename(const UserId& user, std::string_view display_name);

 private:
  [[nodiscard]] IdentityResult<Login> open_session(port::User user, WallTime now);
  [[nodiscard]] std::string access_token(const port::User& user, std::string_view session_id, WallTime now);

  port::Store& store_;
  Entropy& entropy_;
  PasswordHasher passwords_;
  jwt::Key signing_key_;
  IdentityOptions options_;
};

/// How the store knows a refresh token: SHA-256, lower-case hex.
[[nodiscard]] std::string refresh_token_hash(std::string_view refresh_token);

}  // namespace zvonok::identity
