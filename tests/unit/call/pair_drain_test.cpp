// A server that drains takes no new calls and leaves everybody who is in one alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// alice (pc) calls bob (phone, tablet); nobody has answered.
void start_ringing(PairScene& scene) {
  scene.connect("alice/pc");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice/pc", "bob", "o1");
}

TEST(PairDrain, NewCallsAreRefusedWithoutARecordAndWithoutALookUp) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  EXPECT_THAT(scene.drain(), IsEmpty());
  EXPECT_THAT(scene.offer("alice", "bob", "o1"), ElementsAre("alice <- error unavailable"));
  EXPECT_THAT(scene.offer("alice", "nobody", "o1"), ElementsAre("alice <- error unavailable"));
  EXPECT_THAT(scene.offer_chat("alice", "7", "o1"), ElementsAre("alice <- error unavailable"));
  EXPECT_THAT(scene.records(), IsEmpty());
}

TEST(PairDrain, ALookUpThatEndsAfterwardsMakesNoCall) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  scene.ice("alice", "c1");
  scene.drain();
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("alice <- error unavailable"));
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

TEST(PairDrain, ARingingCallMayBeAnswered) {
  PairScene scene;
  start_ringing(scene);
  scene.drain();
  EXPECT_THAT(scene.ice("alice/pc", "c1"), ElementsAre("bob/tablet <- ice c1", "bob/phone <- ice c1"));
  EXPECT_THAT(scene.connect("bob/laptop"), ElementsAre("bob/laptop <- offer o1 from alice", "bob/laptop <- ice c1"));
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), ElementsAre("alice/pc <- offer o2 from bob"));
  EXPECT_THAT(scene.answer("bob/phone", "a1"),
              ElementsAre("alice/pc <- answer a1", "bob/tablet <- hangup answered-elsewhere",
                          "bob/laptop <- hangup answered-elsewhere", "save alice>bob active"));
}

TEST(PairDrain, ARingingCallMayBeDeclinedCanceledOrLeftUnanswered) {
  {
    PairScene scene;
    start_ringing(scene);
    scene.drain();
    scene.hangup("bob/phone");
    EXPECT_EQ(scene.records().back().reason, EndReason::Declined);
  }
  {
    PairScene scene;
    start_ringing(scene);
    scene.drain();
    scene.hangup("alice/pc");
    EXPECT_EQ(scene.records().back().reason, EndReason::Canceled);
  }
  PairScene scene;
  start_ringing(scene);
  scene.drain();
  scene.wait(seconds{45});
  EXPECT_EQ(scene.records().back().reason, EndReason::NoAnswer);
}

TEST(PairDrain, AnActiveCallGoesOnToItsEnd) {
  PairScene scene;
  start_ringing(scene);
  scene.answer("bob/phone", "a1");
  scene.drain();
  EXPECT_THAT(scene.ice("bob/phone", "c1"), ElementsAre("alice/pc <- ice c1"));
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), ElementsAre("alice/pc <- offer o2 from bob"));
  EXPECT_THAT(scene.answer("alice/pc", "a2"), ElementsAre("bob/phone <- answer a2"));
  EXPECT_THAT(scene.drop("alice/pc"), IsEmpty());
  EXPECT_THAT(scene.ice("bob/phone", "c2"), IsEmpty());
  EXPECT_THAT(scene.connect("alice/pc:2"), ElementsAre("alice/pc:2 <- ice c2"));
  scene.wait(seconds{7});
  EXPECT_THAT(scene.hangup("alice/pc:2"), ElementsAre("bob/phone <- hangup hangup", "save alice>bob ended hangup 7s"));
  EXPECT_THAT(scene.offer("alice/pc:2", "bob", "o3"), ElementsAre("alice/pc:2 <- error unavailable"));
}

TEST(PairDrain, TheOtherErrorsOfSomebodyInACallStayWhatTheyAre) {
  PairScene scene;
  start_ringing(scene);
  scene.connect("carol");
  scene.connect("alice/second");
  scene.drain();
  EXPECT_THAT(scene.offer("alice/pc", "carol", "o"),
              ElementsAre("alice/pc <- error busy", "save alice>carol ended busy 0s"));
  EXPECT_THAT(scene.offer("alice/second", "carol", "o"),
              ElementsAre("alice/second <- error busy", "save alice>carol ended busy 0s"));
  EXPECT_THAT(scene.answer("carol", "a"), ElementsAre("carol <- error not-in-call"));
}

TEST(PairDrain, AShutdownMayFollow) {
  PairScene scene;
  start_ringing(scene);
  scene.drain();
  EXPECT_THAT(scene.shutdown(),
              ElementsAre("alice/pc <- hangup server-shutdown", "bob/tablet <- hangup server-shutdown",
                          "bob/phone <- hangup server-shutdown", "save alice>bob ended server-shutdown 0s"));
}

}  // namespace
}  // namespace zvonok::call
