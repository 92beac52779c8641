#include "base/entropy.h"

#include <array>
#include <vector>

#include "base/base64.h"

namespace zvonok {

std::string make_uuid(Entropy& entropy) {
  std::array<std::uint8_t, 16> bytes{};
  entropy.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out.push_back(kHex[bytes[i] >> 4]);
    out.push_back(kHex[bytes[i] & 0x0F]);
  }
  return out;
}

std::string make_secret(Entropy& entropy, std::size_t bytes) {
  std::vector<std::uint8_t> raw(bytes);
  entropy.fill(raw);
  return base64url_encode(raw);
}

}  // namespace zvonok
