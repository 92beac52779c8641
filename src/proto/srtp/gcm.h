// AES-GCM (RFC 5116, RFC 7714) under one key, by the fastest library that this machine can run: Intel's Multi-Buffer
// Crypto where it was built in and the processor has AES instructions, else OpenSSL. OpenSSL's EVP spends most of its
// time for a small packet on its parameters: 100 bytes cost it five times as much (docs/adr/0007).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace zvonok::srtp {

constexpr std::size_t kGcmIvBytes = 12;
constexpr std::size_t kGcmTagBytes = 16;

enum class Direction : std::uint8_t { Seal, Open };

/// One object belongs to one thread at a time.
class Gcm {
 public:
  Gcm() = default;
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  virtual ~Gcm() = default;

  /// Writes `prefix` and then `rest`, encrypted, to `text`; either may lie at its place already, but not across it.
  /// `header` and then `trailer` are authenticated only. `iv` has kGcmIvBytes, `tag` kGcmTagBytes. False only if the
  /// library fails.
  [[nodiscard]] virtual bool seal(Bytes iv, Bytes header, Bytes trailer, std::uint8_t* text, Bytes prefix, Bytes rest,
                                  MutableBytes tag) = 0;
  /// Decrypts `text` in place. False if it isn't what was sealed; it may be spoilt then.
  [[nodiscard]] virtual bool open(Bytes iv, Bytes header, Bytes trailer, MutableBytes text, Bytes tag) = 0;
};

/// What sealing reads of an object for a packet of a network's size: the key's schedule and the powers of its hash key.
inline constexpr std::size_t kGcmBytes = 1152;

/// `key` has 16 or 32 bytes. Never null. What is for one direction must not be used for the other.
[[nodiscard]] std::unique_ptr<Gcm> make_gcm(Bytes key, Direction direction);

/// The two that make_gcm chooses from; the first may be null: not built in, or not for this processor.
[[nodiscard]] std::unique_ptr<Gcm> make_multi_buffer_gcm(Bytes key);
[[nodiscard]] std::unique_ptr<Gcm> make_openssl_gcm(Bytes key, Direction direction);

}  // namespace zvonok::srtp
