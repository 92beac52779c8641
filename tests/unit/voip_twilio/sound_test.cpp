// How the sound of a Twilio call keeps its pace, in virtual time; tones; and the lane between threads.
#include <deque>
#include <optional>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "adapter/voip_twilio/playout.h"
#include "adapter/voip_twilio/sound_lane.h"
#include "adapter/voip_twilio/tones.h"
#include "support/tone.h"

namespace zvonok::voip_twilio {
namespace {

constexpr std::size_t kPiece = 160;
constexpr Duration kPieceTime = milliseconds{20};
constexpr TimePoint kStart{hours{1}};

TEST(Playout, SteadySpeechIsAllSent) {
  Playout playout;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(playout.admit(kStart + i * kPieceTime, kPiece)) << i;
    ASSERT_LE(playout.waiting(kStart + i * kPieceTime), kPieceTime);
  }
}

TEST(Playout, JitterIsBorneAndABurstIsNoDelayForEver) {
  std::mt19937 random{7};
  Playout playout;
  int left_out = 0;
  for (int i = 0; i < 3000; ++i) {
    const TimePoint now = kStart + i * kPieceTime + milliseconds{std::uniform_int_distribution{0, 30}(random)};
    left_out += playout.admit(now, kPiece) ? 0 : 1;
  }
  EXPECT_LE(left_out, 6) << "a jitter of 30 ms costs next to nothing";

  // A quarter of a second stood still somewhere and comes at once.
  TimePoint now = kStart + 3000 * kPieceTime + milliseconds{260};
  for (int i = 0; i < 13; ++i) (void)playout.admit(now, kPiece);
  EXPECT_GT(playout.waiting(now), milliseconds{200});
  for (int i = 0; i < 50 * 15; ++i) {
    now += kPieceTime;
    (void)playout.admit(now, kPiece);
  }
  EXPECT_LE(playout.waiting(now), milliseconds{80}) << "a quarter of a minute later it is gone";
}

TEST(Playout, AFasterClockIsHeldBack) {
  Playout playout;
  TimePoint now = kStart;
  for (int i = 0; i < 100'000; ++i) {
    now += microseconds{19'900};  // half a percent: no browser is that wrong
    (void)playout.admit(now, kPiece);
    ASSERT_LE(playout.waiting(now), Playout::kMost);
  }
}

TEST(Playout, SpeechWaitsForTonesAndThenIsOnTimeAgain) {
  Playout playout;
  ASSERT_TRUE(playout.admit(kStart, kPiece));
  playout.add(kStart, 8000);  // a second of tones
  int sent = 0;
  TimePoint now = kStart;
  for (int i = 0; i < 49; ++i) {
    now += kPieceTime;
    sent += playout.admit(now, kPiece) ? 1 : 0;
  }
  EXPECT_LE(sent, 1);
  for (int i = 0; i < 50; ++i) {
    now += kPieceTime;
    sent += playout.admit(now, kPiece) ? 1 : 0;
  }
  EXPECT_GE(sent, 48);
  EXPECT_LE(playout.waiting(now), milliseconds{60});
  playout.clear(now);
  EXPECT_EQ(playout.waiting(now), Duration::zero());
}

/// What Twilio is to a Playout: a way there, sound that is played one piece after the other, and marks that come back.
class FarEnd {
 public:
  Duration way = milliseconds{30};  // of each direction
  TimePoint stalled_until{};        // nothing arrives before
  double speed = 1;                 // of its clock

  /// One piece of speech, 20 ms later than the one before.
  void speak() {
    now += kPieceTime;
    while (!back_.empty() && back_.front().first <= now) {
      playout.on_mark(now, back_.front().second);
      back_.pop_front();
    }
    play();
    if (!playout.admit(now, kPiece)) {
      ++left_out;
      return;
    }
    const TimePoint arrives = std::max(now + way, stalled_until);
    on_way_.push_back({.arrives = arrives, .mark = playout.next_mark(now)});
  }
  void speak(Duration length) {
    for (const TimePoint end = now + length; now < end;) speak();
  }
  [[nodiscard]] Duration waiting() const { return kPieceTime * static_cast<int>(waiting_.size()); }

  Playout playout;
  TimePoint now = kStart;
  int left_out = 0;

 private:
  struct Piece {
    TimePoint arrives{};
    std::optional<std::uint64_t> mark;
  };
  void play() {
    while (!on_way_.empty() && on_way_.front().arrives <= now) {
      waiting_.push_back(on_way_.front());
      on_way_.pop_front();
    }
    for (played_ += speed; played_ >= 1; played_ -= 1) {
      if (waiting_.empty()) continue;
      if (waiting_.front().mark) back_.emplace_back(now + way, *waiting_.front().mark);
      waiting_.pop_front();
    }
  }
  std::deque<Piece> on_way_;
  std::deque<Piece> waiting_;
  std::deque<std::pair<TimePoint, std::uint64_t>> back_;
  double played_ = 0;
};

TEST(Playout, AStallOfTheConnectionIsNoDelayForEver) {
  FarEnd twilio;
  twilio.speak(seconds{10});
  EXPECT_EQ(twilio.left_out, 0);
  twilio.stalled_until = twilio.now + milliseconds{1500};
  twilio.speak(milliseconds{1600});
  EXPECT_GT(twilio.waiting(), milliseconds{1300});
  twilio.speak(seconds{4});
  EXPECT_LE(twilio.waiting(), milliseconds{100});
  const int once = twilio.left_out;
  EXPECT_LE(once, 80) << "not much more than what waited";
  twilio.speak(minutes{2});
  EXPECT_EQ(twilio.left_out, once);
  twilio.stalled_until = twilio.now + seconds{3};
  twilio.speak(seconds{8});
  EXPECT_LE(twilio.waiting(), milliseconds{100}) << "and again";
}

TEST(Playout, AWayThatBecomesLongerCostsOneGap) {
  FarEnd twilio;
  twilio.speak(seconds{10});
  twilio.way = milliseconds{400};
  twilio.speak(minutes{5});
  EXPECT_LE(twilio.left_out, 60) << "nothing waits there: it can't be known at first";
  EXPECT_LE(twilio.waiting(), milliseconds{100});
}

TEST(Playout, AClockThatIsSlowerThereIsFollowed) {
  FarEnd twilio;
  twilio.speed = 0.999;
  twilio.speak(hours{1});
  EXPECT_LE(twilio.waiting(), Playout::kMost + milliseconds{600}) << "3.6 s without marks";
  EXPECT_LE(twilio.left_out, 230);
}

TEST(Playout, MarksThatNeverComeBackOrAreUnknownDoNothing) {
  Playout playout;
  TimePoint now = kStart;
  std::size_t marks = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += kPieceTime;
    ASSERT_TRUE(playout.admit(now, kPiece));
    playout.on_mark(now, 0);
    playout.on_mark(now, 1'000'000);
    if (playout.next_mark(now)) ++marks;
  }
  EXPECT_EQ(marks, Playout::kMarksMax);
}

TEST(StreamClock, GoesOnFromPieceToPieceAndFromStreamToStream) {
  StreamClock clock;
  const auto first = clock.next(5, kPiece);
  EXPECT_TRUE(first.is_first);
  const auto second = clock.next(24, kPiece);  // a millisecond early: rounded
  EXPECT_FALSE(second.is_first);
  EXPECT_EQ(second.timestamp, first.timestamp + kPiece);
  const auto later = clock.next(1045, kPiece);
  EXPECT_TRUE(later.is_first) << "a second is missing";
  EXPECT_NEAR(static_cast<double>(later.timestamp - first.timestamp), 8 * 1040, 16);
  clock.begin_stream();
  const auto reborn = clock.next(0, kPiece);
  EXPECT_TRUE(reborn.is_first);
  EXPECT_EQ(reborn.timestamp, later.timestamp + kPiece);
  EXPECT_EQ(clock.next(20, kPiece).timestamp, reborn.timestamp + kPiece);
  // Its clock goes back: ours does not.
  EXPECT_EQ(clock.next(0, kPiece).timestamp, reborn.timestamp + 2 * kPiece);
}

TEST(Tones, AreThoseOfTheKeys) {
  const auto sound = tones_of("5,#");
  ASSERT_EQ(sound.size(), 1600U + 4000 + 1600);
  const auto share = [&](double hz, std::size_t from) {
    std::vector<int> samples;
    for (std::size_t i = from; i < from + 800; ++i) samples.push_back(test::from_ulaw(sound[i]));
    return test::share_of(hz, samples);
  };
  EXPECT_NEAR(share(770, 0), 0.5, 0.05);
  EXPECT_NEAR(share(1336, 0), 0.5, 0.05);
  EXPECT_EQ(share(770, 800), 0) << "a pause";
  EXPECT_NEAR(share(941, 5600), 0.5, 0.05);
  EXPECT_NEAR(share(1477, 5600), 0.5, 0.05);
  EXPECT_TRUE(tones_of("x y").empty());
}

TEST(SoundLane, CarriesInOrderAndDropsWhatDoesNotFit) {
  SoundLane lane;
  const std::vector<std::uint8_t> piece(kPiece, 0x55);
  const auto sound = [&](std::uint32_t timestamp) {
    return port::PhoneSound{
        .law = port::G711::Ulaw, .timestamp = timestamp, .is_first = timestamp == 1, .samples = piece};
  };
  EXPECT_EQ(lane.push_sound(sound(1)), SoundLane::Wake::Yes);
  EXPECT_EQ(lane.push_digit('5'), SoundLane::Wake::No) << "the other side was told";
  EXPECT_EQ(lane.push_sound(sound(2)), SoundLane::Wake::No);
  std::string story;
  const auto take = [&] {
    lane.take(
        [&](const port::PhoneSound& heard) {
          story += "s" + std::to_string(heard.timestamp) + (heard.is_first ? "!" : "");
          EXPECT_EQ(heard.samples.size(), kPiece);
        },
        [&](char digit) { story += digit; });
  };
  take();
  EXPECT_EQ(story, "s1!5s2");
  EXPECT_EQ(lane.push_sound(sound(3)), SoundLane::Wake::Yes);
  for (std::size_t i = 0; i < SoundLane::kItemsMax + 9; ++i) (void)lane.push_sound(sound(4));
  EXPECT_EQ(lane.dropped(), 10U);
  (void)lane.push_digit('1');
  EXPECT_EQ(lane.dropped(), 11U);
  take();
  EXPECT_EQ(lane.push_digit('1'), SoundLane::Wake::Yes);
}

}  // namespace
}  // namespace zvonok::voip_twilio
