#include "proto/srtp/keys.h"

#include <openssl/crypto.h>

#include "proto/srtp/openssl.h"

namespace zvonok::srtp {
namespace {

// RFC 3711 section 4.3.1: the labels of SRTP; those of SRTCP are three higher.
constexpr std::uint8_t kCipherLabel = 0;
constexpr std::uint8_t kMacLabel = 1;
constexpr std::uint8_t kSaltLabel = 2;
constexpr std::uint8_t kRtcpLabels = 3;
/// Counted from the front of the 14-byte salt: the label stands above the 48-bit index, which is 0 here.
constexpr std::size_t kLabelAt = 7;

/// AES in counter mode as a pseudo-random function (section 4.3.3). RFC 7714 section 11 keeps it for GCM, with its
/// 12-byte salt taken as the first 12 of the 14.
class KeyDerivation {
 public:
  KeyDerivation(Profile profile, const MasterKey& master) : salt_{master.salt.view()}, context_{new_cipher_context()} {
    ZVONOK_CHECK(EVP_EncryptInit_ex2(context_.get(), counter_cipher(key_bytes(profile)), master.key.view().data(),
                                     nullptr, nullptr) == 1);
  }

  template <std::size_t kMax>
  Secret<kMax> derive(std::uint8_t label, std::size_t size) {
    ZVONOK_CHECK(size <= kMax);
    std::array<std::uint8_t, kCounterIvBytes> iv{};
    copy_bytes(salt_, iv);
    iv[kLabelAt] ^= label;
    std::array<std::uint8_t, kMax> out{};
    int written = 0;
    ZVONOK_CHECK(EVP_EncryptInit_ex2(context_.get(), nullptr, nullptr, iv.data(), nullptr) == 1);
    ZVONOK_CHECK(EVP_EncryptUpdate(context_.get(), out.data(), &written, out.data(), static_cast<int>(size)) == 1);
    const Secret<kMax> secret{Bytes{out}.first(size)};
    wipe(out);
    return secret;
  }

 private:
  Bytes salt_;
  CipherContext context_;
};

}  // namespace

void wipe(MutableBytes bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

KeyingMaterial split_keying_material(Profile profile, Bytes exported) {
  ZVONOK_CHECK(exported.size() == exported_bytes(profile));
  const std::size_t key = key_bytes(profile);
  const std::size_t salt = salt_bytes(profile);
  const Bytes salts = exported.subspan(2 * key);
  KeyingMaterial material;
  material.client = {Secret<kKeyBytesMax>{exported.first(key)}, Secret<kSaltBytesMax>{salts.first(salt)}};
  material.server = {Secret<kKeyBytesMax>{exported.subspan(key, key)}, Secret<kSaltBytesMax>{salts.subspan(salt)}};
  return material;
}

SessionKeys derive_session_keys(Profile profile, const MasterKey& master) {
  ZVONOK_CHECK(master.key.view().size() == key_bytes(profile) && master.salt.view().size() == salt_bytes(profile));
  KeyDerivation derivation{profile, master};
  const auto packet_keys = [&](std::uint8_t labels) {
    PacketKeys keys;
    keys.cipher = derivation.derive<kKeyBytesMax>(labels + kCipherLabel, key_bytes(profile));
    if (!is_aead(profile)) keys.mac = derivation.derive<kMacKeyBytes>(labels + kMacLabel, kMacKeyBytes);
    keys.salt = derivation.derive<kSaltBytesMax>(labels + kSaltLabel, salt_bytes(profile));
    return keys;
  };
  return {.rtp = packet_keys(0), .rtcp = packet_keys(kRtcpLabels)};
}

}  // namespace zvonok::srtp
