#include "app/phone/phone_control.h"

#include <utility>

#include "call/phone_number.h"

namespace zvonok::app {
namespace {

using namespace call::phone;

constexpr std::size_t kSessionIdBytes = 12;

call::phone::Options call_options(const Config& config) {
  call::phone::Options options;
  options.dial_timeout = config.voip_dial_timeout;
  options.ring_timeout = config.voip_ring_timeout;
  options.length_max = config.voip_call_max;
  options.per_user_max = config.voip_calls_per_user_max;
  options.calls_max = config.calls_max;
  options.a_day.calls_max = config.voip_calls_per_user_per_day;
  options.a_day.talk_max = minutes{static_cast<std::int64_t>(config.voip_minutes_per_day)};
  options.allow = config.voip_allow_prefixes;
  options.deny = config.voip_deny_prefixes;
  return options;
}

double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

PhoneControl::PhoneControl(Parts parts, const Config& config)
    : parts_{parts}, calls_{call_options(config), parts.presence} {
  parts_.provider.on_event([this](const ProviderEvent& event) { on_provider_event(event); });
}

void PhoneControl::restore(const std::vector<port::PhoneUsage>& usage) {
  DayUsage day;
  for (const port::PhoneUsage& user : usage) {
    day.calls[user.user] = static_cast<std::size_t>(user.calls);
    day.talked += seconds{user.talked_seconds};
  }
  calls_.restore(std::move(day), parts_.loop.now());
}

// ---- commands ------------------------------------------------------------------------------------------------------

void PhoneControl::initiate(const UserId& user, const PhoneNumber& number,
                            std::move_only_function<void(Initiated)> done) {
  const Now& now = parts_.loop.now();
  const CallId id{make_ordered_uuid(parts_.entropy, now.wall, counters_.initiated)};
  placing_.emplace(
      id, Placing{.asked = now.mono, .done = std::move(done), .to_dial = std::nullopt, .refused_with = std::nullopt});
  const Outcome outcome = run(Initiate{.call = id,
                                       .session_id = "sess_" + make_secret(parts_.entropy, kSessionIdBytes),
                                       .user = user,
                                       .number = number});
  if (outcome == Outcome::Done) return;
  Placing refused = std::move(placing_.at(id));
  placing_.erase(id);
  refused.done(fail(NotInitiated{.outcome = outcome, .fault = ProviderFault::Other, .view = std::nullopt}));
}

PhoneControl::Told PhoneControl::tell(const CallId& id, Command command) {
  changed_.reset();
  const Outcome outcome = run(command);
  auto view = std::exchange(changed_, std::nullopt);
  if (!view || view->record.id != id) view = calls_.find(id);
  return {.outcome = outcome, .view = std::move(view)};
}

PhoneControl::Told PhoneControl::answer(const CallId& id, const UserId& user, std::string sdp) {
  Told told = tell(id, BrowserReady{.call = id, .user = user});
  if (told.outcome == Outcome::Done) parts_.legs.take_answer(id, std::move(sdp));
  return told;
}

void PhoneControl::drain() {
  (void)run(Drain{});
}

void PhoneControl::shut_down() {
  (void)run(Shutdown{});
}

// ---- the domain ----------------------------------------------------------------------------------------------------

Outcome PhoneControl::run(const Command& command) {
  const Outcome outcome = calls_.handle(command, parts_.loop.now(), effects_);
  for (const Effect& effect : std::exchange(effects_, {})) {
    std::visit([this](const auto& which) { perform(which); }, effect);
  }
  arm_timer();
  return outcome;
}

void PhoneControl::arm_timer() {
  const TimePoint next = calls_.next_timeout();
  if (timer_ && timer_->first <= next) return;  // an early wake-up does no harm
  if (timer_) parts_.loop.cancel(*timer_);
  timer_.reset();
  if (next == TimePoint::max()) return;
  timer_ = parts_.loop.schedule(next, [this] {
    timer_.reset();
    calls_.handle_timeout(parts_.loop.now(), effects_);
    for (const Effect& effect : std::exchange(effects_, {})) {
      std::visit([this](const auto& which) { perform(which); }, effect);
    }
    arm_timer();
  });
}

void PhoneControl::on_provider_event(const ProviderEvent& event) {
  const Outcome outcome = run(event);
  if (outcome == Outcome::Stale) ++counters_.stale_events;
  // Whatever it says, but the end: it has the call.
  if (const auto view = calls_.find(event.call)) reply_placed(*view);
}

void PhoneControl::perform(const call::SaveRecord& effect) {
  parts_.journal.save(effect.record);
}

/// Dialed when its record is on the disk: a crash leaves no telephone ringing that the books don't know of. While the
/// database is down the record waits in memory, and calls are made all the same.
void PhoneControl::perform(const Dial& effect) {
  placing_.at(effect.call).to_dial = effect.number;
  const bool accepted = parts_.journal.query(
      [this, &loop = parts_.loop, id = effect.call](port::CallStore*) { loop.post([this, id] { dial_now(id); }); });
  if (!accepted) {
    parts_.loop.post([this, id = effect.call] { dial_now(id); });
  }
}

void PhoneControl::dial_now(const CallId& id) {
  const auto placing = placing_.find(id);
  if (placing == placing_.end() || !placing->second.to_dial) return;  // over meanwhile
  const PhoneNumber number = *std::exchange(placing->second.to_dial, std::nullopt);
  parts_.provider.dial(id, number);
}

void PhoneControl::perform(const HangUp& effect) {
  const auto placing = placing_.find(effect.call);
  if (placing != placing_.end() && placing->second.to_dial) return;  // the provider knows nothing of it
  parts_.provider.hang_up(effect.call);
}

void PhoneControl::perform(const PassDtmf& effect) {
  parts_.provider.send_dtmf(effect.call, effect.digits);
}
void PhoneControl::perform(const PassHold& effect) {
  parts_.provider.set_hold(effect.call, effect.to);
}
void PhoneControl::perform(const PassMute& effect) {
  parts_.provider.set_mute(effect.call, effect.to);
}

// ---- what became of calls ------------------------------------------------------------------------------------------

void PhoneControl::perform(const Changed& effect) {
  const CallView& view = effect.view;
  const CallId& id = view.record.id;
  changed_ = view;
  const bool fresh = !parts_.legs.offer_of(id).empty();
  if (!fresh) begun(view);
  if (const auto placing = placing_.find(id);
      placing != placing_.end() && (view.status == Status::Ringing || view.status == Status::InProgress)) {
    counters_.post_dial_seconds.observe(seconds_between(placing->second.asked, parts_.loop.now().mono));
    reply_placed(view);
    placing_.erase(id);
  }
  if (view.status == Status::InProgress && effect.cause == Cause::Provider) {
    parts_.log.info("phone call answered", {{"call", id}, {"session", view.record.phone->session_id}});
  }
  if (is_over(view.status)) ended(effect);
  if (tell_change_) tell_change_(effect);
}

void PhoneControl::begun(const CallView& view) {
  ++counters_.initiated;
  (void)parts_.legs.open(view.record.id);
  parts_.log.info("session added", {{"session", view.record.phone->session_id}, {"call", view.record.id}});
}

void PhoneControl::ended(const Changed& change) {
  const call::CallRecord& record = change.view.record;
  ++counters_.ended[static_cast<std::size_t>(change.view.status)];
  if (record.answered_at) {
    counters_.answered_seconds += static_cast<std::uint64_t>(record.duration_seconds);
    counters_.duration_seconds.observe(static_cast<double>(record.duration_seconds));
  }
  if (change.fault) ++counters_.provider_errors[static_cast<std::size_t>(*change.fault)];
  parts_.log.info("phone call ended", {{"call", record.id},
                                       {"session", record.phone->session_id},
                                       {"status", to_text(change.view.status)},
                                       {"reason", call::to_text(record.reason.value_or(call::EndReason::Failed))},
                                       {"cause", to_text(change.cause)},
                                       {"duration_seconds", record.duration_seconds}});
  parts_.legs.close(record.id);
  parts_.log.info("session removed", {{"session", record.phone->session_id}, {"call", record.id}});
  if (const auto placing = placing_.find(record.id); placing != placing_.end()) {
    if (change.view.status == Status::Failed) {
      placing->second.refused_with = change.fault.value_or(ProviderFault::Other);
    }
    reply_placed(change.view);
    placing_.erase(record.id);
  }
}

/// Answers who placed the call, once.
void PhoneControl::reply_placed(const CallView& view) {
  const CallId& id = view.record.id;
  const auto placing = placing_.find(id);
  if (placing == placing_.end() || !placing->second.done) return;
  auto done = std::exchange(placing->second.done, nullptr);
  const std::string masked_number = masked(PhoneNumber{view.record.phone->number});
  if (const auto fault = placing->second.refused_with) {
    parts_.log.error(
        "failed to initiate voip call",
        {{"call", id}, {"provider", parts_.provider.name()}, {"error", to_text(*fault)}, {"number", masked_number}});
    done(fail(NotInitiated{.outcome = Outcome::Done, .fault = *fault, .view = view}));
    return;
  }
  parts_.log.info("call initiated successfully", {{"call", id},
                                                  {"session", view.record.phone->session_id},
                                                  {"user", view.record.caller},
                                                  {"number", masked_number}});
  done(view);
}

}  // namespace zvonok::app
