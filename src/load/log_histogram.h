// Durations counted in buckets that are each some 1.6 % wide, so that quantiles of millions of them take no memory.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace zvonok::load {

class LogHistogram {
 public:
  /// Negative ones count as zero.
  void add(Duration value) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    ++counts_[bucket_of(ns)];
    ++count_;
    most_ = std::max(most_, Duration{static_cast<std::int64_t>(ns)});
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Duration most() const { return most_; }
  /// `share` from 0 to 1; the upper end of the bucket in which it lies. Zero when nothing was added.
  [[nodiscard]] Duration quantile(double share) const {
    if (count_ == 0) return {};
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below > wanted) return std::min(most_, Duration{static_cast<std::int64_t>(upper_end(i))});
    }
    return most_;
  }

 private:
  static constexpr unsigned kBits = 6;  // of precision within a power of two
  static constexpr std::size_t kSteps = std::size_t{1} << kBits;

  static constexpr std::size_t bucket_of(std::uint64_t ns) {
    if (ns < kSteps) return static_cast<std::size_t>(ns);
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kBits;
    return (std::size_t{shift} + 1) * kSteps + static_cast<std::size_t>((ns >> shift) - kSteps);
  }
  static constexpr std::uint64_t upper_end(std::size_t bucket) {
    if (bucket < kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((std::uint64_t{bucket % kSteps} + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kSteps> counts_{};
  std::uint64_t count_ = 0;
  Duration most_{};
};

}  // namespace zvonok::load
