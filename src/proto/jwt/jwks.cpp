#include "proto/jwt/jwks.h"

#include <algorithm>
#include <optional>

#include <boost/json.hpp>

#include "base/base64.h"

namespace zvonok::jwt {
namespace {

namespace json = boost::json;

constexpr std::size_t kJwksDepthMax = 8;
constexpr std::size_t kKidBytesMax = 256;

std::optional<std::string_view> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view{value->get_string()};
}

std::vector<std::uint8_t> bytes_member(const json::object& object, std::string_view name) {
  return base64url_decode(text_member(object, name).value_or("")).value_or(std::vector<std::uint8_t>{});
}

/// Why the JWK must not verify signatures (RFC 7517 sections 4.2 and 4.3), or an empty text.
std::string_view unfit_for_signatures(const json::object& jwk) {
  if (jwk.contains("use") && text_member(jwk, "use") != "sig") return "its `use` is not sig";
  const json::value* operations = jwk.if_contains("key_ops");
  if (operations == nullptr) return "";
  if (!operations->is_array()) return "its `key_ops` is no list";
  const json::array& list = operations->get_array();
  const bool verifies = std::any_of(list.begin(), list.end(), [](const json::value& operation) {
    return operation.is_string() && operation.get_string() == "verify";
  });
  return verifies ? "" : "its `key_ops` has no verify";
}

Result<Key, std::string> with_text(Result<Key, KeyError> key) {
  if (!key) return fail(std::string{to_text(key.error())});
  return std::move(*key);
}

/// The key of a JWK by its kind alone; `alg` is compared by the caller.
Result<Key, std::string> key_of_kind(const json::object& jwk, std::string kid) {
  const std::optional<std::string_view> kind = text_member(jwk, "kty");
  if (!kind) return fail(std::string{"it has no `kty`"});
  if (*kind == "RSA") {
    const auto modulus = bytes_member(jwk, "n");
    const auto exponent = bytes_member(jwk, "e");
    return with_text(Key::rs256({.modulus = modulus, .exponent = exponent}, std::move(kid)));
  }
  if (*kind == "EC") {
    if (text_member(jwk, "crv") != "P-256") return fail(std::string{"only the curve P-256 is served"});
    const auto x = bytes_member(jwk, "x");
    const auto y = bytes_member(jwk, "y");
    return with_text(Key::es256({.x = x, .y = y}, std::move(kid)));
  }
  if (*kind == "OKP") {
    if (text_member(jwk, "crv") != "Ed25519") return fail(std::string{"only the curve Ed25519 is served"});
    return with_text(Key::ed25519(bytes_member(jwk, "x"), std::move(kid)));
  }
  if (*kind == "oct") return fail(std::string{"a shared secret does not belong in a key set"});
  return fail(std::string{"its `kty` is not RSA, EC or OKP"});
}

Result<Key, std::string> key_of(const json::value& value) {
  if (!value.is_object()) return fail(std::string{"it is no JSON object"});
  const json::object& jwk = value.get_object();
  std::string kid;
  if (jwk.contains("kid")) {
    const std::optional<std::string_view> text = text_member(jwk, "kid");
    if (!text || text->size() > kKidBytesMax) return fail(std::string{"its `kid` is no short text"});
    kid = *text;
  }
  if (const std::string_view why = unfit_for_signatures(jwk); !why.empty()) return fail(std::string{why});
  Result<Key, std::string> key = key_of_kind(jwk, std::move(kid));
  if (key && jwk.contains("alg") && text_member(jwk, "alg") != to_text(key->algorithm())) {
    return fail("its `alg` is not " + std::string{to_text(key->algorithm())});
  }
  return key;
}

bool is_taken(const std::vector<Key>& keys, const Key& key) {
  return !key.kid().empty() && std::any_of(keys.begin(), keys.end(), [&key](const Key& other) {
    return other.algorithm() == key.algorithm() && other.kid() == key.kid();
  });
}

}  // namespace

Result<Jwks, std::string> parse_jwks(std::string_view text) {
  if (text.size() > kJwksBytesMax) return fail(std::string{"the key set is longer than 256 KiB"});
  json::error_code error;
  json::parse_options options;
  options.max_depth = kJwksDepthMax;
  const json::value document = json::parse(text, error, {}, options);
  if (error) return fail(std::string{"the key set is not JSON"});
  const json::value* list = document.is_object() ? document.get_object().if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) return fail(std::string{"the key set has no list `keys`"});
  Jwks out;
  std::size_t number = 0;
  for (const json::value& value : list->get_array()) {
    ++number;
    Result<Key, std::string> key = key_of(value);
    if (key && is_taken(out.keys, *key)) key = fail(std::string{"its `kid` is taken by a key before it"});
    if (key && out.keys.size() >= kKeysMax) key = fail(std::string{"there are too many keys"});
    if (key) {
      out.keys.push_back(std::move(*key));
    } else {
      out.skipped.push_back("key " + std::to_string(number) + " is left out: " + key.error());
    }
  }
  if (out.keys.empty()) {
    return fail(out.skipped.empty() ? std::string{"the key set is empty"}
                                    : "no key of the set is usable; " + out.skipped.front());
  }
  return out;
}

}  // namespace zvonok::jwt
