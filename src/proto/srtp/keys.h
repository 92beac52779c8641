// SRTP's protection profiles and keys: from what DTLS exports (RFC 5764 section 4.2, RFC 7714 section 12) to the
// session keys that packets are protected with (RFC 3711 section 4.3). Keys are wiped where they lay.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace zvonok::srtp {

/// The numbers are those of the DTLS extension use_srtp (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class Profile : std::uint16_t {
  Aes128CmSha1_80 = 0x0001,  // NOLINT(readability-identifier-naming): the name by which everybody knows it
  AeadAes128Gcm = 0x0007,
  AeadAes256Gcm = 0x0008,
};

inline std::ostream& operator<<(std::ostream& out, Profile profile) {
  switch (profile) {
    case Profile::Aes128CmSha1_80: return out << "Aes128CmSha1_80";
    case Profile::AeadAes128Gcm: return out << "AeadAes128Gcm";
    case Profile::AeadAes256Gcm: return out << "AeadAes256Gcm";
  }
  return out;
}

[[nodiscard]] constexpr bool is_aead(Profile profile) {
  return profile != Profile::Aes128CmSha1_80;
}
/// Of the master key and of the session's encryption key alike.
[[nodiscard]] constexpr std::size_t key_bytes(Profile profile) {
  return profile == Profile::AeadAes256Gcm ? 32 : 16;
}
[[nodiscard]] constexpr std::size_t salt_bytes(Profile profile) {
  return is_aead(profile) ? 12 : 14;
}
/// The authentication tag of RTP and of RTCP packets.
[[nodiscard]] constexpr std::size_t tag_bytes(Profile profile) {
  return is_aead(profile) ? 16 : 10;
}
/// How much DTLS must export under the label "EXTRACTOR-dtls_srtp".
[[nodiscard]] constexpr std::size_t exported_bytes(Profile profile) {
  return 2 * (key_bytes(profile) + salt_bytes(profile));
}

constexpr std::size_t kKeyBytesMax = 32;
constexpr std::size_t kSaltBytesMax = 14;
constexpr std::size_t kMacKeyBytes = 20;
constexpr std::size_t kTagBytesMax = 16;
/// The E flag and the index at the end of an SRTCP packet (RFC 3711 section 3.4).
constexpr std::size_t kRtcpTrailerBytes = 4;
/// What sealing may add to a packet.
constexpr std::size_t kOverheadBytesMax = kTagBytesMax + kRtcpTrailerBytes;

/// Overwrites in a way that the compiler may not leave out.
void wipe(MutableBytes bytes);

/// Up to `kMax` bytes that are wiped at the end.
template <std::size_t kMax>
class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes bytes) : size_{bytes.size()} {
    ZVONOK_CHECK(bytes.size() <= kMax);
    copy_bytes(bytes, bytes_);
  }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(bytes_); }

  [[nodiscard]] Bytes view() const { return Bytes{bytes_}.first(size_); }
  /// Not in constant time: for tests and for telling new keys from old ones of our own.
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::array<std::uint8_t, kMax> bytes_{};
  std::size_t size_ = 0;
};

struct MasterKey {
  Secret<kKeyBytesMax> key;
  Secret<kSaltBytesMax> salt;
  friend bool operator==(const MasterKey&, const MasterKey&) = default;
};

/// Which end of the DTLS connection seals with it.
struct KeyingMaterial {
  MasterKey client;
  MasterKey server;
};

/// Splits `exported_bytes(profile)` bytes, in the order client key, server key, client salt, server salt.
[[nodiscard]] KeyingMaterial split_keying_material(Profile profile, Bytes exported);

/// What protects one kind of packet. `mac` is empty for the AEAD profiles.
struct PacketKeys {
  Secret<kKeyBytesMax> cipher;
  Secret<kMacKeyBytes> mac;
  Secret<kSaltBytesMax> salt;
};
struct SessionKeys {
  PacketKeys rtp;
  PacketKeys rtcp;
};

/// With a key derivation rate of 0, the only one DTLS-SRTP knows: derived once for the life of the master key.
[[nodiscard]] SessionKeys derive_session_keys(Profile profile, const MasterKey& master);

}  // namespace zvonok::srtp
