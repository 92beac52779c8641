// What an overloaded media thread leaves out, and when it takes it back.
#include "media/shedding.h"

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

class SheddingTest : public ::testing::Test {
 protected:
  /// Turns of that length, one after the other.
  void work(Duration turn, Duration for_all) {
    for (const TimePoint end = now_ + for_all; now_ < end; now_ += turn) {
      shedding_.on_turn(now_ + turn, turn, left_);
    }
  }

  Shedding shedding_;
  Shedding::Left left_ = Shedding::Left::Nothing;
  TimePoint now_{seconds{1000}};
};

TEST_F(SheddingTest, ABusyThreadThatKeepsUpLeavesNothingOut) {
  work(milliseconds{20}, seconds{60});
  EXPECT_EQ(shedding_.level(), 0);
}

TEST_F(SheddingTest, OneLongTurnIsNoOverload) {
  for (int i = 0; i < 100; ++i) {
    work(milliseconds{120}, milliseconds{120});
    work(milliseconds{1}, seconds{1});
  }
  EXPECT_EQ(shedding_.level(), 0);
}

TEST_F(SheddingTest, LeavesOutMoreWhileItFallsBehindUpToAllVideo) {
  work(milliseconds{50}, milliseconds{200});
  EXPECT_EQ(shedding_.level(), 1);
  work(milliseconds{50}, seconds{1});
  EXPECT_GT(shedding_.level(), 4);
  work(milliseconds{50}, seconds{5});
  EXPECT_EQ(shedding_.level(), Shedding::kLevels);
}

TEST_F(SheddingTest, ShortTurnsThatLeaveSomeBehindAreOverloadToo) {
  left_ = Shedding::Left::Some;
  work(milliseconds{5}, milliseconds{390});
  EXPECT_EQ(shedding_.level(), 2);
}

TEST_F(SheddingTest, TakesItBackWhenItIsCalm) {
  work(milliseconds{50}, milliseconds{450});
  ASSERT_EQ(shedding_.level(), 3);
  work(milliseconds{2}, Shedding::kCalmFirst - milliseconds{10});
  EXPECT_EQ(shedding_.level(), 3);
  work(milliseconds{2}, milliseconds{20});
  EXPECT_EQ(shedding_.level(), 2);
  work(milliseconds{2}, 2 * Shedding::kCalmFirst + milliseconds{20});
  EXPECT_EQ(shedding_.level(), 0);
}

TEST_F(SheddingTest, TriesMoreRarelyWhatWasTooEarly) {
  const auto fall_behind = [&] {
    while (shedding_.level() == 0) work(milliseconds{50}, milliseconds{50});
  };
  const auto await_trial = [&] {
    const TimePoint since = now_;
    while (shedding_.level() == 1) work(milliseconds{2}, milliseconds{2});
    return now_ - since;
  };
  fall_behind();
  for (Duration expected = Shedding::kCalmFirst; expected < Shedding::kCalmMost; expected *= 2) {
    const Duration waited = await_trial();
    EXPECT_GE(waited, expected);
    EXPECT_LE(waited, expected + milliseconds{10});
    fall_behind();
  }
  EXPECT_LE(await_trial(), Shedding::kCalmMost + milliseconds{10});
  work(milliseconds{2}, 2 * Shedding::kCalmMost);
  fall_behind();
  EXPECT_LE(await_trial(), Shedding::kCalmFirst + milliseconds{10}) << "it was well for long: another overload";
}

}  // namespace
}  // namespace zvonok::media
