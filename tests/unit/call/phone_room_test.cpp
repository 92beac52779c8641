// Phone calls of telephones that are invited into rooms: whose they are, and what they have to do with other calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone_scene.h"

namespace zvonok::call::phone {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const RoomKey kRoom{.kind = RoomKind::Group, .id = ChatId{"team"}};

Lines invite(PhoneScene& scene, const std::string& call, const std::string& user) {
  return scene.tell(Initiate{.call = CallId{call},
                             .session_id = "sess_" + call,
                             .user = UserId{user},
                             .number = PhoneNumber{PhoneScene::kNumber},
                             .room = kRoom});
}

TEST(PhoneInRoom, IsACallLikeAnyOtherWithItsRoomInTheRecord) {
  PhoneScene scene;
  EXPECT_THAT(invite(scene, "c", "ann"), ElementsAre("connecting by caller", "dial +491512345678"));
  scene.event("c", Rings{});
  scene.event("c", Answered{});
  scene.wait(seconds{7});
  EXPECT_THAT(scene.event("c", Over{}), ElementsAre("completed by provider 7s"));
  EXPECT_EQ(scene.last_record().caller, UserId{"ann"});
  EXPECT_EQ(scene.last_record().chat, kRoom.id);
  EXPECT_EQ(scene.last_record().phone->room, kRoom);
  EXPECT_EQ(scene.calls().counts().calls, 0U);
}

TEST(PhoneInRoom, MakesNobodyBusy) {
  PhoneScene scene;
  invite(scene, "c", "ann");
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"ann"}));
  EXPECT_THAT(scene.incoming("d", "ann"), ElementsAre("ringing by provider", "ring"));
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"ann"}));
  scene.decline("d", "ann");
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"ann"}));
  EXPECT_EQ(scene.calls().counts().calls, 1U);
}

TEST(PhoneInRoom, IsInvitedByWhoIsInAnotherCallToo) {
  PhoneScene scene;
  scene.presence().engage(UserId{"ann"});
  invite(scene, "c", "ann");
  EXPECT_EQ(scene.outcome(), Outcome::Done);
  scene.tell(Dismiss{.call = CallId{"c"}, .cause = Cause::RoomEnded});
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"ann"})) << "by the other call";
}

TEST(PhoneInRoom, CountsAmongTheCallsOfItsUser) {
  PhoneScene scene;
  invite(scene, "c", "ann");
  invite(scene, "d", "ann");
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  scene.initiate("e", "ann");
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  PhoneScene several{{.per_user_max = 2}};
  several.initiate("c", "ann");
  invite(several, "d", "ann");
  EXPECT_EQ(several.outcome(), Outcome::Done);
  several.terminate("c", "ann");
  EXPECT_FALSE(several.presence().is_engaged(UserId{"ann"}));
}

TEST(PhoneInRoom, HasTheLimitsOfTheDayAndOfNumbers) {
  PhoneScene scene{{.a_day = {.calls_max = 1}, .deny = {"+4915"}}};
  invite(scene, "c", "ann");
  EXPECT_EQ(scene.outcome(), Outcome::NumberNotAllowed);
  PhoneScene one{{.per_user_max = 2, .a_day = {.calls_max = 1}}};
  invite(one, "c", "ann");
  invite(one, "d", "ann");
  EXPECT_EQ(one.outcome(), Outcome::DailyLimit);
}

TEST(PhoneInRoom, WaitsForNoBrowser) {
  PhoneScene scene{{.browser_timeout = minutes{2}}};
  invite(scene, "c", "ann");
  scene.event("c", Answered{});
  EXPECT_THAT(scene.wait(minutes{10}), IsEmpty());
  scene.tell(BrowserReady{.call = CallId{"c"}, .user = UserId{"ann"}});
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  scene.hold("c", "ann", Switch::On);
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  scene.mute("c", "ann", Switch::On);
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  EXPECT_THAT(scene.dtmf("c", "ann", "1"), ElementsAre("dtmf 1"));
}

TEST(PhoneInRoom, IsEndedByTheRoom) {
  PhoneScene scene;
  invite(scene, "c", "ann");
  EXPECT_THAT(scene.tell(Dismiss{.call = CallId{"c"}, .cause = Cause::Moderator}),
              ElementsAre("hang up", "canceled by moderator 0s"));
  scene.tell(Dismiss{.call = CallId{"c"}});
  EXPECT_EQ(scene.outcome(), Outcome::NoSuchCall);
  scene.talking("d", "ann");
  scene.tell(Dismiss{.call = CallId{"d"}});
  EXPECT_EQ(scene.outcome(), Outcome::NotYours) << "it is in no room";
}

}  // namespace
}  // namespace zvonok::call::phone
