// One received stream: reports (RFC 3550 section 6.4.1), what is asked for again, keyframe requests.
#include "media/receive_stream.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

TimePoint at(std::int64_t ms) {
  return TimePoint{hours{300} + milliseconds{ms}};
}

ReceiveStream::Options audio() {
  return {.ssrc = rtp::Ssrc{7}, .clock_rate = 48000, .retransmission = Retransmission::Nack};
}
ReceiveStream::Options video() {
  return {.ssrc = rtp::Ssrc{8}, .kind = Kind::Video, .clock_rate = 90000, .retransmission = Retransmission::Nack};
}

TEST(ReceiveStream, ReportsNothingBeforeTheFirstPacket) {
  ReceiveStream stream{audio()};
  EXPECT_FALSE(stream.report(at(0)).has_value());
}

TEST(ReceiveStream, SteadyInputHasNoJitterAcrossAWrapOfTheClock) {
  ReceiveStream stream{audio()};
  for (unsigned i = 0; i < 500; ++i) {
    stream.on_packet({.sequence = 1000 + i, .timestamp = 0xFFFFF000U + i * 960, .bytes = 100}, at(i * 20));
  }
  EXPECT_EQ(stream.report(at(10'000))->jitter, 0U);
}

TEST(ReceiveStream, PacketsOfOneFrameAreNoJitter) {
  ReceiveStream stream{video()};
  std::uint64_t sequence = 1;
  for (unsigned i = 0; i < 300; ++i) {
    for (unsigned part = 0; part < 5; ++part) {
      stream.on_packet({.sequence = sequence++, .timestamp = i * 9000, .bytes = 1000}, at(i * 100 + part * 4));
    }
  }
  EXPECT_EQ(stream.jitter(), 0U);
}

TEST(ReceiveStream, JitterIsThatOfAppendixA8) {
  ReceiveStream stream{audio()};
  std::mt19937 random{5};
  double expected = 0;
  double transit_before = 0;
  for (unsigned i = 0; i < 300; ++i) {
    const auto delay = static_cast<std::int64_t>(random() % 30);
    stream.on_packet({.sequence = 1 + i, .timestamp = i * 960, .bytes = 1}, at(i * 20 + delay));
    const double transit = static_cast<double>(delay) * 48;
    if (i > 0) expected += (std::abs(transit - transit_before) - expected) / 16;
    transit_before = transit;
  }
  EXPECT_NEAR(stream.jitter(), expected, 1.5);
  EXPECT_GT(stream.jitter(), 100U);
}

TEST(ReceiveStream, APauseIsNoJitter) {
  ReceiveStream stream{audio()};
  stream.on_packet({.sequence = 1, .timestamp = 0, .bytes = 1}, at(0));
  stream.on_packet({.sequence = 2, .timestamp = 960, .bytes = 1}, at(60'000));
  EXPECT_EQ(stream.jitter(), 0U);
}

TEST(ReceiveStream, ReportsLossSinceTheLastReportAndInAll) {
  ReceiveStream stream{audio()};
  const auto give = [&](std::uint64_t from, std::uint64_t to, std::uint64_t every) {
    for (std::uint64_t s = from; s < to; ++s) {
      if (every == 0 || s % every != 0) {
        stream.on_packet({.sequence = s, .timestamp = static_cast<std::uint32_t>(s * 960), .bytes = 1}, at(0));
      }
    }
  };
  give(65537, 65537 + 99, 4);  // 65540, 65544, ..: a quarter
  auto block = stream.report(at(0));
  ASSERT_TRUE(block);
  EXPECT_EQ(block->ssrc, rtp::Ssrc{7});
  EXPECT_EQ(block->highest_sequence, 65635U);
  EXPECT_EQ(block->cumulative_lost, 24);
  EXPECT_EQ(block->fraction_lost, 24 * 256 / 99);
  give(65636, 65700, 0);
  block = stream.report(at(0));
  EXPECT_EQ(block->fraction_lost, 0) << "of the new interval only";
  EXPECT_EQ(block->cumulative_lost, 24);
  block = stream.report(at(0));
  EXPECT_EQ(block->fraction_lost, 0) << "nothing was expected";
  EXPECT_EQ(stream.on_packet({.sequence = 65540, .timestamp = 0, .bytes = 1}, at(0)),
            NackGenerator::Arrival::Recovered);
  EXPECT_EQ(stream.on_packet({.sequence = 65540, .timestamp = 0, .bytes = 1}, at(0)), NackGenerator::Arrival::Stale);
  block = stream.report(at(0));
  EXPECT_EQ(block->cumulative_lost, 23) << "what was recovered is not lost, and a copy counts for nothing";
  EXPECT_EQ(stream.counters().recovered, 1U);
  EXPECT_EQ(stream.counters().stale, 1U);
}

TEST(ReceiveStream, TheFractionNeverWraps) {
  ReceiveStream stream{audio()};
  stream.on_packet({.sequence = 1, .timestamp = 0, .bytes = 1}, at(0));
  ASSERT_TRUE(stream.report(at(0)));
  stream.on_packet({.sequence = 20'000, .timestamp = 0, .bytes = 1}, at(0));
  EXPECT_EQ(stream.report(at(0))->fraction_lost, 255);
}

TEST(ReceiveStream, EchoesTheSenderReport) {
  ReceiveStream stream{audio()};
  stream.on_packet({.sequence = 1, .timestamp = 0, .bytes = 1}, at(0));
  EXPECT_EQ(stream.report(at(0))->last_sender_report, 0U);
  EXPECT_EQ(stream.report(at(0))->delay_since_last, 0U);
  stream.on_sender_report({.sender = rtp::Ssrc{7}, .ntp = {0x1122334455667788}, .rtp_timestamp = 5}, at(100));
  const auto block = stream.report(at(600));
  EXPECT_EQ(block->last_sender_report, 0x33445566U);
  EXPECT_EQ(block->delay_since_last, 0x8000U);
}

TEST(ReceiveStream, VideoLostForGoodWantsAKeyframe) {
  for (const auto& [options, wanted] : {std::pair{video(), true}, std::pair{audio(), false}}) {
    ReceiveStream stream{options};
    stream.on_packet({.sequence = 1, .timestamp = 0, .bytes = 1}, at(0));
    stream.on_packet({.sequence = 3, .timestamp = 0, .bytes = 1}, at(0));
    std::vector<std::uint16_t> asked;
    for (int ms = 0; ms < 2000; ms += 5) stream.collect_nacks(at(ms), milliseconds{40}, asked);
    EXPECT_EQ(asked, std::vector<std::uint16_t>(8, 2));
    EXPECT_EQ(stream.counters().nacked, 8U);
    EXPECT_EQ(stream.counters().lost, 1U);
    EXPECT_EQ(stream.take_keyframe_request(at(2000)), wanted);
  }
}

TEST(ReceiveStream, AsksForNothingAgainWhereThatWasNotNegotiated) {
  ReceiveStream::Options options = video();
  options.retransmission = Retransmission::Off;
  ReceiveStream stream{options};
  stream.on_packet({.sequence = 1, .timestamp = 0, .bytes = 1}, at(0));
  stream.on_packet({.sequence = 3, .timestamp = 0, .bytes = 1}, at(0));
  EXPECT_EQ(stream.next_nack(), TimePoint::max());
  std::vector<std::uint16_t> asked;
  stream.collect_nacks(at(50), milliseconds{40}, asked);
  EXPECT_TRUE(asked.empty());
}

TEST(ReceiveStream, KeyframeRequestsAreLimitedAndEndWithTheKeyframe) {
  ReceiveStream stream{video()};
  EXPECT_FALSE(stream.take_keyframe_request(at(0)));
  EXPECT_EQ(stream.next_keyframe_request(), TimePoint::max());
  stream.want_keyframe();
  EXPECT_TRUE(stream.take_keyframe_request(at(0)));
  stream.want_keyframe();
  EXPECT_FALSE(stream.take_keyframe_request(at(499)));
  EXPECT_EQ(stream.next_keyframe_request(), at(500));
  EXPECT_TRUE(stream.take_keyframe_request(at(500))) << "it did not come: once more";
  stream.on_keyframe(at(600));
  EXPECT_FALSE(stream.take_keyframe_request(at(5000)));
  EXPECT_EQ(stream.counters().keyframe_requests, 2U);
  EXPECT_EQ(stream.counters().keyframes, 1U);
}

TEST(ReceiveStream, WhoComesJustAfterAKeyframeWaitsLittleForTheNext) {
  ReceiveStream stream{video()};
  std::vector<int> asked;
  for (int ms = 0; ms < 4000; ++ms) {
    stream.want_keyframe();  // somebody comes every millisecond
    if (!stream.take_keyframe_request(at(ms))) continue;
    asked.push_back(ms);
    stream.on_keyframe(at(ms + 40));
  }
  EXPECT_EQ(asked, (std::vector<int>{0, 150, 300, 500, 1000, 1500, 2000, 2500, 3000, 3500}));
}

}  // namespace
}  // namespace zvonok::media
