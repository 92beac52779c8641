#include "base/base64.h"

#include <array>

namespace zvonok {
namespace {

constexpr std::string_view kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kForeign = 0xFF;

constexpr std::array<std::uint8_t, 256> make_reverse(std::string_view alphabet) {
  std::array<std::uint8_t, 256> table{};
  table.fill(kForeign);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kUrlReverse = make_reverse(kUrlAlphabet);
constexpr auto kReverse = make_reverse(kAlphabet);

void encode(std::string& out, Bytes bytes, std::string_view alphabet) {
  std::uint32_t accumulator = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    accumulator = (accumulator << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out.push_back(alphabet[(accumulator >> bits) & 0x3F]);
    }
  }
  if (bits > 0) out.push_back(alphabet[(accumulator << (6 - bits)) & 0x3F]);
}

/// Gives each decoded byte to `put`, which says whether it had room.
template <class Put>
bool decode(std::string_view text, const std::array<std::uint8_t, 256>& reverse, Put put) {
  if (text.size() % 4 == 1) return false;
  std::uint32_t accumulator = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::uint8_t value = reverse[static_cast<unsigned char>(c)];
    if (value == kForeign) return false;
    accumulator = (accumulator << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      if (!put(static_cast<std::uint8_t>(accumulator >> bits))) return false;
    }
  }
  // Left-over bits must be zero: one text per value, so that a signature has one spelling only.
  return (accumulator & ((1U << bits) - 1U)) == 0;
}

}  // namespace

std::string base64url_encode(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  encode(out, bytes, kUrlAlphabet);
  return out;
}

std::string base64_encode(Bytes bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

void append_base64(std::string& out, Bytes bytes) {
  const std::size_t begin = out.size();
  out.reserve(begin + (bytes.size() + 2) / 3 * 4);
  encode(out, bytes, kAlphabet);
  while ((out.size() - begin) % 4 != 0) out.push_back('=');
}

std::optional<std::size_t> base64_decode(std::string_view text, MutableBytes out) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::size_t count = 0;
  const bool good = decode(text, kReverse, [&](std::uint8_t byte) {
    if (count == out.size()) return false;
    out[count++] = byte;
    return true;
  });
  return good ? std::optional{count} : std::nullopt;
}

std::optional<std::vector<std::uint8_t>> base64url_decode(std::string_view text) {
  std::vector<std::uint8_t> out;
  out.reserve(text.size() * 3 / 4);
  const bool good = decode(text, kUrlReverse, [&](std::uint8_t byte) {
    out.push_back(byte);
    return true;
  });
  return good ? std::optional{std::move(out)} : std::nullopt;
}

}  // namespace zvonok
