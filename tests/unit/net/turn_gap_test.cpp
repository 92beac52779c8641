#include "net/turn_gap.h"

#include <gtest/gtest.h>

namespace zvonok::net {
namespace {

constexpr Duration kMost = microseconds{1500};

/// A loop with a packet every `period`, each of which takes `work`, for a second.
TimePoint run(TurnGap& gap, TimePoint from, Duration period, Duration work, std::size_t events = 1) {
  TimePoint at = from;
  for (const TimePoint end = from + seconds{1}; at < end; at += period) gap.on_turn(at, at + work, events);
  return at;
}

TEST(TurnGap, IsNothingForALoopThatIsNotBusy) {
  TurnGap gap{kMost};
  EXPECT_EQ(gap.gap(), Duration::zero());
  run(gap, TimePoint{seconds{5}}, microseconds{1000}, microseconds{90});
  EXPECT_EQ(gap.gap(), Duration::zero());
}

TEST(TurnGap, GrowsWithTheTimeAtWorkUpToItsMost) {
  TurnGap gap{kMost};
  TimePoint at = run(gap, TimePoint{seconds{5}}, microseconds{1000}, microseconds{200});
  EXPECT_NEAR(static_cast<double>(gap.gap().count()), static_cast<double>(Duration{kMost / 2}.count()), 20e3);
  at = run(gap, at, microseconds{1000}, microseconds{350});
  EXPECT_NEAR(static_cast<double>(gap.gap().count()), static_cast<double>(Duration{kMost}.count()), 20e3);
  run(gap, at, microseconds{1000}, microseconds{1000});
  EXPECT_LE(gap.gap(), kMost);
}

TEST(TurnGap, GoesWithTheLoad) {
  TurnGap gap{kMost};
  const TimePoint at = run(gap, TimePoint{seconds{5}}, microseconds{1000}, microseconds{500});
  EXPECT_GT(gap.gap(), Duration{kMost} * 9 / 10);
  run(gap, at, microseconds{20'000}, microseconds{20});
  EXPECT_EQ(gap.gap(), Duration::zero());
}

TEST(TurnGap, DoesNotTakeALongSleepForYearsOfRestOrALongTurnForABusyHour) {
  TurnGap gap{kMost};
  const TimePoint at = run(gap, TimePoint{seconds{5}}, microseconds{1000}, microseconds{500});
  gap.on_turn(at + hours{1}, at + hours{1} + microseconds{100}, 1);
  EXPECT_GT(gap.gap(), Duration::zero()) << "one look at rest is not enough";
  TurnGap rested{kMost};
  rested.on_turn(TimePoint{seconds{5}}, TimePoint{seconds{35}}, 1);
  EXPECT_LE(rested.gap(), kMost);
}

TEST(TurnGap, OfAServerIsForManyAtOnce) {
  TurnGap gap{kMost, 8};
  TimePoint at = run(gap, TimePoint{seconds{5}}, milliseconds{1}, microseconds{900}, 7);
  EXPECT_EQ(gap.gap(), Duration::zero()) << "few that keep it busy would wait for nothing";
  at = run(gap, at, milliseconds{1}, microseconds{900}, 8);
  EXPECT_EQ(gap.gap(), kMost);
  run(gap, at, milliseconds{1}, microseconds{900}, 1);
  EXPECT_EQ(gap.gap(), Duration::zero());
}

TEST(TurnGap, IsNothingWhereSwitchedOff) {
  TurnGap gap{Duration::zero()};
  run(gap, TimePoint{seconds{5}}, microseconds{1000}, microseconds{900});
  EXPECT_EQ(gap.gap(), Duration::zero());
}

}  // namespace
}  // namespace zvonok::net
