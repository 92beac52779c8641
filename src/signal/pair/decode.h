// The pair dialect, client to server: one text message to a value (docs/protocol/pair.md). Payloads stay spans of the
// message: they are relayed, not understood.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/private.h"
#include "base/result.h"
#include "call/pair_command.h"

namespace zvonok::signal::pair {

/// The longest user or chat id taken, in bytes of UTF-8.
constexpr std::size_t kIdBytesMax = 128;

/// `call:error` with `bad-message`, each with its text.
enum class DecodeError {
  NotAnObject,  // not JSON, or not an object
  NoEvent,      // no `event`, or not a text
  UnknownEvent,
  NoPayload,     // absent where it is needed, or not an object
  NoTarget,      // an offer that names nobody
  BadTarget,     // an id that is no text, no whole number, or too long
  BadWatchList,  // not an array of ids, or too many
  BadToken,      // absent, or not a text
};
[[nodiscard]] std::string_view to_text(DecodeError error);

// Views of the decoded text; an empty payload stands for none.
struct OfferMessage {
  call::CallTarget target;
  std::string_view payload;
  friend bool operator==(const OfferMessage&, const OfferMessage&) = default;
};
struct AnswerMessage {
  std::string_view payload;
  friend bool operator==(const AnswerMessage&, const AnswerMessage&) = default;
};
struct IceMessage {
  std::string_view payload;
  friend bool operator==(const IceMessage&, const IceMessage&) = default;
};
struct HangupMessage {
  std::string_view payload;
  std::optional<std::string> reason;  // the client's own text
  friend bool operator==(const HangupMessage&, const HangupMessage&) = default;
};
struct HelloMessage {
  friend bool operator==(const HelloMessage&, const HelloMessage&) = default;
};
struct WatchMessage {
  std::vector<UserId> users;
  friend bool operator==(const WatchMessage&, const WatchMessage&) = default;
};
/// The first message of a client that brings its token that way.
struct AuthMessage {
  Private<std::string> token;
  friend bool operator==(const AuthMessage&, const AuthMessage&) = default;
};

using PairMessage =
    std::variant<IceMessage, OfferMessage, AnswerMessage, HangupMessage, HelloMessage, WatchMessage, AuthMessage>;

/// `text` must be valid UTF-8, and outlive what is returned.
[[nodiscard]] Result<PairMessage, DecodeError> decode(std::string_view text);

/// What the engine is told. nullopt for AuthMessage, which is no concern of its.
[[nodiscard]] std::optional<call::Command> to_command(ConnectionId connection, PairMessage&& message);

}  // namespace zvonok::signal::pair
