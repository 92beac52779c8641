// Numbers without gaps for what is left out, and with the gaps of what is lost.
#include "media/sequence_map.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

TEST(SequenceMap, KnowsNothingBeforeTheStart) {
  SequenceMap map;
  EXPECT_FALSE(map.started());
  EXPECT_EQ(map.map(5), std::nullopt);
  map.start(100, 7);
  EXPECT_TRUE(map.started());
  EXPECT_EQ(map.map(99), std::nullopt);
  EXPECT_EQ(map.map(100), 7U);
  EXPECT_EQ(map.map(103), 10U) << "loss leaves its gap";
  EXPECT_EQ(map.map(101), 8U) << "for the late packet";
}

TEST(SequenceMap, WhatIsLeftOutLeavesNoGap) {
  SequenceMap map;
  map.start(100, 7);
  EXPECT_EQ(map.map(100), 7U);
  map.leave_out(101);
  map.leave_out(102);
  EXPECT_EQ(map.map(103), 8U);
  map.leave_out(104);
  EXPECT_EQ(map.map(105), 9U);
}

TEST(SequenceMap, TheFirstPacketsMayBeLeftOut) {
  SequenceMap map;
  map.start(100, 7);
  map.leave_out(100);
  map.leave_out(101);
  EXPECT_EQ(map.map(102), 7U);
}

TEST(SequenceMap, ALatePacketHasTheNumberItWouldHaveHad) {
  SequenceMap map;
  map.start(100, 7);
  EXPECT_EQ(map.map(100), 7U);
  map.leave_out(102);            // 101 is under way
  EXPECT_EQ(map.map(103), 9U);   // 8 is kept free
  map.leave_out(103 + 2);        // 104 is under way
  EXPECT_EQ(map.map(106), 11U);  // 10 is kept free
  EXPECT_EQ(map.map(101), 8U);
  EXPECT_EQ(map.map(104), 10U);
}

TEST(SequenceMap, ALatePacketThatIsLeftOutMovesNothing) {
  SequenceMap map;
  map.start(100, 7);
  EXPECT_EQ(map.map(102), 9U);
  EXPECT_TRUE(map.is_late(101));
  map.leave_out(101);
  EXPECT_EQ(map.map(103), 10U);
}

TEST(SequenceMap, ForgetsTheOldestRunsRatherThanTellWrongNumbers) {
  SequenceMap map;
  map.start(0x10000, 0);
  for (std::uint64_t s = 0x10000; s < 0x10000 + 200; s += 2) {
    ASSERT_EQ(map.map(s), (s - 0x10000) / 2);
    map.leave_out(s + 1);
  }
  EXPECT_EQ(map.map(0x10000 + 2), std::nullopt);
  EXPECT_EQ(map.map(0x10000 + 198), 99U);
}

TEST(SequenceMap, NumbersAreUniqueAndInOrderWhateverIsLostLateOrLeftOut) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    std::multimap<unsigned, std::uint64_t> arrivals;
    std::set<std::uint64_t> out;
    unsigned lost = 0;
    for (unsigned s = 0; s < 300; ++s) {
      if (random() % 12 == 0) {
        ++lost;
        continue;
      }
      if (random() % 3 == 0) out.insert(s + 1000);
      arrivals.emplace(s + (random() % 6 == 0 ? static_cast<unsigned>(random() % 20) : 0U), s + 1000);
    }
    SequenceMap map;
    map.start(1000, 50);
    std::map<std::uint64_t, std::uint64_t> sent;  // by source number
    std::uint64_t newest = 0;
    unsigned late_out = 0;
    for (const auto& [when, source] : arrivals) {
      if (out.contains(source)) {
        late_out += source < newest ? 1 : 0;
        map.leave_out(source);
      } else {
        const auto number = map.map(source);
        ASSERT_TRUE(number) << source;
        sent.emplace(source, *number);
      }
      newest = std::max(newest, source);
    }
    std::uint64_t before = 49;
    std::uint64_t gaps = 0;
    for (const auto& [source, number] : sent) {
      ASSERT_GT(number, before) << "twice or out of order: source " << source;
      gaps += number - before - 1;
      before = number;
    }
    EXPECT_LE(gaps, lost + late_out);
  }
}

}  // namespace
}  // namespace zvonok::media
