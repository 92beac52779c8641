// How much arrival times vary by themselves, and how much delay that explains. A path that holds packets back at random
// and keeps their order shows slopes and a raised lowest delay without any queue; rates must not be cut for them.
#pragma once
#include <cstdint>

#include "base/time.h"

namespace zvonok::media::bwe {

class JitterMeter {
 public:
  /// How much longer than the one before a group of packets was under way; negative: shorter.
  void add(Duration gradient);
  /// Mean deviation between neighbours.
  [[nodiscard]] Duration mean() const { return Duration{static_cast<std::int64_t>(mean_ns_)}; }
  /// A delay up to this above the lowest one says nothing.
  [[nodiscard]] Duration explains() const;

 private:
  double mean_ns_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace zvonok::media::bwe
