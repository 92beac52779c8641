// Phone calls of this node: the domain, the provider and the records, and whoever wants to know. Commands come from the
// API as method calls. Belongs to the loop's thread.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/deadline_timer.h"
#include "app/histogram.h"
#include "app/phone/browser_legs.h"
#include "app/phone/room_lines.h"
#include "base/entropy.h"
#include "base/log.h"
#include "call/phone_calls.h"
#include "call/presence.h"
#include "net/loop.h"
#include "port/phone_provider.h"
#include "port/store.h"

namespace zvonok::app {

struct PhoneCounters {
  std::uint64_t initiated = 0;
  std::uint64_t incoming = 0;                                         // telephones that called us
  std::array<std::uint64_t, call::phone::kRejections> turned_away{};  // of them, by what they were told
  std::uint64_t given_up_early = 0;                                   // before it was known whom they call
  std::array<std::uint64_t, call::phone::kStatuses> ended{};          // by status
  std::array<std::uint64_t, call::phone::kProviderFaults> provider_errors{};
  std::uint64_t stale_events = 0;  // of the provider: repeated, late, or of calls that are over
  std::uint64_t answered_seconds = 0;
  Histogram<8> post_dial_seconds{{0.25, 0.5, 1, 2, 4, 8, 16, 32}};  // from the request until it rings
  Histogram<8> duration_seconds{{5, 15, 60, 180, 600, 1800, 3600, 7200}};
};

class PhoneControl {
 public:
  struct Parts {
    net::Loop& loop;
    CallJournal& journal;
    call::Presence& presence;  // shared with the dialects
    port::PhoneProvider& provider;
    BrowserLegs& legs;
    Entropy& entropy;
    Logger& log;
  };
  PhoneControl(Parts parts, const Config& config);

  /// How the day went before this start.
  void restore(const std::vector<port::PhoneUsage>& usage);

  struct NotInitiated {
    call::phone::Outcome outcome = call::phone::Outcome::Done;
    // Done: the provider did not take the call, which is over and in the history.
    call::phone::ProviderFault fault = call::phone::ProviderFault::Other;
    std::optional<call::phone::CallView> view;
  };
  using Initiated = Result<call::phone::CallView, NotInitiated>;
  using Done = std::move_only_function<void(Initiated)>;
  struct Wanted {
    UserId user;
    call::phone::PhoneNumber number;
    std::string key;  // the request's Idempotency-Key, for the record
    /// That the telephone is to be in, and not with a browser.
    std::optional<call::RoomKey> room = std::nullopt;
  };
  /// `done` runs once: when the provider has the call, or has refused it. Nothing: it has run already.
  std::optional<CallId> initiate(Wanted wanted, Done done);

  struct Told {
    call::phone::Outcome outcome = call::phone::Outcome::Done;
    std::optional<call::phone::CallView> view;  // after it
  };
  /// Of any command about a call but Initiate.
  Told tell(const CallId& id, call::phone::Command command);
  /// The browser's answer, checked.
  Told answer(const CallId& id, const UserId& user, const std::string& sdp);

  [[nodiscard]] std::optional<call::phone::CallView> find(const CallId& id) const { return calls_.find(id); }
  [[nodiscard]] std::vector<call::phone::CallView> calls_of(const UserId& user) const { return calls_.calls_of(user); }
  [[nodiscard]] std::string offer_of(const CallId& id) const { return parts_.legs.offer_of(id); }
  /// Asked when a telephone calls: whether that user listens to events of phone calls. Sockets of the user count too.
  void on_ask_listening(std::function<bool(const UserId&)> ask) { is_listening_ = std::move(ask); }
  /// The browser wants to restart ICE: the call has another offer afterwards.
  Told restart_ice(const CallId& id, const UserId& user);
  /// Every change of every call, as it happens.
  void on_change(std::function<void(const call::phone::Changed&)> tell) { tell_change_ = std::move(tell); }

  /// Told of telephones in rooms, besides. Before any call into one.
  void on_rooms(RoomLines& rooms) { rooms_ = &rooms; }
  /// Every digit that is pressed at a telephone, but for those in rooms.
  void on_digit(std::function<void(const call::phone::CallView&, char)> tell) { tell_digit_ = std::move(tell); }

  void drain();
  void shut_down();
  [[nodiscard]] std::size_t calls() const { return calls_.call_count(); }
  [[nodiscard]] std::size_t talking() const { return calls_.talking(); }
  [[nodiscard]] const PhoneCounters& counters() const { return counters_; }

 private:
  struct Placing {
    TimePoint asked;
    Done done;                                               // empty once it ran
    std::optional<call::phone::PhoneNumber> to_dial;         // its record is not written yet
    std::optional<call::phone::ProviderFault> refused_with;  // by the provider
  };

  call::phone::Outcome run(const call::phone::Command& command);
  void perform(const call::phone::Dial& effect);
  void perform(const call::phone::Ring& effect);
  void perform(const call::phone::TakeUp& effect);
  void perform(const call::phone::TurnAway& effect);
  void perform(const call::phone::HangUp& effect);
  void perform(const call::phone::PassDtmf& effect);
  void perform(const call::phone::PassHold& effect);
  void perform(const call::phone::PassMute& effect);
  void perform(const call::SaveRecord& effect);
  void perform(const call::phone::Changed& effect);
  void begun(const call::phone::CallView& view);
  void ended(const call::phone::Changed& change);
  void dial_now(const CallId& id);
  void take_line(const CallId& id);
  [[nodiscard]] std::string new_session_id();
  CallId on_incoming(const call::phone::IncomingCall& incoming);
  /// `user`: who is called, if anybody; an error: that could not be found out.
  void ring_user(const CallId& id, const port::StoreResult<std::optional<UserId>>& user);
  void on_provider_event(const call::phone::ProviderEvent& event);
  void reply_placed(const call::phone::CallView& view);
  void handle_timeout();

  Parts parts_;
  call::phone::PhoneCalls calls_;
  std::function<void(const call::phone::Changed&)> tell_change_;
  std::function<bool(const UserId&)> is_listening_;
  RoomLines* rooms_ = nullptr;
  std::function<void(const call::phone::CallView&, char)> tell_digit_;
  std::unordered_map<CallId, Placing> placing_;
  std::unordered_map<CallId, call::phone::IncomingCall> arriving_;  // whom they call is not known yet
  std::unordered_set<CallId> sessions_;                             // of calls under way
  std::optional<call::phone::CallView> changed_;                    // by the command that runs
  call::phone::Effects effects_;
  DeadlineTimer timer_{parts_.loop, [this] { return calls_.next_timeout(); }, [this] { handle_timeout(); }};
  PhoneCounters counters_;
};

}  // namespace zvonok::app
