// What phone calls are told and what they have done: commands of the API, events of the provider, effects.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "call/call.h"
#include "call/pair_effect.h"
#include "call/phone_number.h"

namespace zvonok::call::phone {

/// How far a call is, as the API says it. In this order; the last six are ends.
enum class Status {
  Connecting,  // the provider has not said anything of the telephone
  Ringing,
  InProgress,  // answered
  Completed,   // it was answered
  Busy,
  NoAnswer,
  Failed,
  Canceled,  // by the caller, before the answer
  Declined,  // a call that came in, by the user
};
inline constexpr std::size_t kStatuses = 9;
[[nodiscard]] std::string_view to_text(Status status);
[[nodiscard]] constexpr bool is_over(Status status) {
  return status >= Status::Completed;
}
/// Of a record of kind Phone.
[[nodiscard]] Status status_of(const CallRecord& record);

/// Who or what brought a change about, for logs and for whoever watches the call.
enum class Cause {
  Caller,       // the user who placed the call, or is in it
  Callee,       // the user whose telephone call came in
  Provider,     // the telephone, too
  Offline,      // no device of the user is there to ring
  UserBusy,     // the user is in another call
  DialTimeout,  // the provider did not say that it has the call
  RingTimeout,
  TooLong,
  SpendLimit,   // of the whole server's minutes a day
  BrowserLost,  // its connection failed, and it did not come back
  Shutdown,
  RoomEnded,  // nobody is left in the room that the telephone was in
  Moderator,  // of that room
};
[[nodiscard]] std::string_view to_text(Cause cause);

// ---- what the provider says -----------------------------------------------------------------------------------------

/// What went wrong at the provider.
enum class ProviderFault {
  Unreachable,   // no connection, or no answer in time
  Unauthorized,  // our credentials
  RateLimited,
  BadNumber,  // it can't be called: unknown, or not allowed by the provider
  Other,
};
inline constexpr std::size_t kProviderFaults = 5;
[[nodiscard]] std::string_view to_text(ProviderFault fault);

/// The provider has the call and dials.
struct TookOn {
  friend bool operator==(const TookOn&, const TookOn&) = default;
};
struct Rings {
  friend bool operator==(const Rings&, const Rings&) = default;
};
struct Answered {
  friend bool operator==(const Answered&, const Answered&) = default;
};
/// The last event of a call, whoever ended it: the telephone, or we.
struct Over {
  enum class How { Hangup, Busy, NoAnswer, Failed };
  How how = How::Hangup;
  ProviderFault fault = ProviderFault::Other;  // with Failed
  /// How long they talked, where the provider says so: then the answer is known even if its event was lost.
  std::optional<seconds> talked = std::nullopt;
  friend bool operator==(const Over&, const Over&) = default;
};

/// Events may come twice, late, or in another order than they were sent: a call only ever goes on to a later status.
struct ProviderEvent {
  CallId call;
  /// Grows with each event of a call; 0: the provider numbers nothing.
  std::uint64_t sequence = 0;
  std::variant<TookOn, Rings, Answered, Over> what;
  friend bool operator==(const ProviderEvent&, const ProviderEvent&) = default;
};

/// A telephone calls us. Texts are E.164 where the provider knows it, else what the trunk says: printable ASCII, 64
/// bytes at most.
struct IncomingCall {
  std::string from;  // "": withheld
  std::string to;    // which of our numbers
  /// A call of ours that this one answers by calling back: its user is rung, whatever number `to` is. Of the mock.
  std::optional<CallId> calls_back = std::nullopt;
  friend bool operator==(const IncomingCall&, const IncomingCall&) = default;
};
inline constexpr std::size_t kIncomingTextBytesMax = 64;

/// What a caller is told who does not get through.
enum class Rejection {
  NoSuchNumber,  // nobody has it
  Busy,
  Declined,
  NoAnswer,
  Unavailable,  // nobody is there, or this server can't now
};
inline constexpr std::size_t kRejections = 5;
[[nodiscard]] std::string_view to_text(Rejection why);

// ---- commands -------------------------------------------------------------------------------------------------------

enum class Switch { Off, On };

struct Initiate {
  CallId call;  // new
  std::string session_id;
  UserId user;
  PhoneNumber number;
  std::string key{};  // Idempotency-Key, for the record
  /// The telephone is to be in that room and not with a browser of the user, who talks there if anywhere: such a call
  /// makes nobody busy, and counts as the user's all the same.
  std::optional<RoomKey> room = std::nullopt;
};
/// A telephone calls a user. Whatever becomes of it, the provider is told by an effect.
struct Incoming {
  CallId call;  // new
  std::string session_id;
  UserId user;
  std::string from;
  bool reachable = true;  // a device of the user is there to ring
};
/// One device of the user takes the call that came in; the first one does.
struct Accept {
  CallId call;
  UserId user;
};
struct Decline {
  CallId call;
  UserId user;
};
/// Of a call that came in and was not accepted: as Decline.
struct Terminate {
  CallId call;
  UserId user;
};
/// The browser's description is there.
struct BrowserReady {
  CallId call;
  UserId user;
};
/// The browser's connection is gone for good.
struct BrowserGone {
  CallId call;
};
/// Of a telephone in a room, for whoever may end it there.
struct Dismiss {
  CallId call;
  Cause cause = Cause::RoomEnded;
};
struct SendDtmf {
  CallId call;
  UserId user;
  std::string digits;
};
struct SetHold {
  CallId call;
  UserId user;
  Switch to = Switch::On;
};
struct SetMute {
  CallId call;
  UserId user;
  Switch to = Switch::On;
};
/// No new calls from now on.
struct Drain {};
/// Ends every call.
struct Shutdown {};

using Command = std::variant<Initiate, Incoming, Accept, Decline, Terminate, BrowserReady, BrowserGone, Dismiss,
                             SendDtmf, SetHold, SetMute, ProviderEvent, Drain, Shutdown>;

/// What became of a command. All but Done changed nothing, or, of Incoming, have turned the caller away.
enum class Outcome {
  Done,
  NoSuchCall,  // that is under way: it may be over
  NotYours,
  WrongStatus,      // not before the answer, or not after it
  AcceptedAlready,  // by another device of the user, or this one
  InAnotherCall,    // of whatever kind
  Unreachable,      // no device of the user is there
  DailyLimit,       // of the user's calls a day
  SpendLimit,       // of the server's minutes a day
  NumberNotAllowed,
  ServerFull,
  Draining,
  Stale,  // an event that says nothing new
};

// ---- effects --------------------------------------------------------------------------------------------------------

/// To the provider. Whatever becomes of it is told by events.
struct Dial {
  CallId call;
  PhoneNumber number;
  friend bool operator==(const Dial&, const Dial&) = default;
};
/// The user of a call that came in is rung.
struct Ring {
  CallId call;
  friend bool operator==(const Ring&, const Ring&) = default;
};
/// The user has taken it: now there is to be sound.
struct TakeUp {
  CallId call;
  friend bool operator==(const TakeUp&, const TakeUp&) = default;
};
/// Of a call that came in and was not taken up; the last thing that the provider is told of it.
struct TurnAway {
  CallId call;
  Rejection why = Rejection::Unavailable;
  friend bool operator==(const TurnAway&, const TurnAway&) = default;
};
/// At most one for each Dial or TakeUp, and none after the provider has said that the call is over.
struct HangUp {
  CallId call;
  friend bool operator==(const HangUp&, const HangUp&) = default;
};
struct PassDtmf {
  CallId call;
  std::string digits;
  friend bool operator==(const PassDtmf&, const PassDtmf&) = default;
};
struct PassHold {
  CallId call;
  Switch to = Switch::On;
  friend bool operator==(const PassHold&, const PassHold&) = default;
};
struct PassMute {
  CallId call;
  Switch to = Switch::On;
  friend bool operator==(const PassMute&, const PassMute&) = default;
};

/// A call as its owner may see it.
struct CallView {
  CallRecord record;
  Status status = Status::Connecting;
  bool on_hold = false;
  bool muted = false;
  bool browser_ready = false;
  bool accepted = false;  // of a call that came in
  [[nodiscard]] bool is_incoming() const { return record.caller.empty(); }
  [[nodiscard]] bool is_in_room() const { return record.phone && record.phone->room.has_value(); }
  [[nodiscard]] const UserId& user() const { return is_incoming() ? record.callee : record.caller; }
  friend bool operator==(const CallView&, const CallView&) = default;
};
/// The call looks different from before. The first of a call is Connecting, or Ringing when it came in; the last one is
/// an end. A caller who did not get through as far as a device is an end alone.
struct Changed {
  CallView view;
  Cause cause = Cause::Caller;
  std::optional<ProviderFault> fault = std::nullopt;
  friend bool operator==(const Changed&, const Changed&) = default;
};

using Effect = std::variant<Dial, Ring, TakeUp, TurnAway, HangUp, PassDtmf, PassHold, PassMute, SaveRecord, Changed>;
/// Appended to, never cleared, by the engine.
using Effects = std::vector<Effect>;

}  // namespace zvonok::call::phone
