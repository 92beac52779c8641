// See queue_delay.h.
#include "media/bwe/queue_delay.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

std::size_t slot_of(std::int64_t second, std::size_t slots) {
  const auto size = static_cast<std::int64_t>(slots);
  return static_cast<std::size_t>(((second % size) + size) % size);
}

}  // namespace

/// Empties the slots of the seconds since the last call.
std::optional<Duration>& QueueDelay::slot_at(std::int64_t second) {
  std::int64_t at = newest_second_.value_or(second);
  for (std::size_t steps = 0; at < second && steps < kSlots; ++steps) {
    ++at;
    lowest_[slot_of(at, kSlots)].reset();
  }
  at = std::max(at, second);
  newest_second_ = at;
  return lowest_[slot_of(at, kSlots)];
}

void QueueDelay::add(TimePoint now, TimePoint sent, TimePoint arrived) {
  const Duration delay = arrived - sent;
  std::optional<Duration>& lowest = slot_at(std::chrono::duration_cast<seconds>(now.time_since_epoch()).count());
  lowest = lowest ? std::min(*lowest, delay) : delay;
  lowest_of_report_ = lowest_of_report_ ? std::min(*lowest_of_report_, delay) : delay;
}

void QueueDelay::end_report() {
  if (!lowest_of_report_) return;
  Duration base = *lowest_of_report_;
  for (const auto& lowest : lowest_) {
    if (lowest) base = std::min(base, *lowest);
  }
  value_ = *lowest_of_report_ - base;
}

}  // namespace zvonok::media::bwe
