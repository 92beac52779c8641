// What participants see and hear on good and bad networks.
#include <algorithm>
#include <map>
#include <ranges>
#include <variant>
#include <vector>

#include "sim/media/fixture.h"

namespace zvonok::sim {
namespace {

using test::LinkProfile;

constexpr std::int64_t kMbps = 1'000'000;

LinkProfile access(std::int64_t bandwidth_bps) {
  return {.bandwidth_bps = bandwidth_bps,
          .delay = milliseconds{20},
          .queue_limit = milliseconds{300},
          .overhead_bytes = 28};
}

class MediaQuality : public MediaSim {};

TEST_P(MediaQuality, OnACleanNetworkEverybodyGetsEverythingInSync) {
  std::vector<std::uint64_t> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(world.join({.layers = simulcast()}));
  run_until(seconds{20});
  for (const std::uint64_t from : peers) {
    for (const std::uint64_t to : peers) {
      if (from == to) continue;
      const World::Audio audio = world.audio(from, to, at(seconds{1}), at(seconds{19}));
      EXPECT_EQ(audio.received, audio.sent);
      EXPECT_GT(audio.sent, 890U);
      EXPECT_LE(in_ms(audio.worst_delay), 45);
      EXPECT_LE(in_ms(world.freeze(from, to, at(seconds{1}), world.now())), 250) << world.story(from, to);
      EXPECT_EQ(world.layer(from, to), 2) << world.story(from, to);
      EXPECT_GE(world.pictures(from, to, at(seconds{8}), at(seconds{18}), 2), 299U) << world.story(from, to);
    }
  }
  for (const std::uint64_t peer : peers) EXPECT_LE(in_ms(world.client(peer).worst_sync()), 20);
}

/// Who is told of everybody at once is busy with nothing else for that long.
TEST_P(MediaQuality, OfEachOneFiguresAreTakenOnceInTwoSecondsAndOfFewAtOnce) {
  std::vector<std::uint64_t> peers;
  for (int i = 0; i < 24; ++i) peers.push_back(world.join({.layers = {}}));
  run_until(seconds{3});
  const std::size_t before = world.events().size();
  constexpr std::uint64_t kIntervals = 3;
  world.run_for(kIntervals * media::Engine::kStatisticsInterval);
  std::map<ParticipantId, std::uint64_t> taken;
  std::size_t most = 0;
  for (const media::Event& event : world.events() | std::views::drop(before)) {
    const auto* const statistics = std::get_if<media::StatisticsTaken>(&event);
    if (statistics == nullptr) continue;
    most = std::max(most, statistics->peers.size());
    for (const media::PeerStatistics& one : statistics->peers) ++taken[one.peer];
  }
  EXPECT_LE(most, 2U);
  EXPECT_EQ(taken.size(), peers.size());
  for (const auto& [peer, times] : taken) EXPECT_EQ(times, kIntervals) << peer;
}

/// A thread that is woken up for each of them alone does little else.
TEST_P(MediaQuality, WhatIsToBeDoneForManyWhoListenIsDoneTogether) {
  const auto alice = world.join({.layers = single(), .sends_transport_feedback = false});
  for (int i = 0; i < 60; ++i) {
    world.run_for(milliseconds{3});
    world.join({.audio = false, .sends_transport_feedback = false});
  }
  run_until(seconds{3});
  const std::uint64_t before = world.timeouts();
  world.run_for(seconds{2});
  const std::uint64_t timeouts = (world.timeouts() - before) / 2;
  note("timeouts_per_second", static_cast<double>(timeouts));
  EXPECT_LE(timeouts, 120U) << "five allocations and a report a second for each of 60";
  EXPECT_GE(world.pictures(alice, 2, at(seconds{3}), world.now()), 58U);
}

/// Audio has no retransmission (none is negotiated), so what both ways lose stays lost: 19 %. The server adds nothing.
TEST_P(MediaQuality, TenPercentLossBothWaysLeavesThePictureMoving) {
  const LinkProfile lossy{.delay = milliseconds{25}, .loss = 0.1};
  const auto alice = world.join({.layers = single(), .up = lossy, .down = lossy});
  const auto bob = world.join({.layers = single(), .up = lossy, .down = lossy});
  run_until(seconds{40});
  for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
    const double loss = world.audio(from, to, at(seconds{3}), at(seconds{39})).loss();
    note("audio_loss_percent", loss * 100);
    EXPECT_GE(loss, 0.15);
    EXPECT_LE(loss, 0.23);
    const Duration freeze = world.freeze(from, to, at(seconds{3}), world.now());
    note("freeze_ms", static_cast<double>(in_ms(freeze)));
    EXPECT_LE(in_ms(freeze), 1000) << world.story(from, to);
    EXPECT_GE(world.pictures(from, to, at(seconds{3}), world.now()), 30U * 37 * 7 / 10) << world.story(from, to);
  }
}

LinkProfile rough() {
  return {.delay = milliseconds{60},
          .jitter = milliseconds{50},
          .burst_loss = test::GilbertElliott::of(0.03, 4),
          .reorder = 0.05,
          .duplicate = 0.05};
}

TEST_P(MediaQuality, BurstsJitterReorderingAndDuplicationLeaveThePictureMoving) {
  const auto alice = world.join({.layers = simulcast(), .up = rough(), .down = rough()});
  const auto bob = world.join({.layers = {}, .up = rough(), .down = rough()});
  run_until(seconds{40});
  const Duration freeze = world.freeze(alice, bob, at(seconds{4}), world.now());
  note("freeze_ms", static_cast<double>(in_ms(freeze)));
  EXPECT_LE(world.audio(alice, bob, at(seconds{3}), at(seconds{39})).loss(), 0.12);
  EXPECT_LE(world.audio(bob, alice, at(seconds{3}), at(seconds{39})).loss(), 0.12);
  EXPECT_LE(in_ms(freeze), 2000) << world.story(alice, bob);
}

TEST_P(MediaQuality, BurstsJitterReorderingAndDuplicationLeaveAPictureOfOneEncodingMoving) {
  const auto alice = world.join({.layers = {}, .up = rough(), .down = rough()});
  const auto bob = world.join({.layers = single(), .up = rough(), .down = rough()});
  run_until(seconds{40});
  const Duration freeze = world.freeze(bob, alice, at(seconds{4}), world.now());
  note("freeze_ms", static_cast<double>(in_ms(freeze)));
  EXPECT_LE(in_ms(freeze), 1500) << world.story(bob, alice);
}

/// Each packet has a delay of its own: no network is like that. What counts is that no picture is wrong.
TEST_P(MediaQuality, FreelyReorderedPacketsAreForwardedWithoutHarm) {
  const LinkProfile chaos{.delay = milliseconds{40},
                          .jitter = milliseconds{30},
                          .loss = 0.01,
                          .duplicate = 0.1,
                          .order = LinkProfile::Order::Free};
  const auto alice = world.join({.layers = simulcast(), .up = chaos, .down = chaos});
  const auto bob = world.join({.layers = {}, .up = chaos, .down = chaos});
  run_until(seconds{30});
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{4}), world.now())), 2500) << world.story(alice, bob);
  EXPECT_GE(world.pictures(alice, bob, at(seconds{4}), world.now()), 26U * 6) << world.story(alice, bob);
}

TEST_P(MediaQuality, ADownlinkThatShrinksGetsALowerLayerAndAgainTheHighOne) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}, .down = access(5 * kMbps)});
  const auto clara = world.join({.audio = false, .layers = {}, .down = access(5 * kMbps)});
  world.member(bob).down->schedule(at(seconds{15}), access(300'000));
  world.member(bob).down->schedule(at(seconds{35}), access(5 * kMbps));
  run_until(seconds{55});
  ASSERT_GT(world.pictures(alice, bob, at(seconds{13}), at(seconds{15}), 2), 50U) << world.story(alice, bob);
  const auto lower = world.first_of_layer(alice, bob, 0, at(seconds{15}));
  ASSERT_TRUE(lower) << world.story(alice, bob);
  note("lower_after_ms", static_cast<double>(in_ms(*lower - at(seconds{15}))));
  EXPECT_LE(in_ms(*lower - at(seconds{15})), 2000) << world.story(alice, bob);
  const Duration freeze = world.freeze(alice, bob, at(seconds{10}), at(seconds{35}));
  note("freeze_ms", static_cast<double>(in_ms(freeze)));
  EXPECT_LE(in_ms(freeze), 1000) << world.story(alice, bob);

  // The queue in front of the narrow link is there before anybody can know; then it has to go.
  const World::Audio moment = world.audio(alice, bob, at(seconds{15}), at(seconds{17}));
  note("audio_loss_in_the_drop_percent", moment.loss() * 100);
  note("audio_delay_in_the_drop_ms", static_cast<double>(in_ms(moment.worst_delay)));
  EXPECT_LE(moment.loss(), 0.35);
  const World::Audio after = world.audio(alice, bob, at(seconds{18}), at(seconds{34}));
  note("audio_loss_after_percent", after.loss() * 100);
  note("audio_delay_after_ms", static_cast<double>(in_ms(after.worst_delay)));
  EXPECT_LE(after.loss(), 0.005) << world.story(alice, bob);
  EXPECT_LE(in_ms(after.worst_delay), 240) << world.story(alice, bob);  // 40 ms are the way

  const auto again = world.first_of_layer(alice, bob, 2, at(seconds{35}));
  ASSERT_TRUE(again) << world.story(alice, bob);
  note("high_again_after_ms", static_cast<double>(in_ms(*again - at(seconds{35}))));
  EXPECT_LE(in_ms(*again - at(seconds{35})), 15'000) << world.story(alice, bob);

  EXPECT_GE(world.pictures(alice, clara, at(seconds{8}), at(seconds{54}), 2), 46U * 30 - 2)
      << world.story(alice, clara);
  EXPECT_LE(in_ms(world.freeze(alice, clara, at(seconds{5}), world.now())), 200) << world.story(alice, clara);
}

TEST_P(MediaQuality, OnALineForAudioAloneThereIsAudioAndThePictureComesBack) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}, .down = access(3 * kMbps)});
  world.member(bob).down->schedule(at(seconds{10}), access(100'000));
  world.member(bob).down->schedule(at(seconds{35}), access(3 * kMbps));
  run_until(seconds{55});
  const World::Audio settled = world.audio(alice, bob, at(seconds{18}), at(seconds{34}));
  note("audio_loss_percent", settled.loss() * 100);
  note("audio_delay_ms", static_cast<double>(in_ms(settled.worst_delay)));
  note("pictures_meanwhile", static_cast<double>(world.pictures(alice, bob, at(seconds{18}), at(seconds{34}))));
  EXPECT_LE(settled.loss(), 0.01) << world.story(alice, bob);
  EXPECT_LE(in_ms(settled.worst_delay), 350) << world.story(alice, bob);
  const auto again = world.first_of_layer(alice, bob, 2, at(seconds{35}));
  ASSERT_TRUE(again) << world.story(alice, bob);
  note("back_after_ms", static_cast<double>(in_ms(*again - at(seconds{35}))));
  EXPECT_LE(in_ms(*again - at(seconds{35})), 15'000) << world.story(alice, bob);
}

/// The path keeps every packet, so what the receiver asks for again it asks for in vain: video that was dropped because
/// it waited too long must not look lost.
TEST_P(MediaQuality, HoweverTheBandwidthChangesWhatIsHeldBackDoesNotLookLost) {
  const auto deep = [](std::int64_t bandwidth_bps) {
    return LinkProfile{.bandwidth_bps = bandwidth_bps, .delay = milliseconds{20}, .overhead_bytes = 28};
  };
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = single(), .down = deep(5 * kMbps)});
  const auto clara = world.join({.audio = false, .layers = {}, .down = deep(5 * kMbps)});
  Random random{GetParam()};
  TimePoint change = at(seconds{5});
  while (change < at(seconds{60})) {
    for (const std::uint64_t peer : {bob, clara}) {
      const auto kbps =
          static_cast<std::int64_t>(random.chance(50) ? 200 + random.below(600) : 1000 + random.below(4000));
      world.member(peer).down->schedule(change, deep(kbps * 1000));
    }
    change += milliseconds{1500 + random.below(5000)};
  }
  run_until(seconds{62});
  std::uint64_t dropped = 0;
  for (const std::uint64_t peer : {bob, clara}) {
    const media::DownlinkCounters& counters = world.engine().find(ParticipantId{peer})->downlink().counters();
    dropped += counters.dropped_late;
    EXPECT_EQ(counters.nacked, 0U) << world.story(alice, peer);
  }
  note("dropped_late", static_cast<double>(dropped));
  EXPECT_GT(dropped, 0U);
}

/// Everybody sends simulcast; each newcomer makes keyframes, switches of layers and probes for all others.
TEST_P(MediaQuality, InAMeetingThatGrowsOnLinesWithoutLossNobodyAsksForAnythingAgain) {
  constexpr int kPeople = 6;
  std::vector<std::uint64_t> peers;
  for (int i = 0; i < kPeople; ++i) {
    peers.push_back(world.join({.layers = simulcast()}));
    run_until(seconds{i + 1});
  }
  run_until(seconds{kPeople + 8});
  std::uint64_t dropped = 0;
  for (const std::uint64_t peer : peers) {
    const media::DownlinkCounters& counters = world.engine().find(ParticipantId{peer})->downlink().counters();
    dropped += counters.dropped_late;
    EXPECT_EQ(counters.nacked, 0U) << peer;
    EXPECT_EQ(counters.retransmitted, 0U) << peer;
    EXPECT_GT(counters.switches, 5U) << peer;
    EXPECT_EQ(world.tap().gaps(peer), 0U) << peer;
  }
  note("dropped_late", static_cast<double>(dropped));
}

TEST_P(MediaQuality, AReceiverWithoutCongestionFeedbackGetsThePictureToo) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}, .sends_transport_feedback = false});
  run_until(seconds{10});
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{2}), world.now())), 300) << world.story(alice, bob);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MediaQuality, testing::Range<std::uint64_t>(1, 1 + kSeeds));

}  // namespace
}  // namespace zvonok::sim
