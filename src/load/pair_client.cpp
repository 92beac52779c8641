#include "load/pair_client.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "load/pair_dialect.h"
#include "proto/json_scan.h"

namespace zvonok::load {
namespace {

/// Who was stopped for longer than this does not catch up.
constexpr Duration kLate = seconds{1};

}  // namespace

PairClient::PairClient(PairOptions options, PairCourse& course, PairOutlet& outlet)
    : options_{std::move(options)}, course_{course}, outlet_{outlet} {
  if (options_.messages_per_second <= 0) return;
  message_interval_ = Duration{static_cast<std::int64_t>(1e9 / options_.messages_per_second)};
}

void PairClient::on_open(TimePoint) {
  outlet_.send_text(pair_message("client:hello", "{}"));
  if (!options_.watched.empty()) outlet_.send_text(pair_message("presence:watch", watch_payload(options_.watched)));
}

// ---- calls ----------------------------------------------------------------------------------------------------------

void PairClient::relay(TimePoint now, std::string_view event, std::string_view name, std::size_t bytes,
                       std::string_view extra) {
  if (course_.measures(now)) ++course_.relays_sent;
  outlet_.send_text(pair_message(event, stamped_payload(name, bytes, extra, now)));
}

void PairClient::send_candidates(TimePoint now) {
  for (unsigned i = 0; i < options_.candidates; ++i) relay(now, "call:ice", "candidate", options_.message_bytes);
}

void PairClient::call(TimePoint now, Duration hold) {
  state_ = State::Calling;
  called_at_ = now;
  hold_ = hold;
  deadline_ = now + options_.answer_timeout;
  if (course_.measures(now)) ++course_.calls_begun;
  std::string whom = ",\"userId\":";
  json::append_string(whom, options_.partner);
  relay(now, "call:offer", "sdp", options_.description_bytes, whom);
  send_candidates(now);
}

void PairClient::begin_call(TimePoint now) {
  state_ = State::InCall;
  if (options_.messages_per_second <= 0) return;
  // Each at a phase of its own.
  const std::uint64_t phase = std::hash<std::string>{}(options_.user) % 1000;
  next_message_ = now + message_interval_ * static_cast<std::int64_t>(phase) / 1000;
}

void PairClient::end_call(TimePoint now) {
  state_ = State::Idle;
  idle_since_ = now;
  deadline_ = next_message_ = TimePoint::max();
}

void PairClient::fail_call(TimePoint now, const std::string& why) {
  constexpr std::size_t kReasonsMax = 32;
  if (course_.refusals.size() < kReasonsMax || course_.refusals.contains(why)) ++course_.refusals[why];
  if (state_ != State::Idle && options_.role == PairOptions::Role::Calls) ++course_.calls_failed;
  end_call(now);
}

void PairClient::on_answer(TimePoint now) {
  if (state_ != State::Calling) return;
  if (course_.measures(called_at_)) {
    ++course_.calls_set_up;
    course_.set_up.add(now - called_at_);
  }
  deadline_ = hold_ == Duration::max() ? TimePoint::max() : now + hold_;
  begin_call(now);
}

void PairClient::hang_up(TimePoint now) {
  if (state_ == State::Idle) return;
  relay(now, "call:hangup", "reason", 6);
  end_call(now);
}

void PairClient::on_hangup(TimePoint now, const std::string& reason) {
  if (state_ == State::Idle) return;  // the echo of our own
  if (options_.role == PairOptions::Role::Calls) return fail_call(now, "hangup " + reason);
  if (course_.measures(now)) ++course_.calls_ended;
  end_call(now);
}

void PairClient::on_text(TimePoint now, std::string_view text) {
  const auto message = read_pair_message(text);
  if (!message) {
    ++course_.unreadable;
    return;
  }
  if (!message->sent) {
    if (course_.measures(now)) ++course_.news;
  } else if (course_.measures(*message->sent)) {
    ++course_.relays_came;
    course_.relay.add(now - *message->sent);
  }
  switch (message->event) {
    case PairMessage::Event::Hello: ready_ = true; return;
    case PairMessage::Event::Offer:
      relay(now, "call:answer", "sdp", options_.description_bytes);
      send_candidates(now);
      return begin_call(now);
    case PairMessage::Event::Answer: return on_answer(now);
    case PairMessage::Event::Hangup: return on_hangup(now, message->text);
    case PairMessage::Event::Error: return fail_call(now, "error " + message->text);
    case PairMessage::Event::Ice:
    case PairMessage::Event::Presence:
    case PairMessage::Event::Other: return;
  }
}

// ---- time -----------------------------------------------------------------------------------------------------------

void PairClient::handle_timeout(TimePoint now) {
  if (deadline_ <= now) {
    if (state_ == State::InCall) return hang_up(now);
    hang_up(now);
    ++course_.calls_failed;
    ++course_.refusals["no answer"];
    return;
  }
  while (next_message_ <= now) {
    relay(now, "call:ice", "candidate", options_.message_bytes);
    next_message_ += message_interval_;
    if (now - next_message_ > kLate) next_message_ = now + message_interval_;
  }
}

TimePoint PairClient::next_timeout() const {
  return std::min(deadline_, next_message_);
}

}  // namespace zvonok::load
