// How long packets have to be waited for so that nearly all are there in time: from how much later than the quickest of
// the last seconds each one came. Sees timestamps and arrival times only.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace zvonok::media::phone {

class DelayEstimator {
 public:
  static constexpr Duration kLeast = milliseconds{20};
  static constexpr Duration kMost = milliseconds{400};

  /// `timestamp` counts `clock_rate` a second and wraps.
  void on_packet(TimePoint now, std::uint32_t timestamp, std::uint32_t clock_rate);
  /// How much is to be kept, kLeast to kMost.
  [[nodiscard]] Duration target() const { return target_; }

 private:
  static constexpr Duration kBin = milliseconds{10};
  static constexpr std::size_t kBins = 50;
  void begin(TimePoint now, std::uint32_t timestamp, std::uint32_t clock_rate);
  void update_target();

  bool started_ = false;
  std::uint32_t clock_rate_ = 0;
  std::uint32_t last_timestamp_ = 0;
  Duration sent_{};  // since the first, by the sender's clock
  TimePoint began_{};
  // The quickest of this and of the last window: clocks drift, so it must not hold for ever.
  Duration quickest_{};
  Duration quickest_before_{};
  TimePoint window_began_{};
  std::array<float, kBins> lateness_{};  // a histogram that forgets
  Duration target_ = kLeast;
};

}  // namespace zvonok::media::phone
