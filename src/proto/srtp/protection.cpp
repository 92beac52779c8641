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

constexpr std::size_t kGcmIvBytes = 12;
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

/// One EVP_CipherUpdate; without `out` the bytes are additional data. OpenSSL wants no call for nothing.
bool update(EVP_CIPHER_CTX* context, std::uint8_t* out, Bytes in) {
  int written = 0;
  return in.empty() || EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1;
}

}  // namespace

Protection::Protection(Profile profile, Direction direction, const PacketKeys& keys)
    : profile_{profile}, cipher_{new_cipher_context()}, salt_{keys.salt} {
  ZVONOK_CHECK(keys.cipher.view().size() == key_bytes(profile) && keys.salt.view().size() == salt_bytes(profile));
  const EVP_CIPHER* const algorithm =
      is_aead(profile) ? gcm_cipher(key_bytes(profile)) : counter_cipher(key_bytes(profile));
  // Counter mode is its own inverse.
  const bool encrypts = direction == Direction::Seal || !is_aead(profile);
  ZVONOK_CHECK(
      EVP_CipherInit_ex2(cipher_.get(), algorithm, keys.cipher.view().data(), nullptr, encrypts ? 1 : 0, nullptr) == 1);
  if (is_aead(profile)) return;
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
  if (is_aead(profile_)) return seal_gcm(id, packet.first(header_length), text, prefix, rest, trailer, tag);
  std::array<std::uint8_t, kSha1Bytes> mac{};
  if (!count(id, text, prefix, rest) || !authenticate(packet, trailer, mac)) return false;
  std::copy_n(mac.begin(), tag.size(), tag.begin());
  return true;
}

bool Protection::open(PacketId id, MutableBytes packet, std::size_t header_length, Bytes trailer, Bytes tag) {
  const MutableBytes text = packet.subspan(header_length);
  if (is_aead(profile_)) return open_gcm(id, packet.first(header_length), text, trailer, tag);
  std::array<std::uint8_t, kSha1Bytes> mac{};
  return authenticate(packet, trailer, mac) && CRYPTO_memcmp(mac.data(), tag.data(), tag.size()) == 0 &&
         count(id, text.data(), text, {});
}

bool Protection::seal_gcm(PacketId id, Bytes header, std::uint8_t* text, Bytes prefix, Bytes rest, Bytes trailer,
                          MutableBytes tag) {
  EVP_CIPHER_CTX* const context = cipher_.get();
  const auto iv = make_iv<kGcmIvBytes>(id, salt_.view(), 2);
  int written = 0;
  std::array wanted{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
                    OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr) == 1 &&
         update(context, nullptr, header) && update(context, nullptr, trailer) && update(context, text, prefix) &&
         update(context, text + prefix.size(), rest) && EVP_CipherFinal_ex(context, tag.data(), &written) == 1 &&
         EVP_CIPHER_CTX_get_params(context, wanted.data()) == 1;
}

bool Protection::open_gcm(PacketId id, Bytes header, MutableBytes text, Bytes trailer, Bytes tag) {
  EVP_CIPHER_CTX* const context = cipher_.get();
  const auto iv = make_iv<kGcmIvBytes>(id, salt_.view(), 2);
  std::array<std::uint8_t, kTagBytesMax> expected{};
  std::copy(tag.begin(), tag.end(), expected.begin());
  const std::array params{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected.data(), tag.size()),
                          OSSL_PARAM_construct_end()};
  std::array<std::uint8_t, kTagBytesMax> none{};
  int written = 0;
  return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, params.data()) == 1 &&
         update(context, nullptr, header) && update(context, nullptr, trailer) && update(context, text.data(), text) &&
         EVP_CipherFinal_ex(context, none.data(), &written) == 1;
}

bool Protection::count(PacketId id, std::uint8_t* out, Bytes prefix, Bytes rest) {
  EVP_CIPHER_CTX* const context = cipher_.get();
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
