// Keys that verify tokens. A key knows the one algorithm that it serves (RFC 8725 section 3.1): the token's `alg` only
// chooses among keys and never tells a key what to do.
//
// Threads: keys are immutable; verify() and sign() may run on any thread at once.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::jwt {

/// The signature algorithms of RFC 7518 section 3.1 and RFC 8037 section 3.1 that are accepted.
enum class Algorithm { Hs256, Rs256, Es256, EdDsa };

/// The `alg` text: HS256, RS256, ES256, EdDSA.
[[nodiscard]] std::string_view to_text(Algorithm algorithm);
[[nodiscard]] std::optional<Algorithm> algorithm_from(std::string_view text);
inline std::ostream& operator<<(std::ostream& out, Algorithm algorithm) {
  return out << to_text(algorithm);
}

enum class KeyError {
  SecretTooShort,  // under kSecretBytesMin (RFC 7518 section 3.2)
  WrongSize,       // RSA modulus or exponent, EC coordinate or Ed25519 key out of range
  NotAKey,         // the numbers are no key, or none that protects: a point off the curve or of small order
};
[[nodiscard]] std::string_view to_text(KeyError error);
inline std::ostream& operator<<(std::ostream& out, KeyError error) {
  return out << to_text(error);
}

constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kRsaBitsMin = 2048;
constexpr std::size_t kRsaBitsMax = 8192;
constexpr std::size_t kKeysMax = 64;
/// Without a kid several keys are tried; this bounds what one bad token costs.
constexpr std::size_t kCandidatesMax = 8;

/// The public numbers of keys, big-endian as JWK has them (RFC 7518 section 6, RFC 8037 section 2).
struct RsaPublic {
  Bytes modulus;
  Bytes exponent;
};
struct EcPublic {  // P-256: 32 bytes each
  Bytes x;
  Bytes y;
};

class Key {
 public:
  /// HS256. `kid` may be empty.
  [[nodiscard]] static Result<Key, KeyError> hs256(std::string_view secret, std::string kid = {});
  [[nodiscard]] static Result<Key, KeyError> rs256(const RsaPublic& numbers, std::string kid = {});
  [[nodiscard]] static Result<Key, KeyError> es256(const EcPublic& point, std::string kid = {});
  [[nodiscard]] static Result<Key, KeyError> ed25519(Bytes public_key, std::string kid = {});

  Key(Key&&) noexcept;
  Key& operator=(Key&&) noexcept;
  ~Key();

  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] const std::string& kid() const { return kid_; }
  /// Whether `signature` (raw bytes; r||s for ES256) is this key's over `message`.
  [[nodiscard]] bool verify(std::string_view message, Bytes signature) const;
  /// The raw HS256 signature of `message`. Only for HS256 keys.
  [[nodiscard]] std::vector<std::uint8_t> sign(std::string_view message) const;

 private:
  struct Material;
  Key(Algorithm algorithm, std::string kid, std::unique_ptr<Material> material);

  Algorithm algorithm_;
  std::string kid_;
  std::unique_ptr<Material> material_;
};

/// The keys that are trusted, at most kKeysMax.
class KeySet {
 public:
  /// False when the set is full or holds a key of the same algorithm and non-empty kid.
  [[nodiscard]] bool add(Key key);
  /// Keys to try for a token: those of `algorithm` with `kid`. A token without kid, or with an empty one: the first
  /// kCandidatesMax keys of `algorithm`. A kid that no key of `algorithm` has: the only key of `algorithm`, or nothing
  /// when there are several.
  [[nodiscard]] std::vector<const Key*> candidates(Algorithm algorithm, std::optional<std::string_view> kid) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  std::vector<Key> keys_;
};

}  // namespace zvonok::jwt
