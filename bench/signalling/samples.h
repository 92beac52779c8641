// Latencies, all of them kept: percentiles are exact.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace zvonok::bench {

class Samples {
 public:
  void reserve(std::size_t count) { values_.reserve(count); }
  void add(std::int64_t value) { values_.push_back(value); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  /// The least value that at least `share` (0 to 1) of all values do not exceed; 0 when there are none.
  [[nodiscard]] std::int64_t percentile(double share) {
    if (values_.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values_.size())));
    const auto at = values_.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values_.size()) - 1);
    std::ranges::nth_element(values_, at);
    return *at;
  }

 private:
  std::vector<std::int64_t> values_;
};

/// Of an even number the mean of the middle two; 0 of none.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace zvonok::bench
