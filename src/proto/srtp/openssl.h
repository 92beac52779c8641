// OpenSSL's ciphers and its HMAC for this folder: owners that free what they hold, and the algorithms, each fetched
// once in the life of the process (in OpenSSL 3 a look-up by name costs more than a packet).
#pragma once
#include <cstddef>
#include <memory>

#include <openssl/evp.h>

namespace zvonok::srtp {

constexpr std::size_t kCounterIvBytes = 16;

struct FreeOpenssl {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeOpenssl>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeOpenssl>;

/// Never null.
[[nodiscard]] CipherContext new_cipher_context();
/// HMAC without its key yet. Never null.
[[nodiscard]] MacContext new_hmac_context();

/// AES in counter mode and AES-GCM with a key of 16 or 32 bytes.
[[nodiscard]] const EVP_CIPHER* counter_cipher(std::size_t key_bytes);
[[nodiscard]] const EVP_CIPHER* gcm_cipher(std::size_t key_bytes);

}  // namespace zvonok::srtp
