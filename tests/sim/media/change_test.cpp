// Participants that move, restart, reload, leave, are muted, look elsewhere, or change what they send.
#include "sim/media/fixture.h"

namespace zvonok::sim {
namespace {

class MediaChange : public MediaSim {};

TEST_P(MediaChange, AClientThatMovesToAnotherPortGoesOn) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = simulcast()});
  run_until(seconds{8});
  world.client(alice).move_to_port(50'000);
  run_until(seconds{10});
  world.client(alice).close_old_ports();
  run_until(seconds{16});
  for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
    const World::Audio audio = world.audio(from, to, at(seconds{2}), at(seconds{15}));
    EXPECT_EQ(audio.received, audio.sent) << "from " << from;
    EXPECT_LE(in_ms(world.freeze(from, to, at(seconds{4}), world.now())), 150) << world.story(from, to);
  }
}

TEST_P(MediaChange, ANetworkThatIsGoneAtOnceCostsNoMoreThanTheWay) {
  const auto alice = world.join({.layers = single()});
  const auto bob = world.join({.layers = single()});
  run_until(seconds{8});
  world.client(alice).move_to_port(50'000);
  world.client(alice).close_old_ports();
  run_until(seconds{14});
  const World::Audio audio = world.audio(bob, alice, at(seconds{2}), at(seconds{13}));
  EXPECT_LE(audio.sent - audio.received, 4U);  // 40 ms of them were under way to the old port
  EXPECT_LE(in_ms(world.freeze(bob, alice, at(seconds{4}), world.now())), 400) << world.story(bob, alice);
}

TEST_P(MediaChange, AnIceRestartDropsNothingBeforeAndAfterItsFirstCheck) {
  const auto alice = world.join({.layers = single()});
  const auto bob = world.join({.layers = single()});
  run_until(seconds{6});
  world.client(alice).checks_allowed = false;
  world.restart_ice(alice);
  run_until(seconds{9});
  world.client(alice).checks_allowed = true;
  run_until(seconds{14});
  EXPECT_TRUE(world.client(alice).ice_connected());
  for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
    const World::Audio before = world.audio(from, to, at(seconds{2}), at(seconds{9}));
    EXPECT_EQ(before.received, before.sent) << "before the first check, from " << from;
    const World::Audio after = world.audio(from, to, at(seconds{9}), at(seconds{13}));
    EXPECT_EQ(after.received, after.sent) << "after the first check, from " << from;
    EXPECT_LE(in_ms(world.freeze(from, to, at(seconds{4}), world.now())), 150) << world.story(from, to);
  }
}

/// Alice joined first, so what she sends is read before what bob sends in the same turn: her pictures wait for its end
/// while bob's new keys come.
TEST_P(MediaChange, NewKeysAreNotForWhatWasReadBeforeThem) {
  const auto alice = world.join({.layers = single(4'000'000)});
  const auto bob = world.join({.layers = {}, .sends_transport_feedback = false});
  run_until(seconds{2});
  for (int i = 0; i < 40; ++i) {
    const unsigned before = world.engine().find(ParticipantId{bob})->transport().association();
    world.client(bob).reload();
    world.restart_ice(bob);
    world.run_for(milliseconds{1501});  // another phase each time
    ASSERT_EQ(world.engine().find(ParticipantId{bob})->transport().association(), before + 1);
    ASSERT_GT(world.pictures(alice, bob, world.now() - milliseconds{500}, world.now()), 0U) << "reload " << i;
  }
}

/// The client's description with other credentials may come before our own restart, or without one.
TEST_P(MediaChange, NewCredentialsOfTheClientAloneDropNothingEither) {
  const auto alice = world.join({.layers = single()});
  const auto bob = world.join({.layers = single()});
  run_until(seconds{6});
  world.client(alice).checks_allowed = false;
  world.client(alice).restart_ice(world.member(alice).server);
  world.configure(alice);
  run_until(seconds{8});
  world.client(alice).checks_allowed = true;
  run_until(seconds{12});
  for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
    const World::Audio audio = world.audio(from, to, at(seconds{2}), at(seconds{11}));
    EXPECT_EQ(audio.received, audio.sent) << "from " << from;
  }
}

TEST_P(MediaChange, RestartsOfIceInAMovingClientKeepTheCallGoing) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}});
  run_until(seconds{4});
  for (std::uint16_t i = 0; i < 10; ++i) {
    world.restart_ice(alice);
    if (i % 2 == 0) world.client(alice).move_to_port(static_cast<std::uint16_t>(50'000 + i));
    world.run_for(milliseconds{1500});
  }
  const World::Audio audio = world.audio(alice, bob, at(seconds{2}), world.now() - seconds{1});
  EXPECT_EQ(audio.received, audio.sent);
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{4}), world.now())), 200) << world.story(alice, bob);
}

TEST_P(MediaChange, AReloadedPageWithTheSameCertificateHasMediaAgain) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = simulcast()});
  run_until(seconds{6});
  for (int i = 1; i <= 3; ++i) {
    world.reload(alice);
    const TimePoint then = world.now();
    world.run_for(seconds{6});
    for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
      const World::Audio audio = world.audio(from, to, then + seconds{2}, world.now() - seconds{1});
      EXPECT_GT(audio.sent, 100U) << "reload " << i;
      EXPECT_EQ(audio.received, audio.sent) << "reload " << i << ", from " << from;
      EXPECT_LE(in_ms(world.freeze(from, to, then + seconds{2}, world.now())), 250) << world.story(from, to);
    }
  }
}

TEST_P(MediaChange, AReloadWhileTheNetworkLosesPacketsComesThrough) {
  const test::LinkProfile lossy{.delay = milliseconds{40}, .loss = 0.1};
  const auto alice = world.join({.layers = single(), .up = lossy, .down = lossy});
  const auto bob = world.join({.layers = single()});
  run_until(seconds{6});
  world.reload(alice);
  run_until(seconds{16});
  EXPECT_GT(world.pictures(alice, bob, at(seconds{11}), world.now()), 35U) << world.story(alice, bob);
  EXPECT_GT(world.pictures(bob, alice, at(seconds{11}), world.now()), 35U) << world.story(bob, alice);
}

TEST_P(MediaChange, WhoLeavesAndComesBackIsSeenAgain) {
  auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = single()});
  for (int i = 0; i < 3; ++i) {
    world.run_for(seconds{5});
    EXPECT_GT(world.pictures(alice, bob, world.now() - seconds{2}, world.now()), 50U) << world.story(alice, bob);
    world.leave(alice);
    world.run_for(seconds{1});
    EXPECT_EQ(world.engine().peer_count(), 1U);
    alice = world.join({.layers = simulcast()});
  }
  world.run_for(seconds{5});
  EXPECT_GT(world.pictures(alice, bob, world.now() - seconds{2}, world.now()), 50U) << world.story(alice, bob);
}

TEST_P(MediaChange, WhoStopsPublishingAndBeginsAgainIsSeenAgain) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = single()});
  for (int i = 0; i < 4; ++i) {
    world.run_for(seconds{4});
    EXPECT_GT(world.pictures(alice, bob, world.now() - seconds{1}, world.now()), 25U) << world.story(alice, bob);
    world.stop_publishing(alice);
    world.run_for(milliseconds{700});
    world.publish(alice, true, i % 2 == 0 ? single() : simulcast());
  }
  world.run_for(seconds{4});
  EXPECT_GT(world.pictures(alice, bob, world.now() - seconds{1}, world.now()), 25U) << world.story(alice, bob);
}

TEST_P(MediaChange, NothingOfAMutedTrackIsSentAndItComesBack) {
  const auto alice = world.join({.layers = single(1'500'000)});
  const auto bob = world.join({.layers = {}});
  run_until(seconds{4});
  const std::uint32_t audio = world.member(alice).audio_track;
  const std::uint32_t video = world.member(alice).video_track;
  for (int i = 0; i < 10; ++i) {
    world.mute(video, true);
    world.mute(audio, true);
    world.run_for(milliseconds{1000 + 37 * i});
    world.mute(video, false);
    world.mute(audio, false);
    const TimePoint then = world.now();
    world.run_for(milliseconds{2000});
    EXPECT_LE(in_ms(world.freeze(alice, bob, then, world.now())), 900) << world.story(alice, bob);
    const World::Audio heard = world.audio(alice, bob, then, world.now() - milliseconds{100});
    EXPECT_EQ(heard.received, heard.sent);
  }
}

/// Then packets wait to be sent at the moment of muting.
TEST_P(MediaChange, NothingOfAMutedTrackIsSentToANarrowLine) {
  const auto alice = world.join({.layers = single(1'200'000)});
  const auto bob = world.join(
      {.layers = {},
       .down = {
           .bandwidth_bps = 1'400'000, .delay = milliseconds{20}, .queue_limit = milliseconds{300}, .loss = 0.02}});
  run_until(seconds{6});
  const std::uint32_t video = world.member(alice).video_track;
  for (int i = 0; i < 12; ++i) {
    world.mute(video, true);
    world.run_for(milliseconds{600});
    world.mute(video, false);
    world.run_for(milliseconds{901 + 13 * i});
  }
  note("queued", static_cast<double>(world.engine().find(ParticipantId{bob})->downlink().counters().queued));
}

TEST_P(MediaChange, AReceiverGetsTheLayerThatItShows) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}});
  const std::uint32_t video = world.member(alice).video_track;
  run_until(seconds{8});
  EXPECT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
  for (int i = 0; i < 3; ++i) {
    world.view(bob, video, 0);
    world.run_for(milliseconds{600});
    EXPECT_EQ(world.pictures(alice, bob, world.now() - milliseconds{200}, world.now()), 0U) << "height 0";
    world.view(bob, video, 180);
    world.run_for(milliseconds{2500});
    EXPECT_EQ(world.layer(alice, bob), 0) << world.story(alice, bob);
    EXPECT_GT(world.pictures(alice, bob, world.now() - seconds{1}, world.now(), 0), 27U) << world.story(alice, bob);
    world.view(bob, video, 720);
    world.run_for(milliseconds{2500});
    EXPECT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
    world.view(bob, video, 180);
    world.run_for(milliseconds{2500});
    EXPECT_EQ(world.layer(alice, bob), 0) << "down again " << world.story(alice, bob);
  }
  const World::Audio audio = world.audio(alice, bob, at(seconds{2}), world.now() - seconds{1});
  EXPECT_EQ(audio.received, audio.sent);
}

TEST_P(MediaChange, WhenAPublisherStopsALayerItsReceiversFallBackWithinASecond) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}});
  run_until(seconds{8});
  ASSERT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
  world.client(alice).set_layer_active(2, false);
  run_until(seconds{14});
  note("freeze_ms", static_cast<double>(in_ms(world.freeze(alice, bob, at(seconds{7}), at(seconds{14})))));
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{7}), at(seconds{14}))), 1000) << world.story(alice, bob);
  EXPECT_EQ(world.layer(alice, bob), 1) << world.story(alice, bob);
  world.client(alice).set_layer_active(1, false);
  run_until(seconds{20});
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{13}), at(seconds{20}))), 1000) << world.story(alice, bob);
  EXPECT_EQ(world.layer(alice, bob), 0) << world.story(alice, bob);
  world.client(alice).set_layer_active(1, true);
  world.client(alice).set_layer_active(2, true);
  run_until(seconds{30});
  EXPECT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{20}), at(seconds{30}))), 300) << world.story(alice, bob);
}

TEST_P(MediaChange, ANewSsrcForAKnownRidGoesOn) {
  const auto alice = world.join({.layers = simulcast()});
  const auto bob = world.join({.layers = {}});
  run_until(seconds{8});
  ASSERT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
  for (int i = 0; i < 12; ++i) {
    world.client(alice).replace_layer_ssrc(static_cast<std::size_t>(2 - i % 3));
    world.run_for(milliseconds{1700});
  }
  world.run_for(seconds{4});
  EXPECT_LE(in_ms(world.freeze(alice, bob, at(seconds{7}), world.now())), 700) << world.story(alice, bob);
  EXPECT_EQ(world.layer(alice, bob), 2) << world.story(alice, bob);
}

TEST_P(MediaChange, TwoRoomsAreApartWhateverAReceiverNames) {
  const auto alice = world.join({.room = 1, .layers = simulcast()});
  const auto bob = world.join({.room = 1, .layers = single()});
  const auto mallory = world.join({.room = 2, .layers = single()});
  world.also_send(mallory, world.member(alice).video_track, media::Kind::Video);
  world.also_send(mallory, world.member(alice).audio_track, media::Kind::Audio);
  run_until(seconds{5});
  EXPECT_GT(world.pictures(alice, bob, at(seconds{2}), world.now()), 80U);
  EXPECT_EQ(world.pictures(alice, mallory, start, world.now()), 0U);
  EXPECT_EQ(world.audio(alice, mallory, start, world.now()).received, 0U);
}

/// Audio and video sections of one connection number other extensions; both have to be understood, in either order.
TEST_P(MediaChange, SpeakersAreHeardAndLayersKnownInWhateverOrderTheSectionsCome) {
  for (const bool video_first : {false, true}) {
    const TimePoint then = world.now();
    const std::size_t events_before = world.events().size();
    const auto alice = world.join({.layers = simulcast(), .video_section_first = video_first});
    const auto bob = world.join({.layers = {}});
    world.client(bob).silent = true;
    world.run_for(seconds{8});
    bool spoke = false;
    for (std::size_t i = events_before; i < world.events().size(); ++i) {
      const auto* const event = std::get_if<media::SpeakersChanged>(&world.events()[i]);
      if (event == nullptr) continue;
      for (const auto& speaker : event->speakers) spoke = spoke || speaker.participant == ParticipantId{alice};
    }
    EXPECT_TRUE(spoke) << (video_first ? "video first" : "audio first");
    EXPECT_GT(world.pictures(alice, bob, then + seconds{2}, world.now()), 100U)
        << (video_first ? "video first" : "audio first");
    world.leave(alice);
    world.leave(bob);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MediaChange, testing::Range<std::uint64_t>(1, 1 + kSeeds));

}  // namespace
}  // namespace zvonok::sim
