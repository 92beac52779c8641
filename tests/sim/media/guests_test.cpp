// Guests of a room, such as telephones: they hear everybody but themselves and those who are muted.
#include <map>
#include <set>
#include <vector>

#include "sim/media/fixture.h"

namespace zvonok::sim {
namespace {

class Listener final : public media::Guest {
 public:
  void on_audio(const media::Track& track, const media::MediaPacket&, TimePoint) override { ++heard[track.id]; }
  void on_track_ended(TrackId track) override { ended.insert(track); }
  /// Packets of that track since the last question.
  std::size_t take(TrackId track) { return std::exchange(heard[track], 0); }

  std::map<TrackId, std::size_t> heard;
  std::set<TrackId> ended;
};

class Guests : public MediaSim {
 protected:
  static constexpr ParticipantId kOne{100};
  static constexpr ParticipantId kTwo{101};
  static constexpr TrackId kOnes{1000};
  static constexpr TrackId kTwos{1001};
  static constexpr rtp::PayloadType kOpus{111};

  void seat(ParticipantId guest, TrackId track, Listener& listener) {
    world.engine().seat(
        {.guest = guest,
         .room = RoomId{1},
         .track = track,
         .codecs = {{.codec = media::Codec::Opus, .type = kOpus, .rtx = {}, .clock_rate = 48'000, .profile = {}}}},
        listener);
  }
  /// Both guests talk for so long, 50 packets a second.
  void talk(Duration length) {
    const std::vector<std::uint8_t> payload(40, 0x11);
    for (const TimePoint until = world.now() + length; world.now() < until; world.run_for(milliseconds{20})) {
      for (const ParticipantId guest : {kOne, kTwo}) {
        media::MediaPacket packet;
        packet.clock_rate = 48'000;
        packet.sequence = sequence_;
        packet.timestamp = static_cast<std::uint32_t>(sequence_ * 960);
        packet.payload = payload;
        world.engine().publish(guest, packet, kOpus, world.now());
      }
      ++sequence_;
    }
  }

  Listener one_;
  Listener two_;
  std::uint64_t sequence_ = 1;
};

TEST_P(Guests, HearEverybodyButThemselvesAndTheMuted) {
  const std::uint64_t peer = world.join({});
  run_until(seconds{3});
  seat(kOne, kOnes, one_);
  seat(kTwo, kTwos, two_);
  const TrackId voice{world.member(peer).audio_track};
  talk(seconds{1});
  EXPECT_GT(one_.take(voice), 40U);
  EXPECT_GT(two_.take(voice), 40U);
  EXPECT_GT(one_.take(kTwos), 40U) << "telephones hear each other";
  EXPECT_GT(two_.take(kOnes), 40U);
  EXPECT_EQ(one_.take(kOnes), 0U);
  EXPECT_EQ(two_.take(kTwos), 0U);

  world.engine().handle(media::SetTrackQuiet{.track = voice, .quiet = true}, world.now());
  world.engine().handle(media::MuteTrack{.track = kOnes, .muted = true}, world.now());
  talk(seconds{1});
  EXPECT_EQ(one_.take(voice), 0U) << "it says that it is muted, whatever it sends";
  EXPECT_EQ(two_.take(kOnes), 0U);
  EXPECT_GT(one_.take(kTwos), 40U);
  world.engine().handle(media::SetTrackQuiet{.track = voice, .quiet = false}, world.now());
  world.engine().handle(media::MuteTrack{.track = kOnes, .muted = false}, world.now());
  talk(seconds{1});
  EXPECT_GT(one_.take(voice), 40U);
  EXPECT_GT(two_.take(kOnes), 40U);

  world.engine().unseat(kTwo);
  EXPECT_TRUE(one_.ended.contains(kTwos));
  world.leave(peer);
  world.run_for(milliseconds{100});
  EXPECT_TRUE(one_.ended.contains(voice));
  world.engine().unseat(kOne);
}

TEST_P(Guests, WhoCameLaterIsHeardAsWell) {
  seat(kOne, kOnes, one_);
  const std::uint64_t peer = world.join({});
  run_until(seconds{4});
  EXPECT_GT(one_.take(TrackId{world.member(peer).audio_track}), 40U);
  world.engine().unseat(kOne);
  const std::size_t before = one_.heard[TrackId{world.member(peer).audio_track}];
  world.run_for(seconds{1});
  EXPECT_EQ(one_.heard[TrackId{world.member(peer).audio_track}], before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Guests, testing::Range<std::uint64_t>(1, 1 + kSeeds));

}  // namespace
}  // namespace zvonok::sim
