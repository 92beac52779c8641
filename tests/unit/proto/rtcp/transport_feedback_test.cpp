// Transport feedback by bytes, and what is written reads back for any pattern of arrivals.
#include "proto/rtcp/transport_feedback.h"

#include <array>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "proto/rtcp/reader.h"
#include "unit/proto/rtcp/hex.h"

namespace zvonok::rtcp {
namespace {

constexpr FeedbackSource kSource{.sender = Ssrc{1}, .media = Ssrc{2}};

TimePoint at(Duration since) {
  return TimePoint{since};
}

struct Case {
  const char* what;
  std::uint64_t first;
  std::vector<PacketArrival> arrivals;
  const char* hex;
};

TEST(TransportFeedback, WritesTheSmallestForm) {
  const std::vector<Case> cases{
      {"one packet", 5, {{5, at(milliseconds{65})}}, "afcd0005 00000001 00000002 00050001 00000109 2001 04 01"},
      {"a run",
       65535,
       {{65535, at(milliseconds{1})}, {65536, at(milliseconds{2})}, {65537, at(milliseconds{3})}},
       "afcd0006 00000001 00000002 ffff0003 00000009 2003 040404 000003"},
      {"losses in a one-bit vector",
       1,
       {{3, at(milliseconds{0})}, {5, at(milliseconds{0})}},
       "8fcd0005 00000001 00000002 00010005 00000009 8a00" /* 00101 */ "0000"},
      {"a large and a negative delta in a two-bit vector",
       1,
       {{1, at(milliseconds{0})}, {2, at(milliseconds{64})}, {3, at(milliseconds{63})}},
       "afcd0006 00000001 00000002 00010003 00000009 da00 00 0100 fffc 01"},
  };
  for (const Case& one : cases) {
    std::array<std::uint8_t, 100> bytes{};
    ByteWriter writer{bytes};
    const FeedbackRequest request{.source = kSource, .feedback_count = 9, .first_sequence = one.first};
    EXPECT_EQ(write_transport_feedback(writer, request, one.arrivals), one.arrivals.size()) << one.what;
    EXPECT_EQ(to_hex(writer.written()), to_hex(from_hex(one.hex))) << one.what;
  }
}

/// What was reported, by unrolled number.
using Report = std::map<std::uint64_t, PacketStatus>;

/// Reads the only packet in `bytes`, whose base is known to be `first`.
Report read(Bytes bytes, std::uint64_t first) {
  Reader reader{bytes};
  const auto packet = reader.next();
  EXPECT_TRUE(packet && std::holds_alternative<TransportFeedback>(*packet));
  EXPECT_FALSE(reader.next() || reader.error());
  Report report;
  if (!packet || !std::holds_alternative<TransportFeedback>(*packet)) return report;
  const auto& feedback = std::get<TransportFeedback>(*packet);
  EXPECT_EQ(feedback.base_sequence, static_cast<std::uint16_t>(first));
  auto statuses = feedback.statuses();
  while (const auto status = statuses.next()) report.emplace(first++, *status);
  return report;
}

constexpr Duration kWrap = (1 << 24) * kReferenceTimeUnit;

TEST(TransportFeedback, AnyArrivalsReadBackToAQuarterMillisecond) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937 random{seed};
    std::vector<PacketArrival> arrivals;
    std::uint64_t number = 65536 + random() % 65536;
    const std::uint64_t first = number - random() % 30;
    TimePoint time = at(milliseconds{random() % 2'000'000'000});
    const auto loss_of_100 = random() % 100;
    const auto jitter_us = 1 + random() % (seed % 3 == 0 ? 200'000 : 3'000);
    for (int i = 0; i < 600; ++i, ++number) {
      time += microseconds{random() % jitter_us};
      if (random() % 300 == 0) time += seconds{random() % 12};  // too long for a delta at times
      if (random() % 300 == 0) number += random() % 5000;
      if (random() % 100 < loss_of_100) continue;
      arrivals.push_back({number, time - microseconds{random() % jitter_us}});
    }
    std::span<const PacketArrival> rest{arrivals};
    std::uint64_t from = arrivals.empty() ? 0 : std::min(first, arrivals.front().sequence);
    const std::size_t bytes_max = 40 + random() % 400;
    while (!rest.empty()) {
      std::array<std::uint8_t, 1500> bytes{};
      ByteWriter writer{bytes};
      const std::size_t done =
          write_transport_feedback(writer, {.source = kSource, .first_sequence = from, .bytes_max = bytes_max}, rest);
      ASSERT_GT(done, 0U) << "seed " << seed;
      ASSERT_LE(writer.size(), bytes_max) << "seed " << seed;
      const Report report = read(writer.written(), from);
      ASSERT_EQ(report.size(), rest[done - 1].sequence - from + 1) << "seed " << seed;
      std::size_t received = 0;
      for (const auto& [sequence, status] : report) {
        if (status.fate == PacketStatus::Fate::Lost) continue;
        ASSERT_EQ(sequence, rest[received].sequence) << "seed " << seed;
        const Duration error = rest[received].arrival.time_since_epoch() % kWrap - status.arrival;
        ASSERT_GE(error, Duration::zero()) << "seed " << seed;
        ASSERT_LT(error, kFeedbackTick) << "seed " << seed;
        ++received;
      }
      ASSERT_EQ(received, done) << "seed " << seed;
      from = rest[done - 1].sequence + 1;
      rest = rest.subspan(done);
    }
  }
}

TEST(TransportFeedback, WritesNothingWithoutRoom) {
  const std::vector<PacketArrival> arrivals{{100, at(seconds{1})}};
  for (std::size_t room = 0; room < 24; ++room) {
    std::array<std::uint8_t, 24> bytes{};
    ByteWriter writer{MutableBytes{bytes}.first(room)};
    EXPECT_EQ(write_transport_feedback(writer, {.source = kSource, .first_sequence = 100}, arrivals), 0U);
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_TRUE(writer.ok());
  }
}

TEST(TransportFeedback, DoesNotReportLossesBeyondTheLimit) {
  const std::vector<PacketArrival> arrivals{{1'000'000, at(seconds{1})}};
  std::array<std::uint8_t, 100> bytes{};
  ByteWriter writer{bytes};
  EXPECT_EQ(write_transport_feedback(writer, {.source = kSource, .first_sequence = 100}, arrivals), 1U);
  const Report report = read(writer.written(), 1'000'001 - kFeedbackStatusesMax);
  EXPECT_EQ(report.size(), kFeedbackStatusesMax);
  EXPECT_EQ(report.at(1'000'000).fate, PacketStatus::Fate::Received);
}

TEST(TransportFeedback, SplitsWhereNumbersLieTooFarApart) {
  const std::vector<PacketArrival> arrivals{{100, at(seconds{1})}, {100 + kFeedbackStatusesMax, at(seconds{1})}};
  std::array<std::uint8_t, 100> bytes{};
  ByteWriter writer{bytes};
  EXPECT_EQ(write_transport_feedback(writer, {.source = kSource, .first_sequence = 100}, arrivals), 1U);
}

TEST(TransportFeedback, TakesTimesBeforeTheEpoch) {
  const std::vector<PacketArrival> arrivals{{1, at(milliseconds{-10})}, {2, at(milliseconds{5})}};
  std::array<std::uint8_t, 100> bytes{};
  ByteWriter writer{bytes};
  EXPECT_EQ(write_transport_feedback(writer, {.source = kSource, .first_sequence = 1}, arrivals), 2U);
  const Report report = read(writer.written(), 1);
  EXPECT_EQ(report.at(2).delta, milliseconds{15});
  EXPECT_EQ(report.at(1).arrival, kWrap - milliseconds{10});
}

}  // namespace
}  // namespace zvonok::rtcp
