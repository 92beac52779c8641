#include "proto/stun/integrity.h"

#include <string>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::stun {
namespace {

constexpr std::size_t kAttributeHeaderBytes = 4;
constexpr std::size_t kLanes = 4;  // bytes the CRC takes at once
using CrcTables = std::array<std::array<std::uint32_t, 256>, kLanes>;

constexpr CrcTables make_crc_tables() {
  constexpr std::uint32_t kReversedPolynomial = 0xEDB88320;
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kReversedPolynomial : 0);
    tables[0][i] = value;
  }
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[lane - 1][i];
      tables[lane][i] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr CrcTables kCrc = make_crc_tables();

/// Looked up once: OpenSSL's look-up costs more than the HMAC.
EVP_MAC* hmac_method() {
  static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  ZVONOK_CHECK(method != nullptr);
  return method;
}

}  // namespace

void IntegrityKey::FreeContext::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

IntegrityKey::IntegrityKey(std::string_view password) {
  prepare(as_bytes(password));
}

IntegrityKey::IntegrityKey(const LongTerm& credential) {
  std::string text{credential.username};
  text.append(":").append(credential.realm).append(":").append(credential.password);
  std::array<std::uint8_t, 16> key{};
  unsigned size = 0;
  ZVONOK_CHECK(EVP_Digest(text.data(), text.size(), key.data(), &size, EVP_md5(), nullptr) == 1);
  prepare(key);
  OPENSSL_cleanse(text.data(), text.size());
  OPENSSL_cleanse(key.data(), key.size());
}

void IntegrityKey::prepare(Bytes key) {
  context_.reset(EVP_MAC_CTX_new(hmac_method()));
  ZVONOK_CHECK(context_ != nullptr);
  std::string digest = "SHA1";
  const std::array<OSSL_PARAM, 2> parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                                             OSSL_PARAM_construct_end()};
  // No key at all would mean "the one from before" to OpenSSL, so an empty one needs an address.
  static constexpr std::uint8_t kNothing = 0;
  const std::uint8_t* const from = key.empty() ? &kNothing : key.data();
  ZVONOK_CHECK(EVP_MAC_init(context_.get(), from, key.size(), parameters.data()) == 1);
}

Integrity IntegrityKey::sign(Bytes head, Bytes rest) {
  Integrity out{};
  std::size_t size = 0;
  const bool made = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
                    EVP_MAC_update(context_.get(), head.data(), head.size()) == 1 &&
                    EVP_MAC_update(context_.get(), rest.data(), rest.size()) == 1 &&
                    EVP_MAC_final(context_.get(), out.data(), &size, out.size()) == 1;
  ZVONOK_CHECK(made && size == out.size());
  return out;
}

bool has_integrity(const Message& message, IntegrityKey& key) {
  if (!message.integrity_at) return false;
  // The length in the signed header is that of a message that ends with this attribute.
  const std::size_t end = *message.integrity_at + kAttributeHeaderBytes + kIntegrityBytes;
  std::array<std::uint8_t, 4> head{message.wire[0], message.wire[1]};
  store_be16(head.data() + 2, static_cast<std::uint16_t>(end - kHeaderBytes));
  const Bytes claimed = message.wire.subspan(*message.integrity_at + kAttributeHeaderBytes, kIntegrityBytes);
  const Integrity real = key.sign(head, message.wire.first(*message.integrity_at).subspan(head.size()));
  return CRYPTO_memcmp(real.data(), claimed.data(), real.size()) == 0;
}

bool has_fingerprint(const Message& message) {
  if (!message.fingerprint_at) return false;
  const std::uint32_t claimed = load_be32(message.wire.data() + *message.fingerprint_at + kAttributeHeaderBytes);
  return (crc32(message.wire.first(*message.fingerprint_at)) ^ kFingerprintMask) == claimed;
}

std::uint32_t crc32(Bytes bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (; bytes.size() >= kLanes; bytes = bytes.subspan(kLanes)) {
    crc ^= std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
    crc = kCrc[3][crc & 0xFF] ^ kCrc[2][(crc >> 8) & 0xFF] ^ kCrc[1][(crc >> 16) & 0xFF] ^ kCrc[0][crc >> 24];
  }
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kCrc[0][(crc ^ byte) & 0xFF];
  return ~crc;
}

}  // namespace zvonok::stun
