// What the pair-call engine wants done, in this order: messages to devices, records to keep, questions to the store.
// Everything named Deliver* goes to the one connection `to` and is put into text by a dialect.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "call/call.h"
#include "call/pair_command.h"

namespace zvonok::call {

enum class Role { Caller, Callee };

/// Why a device is told that its call is over. Unlike EndReason it knows a call that goes on elsewhere.
enum class HangupReason {
  Hangup,
  Declined,
  Canceled,
  NoAnswer,
  AnsweredElsewhere,
  Disconnected,
  ServerShutdown,
  Failed,
};

/// Whether a hangup's payload already has a `reason` text of the client's own, which is then left alone.
enum class ReasonFrom { Server, Client };

enum class ErrorCode { TargetUnknown, Offline, Busy, NotInCall, BadMessage, Unavailable };

enum class PeerState { Reconnecting, Connected };

enum class CloseReason { Replaced };

[[nodiscard]] std::string_view to_text(Role role);
[[nodiscard]] std::string_view to_text(HangupReason reason);
[[nodiscard]] std::string_view to_text(ErrorCode code);
[[nodiscard]] std::string_view to_text(PeerState state);

// ---- events of the contract ---------------------------------------------------------------------------------------

struct DeliverOffer {
  ConnectionId to;
  UserId from;
  std::string payload;  // as the sender sent it
  friend bool operator==(const DeliverOffer&, const DeliverOffer&) = default;
};

struct DeliverAnswer {
  ConnectionId to;
  std::string payload;
  friend bool operator==(const DeliverAnswer&, const DeliverAnswer&) = default;
};

struct DeliverIce {
  ConnectionId to;
  std::string payload;
  friend bool operator==(const DeliverIce&, const DeliverIce&) = default;
};

struct DeliverHangup {
  ConnectionId to;
  HangupReason reason = HangupReason::Hangup;
  std::string payload = {};  // the sender's, or empty when there is none to relay
  ReasonFrom reason_from = ReasonFrom::Server;
  friend bool operator==(const DeliverHangup&, const DeliverHangup&) = default;
};

struct DeliverError {
  ConnectionId to;
  ErrorCode code = ErrorCode::BadMessage;
  std::string_view message;  // a literal: lives as long as the program
  friend bool operator==(const DeliverError&, const DeliverError&) = default;
};

// ---- added events: only to connections that said hello -------------------------------------------------------------

struct CallSummary {
  CallId call;
  UserId peer;
  CallState state = CallState::Ringing;
  Role role = Role::Caller;
  friend bool operator==(const CallSummary&, const CallSummary&) = default;
};

struct DeliverServerHello {
  ConnectionId to;
  UserId user;
  DeviceName device;  // may be empty
  Duration reconnect_grace{};
  Duration ring_timeout{};
  std::optional<CallSummary> call;
  friend bool operator==(const DeliverServerHello&, const DeliverServerHello&) = default;
};

struct DeliverCallStarted {
  ConnectionId to;
  CallId call;
  UserId peer;
  Role role = Role::Caller;
  friend bool operator==(const DeliverCallStarted&, const DeliverCallStarted&) = default;
};

/// To the caller: so many devices of the callee are ringing now.
struct DeliverRinging {
  ConnectionId to;
  CallId call;
  std::size_t devices = 0;
  friend bool operator==(const DeliverRinging&, const DeliverRinging&) = default;
};

struct DeliverAnswered {
  ConnectionId to;
  CallId call;
  friend bool operator==(const DeliverAnswered&, const DeliverAnswered&) = default;
};

struct DeliverPeerState {
  ConnectionId to;
  CallId call;
  PeerState state = PeerState::Connected;
  friend bool operator==(const DeliverPeerState&, const DeliverPeerState&) = default;
};

struct UserPresence {
  UserId user;
  bool online = false;
  friend bool operator==(const UserPresence&, const UserPresence&) = default;
};

/// `to` may be a connection of any dialect.
struct DeliverPresence {
  ConnectionId to;
  std::vector<UserPresence> users;
  friend bool operator==(const DeliverPresence&, const DeliverPresence&) = default;
};

// ---- not messages ---------------------------------------------------------------------------------------------------

/// Upsert by id. A call gives one when it starts, one when it is answered and exactly one that is Ended; a refused
/// attempt (busy, offline) gives the last alone.
struct SaveRecord {
  CallRecord record;
  friend bool operator==(const SaveRecord&, const SaveRecord&) = default;
};

/// Find out whether the user exists, or who the other member of the chat is (missing when `asker` is no member), and
/// answer with TargetFound, TargetMissing or LookupFailed.
struct LookUpTarget {
  LookupId lookup;
  CallTarget target;
  UserId asker;
  friend bool operator==(const LookUpTarget&, const LookUpTarget&) = default;
};

/// Close the socket. The engine has forgotten it already; a DeviceDisconnected for it is harmless.
struct CloseConnection {
  ConnectionId connection;
  CloseReason reason = CloseReason::Replaced;
  friend bool operator==(const CloseConnection&, const CloseConnection&) = default;
};

using Effect = std::variant<DeliverIce, DeliverOffer, DeliverAnswer, DeliverHangup, DeliverError, DeliverServerHello,
                            DeliverCallStarted, DeliverRinging, DeliverAnswered, DeliverPeerState, DeliverPresence,
                            SaveRecord, LookUpTarget, CloseConnection>;

/// Appended to, never cleared, by the engine. Keep one and reuse it: then a relayed message allocates nothing.
using Effects = std::vector<Effect>;

}  // namespace zvonok::call
