// How long a busy loop waits between turns, so that one turn does the work of several: what a turn costs besides its
// datagrams (waking up, system calls) is then paid less often, and datagrams for the same receiver leave as one train.
// Network cards moderate their interrupts for the same reason. An idle loop never waits: a thread that is not short of
// time has no need of it.
//
// And how long a loop that is woken by the first datagram of a burst waits for the others: a frame of video comes in
// several datagrams at once, each for many receivers, and forwarding the first alone costs most of what forwarding all
// of them does. It waits for a part of what a turn takes it anyway, so a loop with little to do for a datagram does not
// wait at all.
//
// Reads no clock.
#pragma once
#include <algorithm>
#include <cstddef>

#include "base/time.h"

namespace zvonok::net {

class TurnGap {
 public:
  /// `most`: the gap of a busy loop; zero switches it off. `crowd`: only turns with so many events count as work. One
  /// client that asks again as soon as it is answered makes a loop busy too, and would only wait. `burst`: the longest
  /// wait for the rest of a burst; zero switches that off.
  explicit TurnGap(Duration most, std::size_t crowd = 0, Duration burst = Duration::zero())
      : most_{most}, crowd_{crowd}, burst_{burst} {}

  /// A turn's work, from waking up until everything was sent.
  void on_turn(TimePoint started, TimePoint ended, std::size_t events) {
    if (most_ == Duration::zero() && burst_ == Duration::zero()) return;
    if (events >= crowd_) {
      worked_ += ended - started;
      worked_squared_ += squared(ended - started);
    }
    const Duration passed = ended - since_;
    if (passed < kWindow) return;
    // After a long sleep only a window's worth of it counts: the past says little of now.
    const double share = ratio(worked_, std::max(worked_, std::min(passed, 2 * kWindow)));
    busy_ = (busy_ + share) / 2;
    if (worked_ > Duration::zero()) {
      const Duration turn{static_cast<Duration::rep>(worked_squared_ / static_cast<double>(worked_.count()))};
      turn_ = (turn_ + turn) / 2;
    }
    worked_ = {};
    worked_squared_ = 0;
    since_ = ended;
  }

  /// From the start of one turn to the start of the next, at least.
  [[nodiscard]] Duration gap() const {
    const double scale = std::clamp((busy_ - kIdleShare) / (kBusyShare - kIdleShare), 0.0, 1.0);
    return std::chrono::duration_cast<Duration>(scale * most_);
  }

  /// From waking up after a rest to the start of the turn.
  [[nodiscard]] Duration burst() const { return std::min(turn_ / kBurstPart, burst_); }

 private:
  static constexpr Duration kWindow = milliseconds{100};
  static constexpr double kIdleShare = 0.1;  // of the time at work: no gap up to here
  static constexpr double kBusyShare = 0.3;  // the whole gap from here on

  static constexpr int kBurstPart = 3;  // of a turn is waited

  static double squared(Duration one) { return static_cast<double>(one.count()) * static_cast<double>(one.count()); }
  static double ratio(Duration part, Duration whole) {
    return static_cast<double>(part.count()) / static_cast<double>(std::max<Duration::rep>(whole.count(), 1));
  }

  Duration most_;
  std::size_t crowd_;
  Duration burst_;
  Duration worked_{};
  double worked_squared_ = 0;  // of each turn
  Duration turn_{};            // the turn that the time goes into: the mean of turns, weighed by what they take
  TimePoint since_{};
  double busy_ = 0;
};

}  // namespace zvonok::net
