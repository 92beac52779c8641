// Rule 9 of docs/protocol/pair.md: sockets that drop, come back, or are replaced, in every state of a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair_scene.h"

namespace zvonok::call {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void ring(PairScene& scene, const char* caller, const char* callee) {
  scene.connect(caller);
  scene.connect(callee);
  scene.offer(caller, "bob", "o1");
}

TEST(PairReconnect, WhatIsSentToAMissingDeviceIsDeliveredInOrderWhenItIsBack) {
  PairScene scene;
  ring(scene, "alice/pc", "bob/phone");
  scene.answer("bob/phone", "a1");
  EXPECT_THAT(scene.drop("alice/pc"), IsEmpty());
  scene.wait(seconds{9});
  EXPECT_THAT(scene.ice("bob/phone", "c1"), IsEmpty());
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), IsEmpty());
  EXPECT_THAT(scene.answer("bob/phone", "a2"), IsEmpty());
  EXPECT_THAT(scene.ice("bob/phone", "c2"), IsEmpty());
  EXPECT_THAT(scene.connect("alice/pc:2"), ElementsAre("alice/pc:2 <- ice c1", "alice/pc:2 <- offer o2 from bob",
                                                       "alice/pc:2 <- answer a2", "alice/pc:2 <- ice c2"));
  EXPECT_THAT(scene.wait(hours{1}), IsEmpty()) << "the grace is over with";
  EXPECT_THAT(scene.ice("alice/pc:2", "c3"), ElementsAre("bob/phone <- ice c3"));
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

TEST(PairReconnect, AfterTheGraceTheOtherSideHearsOfIt) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  scene.wait(seconds{20});
  scene.drop("bob");
  EXPECT_THAT(scene.wait(milliseconds{9'999}), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{1}),
              ElementsAre("alice <- hangup disconnected", "save alice>bob ended disconnected 30s"));
  EXPECT_THAT(scene.connect("bob:2"), IsEmpty());
}

TEST(PairReconnect, WhenBothAreGoneTheFirstGraceEndsTheCall) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  scene.drop("alice");
  scene.wait(seconds{6});
  scene.drop("bob");
  EXPECT_THAT(scene.wait(seconds{4}), ElementsAre("save alice>bob ended disconnected 10s"));
  EXPECT_EQ(scene.calls().counts().calls, 0U);
}

TEST(PairReconnect, WhenBothComeBackTheCallGoesOn) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  scene.drop("alice");
  scene.drop("bob");
  scene.wait(seconds{5});
  EXPECT_THAT(scene.connect("bob:2"), IsEmpty());
  EXPECT_THAT(scene.ice("bob:2", "c1"), IsEmpty());
  EXPECT_THAT(scene.connect("alice:2"), ElementsAre("alice:2 <- ice c1"));
  EXPECT_THAT(scene.wait(minutes{1}), IsEmpty());
}

TEST(PairReconnect, OnlyTheSameDeviceTakesItsSeat) {
  struct Case {
    const char* dropped;
    const char* fresh;
    bool adopted;
  };
  const Case table[] = {
      {"bob/phone", "bob/phone:2", true}, {"bob/phone", "bob/tablet", false},
      {"bob/phone", "bob", false},        {"bob", "bob:2", true},
      {"bob", "bob/phone", false},
  };
  for (const Case& c : table) {
    PairScene scene;
    ring(scene, "alice", c.dropped);
    scene.answer(c.dropped, "a1");
    scene.drop(c.dropped);
    scene.ice("alice", "c1");
    const std::string where = std::string{c.dropped} + " then " + c.fresh;
    EXPECT_THAT(scene.connect(c.fresh), SizeIs(c.adopted ? 1 : 0)) << where;
    EXPECT_THAT(scene.ice(c.fresh, "x"),
                ElementsAre(c.adopted ? std::string{"alice <- ice x"} : std::string{c.fresh} + " <- error not-in-call"))
        << where;
  }
}

TEST(PairReconnect, ASeatThatIsTakenIsNotTakenAgain) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  EXPECT_THAT(scene.connect("bob:2"), IsEmpty());
  EXPECT_THAT(scene.ice("bob:2", "x"), ElementsAre("bob:2 <- error not-in-call"));
  EXPECT_THAT(scene.ice("bob", "x"), ElementsAre("alice <- ice x"));
}

TEST(PairReconnect, ASocketThatCameBeforeTheOldOneWasKnownDeadTakesItsSeatWhenItSpeaksOfTheCall) {
  for (const char* message : {"ice", "offer", "answer", "hangup"}) {
    PairScene scene;
    ring(scene, "alice", "bob");
    scene.answer("bob", "a1");
    scene.connect("bob:2");
    scene.drop("bob");
    scene.ice("alice", "c1");
    const std::string_view said{message};
    const auto heard = said == "ice"      ? scene.ice("bob:2", "x")
                       : said == "offer"  ? scene.offer("bob:2", "alice", "o2")
                       : said == "answer" ? scene.answer("bob:2", "a2")
                                          : scene.hangup("bob:2");
    EXPECT_THAT(heard, Contains("bob:2 <- ice c1")) << said;
    EXPECT_THAT(heard, Contains(testing::StartsWith("alice <- " + std::string{said}))) << said;
  }
}

TEST(PairReconnect, ASocketThatWantsAnotherCallTakesNoSeat) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.connect("carol");
  scene.answer("bob", "a1");
  scene.connect("bob:2");
  scene.drop("bob");
  EXPECT_THAT(scene.offer("bob:2", "carol", "o2"), Contains("bob:2 <- error busy"));
  EXPECT_THAT(scene.ice("alice", "c1"), IsEmpty()) << "the seat still waits";
  EXPECT_THAT(scene.connect("bob:3"), ElementsAre("bob:3 <- ice c1"));
}

TEST(PairReconnect, WhoWasToldThatTheCallIsAnsweredElsewhereTakesNoSeatBySpeaking) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.connect("bob:2");
  scene.offer("alice", "bob", "o1");
  scene.answer("bob", "a1");
  scene.drop("bob");
  EXPECT_THAT(scene.ice("bob:2", "late"), ElementsAre("bob:2 <- error not-in-call"));
  EXPECT_THAT(scene.hangup("bob:2"), ElementsAre("bob:2 <- error not-in-call"));
  EXPECT_THAT(scene.connect("bob:3"), IsEmpty());
  EXPECT_THAT(scene.ice("bob:3", "x"), ElementsAre("alice <- ice x"));
}

TEST(PairReconnect, TheCallerMayComeBackWhileItRings) {
  PairScene scene;
  ring(scene, "alice/pc", "bob/phone");
  EXPECT_THAT(scene.drop("alice/pc"), IsEmpty());
  scene.ice("bob/phone", "p1");
  EXPECT_THAT(scene.connect("alice/pc:2"), IsEmpty());
  EXPECT_THAT(scene.ice("alice/pc:2", "c1"), ElementsAre("bob/phone <- ice c1"));
  EXPECT_THAT(scene.answer("bob/phone", "a1"),
              ElementsAre("alice/pc:2 <- answer a1", "alice/pc:2 <- ice p1", "save alice>bob active"));
}

TEST(PairReconnect, ACallMayBeAnsweredWhileTheCallerIsMissing) {
  PairScene scene;
  ring(scene, "alice/pc", "bob/phone");
  scene.ice("bob/phone", "p1");
  scene.drop("alice/pc");
  EXPECT_THAT(scene.answer("bob/phone", "a1"), ElementsAre("save alice>bob active"));
  scene.ice("bob/phone", "p2");
  EXPECT_THAT(scene.connect("alice/pc:2"),
              ElementsAre("alice/pc:2 <- answer a1", "alice/pc:2 <- ice p1", "alice/pc:2 <- ice p2"));
}

TEST(PairReconnect, ARingingCallEndsWhenTheCallerDoesNotComeBack) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.drop("alice");
  EXPECT_THAT(scene.wait(seconds{10}),
              ElementsAre("bob <- hangup disconnected", "save alice>bob ended disconnected 0s"));
}

TEST(PairReconnect, ARingingCallWaitsForACalleeWithoutAnyDevice) {
  PairScene scene;
  ring(scene, "alice", "bob/phone");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.drop("bob/phone"), IsEmpty());
  EXPECT_THAT(scene.ice("alice", "c2"), IsEmpty());
  scene.wait(seconds{9});
  EXPECT_THAT(scene.connect("bob/tablet"),
              ElementsAre("bob/tablet <- offer o1 from alice", "bob/tablet <- ice c1", "bob/tablet <- ice c2"))
      << "any device of the callee will do";
  EXPECT_THAT(scene.wait(seconds{30}), IsEmpty());
  EXPECT_THAT(scene.answer("bob/tablet", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
}

TEST(PairReconnect, ARingingCallEndsWhenTheCalleeDoesNotComeBack) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.drop("bob");
  EXPECT_THAT(scene.wait(seconds{10}),
              ElementsAre("alice <- hangup disconnected", "save alice>bob ended disconnected 0s"));
}

TEST(PairReconnect, ARingingCallGoesOnWithTheCalleesOtherDevices) {
  PairScene scene;
  scene.connect("bob/tablet");
  ring(scene, "alice", "bob/phone");
  scene.drop("bob/phone");
  EXPECT_THAT(scene.wait(seconds{11}), IsEmpty());
  EXPECT_THAT(scene.answer("bob/tablet", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
}

TEST(PairReconnect, ARungDeviceThatComesBackGetsTheOfferAgainAndItsCandidatesAreNotLost) {
  PairScene scene;
  ring(scene, "alice", "bob/phone");
  scene.ice("bob/phone", "p1");
  scene.drop("bob/phone");
  EXPECT_THAT(scene.connect("bob/phone:2"), ElementsAre("bob/phone:2 <- offer o1 from alice"));
  EXPECT_THAT(scene.answer("bob/phone:2", "a1"),
              ElementsAre("alice <- answer a1", "alice <- ice p1", "save alice>bob active"));
}

TEST(PairReconnect, TheRingTimeoutGoesOnWhileSomebodyIsMissing) {
  PairScene scene{{.ring_timeout = seconds{5}}};
  ring(scene, "alice", "bob");
  scene.wait(seconds{1});
  scene.drop("alice");
  EXPECT_THAT(scene.wait(seconds{4}), ElementsAre("bob <- hangup no-answer", "save alice>bob ended no-answer 0s"));
}

TEST(PairReconnect, ACrossingOfferWaitsForTheMissingCaller) {
  PairScene scene;
  ring(scene, "alice/pc", "bob/phone");
  scene.drop("alice/pc");
  scene.ice("bob/phone", "p1");
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), IsEmpty());
  EXPECT_THAT(scene.connect("alice/pc:2"), ElementsAre("alice/pc:2 <- offer o2 from bob", "alice/pc:2 <- ice p1"));
  EXPECT_THAT(scene.answer("alice/pc:2", "a2"), ElementsAre("bob/phone <- answer a2", "save alice>bob active"));
}

TEST(PairReconnect, TheAnswerToACrossingOfferWaitsForItsMissingDeviceWithWhatItMissed) {
  PairScene scene;
  ring(scene, "alice", "bob/phone");
  scene.ice("alice", "c1");
  scene.offer("bob/phone", "alice", "o2");
  scene.drop("bob/phone");
  scene.ice("alice", "c2");
  EXPECT_THAT(scene.answer("alice", "a2"), ElementsAre("save alice>bob active"));
  scene.ice("alice", "c3");
  EXPECT_THAT(scene.connect("bob/phone:2"),
              ElementsAre("bob/phone:2 <- ice c2", "bob/phone:2 <- answer a2", "bob/phone:2 <- ice c3"));
}

TEST(PairReconnect, TooMuchForAMissingDeviceEndsTheCall) {
  const KeepLimits by_count{.messages_max = 2, .bytes_max = 1000};
  const KeepLimits by_size{.messages_max = 1000, .bytes_max = 5};
  for (const KeepLimits limits : {by_count, by_size}) {
    PairScene scene{{.for_missing_device = limits}};
    ring(scene, "alice", "bob");
    scene.answer("bob", "a1");
    scene.drop("alice");
    EXPECT_THAT(scene.ice("bob", "c1"), IsEmpty());
    EXPECT_THAT(scene.ice("bob", "c2"), IsEmpty());
    EXPECT_THAT(scene.ice("bob", "c3"),
                ElementsAre("bob <- hangup disconnected", "save alice>bob ended disconnected 0s"));
    EXPECT_EQ(scene.calls().counts().deadlines, 0U);
  }
}

TEST(PairReconnect, AThousandMessagesOrAQuarterOfAMebibyteAreKept) {
  {
    PairScene scene;
    ring(scene, "alice", "bob");
    scene.answer("bob", "a1");
    scene.drop("alice");
    for (int i = 0; i < 1000; ++i) EXPECT_THAT(scene.ice("bob", "c"), IsEmpty()) << i;
    EXPECT_THAT(scene.connect("alice:2"), SizeIs(1000));
    scene.drop("alice:2");
    for (int i = 0; i < 1000; ++i) scene.ice("bob", "c");
    EXPECT_THAT(scene.ice("bob", "c"), Contains("save alice>bob ended disconnected 0s"));
  }
  const std::string half(128 * 1024, 'x');
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  scene.drop("alice");
  EXPECT_THAT(scene.offer("bob", "alice", half), IsEmpty());
  EXPECT_THAT(scene.offer("bob", "alice", half), IsEmpty());
  EXPECT_THAT(scene.ice("bob", "x"), Contains("save alice>bob ended disconnected 0s"));
}

TEST(PairReconnect, ACrossingDeviceThatDroppedDoesNotGiveWayToAnother) {
  PairScene scene{{.rung_devices_max = 1}};
  ring(scene, "alice", "bob/phone");
  scene.offer("bob/phone", "alice", "o2");
  scene.drop("bob/phone");
  EXPECT_THAT(scene.connect("bob/tablet"), IsEmpty()) << "the caller may be about to answer the phone's offer";
  EXPECT_THAT(scene.answer("alice", "a2"), ElementsAre("save alice>bob active"));
  EXPECT_THAT(scene.connect("bob/phone:2"), ElementsAre("bob/phone:2 <- answer a2"));
}

TEST(PairReconnect, ASeatThatIsGivenUpGoesToADeviceThatWasOneTooMany) {
  for (const Duration grace : {Duration{seconds{10}}, Duration::zero()}) {
    PairScene scene{{.reconnect_grace = grace, .rung_devices_max = 1}};
    scene.connect("bob/tablet");
    ring(scene, "alice", "bob/phone");
    scene.offer("bob/phone", "alice", "o2");
    Lines lines = scene.drop("bob/phone");
    if (grace > Duration::zero()) {
      EXPECT_THAT(lines, IsEmpty());
      lines = scene.wait(grace);
    }
    EXPECT_THAT(lines, ElementsAre("bob/tablet <- offer o1 from alice"));
    EXPECT_THAT(scene.answer("bob/tablet", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
  }
}

TEST(PairReconnect, NobodyIsRungByACallThatEnds) {
  PairScene scene{{.reconnect_grace = Duration::zero(), .rung_devices_max = 1}};
  scene.connect("bob/tablet");
  ring(scene, "alice", "bob/phone");
  EXPECT_THAT(scene.drop("alice"),
              ElementsAre("bob/phone <- hangup disconnected", "save alice>bob ended disconnected 0s"));
}

TEST(PairReconnect, ADroppedDeviceThatDidNotCrossGivesWayToAnother) {
  PairScene scene{{.rung_devices_max = 1}};
  ring(scene, "alice", "bob/phone");
  scene.drop("bob/phone");
  EXPECT_THAT(scene.connect("bob/tablet"), ElementsAre("bob/tablet <- offer o1 from alice"));
  EXPECT_THAT(scene.connect("bob/phone:2"), IsEmpty());
}

TEST(PairReconnect, AHangupWhileTheOtherSideIsMissingEndsTheCall) {
  PairScene scene;
  ring(scene, "alice", "bob");
  scene.answer("bob", "a1");
  scene.drop("alice");
  EXPECT_THAT(scene.hangup("bob"), ElementsAre("save alice>bob ended hangup 0s"));
  EXPECT_THAT(scene.connect("alice:2"), IsEmpty());
  EXPECT_THAT(scene.wait(minutes{1}), IsEmpty());
}

TEST(PairReconnect, WithoutAGraceAClosedSocketEndsTheCallAtOnce) {
  const PairOptions no_grace{.reconnect_grace = Duration::zero()};
  {
    PairScene scene{no_grace};
    ring(scene, "alice", "bob");
    EXPECT_THAT(scene.drop("alice"), ElementsAre("bob <- hangup disconnected", "save alice>bob ended disconnected 0s"));
  }
  {
    PairScene scene{no_grace};
    scene.connect("bob/tablet");
    ring(scene, "alice", "bob/phone");
    EXPECT_THAT(scene.drop("bob/phone"), IsEmpty()) << "the tablet rings on";
    EXPECT_THAT(scene.drop("bob/tablet"),
                ElementsAre("alice <- hangup disconnected", "save alice>bob ended disconnected 0s"));
  }
  {
    PairScene scene{no_grace};
    ring(scene, "alice", "bob");
    scene.answer("bob", "a1");
    EXPECT_THAT(scene.drop("bob"), ElementsAre("alice <- hangup disconnected", "save alice>bob ended disconnected 0s"));
  }
}

// ---- replacing -----------------------------------------------------------------------------------------------------

TEST(PairReplace, ASecondSocketOfADeviceReplacesTheFirstAndHasItsSeatAtOnce) {
  PairScene scene;
  ring(scene, "alice/pc", "bob/phone");
  scene.answer("bob/phone", "a1");
  EXPECT_THAT(scene.connect("alice/pc:2"), ElementsAre("close alice/pc replaced"));
  EXPECT_THAT(scene.ice("alice/pc:2", "c1"), ElementsAre("bob/phone <- ice c1"));
  EXPECT_THAT(scene.ice("bob/phone", "c2"), ElementsAre("alice/pc:2 <- ice c2"));
  EXPECT_THAT(scene.drop("alice/pc"), IsEmpty()) << "forgotten already";
  EXPECT_THAT(scene.ice("alice/pc", "late"), IsEmpty());
  EXPECT_THAT(scene.wait(minutes{1}), IsEmpty());
  EXPECT_EQ(scene.calls().call_count(), 1U);
}

TEST(PairReplace, ARungDeviceThatIsReplacedIsRungAgain) {
  PairScene scene;
  ring(scene, "alice", "bob/phone");
  scene.ice("bob/phone", "p1");
  EXPECT_THAT(scene.connect("bob/phone:2"),
              ElementsAre("close bob/phone replaced", "bob/phone:2 <- offer o1 from alice"));
  EXPECT_THAT(scene.answer("bob/phone:2", "a1"),
              ElementsAre("alice <- answer a1", "alice <- ice p1", "save alice>bob active"));
}

TEST(PairReplace, NamelessSocketsDoNotReplaceOneAnother) {
  PairScene scene;
  scene.connect("alice");
  EXPECT_THAT(scene.connect("alice:2"), IsEmpty());
  EXPECT_EQ(scene.presence().connection_count(), 2U);
}

TEST(PairReplace, DevicesOfDifferentUsersMayHaveOneName) {
  PairScene scene;
  scene.connect("alice/phone");
  EXPECT_THAT(scene.connect("bob/phone"), IsEmpty());
}

TEST(PairReplace, AnOfferBeingPlacedGoesWithItsSocket) {
  PairScene scene;
  scene.connect("alice/pc");
  scene.connect("bob");
  scene.offer_chat("alice/pc", "7", "o1");
  EXPECT_THAT(scene.connect("alice/pc:2"), ElementsAre("close alice/pc replaced"));
  EXPECT_THAT(scene.found(1, "bob"), IsEmpty());
  EXPECT_EQ(scene.calls().counts().lookups, 0U);
}

TEST(PairReplace, EarlyCandidatesGoWithTheirSocket) {
  PairScene scene;
  scene.connect("alice/pc");
  scene.ice("alice/pc", "c1");
  scene.connect("alice/pc:2");
  EXPECT_THAT(scene.wait(seconds{1}), IsEmpty());
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

}  // namespace
}  // namespace zvonok::call
