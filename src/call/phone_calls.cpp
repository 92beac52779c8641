#include "call/phone_calls.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/result.h"

namespace zvonok::call::phone {
namespace {

/// How much of the number the longest fitting prefix covers; 0: none fits.
std::size_t longest_fit(const std::vector<std::string>& prefixes, std::string_view number) {
  std::size_t longest = 0;
  for (const std::string& prefix : prefixes) {
    if (number.starts_with(prefix)) longest = std::max(longest, prefix.size());
  }
  return longest;
}

CallView begun(const CallId& id, WallTime at) {
  CallView view;
  view.record.id = id;
  view.record.kind = CallKind::Phone;
  view.record.started_at = at;
  return view;
}

/// Of a call that came in: the caller gave up, whatever it is called there.
EndReason reason_of_incoming(const Over& over, bool answered) {
  if (over.how == Over::How::Failed) return EndReason::Failed;
  return answered ? EndReason::Hangup : EndReason::Canceled;
}

EndReason reason_of(const Over& over, bool answered) {
  switch (over.how) {
    case Over::How::Hangup: return answered ? EndReason::Hangup : EndReason::Failed;
    case Over::How::Busy: return answered ? EndReason::Hangup : EndReason::Busy;
    case Over::How::NoAnswer: return answered ? EndReason::Hangup : EndReason::NoAnswer;
    case Over::How::Failed: return EndReason::Failed;
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace

PhoneCalls::PhoneCalls(Options options, Presence& presence)
    : options_{std::move(options)}, presence_{presence}, book_{options_.a_day} {}

Outcome PhoneCalls::handle(const Command& command, const Now& now, Effects& effects) {
  book_.settle(now);
  return std::visit([&](const auto& which) { return on(which, now, effects); }, command);
}

// ---- commands of the API --------------------------------------------------------------------------------------------

bool PhoneCalls::allows(const PhoneNumber& number) const {
  const std::size_t allowed = longest_fit(options_.allow, number.value());
  const std::size_t denied = longest_fit(options_.deny, number.value());
  if (allowed == 0 && denied == 0) return options_.allow.empty();
  return allowed > denied;
}

std::size_t PhoneCalls::own_talks_of(const UserId& user) const {
  const auto own_calls = by_user_.find(user);
  if (own_calls == by_user_.end()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(own_calls->second, [](const Call* call) { return !call->view.is_in_room(); }));
}

bool PhoneCalls::may_talk_more(const UserId& user, std::size_t others) const {
  return others < options_.per_user_max && (own_talks_of(user) > 0 || !presence_.is_engaged(user));
}

std::optional<Outcome> PhoneCalls::obstacle(const Initiate& command) const {
  if (draining_) return Outcome::Draining;
  if (!allows(command.number)) return Outcome::NumberNotAllowed;
  const auto own_calls = by_user_.find(command.user);
  const std::size_t others = own_calls == by_user_.end() ? 0 : own_calls->second.size();
  const bool may = command.room ? others < options_.per_user_max : may_talk_more(command.user, others);
  if (!may) return Outcome::InAnotherCall;
  if (!book_.may_call(command.user)) return Outcome::DailyLimit;
  if (book_.is_spent()) return Outcome::SpendLimit;
  if (calls_.size() >= options_.calls_max) return Outcome::ServerFull;
  return std::nullopt;
}

PhoneCalls::Call& PhoneCalls::add(CallView view) {
  ZVONOK_CHECK(!by_id_.contains(view.record.id));
  auto owned = std::make_unique<Call>();
  Call& call = *owned;
  call.serial = next_serial_++;
  call.view = std::move(view);
  calls_.emplace(call.serial, std::move(owned));
  by_id_.emplace(call.view.record.id, &call);
  by_user_[call.view.user()].push_back(&call);
  if (!call.view.is_in_room() && own_talks_of(call.view.user()) == 1) presence_.engage(call.view.user());
  return call;
}

Outcome PhoneCalls::on(const Initiate& command, const Now& now, Effects& effects) {
  if (const auto refused = obstacle(command)) return *refused;
  CallView view = begun(command.call, now.wall);
  view.record.caller = command.user;
  view.record.phone = PhoneSide{
      .number = command.number.value(), .session_id = command.session_id, .key = command.key, .room = command.room};
  if (command.room) view.record.chat = command.room->id;
  Call& call = add(std::move(view));
  call.phase_until = now.mono + options_.dial_timeout;
  book_.count_call(command.user);
  effects.emplace_back(SaveRecord{call.view.record});
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Caller});
  effects.emplace_back(Dial{.call = command.call, .number = command.number});
  arm(call);
  return Outcome::Done;
}

template <class Asked>
Result<PhoneCalls::Call*, Outcome> PhoneCalls::own(const Asked& command) {
  const auto call = by_id_.find(command.call);
  if (call == by_id_.end()) return fail(Outcome::NoSuchCall);
  if (call->second->view.user() != command.user) return fail(Outcome::NotYours);
  return call->second;
}

Outcome PhoneCalls::on(const Terminate& command, const Now& now, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  if ((*call)->view.is_incoming() && !(*call)->view.accepted) {
    return on(Decline{.call = command.call, .user = command.user}, now, effects);
  }
  effects.emplace_back(HangUp{command.call});
  const bool answered = (*call)->view.status == Status::InProgress;
  end(**call, {.reason = answered ? EndReason::Hangup : EndReason::Canceled, .cause = Cause::Caller}, now, effects);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const BrowserReady& command, const Now&, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  if ((*call)->view.is_incoming() && !(*call)->view.accepted) return Outcome::WrongStatus;  // there is no offer yet
  if ((*call)->view.is_in_room()) return Outcome::WrongStatus;                              // nor ever will be
  if ((*call)->view.browser_ready) return Outcome::Done;
  (*call)->view.browser_ready = true;
  (*call)->browser_until = kNever;
  if ((*call)->view.status == Status::InProgress) arm_talk(**call);
  effects.emplace_back(Changed{.view = (*call)->view, .cause = Cause::Caller});
  return Outcome::Done;
}

Outcome PhoneCalls::on(const BrowserGone& command, const Now& now, Effects& effects) {
  const auto found = by_id_.find(command.call);
  if (found == by_id_.end()) return Outcome::NoSuchCall;
  effects.emplace_back(HangUp{command.call});
  const bool answered = found->second->view.status == Status::InProgress;
  end(*found->second, {.reason = answered ? EndReason::Disconnected : EndReason::Canceled, .cause = Cause::BrowserLost},
      now, effects);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const Dismiss& command, const Now& now, Effects& effects) {
  const auto found = by_id_.find(command.call);
  if (found == by_id_.end()) return Outcome::NoSuchCall;
  if (!found->second->view.is_in_room()) return Outcome::NotYours;
  effects.emplace_back(HangUp{command.call});
  const bool answered = found->second->view.status == Status::InProgress;
  end(*found->second, {.reason = answered ? EndReason::Hangup : EndReason::Canceled, .cause = command.cause}, now,
      effects);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const SendDtmf& command, const Now&, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  if ((*call)->view.status != Status::InProgress) return Outcome::WrongStatus;
  effects.emplace_back(PassDtmf{.call = command.call, .digits = command.digits});
  return Outcome::Done;
}

Outcome PhoneCalls::on(const SetHold& command, const Now&, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  CallView& view = (*call)->view;
  if (view.status != Status::InProgress || view.is_in_room()) return Outcome::WrongStatus;
  const bool wanted = command.to == Switch::On;
  if (view.on_hold == wanted) return Outcome::Done;
  view.on_hold = wanted;
  effects.emplace_back(PassHold{.call = command.call, .to = command.to});
  effects.emplace_back(Changed{.view = view, .cause = Cause::Caller});
  return Outcome::Done;
}

/// Allowed before the answer: who is muted then is not heard when it comes.
Outcome PhoneCalls::on(const SetMute& command, const Now&, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  CallView& view = (*call)->view;
  if (view.is_in_room()) return Outcome::WrongStatus;  // whom the telephone hears is not one user's to say
  const bool wanted = command.to == Switch::On;
  if (view.muted == wanted) return Outcome::Done;
  view.muted = wanted;
  effects.emplace_back(PassMute{.call = command.call, .to = command.to});
  effects.emplace_back(Changed{.view = view, .cause = Cause::Caller});
  return Outcome::Done;
}

Outcome PhoneCalls::on(const Drain&, const Now&, Effects&) {
  draining_ = true;
  return Outcome::Done;
}

Outcome PhoneCalls::on(const Shutdown&, const Now& now, Effects& effects) {
  draining_ = true;
  for (const std::uint64_t serial : serials()) {
    Call& call = *calls_.at(serial);
    const Ending ending{.reason = EndReason::ServerShutdown, .cause = Cause::Shutdown};
    if (call.view.is_incoming() && !call.view.accepted) {
      turn_away(call, Rejection::Unavailable, ending, now, effects);
      continue;
    }
    effects.emplace_back(HangUp{call.view.record.id});
    end(call, ending, now, effects);
  }
  return Outcome::Done;
}

// ---- calls that come in ---------------------------------------------------------------------------------------------

std::optional<Outcome> PhoneCalls::obstacle(const Incoming& command) const {
  if (draining_) return Outcome::Draining;
  if (calls_.size() >= options_.calls_max) return Outcome::ServerFull;
  if (book_.is_spent()) return Outcome::SpendLimit;
  if (presence_.is_engaged(command.user)) return Outcome::InAnotherCall;
  if (!command.reachable) return Outcome::Unreachable;
  return std::nullopt;
}

/// Whoever was called and could not be rung sees in the history that it was tried.
Outcome PhoneCalls::on(const Incoming& command, const Now& now, Effects& effects) {
  CallView view = begun(command.call, now.wall);
  CallRecord& record = view.record;
  record.callee = command.user;
  record.phone = PhoneSide{.number = command.from, .session_id = command.session_id};
  if (const auto refused = obstacle(command)) {
    const bool busy = *refused == Outcome::InAnotherCall;
    effects.emplace_back(TurnAway{.call = command.call, .why = busy ? Rejection::Busy : Rejection::Unavailable});
    if (!busy && *refused != Outcome::Unreachable) return *refused;
    record.state = CallState::Ended;
    record.ended_at = now.wall;
    record.reason = busy ? EndReason::Busy : EndReason::NoAnswer;
    effects.emplace_back(SaveRecord{record});
    view.status = status_of(record);
    effects.emplace_back(Changed{.view = view, .cause = busy ? Cause::UserBusy : Cause::Offline});
    return *refused;
  }
  record.ringing_at = now.wall;
  view.status = Status::Ringing;
  Call& call = add(std::move(view));
  call.taken_on = true;
  call.phase_until = now.mono + options_.ring_timeout;
  effects.emplace_back(SaveRecord{call.view.record});
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Provider});
  effects.emplace_back(Ring{command.call});
  arm(call);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const Accept& command, const Now& now, Effects& effects) {
  const auto found = own(command);
  if (!found) return found.error();
  Call& call = **found;
  if (!call.view.is_incoming()) return Outcome::WrongStatus;
  if (call.view.accepted) return Outcome::AcceptedAlready;
  call.view.accepted = true;
  call.phase_until = now.mono + options_.dial_timeout;
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Callee});
  effects.emplace_back(TakeUp{command.call});
  // Muted while it rang: there was no sound yet to be told.
  if (call.view.muted) effects.emplace_back(PassMute{.call = command.call, .to = Switch::On});
  arm(call);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const Decline& command, const Now& now, Effects& effects) {
  const auto found = own(command);
  if (!found) return found.error();
  Call& call = **found;
  if (!call.view.is_incoming()) return Outcome::WrongStatus;
  if (call.view.accepted) return Outcome::AcceptedAlready;
  turn_away(call, Rejection::Declined, {.reason = EndReason::Declined, .cause = Cause::Callee}, now, effects);
  return Outcome::Done;
}

void PhoneCalls::turn_away(Call& call, Rejection why, const Ending& ending, const Now& now, Effects& effects) {
  effects.emplace_back(TurnAway{.call = call.view.record.id, .why = why});
  end(call, ending, now, effects);
}

// ---- events of the provider -----------------------------------------------------------------------------------------

Outcome PhoneCalls::on(const ProviderEvent& command, const Now& now, Effects& effects) {
  const auto found = by_id_.find(command.call);
  if (found == by_id_.end()) return Outcome::Stale;
  Call& call = *found->second;
  // The provider says Over once and forgets the call: whatever its number, nothing can come to put it right.
  if (command.sequence != 0 && !std::holds_alternative<Over>(command.what)) {
    if (command.sequence <= call.last_sequence) return Outcome::Stale;
    call.last_sequence = command.sequence;
  }
  const bool news = std::visit([&](const auto& event) { return apply(call, event, now, effects); }, command.what);
  return news ? Outcome::Done : Outcome::Stale;
}

/// Ringing and being answered are proofs of it as well.
void PhoneCalls::take_on(Call& call, const Now& now) {
  if (std::exchange(call.taken_on, true)) return;
  call.phase_until = now.mono + options_.ring_timeout;
}

bool PhoneCalls::apply(Call& call, const TookOn&, const Now& now, Effects&) {
  if (call.taken_on) return false;
  take_on(call, now);
  arm(call);
  return true;
}

bool PhoneCalls::apply(Call& call, const Rings&, const Now& now, Effects& effects) {
  if (call.view.status != Status::Connecting) return false;
  take_on(call, now);
  call.view.status = Status::Ringing;
  call.view.record.ringing_at = std::max(now.wall, call.view.record.started_at);
  effects.emplace_back(SaveRecord{call.view.record});
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Provider});
  arm(call);
  return true;
}

bool PhoneCalls::apply(Call& call, const Answered&, const Now& now, Effects& effects) {
  if (call.view.status == Status::InProgress) return false;
  if (call.view.is_incoming() && !call.view.accepted) return false;  // nobody has asked for that
  CallRecord& record = call.view.record;
  call.taken_on = true;
  call.view.status = Status::InProgress;
  call.answered = now.mono;
  if (!call.view.browser_ready && !call.view.is_in_room() && options_.browser_timeout > Duration::zero()) {
    call.browser_until = now.mono + options_.browser_timeout;
  }
  record.state = CallState::Active;
  record.answered_at = std::max(now.wall, record.ringing_at.value_or(record.started_at));
  book_.begin_talk(spender(call));
  effects.emplace_back(SaveRecord{record});
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Provider});
  arm_talks_of(call.view.user());
  return true;
}

bool PhoneCalls::apply(Call& call, const Over& event, const Now& now, Effects& effects) {
  const bool may_have_talked = !call.view.is_incoming() || call.view.accepted;
  if (event.talked && may_have_talked && call.view.status != Status::InProgress) {
    // The answer's own event is lost, or on its way behind this one.
    (void)apply(call, Answered{}, now, effects);
    const seconds talked = std::max(seconds{0}, *event.talked);
    book_.add_talk(spender(call), talked);
    call.answered = now.mono - talked;
    CallRecord& record = call.view.record;
    record.answered_at = std::max(record.ringing_at.value_or(record.started_at), now.wall - talked);
  }
  const bool answered = call.view.status == Status::InProgress;
  const std::optional<ProviderFault> fault = event.how == Over::How::Failed ? std::optional{event.fault} : std::nullopt;
  const EndReason reason = call.view.is_incoming() ? reason_of_incoming(event, answered) : reason_of(event, answered);
  end(call, {.reason = reason, .cause = Cause::Provider, .fault = fault}, now, effects);
  return true;
}

// ---- time and the end -----------------------------------------------------------------------------------------------

void PhoneCalls::arm(Call& call) {
  deadlines_.arm({DeadlineKey::Kind::Call, call.serial}, call.armed, call.phase_until);
}

const UserId* PhoneCalls::spender(const Call& call) {
  return call.view.is_incoming() ? nullptr : &call.view.record.caller;
}

void PhoneCalls::arm_talk(Call& call) {
  const UserId* const user = spender(call);
  const TimePoint minutes_until = user == nullptr ? kNever : book_.spent_at(*user);
  call.phase_until = std::min({call.answered + options_.length_max, call.browser_until, minutes_until});
  arm(call);
}

void PhoneCalls::arm_talks_of(const UserId& user) {
  const auto own_calls = by_user_.find(user);
  if (own_calls == by_user_.end()) return;
  for (Call* const call : own_calls->second) {
    if (call->view.status == Status::InProgress) arm_talk(*call);
  }
}

TimePoint PhoneCalls::next_timeout() const {
  return std::min(deadlines_.next(), book_.spent_at());
}

void PhoneCalls::handle_timeout(const Now& now, Effects& effects) {
  book_.settle(now);
  if (book_.is_spent()) {
    for (const std::uint64_t serial : serials()) {
      Call& call = *calls_.at(serial);
      if (call.view.status != Status::InProgress) continue;
      effects.emplace_back(HangUp{call.view.record.id});
      end(call, {.reason = EndReason::Hangup, .cause = Cause::SpendLimit}, now, effects);
    }
  }
  while (const auto key = deadlines_.due(now.mono)) expire(*calls_.at(key->id), now, effects);
}

void PhoneCalls::expire(Call& call, const Now& now, Effects& effects) {
  if (call.view.is_incoming() && !call.view.accepted) {
    return turn_away(call, Rejection::NoAnswer, {.reason = EndReason::NoAnswer, .cause = Cause::RingTimeout}, now,
                     effects);
  }
  if (call.view.status == Status::InProgress) {
    arm_talk(call);  // a new day has given the user new minutes, perhaps
    if (call.phase_until > now.mono) return;
    effects.emplace_back(HangUp{call.view.record.id});
    if (call.browser_until <= now.mono) {
      end(call, {.reason = EndReason::Disconnected, .cause = Cause::BrowserLost}, now, effects);
    } else {
      const bool too_long = call.answered + options_.length_max <= now.mono;
      end(call, {.reason = EndReason::Hangup, .cause = too_long ? Cause::TooLong : Cause::SpendLimit}, now, effects);
    }
    return;
  }
  effects.emplace_back(HangUp{call.view.record.id});
  if (call.taken_on && !call.view.is_incoming()) {
    end(call, {.reason = EndReason::NoAnswer, .cause = Cause::RingTimeout}, now, effects);
  } else {
    end(call, {.reason = EndReason::Failed, .cause = Cause::DialTimeout, .fault = ProviderFault::Unreachable}, now,
        effects);
  }
}

void PhoneCalls::end(Call& call, const Ending& ending, const Now& now, Effects& effects) {
  CallRecord& record = call.view.record;
  if (call.view.status == Status::InProgress) {
    book_.end_talk(spender(call));
    record.duration_seconds = std::chrono::floor<seconds>(now.mono - call.answered).count();
  }
  record.state = CallState::Ended;
  record.reason = ending.reason;
  record.ended_at = std::max(now.wall, record.answered_at.value_or(record.ringing_at.value_or(record.started_at)));
  call.view.status = status_of(record);
  call.view.on_hold = false;
  effects.emplace_back(SaveRecord{record});
  effects.emplace_back(Changed{.view = call.view, .cause = ending.cause, .fault = ending.fault});

  deadlines_.arm({DeadlineKey::Kind::Call, call.serial}, call.armed, kNever);
  const auto own_calls = by_user_.find(call.view.user());
  std::erase(own_calls->second, &call);
  if (!call.view.is_in_room() && own_talks_of(call.view.user()) == 0) presence_.disengage(call.view.user());
  if (own_calls->second.empty()) {
    by_user_.erase(own_calls);
  } else {
    arm_talks_of(call.view.user());
  }
  by_id_.erase(record.id);
  calls_.erase(call.serial);
}

std::vector<std::uint64_t> PhoneCalls::serials() const {
  std::vector<std::uint64_t> all;
  all.reserve(calls_.size());
  for (const auto& [serial, call] : calls_) all.push_back(serial);
  std::ranges::sort(all);
  return all;
}

// ---- what there is --------------------------------------------------------------------------------------------------

std::optional<CallView> PhoneCalls::find(const CallId& id) const {
  const auto call = by_id_.find(id);
  return call == by_id_.end() ? std::nullopt : std::optional{call->second->view};
}

std::vector<CallView> PhoneCalls::calls_of(const UserId& user) const {
  std::vector<CallView> views;
  const auto own_calls = by_user_.find(user);
  if (own_calls == by_user_.end()) return views;
  for (const Call* call : own_calls->second) views.push_back(call->view);
  return views;
}

PhoneCalls::Counts PhoneCalls::counts() const {
  return {.calls = calls_.size(), .users = by_user_.size(), .deadlines = deadlines_.size(), .talking = book_.talking()};
}

}  // namespace zvonok::call::phone
