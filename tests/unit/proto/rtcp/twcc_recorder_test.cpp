// The recorder in virtual time: when it reports, that it tells the truth under loss, reordering and wraps, and that it
// stays within its bounds.
#include "proto/rtcp/twcc_recorder.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/rtcp/reader.h"

namespace zvonok::rtcp {
namespace {

using Noted = TwccRecorder::Noted;

TimePoint at(Duration since) {
  return TimePoint{hours{5} + since};
}

/// What the other side believes after all feedback so far: numbers unrolled, arrivals of those that came.
class Sender {
 public:
  void read(Bytes datagram) {
    Reader reader{datagram};
    while (const auto packet = reader.next()) {
      const auto* feedback = std::get_if<TransportFeedback>(&*packet);
      ASSERT_NE(feedback, nullptr);
      EXPECT_EQ(feedback->feedback_count, next_count_++);
      EXPECT_EQ(feedback->sender, Ssrc{11});
      const Duration wraps = times_.update(feedback->reference_time);
      auto statuses = feedback->statuses();
      while (const auto status = statuses.next()) {
        const std::uint64_t number = numbers_.update(status->sequence);
        if (status->fate == PacketStatus::Fate::Lost) {
          EXPECT_FALSE(received.contains(number)) << number << " is lost after it was received";
          lost_reports[number]++;
        } else {
          const auto [it, is_new] = received.emplace(number, status->arrival + wraps);
          EXPECT_EQ(it->second, status->arrival + wraps) << number << " came at another time before";
        }
      }
      ++feedbacks;
    }
    EXPECT_FALSE(reader.error());
  }

  std::map<std::uint64_t, Duration> received;
  std::map<std::uint64_t, int> lost_reports;
  int feedbacks = 0;

 private:
  std::uint8_t next_count_ = 0;
  ReferenceTimeExtender times_;
  SequenceExtender numbers_;
};

std::size_t poll_into(TwccRecorder& recorder, TimePoint now, Sender& sender, std::size_t room = 1200) {
  std::vector<std::uint8_t> buffer(room);
  std::size_t datagrams = 0;
  while (const std::size_t length = recorder.poll(now, buffer)) {
    sender.read(Bytes{buffer}.first(length));
    ++datagrams;
  }
  return datagrams;
}

TEST(TwccRecorder, ReportsOnceInAnInterval) {
  TwccRecorder recorder{{.sender = Ssrc{11}, .interval = milliseconds{50}}};
  Sender sender;
  EXPECT_FALSE(recorder.next_timeout());
  EXPECT_EQ(poll_into(recorder, at(seconds{9}), sender), 0U) << "nothing to say";
  recorder.note(1, at(milliseconds{0}));
  EXPECT_EQ(recorder.next_timeout(), at(milliseconds{50}));
  recorder.note(2, at(milliseconds{10}));
  EXPECT_EQ(poll_into(recorder, at(milliseconds{49}), sender), 0U);
  EXPECT_EQ(poll_into(recorder, at(milliseconds{50}), sender), 1U);
  EXPECT_EQ(sender.received.size(), 2U);
  EXPECT_FALSE(recorder.next_timeout()) << "all is said";
  recorder.note(3, at(milliseconds{60}));
  EXPECT_EQ(recorder.next_timeout(), at(milliseconds{100}));
  EXPECT_EQ(poll_into(recorder, at(milliseconds{100}), sender), 1U);
  recorder.note(4, at(seconds{3}));
  EXPECT_EQ(recorder.next_timeout(), at(seconds{3})) << "after silence at once";
}

TEST(TwccRecorder, ReportsALossOnce) {
  TwccRecorder recorder{{.sender = Ssrc{11}}};
  Sender sender;
  recorder.note(65534, at(milliseconds{0}));
  poll_into(recorder, at(seconds{1}), sender);
  recorder.note(1, at(seconds{1}));
  poll_into(recorder, at(seconds{2}), sender);
  recorder.note(2, at(seconds{2}));
  poll_into(recorder, at(seconds{3}), sender);
  EXPECT_EQ(sender.received.size(), 3U);
  EXPECT_EQ(sender.lost_reports.size(), 2U) << "65535 and 0";
  for (const auto& [number, times] : sender.lost_reports) EXPECT_EQ(times, 1) << number;
}

TEST(TwccRecorder, ReportsAPacketThatIsLateForItsFeedback) {
  TwccRecorder recorder{{.sender = Ssrc{11}}};
  Sender sender;
  for (const std::uint16_t number : std::vector<std::uint16_t>{10, 11, 13, 14})
    recorder.note(number, at(milliseconds{number}));
  poll_into(recorder, at(seconds{1}), sender);
  EXPECT_EQ(sender.received.size(), 4U);
  EXPECT_EQ(recorder.note(12, at(seconds{1})), Noted::Recorded);
  poll_into(recorder, at(seconds{2}), sender);
  EXPECT_EQ(sender.received.size(), 5U);
  EXPECT_EQ(recorder.note(9, at(seconds{2})), Noted::Recorded) << "before the first, too";
  poll_into(recorder, at(seconds{3}), sender);
  EXPECT_EQ(sender.received.size(), 6U);
}

TEST(TwccRecorder, KeepsTheFirstArrivalOfADuplicate) {
  TwccRecorder recorder{{.sender = Ssrc{11}}};
  Sender sender;
  EXPECT_EQ(recorder.note(10, at(milliseconds{0})), Noted::Recorded);
  EXPECT_EQ(recorder.note(10, at(milliseconds{5})), Noted::Duplicate);
  poll_into(recorder, at(seconds{1}), sender);
  EXPECT_EQ(recorder.note(10, at(seconds{1})), Noted::Duplicate);
  EXPECT_EQ(poll_into(recorder, at(seconds{2}), sender), 0U);
}

TEST(TwccRecorder, DropsWhatIsTooOld) {
  TwccRecorder recorder{{.sender = Ssrc{11}, .reorder = 100}};
  Sender sender;
  recorder.note(1000, at(milliseconds{0}));
  EXPECT_EQ(recorder.note(900, at(milliseconds{0})), Noted::Recorded);
  poll_into(recorder, at(seconds{1}), sender);
  EXPECT_EQ(recorder.note(900, at(seconds{1})), Noted::TooOld) << "reported up to 1000";
  EXPECT_EQ(recorder.note(901, at(seconds{1})), Noted::Recorded);
}

TEST(TwccRecorder, TakesAJumpForANewBeginning) {
  TwccRecorder recorder{{.sender = Ssrc{11}, .window = 1024}};
  Sender sender;
  recorder.note(10, at(milliseconds{0}));
  recorder.note(20'000, at(milliseconds{1}));
  recorder.note(20'001, at(milliseconds{2}));
  EXPECT_EQ(recorder.note(10, at(milliseconds{3})), Noted::TooOld);
  poll_into(recorder, at(seconds{1}), sender);
  EXPECT_EQ(sender.received.size(), 2U);
  EXPECT_TRUE(sender.lost_reports.empty());
}

TEST(TwccRecorder, ForgetsWhatNobodyFetches) {
  TwccRecorder recorder{{.sender = Ssrc{11}, .window = 1024}};
  Sender sender;
  for (unsigned i = 0; i < 200'000; ++i) recorder.note(static_cast<std::uint16_t>(i), at(microseconds{i}));
  poll_into(recorder, at(seconds{1}), sender);
  EXPECT_EQ(sender.received.size(), 1024U);
  EXPECT_FALSE(recorder.next_timeout());
}

TEST(TwccRecorder, SpreadsOverAsManyDatagramsAsItNeeds) {
  TwccRecorder recorder{{.sender = Ssrc{11}}};
  Sender sender;
  for (unsigned i = 0; i < 5000; ++i) recorder.note(static_cast<std::uint16_t>(i), at(microseconds{i * 100}));
  EXPECT_GT(poll_into(recorder, at(seconds{1}), sender, 200), 20U);
  EXPECT_EQ(sender.received.size(), 5000U);
  std::array<std::uint8_t, 10> tiny{};
  recorder.note(5001, at(seconds{1}));
  EXPECT_EQ(recorder.poll(at(seconds{2}), tiny), 0U) << "too small for any packet, and no harm";
  poll_into(recorder, at(seconds{2}), sender);
  EXPECT_EQ(sender.received.size(), 5001U);
}

/// A path that loses and reorders. At the end both sides know the same.
TEST(TwccRecorder, TellsTheTruthUnderLossAndReordering) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    struct Arrival {
      TimePoint time;
      std::uint64_t number;
    };
    const auto gap_us = 100 + random() % 20'000;
    const auto jitter_us = 1 + random() % (gap_us * 40);
    const auto loss_of_100 = random() % 60;
    const std::uint64_t first = 0x10000 + 0xFF00 + random() % 0x100;  // wraps soon
    std::vector<Arrival> path;
    for (unsigned i = 0; i < 3000; ++i) {
      if (i > 0 && random() % 100 < loss_of_100) continue;
      const auto sent = microseconds{std::uint64_t{gap_us} * i};
      path.push_back({at(sent + microseconds{i == 0 ? 0 : random() % jitter_us}), first + i});
      if (random() % 50 == 0) path.push_back({path.back().time + milliseconds{1}, first + i});
    }
    std::ranges::stable_sort(path, {}, &Arrival::time);

    TwccRecorder recorder{{.sender = Ssrc{11}, .interval = milliseconds{50 + random() % 50}}};
    Sender sender;
    std::map<std::uint64_t, TimePoint> noted;
    for (const Arrival& arrival : path) {
      while (recorder.next_timeout() && *recorder.next_timeout() <= arrival.time) {
        const TimePoint due = *recorder.next_timeout();
        ASSERT_GT(poll_into(recorder, due, sender, 200 + random() % 1000), 0U);
      }
      const Noted result = recorder.note(static_cast<std::uint16_t>(arrival.number), arrival.time);
      ASSERT_EQ(result == Noted::Duplicate, noted.contains(arrival.number));
      ASSERT_NE(result, Noted::TooOld);
      noted.try_emplace(arrival.number, arrival.time);
    }
    poll_into(recorder, path.back().time + seconds{1}, sender);
    ASSERT_EQ(sender.received.size(), noted.size());

    // The two sides unroll numbers and reference times from different bases.
    const std::uint64_t shift = sender.received.begin()->first - noted.begin()->first;
    const Duration wrap = (1 << 24) * kReferenceTimeUnit;
    for (const auto& [number, time] : noted) {
      const auto found = sender.received.find(number + shift);
      ASSERT_NE(found, sender.received.end()) << number;
      const Duration error = (time.time_since_epoch() - found->second) % wrap;
      ASSERT_GE(error, Duration::zero()) << number;
      ASSERT_LT(error, kFeedbackTick) << number;
    }
  }
}

}  // namespace
}  // namespace zvonok::rtcp
