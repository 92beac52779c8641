// Who is on the other end, as a checked token or ticket says it.
#pragma once
#include <optional>
#include <string>

#include "base/id.h"
#include "base/time.h"

namespace zvonok::identity {

struct Principal {
  UserId user;
  std::string session_id;              // the login session (`sid`); empty for tokens that a messenger made
  std::string name;                    // what the token calls the user; unchecked text, may be empty
  std::string token_id;                // `jti`, or empty
  std::string rooms_json;              // the `rooms` claim as JSON text, or empty
  std::optional<WallTime> expires_at;  // the token's own end
  friend bool operator==(const Principal&, const Principal&) = default;
};

}  // namespace zvonok::identity
