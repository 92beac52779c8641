#include "call/pair_calls.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"

namespace zvonok::call {
namespace {

std::optional<ChatId> chat_of(const CallTarget& target) {
  const auto* const chat = std::get_if<ChatId>(&target);
  return chat == nullptr ? std::nullopt : std::optional{*chat};
}

}  // namespace

PairCalls::PairCalls(PairOptions options, Presence& presence, Entropy& entropy)
    : options_{options}, presence_{presence}, entropy_{entropy} {}

void PairCalls::handle(Command command, const Now& now, Effects& effects) {
  std::visit([&](auto& which) { on(which, now, effects); }, command);
}

PairEndpoint* PairCalls::find(ConnectionId connection) {
  const auto endpoint = endpoints_.find(connection);
  return endpoint == endpoints_.end() ? nullptr : &endpoint->second;
}

/// A device that speaks of its user's call while the place of its like there is empty is that device, come back before
/// its old socket was known to be gone. Not one that was told that the call is over for it, nor one that wants another
/// call: `wants` is whom its offer names.
PairEndpoint* PairCalls::find_seated(ConnectionId connection, const CallTarget* wants, const Now& now,
                                     Effects& effects) {
  PairEndpoint* const from = find(connection);
  if (from == nullptr || from->call != nullptr || from->pending != nullptr) return from;
  PairCall* const call = call_of(from->user);
  if (call == nullptr || call->serial() == from->left_call) return from;
  if (wants != nullptr && !call->is_with(from->user, *wants)) return from;
  if (call->adopt(*from, effects)) settle(*call, std::nullopt, now, effects);
  return from;
}

PairCall* PairCalls::call_of(const UserId& user) {
  const auto call = users_in_calls_.find(user);
  return call == users_in_calls_.end() ? nullptr : call->second;
}

// ---- offers ---------------------------------------------------------------------------------------------------------

void PairCalls::on(Offer& command, const Now& now, Effects& effects) {
  PairEndpoint* const from = find_seated(command.connection, &command.target, now, effects);
  if (from == nullptr) return;
  if (draining_ && call_of(from->user) == nullptr) {
    return refuse(*from, ErrorCode::Unavailable, "the server takes no new calls", effects);
  }
  const std::optional<UserId> target = known_target(*from, command.target);
  PendingOffer offer{
      .lookup = {}, .target = std::move(command.target), .payload = std::move(command.payload), .candidates = {}};
  if (from->pending == nullptr) {
    offer.candidates = take_early(*from);
  } else if (offer.target == from->pending->target) {
    from->pending->payload = std::move(offer.payload);  // the newer one stands for both
    return;
  } else if (from->call != nullptr && target == from->call->peer_of(from->user)) {
    // A renegotiation is never busy. It takes the place of what the device wanted before.
    offer.candidates = std::move(withdraw_pending(*from)->candidates);
  } else {
    return refuse(*from, ErrorCode::Busy, "an offer of this device is still being placed", effects);
  }
  if (!target) return look_up(*from, std::move(offer), effects);
  place_with_candidates(*from, std::move(offer), *target, now, effects);
}

/// Whom the offer names, when that takes no look-up.
std::optional<UserId> PairCalls::known_target(const PairEndpoint& from, const CallTarget& target) {
  if (std::holds_alternative<ChatId>(target)) {
    // A renegotiation: who is meant was found out when the call began.
    if (from.call == nullptr || !from.call->is_with(from.user, target)) return std::nullopt;
    return from.call->peer_of(from.user);
  }
  const UserId& user = std::get<UserId>(target);
  const bool known = user == from.user || presence_.is_online(user) || users_in_calls_.contains(user);
  return known ? std::optional{user} : std::nullopt;
}

void PairCalls::look_up(PairEndpoint& from, PendingOffer offer, Effects& effects) {
  offer.lookup = LookupId{next_lookup_++};
  lookups_.emplace(offer.lookup, from.id);
  effects.emplace_back(LookUpTarget{.lookup = offer.lookup, .target = offer.target, .asker = from.user});
  from.pending = std::make_unique<PendingOffer>(std::move(offer));
}

std::unique_ptr<PendingOffer> PairCalls::take_pending(LookupId lookup, PairEndpoint*& from) {
  const auto connection = lookups_.find(lookup);
  if (connection == lookups_.end()) return nullptr;  // withdrawn meanwhile
  from = find(connection->second);
  lookups_.erase(connection);
  ZVONOK_CHECK(from != nullptr && from->pending != nullptr);
  return std::move(from->pending);
}

std::unique_ptr<PendingOffer> PairCalls::withdraw_pending(PairEndpoint& endpoint) {
  if (endpoint.pending != nullptr) lookups_.erase(endpoint.pending->lookup);
  return std::move(endpoint.pending);
}

void PairCalls::on(TargetFound& command, const Now& now, Effects& effects) {
  PairEndpoint* from = nullptr;
  const auto offer = take_pending(command.lookup, from);
  if (offer != nullptr) place_with_candidates(*from, std::move(*offer), command.user, now, effects);
}

void PairCalls::on(TargetMissing& command, const Now& now, Effects& effects) {
  refuse_pending(command.lookup, ErrorCode::TargetUnknown, "no such user, or no such private chat of yours", now,
                 effects);
}

void PairCalls::on(LookupFailed& command, const Now& now, Effects& effects) {
  refuse_pending(command.lookup, ErrorCode::Unavailable, "could not find out who that is, try again", now, effects);
}

void PairCalls::refuse_pending(LookupId lookup, ErrorCode code, std::string_view literal, const Now& now,
                               Effects& effects) {
  PairEndpoint* from = nullptr;
  const auto offer = take_pending(lookup, from);
  if (offer == nullptr) return;
  refuse(*from, code, literal, effects);
  release_held(*from, std::move(offer->candidates), Placed::No, now, effects);
}

void PairCalls::place_with_candidates(PairEndpoint& from, PendingOffer offer, const UserId& target, const Now& now,
                                      Effects& effects) {
  const Placed placed = place(from, offer, target, now, effects);
  release_held(from, std::move(offer.candidates), placed, now, effects);
}

PairCalls::Placed PairCalls::place(PairEndpoint& from, PendingOffer& offer, const UserId& target, const Now& now,
                                   Effects& effects) {
  if (target == from.user) {
    refuse(from, ErrorCode::BadMessage, "an offer to oneself", effects);
    return Placed::No;
  }
  const PairCall* const own = call_of(from.user);
  const PairCall* const theirs = call_of(target);
  if (own != nullptr && own == theirs) return relay_offer(from, offer, now, effects);
  const bool caller_engaged = presence_.is_engaged(from.user);  // be it in a call of another kind
  if (caller_engaged || presence_.is_engaged(target)) {
    refuse(from, ErrorCode::Busy, caller_engaged ? "you are in another call" : "the user is in another call", effects);
    save_refused(from, offer, target, EndReason::Busy, now, effects);
    return Placed::No;
  }
  if (!presence_.has_device(target, Dialect::Pair)) {
    refuse(from, ErrorCode::Offline,
           presence_.is_online(target) ? "the user is connected only for tunnelled calls"
                                       : "no device of the user is connected",
           effects);
    save_refused(from, offer, target, EndReason::Offline, now, effects);
    return Placed::No;
  }
  if (draining_) {  // since the look-up began
    refuse(from, ErrorCode::Unavailable, "the server takes no new calls", effects);
    return Placed::No;
  }
  if (calls_.size() >= options_.calls_max) {
    refuse(from, ErrorCode::Unavailable, "the server has too many calls, try again", effects);
    return Placed::No;
  }
  start_call(from, offer, target, now, effects);
  return Placed::Yes;
}

PairCalls::Placed PairCalls::relay_offer(PairEndpoint& from, PendingOffer& offer, const Now& now, Effects& effects) {
  if (from.call == nullptr || !from.call->can_offer(from)) {
    // Not a missed call of anybody, so the history hears nothing: the two are in a call with one another.
    refuse(from, ErrorCode::Busy, "another device of yours is in a call with this user", effects);
    return Placed::No;
  }
  settle(*from.call, from.call->offer(from, std::move(offer.payload), effects), now, effects);
  return Placed::Yes;
}

void PairCalls::start_call(PairEndpoint& from, PendingOffer& offer, const UserId& target, const Now& now,
                           Effects& effects) {
  const std::uint64_t serial = next_serial_++;
  CallRecord record{.id = CallId{make_ordered_uuid(entropy_, now.wall, serial)},
                    .kind = CallKind::Pair,
                    .state = CallState::Ringing,
                    .caller = from.user,
                    .callee = target,
                    .chat = chat_of(offer.target),
                    .started_at = now.wall,
                    .ringing_at = now.wall,
                    .answered_at = {},
                    .ended_at = {},
                    .reason = {},
                    .duration_seconds = 0};
  PairCall::Start start{.serial = serial,
                        .record = std::move(record),
                        .offer = std::move(offer.payload),
                        .ring_until = now.mono + options_.ring_timeout};
  auto owned = std::make_unique<PairCall>(std::move(start), from, options_);
  PairCall& call = *owned;
  calls_.emplace(call.serial(), std::move(owned));
  users_in_calls_.emplace(from.user, &call);
  users_in_calls_.emplace(target, &call);
  presence_.engage(from.user);
  presence_.engage(target);
  if (from.added_events == AddedEvents::On) {
    effects.emplace_back(
        DeliverCallStarted{.to = from.id, .call = call.record().id, .peer = target, .role = Role::Caller});
  }
  ring_devices(call, effects);
  effects.emplace_back(SaveRecord{call.record()});
  settle(call, std::nullopt, now, effects);
}

void PairCalls::save_refused(const PairEndpoint& from, const PendingOffer& offer, const UserId& target,
                             EndReason reason, const Now& now, Effects& effects) {
  effects.emplace_back(SaveRecord{{.id = CallId{make_ordered_uuid(entropy_, now.wall, next_serial_++)},
                                   .kind = CallKind::Pair,
                                   .state = CallState::Ended,
                                   .caller = from.user,
                                   .callee = target,
                                   .chat = chat_of(offer.target),
                                   .started_at = now.wall,
                                   .ringing_at = {},
                                   .answered_at = {},
                                   .ended_at = now.wall,
                                   .reason = reason,
                                   .duration_seconds = 0}});
}

// ---- answers, candidates, hangups -----------------------------------------------------------------------------------

void PairCalls::on(Answer& command, const Now& now, Effects& effects) {
  PairEndpoint* const from = find_seated(command.connection, nullptr, now, effects);
  if (from == nullptr) return;
  if (from->call == nullptr) return refuse(*from, ErrorCode::NotInCall, "nothing to answer", effects);
  if (!from->call->can_answer(*from)) {
    return refuse(*from, ErrorCode::NotInCall, "the other side has offered nothing yet", effects);
  }
  // Whoever answers has rolled its own offer back, if it made one.
  const auto withdrawn = withdraw_pending(*from);
  settle(*from->call, from->call->answer(*from, std::move(command.payload), now, effects), now, effects);
  if (withdrawn != nullptr) release_held(*from, std::move(withdrawn->candidates), Placed::No, now, effects);
}

void PairCalls::on(Ice& command, const Now& now, Effects& effects) {
  PairEndpoint* const from = find_seated(command.connection, nullptr, now, effects);
  if (from == nullptr) return;
  if (from->pending != nullptr) {
    KeptMessage candidate{.kind = MessageKind::Ice, .payload = std::move(command.payload)};
    if (from->call != nullptr) candidate.call = from->call->serial();
    if (from->pending->candidates.keep(std::move(candidate), options_.candidates) == Kept::Full) {
      refuse(*from, ErrorCode::BadMessage, "too many candidates before the offer is placed", effects);
    }
    return;
  }
  if (from->call == nullptr) return hold_early(*from, std::move(command.payload), now, effects);
  // The hot path: nothing but a relay that failed can move a deadline or end the call here.
  if (const Verdict verdict = from->call->ice(*from, std::move(command.payload), effects)) {
    end(*from->call, *verdict, now, effects);
  }
}

void PairCalls::on(Hangup& command, const Now& now, Effects& effects) {
  PairEndpoint* const from = find_seated(command.connection, nullptr, now, effects);
  if (from == nullptr) return;
  const auto withdrawn = withdraw_pending(*from);
  if (from->call == nullptr) {
    if (withdrawn == nullptr) refuse(*from, ErrorCode::NotInCall, "nothing to hang up", effects);
    return;
  }
  PairCall& call = *from->call;
  call.end({.reason = call.hangup_reason(*from),
            .by = from,
            .payload = std::move(command.payload),
            .reason_from = command.reason ? ReasonFrom::Client : ReasonFrom::Server},
           now, effects);
  forget(call);
}

// ---- candidates before everything -----------------------------------------------------------------------------------

/// What was held behind an offer: goes where the offer went; or, when the offer went nowhere, what the device may have
/// meant for the call it sits in goes there. Never to anybody else: candidates tell addresses.
void PairCalls::release_held(PairEndpoint& from, KeptMessages held, Placed placed, const Now& now, Effects& effects) {
  for (KeptMessage& candidate : held.take()) {
    if (from.call == nullptr) return;  // refused; or what was sent last was too much, and ended the call
    const bool of_the_offer = placed == Placed::Yes && candidate.call == 0;
    if (!of_the_offer && candidate.call != from.call->serial()) continue;
    settle(*from.call, from.call->ice(from, std::move(candidate.payload), effects), now, effects);
  }
}

void PairCalls::hold_early(PairEndpoint& from, std::string payload, const Now& now, Effects& effects) {
  constexpr std::string_view kRefusal = "a candidate without a call";
  // Just after a call they were meant for its other side, and must not reach anybody else.
  const bool of_the_last_call =
      from.left_call_at != TimePoint::min() && now.mono - from.left_call_at < options_.early_ice_hold;
  if (of_the_last_call || users_in_calls_.contains(from.user) || options_.early_ice_hold <= Duration::zero()) {
    return refuse(from, ErrorCode::NotInCall, kRefusal, effects);
  }
  KeptMessage candidate{
      .kind = MessageKind::Ice, .payload = std::move(payload), .until = now.mono + options_.early_ice_hold};
  if (from.early.keep(std::move(candidate), options_.candidates) == Kept::Full) {
    return refuse(from, ErrorCode::NotInCall, kRefusal, effects);
  }
  deadlines_.arm({DeadlineKey::Kind::EarlyCandidates, from.id.value()}, from.early_armed,
                 from.early.all().front().until);
}

void PairCalls::expire_early(PairEndpoint& endpoint, TimePoint now, Effects& effects) {
  for (std::size_t gone = endpoint.early.drop_until(now); gone > 0; --gone) {
    refuse(endpoint, ErrorCode::NotInCall, "a candidate without a call", effects);
  }
  deadlines_.arm({DeadlineKey::Kind::EarlyCandidates, endpoint.id.value()}, endpoint.early_armed,
                 endpoint.early.empty() ? kNever : endpoint.early.all().front().until);
}

KeptMessages PairCalls::take_early(PairEndpoint& endpoint) {
  deadlines_.arm({DeadlineKey::Kind::EarlyCandidates, endpoint.id.value()}, endpoint.early_armed, kNever);
  return std::exchange(endpoint.early, {});
}

// ---- calls as a whole -----------------------------------------------------------------------------------------------

void PairCalls::settle(PairCall& call, std::optional<EndReason> verdict, const Now& now, Effects& effects) {
  if (verdict) return end(call, *verdict, now, effects);
  call.announce(effects);
  arm(call);
}

void PairCalls::end(PairCall& call, EndReason reason, const Now& now, Effects& effects) {
  call.end({.reason = reason}, now, effects);
  forget(call);
}

void PairCalls::forget(PairCall& call) {
  deadlines_.arm({DeadlineKey::Kind::Call, call.serial()}, call.armed, kNever);
  for (const UserId& user : {call.record().caller, call.record().callee}) {
    users_in_calls_.erase(user);
    presence_.disengage(user);
  }
  calls_.erase(call.serial());
}

void PairCalls::arm(PairCall& call) {
  deadlines_.arm({DeadlineKey::Kind::Call, call.serial()}, call.armed, call.deadline());
}

}  // namespace zvonok::call
