// The hash of a certificate that SDP carries, and by which the other side of DTLS is known (RFC 8122 section 5).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::dtls {

/// The hashes that are taken. SHA-1 and weaker ones are refused: their collisions can be bought.
enum class HashAlgorithm : std::uint8_t { Sha256, Sha384, Sha512 };

enum class FingerprintError : std::uint8_t {
  UnknownAlgorithm,
  WeakAlgorithm,  // sha-1, md5, md2
  BadSyntax,
  WrongLength,  // not the size of that hash
};

struct Fingerprint {
  HashAlgorithm algorithm = HashAlgorithm::Sha256;
  std::vector<std::uint8_t> bytes;

  /// The value of an `a=fingerprint` attribute: "sha-256 AB:CD:...". Letters of either case (RFC 8122 asks for upper).
  [[nodiscard]] static Result<Fingerprint, FingerprintError> parse(std::string_view text);
  /// Of a certificate in DER.
  [[nodiscard]] static Fingerprint of(HashAlgorithm algorithm, Bytes certificate);

  /// Only the bytes: "AB:CD:...".
  [[nodiscard]] std::string hex() const;
  /// As in SDP: "sha-256 AB:CD:...".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

[[nodiscard]] std::string_view name_of(HashAlgorithm algorithm);

}  // namespace zvonok::dtls
