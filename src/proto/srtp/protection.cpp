#include "proto/srtp/protection.h"

#include <array>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "base/byte_io.h"

namespace zvonok::srtp {
namespace {

constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kIndexBytes = 6;

/// RFC 7714 sections 8.1 and 9.1: two zero bytes, SSRC, 48 bits of index; and RFC 3711 section 4.1.1: four zero bytes,
/// SSRC, index, two bytes of block counter. Both with the salt over them.
template <std::size_t kSize>
std::array<std::uint8_t, kSize> make_iv(PacketId id, Bytes salt, std::size_t ssrc_at) {
  std::array<std::uint8_t, kSize> iv{};
  store_be32(iv.data() + ssrc_at, std::to_underlying(id.ssrc));
  store_be16(iv.data() + ssrc_at + 4, static_cast<std::uint16_t>(id.index >> 32));
  store_be32(iv.data() + ssrc_at + kIndexBytes, static_cast<std::uint32_t>(id.index));
  for (std::size_t i = 0; i < salt.size(); ++i) iv[i] ^= salt[i];
  return iv;
}

/// OpenSSL wants no call for nothing.
bool update(EVP_CIPHER_CTX* context, std::uint8_t* out, Bytes in) {
  int written = 0;
  return in.empty() || EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1;
}

}  // namespace

Protection::Protection(Profile profile, Direction direction, const PacketKeys& keys)
    : salt_{keys.salt} {
  const Bytes key = keys.cipher.view();
  ZVONOK_CHECK(key.size() == key_bytes(profile) && keys.salt.view().size() == salt_bytes(profile));
  if (is_aead(profile)) {
    gcm_ = make_gcm(key, direction);
    return;
  }
  // Counter mode is its own inverse.
  counter_ = new_cipher_context();
  ZVONOK_CHECK(EVP_EncryptInit_ex2(counter_.get(), counter_cipher(key.size()), key.data(), nullptr, nullptr) == 1);
  ZVONOK_CHECK(keys.mac.view().size() == kMacKeyBytes);
  mac_ = new_hmac_context();
  std::string digest = "SHA1";
  const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                          OSSL_PARAM_construct_end()};
  ZVONOK_CHECK(EVP_MAC_init(mac_.get(), keys.mac.view().data(), kMacKeyBytes, params.data()) == 1);
}

bool Protection::seal(PacketId id, MutableBytes packet, std::size_t header_length, Bytes prefix, Bytes rest,
                      Bytes trailer, MutableBytes tag) {
  std::uint8_t* const text = packet.data() + header_length;
  if (gcm_) {
    const auto iv = make_iv<kGcmIvBytes>(id, salt_.view(), 2);
    return gcm_->seal(iv, packet.first(header_length), trailer, text, prefix, rest, tag);
  }
  std::array<std::uint8_t, kSha1Bytes> mac{};
  if (!count(id, text, prefix, rest) || !authenticate(packet, trailer, mac)) return false;
  std::copy_n(mac.begin(), tag.size(), tag.begin());
  return true;
}

bool Protection::open(PacketId id, MutableBytes packet, std::size_t header_length, Bytes trailer, Bytes tag) {
  const MutableBytes text = packet.subspan(header_length);
  if (gcm_) {
    const auto iv = make_iv<kGcmIvBytes>(id, salt_.view(), 2);
    return gcm_->open(iv, packet.first(header_length), trailer, text, tag);
  }
  std::array<std::uint8_t, kSha1Bytes> mac{};
  return authenticate(packet, trailer, mac) && CRYPTO_memcmp(mac.data(), tag.data(), tag.size()) == 0 &&
         count(id, text.data(), text, {});
}

bool Protection::count(PacketId id, std::uint8_t* out, Bytes prefix, Bytes rest) {
  EVP_CIPHER_CTX* const context = counter_.get();
  const auto iv = make_iv<kCounterIvBytes>(id, salt_.view(), 4);
  return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr) == 1 && update(context, out, prefix) &&
         update(context, out + prefix.size(), rest);
}

bool Protection::authenticate(Bytes packet, Bytes trailer, MutableBytes mac) {
  EVP_MAC_CTX* const context = mac_.get();
  std::size_t written = 0;
  // Without a key, EVP_MAC_init takes up the state after the key again: two hash blocks less for each packet.
  return EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
         EVP_MAC_update(context, packet.data(), packet.size()) == 1 &&
         EVP_MAC_update(context, trailer.data(), trailer.size()) == 1 &&
         EVP_MAC_final(context, mac.data(), &written, mac.size()) == 1 && written == mac.size();
}

}  // namespace zvonok::srtp
