// Time-limited TURN credentials, as coturn's `use-auth-secret` and other TURN servers understand them
// (draft-uberti-behave-turn-rest-00 section 2.2).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace zvonok::turn {

struct Credential {
  std::string username;  // "<expiry>:<user>"
  std::string password;  // base64(HMAC-SHA1(secret, username))
};

/// `expires_at` in seconds since 1970. `secret` is shared with the TURN server.
[[nodiscard]] Credential make_credential(std::string_view secret, std::string_view user, std::int64_t expires_at);

}  // namespace zvonok::turn
