// What DTLS-SRTP agrees on: a protection profile and two master keys (RFC 5764 section 4.2).
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"

namespace zvonok::dtls {

/// The values are the IANA's "DTLS-SRTP Protection Profiles" (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class SrtpProfile : std::uint16_t {
  Aes128CmSha1_80 = 0x0001,
  AeadAes128Gcm = 0x0007,
  AeadAes256Gcm = 0x0008,
};

struct SrtpKeySizes {
  std::size_t key_bytes;
  std::size_t salt_bytes;
};

[[nodiscard]] constexpr SrtpKeySizes key_sizes(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::Aes128CmSha1_80: return {.key_bytes = 16, .salt_bytes = 14};
    case SrtpProfile::AeadAes128Gcm: return {.key_bytes = 16, .salt_bytes = 12};
    case SrtpProfile::AeadAes256Gcm: return {.key_bytes = 32, .salt_bytes = 12};
  }
  std::abort();
}

/// The master key and master salt of one direction.
class SrtpMasterKey {
 public:
  static constexpr std::size_t kKeyBytesMax = 32;
  static constexpr std::size_t kSaltBytesMax = 14;

  SrtpMasterKey() = default;
  /// At most kKeyBytesMax and kSaltBytesMax bytes of each are taken.
  SrtpMasterKey(Bytes key, Bytes salt)
      : key_bytes_{std::min(key.size(), kKeyBytesMax)}, salt_bytes_{std::min(salt.size(), kSaltBytesMax)} {
    std::copy_n(key.begin(), key_bytes_, key_.begin());
    std::copy_n(salt.begin(), salt_bytes_, salt_.begin());
  }

  [[nodiscard]] Bytes key() const { return Bytes{key_}.first(key_bytes_); }
  [[nodiscard]] Bytes salt() const { return Bytes{salt_}.first(salt_bytes_); }
  friend bool operator==(const SrtpMasterKey&, const SrtpMasterKey&) = default;

 private:
  std::array<std::uint8_t, kKeyBytesMax> key_{};
  std::array<std::uint8_t, kSaltBytesMax> salt_{};
  std::size_t key_bytes_ = 0;
  std::size_t salt_bytes_ = 0;
};

struct SrtpKeys {
  SrtpProfile profile{};
  SrtpMasterKey local;   // for what we send
  SrtpMasterKey remote;  // for what we receive
  friend bool operator==(const SrtpKeys&, const SrtpKeys&) = default;
};

}  // namespace zvonok::dtls
