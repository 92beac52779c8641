// See net_sim.h.
#include "support/net_sim.h"

#include <algorithm>
#include <utility>

namespace zvonok::test {

GilbertElliott GilbertElliott::of(double mean_loss, double mean_burst) {
  const double leave = 1 / mean_burst;
  return {.good_to_bad = leave * mean_loss / (1 - mean_loss), .bad_to_good = leave};
}

Link::Link(LinkProfile profile, std::uint64_t seed) : profile_{std::move(profile)}, state_{seed} {}

/// SplitMix64, of which the upper 53 bits make a number in [0, 1).
double Link::uniform() {
  state_ += 0x9E3779B97F4A7C15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

bool Link::chance(double probability) {
  return probability > 0 && uniform() < probability;
}

bool Link::is_lost() {
  bool lost = chance(profile_.loss);
  if (profile_.burst_loss) {
    const GilbertElliott& chain = *profile_.burst_loss;
    if (chance(is_bad_ ? chain.bad_to_good : chain.good_to_bad)) is_bad_ = !is_bad_;
    lost = chance(is_bad_ ? chain.loss_in_bad : chain.loss_in_good) || lost;
  }
  return lost;
}

void Link::set_profile(TimePoint now, const LinkProfile& profile) {
  advance(now);
  profile_ = profile;
}

void Link::schedule(TimePoint at, const LinkProfile& profile) {
  changes_.push_back({.at = at, .profile = profile});
}

void Link::advance(TimePoint to) {
  while (!changes_.empty() && changes_.front().at <= to) {
    serve(changes_.front().at);
    profile_ = changes_.front().profile;
    changes_.pop_front();
  }
  serve(to);
}

/// Lets the queue out at the bandwidth of the present profile.
void Link::serve(TimePoint to) {
  TimePoint at = std::max(served_, TimePoint{});
  while (!queue_.empty()) {
    Queued& head = queue_.front();
    Duration needed{};
    if (profile_.bandwidth_bps > 0) {
      needed = Duration{static_cast<std::int64_t>(head.bits_left * 1e9 / static_cast<double>(profile_.bandwidth_bps))};
    }
    if (at + needed > to) {
      const double done = static_cast<double>((to - at).count()) * static_cast<double>(profile_.bandwidth_bps) / 1e9;
      head.bits_left -= done;
      queued_bits_ -= done;
      break;
    }
    at += needed;
    queued_bits_ -= head.bits_left;
    Queued leaving = std::move(head);
    queue_.pop_front();
    if (queue_.empty()) queued_bits_ = 0;
    depart(at, std::move(leaving));
  }
  served_ = std::max(served_, to);
}

void Link::send(TimePoint now, Datagram datagram) {
  advance(now);
  ++stats_.sent;
  if (hook_ && hook_(now, datagram) == Verdict::Drop) {
    ++stats_.lost;
    return;
  }
  const double bits = 8.0 * static_cast<double>(datagram.wire_bytes() + profile_.overhead_bytes);
  const bool too_many = profile_.queue_limit_bytes > 0 && profile_.bandwidth_bps > 0 &&
                        queued_bits_ + bits > 8.0 * static_cast<double>(profile_.queue_limit_bytes);
  const bool too_long = profile_.queue_limit > Duration::zero() && queue_delay(now) > profile_.queue_limit;
  if (too_many || too_long) {
    ++stats_.overflowed;
    return;
  }
  queue_.push_back({.datagram = std::move(datagram), .sent = now, .bits_left = bits});
  queued_bits_ += bits;
  if (profile_.bandwidth_bps == 0) serve(now);
}

void Link::depart(TimePoint at, Queued queued) {
  if (is_lost()) {
    ++stats_.lost;
    return;
  }
  Duration travel = profile_.delay;
  if (profile_.jitter > Duration::zero()) {
    travel += Duration{static_cast<std::int64_t>((2 * uniform() - 1) * static_cast<double>(profile_.jitter.count()))};
    travel = std::max(travel, Duration::zero());
  }
  const bool is_late = chance(profile_.reorder);
  const bool is_double = chance(profile_.duplicate);
  TimePoint arrival = at + travel;
  switch (profile_.order) {
    case LinkProfile::Order::Kept: arrival = std::max(arrival, last_arrival_); break;
    case LinkProfile::Order::Free: break;
  }
  // A packet that is held back holds up nobody else.
  if (is_late) {
    arrival += profile_.reorder_by;
  } else {
    last_arrival_ = std::max(last_arrival_, arrival);
  }
  if (is_double) {
    ++stats_.duplicated;
    deliver(arrival, queued.sent, queued.datagram);
  }
  deliver(arrival, queued.sent, std::move(queued.datagram));
}

void Link::deliver(TimePoint at, TimePoint sent, Datagram datagram) {
  const auto place = std::upper_bound(on_the_way_.begin(), on_the_way_.end(), at,
                                      [](TimePoint time, const Arrival& other) { return time < other.at; });
  on_the_way_.insert(place, {.at = at, .sent = sent, .datagram = std::move(datagram)});
}

std::optional<TimePoint> Link::next_arrival() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](TimePoint at) { next = next ? std::min(*next, at) : at; };
  if (!on_the_way_.empty()) consider(on_the_way_.front().at);
  if (!queue_.empty()) {
    // One nanosecond more than the division says: serve() rounds the same way, and a wake-up for nothing would loop.
    const auto bandwidth = static_cast<double>(profile_.bandwidth_bps);
    const double wait = bandwidth > 0 ? queue_.front().bits_left * 1e9 / bandwidth : 0;
    consider(served_ + Duration{1 + static_cast<std::int64_t>(wait)});
    if (!changes_.empty()) consider(changes_.front().at);
  }
  return next;
}

std::vector<Arrival> Link::poll(TimePoint now) {
  advance(now);
  std::vector<Arrival> arrived;
  while (!on_the_way_.empty() && on_the_way_.front().at <= now) {
    arrived.push_back(std::move(on_the_way_.front()));
    on_the_way_.pop_front();
  }
  stats_.delivered += arrived.size();
  return arrived;
}

Duration Link::queue_delay(TimePoint now) {
  advance(now);
  if (profile_.bandwidth_bps == 0) return {};
  return Duration{static_cast<std::int64_t>(queued_bits_ * 1e9 / static_cast<double>(profile_.bandwidth_bps))};
}

}  // namespace zvonok::test
