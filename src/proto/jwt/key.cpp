#include "proto/jwt/key.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/check.h"
#include "proto/jwt/crypto.h"

namespace zvonok::jwt {
namespace {

constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kSha256BlockBytes = 64;
constexpr std::size_t kEcCoordinateBytes = 32;
constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
constexpr std::size_t kRsaExponentBytesMax = 8;
/// The y coordinates, little-endian and without the sign bit, of the points of small order, 0 and 1 in
/// their non-canonical spellings as well (RFC 8032 section 5.1). Under such a "key" anybody can make up signatures.
using Ed25519Point = std::array<std::uint8_t, kEd25519KeyBytes>;
constexpr Ed25519Point small_number(std::uint8_t value) {
  Ed25519Point point{};
  point[0] = value;
  return point;
}
/// 2^255 - 256 + `low`; the field's p is 2^255 - 19, so it has `low` = 0xED.
constexpr Ed25519Point near_p(std::uint8_t low) {
  Ed25519Point point{};
  point.fill(0xFF);
  point.front() = low;
  point.back() = 0x7F;
  return point;
}
constexpr std::array<Ed25519Point, 7> kSmallOrderPoints{{
    small_number(0),
    small_number(1),
    near_p(0xEC),
    near_p(0xED),
    near_p(0xEE),
    {0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
     0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05},
    {0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
     0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A},
}};

bool has_small_order(Bytes point) {
  Ed25519Point y{};
  std::copy(point.begin(), point.end(), y.begin());
  y.back() &= 0x7F;
  return std::find(kSmallOrderPoints.begin(), kSmallOrderPoints.end(), y) != kSmallOrderPoints.end();
}

using Mac = std::array<std::uint8_t, kSha256Bytes>;

/// Looked up once: in OpenSSL 3 a look-up by name costs more than the digest.
const EVP_MD* sha256() {
  static const DigestPtr digest{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  ZVONOK_CHECK(digest);
  return digest.get();
}

Bytes without_leading_zeros(Bytes number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

BignumPtr to_bignum(Bytes number) {
  return BignumPtr{BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr)};
}

/// Makes a public key of the parameters, and checks that it is one.
PkeyPtr make_public_key(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params{OSSL_PARAM_BLD_to_param(builder)};
  const PkeyContextPtr context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* made = nullptr;
  const bool ok = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                  EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  PkeyPtr key{made};
  if (!ok) {
    ERR_clear_error();
    return nullptr;
  }
  const PkeyContextPtr checker{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)};
  if (!checker || EVP_PKEY_public_check(checker.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return key;
}

/// An ECDSA signature of a JWS is r||s (RFC 7518 section 3.4); OpenSSL wants DER. Empty when it can't be one.
std::vector<std::uint8_t> to_der(Bytes raw) {
  if (raw.size() != 2 * kEcCoordinateBytes) return {};
  const EcdsaSignaturePtr signature{ECDSA_SIG_new()};
  BignumPtr r = to_bignum(raw.first(kEcCoordinateBytes));
  BignumPtr s = to_bignum(raw.last(kEcCoordinateBytes));
  ZVONOK_CHECK(signature && r && s);
  ZVONOK_CHECK(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1);
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::vector<std::uint8_t> out(der, der + size);
  OPENSSL_free(der);
  return out;
}

bool verify_with(EVP_PKEY* key, const EVP_MD* digest, std::string_view message, Bytes signature) {
  const DigestContextPtr context{EVP_MD_CTX_new()};
  ZVONOK_CHECK(context);
  const Bytes bytes = as_bytes(message);
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes.data(), bytes.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace

std::string_view to_text(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::Hs256: return "HS256";
    case Algorithm::Rs256: return "RS256";
    case Algorithm::Es256: return "ES256";
    case Algorithm::EdDsa: return "EdDSA";
  }
  std::abort();
}

std::optional<Algorithm> algorithm_from(std::string_view text) {
  for (const Algorithm algorithm : {Algorithm::Hs256, Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa}) {
    if (text == to_text(algorithm)) return algorithm;
  }
  return std::nullopt;
}

std::string_view to_text(KeyError error) {
  switch (error) {
    case KeyError::SecretTooShort: return "the secret is shorter than 32 bytes";
    case KeyError::WrongSize: return "a number of the key is too small, too big or missing";
    case KeyError::NotAKey: return "the numbers are no valid key";
  }
  std::abort();
}

/// HMAC (RFC 2104) is kept as two digests that have already eaten the padded secret: a signature then costs two copies
/// and no key schedule. The others are public keys.
struct Key::Material {
  DigestContextPtr inner;
  DigestContextPtr outer;
  PkeyPtr public_key;

  [[nodiscard]] Mac mac(std::string_view message) const {
    const DigestContextPtr context{EVP_MD_CTX_new()};
    Mac out{};
    ZVONOK_CHECK(context && EVP_MD_CTX_copy_ex(context.get(), inner.get()) == 1);
    ZVONOK_CHECK(EVP_DigestUpdate(context.get(), message.data(), message.size()) == 1);
    ZVONOK_CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
    ZVONOK_CHECK(EVP_MD_CTX_copy_ex(context.get(), outer.get()) == 1);
    ZVONOK_CHECK(EVP_DigestUpdate(context.get(), out.data(), out.size()) == 1);
    ZVONOK_CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
    return out;
  }
};

Key::Key(Algorithm algorithm, std::string kid, std::unique_ptr<Material> material)
    : algorithm_{algorithm}, kid_{std::move(kid)}, material_{std::move(material)} {}
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;
Key::~Key() = default;

Result<Key, KeyError> Key::hs256(std::string_view secret, std::string kid) {
  if (secret.size() < kSecretBytesMin) return fail(KeyError::SecretTooShort);
  std::array<std::uint8_t, kSha256BlockBytes> block{};
  if (secret.size() > block.size()) {
    ZVONOK_CHECK(EVP_Digest(secret.data(), secret.size(), block.data(), nullptr, sha256(), nullptr) == 1);
  } else {
    std::copy(secret.begin(), secret.end(), block.begin());
  }
  const auto start = [&block](std::uint8_t pad) {
    std::array<std::uint8_t, kSha256BlockBytes> padded{};
    std::transform(block.begin(), block.end(), padded.begin(),
                   [pad](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ pad); });
    DigestContextPtr context{EVP_MD_CTX_new()};
    ZVONOK_CHECK(context && EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1);
    ZVONOK_CHECK(EVP_DigestUpdate(context.get(), padded.data(), padded.size()) == 1);
    OPENSSL_cleanse(padded.data(), padded.size());
    return context;
  };
  auto material = std::make_unique<Material>();
  material->inner = start(0x36);
  material->outer = start(0x5C);
  OPENSSL_cleanse(block.data(), block.size());
  return Key{Algorithm::Hs256, std::move(kid), std::move(material)};
}

Result<Key, KeyError> Key::rs256(const RsaPublic& numbers, std::string kid) {
  const Bytes modulus = without_leading_zeros(numbers.modulus);
  const Bytes exponent = without_leading_zeros(numbers.exponent);
  if (modulus.size() > kRsaBitsMax / 8 || exponent.empty() || exponent.size() > kRsaExponentBytesMax) {
    return fail(KeyError::WrongSize);
  }
  const BignumPtr n = to_bignum(modulus);
  const BignumPtr e = to_bignum(exponent);
  ZVONOK_CHECK(n && e);
  if (static_cast<std::size_t>(BN_num_bits(n.get())) < kRsaBitsMin || BN_is_one(e.get())) {
    return fail(KeyError::WrongSize);
  }
  if (!BN_is_odd(n.get()) || !BN_is_odd(e.get())) return fail(KeyError::NotAKey);
  const ParamsBuilderPtr builder{OSSL_PARAM_BLD_new()};
  ZVONOK_CHECK(builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  auto material = std::make_unique<Material>();
  material->public_key = make_public_key("RSA", builder.get());
  if (!material->public_key) return fail(KeyError::NotAKey);
  return Key{Algorithm::Rs256, std::move(kid), std::move(material)};
}

Result<Key, KeyError> Key::es256(const EcPublic& point, std::string kid) {
  if (point.x.size() != kEcCoordinateBytes || point.y.size() != kEcCoordinateBytes) return fail(KeyError::WrongSize);
  std::vector<std::uint8_t> encoded{0x04};  // uncompressed, SEC 1 section 2.3.3
  encoded.insert(encoded.end(), point.x.begin(), point.x.end());
  encoded.insert(encoded.end(), point.y.begin(), point.y.end());
  const ParamsBuilderPtr builder{OSSL_PARAM_BLD_new()};
  ZVONOK_CHECK(
      builder && OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()) == 1);
  auto material = std::make_unique<Material>();
  material->public_key = make_public_key("EC", builder.get());
  if (!material->public_key) return fail(KeyError::NotAKey);
  return Key{Algorithm::Es256, std::move(kid), std::move(material)};
}

Result<Key, KeyError> Key::ed25519(Bytes public_key, std::string kid) {
  if (public_key.size() != kEd25519KeyBytes) return fail(KeyError::WrongSize);
  if (has_small_order(public_key)) return fail(KeyError::NotAKey);
  auto material = std::make_unique<Material>();
  material->public_key.reset(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  if (!material->public_key) {
    ERR_clear_error();
    return fail(KeyError::NotAKey);
  }
  return Key{Algorithm::EdDsa, std::move(kid), std::move(material)};
}

bool Key::verify(std::string_view message, Bytes signature) const {
  switch (algorithm_) {
    case Algorithm::Hs256: {
      if (signature.size() != kSha256Bytes) return false;
      const Mac expected = material_->mac(message);
      return CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
    }
    case Algorithm::Rs256: return verify_with(material_->public_key.get(), sha256(), message, signature);
    case Algorithm::Es256: {
      const std::vector<std::uint8_t> der = to_der(signature);
      return !der.empty() && verify_with(material_->public_key.get(), sha256(), message, der);
    }
    case Algorithm::EdDsa:
      return signature.size() == kEd25519SignatureBytes &&
             verify_with(material_->public_key.get(), nullptr, message, signature);
  }
  std::abort();
}

std::vector<std::uint8_t> Key::sign(std::string_view message) const {
  ZVONOK_CHECK(algorithm_ == Algorithm::Hs256);
  const Mac mac = material_->mac(message);
  return {mac.begin(), mac.end()};
}

bool KeySet::add(Key key) {
  if (keys_.size() >= kKeysMax) return false;
  const bool taken = !key.kid().empty() && std::any_of(keys_.begin(), keys_.end(), [&key](const Key& other) {
    return other.algorithm() == key.algorithm() && other.kid() == key.kid();
  });
  if (taken) return false;
  keys_.push_back(std::move(key));
  return true;
}

std::vector<const Key*> KeySet::candidates(Algorithm algorithm, std::optional<std::string_view> kid) const {
  std::vector<const Key*> fitting;
  for (const Key& key : keys_) {
    if (key.algorithm() == algorithm) fitting.push_back(&key);
  }
  if (!kid || kid->empty()) {
    fitting.resize(std::min(fitting.size(), kCandidatesMax));
    return fitting;
  }
  const auto named =
      std::find_if(fitting.begin(), fitting.end(), [&kid](const Key* key) { return key->kid() == *kid; });
  if (named != fitting.end()) return {*named};
  if (fitting.size() > 1) return {};
  return fitting;
}

}  // namespace zvonok::jwt
