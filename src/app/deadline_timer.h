// Wakes a domain when it says that something is due: one timer of the loop, moved only when it would be late. Belongs to
// the loop's thread.
#pragma once
#include <functional>
#include <optional>
#include <utility>

#include "base/time.h"
#include "net/loop.h"

namespace zvonok::app {

class DeadlineTimer {
 public:
  /// `next`: when something is due, TimePoint::max() when nothing is. `due`: does it, and leaves `next` later than now.
  DeadlineTimer(net::Loop& loop, std::function<TimePoint()> next, std::function<void()> due)
      : loop_{loop}, next_{std::move(next)}, due_{std::move(due)} {}
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  /// After everything that may have changed what is due.
  void arm() {
    const TimePoint next = next_();
    if (timer_ && timer_->first <= next) return;  // an early wake-up does no harm
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    if (next == TimePoint::max()) return;
    timer_ = loop_.schedule(next, [this] {
      timer_.reset();
      due_();
      arm();
    });
  }

 private:
  net::Loop& loop_;
  std::function<TimePoint()> next_;
  std::function<void()> due_;
  std::optional<net::Loop::TimerKey> timer_;
};

}  // namespace zvonok::app
