#include "proto/engineio/packet.h"

#include <algorithm>
#include <array>

#include "base/base64.h"

namespace zvonok::engineio {
namespace {

constexpr std::uint8_t kForeign = 0xFF;

constexpr std::array<std::uint8_t, 256> make_reverse() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> table{};
  table.fill(kForeign);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  table[static_cast<unsigned char>('-')] = 62;
  table[static_cast<unsigned char>('_')] = 63;
  return table;
}
constexpr auto kReverse = make_reverse();

}  // namespace

Result<Packet, PacketError> parse_packet(std::string_view text) {
  if (text.empty()) return fail(PacketError::Empty);
  const char type = text.front();
  const std::string_view data = text.substr(1);
  if (type == kBinaryMark) return Packet{.type = PacketType::Message, .form = DataForm::Base64, .data = data};
  if (type < '0' || type > to_digit(PacketType::Noop)) return fail(PacketError::UnknownType);
  return Packet{.type = static_cast<PacketType>(type - '0'), .form = DataForm::Text, .data = data};
}

std::optional<std::string_view> PayloadReader::next() {
  if (done_) return std::nullopt;
  const std::size_t end = rest_.find(kSeparator);
  const std::string_view packet = rest_.substr(0, end);
  done_ = end == std::string_view::npos;
  if (!done_) rest_.remove_prefix(end + 1);
  return packet;
}

void append_to_payload(std::string& payload, std::string_view packet) {
  if (!payload.empty()) payload.push_back(kSeparator);
  payload += packet;
}

void append_binary_to_payload(std::string& payload, std::string_view bytes) {
  if (!payload.empty()) payload.push_back(kSeparator);
  payload.push_back(kBinaryMark);
  payload += base64_encode(as_bytes(bytes));
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.ends_with('=')) {
    if (text.size() % 4 != 0) return std::nullopt;
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t accumulator = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::uint8_t value = kReverse[static_cast<unsigned char>(c)];
    if (value == kForeign) return std::nullopt;
    accumulator = (accumulator << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>((accumulator >> bits) & 0xFF));
  }
  return out;
}

}  // namespace zvonok::engineio
