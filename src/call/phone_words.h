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

/// How far a call is, as the API says it. In this order; the last five are ends.
enum class Status {
  Connecting,  // the provider has not said anything of the telephone
  Ringing,
  InProgress,  // answered
  Completed,   // it was answered
  Busy,
  NoAnswer,
  Failed,
  Canceled,  // by the caller, before the answer
};
inline constexpr std::size_t kStatuses = 8;
[[nodiscard]] std::string_view to_text(Status status);
[[nodiscard]] constexpr bool is_over(Status status) {
  return status >= Status::Completed;
}
/// Of a record of kind Phone.
[[nodiscard]] Status status_of(const CallRecord& record);

/// Who or what brought a change about, for logs and for whoever watches the call.
enum class Cause {
  Caller,
  Provider,
  DialTimeout,  // the provider did not say that it has the call
  RingTimeout,
  TooLong,
  SpendLimit,  // of the whole server's minutes a day
  Shutdown,
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

// ---- commands -------------------------------------------------------------------------------------------------------

enum class Switch { Off, On };

struct Initiate {
  CallId call;  // new
  std::string session_id;
  UserId user;
  PhoneNumber number;
};
struct Terminate {
  CallId call;
  UserId user;
};
/// The browser's description is there.
struct BrowserReady {
  CallId call;
  UserId user;
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

using Command =
    std::variant<Initiate, Terminate, BrowserReady, SendDtmf, SetHold, SetMute, ProviderEvent, Drain, Shutdown>;

/// What became of a command. All but Done changed nothing.
enum class Outcome {
  Done,
  NoSuchCall,  // that is under way: it may be over
  NotYours,
  WrongStatus,    // not before the answer
  InAnotherCall,  // of whatever kind
  DailyLimit,     // of the user's calls a day
  SpendLimit,     // of the server's minutes a day
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
/// At most one for each Dial, and none after the provider has said that the call is over.
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
  friend bool operator==(const CallView&, const CallView&) = default;
};
/// The call looks different from before. The first of a call is Connecting, the last one an end.
struct Changed {
  CallView view;
  Cause cause = Cause::Caller;
  std::optional<ProviderFault> fault = std::nullopt;
  friend bool operator==(const Changed&, const Changed&) = default;
};

using Effect = std::variant<Dial, HangUp, PassDtmf, PassHold, PassMute, SaveRecord, Changed>;
/// Appended to, never cleared, by the engine.
using Effects = std::vector<Effect>;

}  // namespace zvonok::call::phone
