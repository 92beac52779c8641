// A histogram of fixed bounds, for the metrics. Not thread-safe.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace zvonok::app {

template <std::size_t N>
class Histogram {
 public:
  /// Ascending; values above the last are counted, too.
  explicit constexpr Histogram(const std::array<double, N>& bounds) : bounds_{bounds} {}
  void observe(double value) {
    ++counts_[static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
    sum_ += value;
  }
  /// The values of another one with the same bounds.
  void add(const Histogram& other) {
    for (std::size_t i = 0; i <= N; ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }
  [[nodiscard]] const std::array<double, N>& bounds() const { return bounds_; }
  /// Of values up to each bound and above the one before; the last: above all.
  [[nodiscard]] const std::array<std::uint64_t, N + 1>& counts() const { return counts_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::array<double, N> bounds_;
  std::array<std::uint64_t, N + 1> counts_{};
  double sum_ = 0;
};

}  // namespace zvonok::app
