#include "identity/password.h"

#include <array>

#include <sodium.h>

namespace zvonok::identity {
namespace {

constexpr unsigned kPassesMax = 16;
constexpr std::size_t kMemoryBytesMax = std::size_t{1} << 30;

/// libsodium reads encoded hashes as C strings.
bool is_encoded_hash(std::string_view text) {
  return !text.empty() && text.size() < crypto_pwhash_STRBYTES && text.find('\0') == std::string_view::npos;
}

std::optional<std::string> make_hash(const PasswordOptions& options, std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_argon2id_str(out.data(), password.data(), password.size(), options.passes, options.memory_bytes) !=
      0) {
    return std::nullopt;
  }
  return std::string{out.data()};
}

}  // namespace

Result<PasswordHasher, PasswordSetupError> PasswordHasher::create(PasswordOptions options) {
  if (sodium_init() < 0) return fail(PasswordSetupError::Unusable);
  const bool in_range = options.passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && options.passes <= kPassesMax &&
                        options.memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
                        options.memory_bytes <= kMemoryBytesMax;
  if (!in_range) return fail(PasswordSetupError::OptionsOutOfRange);
  std::array<char, 32> nobodys_password{};
  randombytes_buf(nobodys_password.data(), nobodys_password.size());
  auto hash = make_hash(options, {nobodys_password.data(), nobodys_password.size()});
  if (!hash) return fail(PasswordSetupError::Unusable);
  return PasswordHasher{options, std::move(*hash)};
}

PasswordHasher::PasswordHasher(PasswordOptions options, std::string nobodys_hash)
    : options_{options}, nobodys_hash_{std::move(nobodys_hash)} {}

std::optional<std::string> PasswordHasher::hash(std::string_view password) const {
  return make_hash(options_, password);
}

bool PasswordHasher::verify(std::string_view encoded_hash, std::string_view password) const {
  if (!is_encoded_hash(encoded_hash)) return false;
  const std::string terminated{encoded_hash};
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

void PasswordHasher::verify_nothing(std::string_view password) const {
  static_cast<void>(verify(nobodys_hash_, password));
}

bool PasswordHasher::needs_rehash(std::string_view encoded_hash) const {
  if (!is_encoded_hash(encoded_hash)) return true;
  const std::string terminated{encoded_hash};
  return crypto_pwhash_argon2id_str_needs_rehash(terminated.c_str(), options_.passes, options_.memory_bytes) != 0;
}

}  // namespace zvonok::identity
