// Who counts as a speaker, and that the list is calm.
#include "media/speakers.h"

#include <random>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

constexpr TrackId kAlice{1};
constexpr TrackId kBob{2};
constexpr std::uint8_t kSilence = 127;

struct Room {
  Room() {
    for (const TrackId track : {kAlice, kBob}) speakers.add(track);
  }
  /// Packets of one interval, `speech` of a dozen at `level`.
  void say(TrackId track, std::uint8_t level, int speech = 12) {
    for (int i = 0; i < 12; ++i) speakers.on_level(track, i < speech ? level : kSilence);
  }
  bool update() { return speakers.update(now += milliseconds{250}); }
  std::vector<TrackId> who() const {
    std::vector<TrackId> tracks;
    for (const auto& speaker : speakers.current()) tracks.push_back(speaker.track);
    return tracks;
  }
  Speakers speakers;
  TimePoint now{hours{5}};
};
using Tracks = std::vector<TrackId>;

TEST(Speakers, ShareOfSpeechMakesASpeaker) {
  struct Row {
    std::uint8_t level;
    int speech;
    bool speaks;
  };
  for (const Row& row : {Row{20, 12, true}, Row{20, 5, true}, Row{20, 4, false}, Row{40, 12, true}, Row{41, 12, false},
                         Row{127, 12, false}, Row{255, 12, false}}) {
    Room room;
    room.say(kAlice, row.level, row.speech);
    EXPECT_EQ(room.update(), row.speaks) << int{row.level} << ' ' << row.speech;
    EXPECT_EQ(room.who(), row.speaks ? Tracks{kAlice} : Tracks{}) << int{row.level} << ' ' << row.speech;
  }
}

TEST(Speakers, APauseOfBreathEndsNothing) {
  Room room;
  room.say(kAlice, 20);
  EXPECT_TRUE(room.update());
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(room.update()) << i;
  room.say(kAlice, 20, 2);
  EXPECT_FALSE(room.update());
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(room.update()) << i;
  EXPECT_EQ(room.who(), Tracks{kAlice});
  EXPECT_TRUE(room.update());
  EXPECT_EQ(room.who(), Tracks{});
}

TEST(Speakers, TheLoudestIsFirstButOnlyWhenClearlyLouder) {
  Room room;
  for (int i = 0; i < 10; ++i) {
    room.say(kAlice, 20);
    room.say(kBob, 30);
    room.update();
  }
  EXPECT_EQ(room.who(), (Tracks{kAlice, kBob}));
  for (int i = 0; i < 20; ++i) {
    room.say(kAlice, 20);
    room.say(kBob, 18);
    EXPECT_FALSE(room.update());
  }
  EXPECT_EQ(room.who(), (Tracks{kAlice, kBob}));
  bool changed = false;
  for (int i = 0; i < 20; ++i) {
    room.say(kAlice, 30);
    room.say(kBob, 10);
    changed = room.update() || changed;
  }
  EXPECT_TRUE(changed);
  EXPECT_EQ(room.who(), (Tracks{kBob, kAlice}));
}

TEST(Speakers, TheOrderBehindTheFirstIsNoChange) {
  Room room;
  const TrackId third{3};
  room.speakers.add(third);
  bool swapped = false;
  Tracks before;
  for (int i = 0; i < 40; ++i) {
    room.say(kAlice, 5);
    room.say(kBob, i / 8 % 2 == 0 ? 20 : 35);
    room.say(third, i / 8 % 2 == 0 ? 35 : 20);
    const bool changed = room.update();
    EXPECT_EQ(changed, i == 0);
    ASSERT_EQ(room.who().front(), kAlice);
    swapped = swapped || (i > 0 && room.who() != before);
    before = room.who();
  }
  EXPECT_TRUE(swapped) << "the scenario does not do what it is for";
}

TEST(Speakers, WhoLeftIsNotInTheList) {
  Room room;
  room.say(kAlice, 20);
  room.update();
  room.speakers.remove(kAlice);
  room.say(kAlice, 20);
  EXPECT_TRUE(room.update());
  EXPECT_EQ(room.who(), Tracks{});
  room.speakers.remove(kBob);
  EXPECT_TRUE(room.speakers.empty());
}

TEST(Speakers, TheListIsLimitedAndSortedWhateverClientsClaim) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    Speakers speakers;
    for (std::uint64_t id = 0; id < 40; ++id) speakers.add(TrackId{id});
    TimePoint now{};
    for (int i = 0; i < 50; ++i) {
      for (int n = 0; n < 400; ++n) speakers.on_level(TrackId{random() % 45}, static_cast<std::uint8_t>(random() % 90));
      speakers.update(now += milliseconds{250});
      const auto& current = speakers.current();
      ASSERT_LE(current.size(), 10U);
      for (std::size_t k = 2; k < current.size(); ++k) ASSERT_GE(current[k - 1].level, current[k].level);
      for (const auto& speaker : current) ASSERT_LE(speaker.level, 127);
    }
  }
}

}  // namespace
}  // namespace zvonok::media
