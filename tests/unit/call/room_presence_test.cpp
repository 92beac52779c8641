// Rooms: entering, leaving, coming back (rules 1 and 6 to 9 of docs/protocol/room.md), and the history.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "room_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Rooms::Counts kNothing{};

/// alice (a, participant 1), bob (b, participant 2).
void two(RoomScene& scene) {
  scene.enter("alice/a");
  scene.enter("bob/b");
}

// ---- 1: the life of a room ------------------------------------------------------------------------------------------

TEST(RoomRule1, ARoomBeginsWithItsFirstJoinAndEndsWithItsLastLeave) {
  RoomScene scene;
  EXPECT_THAT(scene.open("alice/a"), IsEmpty());
  EXPECT_FALSE(scene.rooms().describe(kGroup));
  EXPECT_THAT(scene.join("alice/a"),
              ElementsAre("alice/a <- joined as a member", "open media 1", "save alice ringing"));
  EXPECT_THAT(scene.open("bob/b"), IsEmpty());
  scene.wait(seconds{2});
  EXPECT_THAT(scene.join("bob/b"), ElementsAre("bob/b <- joined as b member (a alice member new)",
                                               "alice/a <- b of bob joined", "open media 2", "save alice active"));
  scene.wait(milliseconds{7900});
  EXPECT_THAT(scene.leave("alice/a"), ElementsAre("bob/b <- a left: left", "close media 1"));
  EXPECT_THAT(scene.leave("bob/b"), ElementsAre("close media 2", "save alice ended hangup 7s"));
  EXPECT_FALSE(scene.rooms().describe(kGroup));
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomRule1, OneRecordForTheLifeOfARoom) {
  RoomScene scene;
  two(scene);
  scene.enter("carol/c");
  scene.leave("alice/a");
  scene.leave("bob/b");
  scene.enter("dave/d");
  scene.leave("carol/c");
  scene.leave("dave/d");
  ASSERT_THAT(scene.records(), SizeIs(3)) << "began, answered, ended";
  for (const CallRecord& record : scene.records()) {
    EXPECT_EQ(record.id, scene.records().front().id);
    EXPECT_EQ(record.kind, CallKind::Room);
    EXPECT_EQ(record.caller, UserId{"alice"});
    EXPECT_TRUE(record.callee.empty());
    EXPECT_EQ(record.chat, ChatId{"7"});
  }
  EXPECT_EQ(scene.records().back().ended_at, scene.now().wall);
}

TEST(RoomRule1, ARoomToWhichNobodyCameIsCanceled) {
  RoomScene scene;
  scene.enter("alice/a");
  EXPECT_THAT(scene.leave("alice/a"), ElementsAre("close media 1", "save alice ended canceled 0s"));
}

TEST(RoomRule1, ChatAndGroupOfTheSameIdAreDifferentRooms) {
  RoomScene scene;
  scene.enter("alice/a", {.room = kChat});
  EXPECT_THAT((scene.open("bob/a", {.room = kGroup}), scene.join("bob/a")),
              ElementsAre("bob/a <- joined as a member", "open media 2", "save bob ringing"));
}

TEST(RoomJoin, TheServerMakesUpASessionAndTellsTheName) {
  RoomScene scene;
  scene.enter("alice/a");
  scene.open("bob/b");
  RoomEffects effects;
  scene.rooms().handle(JoinRoom{.connection = scene.id("bob/b"), .session = {}, .name = "Bob", .room_id = "\"x\""},
                       scene.now(), effects);
  const auto& joined = std::get<DeliverJoined>(effects.at(0));
  EXPECT_EQ(joined.session.value().size(), 36U);
  EXPECT_EQ(std::get<DeliverParticipantJoined>(effects.at(1)).name, "Bob");
  const RoomAddress* const address = scene.rooms().address_of(scene.id("bob/b"));
  ASSERT_NE(address, nullptr);
  EXPECT_EQ(address->room_id, "\"x\"");
  EXPECT_EQ(address->session, joined.session);
}

TEST(RoomJoin, NothingButAJoinAndAPingIsTakenBefore) {
  RoomScene scene;
  scene.enter("bob/b");
  scene.open("alice/a");
  for (const RoomCommand& command : std::initializer_list<RoomCommand>{
           LeaveRoom{scene.id("alice/a")}, SendSignal{scene.id("alice/a"), RoomSignal::Offer, "o"},
           LockRoom{scene.id("alice/a")}, KickParticipant{scene.id("alice/a"), SessionId{"b"}},
           UpdateTrack{scene.id("alice/a"), "0", {}, true}, ViewTracks{scene.id("alice/a"), {}}}) {
    EXPECT_THAT(scene.tell(command), ElementsAre("alice/a <- error not-joined"));
  }
  EXPECT_THAT(scene.ping("alice/a"), ElementsAre("alice/a <- pong"));
}

TEST(RoomJoin, ASessionOfAnotherUserIsTaken) {
  RoomScene scene;
  scene.enter("alice/a");
  scene.open("bob/b");
  EXPECT_THAT(scene.join_as("bob/b", "a"), ElementsAre("bob/b <- error session-taken"));
  scene.drop("alice/a");
  EXPECT_THAT(scene.join_as("bob/b", "a"), ElementsAre("bob/b <- error session-taken")) << "during the grace as well";
  scene.wait(seconds{9});
  EXPECT_THAT(scene.join("bob/b").front(), "bob/b <- joined as b member (a alice member disconnected)");
}

TEST(RoomJoin, JoiningTwiceAsTheSameSessionShowsTheRoomAgain) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.join("alice/a"), ElementsAre("alice/a <- resumed as a member (b bob member new)"));
  EXPECT_THAT(scene.join_as("alice/a", ""), ElementsAre("alice/a <- resumed as a member (b bob member new)"));
}

TEST(RoomJoin, JoiningAsAnotherSessionReplacesTheFirst) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.join_as("alice/a", "a2"), ElementsAre("bob/b <- a left: replaced", "close media 1",
                                                          "alice/a <- joined as a2 member (b bob member new)",
                                                          "bob/b <- a2 of alice joined", "open media 3"));
}

TEST(RoomJoin, ReplacingTheOnlyParticipantGoesOnWithTheSameRoom) {
  RoomScene scene;
  scene.enter("alice/a");
  EXPECT_THAT(scene.join_as("alice/a", "a2"),
              ElementsAre("close media 1", "alice/a <- joined as a2 member", "open media 2"));
  EXPECT_THAT(scene.leave("alice/a"), ElementsAre("close media 2", "save alice ended canceled 0s"));
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomJoin, MustComeInTime) {
  RoomScene scene;
  scene.open("alice/a");
  EXPECT_THAT(scene.wait(milliseconds{9999}), IsEmpty());
  scene.ping("alice/a");
  EXPECT_THAT(scene.wait(milliseconds{1}), ElementsAre("close alice/a silent"));
  EXPECT_THAT(scene.join("alice/a"), IsEmpty()) << "too late";
  scene.enter("bob/b");
  scene.leave("bob/b");
  EXPECT_THAT(scene.wait(seconds{10}), ElementsAre("close bob/b silent")) << "after a leave again";
}

// ---- 6: the grace ---------------------------------------------------------------------------------------------------

TEST(RoomRule6, ALostSocketIsWaitedForAndItsUserComesBack) {
  RoomScene scene;
  two(scene);
  scene.media(1, ConnectionState::Connected);
  scene.publish(1, 10, TrackKind::Audio);
  EXPECT_THAT(scene.drop("alice/a"), ElementsAre("bob/b <- a is disconnected"));
  EXPECT_THAT(scene.wait(seconds{29}), IsEmpty());
  EXPECT_THAT(scene.publish(1, 11, TrackKind::Video), ElementsAre("bob/b <- published #11 a camera"))
      << "its media goes on";
  scene.open("alice/a:2");
  EXPECT_THAT(scene.join("alice/a:2"),
              ElementsAre("alice/a:2 <- resumed as a member (b bob member new)", "alice/a:2 <- a is connected",
                          "resume media 1", "bob/b <- a is connected"));
  scene.wait(seconds{20});
  scene.ping("alice/a:2");
  scene.ping("bob/b");
  EXPECT_THAT(scene.wait(seconds{50}), IsEmpty());
}

TEST(RoomRule6, AfterTheGraceOthersHearOfTheLeave) {
  RoomScene scene;
  two(scene);
  scene.publish(1, 10, TrackKind::Audio);
  scene.drop("alice/a");
  EXPECT_THAT(scene.wait(seconds{30}),
              ElementsAre("bob/b <- ended #10 a microphone", "bob/b <- a left: timeout", "close media 1"));
  scene.drop("bob/b");
  EXPECT_THAT(scene.wait(seconds{30}), ElementsAre("close media 2", "save alice ended disconnected 60s"));
  EXPECT_EQ(scene.rooms().counts(), kNothing);
}

TEST(RoomRule6, WhoseMediaFailedAsWellHasFailedWhenTheGraceIsOver) {
  RoomScene scene;
  two(scene);
  scene.drop("alice/a");
  EXPECT_THAT(scene.media(1, ConnectionState::Failed), ElementsAre("bob/b <- a is failed"));
  EXPECT_THAT(scene.wait(seconds{30}), ElementsAre("bob/b <- a left: failed", "close media 1"));
}

TEST(RoomRule6, ANewSocketTakesOverFromOneThatIsStillOpen) {
  RoomScene scene;
  two(scene);
  scene.open("alice/a:2");
  EXPECT_THAT(scene.join("alice/a:2"),
              ElementsAre("close alice/a replaced", "alice/a:2 <- resumed as a member (b bob member new)",
                          "alice/a:2 <- a is new", "resume media 1"));
  EXPECT_THAT(scene.leave("alice/a"), IsEmpty()) << "the old socket is not heard any more";
  EXPECT_THAT(scene.drop("alice/a"), IsEmpty());
  EXPECT_THAT(scene.signal("alice/a:2", RoomSignal::Offer, "o"), ElementsAre("media 1 offer o"));
}

TEST(RoomRule6, TakingOverOneSessionLeavesTheOther) {
  RoomScene scene;
  two(scene);
  scene.enter("alice/a2");
  EXPECT_THAT(scene.join_as("alice/a2", "a"),
              ElementsAre("alice/a <- a2 left: replaced", "bob/b <- a2 left: replaced", "close media 3",
                          "close alice/a replaced", "alice/a2 <- resumed as a member (b bob member new)",
                          "alice/a2 <- a is new", "resume media 1"));
}

TEST(RoomRule6, WithoutAGraceALostSocketLeaves) {
  RoomScene scene{{.reconnect_grace = Duration::zero()}};
  two(scene);
  EXPECT_THAT(scene.drop("alice/a"), ElementsAre("bob/b <- a left: timeout", "close media 1"));
}

TEST(RoomRule6, ALeaveKnowsNoGrace) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.leave("alice/a"), ElementsAre("bob/b <- a left: left", "close media 1"));
  EXPECT_THAT(scene.drop("alice/a"), IsEmpty());
  EXPECT_THAT(scene.signal("bob/b", RoomSignal::Restart, ""), ElementsAre("media 2 restart "));
}

TEST(RoomRule6, WhoLeftMayEnterAgainOverTheSameSocket) {
  RoomScene scene;
  two(scene);
  scene.leave("alice/a");
  EXPECT_THAT(scene.join("alice/a"), ElementsAre("alice/a <- joined as a member (b bob member new)",
                                                 "bob/b <- a of alice joined", "open media 3"))
      << "another stay";
}

// ---- 7: media that fails
// ----------------------------------------------------------------------------------------------

TEST(RoomRule7, MediaThatFailsTakesItsTracksAndANewOfferBeginsAnew) {
  RoomScene scene;
  two(scene);
  scene.publish(1, 10, TrackKind::Audio);
  EXPECT_THAT(scene.media(1, ConnectionState::Failed),
              ElementsAre("alice/a <- a is failed", "alice/a <- error failed", "bob/b <- a is failed",
                          "bob/b <- ended #10 a microphone"));
  EXPECT_THAT(scene.ended(10), IsEmpty());
  EXPECT_THAT(scene.signal("alice/a", RoomSignal::Offer, "o2"), ElementsAre("media 1 offer o2"));
  EXPECT_THAT(scene.media(1, ConnectionState::Connecting),
              ElementsAre("alice/a <- a is connecting", "bob/b <- a is connecting"));
  EXPECT_THAT(scene.publish(1, 12, TrackKind::Audio), ElementsAre("bob/b <- published #12 a microphone"));
}

TEST(RoomRule7, StatesAreToldOnceToItselfAndTheOthers) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.media(1, ConnectionState::Connecting),
              ElementsAre("alice/a <- a is connecting", "bob/b <- a is connecting"));
  EXPECT_THAT(scene.media(1, ConnectionState::Connecting), IsEmpty());
  scene.drop("alice/a");
  EXPECT_THAT(scene.media(1, ConnectionState::Connected), IsEmpty()) << "it shows as disconnected";
  EXPECT_THAT(scene.media(99, ConnectionState::Connected), IsEmpty()) << "of nobody here";
}

// ---- 8: silence
// -------------------------------------------------------------------------------------------------------

TEST(RoomRule8, ASilentSocketIsClosedWhichBeginsTheGrace) {
  RoomScene scene;
  two(scene);
  scene.wait(seconds{40});
  scene.tell(HeardFrom{scene.id("bob/b")});
  EXPECT_THAT(scene.wait(seconds{20}), ElementsAre("close alice/a silent", "bob/b <- a is disconnected"));
  EXPECT_THAT(scene.drop("alice/a"), IsEmpty());
  EXPECT_THAT(scene.wait(seconds{30}), ElementsAre("bob/b <- a left: timeout", "close media 1"));
}

TEST(RoomRule8, AnyMessageIsASignOfLife) {
  RoomScene scene;
  two(scene);
  for (int minute = 0; minute < 10; ++minute) {
    EXPECT_THAT(scene.wait(seconds{59}), IsEmpty());
    scene.signal("alice/a", RoomSignal::Ice, "{}");
    scene.ping("bob/b");
  }
}

// ---- 9: removed members
// -----------------------------------------------------------------------------------------------

TEST(RoomRule9, ARemovedMemberLeavesWithAllItsSocketsAtOnce) {
  RoomScene scene;
  two(scene);
  scene.enter("alice/a2");
  scene.open("alice/idle");
  EXPECT_THAT(scene.removed("alice", kChat), IsEmpty()) << "another room";
  EXPECT_THAT(scene.removed("alice"),
              ElementsAre("alice/a <- a left: removed", "bob/b <- a left: removed", "alice/a2 <- a left: removed",
                          "close media 1", "alice/a2 <- a2 left: removed", "bob/b <- a2 left: removed", "close media 3",
                          "close alice/a removed", "close alice/a2 removed", "close alice/idle removed"));
  EXPECT_THAT(scene.removed("alice"), IsEmpty());
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomRule9, ARoleThatMembershipChangesHoldsAtOnceAndForThoseWhoComeLater) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.member_role("bob", RoomRole::Moderator),
              ElementsAre("alice/a <- b becomes moderator by ", "bob/b <- b becomes moderator by "));
  EXPECT_THAT(scene.member_role("bob", RoomRole::Moderator), IsEmpty());
  EXPECT_THAT(scene.member_role("nobody", RoomRole::Host), IsEmpty());
  EXPECT_THAT(scene.lock("bob/b"), Not(IsEmpty()));
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomRule9, InTheGraceAndBeforeTheJoinAsWell) {
  RoomScene scene;
  two(scene);
  scene.drop("alice/a");
  EXPECT_THAT(scene.removed("alice"), ElementsAre("bob/b <- a left: removed", "close media 1"));
  scene.open("carol/c");
  EXPECT_THAT(scene.removed("carol"), ElementsAre("close carol/c removed"));
  EXPECT_THAT(scene.removed("bob"), ElementsAre("bob/b <- b left: removed", "close media 2", "close bob/b removed",
                                                "save alice ended hangup 0s"));
}

TEST(RoomRule9, WhenTheGroupIsDeletedEverybodyLeavesAndHearsOfItselfAlone) {
  RoomScene scene;
  two(scene);
  scene.drop("bob/b");
  scene.open("carol/c");  // has not joined
  scene.enter("alice/z", {.room = kChat});
  scene.publish(1, 10, TrackKind::Audio);
  EXPECT_THAT(scene.membership_ended(),
              ElementsAre("alice/a <- a left: removed", "close media 1", "close media 2", "save alice ended hangup 0s",
                          "close alice/a removed", "close carol/c removed"));
  EXPECT_THAT(scene.membership_ended(), IsEmpty());
  EXPECT_TRUE(scene.rooms().describe(kChat)) << "the room of a chat with the same id is another one";
  EXPECT_EQ(scene.finish(), kNothing);
}

// ---- limits and the end of the process
// ----------------------------------------------------------------------------------

TEST(RoomLimits, ParticipantsOfARoom) {
  RoomScene scene{{.participants_max = 2}};
  two(scene);
  scene.open("carol/c");
  EXPECT_THAT(scene.join("carol/c"), ElementsAre("carol/c <- error room-full"));
  scene.drop("alice/a");
  scene.open("alice/a:2");
  EXPECT_THAT(scene.join("alice/a:2").front(), "alice/a:2 <- resumed as a member (b bob member new)");
  EXPECT_THAT(scene.join_as("alice/a:2", "other").at(0), "bob/b <- a left: replaced") << "its own place";
}

TEST(RoomLimits, RoomsOfTheServerAndOfAUser) {
  RoomScene scene{{.rooms_max = 3, .rooms_per_user_max = 2}};
  const auto key = [](const char* id) { return RoomKey{RoomKind::Group, ChatId{id}}; };
  scene.enter("alice/1", {.room = key("1")});
  scene.enter("alice/2", {.room = key("2")});
  scene.enter("alice/2b", {.room = key("2")});
  scene.open("alice/3", {.room = key("3")});
  EXPECT_THAT(scene.join("alice/3"), ElementsAre("alice/3 <- error too-many-rooms"));
  scene.leave("alice/2");
  EXPECT_THAT(scene.join("alice/3"), ElementsAre("alice/3 <- error too-many-rooms")) << "its other session is there";
  scene.leave("alice/2b");
  EXPECT_THAT(scene.join("alice/3").front(), "alice/3 <- joined as 3 member");
  scene.enter("bob/2", {.room = key("2")});
  scene.open("bob/4", {.room = key("4")});
  EXPECT_THAT(scene.join("bob/4"), ElementsAre("bob/4 <- error too-many-rooms"));
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomDrain, NoNewRoomsWhileRunningOnesGoOn) {
  RoomScene scene;
  two(scene);
  scene.tell(DrainRooms{});
  scene.open("carol/c");
  EXPECT_THAT(scene.join("carol/c").front(), "carol/c <- joined as c member (a alice member new) (b bob member new)");
  scene.open("dave/d", {.room = kChat});
  EXPECT_THAT(scene.join("dave/d"), ElementsAre("dave/d <- error unavailable"));
}

TEST(RoomShutdown, EndsEveryRoom) {
  RoomScene scene;
  two(scene);
  scene.drop("bob/b");
  scene.publish(1, 10, TrackKind::Audio);
  EXPECT_THAT(scene.tell(ShutDownRooms{}), ElementsAre("alice/a <- a left: server-shutdown", "close media 1",
                                                       "close media 2", "save alice ended server-shutdown 0s"));
  EXPECT_THAT(scene.join("alice/a"), ElementsAre("alice/a <- error unavailable"));
  EXPECT_EQ(scene.finish(), kNothing);
}

TEST(RoomDescription, TellsWhoIsThereAndWhatIsPublished) {
  RoomScene scene;
  two(scene);
  scene.publish(2, 10, TrackKind::Video);
  scene.drop("alice/a");
  const auto view = scene.rooms().describe(kGroup);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->key, kGroup);
  EXPECT_EQ(view->call, scene.records().front().id);
  EXPECT_FALSE(view->locked);
  ASSERT_THAT(view->members, SizeIs(2));
  EXPECT_EQ(view->members[0].info.session, SessionId{"a"});
  EXPECT_EQ(view->members[0].info.state, ConnectionState::Disconnected);
  EXPECT_THAT(view->members[0].tracks, IsEmpty());
  EXPECT_THAT(view->members[1].tracks,
              ElementsAre(TrackInfo{TrackId{10}, SessionId{"b"}, TrackKind::Video, TrackSource::Camera, false}));
  EXPECT_FALSE(scene.rooms().describe(kChat));
}

}  // namespace
}  // namespace zvonok::call
