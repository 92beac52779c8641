#include "proto/e2e/key_schedule.h"

#include <algorithm>
#include <initializer_list>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::e2e {
namespace {

struct FreeOpenssl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeOpenssl>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, FreeOpenssl>;

/// Each part after its length in two bytes: no two lists of parts are the same bytes.
std::string framed(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    ZVONOK_CHECK(part.size() <= 0xFFFF);
    out += static_cast<char>(part.size() >> 8);
    out += static_cast<char>(part.size() & 0xFF);
    out += part;
  }
  return out;
}

std::array<std::uint8_t, 32> sha256(std::string_view text) {
  std::array<std::uint8_t, 32> out{};
  ZVONOK_CHECK(EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

/// Extract and expand.
void hkdf(Bytes secret, Bytes salt, std::string_view info, MutableBytes out) {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  ZVONOK_CHECK(algorithm != nullptr);
  const KdfContext context{EVP_KDF_CTX_new(algorithm)};
  ZVONOK_CHECK(context);
  const auto octets = [](const char* name, const void* data, std::size_t size) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(data), size);
  };
  static constexpr std::uint8_t kNothing = 0;  // OpenSSL wants even nothing to be somewhere
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
                                   octets(OSSL_KDF_PARAM_SALT, salt.empty() ? &kNothing : salt.data(), salt.size()),
                                   octets(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
  ZVONOK_CHECK(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
}

/// What one label gives for one pair of ends.
struct Schedule {
  const Key& shared;
  Bytes extra;
  std::array<std::uint8_t, 32> transcript;

  void derive(std::string_view label, Bytes of, MutableBytes out) const {
    const std::string whole = std::string{"zvonok e2e 1 "} + std::string{label};
    hkdf(shared.view(), extra, framed({whole, as_text(transcript), as_text(of)}), out);
  }
  [[nodiscard]] DirectionKey direction(const PublicKey& sender) const {
    std::array<std::uint8_t, kKeyBytes> base{};
    std::array<std::uint8_t, 4> kid{};
    derive("base key", sender, base);
    derive("key id", sender, kid);
    DirectionKey key{.base = Key{base}, .kid = load_be32(kid.data())};
    srtp::wipe(base);
    return key;
  }
};

}  // namespace

KeyPair key_pair_from(Bytes seed) {
  ZVONOK_CHECK(seed.size() == kKeyBytes);
  const Pkey key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, seed.data(), seed.size())};
  ZVONOK_CHECK(key);
  KeyPair pair{.private_key = Key{seed}};
  std::size_t size = pair.public_key.size();
  ZVONOK_CHECK(EVP_PKEY_get_raw_public_key(key.get(), pair.public_key.data(), &size) == 1 && size == kKeyBytes);
  return pair;
}

KeyPair make_key_pair(Entropy& entropy) {
  std::array<std::uint8_t, kKeyBytes> seed{};
  entropy.fill(seed);
  KeyPair pair = key_pair_from(seed);
  srtp::wipe(seed);
  return pair;
}

Commitment commitment_of(const PublicKey& key) {
  return sha256(framed({"zvonok e2e 1 commitment", as_text(key)}));
}

std::optional<Key> shared_secret(const Key& own, const PublicKey& other) {
  const Pkey key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, own.view().data(), own.view().size())};
  const Pkey peer{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size())};
  ZVONOK_CHECK(key && peer);
  const PkeyContext context{EVP_PKEY_CTX_new(key.get(), nullptr)};
  ZVONOK_CHECK(context && EVP_PKEY_derive_init(context.get()) == 1);
  std::array<std::uint8_t, kKeyBytes> secret{};
  std::size_t size = secret.size();
  // OpenSSL refuses the result 0 itself; not to depend on that costs one line.
  const bool derived = EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
                       EVP_PKEY_derive(context.get(), secret.data(), &size) == 1 && size == secret.size();
  if (!derived || std::ranges::all_of(secret, [](std::uint8_t byte) { return byte == 0; })) return std::nullopt;
  Key out{secret};
  srtp::wipe(secret);
  return out;
}

PairKeys derive_pair_keys(const Key& shared, Bytes extra, const End& own, const End& other) {
  const bool own_first = own.key < other.key;
  const End& first = own_first ? own : other;
  const End& second = own_first ? other : own;
  const Schedule schedule{
      .shared = shared,
      .extra = extra,
      .transcript = sha256(framed({first.user, as_text(first.key), second.user, as_text(second.key)}))};
  std::array<std::uint8_t, 8> digits{};
  schedule.derive("code", {}, digits);
  const std::uint64_t number = ByteReader{digits}.u64() % 100'000'000;
  std::string code = std::to_string(number);
  code.insert(0, kCodeDigits - code.size(), '0');
  return {.send = schedule.direction(own.key), .receive = schedule.direction(other.key), .code = std::move(code)};
}

srtp::MasterKey srtp_key(const DirectionKey& key) {
  std::array<std::uint8_t, 28> out{};
  hkdf(key.base.view(), {}, framed({"zvonok e2e 1 srtp"}), out);
  const Bytes bytes{out};
  srtp::MasterKey master{.key = srtp::Secret<srtp::kKeyBytesMax>{bytes.first(16)},
                         .salt = srtp::Secret<srtp::kSaltBytesMax>{bytes.subspan(16)}};
  srtp::wipe(out);
  return master;
}

std::string call_salt(std::string_view encryption_key, std::string_view secret) {
  return secret.empty() ? std::string{encryption_key} : framed({encryption_key, secret});
}

}  // namespace zvonok::e2e
