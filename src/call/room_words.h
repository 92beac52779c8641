// The words of rooms: roles, states, reasons, sources. Their texts are part of the protocol (docs/protocol/room.md) and
// of the REST view of a room: never rename one.
#pragma once
#include <optional>
#include <string_view>

#include "call/room_ids.h"

namespace zvonok::call {

/// In order of what they may do.
enum class RoomRole { Member, Moderator, Host };
enum class ConnectionState { New, Connecting, Connected, Disconnected, Failed, Closed };
enum class TrackKind { Audio, Video };
enum class TrackSource { Microphone, Camera, Screen, ScreenAudio };
enum class TrackState { Published, Updated, Ended };
enum class LeaveReason {
  Left,            // "left": said so
  Kicked,          // "kicked": by a moderator
  Removed,         // "removed": no member any more
  Timeout,         // "timeout": the socket was gone for longer than ROOM_RECONNECT_GRACE
  Failed,          // "failed": the same, and its media connection had failed as well
  Replaced,        // "replaced": its socket joined again as another session
  ServerShutdown,  // "server-shutdown"
  // Of telephones alone:
  Busy,      // "busy"
  NoAnswer,  // "no-answer"
  HungUp,    // "hung-up": by who invited it, by a moderator, or because a limit was reached
};
enum class RoomErrorCode {
  BadMessage,
  NotJoined,
  SessionTaken,
  Locked,
  RoomFull,
  TooManyRooms,
  Forbidden,
  NotFound,
  BadSdp,
  Failed,
  Unavailable,
  Encrypted,        // "encrypted": the room is, and the client did not say that it can be in one
  NotEncrypted,     // "not-encrypted": the room is not, and the client wants it or speaks of keys
  TooManyMessages,  // "too-many-messages"
  // Of invitations of telephones; named as in REST, with hyphens.
  BadNumber,
  NumberNotAllowed,
  InAnotherCall,
  DailyLimit,
  SpendLimit,
  TooManyRequests,
};
/// Who makes the first offer of a connection: a client that is about to publish, which the server waits for for a
/// moment, or the server at once.
enum class FirstOffer : std::uint8_t { Client, Server };

/// What a client says of end-to-end encryption when it enters. The first one decides for the room.
enum class JoinEncryption {
  Unable,
  Supported,  // "supported": as the room is; off in a new one
  Required,   // "required"
};
enum class RoomSignal { Offer, Answer, Ice, Restart };
/// Of a client's offer (the words of W3C WebRTC, "perfect negotiation"): whether it may still answer an offer of the
/// server's that this one crosses, or looks at none before this one is answered.
enum class Politeness : std::uint8_t { Polite, Impolite };
enum class DescriptionKind { Offer, Answer };
/// Why the server closes a socket.
enum class RoomCloseReason {
  Removed,   // 4003: kicked, or no member any more
  Silent,    // 4008: nothing heard of it, or no join in time
  Replaced,  // 4009: the session goes on over another socket
};

[[nodiscard]] std::string_view to_text(RoomKind kind);
[[nodiscard]] std::string_view to_text(RoomRole role);
[[nodiscard]] std::string_view to_text(ConnectionState state);
[[nodiscard]] std::string_view to_text(TrackKind kind);
[[nodiscard]] std::string_view to_text(TrackSource source);
[[nodiscard]] std::string_view to_text(TrackState state);
[[nodiscard]] std::string_view to_text(LeaveReason reason);
[[nodiscard]] std::string_view to_text(RoomErrorCode code);
[[nodiscard]] std::string_view to_text(RoomSignal signal);
[[nodiscard]] std::string_view to_text(DescriptionKind kind);
[[nodiscard]] std::string_view to_text(RoomCloseReason reason);
/// nullopt for other texts than those of Supported and Required.
[[nodiscard]] std::optional<JoinEncryption> join_encryption_from(std::string_view text);
[[nodiscard]] std::optional<RoomKind> room_kind_from(std::string_view text);
[[nodiscard]] std::optional<RoomRole> room_role_from(std::string_view text);
[[nodiscard]] std::optional<TrackKind> track_kind_from(std::string_view text);
[[nodiscard]] std::optional<TrackSource> track_source_from(std::string_view text);
[[nodiscard]] TrackKind kind_of(TrackSource source);

}  // namespace zvonok::call
