// Engine.IO protocol 4: packets and polling payloads. Text in, values out; nothing is copied.
//
// A text packet is one type digit and data. A binary packet is always a message: on a WebSocket it is a binary frame
// of the bytes alone, in a polling payload "b" and base64. A payload is packets joined with U+001E.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace zvonok::engineio {

enum class PacketType : std::uint8_t { Open, Close, Ping, Pong, Message, Upgrade, Noop };

constexpr char kSeparator = '\x1e';
constexpr char kBinaryMark = 'b';

[[nodiscard]] constexpr char to_digit(PacketType type) {
  return static_cast<char>('0' + static_cast<char>(type));
}

/// How the data of a packet stands in the text.
enum class DataForm : std::uint8_t { Text, Base64 };

/// A view of the text it was parsed from.
struct Packet {
  PacketType type = PacketType::Noop;
  DataForm form = DataForm::Text;
  std::string_view data;
  friend bool operator==(const Packet&, const Packet&) = default;
};

enum class PacketError : std::uint8_t { Empty, UnknownType };

[[nodiscard]] Result<Packet, PacketError> parse_packet(std::string_view text);

/// Hands out the packets of a polling payload, in order. An empty payload is one empty packet.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : rest_{payload} {}
  /// nullopt behind the last one.
  [[nodiscard]] std::optional<std::string_view> next();

 private:
  std::string_view rest_;
  bool done_ = false;
};

/// Appends a text packet to a payload.
void append_to_payload(std::string& payload, std::string_view packet);
/// Appends a binary message to a payload.
void append_binary_to_payload(std::string& payload, std::string_view bytes);

/// The bytes that base64 of either alphabet stands for; padding may be left out. nullopt when it is malformed.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace zvonok::engineio
