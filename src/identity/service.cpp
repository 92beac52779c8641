#include "identity/service.h"

#include <array>
#include <cstdlib>
#include <utility>

#include <boost/json.hpp>
#include <sodium.h>

#include "base/check.h"
#include "identity/account_rules.h"
#include "proto/jwt/jwt.h"

namespace zvonok::identity {
namespace {

constexpr std::size_t kRefreshTokenBytes = 32;
/// Longer texts can't be refresh tokens of ours; they are refused before they are hashed.
constexpr std::size_t kRefreshTokenCharsMax = 256;

IdentityError error_of(IdentityErrorKind kind) {
  return {.kind = kind, .revoked_session = {}, .detail = {}};
}

IdentityError error_of(const port::StoreError& error) {
  return {.kind = IdentityErrorKind::Unavailable, .revoked_session = {}, .detail = error.detail};
}

/// The rotation's outcome as the client may know it: every failure looks the same.
IdentityError refusal_of(const port::RotateResult& rotation) {
  IdentityError error = error_of(IdentityErrorKind::BadRefreshToken);
  switch (rotation.outcome) {
    case port::RotateOutcome::Rotated: std::abort();
    case port::RotateOutcome::Unknown: error.detail = "unknown refresh token"; break;
    case port::RotateOutcome::Expired: error.detail = "expired refresh token"; break;
    case port::RotateOutcome::Revoked: error.detail = "refresh token of an ended session"; break;
    case port::RotateOutcome::Reused:
      error.detail = "refresh token used twice, session ended";
      if (rotation.session) error.revoked_session = rotation.session->id;
      break;
  }
  return error;
}

}  // namespace

std::string_view to_text(IdentityErrorKind kind) {
  switch (kind) {
    case IdentityErrorKind::InvalidEmail: return "invalid_email";
    case IdentityErrorKind::InvalidPassword: return "invalid_password";
    case IdentityErrorKind::InvalidDisplayName: return "invalid_display_name";
    case IdentityErrorKind::EmailTaken: return "email_taken";
    case IdentityErrorKind::WrongCredentials: return "wrong_credentials";
    case IdentityErrorKind::BadRefreshToken: return "bad_refresh_token";
    case IdentityErrorKind::UnknownUser: return "unknown_user";
    case IdentityErrorKind::Unavailable: return "unavailable";
  }
  std::abort();
}

std::string refresh_token_hash(std::string_view refresh_token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(refresh_token.data()), refresh_token.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return std::string{hex.data()};
}

IdentityService::IdentityService(Parts parts, IdentityOptions options)
    : store_{parts.store},
      entropy_{parts.entropy},
      passwords_{std::move(parts.passwords)},
      signing_key_{std::move(parts.signing_key)},
      options_{std::move(options)} {
  ZVONOK_CHECK(signing_key_.algorithm() == jwt::Algorithm::Hs256);
}

IdentityResult<Login> IdentityService::register_user(const Registration& registration, WallTime now) {
  const auto email = normalize_email(registration.email);
  if (!email) return fail(error_of(IdentityErrorKind::InvalidEmail));
  if (!is_acceptable_password(registration.password.reveal())) {
    return fail(error_of(IdentityErrorKind::InvalidPassword));
  }
  const auto name = registration.display_name.empty() ? std::optional{default_display_name(*email)}
                                                      : normalize_display_name(registration.display_name);
  if (!name) return fail(error_of(IdentityErrorKind::InvalidDisplayName));
  auto hash = passwords_.hash(registration.password.reveal());
  if (!hash) return fail(error_of({.kind = port::StoreErrorKind::Unavailable, .detail = "no memory for the hash"}));
  port::User user{.id = UserId{make_uuid(entropy_)},
                  .email = email,
                  .display_name = *name,
                  .password_hash = std::move(*hash),
                  .disabled = false,
                  .created_at = now};
  if (const auto created = store_.create_user(user); !created) {
    switch (created.error().kind) {
      case port::StoreErrorKind::Conflict: return fail(error_of(IdentityErrorKind::EmailTaken));
      case port::StoreErrorKind::Invalid: return fail(error_of(IdentityErrorKind::InvalidEmail));
      case port::StoreErrorKind::NotFound:
      case port::StoreErrorKind::Unavailable: return fail(error_of(created.error()));
    }
  }
  return open_session(std::move(user), now);
}

IdentityResult<Login> IdentityService::login(const Credentials& credentials, WallTime now) {
  const std::string& password = credentials.password.reveal();
  const auto email = normalize_email(credentials.email);
  // A password that nobody can have is not worth a hash, and says nothing about the account.
  if (!email || password.size() > kPasswordBytesMax) return fail(error_of(IdentityErrorKind::WrongCredentials));
  auto found = store_.find_user_by_email(*email);
  if (!found) return fail(error_of(found.error()));
  std::optional<port::User> user = std::move(*found);
  if (!user || user->password_hash.empty()) {
    passwords_.verify_nothing(password);
    return fail(error_of(IdentityErrorKind::WrongCredentials));
  }
  const bool right = passwords_.verify(user->password_hash, password);
  if (!right || user->disabled) return fail(error_of(IdentityErrorKind::WrongCredentials));
  return open_session(std::move(*user), now);
}

IdentityResult<Login> IdentityService::refresh(const Private<std::string>& refresh_token, WallTime now) {
  if (refresh_token.reveal().size() > kRefreshTokenCharsMax) {
    return fail(error_of(IdentityErrorKind::BadRefreshToken));
  }
  Private<std::string> next{make_secret(entropy_, kRefreshTokenBytes)};
  const auto rotated = store_.rotate_refresh({.old_hash = refresh_token_hash(refresh_token.reveal()),
                                              .new_hash = refresh_token_hash(next.reveal()),
                                              .now = now,
                                              .new_expires_at = now + options_.refresh_token_ttl});
  if (!rotated) return fail(error_of(rotated.error()));
  const port::RotateResult& rotation = *rotated;
  if (rotation.outcome != port::RotateOutcome::Rotated) return fail(refusal_of(rotation));
  ZVONOK_CHECK(rotation.session.has_value());
  const port::Session session = rotation.session.value_or(port::Session{});
  auto found = store_.find_user(session.user);
  if (!found) return fail(error_of(found.error()));
  std::optional<port::User> user = std::move(*found);
  if (!user || user->disabled) {
    if (const auto revoked = store_.revoke_session(session.id, now); !revoked) return fail(error_of(revoked.error()));
    return fail(IdentityError{.kind = IdentityErrorKind::BadRefreshToken,
                              .revoked_session = session.id,
                              .detail = "the account is disabled or gone"});
  }
  Login login{.user = std::move(*user), .tokens = {}};
  login.tokens = {.access_token = Private{access_token(login.user, session.id, now)},
                  .refresh_token = std::move(next),
                  .access_expires_in = options_.access_token_ttl,
                  .session_id = session.id};
  return login;
}

IdentityResult<std::string> IdentityService::logout(const LogoutRequest& request, WallTime now) {
  const std::string& token = request.refresh_token.reveal();
  if (!token.empty()) {
    if (token.size() > kRefreshTokenCharsMax) return std::string{};
    const auto session = store_.revoke_by_refresh(refresh_token_hash(token), now);
    if (!session) return fail(error_of(session.error()));
    return session->value_or(port::Session{}).id;
  }
  if (request.session_id.empty()) return std::string{};
  const auto revoked = store_.revoke_session(request.session_id, now);
  if (!revoked && revoked.error().kind == port::StoreErrorKind::Unavailable) return fail(error_of(revoked.error()));
  return revoked ? request.session_id : std::string{};
}

IdentityResult<port::User> IdentityService::find(const UserId& id) {
  auto found = store_.find_user(id);
  if (!found) return fail(error_of(found.error()));
  std::optional<port::User> user = std::move(*found);
  if (!user) return fail(error_of(IdentityErrorKind::UnknownUser));
  return std::move(*user);
}

IdentityResult<port::User> IdentityService::provision(const Principal& principal, WallTime now) {
  auto user = store_.ensure_user({.id = principal.user,
                                  .email = std::nullopt,
                                  .display_name = normalize_display_name(principal.name).value_or(""),
                                  .password_hash = {},
                                  .disabled = false,
                                  .created_at = now});
  if (!user) return fail(error_of(user.error()));
  return std::move(*user);
}

IdentityResult<port::User> IdentityService::rename(const UserId& id, std::string_view display_name) {
  const auto name = normalize_display_name(display_name);
  if (!name) return fail(error_of(IdentityErrorKind::InvalidDisplayName));
  if (const auto renamed = store_.set_display_name(id, *name); !renamed) {
    switch (renamed.error().kind) {
      case port::StoreErrorKind::NotFound: return fail(error_of(IdentityErrorKind::UnknownUser));
      case port::StoreErrorKind::Invalid: return fail(error_of(IdentityErrorKind::InvalidDisplayName));
      case port::StoreErrorKind::Conflict:
      case port::StoreErrorKind::Unavailable: return fail(error_of(renamed.error()));
    }
  }
  return find(id);
}

IdentityResult<Login> IdentityService::open_session(port::User user, WallTime now) {
  Private<std::string> refresh_token{make_secret(entropy_, kRefreshTokenBytes)};
  const port::Session session{
      .id = make_uuid(entropy_), .user = user.id, .created_at = now, .expires_at = now + options_.refresh_token_ttl};
  if (const auto made = store_.create_session(session, refresh_token_hash(refresh_token.reveal())); !made) {
    return fail(error_of(made.error()));
  }
  Login login{.user = std::move(user), .tokens = {}};
  login.tokens = {.access_token = Private{access_token(login.user, session.id, now)},
                  .refresh_token = std::move(refresh_token),
                  .access_expires_in = options_.access_token_ttl,
                  .session_id = session.id};
  return login;
}

std::string IdentityService::access_token(const port::User& user, std::string_view session_id, WallTime now) {
  boost::json::object claims{{"sub", user.id.value()},
                             {"userId", user.id.value()},
                             {"sid", session_id},
                             {"iat", unix_seconds(now)},
                             {"exp", unix_seconds(now) + options_.access_token_ttl.count()},
                             {"iss", options_.issuer},
                             {"jti", make_uuid(entropy_)},
                             {"name", user.display_name}};
  if (!options_.audience.empty()) claims["aud"] = options_.audience;
  return jwt::sign_hs256(boost::json::serialize(claims), signing_key_);
}

}  // namespace zvonok::identity
