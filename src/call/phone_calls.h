// The engine of phone calls: every rule of docs/protocol/phone.md that is not about bytes. Commands of the API, events
// of the provider and time in, effects out. Shares presence with calls of other kinds: who is in one of those has no
// phone call, and the other way round. A user dials up to `per_user_max` numbers at once, and is busy for those who
// call while there is any call.
//
// Pure: no clock, no I/O, and ids are given to it. Belongs to the control thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "call/deadlines.h"
#include "call/phone_daybook.h"
#include "call/phone_words.h"
#include "call/presence.h"

namespace zvonok::call::phone {

struct Options {
  Duration dial_timeout = seconds{10};  // for the provider to take the call on, or to begin one that was accepted
  Duration ring_timeout = seconds{60};  // from then to the answer, or of a call that came in
  Duration length_max = hours{2};       // from the answer
  Duration browser_timeout{};           // from the answer until the browser's description; 0: no limit
  std::size_t per_user_max = 1;         // that a user dials at once, telephones in rooms among them
  std::size_t calls_max = 100'000;
  DayBook::Limits a_day{};
  /// Beginnings of numbers. Of several that fit the longest decides, and of equal ones the second list; a number that
  /// neither has is allowed when `allow` is empty.
  std::vector<std::string> allow{};
  std::vector<std::string> deny{};
};

class PhoneCalls {
 public:
  /// `presence` (shared with the dialects) must outlive the engine.
  PhoneCalls(Options options, Presence& presence);
  PhoneCalls(const PhoneCalls&) = delete;
  PhoneCalls& operator=(const PhoneCalls&) = delete;

  /// Takes one command; what must be done because of it is appended to `effects`.
  [[nodiscard]] Outcome handle(const Command& command, const Now& now, Effects& effects);
  void handle_timeout(const Now& now, Effects& effects);
  /// When to call `handle_timeout` next; TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const;
  /// Before the first call: what the day has seen so far.
  void restore(DayUsage usage, const Now& now) { book_.restore(std::move(usage), now); }

  /// Of calls under way.
  [[nodiscard]] std::optional<CallView> find(const CallId& id) const;
  /// Those of that user, the oldest first.
  [[nodiscard]] std::vector<CallView> calls_of(const UserId& user) const;
  [[nodiscard]] std::size_t call_count() const { return calls_.size(); }
  [[nodiscard]] std::size_t talking() const { return book_.talking(); }

  /// Everything that is held, for tests.
  struct Counts {
    std::size_t calls = 0;
    std::size_t users = 0;
    std::size_t deadlines = 0;
    std::size_t talking = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Call {
    std::uint64_t serial = 0;
    CallView view;
    bool taken_on = false;  // by the provider; of a call that came in from the beginning
    std::uint64_t last_sequence = 0;
    TimePoint answered{};
    TimePoint browser_until = kNever;
    TimePoint phase_until = kNever;
    TimePoint armed = kNever;
  };
  struct Ending {
    EndReason reason;
    Cause cause;
    std::optional<ProviderFault> fault = std::nullopt;
  };

  [[nodiscard]] Outcome on(const Initiate& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Incoming& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Accept& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Decline& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Terminate& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const BrowserReady& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const BrowserGone& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Dismiss& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const SendDtmf& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const SetHold& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const SetMute& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const ProviderEvent& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Drain& command, const Now& now, Effects& effects);
  [[nodiscard]] Outcome on(const Shutdown& command, const Now& now, Effects& effects);

  [[nodiscard]] std::optional<Outcome> obstacle(const Initiate& command) const;
  [[nodiscard]] std::optional<Outcome> obstacle(const Incoming& command) const;
  /// Calls in which the user talks, or is to: without telephones in rooms.
  [[nodiscard]] std::size_t own_talks_of(const UserId& user) const;
  /// Another call of the user's own beside `others`.
  [[nodiscard]] bool may_talk_more(const UserId& user, std::size_t others) const;
  Call& add(CallView view);
  /// Ends a call that came in and was not accepted.
  void turn_away(Call& call, Rejection why, const Ending& ending, const Now& now, Effects& effects);
  [[nodiscard]] bool allows(const PhoneNumber& number) const;
  /// `command`'s call when it is `command`'s user's.
  template <class Asked>
  [[nodiscard]] Result<Call*, Outcome> own(const Asked& command);

  // Events of the provider; false when they say nothing new.
  [[nodiscard]] bool apply(Call& call, const TookOn& event, const Now& now, Effects& effects);
  [[nodiscard]] bool apply(Call& call, const Rings& event, const Now& now, Effects& effects);
  [[nodiscard]] bool apply(Call& call, const Answered& event, const Now& now, Effects& effects);
  [[nodiscard]] bool apply(Call& call, const Over& event, const Now& now, Effects& effects);
  void take_on(Call& call, const Now& now);

  void expire(Call& call, const Now& now, Effects& effects);
  /// Whose minutes the call uses up, besides the server's; null: nobody's.
  [[nodiscard]] static const UserId* spender(const Call& call);
  /// When a call in progress ends by itself.
  void arm_talk(Call& call);
  /// All of the user's: they share the minutes of the day.
  void arm_talks_of(const UserId& user);
  void end(Call& call, const Ending& ending, const Now& now, Effects& effects);
  void arm(Call& call);
  [[nodiscard]] std::vector<std::uint64_t> serials() const;

  Options options_;
  Presence& presence_;
  DayBook book_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Call>> calls_;  // by serial
  std::unordered_map<CallId, Call*> by_id_;
  std::unordered_map<UserId, std::vector<Call*>> by_user_;  // oldest first; no empty list
  Deadlines deadlines_;
  std::uint64_t next_serial_ = 1;
  bool draining_ = false;
};

}  // namespace zvonok::call::phone
