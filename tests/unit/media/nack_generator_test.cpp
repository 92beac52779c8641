// What is missing, when it is asked for, and when it is given up.
#include "media/nack_generator.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

using Arrival = NackGenerator::Arrival;
using Asked = std::vector<std::uint16_t>;

TimePoint at(std::int64_t ms) {
  return TimePoint{milliseconds{ms}};
}

Asked collect(NackGenerator& nacks, std::int64_t ms, Duration round_trip = milliseconds{50}) {
  Asked asked;
  nacks.collect(at(ms), round_trip, asked);
  return asked;
}

TEST(NackGenerator, TellsWhatAPacketIs) {
  NackGenerator nacks;
  EXPECT_EQ(nacks.on_packet(100, at(0)), Arrival::New);
  EXPECT_EQ(nacks.on_packet(99, at(0)), Arrival::Stale) << "before the first";
  EXPECT_EQ(nacks.on_packet(103, at(0)), Arrival::New);
  EXPECT_EQ(nacks.on_packet(103, at(0)), Arrival::Stale) << "twice";
  EXPECT_EQ(nacks.missing(), 2U);
  EXPECT_EQ(nacks.on_packet(101, at(0)), Arrival::Recovered);
  EXPECT_EQ(nacks.on_packet(101, at(0)), Arrival::Stale) << "recovered twice";
  EXPECT_EQ(nacks.missing(), 1U);
}

TEST(NackGenerator, WaitsForOvertakenPacketsAndThenRepeatsEachRoundTrip) {
  NackGenerator nacks;
  EXPECT_EQ(nacks.next_timeout(), TimePoint::max());
  nacks.on_packet(10, at(0));
  nacks.on_packet(13, at(0));
  EXPECT_EQ(nacks.next_timeout(), at(5));
  EXPECT_EQ(collect(nacks, 4), Asked{});
  EXPECT_EQ(collect(nacks, 5), (Asked{11, 12}));
  EXPECT_EQ(nacks.next_timeout(), at(55));
  EXPECT_EQ(collect(nacks, 54), Asked{});
  nacks.on_packet(11, at(54));
  EXPECT_EQ(collect(nacks, 55), Asked{12});
  nacks.on_packet(12, at(60));
  EXPECT_EQ(nacks.next_timeout(), TimePoint::max());
  EXPECT_EQ(nacks.take_given_up(), 0U);
}

TEST(NackGenerator, NeverRepeatsSoonerThanTheLeastInterval) {
  NackGenerator nacks;
  nacks.on_packet(1, at(0));
  nacks.on_packet(3, at(0));
  EXPECT_EQ(collect(nacks, 5, milliseconds{1}), Asked{2});
  EXPECT_EQ(nacks.next_timeout(), at(25));
}

TEST(NackGenerator, GivesUpAfterTheLastRequest) {
  NackGenerator nacks;
  nacks.on_packet(1, at(0));
  nacks.on_packet(3, at(0));
  int requests = 0;
  std::int64_t ms = 0;
  while (nacks.missing() > 0 && ms < 10'000)
    requests += static_cast<int>(collect(nacks, ++ms, milliseconds{20}).size());
  EXPECT_EQ(requests, 8);
  EXPECT_EQ(ms, 5 + 8 * 20) << "the last request had its time to be answered";
  EXPECT_EQ(nacks.take_given_up(), 1U);
  EXPECT_EQ(nacks.take_given_up(), 0U) << "taken";
  EXPECT_EQ(nacks.on_packet(2, at(ms)), Arrival::Stale);
}

TEST(NackGenerator, GivesUpWhatIsTooOld) {
  NackGenerator nacks;
  nacks.on_packet(1, at(0));
  nacks.on_packet(3, at(0));
  EXPECT_EQ(collect(nacks, 400, milliseconds{400}), Asked{2});
  EXPECT_EQ(collect(nacks, 800, milliseconds{400}), Asked{2});
  EXPECT_EQ(collect(nacks, 1200, milliseconds{400}), Asked{});
  EXPECT_EQ(nacks.missing(), 0U);
  EXPECT_EQ(nacks.take_given_up(), 1U);
}

TEST(NackGenerator, AJumpKeepsTheNewestOfTheMissing) {
  NackGenerator nacks{{.missing_max = 16}};
  nacks.on_packet(1, at(0));
  nacks.on_packet(4, at(0));     // 2, 3
  nacks.on_packet(1000, at(0));  // 5 to 999
  EXPECT_EQ(nacks.missing(), 16U);
  EXPECT_EQ(nacks.take_given_up(), 2U + 995U - 16U);
  const Asked asked = collect(nacks, 5);
  ASSERT_EQ(asked.size(), 16U);
  EXPECT_EQ(asked.front(), 984);
  EXPECT_EQ(asked.back(), 999);
}

TEST(NackGenerator, TheOldestMissingMakeRoom) {
  NackGenerator nacks{{.missing_max = 4}};
  for (std::uint64_t s = 1; s <= 13; s += 2) nacks.on_packet(s, at(0));  // 2, 4, .. 12
  EXPECT_EQ(nacks.take_given_up(), 2U);
  EXPECT_EQ(collect(nacks, 5), (Asked{6, 8, 10, 12}));
}

TEST(NackGenerator, AsksByTheLowSixteenBits) {
  NackGenerator nacks;
  nacks.on_packet(0x1FFFE, at(0));
  nacks.on_packet(0x20001, at(0));
  EXPECT_EQ(collect(nacks, 5), (Asked{0xFFFF, 0}));
}

TEST(NackGenerator, AgreesWithASimpleModelOfLossAndReordering) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    std::multimap<std::int64_t, std::uint64_t> arrivals;
    for (std::uint64_t s = 0; s < 400; ++s) {
      if (random() % 10 == 0) continue;
      arrivals.emplace(static_cast<std::int64_t>(s * 2 + (random() % 5 == 0 ? random() % 40 : 0)), 70'000 + s);
    }
    NackGenerator nacks;
    std::set<std::uint64_t> seen;
    std::set<std::uint64_t> missing;
    for (const auto& [ms, sequence] : arrivals) {
      const bool first = seen.empty();
      const std::uint64_t newest = first ? sequence : *seen.rbegin();
      const Arrival arrival = nacks.on_packet(sequence, at(ms));
      const Arrival expected = first || sequence > newest   ? Arrival::New
                               : missing.contains(sequence) ? Arrival::Recovered
                                                            : Arrival::Stale;
      ASSERT_EQ(arrival, expected) << sequence;
      for (std::uint64_t s = newest + 1; s < sequence; ++s) missing.insert(s);
      missing.erase(sequence);
      seen.insert(sequence);
      for (const std::uint16_t asked : collect(nacks, ms, milliseconds{200})) {
        ASSERT_TRUE(missing.contains(asked + 0x10000ULL)) << asked << " was not missing";
      }
      ASSERT_EQ(nacks.missing(), missing.size());
    }
  }
}

}  // namespace
}  // namespace zvonok::media
