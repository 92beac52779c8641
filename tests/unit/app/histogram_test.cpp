// The buckets of a histogram.
#include "app/histogram.h"

#include <array>

#include <gtest/gtest.h>

namespace zvonok::app {
namespace {

TEST(Histogram, CountsEachValueInTheFirstBucketThatHoldsIt) {
  Histogram<3> histogram{{1, 2, 5}};
  for (const double value : {0.0, 1.0, 1.5, 2.0, 4.0, 5.0, 6.0, 100.0}) histogram.observe(value);
  EXPECT_EQ(histogram.counts(), (std::array<std::uint64_t, 4>{2, 2, 2, 2}));
  EXPECT_DOUBLE_EQ(histogram.sum(), 119.5);
}

}  // namespace
}  // namespace zvonok::app
