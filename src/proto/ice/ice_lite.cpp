#include "proto/ice/ice_lite.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "proto/stun/binding.h"

namespace zvonok::ice {
namespace {

constexpr stun::ErrorCode kRoleConflict{.code = 487, .reason = "Role Conflict"};
constexpr stun::ErrorCode kUnknownAttribute{.code = 420, .reason = "Unknown Attribute"};

}  // namespace

std::string_view to_text(State state) {
  switch (state) {
    case State::New: return "new";
    case State::Checking: return "checking";
    case State::Connected: return "connected";
    case State::Suspect: return "suspect";
    case State::Disconnected: return "disconnected";
    case State::Failed: return "failed";
  }
  std::abort();
}

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::Accepted: return "accepted";
    case Verdict::RoleConflict: return "role_conflict";
    case Verdict::UnknownAttributes: return "unknown_attributes";
    case Verdict::Malformed: return "malformed";
    case Verdict::NotBindingRequest: return "not_binding_request";
    case Verdict::BadFingerprint: return "bad_fingerprint";
    case Verdict::NoUsername: return "no_username";
    case Verdict::UnknownUfrag: return "unknown_ufrag";
    case Verdict::WrongRemoteUfrag: return "wrong_remote_ufrag";
    case Verdict::RateLimited: return "rate_limited";
    case Verdict::BadIntegrity: return "bad_integrity";
    case Verdict::Failed: return "failed";
  }
  std::abort();
}

IceLite::Generation::Generation(Credentials credentials, std::uint64_t its_number)
    : local{std::move(credentials)}, key{local.pwd}, number{its_number} {}

IceLite::IceLite(TimePoint now, Credentials local, Options options)
    : options_{options},
      current_{std::move(local), 0},
      checks_of_valid_{options.checks, now},
      checks_of_others_{options.checks, now} {
  ZVONOK_CHECK(options_.tuples_max >= 2);  // the selected path and the one that may replace it
  tuples_.reserve(options_.tuples_max);
  removed_.reserve(options_.tuples_max);
}

// ---- what signalling says ------------------------------------------------------------------------------------------

void IceLite::set_remote(TimePoint now, const Credentials& remote) {
  Generation& generation = newest();
  if (generation.remote_ufrag == remote.ufrag) return;
  const bool first = !generation.remote_ufrag;
  generation.remote_ufrag = remote.ufrag;
  waiting_since_ = now;
  const bool had_path = selected_ != kNone;
  // Who came before the description may turn out to be a stranger. With other credentials later on, the old pair is good
  // until one of the new is found (RFC 8445 section 9).
  for (std::size_t i = first ? tuples_.size() : 0; i-- > 0;) {
    const Tuple& tuple = tuples_[i];
    if (tuple.generation == generation.number && tuple.remote_ufrag != remote.ufrag) erase_tuple(i);
  }
  if (had_path && selected_ == kNone) select_best_left();
  if (tuples_.empty() && had_path) last_heard_.reset();  // they were a stranger's
  update_state(now);
}

void IceLite::restart(TimePoint now, Credentials local) {
  update_state(now);
  ZVONOK_CHECK(local.ufrag != current_.local.ufrag && (!pending_ || local.ufrag != pending_->local.ufrag));
  Generation next{std::move(local), newest().number + 1};
  waiting_since_.reset();
  if (state_ == State::Failed) {
    retired_.push_back(std::exchange(current_, std::move(next)).local.ufrag);
    last_heard_.reset();
    state_ = State::New;
    return;
  }
  if (pending_) retired_.push_back(std::move(pending_->local.ufrag));
  pending_.emplace(std::move(next));
  if (last_heard_) waiting_since_ = now;
  update_state(now);
}

// ---- checks --------------------------------------------------------------------------------------------------------

Verdict IceLite::authenticate(TimePoint now, const Path& path, Bytes packet, Check& check) {
  if (state_ == State::Failed) return Verdict::Failed;
  const auto message = stun::parse(packet);
  if (!message) return Verdict::Malformed;
  if (message->message_class != stun::MessageClass::Request || message->method != stun::kBinding) {
    return Verdict::NotBindingRequest;
  }
  if (!stun::has_fingerprint(*message)) return Verdict::BadFingerprint;
  const std::string_view username = message->username.value_or("");
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos) return Verdict::NoUsername;
  const std::string_view local_ufrag = username.substr(0, colon);
  const std::string_view remote_ufrag = username.substr(colon + 1);
  Generation* const generation = pending_ && pending_->local.ufrag == local_ufrag ? &*pending_
                                 : current_.local.ufrag == local_ufrag            ? &current_
                                                                                  : nullptr;
  if (generation == nullptr) return Verdict::UnknownUfrag;
  if (generation->remote_ufrag && *generation->remote_ufrag != remote_ufrag) return Verdict::WrongRemoteUfrag;
  TokenBucket& bucket = is_valid(path) ? checks_of_valid_ : checks_of_others_;
  if (!bucket.take(1, now)) return Verdict::RateLimited;
  if (!stun::has_integrity(*message, generation->key)) return Verdict::BadIntegrity;
  check = {.message = *message, .generation = generation, .remote_ufrag = remote_ufrag};
  if (!message->not_understood.empty()) return Verdict::UnknownAttributes;
  if (message->ice_controlled) return Verdict::RoleConflict;
  return Verdict::Accepted;
}

Outcome IceLite::handle_request(TimePoint now, const Path& path, Bytes packet, MutableBytes response_buffer) {
  ZVONOK_CHECK(response_buffer.size() >= kResponseBytesMax);
  update_state(now);
  Check check;
  const Verdict verdict = authenticate(now, path, packet, check);
  if (check.generation == nullptr) return {.verdict = verdict};
  if (verdict != Verdict::Accepted) return refuse(check, verdict, response_buffer);

  const stun::BindingSuccess success{.transaction = check.message.transaction, .mapped = path.remote};
  Outcome outcome{.verdict = verdict};
  outcome.response_bytes = stun::write_binding_success(response_buffer, success, &check.generation->key);
  const std::optional<Path> before = selected();
  accept(now, path, check);
  if (selected() != before) outcome.selection = Selection::Changed;
  update_state(now);
  return outcome;
}

Outcome IceLite::refuse(const Check& check, Verdict verdict, MutableBytes response_buffer) {
  stun::BindingError error{.transaction = check.message.transaction, .error = kRoleConflict};
  if (verdict == Verdict::UnknownAttributes) {
    error.error = kUnknownAttribute;
    error.unknown_attributes = check.message.not_understood.types();
  }
  return {.verdict = verdict,
          .response_bytes = stun::write_binding_error(response_buffer, error, &check.generation->key)};
}

/// The check may be believed. `check.generation` is not to be used after a promotion.
void IceLite::accept(TimePoint now, const Path& path, const Check& check) {
  const bool first_of_restart = pending_ && check.generation == &*pending_;
  const std::uint64_t generation = check.generation->number;
  if (first_of_restart) promote_pending();
  std::size_t index = find(path);
  if (index == kNone) index = add_tuple(path);
  Tuple& tuple = tuples_[index];
  tuple.heard = now;
  tuple.generation = generation;
  tuple.remote_ufrag = check.remote_ufrag;
  if (selected_ == kNone || first_of_restart || check.message.use_candidate) selected_ = index;
  last_heard_ = tuples_[selected_].heard;
}

/// Paths of the old generation stay valid until they are silent: packets that are under way on them are still good.
void IceLite::promote_pending() {
  retired_.push_back(std::exchange(current_, std::move(*pending_)).local.ufrag);
  pending_.reset();
}

// ---- paths ---------------------------------------------------------------------------------------------------------

std::size_t IceLite::find(const Path& path) const {
  if (selected_ != kNone && tuples_[selected_].path == path) return selected_;
  for (std::size_t i = 0; i < tuples_.size(); ++i) {
    if (tuples_[i].path == path) return i;
  }
  return kNone;
}

std::size_t IceLite::add_tuple(const Path& path) {
  if (tuples_.size() == options_.tuples_max) {
    std::size_t oldest = kNone;
    for (std::size_t i = 0; i < tuples_.size(); ++i) {
      if (i != selected_ && (oldest == kNone || tuples_[i].heard < tuples_[oldest].heard)) oldest = i;
    }
    erase_tuple(oldest);
  }
  tuples_.push_back({.path = path});
  return tuples_.size() - 1;
}

void IceLite::erase_tuple(std::size_t index) {
  if (tuples_[index].reported) removed_.push_back(tuples_[index].path);
  tuples_.erase(tuples_.begin() + static_cast<std::ptrdiff_t>(index));
  if (selected_ == index) {
    selected_ = kNone;
  } else if (selected_ != kNone && selected_ > index) {
    --selected_;
  }
}

void IceLite::select_best_left() {
  const auto rank = [](const Tuple& tuple) { return std::pair{tuple.generation, tuple.heard}; };
  const auto best = std::ranges::max_element(tuples_, {}, rank);
  if (best == tuples_.end()) return;
  selected_ = static_cast<std::size_t>(best - tuples_.begin());
  last_heard_ = best->heard;
}

void IceLite::remove_path(TimePoint now, const Path& path) {
  if (const std::size_t index = find(path); index != kNone) {
    const bool was_selected = index == selected_;
    erase_tuple(index);
    if (was_selected) select_best_left();
  }
  update_state(now);
}

void IceLite::note_media(TimePoint now, const Path& path) {
  const std::size_t index = find(path);
  if (index == kNone) return;
  // Silence that has lasted until now may have ended consent, whether or not the timer has said so.
  if (now >= fails_at()) return update_state(now);
  tuples_[index].heard = now;
  if (index != selected_) return;
  last_heard_ = now;
  if (state_ != State::Connected) update_state(now);
}

std::optional<Path> IceLite::selected() const {
  return selected_ == kNone ? std::nullopt : std::optional{tuples_[selected_].path};
}

std::optional<Path> IceLite::send_path() const {
  return state_ == State::Connected || state_ == State::Suspect ? selected() : std::nullopt;
}

// ---- time ----------------------------------------------------------------------------------------------------------

/// When nothing more comes. A restart gets its time for the first check even when the old path dies meanwhile.
TimePoint IceLite::fails_at() const {
  TimePoint at = TimePoint::max();
  if (waiting_since_ && (!last_heard_ || pending_)) at = *waiting_since_ + options_.first_check_timeout;
  if (last_heard_) {
    const TimePoint silent_at = *last_heard_ + options_.failed_after;
    at = at == TimePoint::max() ? silent_at : std::max(at, silent_at);
  }
  return at;
}

State IceLite::state_at(TimePoint now) const {
  if (state_ == State::Failed || now >= fails_at()) return State::Failed;
  if (!last_heard_) return waiting_since_ ? State::Checking : State::New;
  const Duration silence = now - *last_heard_;
  if (selected_ == kNone || silence >= options_.disconnected_after) return State::Disconnected;
  return silence >= options_.suspect_after ? State::Suspect : State::Connected;
}

void IceLite::update_state(TimePoint now) {
  const State next = state_at(now);
  if (next == State::Failed && state_ != State::Failed) return fail_now();
  state_ = next;
  for (std::size_t i = tuples_.size(); i-- > 0;) {
    if (i != selected_ && now - tuples_[i].heard >= options_.failed_after) erase_tuple(i);
  }
}

void IceLite::fail_now() {
  while (!tuples_.empty()) erase_tuple(tuples_.size() - 1);
  if (pending_) promote_pending();
  waiting_since_.reset();
  state_ = State::Failed;
}

void IceLite::handle_timeout(TimePoint now) {
  update_state(now);
}

std::optional<TimePoint> IceLite::next_timeout() const {
  if (state_ == State::Failed) return std::nullopt;
  TimePoint at = fails_at();
  if (last_heard_ && selected_ != kNone) {
    if (state_ == State::Connected) at = std::min(at, *last_heard_ + options_.suspect_after);
    if (state_ == State::Suspect) at = std::min(at, *last_heard_ + options_.disconnected_after);
  }
  for (std::size_t i = 0; i < tuples_.size(); ++i) {
    if (i != selected_) at = std::min(at, tuples_[i].heard + options_.failed_after);
  }
  return at == TimePoint::max() ? std::nullopt : std::optional{at};
}

// ---- events --------------------------------------------------------------------------------------------------------

std::optional<Event> IceLite::poll_event() {
  if (!retired_.empty()) {
    UfragRetired event{std::move(retired_.back())};
    retired_.pop_back();
    return event;
  }
  if (!removed_.empty()) {
    const PathRemoved event{removed_.back()};
    removed_.pop_back();
    return event;
  }
  for (Tuple& tuple : tuples_) {
    if (!std::exchange(tuple.reported, true)) return PathAdded{tuple.path};
  }
  if (const std::optional<Path> path = selected(); path != polled_path_) {
    polled_path_ = path;
    return PathSelected{path};
  }
  if (state_ != polled_state_) {
    polled_state_ = state_;
    return StateChanged{state_};
  }
  return std::nullopt;
}

}  // namespace zvonok::ice
