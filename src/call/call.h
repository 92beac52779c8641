// The words of the call domain, common to every kind of call: states, reasons, the history record.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "call/room_ids.h"

namespace zvonok::call {

enum class CallKind { Pair, Room, Tunnel, Phone };

enum class CallState {
  Ringing,  // offered, nobody has answered
  Active,   // answered
  Ended,
};

/// Why a call ended. The text form (`to_text`) is part of every protocol and of the history: never rename one.
enum class EndReason {
  Hangup,          // "hangup": either side, after the answer
  Declined,        // "declined": the callee, before the answer
  Canceled,        // "canceled": the caller, before the answer
  NoAnswer,        // "no-answer": CALL_RING_TIMEOUT passed
  Busy,            // "busy": the callee (or the caller) was in another call
  Offline,         // "offline": no device of the callee was connected
  Disconnected,    // "disconnected": a side was gone for longer than CALL_RECONNECT_GRACE
  ServerShutdown,  // "server-shutdown": this node stopped or was restarted
  Failed,          // "failed": anything else, such as a provider's failure
};

[[nodiscard]] std::string_view to_text(CallKind kind);
[[nodiscard]] std::string_view to_text(CallState state);
[[nodiscard]] std::string_view to_text(EndReason reason);
[[nodiscard]] std::optional<CallKind> call_kind_from(std::string_view text);
[[nodiscard]] std::optional<CallState> call_state_from(std::string_view text);
[[nodiscard]] std::optional<EndReason> end_reason_from(std::string_view text);

/// What a phone call has besides: the telephone on its other side, and the session of the browser on this one.
struct PhoneSide {
  std::string number;      // E.164 with its plus
  std::string session_id;  // as the API names it: sess_...
  std::string key{};       // Idempotency-Key of the request that began it; "": none
  /// The room that the telephone was invited into; the record's `chat` has its id as well.
  std::optional<RoomKey> room = std::nullopt;
  friend bool operator==(const PhoneSide&, const PhoneSide&) = default;
};

/// What one side of a tunnelled call sent and got through its tunnel. Packets are datagrams, and media on connections
/// to the rooms; the bytes of other connections are in no packets. An external tunnel server counts no packets.
struct TunnelTraffic {
  std::int64_t bytes_sent = 0;
  std::optional<std::int64_t> packets_sent = std::nullopt;
  std::int64_t bytes_received = 0;
  std::optional<std::int64_t> packets_received = std::nullopt;
  friend bool operator==(const TunnelTraffic&, const TunnelTraffic&) = default;
};
/// What a tunnelled call has besides, from its end on.
struct TunnelUse {
  std::int64_t seconds = 0;  // whole ones, from when the tunnels were there
  /// Of the caller and the callee; nothing where nobody could tell, or has not told yet.
  std::optional<std::array<TunnelTraffic, 2>> sides = std::nullopt;
  friend bool operator==(const TunnelUse&, const TunnelUse&) = default;
};

/// One call as the history keeps it. Written (as an upsert by `id`) when the call starts, when it is answered and when
/// it ends; fields only ever become more complete; what was used of a tunnel may become known after the end.
struct CallRecord {
  CallId id;
  CallKind kind = CallKind::Pair;
  CallState state = CallState::Ringing;
  UserId caller;
  UserId callee;
  std::optional<ChatId> chat;
  WallTime started_at{};
  std::optional<WallTime> ringing_at;  // the first device of the callee was rung
  std::optional<WallTime> answered_at;
  std::optional<WallTime> ended_at;
  std::optional<EndReason> reason;    // set exactly when `state` is Ended
  std::int64_t duration_seconds = 0;  // whole seconds from answer to end, by the monotonic clock; 0 when unanswered
  std::optional<PhoneSide> phone = std::nullopt;   // of calls of kind Phone; the telephone's side has no user id
  std::optional<TunnelUse> tunnel = std::nullopt;  // of calls of kind Tunnel that had one
  friend bool operator==(const CallRecord&, const CallRecord&) = default;
};

inline std::ostream& operator<<(std::ostream& out, CallState state) {
  return out << to_text(state);
}
inline std::ostream& operator<<(std::ostream& out, EndReason reason) {
  return out << to_text(reason);
}
inline std::ostream& operator<<(std::ostream& out, CallKind kind) {
  return out << to_text(kind);
}

}  // namespace zvonok::call
