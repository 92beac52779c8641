// Who is on the other end, as a checked token or ticket says it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"

namespace zvonok::identity {

/// `iss` of the tokens that this server makes.
inline constexpr std::string_view kOwnIssuer = "zvonok";

struct Principal {
  UserId user;
  std::string session_id;              // the login session (`sid`) of a token of our own; else empty
  std::string name;                    // what the token calls the user; unchecked text, may be empty
  std::string token_id;                // `jti`, or empty
  std::string rooms_json;              // the `rooms` claim as JSON text, or empty
  std::optional<WallTime> expires_at;  // the token's own end
  friend bool operator==(const Principal&, const Principal&) = default;
};

}  // namespace zvonok::identity
