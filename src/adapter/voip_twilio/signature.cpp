#include "adapter/voip_twilio/signature.h"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/base64.h"
#include "base/check.h"

namespace zvonok::voip_twilio {
namespace {

constexpr std::size_t kSha1Bytes = 20;

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 0xF];
  }
  return out;
}

struct SplitUrl {
  std::string_view scheme;  // with "://"
  std::string_view host;
  std::string_view port;  // with its colon, or empty
  std::string_view path;
};

SplitUrl split(std::string_view url) {
  SplitUrl parts;
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  parts.scheme = url.substr(0, host);
  const std::size_t path = std::min(url.find('/', host), url.size());
  const std::string_view authority = url.substr(host, path - host);
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  parts.host = has_port ? authority.substr(0, colon) : authority;
  parts.port = has_port ? authority.substr(colon) : std::string_view{};
  parts.path = url.substr(path);
  return parts;
}

}  // namespace

std::string sign(const Private<std::string>& token, std::string_view url, const Form& fields) {
  Form sorted = fields;
  std::ranges::sort(sorted);
  const auto repeated = std::ranges::unique(sorted);
  sorted.erase(repeated.begin(), repeated.end());
  std::string text{url};
  for (const auto& [name, value] : sorted) text.append(name).append(value);
  std::array<unsigned char, kSha1Bytes> digest{};
  unsigned length = digest.size();
  const std::string& key = token.reveal();
  const unsigned char* const made =
      HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
           text.size(), digest.data(), &length);
  ZVONOK_CHECK(made != nullptr && length == kSha1Bytes);
  return base64_encode(digest);
}

std::vector<std::string> spellings(std::string_view base, std::string_view target, bool is_websocket) {
  const SplitUrl parts = split(base);
  const bool secure = parts.scheme == "https://" || parts.scheme == "wss://";
  const std::string usual_port = secure ? ":443" : ":80";
  std::vector<std::string> ports{std::string{parts.port}};
  ports.push_back(parts.port.empty() ? usual_port : std::string{});
  std::vector<std::string> schemes;
  if (is_websocket) schemes.emplace_back(secure ? "wss://" : "ws://");
  schemes.emplace_back(secure ? "https://" : "http://");
  std::vector<std::string> targets{std::string{target}};
  if (is_websocket) targets.push_back(std::string{target} + "/");
  std::vector<std::string> all;
  for (const std::string& scheme : schemes) {
    for (const std::string& port : ports) {
      for (const std::string& end : targets) {
        all.push_back(scheme + std::string{parts.host} + port + std::string{parts.path} + end);
      }
    }
  }
  return all;
}

bool is_signed(const Private<std::string>& token, const HttpRequest& request, const std::vector<std::string>& urls,
               const Form& fields) {
  const std::string_view given = request.header("X-Twilio-Signature").value_or("");
  if (given.empty() || token.reveal().empty()) return false;
  Form signed_fields = fields;
  if (const auto hash = query_value(request.query, "bodySHA256")) {
    if (!equal_in_constant_time(*hash, sha256_hex(request.body))) return false;
    signed_fields.clear();
  }
  bool good = false;
  for (const std::string& url : urls) good = equal_in_constant_time(given, sign(token, url, signed_fields)) || good;
  return good;
}

}  // namespace zvonok::voip_twilio
