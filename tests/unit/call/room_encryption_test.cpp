// Rooms that are encrypted end to end: who may enter, and what is passed on of keys (docs/protocol/e2e.md, "Rooms").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "room_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr JoinEncryption kUnable = JoinEncryption::Unable;
constexpr JoinEncryption kSupported = JoinEncryption::Supported;
constexpr JoinEncryption kRequired = JoinEncryption::Required;

void enter(RoomScene& scene, const std::string& label, JoinEncryption encryption) {
  scene.open(label);
  scene.join_with(label, encryption);
}

TEST(RoomEncryption, TheFirstOneDecides) {
  RoomScene scene;
  scene.open("alice/a");
  EXPECT_THAT(scene.join_with("alice/a", kRequired).front(), "alice/a <- joined as a member encrypted");
  EXPECT_TRUE(scene.rooms().describe(kGroup)->encrypted);
  scene.open("bob/b");
  EXPECT_THAT(scene.join_with("bob/b", kSupported).front(),
              "bob/b <- joined as b member encrypted (a alice member new)");
  scene.open("carol/c");
  EXPECT_THAT(scene.join_with("carol/c", kUnable), ElementsAre("carol/c <- error encrypted"));
  EXPECT_THAT(scene.join_with("carol/c", kRequired).front(),
              "carol/c <- joined as c member encrypted (a alice member new) (b bob member new)");
}

TEST(RoomEncryption, ARoomThatBeganWithoutStaysWithout) {
  RoomScene scene;
  enter(scene, "alice/a", kSupported);
  EXPECT_FALSE(scene.rooms().describe(kGroup)->encrypted);
  scene.open("bob/b");
  EXPECT_THAT(scene.join_with("bob/b", kRequired), ElementsAre("bob/b <- error not-encrypted"));
  EXPECT_THAT(scene.join_with("bob/b", kUnable).front(), "bob/b <- joined as b member (a alice member new)");
  EXPECT_THAT(scene.words("alice/a", "b", "{}"), ElementsAre("alice/a <- error not-encrypted"));
  scene.leave("alice/a");
  scene.leave("bob/b");
  EXPECT_THAT(scene.join_with("bob/b", kRequired).front(), "bob/b <- joined as b member encrypted") << "another room";
}

TEST(RoomEncryption, NobodyComesBackWithoutIt) {
  RoomScene scene;
  enter(scene, "alice/a", kRequired);
  enter(scene, "bob/b", kSupported);
  scene.drop("bob/b");
  scene.open("bob/b");
  EXPECT_THAT(scene.join_with("bob/b", kUnable), ElementsAre("bob/b <- error encrypted"));
  EXPECT_THAT(scene.join_with("bob/b", kSupported).front(),
              "bob/b <- resumed as b member encrypted (a alice member new)");
}

TEST(RoomEncryption, IsForAsManyAsItsLimit) {
  RoomScene scene{{.encrypted_participants_max = 2}};
  enter(scene, "alice/a", kRequired);
  enter(scene, "bob/b", kSupported);
  scene.open("carol/c");
  EXPECT_THAT(scene.join_with("carol/c", kSupported), ElementsAre("carol/c <- error room-full"));
}

TEST(RoomEncryption, WordsGoToOneOrToAllOthersAsTheyAre) {
  RoomScene scene;
  enter(scene, "alice/a", kRequired);
  enter(scene, "bob/b", kSupported);
  enter(scene, "carol/c", kSupported);
  EXPECT_THAT(scene.words("alice/a", "b", R"({"v": 1})"), ElementsAre(R"(bob/b <- a says {"v": 1})"));
  EXPECT_THAT(scene.words("bob/b", "", "{}"), ElementsAre("alice/a <- b says {}", "carol/c <- b says {}"));
  EXPECT_THAT(scene.words("alice/a", "gone", "{}"), IsEmpty());
  EXPECT_THAT(scene.words("alice/a", "a", "{}"), IsEmpty());
  scene.drop("bob/b");
  EXPECT_THAT(scene.words("alice/a", "b", "{}"), IsEmpty()) << "away";
  EXPECT_THAT(scene.words("alice/a", "", "{}"), ElementsAre("carol/c <- a says {}"));
  scene.open("dan/d");
  EXPECT_THAT(scene.words("dan/d", "a", "{}"), ElementsAre("dan/d <- error not-joined"));
}

TEST(RoomEncryption, AMessageToAllCountsForEach) {
  RoomScene scene{{.key_words = {.burst = 4, .per_second = 2}}};
  enter(scene, "alice/a", kRequired);
  enter(scene, "bob/b", kSupported);
  enter(scene, "carol/c", kSupported);
  scene.words("alice/a", "", "{}");
  scene.words("alice/a", "b", "{}");
  EXPECT_THAT(scene.words("alice/a", "", "{}"), ElementsAre("alice/a <- error too-many-messages"));
  EXPECT_THAT(scene.words("alice/a", "c", "{}"), ElementsAre("carol/c <- a says {}"));
  EXPECT_THAT(scene.words("alice/a", "c", "{}"), ElementsAre("alice/a <- error too-many-messages"));
  EXPECT_THAT(scene.words("bob/b", "c", "{}"), ElementsAre("carol/c <- b says {}")) << "each has its own";
  scene.wait(seconds{1});
  EXPECT_THAT(scene.words("alice/a", "", "{}"), ElementsAre("bob/b <- a says {}", "carol/c <- a says {}"));
}

}  // namespace
}  // namespace zvonok::call
