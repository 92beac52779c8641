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

TEST(TurnGap, WaitsForTheRestOfABurstAThirdOfWhatATurnTakes) {
  TurnGap gap{kMost, 0, microseconds{300}};
  TimePoint at = run(gap, TimePoint{seconds{5}}, microseconds{33'000}, microseconds{30});
  EXPECT_LT(gap.burst(), microseconds{15}) << "a datagram for few receivers is not worth a wait";
  at = run(gap, at, microseconds{33'000}, microseconds{600});
  EXPECT_EQ(gap.gap(), Duration::zero()) << "not at all busy";
  EXPECT_NEAR(static_cast<double>(gap.burst().count()), 200e3, 5e3);
  at = run(gap, at, microseconds{33'000}, microseconds{5000});
  EXPECT_EQ(gap.burst(), microseconds{300});
  run(gap, at, microseconds{33'000}, microseconds{30});
  EXPECT_LT(gap.burst(), microseconds{50});
}

TEST(TurnGap, TakesForATurnWhatMostOfTheTimeGoesInto) {
  TurnGap gap{kMost, 0, microseconds{300}};
  TimePoint at{seconds{5}};
  // 30 frames a second of half a millisecond among 1,000 turns of reports and timers.
  for (int i = 0; i < 2000; ++i, at += milliseconds{1}) {
    gap.on_turn(at, at + (i % 33 == 0 ? microseconds{500} : microseconds{5}), 1);
  }
  EXPECT_GT(gap.burst(), microseconds{100});
}

TEST(TurnGap, WaitsForNoBurstUnlessAsked) {
  TurnGap gap{kMost};
  run(gap, TimePoint{seconds{5}}, microseconds{10'000}, microseconds{3000});
  EXPECT_EQ(gap.burst(), Duration::zero());
}

}  // namespace
}  // namespace zvonok::net
