// The added events of docs/protocol/pair.md: only for clients that said hello.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PairAddedEvents, HelloTellsWhoOneIsAndInWhichCall) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  EXPECT_THAT(scene.hello("bob/phone"), ElementsAre("bob/phone <- hello bob/phone"));
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.hello("alice"), ElementsAre("alice <- hello alice/ ringing caller with bob"));
  EXPECT_THAT(scene.hello("bob/phone"), ElementsAre("bob/phone <- hello bob/phone ringing callee with alice"));
  scene.answer("bob/phone", "a1");
  EXPECT_THAT(scene.hello("bob/phone"), ElementsAre("bob/phone <- hello bob/phone active callee with alice"));
  scene.connect("bob/tablet");
  EXPECT_THAT(scene.hello("bob/tablet"), ElementsAre("bob/tablet <- hello bob/tablet")) << "not in the call itself";
}

TEST(PairAddedEvents, HelloTellsTheTimes) {
  Presence presence;
  CountingEntropy entropy;
  PairCalls calls{{.ring_timeout = seconds{30}, .reconnect_grace = seconds{7}}, presence, entropy};
  Effects effects;
  calls.handle(DeviceConnected{ConnectionId{1}, UserId{"alice"}, {}}, {}, effects);
  calls.handle(Hello{ConnectionId{1}}, {}, effects);
  ASSERT_EQ(effects.size(), 1U);
  const auto& hello = std::get<DeliverServerHello>(effects[0]);
  EXPECT_EQ(hello.ring_timeout, seconds{30});
  EXPECT_EQ(hello.reconnect_grace, seconds{7});
}

TEST(PairAddedEvents, ACallIsToldStepByStep) {
  PairScene scene;
  for (const char* label : {"alice", "bob/phone", "bob/tablet"}) {
    scene.connect(label);
    scene.with_added(label);
  }
  EXPECT_THAT(scene.offer("alice", "bob", "o1"),
              ElementsAre("alice <- started caller with bob", "bob/tablet <- started callee with alice",
                          "bob/tablet <- offer o1 from alice", "bob/phone <- started callee with alice",
                          "bob/phone <- offer o1 from alice", "save alice>bob ringing", "alice <- ringing 2"));
  EXPECT_THAT(scene.connect("bob/laptop"), ElementsAre("bob/laptop <- offer o1 from alice", "alice <- ringing 3"));
  EXPECT_THAT(scene.drop("bob/tablet"), ElementsAre("alice <- ringing 2"));
  EXPECT_THAT(scene.answer("bob/phone", "a1"),
              ElementsAre("alice <- answer a1", "bob/laptop <- hangup answered-elsewhere", "alice <- answered",
                          "bob/phone <- answered", "save alice>bob active"));
  EXPECT_THAT(scene.drop("bob/phone"), ElementsAre("alice <- peer reconnecting"));
  EXPECT_THAT(scene.connect("bob/phone:2"), ElementsAre("alice <- peer connected"));
  EXPECT_THAT(scene.drop("alice"), IsEmpty()) << "the phone has not said hello on its new socket";
  scene.with_added("bob/phone:2");
  EXPECT_THAT(scene.connect("alice:2"), ElementsAre("bob/phone:2 <- peer connected"));
}

TEST(PairAddedEvents, ADeviceThatIsRungLateHearsOfTheCallBeforeItsOffer) {
  PairScene scene{{.rung_devices_max = 1}};
  scene.connect("alice");
  for (const char* label : {"bob/1", "bob/2"}) {
    scene.connect(label);
    scene.with_added(label);
  }
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.drop("bob/2"), ElementsAre("bob/1 <- started callee with alice", "bob/1 <- offer o1 from alice"));
}

TEST(PairAddedEvents, WhoHasNotSaidHelloHearsNothingOfThem) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.connect("carol");
  scene.with_added("carol");
  EXPECT_THAT(scene.watch("carol", {"alice"}), ElementsAre("carol <- presence alice+"));
  EXPECT_THAT(scene.offer("alice", "bob", "o1"), ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing"));
  EXPECT_THAT(scene.answer("bob", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
  EXPECT_THAT(scene.drop("bob"), IsEmpty());
}

TEST(PairAddedEvents, WhileItRingsTheCalleeIsReconnectingWhenNoDeviceIsLeft) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.drop("bob/phone"), ElementsAre("alice <- ringing 1"));
  EXPECT_THAT(scene.drop("bob/tablet"), ElementsAre("alice <- ringing 0", "alice <- peer reconnecting"));
  EXPECT_THAT(scene.connect("bob/laptop"),
              ElementsAre("bob/laptop <- offer o1 from alice", "alice <- ringing 1", "alice <- peer connected"));
}

TEST(PairAddedEvents, WhileItRingsEveryRungDeviceHearsOfTheMissingCaller) {
  PairScene scene;
  scene.connect("alice");
  for (const char* label : {"bob/1", "bob/2", "bob/3"}) scene.connect(label);
  scene.with_added("bob/1");
  scene.with_added("bob/3");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.drop("alice"), ElementsAre("bob/3 <- peer reconnecting", "bob/1 <- peer reconnecting"));
  EXPECT_THAT(scene.connect("alice:2"), ElementsAre("bob/3 <- peer connected", "bob/1 <- peer connected"));
}

TEST(PairAddedEvents, AReplacedSocketIsNoReconnect) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob/phone");
  scene.offer("alice", "bob", "o1");
  scene.answer("bob/phone", "a1");
  EXPECT_THAT(scene.connect("bob/phone:2"), ElementsAre("close bob/phone replaced"));
}

TEST(PairAddedEvents, TheWinnerOfACrossingThatIsMissingIsReconnecting) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  scene.offer("bob/phone", "alice", "o2");
  scene.drop("bob/phone");
  EXPECT_THAT(scene.answer("alice", "a2"), ElementsAre("bob/tablet <- hangup answered-elsewhere", "alice <- answered",
                                                       "save alice>bob active", "alice <- peer reconnecting"));
}

TEST(PairPresence, TheWholeListComesFirstAndThenChanges) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob/phone");
  EXPECT_THAT(scene.watch("alice", {"bob", "carol"}), ElementsAre("alice <- presence bob+ carol-"));
  EXPECT_THAT(scene.connect("bob/tablet"), IsEmpty());
  EXPECT_THAT(scene.drop("bob/phone"), IsEmpty());
  EXPECT_THAT(scene.drop("bob/tablet"), ElementsAre("alice <- presence bob-"));
  EXPECT_THAT(scene.connect("carol"), ElementsAre("alice <- presence carol+"));
  EXPECT_THAT(scene.watch("alice", {}), ElementsAre("alice <- presence"));
  EXPECT_THAT(scene.drop("carol"), IsEmpty());
}

TEST(PairPresence, AReplacedSocketDoesNotMakeItsUserFlicker) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob/phone");
  scene.watch("alice", {"bob"});
  EXPECT_THAT(scene.connect("bob/phone:2"), ElementsAre("close bob/phone replaced"));
}

TEST(PairPresence, ThereIsNoGraceInPresence) {
  PairScene scene;
  scene.connect("alice");
  scene.with_added("alice");
  scene.connect("bob");
  scene.watch("alice", {"bob"});
  scene.offer("alice", "bob", "o1");
  scene.answer("bob", "a1");
  EXPECT_THAT(scene.drop("bob"), ElementsAre("alice <- peer reconnecting", "alice <- presence bob-"));
}

TEST(PairPresence, WatchingTakesAHello) {
  PairScene scene;
  scene.connect("alice");
  EXPECT_THAT(scene.watch("alice", {"bob"}), ElementsAre("alice <- error bad-message"));
  EXPECT_THAT(scene.connect("bob"), IsEmpty());
}

}  // namespace
}  // namespace zvonok::call
