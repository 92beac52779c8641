// The newest packets, and only those. With it the meter of rates.
#include "media/packet_ring.h"

#include <vector>

#include <gtest/gtest.h>

#include "media/rate_meter.h"

namespace zvonok::media {
namespace {

std::vector<std::uint8_t> bytes_of(std::uint64_t sequence) {
  return std::vector<std::uint8_t>(1 + sequence % 100, static_cast<std::uint8_t>(sequence));
}
std::vector<std::uint8_t> found(const PacketRing& ring, std::uint64_t sequence) {
  const Bytes bytes = ring.find(sequence).payload;
  return {bytes.begin(), bytes.end()};
}

constexpr TimePoint kStart{};

TEST(PacketRing, KeepsTheNewestOnly) {
  PacketRing ring{16};
  for (std::uint64_t s = 1000; s < 1100; ++s) ring.store(s, kStart, bytes_of(s));
  for (std::uint64_t s = 990; s < 1110; ++s) {
    const bool kept = s >= 1084 && s < 1100;
    EXPECT_EQ(found(ring, s), kept ? bytes_of(s) : std::vector<std::uint8_t>{}) << s;
  }
}

TEST(PacketRing, ALatePacketFillsItsPlaceButReplacesNoNewerOne) {
  PacketRing ring{4};
  ring.store(10, kStart, bytes_of(10));
  ring.store(12, kStart, bytes_of(12));
  ring.store(11, kStart, bytes_of(11));
  EXPECT_EQ(found(ring, 11), bytes_of(11));
  ring.store(8, kStart, bytes_of(8));
  EXPECT_TRUE(ring.find(8).payload.empty());
  EXPECT_EQ(found(ring, 12), bytes_of(12));
}

TEST(PacketRing, TakesWhatANetworkCarries) {
  PacketRing ring{4};
  const std::vector<std::uint8_t> most(PacketRing::kPacketBytesMax, 1);
  const std::vector<std::uint8_t> more(PacketRing::kPacketBytesMax + 1, 1);
  ring.store(1, kStart, most);
  ring.store(2, kStart, more);
  EXPECT_EQ(found(ring, 1), most);
  EXPECT_TRUE(ring.find(2).payload.empty());
}

TEST(PacketRing, GrowsUntilItKeepsTwoSeconds) {
  // 100 packets a second: 256 places hold two seconds of them.
  PacketRing ring{512};
  for (std::uint64_t s = 0; s < 1000; ++s) ring.store(s, kStart + milliseconds{10} * s, bytes_of(s));
  for (std::uint64_t s = 800; s < 1000; ++s) EXPECT_EQ(found(ring, s), bytes_of(s)) << s;
  EXPECT_TRUE(ring.find(1000 - 257).payload.empty()) << "more than it must keep";
}

TEST(PacketRing, GrowsNoFurtherThanItMay) {
  PacketRing ring{64};
  for (std::uint64_t s = 0; s < 1000; ++s) ring.store(s, kStart, bytes_of(s));
  for (std::uint64_t s = 0; s < 1000; ++s) EXPECT_EQ(!ring.find(s).payload.empty(), s >= 936) << s;
}

TEST(PacketRing, OfNoCapacityKeepsNothing) {
  PacketRing ring{0};
  ring.store(1, kStart, bytes_of(1));
  EXPECT_TRUE(ring.find(1).payload.empty());
}

TEST(RateMeter, MeasuresASteadyRateAndForgetsIt) {
  RateMeter meter;
  const TimePoint start{seconds{1000}};
  for (int ms = 0; ms <= 3000; ms += 5) meter.add(start + milliseconds{ms}, 5000);
  const TimePoint end = start + milliseconds{3000};
  EXPECT_NEAR(static_cast<double>(meter.per_second(end)), 1e6, 0.13e6) << "the slot under way is not full yet";
  const std::uint64_t half = meter.per_second(end + milliseconds{500});
  EXPECT_GT(half, 300'000U);
  EXPECT_LT(half, 600'000U);
  EXPECT_EQ(meter.per_second(end + seconds{2}), 0U);
  meter.add(end + seconds{2000}, 1000);
  EXPECT_EQ(meter.per_second(end + seconds{2000}), 1000U);
}

}  // namespace
}  // namespace zvonok::media
