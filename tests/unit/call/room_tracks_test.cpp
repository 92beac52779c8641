// Rooms: tracks, views, signals, and what the media plane tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "room_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// alice (a, participant 1), bob (b, participant 2), and carol (c, 3) in the chat's room.
void two_and_a_stranger(RoomScene& scene) {
  scene.enter("alice/a");
  scene.enter("bob/b");
  scene.enter("carol/c", {.room = kChat});
}

TEST(RoomTracks, OthersHearOfThemAndLateComersSeeThem) {
  RoomScene scene;
  two_and_a_stranger(scene);
  EXPECT_THAT(scene.publish(1, 10, TrackKind::Audio), ElementsAre("bob/b <- published #10 a microphone"));
  EXPECT_THAT(scene.publish(1, 10, TrackKind::Audio), IsEmpty()) << "it is known";
  EXPECT_THAT(scene.tell(TrackPublished{ParticipantId{1}, TrackId{11}, TrackKind::Video, "1", TrackSource::Screen}),
              ElementsAre("bob/b <- published #11 a screen"));
  scene.open("dave/d");
  EXPECT_THAT(scene.join("dave/d").front(),
              "dave/d <- joined as d member (a alice member new) (b bob member new) (#10 a microphone) (#11 a screen)");
  EXPECT_THAT(scene.ended(10), ElementsAre("bob/b <- ended #10 a microphone", "dave/d <- ended #10 a microphone"));
  EXPECT_THAT(scene.ended(10), IsEmpty());
  EXPECT_THAT(scene.leave("alice/a"), ElementsAre("bob/b <- ended #11 a screen", "dave/d <- ended #11 a screen",
                                                  "bob/b <- a left: left", "dave/d <- a left: left", "close media 1"));
  EXPECT_THAT(scene.ended(11), IsEmpty()) << "it went with its owner";
}

TEST(RoomTracks, TheOwnerTellsTheSourceAndMutes) {
  RoomScene scene;
  two_and_a_stranger(scene);
  scene.publish(1, 10, TrackKind::Video, "1");
  EXPECT_THAT(scene.track("alice/a", "1", TrackSource::Screen, true),
              ElementsAre("#10 is screen", "mute #10 by its owner", "bob/b <- updated #10 a screen muted"));
  EXPECT_THAT(scene.track("alice/a", "1", TrackSource::Screen, true), IsEmpty());
  EXPECT_THAT(scene.track("alice/a", "1", TrackSource::Microphone, {}), ElementsAre("alice/a <- error bad-message"));
  EXPECT_THAT(scene.track("bob/b", "1", {}, false), IsEmpty()) << "its own section, not alice's";
}

TEST(RoomTracks, WhatIsSaidOfATrackBeforeItIsSeenHoldsOnce) {
  RoomScene scene;
  two_and_a_stranger(scene);
  EXPECT_THAT(scene.track("alice/a", "1", TrackSource::ScreenAudio, {}), IsEmpty());
  EXPECT_THAT(scene.track("alice/a", "1", {}, true), IsEmpty());
  EXPECT_THAT(scene.publish(1, 10, TrackKind::Audio, "1"),
              ElementsAre("mute #10 by its owner", "bob/b <- published #10 a screen-audio muted"));
  scene.ended(10);
  EXPECT_THAT(scene.publish(1, 11, TrackKind::Audio, "1"), ElementsAre("bob/b <- published #11 a microphone"));
  scene.track("alice/a", "2", TrackSource::Screen, {});
  EXPECT_THAT(scene.publish(1, 12, TrackKind::Audio, "2"), ElementsAre("bob/b <- published #12 a microphone"))
      << "the source was not of its kind";
}

TEST(RoomTracks, AreLimitedAndSoIsWhatIsSaidBefore) {
  RoomScene scene{{.tracks_per_participant_max = 2}};
  two_and_a_stranger(scene);
  scene.publish(1, 10, TrackKind::Audio);
  scene.publish(1, 11, TrackKind::Audio);
  EXPECT_THAT(scene.publish(1, 12, TrackKind::Audio), ElementsAre("refuse #12 of 1"));
  EXPECT_THAT(scene.ended(12), IsEmpty());
  scene.track("bob/b", "1", {}, true);
  scene.track("bob/b", "2", {}, true);
  EXPECT_THAT(scene.track("bob/b", "3", {}, true), ElementsAre("bob/b <- error not-found"));
  EXPECT_THAT(scene.track("bob/b", "2", {}, false), IsEmpty());
}

TEST(RoomTracks, AReceiverHearsInWhichSectionItGetsATrackOfItsRoom) {
  RoomScene scene;
  two_and_a_stranger(scene);
  scene.publish(1, 10, TrackKind::Audio);
  EXPECT_THAT(scene.tell(TrackOffered{ParticipantId{2}, TrackId{10}, "4"}),
              ElementsAre("bob/b <- updated #10 a microphone in 4"));
  EXPECT_THAT(scene.tell(TrackOffered{ParticipantId{3}, TrackId{10}, "4"}), IsEmpty()) << "another room's";
  EXPECT_THAT(scene.tell(TrackOffered{ParticipantId{1}, TrackId{10}, "4"}), IsEmpty()) << "its own";
}

TEST(RoomView, NamesTracksOfOthersInTheRoom) {
  RoomScene scene;
  two_and_a_stranger(scene);
  scene.publish(1, 10, TrackKind::Video);
  scene.publish(2, 11, TrackKind::Video);
  scene.publish(3, 12, TrackKind::Video);
  EXPECT_THAT(
      scene.tell(ViewTracks{scene.id("bob/b"),
                            {{TrackId{10}, 720, 1}, {TrackId{11}, 1, 1}, {TrackId{12}, 1, 1}, {TrackId{9}, 1, 1}}}),
      ElementsAre("view of 2 #10@720,1"));
}

TEST(RoomSignals, GoToTheSendersOwnConnection) {
  RoomScene scene;
  two_and_a_stranger(scene);
  EXPECT_THAT(scene.signal("alice/a", RoomSignal::Offer, "v=0"), ElementsAre("media 1 offer v=0"));
  EXPECT_THAT(scene.signal("alice/a", RoomSignal::Offer, "v=0", Politeness::Impolite),
              ElementsAre("media 1 impolite offer v=0"));
  EXPECT_THAT(scene.signal("bob/b", RoomSignal::Answer, "v=0"), ElementsAre("media 2 answer v=0"));
  EXPECT_THAT(scene.signal("carol/c", RoomSignal::Ice, "{}"), ElementsAre("media 3 ice {}"));
}

TEST(RoomMedia, WhatIsForAParticipantGoesToItsSocketAlone) {
  RoomScene scene;
  two_and_a_stranger(scene);
  const ParticipantId bob{2};
  const RoomCommand commands[] = {
      DescriptionMade{bob, DescriptionKind::Offer, "v=0"},
      SignalRefused{bob, RoomErrorCode::BadSdp, "no"},
      QualityMeasured{bob, {.score = 4.5, .rtt_ms = 1, .loss_percent = 0, .bitrate = 1, .layers = {}}},
      LayersWanted{bob, "1", {{"h", true}, {"l", false}}},
  };
  const char* const lines[] = {"bob/b <- offer v=0", "bob/b <- error bad-sdp", "bob/b <- quality b 4.5",
                               "bob/b <- layers 1 h+ l-"};
  for (std::size_t i = 0; i < std::size(commands); ++i) EXPECT_THAT(scene.tell(commands[i]), ElementsAre(lines[i]));
  scene.drop("bob/b");
  for (const RoomCommand& command : commands) EXPECT_THAT(scene.tell(command), IsEmpty());
}

TEST(RoomMedia, SpeakersAreToldToTheirRoom) {
  RoomScene scene{{.speakers_max = 2}};
  two_and_a_stranger(scene);
  EXPECT_THAT(scene.tell(SpeakersChanged{kGroup,
                                         {{ParticipantId{2}, 90},
                                          {ParticipantId{3}, 80},
                                          {ParticipantId{9}, 70},
                                          {ParticipantId{1}, 60},
                                          {ParticipantId{2}, 50}}}),
              ElementsAre("alice/a <- speakers b=90 a=60", "bob/b <- speakers b=90 a=60"));
  EXPECT_THAT(scene.tell(SpeakersChanged{{RoomKind::Group, ChatId{"none"}}, {}}), IsEmpty());
}

}  // namespace
}  // namespace zvonok::call
