// Text and hash of certificate fingerprints.
#include "proto/dtls/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <openssl/evp.h>

#include "base/check.h"

namespace zvonok::dtls {
namespace {

constexpr std::array kAlgorithms{HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512};

const EVP_MD* digest_of(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::Sha256: return EVP_sha256();
    case HashAlgorithm::Sha384: return EVP_sha384();
    case HashAlgorithm::Sha512: return EVP_sha512();
  }
  std::abort();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// 16 when it is no hexadecimal digit.
unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char small = lower(c);
  if (small >= 'a' && small <= 'f') return static_cast<unsigned>(small - 'a') + 10;
  return 16;
}

}  // namespace

std::string_view name_of(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::Sha256: return "sha-256";
    case HashAlgorithm::Sha384: return "sha-384";
    case HashAlgorithm::Sha512: return "sha-512";
  }
  std::abort();
}

Result<Fingerprint, FingerprintError> Fingerprint::parse(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return fail(FingerprintError::BadSyntax);
  const std::string_view name = text.substr(0, space);
  std::string_view digits = text.substr(space + 1);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);

  if (same_name(name, "sha-1") || same_name(name, "md5") || same_name(name, "md2")) {
    return fail(FingerprintError::WeakAlgorithm);
  }
  const auto known = std::ranges::find_if(kAlgorithms, [&](HashAlgorithm a) { return same_name(name, name_of(a)); });
  if (known == kAlgorithms.end()) return fail(FingerprintError::UnknownAlgorithm);

  const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest_of(*known)));
  if (digits.size() != size * 3 - 1) return fail(FingerprintError::WrongLength);
  Fingerprint result{.algorithm = *known, .bytes = std::vector<std::uint8_t>(size)};
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned high = hex_value(digits[i * 3]);
    const unsigned low = hex_value(digits[i * 3 + 1]);
    const bool separated = i + 1 == size || digits[i * 3 + 2] == ':';
    if (high > 15 || low > 15 || !separated) return fail(FingerprintError::BadSyntax);
    result.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return result;
}

Fingerprint Fingerprint::of(HashAlgorithm algorithm, Bytes certificate) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  ZVONOK_CHECK(EVP_Digest(certificate.data(), certificate.size(), hash.data(), &size, digest_of(algorithm), nullptr) ==
               1);
  return {.algorithm = algorithm, .bytes = {hash.begin(), hash.begin() + size}};
}

std::string Fingerprint::hex() const {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  result.reserve(bytes.size() * 3);
  for (const std::uint8_t byte : bytes) {
    if (!result.empty()) result += ':';
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

std::string Fingerprint::text() const {
  return std::string{name_of(algorithm)} + ' ' + hex();
}

}  // namespace zvonok::dtls
