// The messages of rooms (docs/protocol/room.md) as a participant of a load test needs them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zvonok::load {

/// `payload` is a JSON object, or empty: none.
[[nodiscard]] std::string room_message(std::string_view type, std::string_view session, std::string_view payload);
/// {"type": type, "sdp": sdp}
[[nodiscard]] std::string description_payload(std::string_view type, std::string_view sdp);
/// Of a client that does not look at offers which cross its own.
[[nodiscard]] std::string offer_payload(std::string_view sdp);

struct ServerMessage {
  enum class Type : std::uint8_t { Joined, Offer, Answer, Error, Quality, Other };
  Type type = Type::Other;
  std::string text;  // of Offer and Answer the SDP, of Error its code and message, of Quality its payload
};
/// Nothing for what is no such message. What is Other was not read further: in a large room the news of others are
/// many.
[[nodiscard]] std::optional<ServerMessage> read_message(std::string_view text);

/// What the server says of a participant's connection, once in two seconds.
struct Quality {
  double score = 0;                   // 1.0 to 4.5
  std::uint64_t estimate = 0;         // bit/s that the path carries; 0: unknown
  std::vector<std::string> layers{};  // rid of each simulcast video that it gets now
};
[[nodiscard]] Quality read_quality(std::string_view payload);

}  // namespace zvonok::load
