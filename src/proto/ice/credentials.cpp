#include "proto/ice/credentials.h"

#include <array>

#include "base/base64.h"
#include "base/byte_io.h"
#include "proto/stun/message.h"

namespace zvonok::ice {
namespace {

/// The alphabet of base64 is that of ice-char (RFC 8839 section 5.4), and 3 bytes give 4 characters without padding.
template <std::size_t Bytes>
std::string random_ice_chars(Entropy& entropy) {
  static_assert(Bytes % 3 == 0);
  std::array<std::uint8_t, Bytes> bytes{};
  entropy.fill(bytes);
  return base64_encode(bytes);
}

}  // namespace

Credentials make_credentials(Entropy& entropy) {
  Credentials credentials;
  credentials.ufrag = random_ice_chars<6>(entropy);
  credentials.pwd = random_ice_chars<18>(entropy);
  return credentials;
}

std::optional<std::string_view> requested_ufrag(Bytes packet) {
  constexpr std::uint16_t kBindingRequest = 0x0001;
  if (!stun::looks_like_stun(packet) || load_be16(packet.data()) != kBindingRequest) return std::nullopt;
  ByteReader reader{packet.subspan(stun::kHeaderBytes)};
  while (!reader.empty()) {
    const auto type = static_cast<stun::Attribute>(reader.u16());
    const std::size_t bytes = reader.u16();
    const Bytes value = reader.take(bytes);
    reader.skip((4 - bytes % 4) % 4);
    if (!reader.ok() || type == stun::Attribute::MessageIntegrity) return std::nullopt;
    if (type != stun::Attribute::Username) continue;
    const std::string_view username = as_text(value);
    const std::size_t colon = username.find(':');
    if (colon == std::string_view::npos || username.size() > stun::kUsernameBytesMax) return std::nullopt;
    return username.substr(0, colon);
  }
  return std::nullopt;
}

}  // namespace zvonok::ice
