// The messages of pair calls (docs/protocol/pair.md) as a load test needs them. Payloads that are relayed carry when
// they were sent: a member that the server does not know is passed on as it is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace zvonok::load {

/// `payload` is a JSON object.
[[nodiscard]] std::string pair_message(std::string_view event, std::string_view payload);
/// An object with a text of about `bytes` under `name`, `extra` (members with their commas, or nothing) and the stamp.
[[nodiscard]] std::string stamped_payload(std::string_view name, std::size_t bytes, std::string_view extra,
                                          TimePoint sent);
/// {"userIds": [...]}
[[nodiscard]] std::string watch_payload(const std::vector<std::string>& users);

struct PairMessage {
  enum class Event : std::uint8_t { Hello, Offer, Answer, Ice, Hangup, Error, Presence, Other };
  Event event = Event::Other;
  std::optional<TimePoint> sent;  // of what was relayed
  std::string text;               // of Error its code, of Hangup its reason
};
/// Nothing for what is no such message.
[[nodiscard]] std::optional<PairMessage> read_pair_message(std::string_view text);

}  // namespace zvonok::load
