// What each spatial and temporal layer of one stream costs: bits a second over the last two seconds, so that one
// keyframe does not look like a higher rate, and when it last came.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media {

class LayerMeter {
 public:
  static constexpr std::size_t kSpatial = 4;
  static constexpr std::size_t kTemporal = 4;

  void add(TimePoint now, std::uint8_t spatial, std::uint8_t temporal, std::size_t bytes) {
    roll(now);
    const std::size_t index = at(spatial, temporal);
    slots_[static_cast<std::size_t>(newest_) % kSlots][index] += static_cast<std::uint32_t>(bytes);
    last_[index] = now;
    if (!first_) first_ = now;
  }
  /// Of that layer with all that it needs: every layer below and equal in both directions.
  [[nodiscard]] std::int64_t bits_per_second(TimePoint now, std::uint8_t spatial, std::uint8_t temporal) {
    if (!first_) return 0;
    roll(now);
    std::int64_t bytes = 0;
    for (const auto& slot : slots_) {
      for (std::size_t s = 0; s <= spatial && s < kSpatial; ++s) {
        for (std::size_t t = 0; t <= temporal && t < kTemporal; ++t) bytes += slot[s * kTemporal + t];
      }
    }
    // The newest slot is not full yet, and a stream that has just begun did not have the older ones.
    const Duration covered = static_cast<int>(kSlots - 1) * kSlot + now.time_since_epoch() % kSlot;
    const Duration window = std::clamp<Duration>(now - *first_, kSlot, std::max<Duration>(covered, kSlot));
    return bytes * 8 * 1'000'000 / std::chrono::duration_cast<microseconds>(window).count();
  }
  /// When a packet of that very layer came last.
  [[nodiscard]] std::optional<TimePoint> last(std::uint8_t spatial, std::uint8_t temporal) const {
    return last_[at(spatial, temporal)];
  }

 private:
  static constexpr std::size_t kSlots = 8;
  static constexpr milliseconds kSlot{250};

  static std::size_t at(std::uint8_t spatial, std::uint8_t temporal) {
    return std::min<std::size_t>(spatial, kSpatial - 1) * kTemporal + std::min<std::size_t>(temporal, kTemporal - 1);
  }
  void roll(TimePoint now) {
    const std::int64_t current = now.time_since_epoch() / kSlot;
    if (current <= newest_) return;
    const std::int64_t steps = std::min<std::int64_t>(current - newest_, kSlots);
    for (std::int64_t i = 0; i < steps; ++i) slots_[static_cast<std::size_t>(current - i) % kSlots].fill(0);
    newest_ = current;
  }

  std::array<std::array<std::uint32_t, kSpatial * kTemporal>, kSlots> slots_{};
  std::array<std::optional<TimePoint>, kSpatial * kTemporal> last_{};
  std::optional<TimePoint> first_;
  std::int64_t newest_ = 0;
};

}  // namespace zvonok::media
