#include "proto/srtp/openssl.h"

#include "base/check.h"

namespace zvonok::srtp {
namespace {

/// Missing only where OpenSSL itself is broken or there is no memory: then there is nothing to go on with.
const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  ZVONOK_CHECK(cipher != nullptr);
  return cipher;
}

}  // namespace

CipherContext new_cipher_context() {
  CipherContext context{EVP_CIPHER_CTX_new()};
  ZVONOK_CHECK(context);
  return context;
}

MacContext new_hmac_context() {
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  ZVONOK_CHECK(hmac != nullptr);
  MacContext context{EVP_MAC_CTX_new(hmac)};
  ZVONOK_CHECK(context);
  return context;
}

const EVP_CIPHER* counter_cipher(std::size_t key_bytes) {
  static const EVP_CIPHER* const aes128 = fetch("AES-128-CTR");
  static const EVP_CIPHER* const aes256 = fetch("AES-256-CTR");
  ZVONOK_CHECK(key_bytes == 16 || key_bytes == 32);
  return key_bytes == 16 ? aes128 : aes256;
}

const EVP_CIPHER* gcm_cipher(std::size_t key_bytes) {
  static const EVP_CIPHER* const aes128 = fetch("AES-128-GCM");
  static const EVP_CIPHER* const aes256 = fetch("AES-256-GCM");
  ZVONOK_CHECK(key_bytes == 16 || key_bytes == 32);
  return key_bytes == 16 ? aes128 : aes256;
}

}  // namespace zvonok::srtp
