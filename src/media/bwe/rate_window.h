// Bytes per time over the last half second, in buckets: for what arrived (receiver's clock) and what was sent (ours).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media::bwe {

class RateWindow {
 public:
  static constexpr Duration kBucket = milliseconds{25};
  static constexpr std::size_t kBuckets = 20;
  /// A rate needs this much time behind it.
  static constexpr Duration kShortest = milliseconds{150};

  /// Times may be out of order within the window. A hole of a second or more starts anew.
  void add(TimePoint at, std::uint32_t bytes);
  /// Moves the end of the window without bytes: silence counts as a rate of nothing.
  void advance(TimePoint to);
  /// Over the whole window.
  [[nodiscard]] std::optional<std::int64_t> bps() const { return over(kBuckets); }
  /// Over the last 200 ms: quicker and noisier.
  [[nodiscard]] std::optional<std::int64_t> recent_bps() const { return over(8); }
  /// The most of any 100 ms of the window.
  [[nodiscard]] std::optional<std::int64_t> peak_bps() const;

 private:
  [[nodiscard]] std::optional<std::int64_t> over(std::size_t buckets) const;
  void restart(TimePoint at);

  std::array<std::uint64_t, kBuckets> bytes_{};
  std::optional<TimePoint> first_;
  TimePoint newest_{};
};

}  // namespace zvonok::media::bwe
