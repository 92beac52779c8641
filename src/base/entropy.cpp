#include "base/entropy.h"

#include <array>
#include <vector>

#include "base/base64.h"
#include "base/byte_io.h"

namespace zvonok {
namespace {

using UuidBytes = std::array<std::uint8_t, 16>;

/// Sets version and variant (RFC 9562 section 4) and writes the 36 characters.
std::string uuid_text(UuidBytes bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | (version << 4));
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

}  // namespace

std::uint32_t random_u32(Entropy& entropy) {
  std::array<std::uint8_t, 4> bytes{};
  entropy.fill(bytes);
  return load_be32(bytes.data());
}

std::string make_uuid(Entropy& entropy) {
  UuidBytes bytes{};
  entropy.fill(bytes);
  return uuid_text(bytes, 4);
}

std::string make_ordered_uuid(Entropy& entropy, WallTime time, std::uint64_t counter) {
  UuidBytes bytes{};
  entropy.fill(bytes);
  const auto stamp = static_cast<std::uint64_t>(unix_milliseconds(time));
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(stamp >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>(counter >> 8);
  bytes[7] = static_cast<std::uint8_t>(counter);
  return uuid_text(bytes, 7);
}

std::string make_secret(Entropy& entropy, std::size_t bytes) {
  std::vector<std::uint8_t> raw(bytes);
  entropy.fill(raw);
  return base64url_encode(raw);
}

}  // namespace zvonok
