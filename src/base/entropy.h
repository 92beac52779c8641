// Randomness as an argument: the edge passes the system's, tests a seeded one.
#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/time.h"

namespace zvonok {

class Entropy {
 public:
  virtual ~Entropy() = default;
  /// Fills `out` with unpredictable bytes. Cannot fail: a machine without entropy stops at start.
  virtual void fill(MutableBytes out) = 0;
};

[[nodiscard]] std::uint32_t random_u32(Entropy& entropy);

/// A random (version 4) UUID, RFC 9562 section 5.4, in its 36-character lower-case form.
[[nodiscard]] std::string make_uuid(Entropy& entropy);
/// A time-ordered (version 7) UUID, RFC 9562 section 5.7. The low twelve bits of `counter` order those of one
/// millisecond (section 6.2, method 1).
[[nodiscard]] std::string make_ordered_uuid(Entropy& entropy, WallTime time, std::uint64_t counter);
/// `bytes` random bytes as unpadded base64url, for tokens and tickets.
[[nodiscard]] std::string make_secret(Entropy& entropy, std::size_t bytes);

}  // namespace zvonok
