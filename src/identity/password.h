// Password hashes: argon2id in libsodium's encoded form.
//
// Threads: every method may run on any thread at once; hash() and verify() take about 20 ms and `memory_bytes` each, so
// callers run them on a bounded pool.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace zvonok::identity {

/// OWASP's smallest recommendation for argon2id: 19 MiB, 2 passes, 1 lane.
struct PasswordOptions {
  unsigned passes = 2;
  std::size_t memory_bytes = 19UL * 1024 * 1024;
};

enum class PasswordSetupError {
  OptionsOutOfRange,  // below 1 pass or 8 KiB, or above 16 passes or 1 GiB
  Unusable,           // libsodium does not start, or that much memory can't be had
};

class PasswordHasher {
 public:
  [[nodiscard]] static Result<PasswordHasher, PasswordSetupError> create(PasswordOptions options);

  /// nullopt when the memory can't be had.
  [[nodiscard]] std::optional<std::string> hash(std::string_view password) const;
  [[nodiscard]] bool verify(std::string_view encoded_hash, std::string_view password) const;
  /// Takes as long as verify() does and says no: for accounts that don't exist, so that timing doesn't tell.
  void verify_nothing(std::string_view password) const;
  /// Whether the hash was made with other options than today's.
  [[nodiscard]] bool needs_rehash(std::string_view encoded_hash) const;

 private:
  PasswordHasher(PasswordOptions options, std::string nobodys_hash);

  PasswordOptions options_;
  std::string nobodys_hash_;
};

}  // namespace zvonok::identity
