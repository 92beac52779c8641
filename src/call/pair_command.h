// What the pair-call engine is told: by devices (through a dialect), by the store (answers to look-ups), by the
// process. Payloads are opaque texts, moved through and never read.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/id.h"

namespace zvonok::call {

/// One question to the store about an offer's target; never reused while the process lives.
using LookupId = NumberId<struct LookupIdTag, std::uint64_t>;

/// Whom an offer names: a user, or the other member of a private chat.
using CallTarget = std::variant<UserId, ChatId>;

/// An authenticated socket. `device` is empty when the client gave no name. `connection` is new.
struct DeviceConnected {
  ConnectionId connection;
  UserId user;
  DeviceName device;
};

/// The socket is gone, for whatever reason. Unknown connections (replaced before, for example) are ignored.
struct DeviceDisconnected {
  ConnectionId connection;
};

struct Offer {
  ConnectionId connection;
  CallTarget target;
  std::string payload;
};

struct Answer {
  ConnectionId connection;
  std::string payload;
};

struct Ice {
  ConnectionId connection;
  std::string payload;
};

/// `payload` may be empty. `reason` is the client's own text when its payload has one.
struct Hangup {
  ConnectionId connection;
  std::string payload;
  std::optional<std::string> reason;
};

/// `client:hello`: from now on this connection gets the added events.
struct Hello {
  ConnectionId connection;
};

/// Replaces the connection's list. Up to Presence::kWatchedUsersMax users.
struct WatchPresence {
  ConnectionId connection;
  std::vector<UserId> users;
};

/// Answers to the effect LookUpTarget, exactly one for each. `user` is the user asked for, or the other member of the
/// chat asked for. A late answer (the offer was withdrawn) is ignored.
struct TargetFound {
  LookupId lookup;
  UserId user;
};
struct TargetMissing {
  LookupId lookup;
};
struct LookupFailed {
  LookupId lookup;
};

/// Takes no new calls from now on; running ones go on.
struct Drain {};

/// Ends every call with ServerShutdown and takes no new ones from now on.
struct Shutdown {};

using Command = std::variant<DeviceConnected, DeviceDisconnected, Offer, Answer, Ice, Hangup, Hello, WatchPresence,
                             TargetFound, TargetMissing, LookupFailed, Drain, Shutdown>;

}  // namespace zvonok::call
