#include "adapter/tunnel_xray/traffic_meter.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace zvonok::tunnel_xray {
namespace {

constexpr std::string_view kSides = "cp";
constexpr std::size_t kSingleReadings = 2;  // of ended calls; for more of them all counters are read at once

}  // namespace

TrafficMeter::TrafficMeter(MeterOptions options, UserApi& api, Logger& log)
    : options_{std::move(options)}, api_{api}, log_{log}, retry_{options_.retry_first} {}

std::string TrafficMeter::email(std::size_t number, std::size_t side) const {
  return options_.prefix + "." + std::to_string(number) + kSides[side];
}

std::optional<TrafficMeter::Place> TrafficMeter::place_of(const TrafficCounter& counter) const {
  std::string_view text = counter.email;
  if (!text.starts_with(options_.prefix)) return std::nullopt;
  text.remove_prefix(options_.prefix.size());
  if (text.size() < 3 || text.front() != '.') return std::nullopt;
  const std::size_t side = kSides.find(text.back());
  if (side == std::string_view::npos) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  Place place;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place.number);
  if (error != std::errc{} || end != text.data() + text.size() || place.number >= options_.numbers_max) {
    return std::nullopt;
  }
  place.way = side * 2 + (counter.way == TrafficWay::Uplink ? 0 : 1);
  return place;
}

TrafficMeter::Number& TrafficMeter::at(std::size_t number) {
  if (number >= numbers_.size()) {
    Number fresh;
    fresh.is_known = has_baseline_;
    numbers_.resize(number + 1, fresh);
  }
  return numbers_[number];
}

// ---- calls ---------------------------------------------------------------------------------------------------------

void TrafficMeter::begin(std::size_t number, TimePoint now) {
  Number& entry = at(number);
  entry.sum = {};
  entry.is_used = true;
  entry.was_read = false;
  entry.counts = std::exchange(entry.is_known, false);
  if (!is_needed()) read_at_ = now + options_.interval;
  ++used_;
}

void TrafficMeter::end(std::size_t number, Used used, TimePoint now) {
  Ended ended{.number = number, .used = std::move(used), .until = now + options_.answer_timeout};
  if (!at(number).counts) return leave_out(std::move(ended), Uncounted::NoStart);
  if (service_ == Service::Refused) return give_up(std::move(ended));
  ended_.push_back(std::move(ended));
}

void TrafficMeter::drop(std::size_t number) {
  numbers_[number].is_used = false;
  --used_;
}

void TrafficMeter::rest(std::size_t number, TimePoint now) {
  at(number).rest_until = now + options_.rest;
  resting_.push_back(number);
}

/// Those that nobody can count for need no rest; without a reading they are not known when they are used again.
std::vector<std::size_t> TrafficMeter::take_rested(TimePoint now) {
  const auto can_go = [&](std::size_t number) {
    if (numbers_[number].is_used) return false;
    return service_ == Service::Refused || resting_.size() > options_.resting_max ||
           (service_ == Service::Silent && numbers_[number].rest_until <= now);
  };
  while (!resting_.empty() && can_go(resting_.front())) {
    rested_.push_back(resting_.front());
    resting_.pop_front();
  }
  return std::exchange(rested_, {});
}

void TrafficMeter::tell(Ended ended, Whole whole) {
  const Values& sum = numbers_[ended.number].sum;
  if (sum == Values{} && !has_counters_) {
    if (!std::exchange(told_of_silence_, true)) {
      log_.warn(
          "the tunnel server shows no traffic of any user: either there was none, or its policy lacks "
          "statsUserUplink and statsUserDownlink (`zvonok xray-config` has them)");
    }
    return leave_out(std::move(ended), Uncounted::NoCounters);
  }
  ++(whole == Whole::Yes ? counters_.counted : counters_.partly);
  const Sides sides{SideBytes{.sent = sum[0], .received = sum[1]}, SideBytes{.sent = sum[2], .received = sum[3]}};
  drop(ended.number);
  if (ended.used) ended.used(sides);
}

/// What was read before is better than nothing.
void TrafficMeter::give_up(Ended ended) {
  if (!numbers_[ended.number].was_read) return leave_out(std::move(ended), Uncounted::NoAnswer);
  tell(std::move(ended), Whole::No);
}

void TrafficMeter::leave_out(Ended ended, Uncounted why) {
  ++counters_.uncounted[static_cast<std::size_t>(why)];
  drop(ended.number);
  if (ended.used) ended.used(std::nullopt);
}

void TrafficMeter::tell_all() {
  for (Ended& ended : std::exchange(ended_, {})) tell(std::move(ended), Whole::Yes);
}

void TrafficMeter::expire(TimePoint now) {
  while (!ended_.empty() && (ended_.front().until <= now || service_ == Service::Refused)) {
    Ended late = std::move(ended_.front());
    ended_.pop_front();
    give_up(std::move(late));
  }
}

// ---- the server ----------------------------------------------------------------------------------------------------

/// All of its counters are gone, and so are the connections that moved those of nobody's numbers.
void TrafficMeter::server_restarted(TimePoint now) {
  for (Number& number : numbers_) {
    number.seen = {};
    number.is_known = !number.is_used;
  }
  has_baseline_ = true;
  has_counters_ = false;
  told_of_silence_ = false;
  if (service_ != Service::Usable) retry_at_ = now;  // it may have another configuration
}

void TrafficMeter::lose_baseline() {
  for (Number& number : numbers_) number.is_known = false;
  has_baseline_ = false;
}

bool TrafficMeter::is_needed() const {
  return used_ > 0 || !resting_.empty() || has_values_ || !has_baseline_;
}

bool TrafficMeter::is_due(TimePoint now) const {
  if ((service_ == Service::Silent || service_ == Service::Refused) && now < retry_at_) return false;
  return !ended_.empty() || !has_baseline_ || (is_needed() && read_at_ <= now);
}

TimePoint TrafficMeter::next(bool is_reachable) const {
  TimePoint when = TimePoint::max();
  if (!ended_.empty()) when = ended_.front().until;
  if (!is_reachable) return when;
  const bool pauses = service_ == Service::Silent || service_ == Service::Refused;
  if (!ended_.empty() || !has_baseline_) return std::min(when, pauses ? retry_at_ : TimePoint{});
  return is_needed() ? std::min(when, pauses ? std::max(retry_at_, read_at_) : read_at_) : when;
}

/// Beginnings of emails.
std::vector<std::string> TrafficMeter::what_to_ask(bool all) const {
  if (all) return {options_.prefix + "."};
  std::vector<std::string> out;
  for (const Ended& ended : ended_) out.push_back(options_.prefix + "." + std::to_string(ended.number));
  return out;
}

void TrafficMeter::read(TimePoint now, const Confirm& confirm) {
  const bool all = !has_baseline_ || read_at_ <= now || ended_.size() > kSingleReadings;
  const Reset reset = all && used_ == 0 ? Reset::Yes : Reset::No;
  std::vector<TrafficCounter> counters;
  bool is_good = true;
  for (const std::string& prefix : what_to_ask(all)) {
    TrafficAnswer answer = api_.traffic(prefix, reset);
    is_good = answer.status == ApiStatus::Done;
    if (!is_good) {
      failed(answer, now);
      break;
    }
    std::ranges::move(answer.counters, std::back_inserter(counters));
  }
  // What a server says that has restarted meanwhile could be of either life.
  if (!is_good || !confirm()) {
    if (reset == Reset::Yes) lose_baseline();  // it may have been done
    return;
  }
  succeeded();
  all ? take_all(counters, reset, now) : take_some(counters);
  tell_all();
}

/// A counter that is less than before has begun anew.
void TrafficMeter::add(Number& number, std::size_t way, std::int64_t value) const {
  std::int64_t& seen = number.seen[way];
  if (number.is_used) number.sum[way] += value >= seen ? value - seen : value;
  seen = value;
}

void TrafficMeter::take_all(const std::vector<TrafficCounter>& counters, Reset reset, TimePoint now) {
  std::vector<Values> values(numbers_.size());
  bool has_values = false;
  for (const TrafficCounter& counter : counters) {
    const auto place = place_of(counter);
    if (!place) continue;
    has_counters_ = true;
    has_values = has_values || counter.bytes > 0;
    if (place->number >= values.size()) values.resize(place->number + 1);
    values[place->number][place->way] = counter.bytes;
  }
  if (!values.empty()) (void)at(values.size() - 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    Number& number = numbers_[i];
    // Somebody still uses the connections of a call that is over: removing a user does not cut them.
    if (has_baseline_ && !number.is_used && values[i] != number.seen) number.rest_until = now + options_.rest;
    for (std::size_t way = 0; way < kWays; ++way) add(number, way, values[i][way]);
    if (reset == Reset::Yes) number.seen = {};
    if (number.is_used) {
      number.was_read = true;
    } else {
      number.is_known = number.rest_until <= now;
    }
  }
  has_values_ = has_values && reset == Reset::No;
  has_baseline_ = true;
  read_at_ = now + options_.interval;
  free_rested(now);
}

void TrafficMeter::free_rested(TimePoint now) {
  std::erase_if(resting_, [&](std::size_t number) {
    const bool is_free = numbers_[number].rest_until <= now && !numbers_[number].is_used;
    if (is_free) rested_.push_back(number);
    return is_free;
  });
}

/// Of ended calls. Others come along whose numbers begin alike: a reading like any other.
void TrafficMeter::take_some(const std::vector<TrafficCounter>& counters) {
  for (const TrafficCounter& counter : counters) {
    const auto place = place_of(counter);
    if (!place || place->number >= numbers_.size()) continue;
    has_counters_ = true;
    has_values_ = true;
    add(numbers_[place->number], place->way, counter.bytes);
  }
}

void TrafficMeter::failed(const TrafficAnswer& answer, TimePoint now) {
  ++counters_.failures;
  const Service before = service_;
  service_ = answer.status == ApiStatus::Refused ? Service::Refused : Service::Silent;
  if (service_ == Service::Refused) {
    retry_at_ = now + options_.refusal_pause;
  } else {
    retry_at_ = now + retry_;
    retry_ = std::min(retry_ * 2, options_.retry_max);
  }
  if (before == Service::Silent || before == Service::Refused) return;
  log_.warn("the tunnel server does not tell what calls use: their bytes are left out of the history",
            {{"error", answer.detail}});
}

void TrafficMeter::succeeded() {
  ++counters_.readings;
  if (service_ == Service::Silent || service_ == Service::Refused) {
    log_.info("the tunnel server tells what calls use again");
  }
  service_ = Service::Usable;
  retry_ = options_.retry_first;
}

void TrafficMeter::finish() {
  if (service_ == Service::Usable) {
    const TrafficAnswer answer = api_.traffic(options_.prefix + ".", Reset::Yes);
    if (answer.status == ApiStatus::Done) {
      take_all(answer.counters, Reset::Yes, TimePoint{});
      return tell_all();
    }
  }
  for (Ended& ended : std::exchange(ended_, {})) give_up(std::move(ended));
}

}  // namespace zvonok::tunnel_xray
