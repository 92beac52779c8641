#include "proto/websocket/handshake.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <openssl/evp.h>

#include "base/base64.h"
#include "proto/http_message.h"

namespace zvonok::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3
constexpr std::size_t kKeyCharacters = 24;                                  // base64 of 16 bytes

bool is_key(std::string_view key) {
  if (key.size() != kKeyCharacters || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2,
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
}

}  // namespace

std::optional<std::string> accept_key(std::string_view client_key) {
  if (!is_key(client_key)) return std::nullopt;
  std::string text{client_key};
  text += kGuid;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &digest_bytes, EVP_sha1(), nullptr) != 1) {
    return std::nullopt;
  }
  return base64_encode(Bytes{digest.data(), digest_bytes});
}

bool has_token(std::string_view header_value, std::string_view token) {
  while (!header_value.empty()) {
    const std::size_t comma = std::min(header_value.find(','), header_value.size());
    std::string_view item = header_value.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (equal_ignoring_case(item, token)) return true;
    header_value.remove_prefix(std::min(comma + 1, header_value.size()));
  }
  return false;
}

}  // namespace zvonok::websocket
