// The dialect of tunnelled calls, client to server: the name of a Socket.IO event and its argument to a command
// (docs/protocol/tunnel.md).
#pragma once
#include <optional>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "call/tunnel_words.h"

namespace zvonok::signal::tunnel {

/// The longest user or call id taken, in bytes of UTF-8.
constexpr std::size_t kIdBytesMax = 128;
/// The longest `data` of `e2e`.
constexpr std::size_t kWordsBytesMax = 2048;

/// `call-error`, each with its text.
enum class DecodeError {
  NotAnObject,
  BadCalleeId,
  BadCallId,
  BadWatchList,
  BadWords,
};
[[nodiscard]] std::string_view to_text(DecodeError error);

/// `arguments` is the JSON array of what follows the event's name; valid UTF-8. Nothing for an event that is not of
/// this dialect, which is ignored as Socket.IO does.
[[nodiscard]] Result<std::optional<call::tunnel::Command>, DecodeError> decode(ConnectionId connection,
                                                                               std::string_view event,
                                                                               std::string_view arguments);

}  // namespace zvonok::signal::tunnel
