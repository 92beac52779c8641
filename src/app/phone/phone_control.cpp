#include "app/phone/phone_control.h"

#include <algorithm>
#include <utility>

#include "app/phone/spending.h"
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
  options.browser_timeout = config.voip_browser_timeout;
  options.per_user_max = config.voip_calls_per_user_max;
  options.calls_max = std::min(config.calls_max, config.voip_calls_max);
  options.a_day.calls_max = config.voip_calls_per_user_per_day;
  options.a_day.talk_max = minutes{static_cast<std::int64_t>(config.voip_minutes_per_day)};
  options.a_day.user_talk_max = minutes{static_cast<std::int64_t>(config.voip_minutes_per_user_per_day)};
  options.allow = config.voip_allow_prefixes;
  options.deny = denied_prefixes(config);
  return options;
}

double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

PhoneControl::PhoneControl(Parts parts, const Config& config)
    : parts_{parts}, calls_{call_options(config), parts.presence} {
  parts_.provider.on_event([this](const ProviderEvent& event) { on_provider_event(event); });
  parts_.provider.on_incoming([this](const IncomingCall& incoming) { return on_incoming(incoming); });
  parts_.legs.on_event({.on_lost = [this](const CallId& id) { (void)run(BrowserGone{id}); },
                        .on_digit =
                            [this](const CallId& id, char digit) {
                              const auto view = calls_.find(id);
                              if (view && tell_digit_) tell_digit_(*view, digit);
                            }});
}

void PhoneControl::restore(const std::vector<port::PhoneUsage>& usage) {
  DayUsage day;
  for (const port::PhoneUsage& user : usage) {
    day.calls[user.user] = static_cast<std::size_t>(user.calls);
    day.talked += seconds{user.talked_seconds};
    // Calls that came in are of nobody.
    if (!user.user.empty()) day.talked_by[user.user] = seconds{user.talked_seconds};
  }
  calls_.restore(std::move(day), parts_.loop.now());
}

// ---- commands ------------------------------------------------------------------------------------------------------

std::optional<CallId> PhoneControl::initiate(Wanted wanted, Done done) {
  const Now& now = parts_.loop.now();
  const CallId id{make_ordered_uuid(parts_.entropy, now.wall, counters_.initiated)};
  placing_.emplace(
      id, Placing{.asked = now.mono, .done = std::move(done), .to_dial = std::nullopt, .refused_with = std::nullopt});
  const Outcome outcome = run(Initiate{.call = id,
                                       .session_id = new_session_id(),
                                       .user = std::move(wanted.user),
                                       .number = std::move(wanted.number),
                                       .key = std::move(wanted.key),
                                       .room = std::move(wanted.room)});
  if (outcome == Outcome::Done) return id;
  Placing refused = std::move(placing_.at(id));
  placing_.erase(id);
  refused.done(fail(NotInitiated{.outcome = outcome, .fault = ProviderFault::Other, .view = std::nullopt}));
  return std::nullopt;
}

std::string PhoneControl::new_session_id() {
  return "sess_" + make_secret(parts_.entropy, kSessionIdBytes);
}

PhoneControl::Told PhoneControl::tell(const CallId& id, Command command) {
  changed_.reset();
  const Outcome outcome = run(command);
  auto view = std::exchange(changed_, std::nullopt);
  if (!view || view->record.id != id) view = calls_.find(id);
  return {.outcome = outcome, .view = std::move(view)};
}

PhoneControl::Told PhoneControl::answer(const CallId& id, const UserId& user, const std::string& sdp) {
  Told told = tell(id, BrowserReady{.call = id, .user = user});
  if (told.outcome == Outcome::Done) parts_.legs.take_answer(id, sdp);
  return told;
}

PhoneControl::Told PhoneControl::restart_ice(const CallId& id, const UserId& user) {
  const auto view = calls_.find(id);
  if (!view) return {.outcome = Outcome::NoSuchCall, .view = std::nullopt};
  if (view->user() != user) return {.outcome = Outcome::NotYours, .view = view};
  const bool no_offer = view->is_in_room() || (view->is_incoming() && !view->accepted);
  if (no_offer) return {.outcome = Outcome::WrongStatus, .view = view};
  (void)parts_.legs.restart_ice(id);
  return {.outcome = Outcome::Done, .view = view};
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
  timer_.arm();
  return outcome;
}

void PhoneControl::handle_timeout() {
  calls_.handle_timeout(parts_.loop.now(), effects_);
  for (const Effect& effect : std::exchange(effects_, {})) {
    std::visit([this](const auto& which) { perform(which); }, effect);
  }
}

void PhoneControl::on_provider_event(const ProviderEvent& event) {
  if (std::holds_alternative<Over>(event.what) && arriving_.erase(event.call) > 0) {
    ++counters_.given_up_early;
    return;
  }
  const Outcome outcome = run(event);
  if (outcome == Outcome::Stale) ++counters_.stale_events;
  // Whatever it says, but the end: it has the call.
  if (const auto view = calls_.find(event.call)) reply_placed(*view);
}

// ---- calls that come in --------------------------------------------------------------------------------------------

CallId PhoneControl::on_incoming(const IncomingCall& incoming) {
  const CallId id{make_ordered_uuid(parts_.entropy, parts_.loop.now().wall, counters_.initiated + counters_.incoming)};
  ++counters_.incoming;
  arriving_.emplace(id, incoming);
  using Found = port::StoreResult<std::optional<UserId>>;
  const auto look_up = [incoming](port::CallStore* store) -> Found {
    if (store == nullptr) return fail(CallJournal::database_is_down());
    if (!incoming.calls_back) return store->find_phone_user(incoming.to);
    const auto call = store->find_call(*incoming.calls_back);
    if (!call) return fail(call.error());
    return *call ? std::optional{(*call)->caller} : std::nullopt;
  };
  const bool accepted = parts_.journal.query(
      [this, &loop = parts_.loop, id, look_up](port::CallStore* store) {
        loop.post([this, id, user = look_up(store)] { ring_user(id, user); });
      },
      CallJournal::Turn::Urgent);
  if (!accepted) {
    parts_.loop.post([this, id] { ring_user(id, fail(CallJournal::database_is_down())); });
  }
  return id;
}

void PhoneControl::ring_user(const CallId& id, const port::StoreResult<std::optional<UserId>>& user) {
  const auto arriving = arriving_.extract(id);
  if (arriving.empty()) return;  // given up meanwhile
  const IncomingCall& incoming = arriving.mapped();
  if (!user || !*user) {
    const Rejection why = user ? Rejection::NoSuchNumber : Rejection::Unavailable;
    parts_.log.warn("nobody is rung by a telephone", {{"call", id},
                                                      {"number", masked(PhoneNumber{incoming.to})},
                                                      {"why", user ? "nobody has this number" : user.error().detail}});
    perform(TurnAway{.call = id, .why = why});
    return;
  }
  const UserId& called = **user;
  const bool listens = is_listening_ && is_listening_(called);
  const Outcome outcome = run(Incoming{.call = id,
                                       .session_id = new_session_id(),
                                       .user = called,
                                       .from = incoming.from,
                                       .reachable = listens || parts_.presence.is_online(called)});
  const std::string_view ending = outcome == Outcome::Done ? "its devices ring" : "turned away";
  parts_.log.info(
      "a telephone calls",
      {{"call", id}, {"user", called}, {"number", masked(PhoneNumber{incoming.from})}, {"outcome", ending}});
}

void PhoneControl::perform(const Ring& effect) {
  parts_.provider.ring(effect.call);
}
void PhoneControl::perform(const TakeUp& effect) {
  (void)parts_.legs.open(effect.call);
  parts_.provider.accept(effect.call);
  take_line(effect.call);
}
void PhoneControl::perform(const TurnAway& effect) {
  ++counters_.turned_away[static_cast<std::size_t>(effect.why)];
  parts_.provider.reject(effect.call, effect.why);
}

void PhoneControl::perform(const call::SaveRecord& effect) {
  parts_.journal.save(effect.record);
}

/// Dialed when its record is on the disk: a crash leaves no telephone ringing that the books don't know of. While the
/// database is down the record waits in memory, and calls are made all the same.
void PhoneControl::perform(const Dial& effect) {
  placing_.at(effect.call).to_dial = effect.number;
  const bool accepted = parts_.journal.query(
      [this, &loop = parts_.loop, id = effect.call](port::CallStore*) { loop.post([this, id] { dial_now(id); }); },
      CallJournal::Turn::Urgent);
  if (!accepted) {
    parts_.loop.post([this, id = effect.call] { dial_now(id); });
  }
}

void PhoneControl::dial_now(const CallId& id) {
  const auto placing = placing_.find(id);
  if (placing == placing_.end() || !placing->second.to_dial) return;  // over meanwhile
  const PhoneNumber number = *std::exchange(placing->second.to_dial, std::nullopt);
  parts_.provider.dial(id, number);
  take_line(id);
}

void PhoneControl::take_line(const CallId& id) {
  auto line = parts_.provider.take_line(id);
  if (line == nullptr) return;
  const auto view = calls_.find(id);
  if (view && view->is_in_room()) {
    if (rooms_ != nullptr) rooms_->attach_line(id, std::move(line));
  } else {
    parts_.legs.attach_line(id, std::move(line));
  }
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
  parts_.legs.set_hold(effect.call, effect.to);
}
void PhoneControl::perform(const PassMute& effect) {
  parts_.provider.set_mute(effect.call, effect.to);
  parts_.legs.set_mute(effect.call, effect.to);
}

// ---- what became of calls ------------------------------------------------------------------------------------------

void PhoneControl::perform(const Changed& effect) {
  const CallView& view = effect.view;
  const CallId& id = view.record.id;
  changed_ = view;
  if (!is_over(view.status) && sessions_.insert(id).second) begun(view);
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
  if (view.is_in_room() && rooms_ != nullptr) rooms_->on_change(effect);
  if (tell_change_) tell_change_(effect);
}

void PhoneControl::begun(const CallView& view) {
  if (!view.is_incoming()) {
    ++counters_.initiated;
    if (!view.is_in_room()) (void)parts_.legs.open(view.record.id);
  }
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
  if (sessions_.erase(record.id) == 0) return;  // a caller who was turned away
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
