// The room dialect, client to server: one text message to a command of the room engine (docs/protocol/room.md).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "call/room_command.h"

namespace zvonok::signal::room {

constexpr std::size_t kSessionBytesMax = 128;
constexpr std::size_t kNameBytesMax = 400;    // 100 code points of 4 bytes
constexpr std::size_t kRoomIdBytesMax = 256;  // as raw JSON; a longer one is not sent back
constexpr std::size_t kMidBytesMax = 64;
constexpr std::size_t kSdpBytesMax = 1024 * 1024;
constexpr std::size_t kCandidateBytesMax = 4096;  // as raw JSON
constexpr std::size_t kViewedTracksMax = 16 * 1024;
constexpr std::uint32_t kHeightMax = 65535;
constexpr std::size_t kKeyWordsBytesMax = 2048;  // as raw JSON
constexpr std::size_t kRequestBytesMax = 128;    // as raw JSON

enum class DecodeError {
  // Ignored and counted: see `is_ignored`.
  NotAnObject,  // not JSON, or not an object
  NoType,       // no `type`, or not a text
  UnknownType,
  // Answered by `error` with `bad-message`.
  BadPayload,  // not an object where one is needed, nor a text that holds one
  BadSession,
  BadName,
  BadDescription,
  BadCandidate,
  BadTrack,
  BadView,
  BadKind,
  BadRole,
  BadEncryption,
  BadOffers,
  BadPoliteness,
  BadKeyWords,
  BadInvitation,
  BadNumber,  // answered by `bad-number`
};
[[nodiscard]] std::string_view to_text(DecodeError error);
[[nodiscard]] bool is_ignored(DecodeError error);

/// `requestId` of a message that could not be understood, as raw JSON, so that its sender knows which; or empty.
[[nodiscard]] std::string request_of(std::string_view text);
/// What the sender is told of a message that is not ignored.
[[nodiscard]] call::RoomErrorCode code_of(DecodeError error);

/// What the text tells the engine. `text` must be valid UTF-8. Signals carry the SDP itself; candidates are passed on
/// as raw JSON in whatever form they came: an object, a text, `null` for their end.
[[nodiscard]] Result<call::RoomCommand, DecodeError> decode(ConnectionId from, std::string_view text);

}  // namespace zvonok::signal::room
