// How many bytes or packets a second, over the last second or so, without a timer and without allocation.
#pragma once
#include <array>
#include <cstdint>

#include "base/time.h"

namespace zvonok::media {

class RateMeter {
 public:
  void add(TimePoint now, std::uint64_t amount) {
    roll(now);
    slots_[index(now)] += amount;
    sum_ += amount;
  }
  /// Amount per second over the window.
  [[nodiscard]] std::uint64_t per_second(TimePoint now) {
    roll(now);
    return sum_ * 1000 / static_cast<std::uint64_t>(kSlots * kSlot.count());
  }

 private:
  static constexpr std::int64_t kSlots = 8;
  static constexpr milliseconds kSlot{125};

  static std::int64_t number(TimePoint now) { return now.time_since_epoch() / kSlot; }
  static std::size_t index(TimePoint now) { return static_cast<std::size_t>(number(now) % kSlots); }
  void roll(TimePoint now) {
    const std::int64_t current = number(now);
    if (current <= newest_) return;
    const std::int64_t steps = current - newest_ < kSlots ? current - newest_ : kSlots;
    for (std::int64_t i = 0; i < steps; ++i) {
      std::uint64_t& slot = slots_[static_cast<std::size_t>((current - i) % kSlots)];
      sum_ -= slot;
      slot = 0;
    }
    newest_ = current;
  }

  std::array<std::uint64_t, kSlots> slots_{};
  std::int64_t newest_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace zvonok::media
