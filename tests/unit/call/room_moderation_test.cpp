// Rooms: roles, kick, lock, mute (rule 10 of docs/protocol/room.md and the moderators' messages).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "room_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A host (h, participant 1), a moderator (m, 2), a member (b, 3).
void three(RoomScene& scene) {
  scene.enter("hanna/h", {.role = RoomRole::Host});
  scene.enter("max/m", {.role = RoomRole::Moderator});
  scene.enter("bob/b", {.token = "t1"});
}

// ---- 10: roles
// --------------------------------------------------------------------------------------------------------

TEST(RoomRule10, TheFirstOfAGroupWithoutAKnownOwnerIsItsHostAndStaysSo) {
  RoomScene scene;
  scene.open("alice/a", {.role = std::nullopt});
  EXPECT_THAT(scene.join("alice/a").front(), "alice/a <- joined as a host");
  scene.open("bob/b", {.role = std::nullopt});
  EXPECT_THAT(scene.join("bob/b").front(), "bob/b <- joined as b member (a alice host new)");
  scene.leave("alice/a");
  scene.open("carol/c", {.role = std::nullopt});
  EXPECT_THAT(scene.join("carol/c").front(), "carol/c <- joined as c member (b bob member new)");
  EXPECT_THAT(scene.join("alice/a").front(), "alice/a <- joined as a host (b bob member new) (c carol member new)");
}

TEST(RoomRule10, WhereMembershipKnowsTheOwnerTheFirstIsWhatItIs) {
  RoomScene scene;
  scene.open("bob/b");
  EXPECT_THAT(scene.join("bob/b").front(), "bob/b <- joined as b member");
  scene.open("hanna/h", {.role = RoomRole::Host});
  EXPECT_THAT(scene.join("hanna/h").front(), "hanna/h <- joined as h host (b bob member new)");
}

TEST(RoomRule10, BothOfAPrivateChatAreModerators) {
  RoomScene scene;
  scene.open("alice/a", {.room = kChat, .role = std::nullopt});
  EXPECT_THAT(scene.join("alice/a").front(), "alice/a <- joined as a moderator");
  scene.open("bob/b", {.room = kChat, .role = RoomRole::Member});
  EXPECT_THAT(scene.join("bob/b").front(), "bob/b <- joined as b moderator (a alice moderator new)");
}

TEST(RoomRole, AHostGivesRolesWhichOutliveALeave) {
  RoomScene scene;
  three(scene);
  EXPECT_THAT(scene.role("max/m", "b", RoomRole::Moderator), ElementsAre("max/m <- error forbidden"));
  EXPECT_THAT(scene.role("hanna/h", "x", RoomRole::Moderator), ElementsAre("hanna/h <- error not-found"));
  EXPECT_THAT(scene.role("hanna/h", "b", RoomRole::Moderator),
              ElementsAre("hanna/h <- b becomes moderator by h", "max/m <- b becomes moderator by h",
                          "bob/b <- b becomes moderator by h"));
  EXPECT_THAT(scene.role("hanna/h", "b", RoomRole::Moderator), IsEmpty()) << "nothing new";
  scene.leave("bob/b");
  EXPECT_THAT(scene.join("bob/b").front(), "bob/b <- joined as b moderator (h hanna host new) (m max moderator new)");
}

TEST(RoomRole, ARoleIsTheUsersInAllSessions) {
  RoomScene scene;
  three(scene);
  scene.enter("bob/b2");
  scene.role("hanna/h", "b2", RoomRole::Moderator);
  EXPECT_THAT(scene.lock("bob/b").front(), "hanna/h <- locked by b");
}

// ---- kick
// ---------------------------------------------------------------------------------------------------------------

TEST(RoomKick, RemovesTheUserWithEverySessionForAsLongAsTheRoomLives) {
  RoomScene scene;
  three(scene);
  scene.enter("bob/b2", {.token = "t2"});
  scene.open("bob/idle", {.token = "t2"});
  EXPECT_THAT(scene.kick("max/m", "b"),
              ElementsAre("revoke t1 of bob", "revoke t2 of bob",  //
                          "bob/b <- b left: kicked", "hanna/h <- b left: kicked", "max/m <- b left: kicked",
                          "bob/b2 <- b left: kicked", "close media 3",  //
                          "bob/b2 <- b2 left: kicked", "hanna/h <- b2 left: kicked", "max/m <- b2 left: kicked",
                          "close media 4", "close bob/b removed", "close bob/b2 removed", "close bob/idle removed"));
  EXPECT_TRUE(scene.rooms().is_banned(kGroup, UserId{"bob"}));
  EXPECT_FALSE(scene.rooms().is_banned(kChat, UserId{"bob"}));
  EXPECT_THAT(scene.open("bob/b:3"), ElementsAre("close bob/b:3 removed"));
  EXPECT_THAT(scene.join("bob/b:3"), IsEmpty());
  scene.leave("max/m");
  scene.leave("hanna/h");
  EXPECT_FALSE(scene.rooms().is_banned(kGroup, UserId{"bob"}));
  scene.open("bob/b:4");
  EXPECT_THAT(scene.join("bob/b:4").front(), "bob/b:4 <- joined as b member") << "another room";
  EXPECT_EQ(scene.finish(), Rooms::Counts{});
}

TEST(RoomKick, ReachesWhoIsAwayAndIsNotForMembersNorForHigherRoles) {
  RoomScene scene;
  three(scene);
  EXPECT_THAT(scene.kick("bob/b", "m"), ElementsAre("bob/b <- error forbidden"));
  EXPECT_THAT(scene.kick("max/m", "h"), ElementsAre("max/m <- error forbidden"));
  EXPECT_THAT(scene.kick("max/m", "m"), ElementsAre("max/m <- error forbidden")) << "oneself";
  EXPECT_THAT(scene.kick("max/m", "nobody"), ElementsAre("max/m <- error not-found"));
  scene.drop("bob/b");
  EXPECT_THAT(scene.kick("max/m", "b"),
              ElementsAre("hanna/h <- b left: kicked", "max/m <- b left: kicked", "close media 3"));
}

TEST(RoomKick, IsRefusedWhenTheListIsFull) {
  RoomScene scene{{.banned_users_max = 1}};
  three(scene);
  scene.enter("carol/c");
  scene.kick("max/m", "b");
  EXPECT_THAT(scene.kick("max/m", "c"), ElementsAre("max/m <- error unavailable"));
}

// ---- lock
// ---------------------------------------------------------------------------------------------------------------

TEST(RoomLock, NobodyNewEnters) {
  RoomScene scene;
  three(scene);
  EXPECT_THAT(scene.lock("bob/b"), ElementsAre("bob/b <- error forbidden"));
  EXPECT_THAT(scene.lock("max/m"),
              ElementsAre("hanna/h <- locked by m", "max/m <- locked by m", "bob/b <- locked by m"));
  EXPECT_THAT(scene.lock("hanna/h"), IsEmpty()) << "it is";
  scene.open("carol/c");
  EXPECT_THAT(scene.join("carol/c"), ElementsAre("carol/c <- error locked"));
  scene.drop("bob/b");
  scene.open("bob/b:2");
  EXPECT_THAT(scene.join("bob/b:2").front(),
              "bob/b:2 <- resumed as b member locked (h hanna host new) (m max moderator new)");
  EXPECT_THAT(scene.unlock("hanna/h"),
              ElementsAre("hanna/h <- unlocked by h", "max/m <- unlocked by h", "bob/b:2 <- unlocked by h"));
  EXPECT_THAT(scene.join("carol/c").front(),
              "carol/c <- joined as c member (h hanna host new) (m max moderator new) (b bob member new)");
}

// ---- mute
// ---------------------------------------------------------------------------------------------------------------

TEST(RoomMute, StopsForwardingUntilItsOwnerUnmutes) {
  RoomScene scene;
  three(scene);
  scene.publish(3, 10, TrackKind::Audio, "0");
  scene.publish(3, 11, TrackKind::Video, "1");
  EXPECT_THAT(scene.mute("bob/b", "m", TrackKind::Audio), ElementsAre("bob/b <- error forbidden"));
  EXPECT_THAT(scene.mute("max/m", "x", TrackKind::Audio), ElementsAre("max/m <- error not-found"));
  EXPECT_THAT(scene.mute("max/m", "b", TrackKind::Audio),
              ElementsAre("bob/b <- mute audio by m", "mute #10 by a moderator",
                          "hanna/h <- updated #10 b microphone muted", "max/m <- updated #10 b microphone muted"));
  EXPECT_THAT(scene.mute("max/m", "b", TrackKind::Audio), ElementsAre("bob/b <- mute audio by m"));
  EXPECT_THAT(scene.track("bob/b", "0", {}, false),
              ElementsAre("unmute #10 by its owner", "hanna/h <- updated #10 b microphone",
                          "max/m <- updated #10 b microphone"));
}

}  // namespace
}  // namespace zvonok::call
