// Candidates of a device whose own offer is still being looked up: whose they are, and that nobody else gets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void start_active(PairScene& scene) {
  for (const char* label : {"alice", "bob", "carol"}) scene.connect(label);
  scene.offer("alice", "bob", "o1");
  scene.answer("bob", "a1");
}

TEST(PairHeldCandidates, OfACallAreNotLostBehindAnOfferThatIsRefused) {
  {
    PairScene scene;
    start_active(scene);
    scene.offer("alice", "dave", "o2");
    EXPECT_THAT(scene.ice("alice", "c1"), IsEmpty());
    EXPECT_THAT(scene.missing(1), ElementsAre("alice <- error target-unknown", "bob <- ice c1"));
  }
  {
    PairScene scene;
    start_active(scene);
    scene.offer("alice", "dave", "o2");
    scene.ice("alice", "c1");
    EXPECT_THAT(scene.lookup_failed(1), ElementsAre("alice <- error unavailable", "bob <- ice c1"));
  }
  PairScene scene;
  start_active(scene);
  scene.offer_chat("alice", "chat", "o2");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.found(1, "carol"),
              ElementsAre("alice <- error busy", "save alice>carol ended busy 0s", "bob <- ice c1"));
}

TEST(PairHeldCandidates, FollowARenegotiationThatNamedAChat) {
  PairScene scene;
  start_active(scene);
  scene.offer_chat("bob", "chat", "o2");
  scene.ice("bob", "c1");
  EXPECT_THAT(scene.found(1, "alice"), ElementsAre("alice <- offer o2 from bob", "alice <- ice c1"));
}

TEST(PairHeldCandidates, OfARefusedOfferDoNotGoToWhoeverCalledMeanwhile) {
  PairScene scene;
  for (const char* label : {"alice", "bob", "carol"}) scene.connect(label);
  scene.offer_chat("bob", "chat", "o1");
  scene.ice("bob", "for the chat");
  scene.offer("alice", "bob", "o2");
  scene.ice("bob", "c1");
  EXPECT_THAT(scene.found(1, "carol"), ElementsAre("bob <- error busy", "save bob>carol ended busy 0s"));
  EXPECT_THAT(scene.answer("bob", "a2"), ElementsAre("alice <- answer a2", "alice <- ice c1", "save alice>bob active"));
}

TEST(PairHeldCandidates, SentWhileRungFollowTheAnswer) {
  PairScene scene;
  for (const char* label : {"alice", "bob"}) scene.connect(label);
  scene.offer_chat("bob", "chat", "o1");
  scene.ice("bob", "for the chat");
  scene.offer("alice", "bob", "o2");
  scene.ice("bob", "c1");
  EXPECT_THAT(scene.answer("bob", "a2"), ElementsAre("alice <- answer a2", "save alice>bob active", "alice <- ice c1"));
}

TEST(PairHeldCandidates, OfACallThatEndedDoNotGoIntoTheNextOne) {
  PairScene scene;
  start_active(scene);
  scene.offer_chat("alice", "chat", "o2");
  scene.ice("alice", "for bob");
  scene.hangup("bob");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.found(1, "carol"),
              ElementsAre("carol <- offer o2 from alice", "save alice>carol ringing", "carol <- ice c1"));
}

TEST(PairHeldCandidates, GoWithTheirSocket) {
  PairScene scene;
  start_active(scene);
  scene.offer_chat("alice", "chat", "o2");
  scene.ice("alice", "c1");
  scene.drop("alice");
  EXPECT_THAT(scene.found(1, "carol"), IsEmpty());
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

}  // namespace
}  // namespace zvonok::call
