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

std::optional<Outcome> PhoneCalls::obstacle(const Initiate& command) const {
  if (draining_) return Outcome::Draining;
  if (!allows(command.number)) return Outcome::NumberNotAllowed;
  const auto own_calls = by_user_.find(command.user);
  const std::size_t count = own_calls == by_user_.end() ? 0 : own_calls->second.size();
  if (count >= options_.per_user_max) return Outcome::InAnotherCall;
  if (count == 0 && presence_.is_engaged(command.user)) return Outcome::InAnotherCall;
  if (!book_.may_call(command.user)) return Outcome::DailyLimit;
  if (book_.is_spent()) return Outcome::SpendLimit;
  if (calls_.size() >= options_.calls_max) return Outcome::ServerFull;
  return std::nullopt;
}

Outcome PhoneCalls::on(const Initiate& command, const Now& now, Effects& effects) {
  ZVONOK_CHECK(!by_id_.contains(command.call));
  if (const auto refused = obstacle(command)) return *refused;
  auto owned = std::make_unique<Call>();
  Call& call = *owned;
  call.serial = next_serial_++;
  call.view.record = {.id = command.call,
                      .kind = CallKind::Phone,
                      .state = CallState::Ringing,
                      .caller = command.user,
                      .callee = {},
                      .chat = {},
                      .started_at = now.wall,
                      .ringing_at = {},
                      .answered_at = {},
                      .ended_at = {},
                      .reason = {},
                      .duration_seconds = 0,
                      .phone = PhoneSide{.number = command.number.value(), .session_id = command.session_id}};
  call.phase_until = now.mono + options_.dial_timeout;
  calls_.emplace(call.serial, std::move(owned));
  by_id_.emplace(command.call, &call);
  std::vector<Call*>& own_calls = by_user_[command.user];
  own_calls.push_back(&call);
  if (own_calls.size() == 1) presence_.engage(command.user);
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
  if (call->second->view.record.caller != command.user) return fail(Outcome::NotYours);
  return call->second;
}

Outcome PhoneCalls::on(const Terminate& command, const Now& now, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  effects.emplace_back(HangUp{command.call});
  const bool answered = (*call)->view.status == Status::InProgress;
  end(**call, {.reason = answered ? EndReason::Hangup : EndReason::Canceled, .cause = Cause::Caller}, now, effects);
  return Outcome::Done;
}

Outcome PhoneCalls::on(const BrowserReady& command, const Now&, Effects& effects) {
  const auto call = own(command);
  if (!call) return call.error();
  if ((*call)->view.browser_ready) return Outcome::Done;
  (*call)->view.browser_ready = true;
  effects.emplace_back(Changed{.view = (*call)->view, .cause = Cause::Caller});
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
  if (view.status != Status::InProgress) return Outcome::WrongStatus;
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
    effects.emplace_back(HangUp{call.view.record.id});
    end(call, {.reason = EndReason::ServerShutdown, .cause = Cause::Shutdown}, now, effects);
  }
  return Outcome::Done;
}

// ---- events of the provider -----------------------------------------------------------------------------------------

Outcome PhoneCalls::on(const ProviderEvent& command, const Now& now, Effects& effects) {
  const auto found = by_id_.find(command.call);
  if (found == by_id_.end()) return Outcome::Stale;
  Call& call = *found->second;
  if (command.sequence != 0) {
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
  CallRecord& record = call.view.record;
  call.taken_on = true;
  call.view.status = Status::InProgress;
  call.answered = now.mono;
  call.phase_until = now.mono + options_.length_max;
  record.state = CallState::Active;
  record.answered_at = std::max(now.wall, record.ringing_at.value_or(record.started_at));
  book_.begin_talk();
  effects.emplace_back(SaveRecord{record});
  effects.emplace_back(Changed{.view = call.view, .cause = Cause::Provider});
  arm(call);
  return true;
}

bool PhoneCalls::apply(Call& call, const Over& event, const Now& now, Effects& effects) {
  if (event.talked && call.view.status != Status::InProgress) {
    // The answer's own event is lost, or on its way behind this one.
    (void)apply(call, Answered{}, now, effects);
    const seconds talked = std::max(seconds{0}, *event.talked);
    book_.add_talk(talked);
    call.answered = now.mono - talked;
    CallRecord& record = call.view.record;
    record.answered_at = std::max(record.ringing_at.value_or(record.started_at), now.wall - talked);
  }
  const bool answered = call.view.status == Status::InProgress;
  const std::optional<ProviderFault> fault = event.how == Over::How::Failed ? std::optional{event.fault} : std::nullopt;
  end(call, {.reason = reason_of(event, answered), .cause = Cause::Provider, .fault = fault}, now, effects);
  return true;
}

// ---- time and the end -----------------------------------------------------------------------------------------------

void PhoneCalls::arm(Call& call) {
  deadlines_.arm({DeadlineKey::Kind::Call, call.serial}, call.armed, call.phase_until);
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
  effects.emplace_back(HangUp{call.view.record.id});
  if (call.view.status == Status::InProgress) {
    end(call, {.reason = EndReason::Hangup, .cause = Cause::TooLong}, now, effects);
  } else if (call.taken_on) {
    end(call, {.reason = EndReason::NoAnswer, .cause = Cause::RingTimeout}, now, effects);
  } else {
    end(call, {.reason = EndReason::Failed, .cause = Cause::DialTimeout, .fault = ProviderFault::Unreachable}, now,
        effects);
  }
}

void PhoneCalls::end(Call& call, const Ending& ending, const Now& now, Effects& effects) {
  CallRecord& record = call.view.record;
  if (call.view.status == Status::InProgress) {
    book_.end_talk();
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
  const auto own_calls = by_user_.find(record.caller);
  std::erase(own_calls->second, &call);
  if (own_calls->second.empty()) {
    presence_.disengage(record.caller);
    by_user_.erase(own_calls);
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
