// Numbers out, feedback in: what a controller is told, also by a peer that lies.
#include "media/bwe/sent_history.h"

#include <vector>

#include <gtest/gtest.h>

namespace zvonok::media::bwe {
namespace {

TimePoint at(std::int64_t ms) {
  return TimePoint{milliseconds{ms}};
}

class SentHistoryTest : public testing::Test {
 protected:
  std::vector<PacketResult> resolve(TimePoint now, std::uint32_t ticks, std::vector<PacketStatus> packets) {
    const auto results = history.resolve(now, {.reference_ticks = ticks, .packets = packets}, scratch);
    return {results.begin(), results.end()};
  }
  std::uint64_t send(std::int64_t ms, std::uint32_t bytes = 1000) {
    return history.record(at(ms), bytes, PacketKind::Video, ProbeCluster{3});
  }
  static PacketStatus got(std::uint64_t sequence, std::int64_t ms) {
    return {.sequence = static_cast<std::uint16_t>(sequence), .since_reference = milliseconds{ms}};
  }
  static PacketStatus missing(std::uint64_t sequence) {
    return {.sequence = static_cast<std::uint16_t>(sequence), .since_reference = std::nullopt};
  }
  SentHistory history;
  std::vector<PacketResult> scratch = std::vector<PacketResult>(SentHistory::kCapacity);
};

TEST_F(SentHistoryTest, TellsWhatArrivedAndWhatDidNot) {
  const auto first = send(0, 100);
  const auto second = send(5, 200);
  const auto third = send(10, 300);
  EXPECT_EQ(history.bytes_in_flight(), 600U);
  const auto results = resolve(at(60), 10, {got(first, 0), missing(second), got(third, 12)});
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].fate, Fate::Arrived);
  EXPECT_EQ(results[0].packet.bytes, 100U);
  EXPECT_EQ(results[0].packet.cluster, ProbeCluster{3});
  EXPECT_EQ(results[0].sent, at(0));
  EXPECT_EQ(results[1].fate, Fate::Lost);
  EXPECT_EQ(results[2].arrived - results[0].arrived, milliseconds{12});
  EXPECT_EQ(history.bytes_in_flight(), 0U);
}

TEST_F(SentHistoryTest, KeepsArrivalTimesComparableAcrossReportsAndTheWrapOfTheReference) {
  const auto first = send(0);
  const auto second = send(64);
  const auto a = resolve(at(50), 0xFFFFFF, {got(first, 20)});
  const auto b = resolve(at(120), 0, {got(second, 20)});
  ASSERT_EQ(a.size() + b.size(), 2U);
  EXPECT_EQ(b[0].arrived - a[0].arrived, milliseconds{64});
}

TEST_F(SentHistoryTest, AcceptsAReferenceThatGoesBackALittle) {
  const auto first = send(0);
  const auto second = send(1);
  const auto a = resolve(at(50), 100, {got(second, 20)});
  const auto b = resolve(at(60), 99, {got(first, 64)});
  ASSERT_EQ(a.size() + b.size(), 2U);
  EXPECT_EQ(a[0].arrived - b[0].arrived, milliseconds{20});
}

TEST_F(SentHistoryTest, CorrectsALossThatArrivedLate) {
  const auto sequence = send(0);
  EXPECT_EQ(resolve(at(50), 1, {missing(sequence)}).at(0).fate, Fate::Lost);
  EXPECT_EQ(resolve(at(90), 1, {got(sequence, 50)}).at(0).fate, Fate::ArrivedAfterLoss);
  EXPECT_TRUE(resolve(at(99), 1, {got(sequence, 50)}).empty());
  EXPECT_EQ(history.bytes_in_flight(), 0U);
}

TEST_F(SentHistoryTest, TellsOfAPacketOnceWhateverThePeerRepeats) {
  const auto sequence = send(0);
  const auto results = resolve(at(50), 1, {got(sequence, 1), got(sequence, 1), missing(sequence), got(sequence, 9)});
  EXPECT_EQ(results.size(), 1U);
  EXPECT_EQ(history.stats().repeated, 3U);
}

TEST_F(SentHistoryTest, IgnoresNumbersNeverSentAndForgotten) {
  EXPECT_TRUE(resolve(at(1), 1, {got(0, 1), got(1, 1), got(65'535, 1), got(40'000, 1)}).empty());
  const auto old = send(0);
  for (std::size_t i = 0; i < SentHistory::kCapacity; ++i) send(1);
  EXPECT_TRUE(resolve(at(50), 1, {got(old, 1), got(history.next_sequence(), 1)}).empty());
  EXPECT_EQ(history.stats().unknown, 6U);
}

TEST_F(SentHistoryTest, UnrollsNumbersAcrossTheWrap) {
  std::uint64_t last = 0;
  for (int i = 0; i < 65'540; ++i) last = send(i);
  const auto results = resolve(at(70'000), 1, {got(last - 10, 1), got(last, 2)});
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].packet.sequence, last - 10);
  EXPECT_EQ(results[1].packet.sequence, last);
  EXPECT_GT(last, 65'535U);
}

TEST_F(SentHistoryTest, AnchorsARunawayClockAnew) {
  std::uint32_t ticks = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto sequence = send(i);
    ticks = (ticks + 0x7FFFFF) & 0xFFFFFF;
    for (const auto& result : resolve(at(i), ticks, {got(sequence, 0)})) {
      const Duration off = result.arrived - at(i);
      ASSERT_LE(off, SentHistory::kClockJump);
      ASSERT_GE(off, -SentHistory::kClockJump);
    }
  }
  EXPECT_GT(history.stats().clock_resets, 99'000U);
}

TEST_F(SentHistoryTest, StopsAtTheCallersBuffer) {
  const auto first = send(0);
  const auto second = send(0);
  scratch.resize(1);
  EXPECT_EQ(resolve(at(50), 1, {got(first, 1), got(second, 1)}).size(), 1U);
  EXPECT_EQ(history.stats().overflow, 1U);
}

}  // namespace
}  // namespace zvonok::media::bwe
