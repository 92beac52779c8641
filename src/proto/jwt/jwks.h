// Reads a JSON Web Key Set (RFC 7517): the public keys of a messenger that signs its own tokens.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/jwt/key.h"

namespace zvonok::jwt {

constexpr std::size_t kJwksBytesMax = 256 * 1024;

struct Jwks {
  std::vector<Key> keys;
  /// One line for each key that is left out, and why: kinds that aren't served, encryption keys, weak keys.
  /// A set with some unusable keys is normal (RFC 7517 section 5), so they are no error, but worth a log line.
  std::vector<std::string> skipped;
};

/// RSA keys of 2048 bits and more become RS256, EC P-256 keys ES256, OKP Ed25519 keys EdDSA. A JWK's own `alg`, when
/// present, must be that. The error is one line for a human; a set without any usable key is an error too.
[[nodiscard]] Result<Jwks, std::string> parse_jwks(std::string_view text);

}  // namespace zvonok::jwt
