// How long a busy loop waits between turns, so that one turn does the work of several: what a turn costs besides its
// datagrams (waking up, system calls) is then paid less often, and datagrams for the same receiver leave as one train.
// Network cards moderate their interrupts for the same reason. An idle loop never waits: a thread that is not short of
// time has no need of it.
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
  /// client that asks again as soon as it is answered makes a loop busy too, and would only wait.
  explicit TurnGap(Duration most, std::size_t crowd = 0) : most_{most}, crowd_{crowd} {}

  /// A turn's work, from waking up until everything was sent.
  void on_turn(TimePoint started, TimePoint ended, std::size_t events) {
    if (most_ == Duration::zero()) return;
    if (events >= crowd_) worked_ += ended - started;
    const Duration passed = ended - since_;
    if (passed < kWindow) return;
    // After a long sleep only a window's worth of it counts: the past says little of now.
    const double share = ratio(worked_, std::max(worked_, std::min(passed, 2 * kWindow)));
    busy_ = (busy_ + share) / 2;
    worked_ = {};
    since_ = ended;
  }

  /// From the start of one turn to the start of the next, at least.
  [[nodiscard]] Duration gap() const {
    const double scale = std::clamp((busy_ - kIdleShare) / (kBusyShare - kIdleShare), 0.0, 1.0);
    return std::chrono::duration_cast<Duration>(scale * most_);
  }

 private:
  static constexpr Duration kWindow = milliseconds{100};
  static constexpr double kIdleShare = 0.1;  // of the time at work: no gap up to here
  static constexpr double kBusyShare = 0.3;  // the whole gap from here on

  static double ratio(Duration part, Duration whole) {
    return static_cast<double>(part.count()) / static_cast<double>(std::max<Duration::rep>(whole.count(), 1));
  }

  Duration most_;
  std::size_t crowd_;
  Duration worked_{};
  TimePoint since_{};
  double busy_ = 0;
};

}  // namespace zvonok::net
