// The messages of rooms (docs/protocol/room.md) as a participant of a load test needs them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::load {

/// `payload` is a JSON object, or empty: none.
[[nodiscard]] std::string room_message(std::string_view type, std::string_view session, std::string_view payload);
/// {"type": type, "sdp": sdp}
[[nodiscard]] std::string description_payload(std::string_view type, std::string_view sdp);

struct ServerMessage {
  enum class Type : std::uint8_t { Joined, Offer, Answer, Error, Other };
  Type type = Type::Other;
  std::string text;  // of Offer and Answer the SDP, of Error its code and message
};
/// Nothing for what is no such message. What is Other was not read further: in a large room the news of others are
/// many.
[[nodiscard]] std::optional<ServerMessage> read_message(std::string_view text);

}  // namespace zvonok::load
