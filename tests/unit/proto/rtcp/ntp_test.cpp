// NTP time: known instants, the end of its era, and round trips.
#include "proto/rtcp/ntp.h"

#include <random>

#include <gtest/gtest.h>

namespace zvonok::rtcp {
namespace {

TEST(Ntp, KnowsTheEpochs) {
  EXPECT_EQ(ntp_from_wall(wall_from_unix_milliseconds(0)).value, 0x83AA'7E80'0000'0000U);
  EXPECT_EQ(ntp_from_wall(wall_from_unix_milliseconds(500)).value, 0x83AA'7E80'8000'0000U);
  EXPECT_EQ(ntp_from_wall(wall_from_unix_milliseconds(500)).compact(), 0x7E80'8000U);
  EXPECT_EQ(ntp_from_wall(wall_from_unix_milliseconds(-250)).value, 0x83AA'7E7F'C000'0000U);
}

TEST(Ntp, GoesOnPast2036) {
  const WallTime last = wall_from_unix_milliseconds(2'085'978'495'999);
  EXPECT_EQ(ntp_from_wall(last).value >> 32, 0xFFFF'FFFFU);
  const WallTime first = last + milliseconds{1};
  EXPECT_EQ(ntp_from_wall(first).value, 0U);
  EXPECT_EQ(wall_from_ntp(ntp_from_wall(first)), first);
  EXPECT_EQ(ntp_from_wall(first) - ntp_from_wall(last - milliseconds{999}), seconds{1});
}

TEST(Ntp, ComesBackToTheSameMillisecond) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 10'000; ++i) {
    const WallTime time = wall_from_unix_milliseconds(static_cast<std::int64_t>(random() % 3'000'000'000'000));
    ASSERT_EQ(wall_from_ntp(ntp_from_wall(time)), time) << unix_milliseconds(time);
  }
}

TEST(Ntp, AddsAndSubtracts) {
  std::mt19937_64 random{2};
  for (int i = 0; i < 10'000; ++i) {
    const NtpTime time{random()};
    const Duration by{static_cast<std::int64_t>(random() % 2'000'000'000'000'000'000) - 1'000'000'000'000'000'000};
    const Duration back = (time + by) - time;
    ASSERT_LE(std::chrono::abs(back - by), Duration{1}) << time.value << " + " << by.count();
  }
}

TEST(Ntp, CompactsDurations) {
  EXPECT_EQ(compact_from_duration(seconds{1}), 0x1'0000U);
  EXPECT_EQ(compact_from_duration(milliseconds{-1}), 0U);
  EXPECT_EQ(compact_from_duration(hours{19}), 0xFFFF'FFFFU);
  EXPECT_EQ(duration_from_compact(0x8000), milliseconds{500});
}

TEST(RoundTrip, IsTheExampleOfTheRfc) {
  // RFC 3550 figure 2: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 0x0005:4000, delay 6.125 s.
  const auto result = round_trip({.now = 0xB710'8000, .lsr = 0xB705'2000, .delay = 0x0005'4000});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, milliseconds{6125});
}

TEST(RoundTrip, RefusesNonsense) {
  EXPECT_FALSE(round_trip({.now = 100, .lsr = 0, .delay = 0})) << "no sender report was seen";
  EXPECT_FALSE(round_trip({.now = 0x10'0000, .lsr = 0x30'0000, .delay = 0})) << "32 s before it was sent";
  EXPECT_FALSE(round_trip({.now = 0x1000'0000, .lsr = 1, .delay = 0})) << "longer than is believed";
  const auto early = round_trip({.now = 0x10'0000, .lsr = 0x10'0001, .delay = 1});
  ASSERT_TRUE(early);
  EXPECT_EQ(*early, Duration::zero());
}

TEST(RoundTrip, SurvivesTheWrapOfCompactTime) {
  const auto result = round_trip({.now = 0x0000'4000, .lsr = 0xFFFF'8000, .delay = 0x4000});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, milliseconds{500});
}

}  // namespace
}  // namespace zvonok::rtcp
