#include "proto/jwt/jwt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>

#include "base/base64.h"
#include "proto/json_members.h"

namespace zvonok::jwt {
namespace {

namespace json = boost::json;

/// The last second of the year 9999: later times are this one, so that no arithmetic on them overflows.
constexpr std::int64_t kLatestUnixSeconds = 253'402'300'799;
constexpr std::size_t kScratchBytes = 4096;
constexpr std::size_t kShortClaimBytesMax = 512;

/// Base64url of {"alg":"HS256","typ":"JWT"}: the header that this server writes.
constexpr std::string_view kOwnHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

const std::vector<std::string> kOwnUserClaims{"sub"};

/// Memory for one parse, on the stack; what does not fit goes to the heap.
struct Scratch {
  std::array<unsigned char, kScratchBytes> tree_bytes;
  std::array<unsigned char, kScratchBytes / 4> stack_bytes;
  json::monotonic_resource tree{tree_bytes.data(), tree_bytes.size()};
};

struct Parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  std::string_view signed_text;  // header.claims
};

struct Header {
  Algorithm algorithm = Algorithm::Hs256;
  std::optional<std::string> kid;
};

Result<Parts, JwtError> split(std::string_view token) {
  if (token.size() > kTokenBytesMax) return fail(JwtError::TooLong);
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return fail(JwtError::Malformed);
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return fail(JwtError::Malformed);
  Parts parts{.header = token.substr(0, first),
              .claims = token.substr(first + 1, second - first - 1),
              .signature = token.substr(second + 1),
              .signed_text = token.substr(0, second)};
  // Five parts are an encrypted token (RFC 7516), which nobody here can read.
  if (parts.header.empty() || parts.claims.empty() || parts.signature.find('.') != std::string_view::npos) {
    return fail(JwtError::Malformed);
  }
  return parts;
}

/// Decodes one part of the token and parses it as a JSON object that lives in `scratch`. A member that comes twice is
/// refused (RFC 7515 section 4, RFC 7519 section 4): the next reader may see the other one.
Result<json::object, JwtError> parse_part(std::string_view part, Scratch& scratch) {
  const auto bytes = base64url_decode(part);
  if (!bytes) return fail(JwtError::BadEncoding);
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::parser parser{{}, options, scratch.stack_bytes.data(), scratch.stack_bytes.size()};
  parser.reset(&scratch.tree);
  json::error_code error;
  parser.write(reinterpret_cast<const char*>(bytes->data()), bytes->size(), error);
  if (error) return fail(JwtError::BadJson);
  json::value value = parser.release();
  if (!value.is_object() || count_json_members(as_text(*bytes)) != value.get_object().size()) {
    return fail(JwtError::BadJson);
  }
  return std::move(value.get_object());
}

bool equal_ignoring_ascii_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char c, char l) { return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == l; });
}

/// `typ` (RFC 7515 section 4.1.9): JWT, or at+jwt (RFC 9068 section 2.1). Other kinds of tokens that the same issuer
/// signs, such as logout tokens or proofs of possession, must not pass for access tokens.
bool is_access_token_type(std::string_view type) {
  constexpr std::string_view kMediaType = "application/";
  if (equal_ignoring_ascii_case(type.substr(0, kMediaType.size()), kMediaType)) type.remove_prefix(kMediaType.size());
  return equal_ignoring_ascii_case(type, "jwt") || equal_ignoring_ascii_case(type, "at+jwt");
}

Result<Header, JwtError> parse_header(std::string_view part) {
  if (part == kOwnHeader) return Header{};
  Scratch scratch;
  const auto object = parse_part(part, scratch);
  if (!object) return fail(object.error());
  // Of the fields that aren't read here (jku, jwk, x5u, x5c ...) nothing is believed: keys come from the configuration.
  if (object->contains("crit")) return fail(JwtError::CriticalHeader);
  const json::value* algorithm = object->if_contains("alg");
  if (algorithm == nullptr) return fail(JwtError::UnsupportedAlgorithm);
  if (!algorithm->is_string()) return fail(JwtError::BadHeader);
  const auto known = algorithm_from(std::string_view{algorithm->get_string()});
  if (!known) return fail(JwtError::UnsupportedAlgorithm);
  if (const json::value* type = object->if_contains("typ")) {
    if (!type->is_string()) return fail(JwtError::BadHeader);
    if (!is_access_token_type(std::string_view{type->get_string()})) return fail(JwtError::WrongType);
  }
  Header header{.algorithm = *known, .kid = std::nullopt};
  if (const json::value* kid = object->if_contains("kid")) {
    if (!kid->is_string()) return fail(JwtError::BadHeader);
    header.kid = std::string{kid->get_string()};
  }
  return header;
}

Result<void, JwtError> check_signature(const Parts& parts, const Header& header, const KeySet& keys) {
  const auto signature = base64url_decode(parts.signature);
  if (!signature) return fail(JwtError::BadEncoding);
  if (signature->empty()) return fail(JwtError::BadSignature);
  const std::vector<const Key*> candidates = keys.candidates(header.algorithm, header.kid);
  if (candidates.empty()) return fail(JwtError::UnknownKey);
  const bool good = std::any_of(candidates.begin(), candidates.end(),
                                [&](const Key* key) { return key->verify(parts.signed_text, *signature); });
  if (!good) return fail(JwtError::BadSignature);
  return {};
}

bool is_present(const json::value* value) {
  return value != nullptr && !value->is_null();
}

/// A NumericDate (RFC 7519 section 2): seconds, whole or not. nullopt inside when the claim is absent.
Result<std::optional<WallTime>, JwtError> time_claim(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (const std::int64_t* whole = value->if_int64()) {
    const std::int64_t unix_time = std::clamp(*whole, -kLatestUnixSeconds, kLatestUnixSeconds);
    return wall_from_unix_milliseconds(unix_time * 1000);
  }
  if (value->is_uint64()) return wall_from_unix_milliseconds(kLatestUnixSeconds * 1000);
  if (const double* number = value->if_double(); number != nullptr && !std::isnan(*number)) {  // 0e400 is read as NaN
    const auto latest = static_cast<double>(kLatestUnixSeconds);
    return wall_from_unix_milliseconds(static_cast<std::int64_t>(std::clamp(*number, -latest, latest) * 1000));
  }
  return fail(JwtError::BadClaim);
}

/// A text that is only passed on: one that is absent, no text or too long counts as absent.
std::string short_text_claim(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr || !value->is_string() || value->get_string().size() > kShortClaimBytesMax) return {};
  return std::string{value->get_string()};
}

std::string name_of(const json::object& claims, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::string text = short_text_claim(claims, name); !text.empty()) return text;
  }
  return {};
}

Result<UserId, JwtError> user_of(const json::object& claims, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const json::value* value = claims.if_contains(name);
    if (!is_present(value)) continue;
    std::string id;
    if (value->is_string()) {
      id = std::string{value->get_string()};
    } else if (value->is_uint64() || (value->is_int64() && value->get_int64() >= 0)) {
      id = std::to_string(value->is_uint64() ? value->get_uint64() : static_cast<std::uint64_t>(value->get_int64()));
    }
    if (!is_user_id(id)) return fail(JwtError::BadUser);
    return UserId{std::move(id)};
  }
  return fail(JwtError::NoUser);
}

/// `aud` is a text or a list of texts (RFC 7519 section 4.1.3).
bool is_meant_for(const json::object& claims, std::string_view audience) {
  if (audience.empty()) return true;
  const json::value* value = claims.if_contains("aud");
  if (value == nullptr) return false;
  const auto is_ours = [audience](const json::value& one) {
    return one.is_string() && std::string_view{one.get_string()} == audience;
  };
  if (!value->is_array()) return is_ours(*value);
  const json::array& list = value->get_array();
  return std::any_of(list.begin(), list.end(), is_ours);
}

Result<void, JwtError> check_issuer(std::string_view issuer, const std::vector<std::string>& accepted) {
  if (accepted.empty() || std::find(accepted.begin(), accepted.end(), issuer) != accepted.end()) return {};
  return fail(JwtError::WrongIssuer);
}

/// Reads and checks exp, nbf and iat.
Result<void, JwtError> check_times(const json::object& object, const VerifyOptions& options, WallTime now,
                                   Claims& claims) {
  const auto exp = time_claim(object, "exp");
  const auto nbf = time_claim(object, "nbf");
  const auto iat = time_claim(object, "iat");
  if (!exp || !nbf || !iat) return fail(JwtError::BadClaim);
  if (!*exp && options.expiry == Expiry::Required) return fail(JwtError::NoExpiry);
  if (*exp && now >= **exp + options.exp_leeway) return fail(JwtError::Expired);
  if (*nbf && now + options.nbf_leeway < **nbf) return fail(JwtError::NotYetValid);
  if (*iat && now + options.iat_leeway < **iat) return fail(JwtError::IssuedInFuture);
  claims.expires_at = *exp;
  claims.issued_at = *iat;
  return {};
}

}  // namespace

bool is_user_id(std::string_view id) {
  if (id.empty() || id.size() > kUserIdBytesMax) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto byte = static_cast<unsigned char>(id[i]);
    if (byte < 0x20 || byte == 0x7F) return false;
    // U+0080..009F, the other control characters, are C2 80 to C2 9F in UTF-8.
    if (byte == 0xC2 && i + 1 < id.size() && static_cast<unsigned char>(id[i + 1]) < 0xA0) return false;
  }
  return true;
}

Result<Claims, JwtError> verify(std::string_view token, const KeySet& keys, const VerifyOptions& options,
                                WallTime now) {
  const auto parts = split(token);
  if (!parts) return fail(parts.error());
  const auto header = parse_header(parts->header);
  if (!header) return fail(header.error());
  if (const auto good = check_signature(*parts, *header, keys); !good) return fail(good.error());

  Scratch scratch;
  const auto object = parse_part(parts->claims, scratch);
  if (!object) return fail(object.error());
  Claims claims;
  claims.algorithm = header->algorithm;
  if (const auto good = check_times(*object, options, now, claims); !good) return fail(good.error());
  claims.issuer = short_text_claim(*object, "iss");
  const bool own =
      claims.algorithm == Algorithm::Hs256 && !options.own_issuer.empty() && claims.issuer == options.own_issuer;
  claims.origin = own ? Origin::Own : Origin::Foreign;
  if (!own) {
    if (const auto good = check_issuer(claims.issuer, options.issuers); !good) return fail(good.error());
    if (!is_meant_for(*object, options.audience)) return fail(JwtError::WrongAudience);
  }
  auto user = user_of(*object, own ? kOwnUserClaims : options.user_claims);
  if (!user) return fail(user.error());
  claims.user = std::move(*user);
  claims.session_id = short_text_claim(*object, "sid");
  claims.token_id = short_text_claim(*object, "jti");
  claims.name = name_of(*object, options.name_claims);
  if (const json::value* rooms = object->if_contains("rooms"); is_present(rooms)) {
    claims.rooms_json = json::serialize(*rooms);
  }
  return claims;
}

std::string sign_hs256(std::string_view claims_json, const Key& key) {
  std::string token{kOwnHeader};
  token += '.';
  token += base64url_encode(as_bytes(claims_json));
  const std::vector<std::uint8_t> signature = key.sign(token);
  token += '.';
  token += base64url_encode(signature);
  return token;
}

}  // namespace zvonok::jwt
