#include "call/pair_call.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::call {
namespace {

HangupReason hangup_reason_of(EndReason reason) {
  switch (reason) {
    case EndReason::Hangup: return HangupReason::Hangup;
    case EndReason::Declined: return HangupReason::Declined;
    case EndReason::Canceled: return HangupReason::Canceled;
    case EndReason::NoAnswer: return HangupReason::NoAnswer;
    case EndReason::Disconnected: return HangupReason::Disconnected;
    case EndReason::ServerShutdown: return HangupReason::ServerShutdown;
    case EndReason::Busy:     // attempts, which never become a PairCall
    case EndReason::Offline:  // the same
    case EndReason::Failed: return HangupReason::Failed;
  }
  ZVONOK_CHECK(false);
  return HangupReason::Failed;
}

/// Whether there is a device and it asked for the added events.
bool hears_added(const PairEndpoint* device) {
  return device != nullptr && device->added_events == AddedEvents::On;
}

}  // namespace

void refuse(const PairEndpoint& from, ErrorCode code, std::string_view literal, Effects& effects) {
  effects.emplace_back(DeliverError{.to = from.id, .code = code, .message = literal});
}

PairCall::PairCall(Start start, PairEndpoint& caller, const PairOptions& options)
    : serial_{start.serial},
      options_{options},
      record_{std::move(start.record)},
      ring_until_{start.ring_until},
      offer_{std::move(start.offer)} {
  caller_.device = &caller;
  caller_.name = caller.name;
  caller.call = this;
}

bool PairCall::is_with(const UserId& user, const CallTarget& target) const {
  if (const auto* const chat = std::get_if<ChatId>(&target)) return record_.chat == *chat;
  return std::get<UserId>(target) == peer_of(user);
}

CallSummary PairCall::summary_for(const PairEndpoint& device) const {
  return {.call = record_.id,
          .peer = peer_of(device.user),
          .state = record_.state,
          .role = is_caller(device) ? Role::Caller : Role::Callee};
}

// ---- seats ----------------------------------------------------------------------------------------------------------

PairCall::Seat& PairCall::seat_of(const PairEndpoint& device) {
  if (caller_.device == &device) return caller_;
  if (callee_.device == &device) return callee_;
  const auto seat = std::ranges::find(rung_, &device, &Seat::device);
  ZVONOK_CHECK(seat != rung_.end());
  return *seat;
}

PairCall::Seat* PairCall::missing_seat_of(const PairEndpoint& fresh) {
  // Names are compared as they are: two empty ones are equal, which is how nameless devices stand in for one another.
  const auto waits = [&fresh](const Seat& seat) { return seat.device == nullptr && seat.name == fresh.name; };
  if (fresh.user == record_.caller) return waits(caller_) ? &caller_ : nullptr;
  if (!ringing()) return waits(callee_) ? &callee_ : nullptr;
  const auto seat = std::ranges::find_if(rung_, waits);
  return seat == rung_.end() ? nullptr : &*seat;
}

const PairCall::Seat* PairCall::crossed_seat() const {
  const auto seat = std::ranges::find(rung_, true, &Seat::crossed);
  return seat == rung_.end() ? nullptr : &*seat;
}

std::size_t PairCall::connected_rung() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rung_, [](const Seat& seat) { return seat.device != nullptr; }));
}

template <class Visit>
void PairCall::each_seat(Role side, Visit&& visit) {
  if (side == Role::Caller) {
    visit(caller_);
  } else if (ringing()) {
    for (Seat& seat : rung_) visit(seat);
  } else {
    visit(callee_);
  }
}

// ---- sending --------------------------------------------------------------------------------------------------------

void PairCall::deliver(PairEndpoint& to, KeptMessage&& message, Effects& effects) const {
  switch (message.kind) {
    case MessageKind::Offer:
      effects.emplace_back(DeliverOffer{.to = to.id, .from = peer_of(to.user), .payload = std::move(message.payload)});
      return;
    case MessageKind::Answer:
      effects.emplace_back(DeliverAnswer{.to = to.id, .payload = std::move(message.payload)});
      return;
    case MessageKind::Ice: effects.emplace_back(DeliverIce{.to = to.id, .payload = std::move(message.payload)}); return;
  }
}

Verdict PairCall::send(Seat& to, KeptMessage&& message, Effects& effects) {
  if (to.device != nullptr) {
    deliver(*to.device, std::move(message), effects);
    return std::nullopt;
  }
  // A description or candidate lost in the middle would break the media without anybody noticing.
  if (to.for_device.keep(std::move(message), options_.for_missing_device) == Kept::Full) {
    return EndReason::Disconnected;
  }
  return std::nullopt;
}

void PairCall::present_offer(Seat& seat, Effects& effects) {
  if (hears_added(seat.device)) {
    effects.emplace_back(
        DeliverCallStarted{.to = seat.device->id, .call = record_.id, .peer = record_.caller, .role = Role::Callee});
  }
  effects.emplace_back(DeliverOffer{.to = seat.device->id, .from = record_.caller, .payload = offer_});
  for (const KeptMessage& candidate : caller_candidates_.all()) {
    effects.emplace_back(DeliverIce{.to = seat.device->id, .payload = candidate.payload});
  }
}

// ---- what devices say -----------------------------------------------------------------------------------------------

bool PairCall::can_offer(const PairEndpoint& from) const {
  if (!ringing() || is_caller(from)) return true;
  const Seat* const crossed = crossed_seat();
  return crossed == nullptr || crossed->device == &from;
}

Verdict PairCall::offer(PairEndpoint& from, std::string payload, Effects& effects) {
  if (!ringing()) {
    return send(is_caller(from) ? callee_ : caller_, {.kind = MessageKind::Offer, .payload = std::move(payload)},
                effects);
  }
  if (!is_caller(from)) return crossing_offer(from, std::move(payload), effects);
  for (const Seat& seat : rung_) {
    if (seat.device == nullptr) continue;  // gets the newest offer when it is back
    effects.emplace_back(DeliverOffer{.to = seat.device->id, .from = record_.caller, .payload = payload});
  }
  offer_ = std::move(payload);
  return std::nullopt;
}

Verdict PairCall::crossing_offer(PairEndpoint& from, std::string payload, Effects& effects) {
  Seat& seat = seat_of(from);
  seat.crossed = true;
  if (Verdict verdict = send(caller_, {.kind = MessageKind::Offer, .payload = std::move(payload)}, effects)) {
    return verdict;
  }
  return release_candidates(seat, effects);
}

Verdict PairCall::release_candidates(Seat& from, Effects& effects) {
  for (KeptMessage& candidate : from.candidates.take()) {
    if (Verdict verdict = send(caller_, std::move(candidate), effects)) return verdict;
  }
  return std::nullopt;
}

bool PairCall::can_answer(const PairEndpoint& from) const {
  return !ringing() || !is_caller(from) || crossed_seat() != nullptr;
}

Verdict PairCall::answer(PairEndpoint& from, std::string payload, const Now& now, Effects& effects) {
  KeptMessage message{.kind = MessageKind::Answer, .payload = std::move(payload)};
  if (!ringing()) return send(is_caller(from) ? callee_ : caller_, std::move(message), effects);
  if (is_caller(from)) return answer_crossing(std::move(message.payload), now, effects);
  Seat& winner = seat_of(from);
  if (Verdict verdict = send(caller_, std::move(message), effects)) return verdict;
  if (Verdict verdict = release_candidates(winner, effects)) return verdict;
  become_active(winner, now, effects);
  return std::nullopt;
}

Verdict PairCall::answer_crossing(std::string payload, const Now& now, Effects& effects) {
  const auto winner = std::ranges::find(rung_, true, &Seat::crossed);
  ZVONOK_CHECK(winner != rung_.end());
  if (winner->device == nullptr) {
    // It won't be shown the offer again, so what it missed of the caller's candidates comes first, as sent.
    std::vector<KeptMessage> candidates = caller_candidates_.take();
    for (std::size_t i = winner->candidates_seen; i < candidates.size(); ++i) {
      if (Verdict verdict = send(*winner, std::move(candidates[i]), effects)) return verdict;
    }
  }
  if (Verdict verdict = send(*winner, {.kind = MessageKind::Answer, .payload = std::move(payload)}, effects)) {
    return verdict;
  }
  become_active(*winner, now, effects);
  return std::nullopt;
}

void PairCall::become_active(Seat& winner, const Now& now, Effects& effects) {
  for (const Seat& seat : rung_) {
    if (&seat == &winner || seat.device == nullptr) continue;
    effects.emplace_back(DeliverHangup{.to = seat.device->id, .reason = HangupReason::AnsweredElsewhere});
    leave(*seat.device, now);
  }
  callee_ = std::move(winner);
  rung_ = {};
  offer_ = {};
  caller_candidates_ = {};
  ring_until_ = kNever;
  answered_ = now.mono;
  record_.state = CallState::Active;
  record_.answered_at = std::max(now.wall, record_.started_at);
  for (const PairEndpoint* device : {caller_.device, callee_.device}) {
    if (hears_added(device)) effects.emplace_back(DeliverAnswered{.to = device->id, .call = record_.id});
  }
  effects.emplace_back(SaveRecord{record_});
}

Verdict PairCall::ice(PairEndpoint& from, std::string payload, Effects& effects) {
  KeptMessage message{.kind = MessageKind::Ice, .payload = std::move(payload)};
  if (!ringing()) return send(is_caller(from) ? callee_ : caller_, std::move(message), effects);
  if (!is_caller(from)) {
    Seat& seat = seat_of(from);
    if (seat.crossed) return send(caller_, std::move(message), effects);
    if (seat.candidates.keep(std::move(message), options_.candidates) == Kept::Full) {
      refuse(from, ErrorCode::BadMessage, "too many candidates before the answer", effects);
    }
    return std::nullopt;
  }
  for (const Seat& seat : rung_) {
    if (seat.device == nullptr) continue;
    effects.emplace_back(DeliverIce{.to = seat.device->id, .payload = message.payload});
  }
  // Past the limit late devices go without: a call has a handful of candidates, and the limit is many times that.
  static_cast<void>(caller_candidates_.keep(std::move(message), options_.candidates));
  return std::nullopt;
}

EndReason PairCall::hangup_reason(const PairEndpoint& from) const {
  if (!ringing()) return EndReason::Hangup;
  return is_caller(from) ? EndReason::Canceled : EndReason::Declined;
}

// ---- devices coming and going ---------------------------------------------------------------------------------------

bool PairCall::can_ring() const {
  if (!ringing()) return false;
  return rung_.size() < options_.rung_devices_max || spare_seat() != rung_.end();
}

/// A seat that waits for a dropped device gives way to a device that is there; but not when the caller may be about to
/// answer the dropped device's offer.
std::vector<PairCall::Seat>::const_iterator PairCall::spare_seat() const {
  return std::ranges::find_if(rung_, [](const Seat& seat) { return seat.device == nullptr && !seat.crossed; });
}

void PairCall::ring(PairEndpoint& device, KeptMessages candidates, Effects& effects) {
  ZVONOK_CHECK(device.call == nullptr && can_ring());
  if (rung_.size() >= options_.rung_devices_max) rung_.erase(spare_seat());
  Seat seat;
  seat.device = &device;
  seat.name = device.name;
  seat.candidates = std::move(candidates);
  device.call = this;
  present_offer(rung_.emplace_back(std::move(seat)), effects);
}

void PairCall::lose(PairEndpoint& device, TimePoint now) {
  Seat& seat = seat_of(device);
  seat.device = nullptr;
  seat.missing_until = now + options_.reconnect_grace;
  seat.candidates_seen = caller_candidates_.size();
  device.call = nullptr;
}

bool PairCall::adopt(PairEndpoint& fresh, Effects& effects) {
  Seat* const seat = missing_seat_of(fresh);
  if (seat == nullptr) return false;
  seat->device = &fresh;
  seat->missing_until = kNever;
  fresh.call = this;
  if (ringing() && seat != &caller_) {
    present_offer(*seat, effects);
    return true;
  }
  for (KeptMessage& message : seat->for_device.take()) deliver(fresh, std::move(message), effects);
  return true;
}

void PairCall::leave(PairEndpoint& device, const Now& now) const {
  device.call = nullptr;
  device.left_call = serial_;
  device.left_call_at = now.mono;
}

void PairCall::replace(PairEndpoint& old, PairEndpoint& fresh, Effects& effects) {
  Seat& seat = seat_of(old);
  seat.device = &fresh;
  old.call = nullptr;
  fresh.call = this;
  if (ringing() && &seat != &caller_) present_offer(seat, effects);
}

void PairCall::announce(Effects& effects) {
  if (ringing() && connected_rung() != told_ringing_) {
    told_ringing_ = connected_rung();
    if (hears_added(caller_.device)) {
      effects.emplace_back(DeliverRinging{.to = caller_.device->id, .call = record_.id, .devices = told_ringing_});
    }
  }
  const auto tell = [&](bool connected, bool& told, Role other_side) {
    if (connected == told) return;
    told = connected;
    each_seat(other_side, [&](const Seat& seat) {
      if (!hears_added(seat.device)) return;
      effects.emplace_back(DeliverPeerState{.to = seat.device->id,
                                            .call = record_.id,
                                            .state = connected ? PeerState::Connected : PeerState::Reconnecting});
    });
  };
  tell(caller_.device != nullptr, told_caller_connected_, Role::Callee);
  tell(ringing() ? connected_rung() > 0 : callee_.device != nullptr, told_callee_connected_, Role::Caller);
}

// ---- time and the end -----------------------------------------------------------------------------------------------

TimePoint PairCall::deadline() const {
  TimePoint earliest = std::min({ring_until_, caller_.missing_until, callee_.missing_until});
  for (const Seat& seat : rung_) earliest = std::min(earliest, seat.missing_until);
  return earliest;
}

Verdict PairCall::expire(TimePoint now) {
  if (ring_until_ <= now) return EndReason::NoAnswer;
  if (caller_.missing_until <= now || callee_.missing_until <= now) return EndReason::Disconnected;
  std::erase_if(rung_, [now](const Seat& seat) { return seat.missing_until <= now; });
  return std::nullopt;
}

void PairCall::end(const Ending& ending, const Now& now, Effects& effects) {
  const HangupReason reason = hangup_reason_of(ending.reason);
  const Role side_of_sender = ending.by != nullptr && is_caller(*ending.by) ? Role::Caller : Role::Callee;
  for (const Role side : {Role::Caller, Role::Callee}) {
    each_seat(side, [&](Seat& seat) {
      if (seat.device == nullptr) return;
      PairEndpoint& device = *std::exchange(seat.device, nullptr);
      leave(device, now);
      if (&device == ending.by) return;
      DeliverHangup hangup{.to = device.id, .reason = reason};
      if (ending.by != nullptr && side != side_of_sender) {
        hangup.payload = ending.payload;
        hangup.reason_from = ending.reason_from;
      }
      effects.emplace_back(std::move(hangup));
    });
  }
  if (!ringing()) {
    record_.duration_seconds = std::chrono::floor<seconds>(now.mono - answered_).count();
  }
  record_.state = CallState::Ended;
  record_.reason = ending.reason;
  record_.ended_at = std::max(now.wall, record_.answered_at.value_or(record_.started_at));
  effects.emplace_back(SaveRecord{record_});
}

PairCall::KeptCounts PairCall::kept() const {
  KeptCounts counts;
  const auto add = [&counts](const KeptMessages& kept) {
    counts.messages += kept.size();
    counts.bytes += kept.bytes();
  };
  add(caller_candidates_);
  for (const Seat* seat : {&caller_, &callee_}) {
    add(seat->for_device);
    add(seat->candidates);
  }
  for (const Seat& seat : rung_) {
    add(seat.for_device);
    add(seat.candidates);
  }
  return counts;
}

}  // namespace zvonok::call
