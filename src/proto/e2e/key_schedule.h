// From two public keys to what two ends of a call need: a key for each direction, and the digits that people compare
// (docs/protocol/e2e.md). X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869). Secrets are wiped where they lay.
//
// Pure: what is random is an argument.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/entropy.h"
#include "proto/srtp/keys.h"

namespace zvonok::e2e {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kCodeDigits = 8;

using PublicKey = std::array<std::uint8_t, kKeyBytes>;
using Commitment = std::array<std::uint8_t, 32>;
using Key = srtp::Secret<kKeyBytes>;

struct KeyPair {
  Key private_key;
  PublicKey public_key{};
};
[[nodiscard]] KeyPair make_key_pair(Entropy& entropy);
/// `seed`: kKeyBytes, the private key itself (RFC 7748 section 5).
[[nodiscard]] KeyPair key_pair_from(Bytes seed);

/// Binds an end to its public key before it shows it.
[[nodiscard]] Commitment commitment_of(const PublicKey& key);

/// Nothing for public keys that lead to no secret (RFC 7748 section 6.1).
[[nodiscard]] std::optional<Key> shared_secret(const Key& own, const PublicKey& other);

struct End {
  std::string_view user;
  PublicKey key{};
};

/// Of one direction.
struct DirectionKey {
  Key base;               // what SFrame begins with (RFC 9605 section 4.4.2)
  std::uint32_t kid = 0;  // as random as the key
};
struct PairKeys {
  DirectionKey send;
  DirectionKey receive;
  std::string code;  // the short authentication string: kCodeDigits decimal digits
};
/// `extra`: what both ends know besides, the salt of HKDF; may be empty. Both ends get the same from the same, with
/// `send` and `receive` swapped.
[[nodiscard]] PairKeys derive_pair_keys(const Key& shared, Bytes extra, const End& own, const End& other);

/// For media that is RTP between the two ends: AEAD_AES_128_GCM (RFC 7714).
constexpr srtp::Profile kSrtpProfile = srtp::Profile::AeadAes128Gcm;
[[nodiscard]] srtp::MasterKey srtp_key(const DirectionKey& key);

/// The salt of a tunnelled call: its `encryptionKey`, and the users' own secret behind it if they have one.
[[nodiscard]] std::string call_salt(std::string_view encryption_key, std::string_view secret);

}  // namespace zvonok::e2e
