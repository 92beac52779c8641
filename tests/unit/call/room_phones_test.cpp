// Rooms: telephones among the participants ("Telephones" of docs/protocol/room.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "room_scene.h"

namespace zvonok::call {
namespace {

using phone::Cause;
using phone::Status;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

/// A moderator (m, participant 1) and a member (b, 2).
void two(RoomScene& scene) {
  scene.enter("max/m", {.role = RoomRole::Moderator});
  scene.enter("bob/b");
}

/// The telephone of call c, participant 3, which has answered and publishes #7.
void talking(RoomScene& scene) {
  two(scene);
  scene.phone_invited("c", "max/m");
  scene.phone("c", Status::InProgress);
  scene.publish(3, 7, TrackKind::Audio, "");
}

TEST(RoomPhones, AreInvitedByModeratorsUnlessItIsSetOtherwise) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.invite_phone("max/m"), ElementsAre("call +491512345678 for max"));
  EXPECT_THAT(scene.invite_phone("bob/b"), ElementsAre("bob/b <- error forbidden"));
  RoomOptions options;
  options.phone_role = RoomRole::Member;
  RoomScene open{options};
  two(open);
  EXPECT_THAT(open.invite_phone("bob/b"), ElementsAre("call +491512345678 for bob"));
  open.lock("max/m");
  EXPECT_THAT(open.invite_phone("bob/b"), ElementsAre("bob/b <- error locked"));
  EXPECT_THAT(open.invite_phone("max/m"), ElementsAre("call +491512345678 for max"));
}

TEST(RoomPhones, WhoHasNotJoinedInvitesNobody) {
  RoomScene scene;
  scene.open("max/m", {.role = RoomRole::Moderator});
  EXPECT_THAT(scene.invite_phone("max/m"), ElementsAre("max/m <- error not-joined"));
}

TEST(RoomPhones, AreSeenFromTheFirstRingToTheEnd) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.phone_invited("c", "max/m"),
              ElementsAre("max/m <- invited phone-c 1", "max/m <- phone-c of  joined named +49********78",
                          "bob/b <- phone-c of  joined named +49********78", "open phone 3 of c"));
  EXPECT_THAT(scene.phone("c", Status::Ringing),
              ElementsAre("max/m <- phone-c ringing by provider", "bob/b <- phone-c ringing by provider"));
  EXPECT_THAT(scene.phone("c", Status::Connecting), IsEmpty()) << "it only goes forward";
  EXPECT_THAT(scene.phone("c", Status::InProgress),
              ElementsAre("max/m <- phone-c in_progress by provider", "bob/b <- phone-c in_progress by provider",
                          "max/m <- phone-c is connected", "bob/b <- phone-c is connected", "connect phone 3"));
  EXPECT_THAT(scene.publish(3, 7, TrackKind::Audio, ""),
              ElementsAre("max/m <- published #7 phone-c microphone", "bob/b <- published #7 phone-c microphone"));
  EXPECT_THAT(scene.phone("c", Status::Completed),
              ElementsAre("max/m <- phone-c completed by provider", "bob/b <- phone-c completed by provider",
                          "max/m <- ended #7 phone-c microphone", "bob/b <- ended #7 phone-c microphone",
                          "max/m <- phone-c left: left", "bob/b <- phone-c left: left", "close media 3"));
  EXPECT_EQ(scene.finish(), Rooms::Counts{});
}

TEST(RoomPhones, ShowTheNameThatTheyAreGivenInPlaceOfTheNumber) {
  RoomScene scene;
  two(scene);
  EXPECT_THAT(scene.phone_invited("c", "max/m", "Anna"), Contains("bob/b <- phone-c of  joined named Anna"));
  const auto view = scene.rooms().describe(kGroup);
  ASSERT_EQ(view->members.size(), 3U);
  EXPECT_EQ(view->members[2].info.phone,
            (PhoneInfo{.status = Status::Connecting, .number = "+49********78", .by = UserId{"max"}}));
}

TEST(RoomPhones, LeaveForTheReasonThatTheirCallEndedFor) {
  struct Case {
    Status status;
    Cause cause;
    const char* reason;
  };
  for (const Case& c :
       {Case{Status::Busy, Cause::Provider, "busy"}, Case{Status::NoAnswer, Cause::RingTimeout, "no-answer"},
        Case{Status::Failed, Cause::Provider, "failed"}, Case{Status::Completed, Cause::TooLong, "hung-up"},
        Case{Status::Completed, Cause::SpendLimit, "hung-up"}, Case{Status::Canceled, Cause::Caller, "hung-up"},
        Case{Status::Failed, Cause::Shutdown, "server-shutdown"}}) {
    RoomScene scene;
    two(scene);
    scene.phone_invited("c", "max/m");
    EXPECT_THAT(scene.phone("c", c.status, c.cause), Contains(std::string{"bob/b <- phone-c left: "} + c.reason));
  }
}

TEST(RoomPhones, AreHungUpByWhoInvitedThemAndByModerators) {
  RoomOptions options;
  options.phone_role = RoomRole::Member;
  RoomScene scene{options};
  two(scene);
  scene.enter("carol/c");
  scene.phone_invited("c", "bob/b");
  EXPECT_THAT(scene.hang_up("carol/c", "phone-c"), ElementsAre("carol/c <- error forbidden"));
  EXPECT_THAT(scene.hang_up("bob/b", "c"), ElementsAre("bob/b <- error not-found")) << "carol is no telephone";
  EXPECT_THAT(scene.hang_up("bob/b", "phone-c").front(), "drop c by caller");
  scene.phone_invited("d", "bob/b");
  EXPECT_THAT(scene.hang_up("max/m", "phone-d").front(), "drop d by moderator");
  scene.phone_invited("e", "bob/b");
  const RoomLines kicked = scene.kick("max/m", "phone-e");
  EXPECT_THAT(kicked, Contains("drop e by moderator"));
  EXPECT_THAT(kicked, Contains("carol/c <- phone-e canceled by moderator"));
  EXPECT_THAT(kicked, Contains("carol/c <- phone-e left: hung-up"));
  EXPECT_THAT(scene.phone("e", Status::Canceled), IsEmpty()) << "told already";
}

TEST(RoomPhones, DontKeepARoomAlive) {
  RoomScene scene;
  talking(scene);
  scene.leave("bob/b");
  const RoomLines left = scene.leave("max/m");
  EXPECT_THAT(left, Contains("drop c by room_ended"));
  EXPECT_THAT(left, Contains("close media 3"));
  EXPECT_THAT(left.back(), testing::StartsWith("save max ended hangup"));
  EXPECT_EQ(scene.rooms().room_count(), 0U);
}

TEST(RoomPhones, AreWaitedWithWhileTheLastPersonMayComeBack) {
  RoomScene scene;
  talking(scene);
  scene.leave("bob/b");
  EXPECT_THAT(scene.drop("max/m"), Not(Contains("drop c by room_ended")));
  scene.open("max/m:2", {.role = RoomRole::Moderator});
  EXPECT_THAT(scene.join("max/m:2").front(),
              "max/m:2 <- resumed as m moderator (phone-c  member connected) (#7 phone-c microphone)");
  scene.drop("max/m:2");
  EXPECT_THAT(scene.wait(seconds{31}), Contains("drop c by room_ended"));
}

TEST(RoomPhones, AreHungUpWithTheEndOfMembershipAndOfTheServer) {
  RoomScene scene;
  talking(scene);
  EXPECT_THAT(scene.membership_ended(), Contains("drop c by room_ended"));
  RoomScene other;
  talking(other);
  EXPECT_THAT(other.tell(ShutDownRooms{}), Contains("drop c by room_ended"));
}

TEST(RoomPhones, MuteThemselvesByStarSix) {
  RoomScene scene;
  talking(scene);
  EXPECT_THAT(scene.press(3, "6"), IsEmpty());
  EXPECT_THAT(scene.press(3, "*6"), ElementsAre("mute #7 by its owner", "max/m <- updated #7 phone-c microphone muted",
                                                "bob/b <- updated #7 phone-c microphone muted", "tones muted 3"));
  EXPECT_THAT(scene.press(3, "*16"), IsEmpty()) << "something was between";
  scene.press(3, "*");
  scene.wait(seconds{6});
  EXPECT_THAT(scene.press(3, "6"), IsEmpty()) << "too late";
  EXPECT_THAT(scene.press(3, "**6"), ElementsAre("unmute #7 by its owner", "max/m <- updated #7 phone-c microphone",
                                                 "bob/b <- updated #7 phone-c microphone", "tones unmuted 3"));
}

TEST(RoomPhones, HearWhenAModeratorMutesThemAndMaySpeakAgain) {
  RoomScene scene;
  talking(scene);
  EXPECT_THAT(scene.mute("max/m", "phone-c", TrackKind::Audio),
              ElementsAre("tones muted 3", "mute #7 by a moderator", "max/m <- updated #7 phone-c microphone muted",
                          "bob/b <- updated #7 phone-c microphone muted"));
  EXPECT_THAT(scene.press(3, "*6").front(), "unmute #7 by its owner");
}

TEST(RoomPhones, MakeACallOfARoomOnceTheyAnswer) {
  RoomScene scene;
  scene.enter("max/m", {.role = RoomRole::Moderator});
  scene.phone_invited("c", "max/m");
  EXPECT_EQ(scene.records().back().state, CallState::Ringing);
  EXPECT_THAT(scene.phone("c", Status::InProgress).back(), "save max active");
}

TEST(RoomPhones, ThereIsALimit) {
  RoomOptions options;
  options.phones_max = 1;
  RoomScene scene{options};
  two(scene);
  scene.phone_invited("c", "max/m");
  EXPECT_THAT(scene.invite_phone("max/m"), ElementsAre("max/m <- error room-full"));
}

TEST(RoomPhones, ComeToNothingWhereNobodyIsLeft) {
  RoomScene scene;
  two(scene);
  scene.leave("max/m");
  scene.leave("bob/b");
  EXPECT_THAT(scene.phone_invited("c", "max/m"), ElementsAre("drop c by room_ended"));
  EXPECT_THAT(scene.phone("c", Status::Canceled), IsEmpty());
}

TEST(RoomPhones, AreNotLetIntoEncryptedRooms) {
  RoomScene scene;
  scene.open("max/m", {.role = RoomRole::Moderator});
  scene.tell(JoinRoom{.connection = scene.id("max/m"),
                      .session = SessionId{"m"},
                      .name = {},
                      .room_id = "1",
                      .encryption = JoinEncryption::Required});
  EXPECT_THAT(scene.invite_phone("max/m"), ElementsAre("max/m <- error encrypted"));
  EXPECT_THAT(scene.phone_invited("c", "max/m"), ElementsAre("drop c by room_ended"));
}

TEST(RoomPhones, HaveNoRole) {
  RoomScene scene;
  scene.enter("hanna/h", {.role = RoomRole::Host});
  scene.phone_invited("c", "hanna/h");
  EXPECT_THAT(scene.role("hanna/h", "phone-c", RoomRole::Moderator), ElementsAre("hanna/h <- error forbidden"));
}

}  // namespace
}  // namespace zvonok::call
