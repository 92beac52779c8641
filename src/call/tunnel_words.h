// What the tunnelled-call engine is told and what it wants done. The words are those of docs/protocol/tunnel.md, which
// is the dialect in front of it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "call/call.h"
#include "call/pair_effect.h"

namespace zvonok::call::tunnel {

// ---- commands -------------------------------------------------------------------------------------------------------

/// An authenticated socket. `device` is empty when the client gave no name. `connection` is new.
struct Connected {
  ConnectionId connection;
  UserId user;
  DeviceName device;
};
struct Disconnected {
  ConnectionId connection;
};
/// `initiate-call`
struct Initiate {
  ConnectionId connection;
  UserId callee;
};
/// `accept-call`
struct Accept {
  ConnectionId connection;
  CallId call;
};
/// `reject-call`
struct Reject {
  ConnectionId connection;
  CallId call;
};
/// `vpn-ready`
struct Ready {
  ConnectionId connection;
  CallId call;
};
/// `hangup`
struct Hangup {
  ConnectionId connection;
  CallId call;
};
/// `e2e`: what one end says to the other of its key. `data` is a JSON object that the server reads nothing of.
struct Relay {
  ConnectionId connection;
  CallId call;
  std::string data;
};
/// `watch-presence`: replaces the connection's list. Up to Presence::kWatchedUsersMax users.
struct Watch {
  ConnectionId connection;
  std::vector<UserId> users;
};
/// Answers to LookUpCallee, exactly one for each.
struct CalleeFound {
  LookupId lookup;
};
struct CalleeMissing {
  LookupId lookup;
};
struct CalleeUnknown {  // it could not be found out
  LookupId lookup;
};
/// Answers to OpenTunnel, exactly one for each. Late ones are ignored.
struct TunnelOpened {
  CallId call;
};
struct TunnelRefused {
  CallId call;
};
/// The tunnel has failed in the middle of the call.
struct TunnelLost {
  CallId call;
};
struct Drain {};
struct Shutdown {};

using Command =
    std::variant<Connected, Disconnected, Initiate, Accept, Reject, Ready, Hangup, Relay, Watch, CalleeFound,
                 CalleeMissing, CalleeUnknown, TunnelOpened, TunnelRefused, TunnelLost, Drain, Shutdown>;

// ---- effects --------------------------------------------------------------------------------------------------------

enum class Error {
  CallYourself,  // the first six are the contract's
  UserNotFound,
  UserOffline,
  CallNotFound,
  NotAuthorized,
  NotAuthorizedToAccept,
  UserBusy,
  InAnotherCall,
  OtherKind,  // the user is connected, but only for calls of another kind
  StillPlacing,
  AlreadyAccepted,
  NotAccepted,   // `vpn-ready` or `e2e` before the answer
  TooManyWords,  // `e2e` more often than any agreement needs
  Unavailable,
};
/// The text of `call-error`. Never change one of the first six.
[[nodiscard]] std::string_view to_text(Error error);

/// Why a call is over for a device, where that is not simply the other side's hangup.
enum class Over {
  Hangup,    // by the other side
  Declined,  // on another device of this user
  Canceled,  // by the caller, before the answer
  NoAnswer,
  AnsweredElsewhere,
  Disconnected,
  SetupTimeout,  // the tunnel was not up in time
  TunnelFailed,
  TooLong,
  ServerShutdown,
};
[[nodiscard]] std::string_view to_text(Over over);

struct CallInitiated {
  ConnectionId to;
  CallId call;
  UserId caller;
  UserId callee;
  friend bool operator==(const CallInitiated&, const CallInitiated&) = default;
};
struct IncomingCall {
  ConnectionId to;
  CallId call;
  UserId caller;
  UserId callee;
  friend bool operator==(const IncomingCall&, const IncomingCall&) = default;
};
struct CallAccepted {
  ConnectionId to;
  CallId call;
  friend bool operator==(const CallAccepted&, const CallAccepted&) = default;
};
/// `vpn-config-received`; what is in it only the tunnel knows.
struct ConfigReceived {
  ConnectionId to;
  CallId call;
  Role role = Role::Caller;  // the receiver's
  friend bool operator==(const ConfigReceived&, const ConfigReceived&) = default;
};
/// `vpn-connected`: the other side's tunnel is up.
struct PeerConnected {
  ConnectionId to;
  CallId call;
  Role role = Role::Caller;  // the receiver's
  friend bool operator==(const PeerConnected&, const PeerConnected&) = default;
};
/// `e2e`, from the other side.
struct Relayed {
  ConnectionId to;
  CallId call;
  std::string data;
  friend bool operator==(const Relayed&, const Relayed&) = default;
};
struct CallRejected {
  ConnectionId to;
  CallId call;
  friend bool operator==(const CallRejected&, const CallRejected&) = default;
};
struct CallOver {
  ConnectionId to;
  CallId call;
  Over over = Over::Hangup;
  friend bool operator==(const CallOver&, const CallOver&) = default;
};
struct CallError {
  ConnectionId to;
  Error error = Error::CallNotFound;
  std::optional<CallId> call;  // that the message was about
  friend bool operator==(const CallError&, const CallError&) = default;
};

/// Makes the two users of the tunnel, and says so by TunnelOpened or TunnelRefused.
struct OpenTunnel {
  CallId call;
  UserId caller;
  UserId callee;
  friend bool operator==(const OpenTunnel&, const OpenTunnel&) = default;
};
/// Removes the users and cuts their connections at once. Exactly one for each OpenTunnel.
struct CloseTunnel {
  CallId call;
  friend bool operator==(const CloseTunnel&, const CloseTunnel&) = default;
};
struct LookUpCallee {
  LookupId lookup;
  UserId user;
  friend bool operator==(const LookUpCallee&, const LookUpCallee&) = default;
};

using Effect = std::variant<CallInitiated, IncomingCall, CallAccepted, ConfigReceived, PeerConnected, Relayed,
                            CallRejected, CallOver, CallError, DeliverPresence, OpenTunnel, CloseTunnel, SaveRecord,
                            LookUpCallee, CloseConnection>;
/// Appended to, never cleared, by the engine.
using Effects = std::vector<Effect>;

}  // namespace zvonok::call::tunnel
