// The rules of docs/protocol/pair.md, one group of scripts a rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair_scene.h"

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// alice (nameless) calls bob (phone, tablet); the phone answered.
void start_active(PairScene& scene) {
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  scene.answer("bob/phone", "a1");
}

// ---- 1: an offer rings every device ---------------------------------------------------------------------------------

TEST(PairRule1, AnOfferRingsEveryDeviceOfTheCalleeNewestFirst) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  EXPECT_THAT(
      scene.offer("alice", "bob", "o1"),
      ElementsAre("bob/tablet <- offer o1 from alice", "bob/phone <- offer o1 from alice", "save alice>bob ringing"));
}

TEST(PairRule1, TheNewestDevicesAreRungWhenThereAreTooMany) {
  PairScene scene{{.rung_devices_max = 2}};
  scene.connect("alice");
  for (const char* label : {"bob/1", "bob/2", "bob/3"}) scene.connect(label);
  EXPECT_THAT(scene.offer("alice", "bob", "o1"),
              ElementsAre("bob/3 <- offer o1 from alice", "bob/2 <- offer o1 from alice", "save alice>bob ringing"));
  EXPECT_THAT(scene.answer("bob/1", "a1"), ElementsAre("bob/1 <- error not-in-call"));
  EXPECT_THAT(scene.drop("bob/3"), ElementsAre("bob/1 <- offer o1 from alice")) << "there is room for it now";
  EXPECT_THAT(scene.answer("bob/1", "a1"),
              ElementsAre("alice <- answer a1", "bob/2 <- hangup answered-elsewhere", "save alice>bob active"));
}

TEST(PairRule1, ADeviceThatConnectsWhileItsUserIsRungGetsTheOfferAndTheCandidatesSoFar) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.offer("alice", "bob", "o1");
  scene.ice("alice", "c1");
  scene.ice("alice", "c2");
  EXPECT_THAT(scene.connect("bob/tablet"),
              ElementsAre("bob/tablet <- offer o1 from alice", "bob/tablet <- ice c1", "bob/tablet <- ice c2"));
  EXPECT_THAT(scene.ice("alice", "c3"), ElementsAre("bob/phone <- ice c3", "bob/tablet <- ice c3"));
  EXPECT_THAT(scene.answer("bob/tablet", "a1"),
              ElementsAre("alice <- answer a1", "bob/phone <- hangup answered-elsewhere", "save alice>bob active"));
}

TEST(PairRule1, ADeviceThatConnectsAfterTheAnswerIsNotRung) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.connect("bob/laptop"), IsEmpty());
}

TEST(PairRule1, ALateDeviceGetsTheNewestOffer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.offer("alice", "bob", "o1");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.offer("alice", "bob", "o2"), ElementsAre("bob/phone <- offer o2 from alice"));
  EXPECT_THAT(scene.connect("bob/tablet"), ElementsAre("bob/tablet <- offer o2 from alice", "bob/tablet <- ice c1"));
}

TEST(PairRule1, CandidatesForLateDevicesAreBounded) {
  PairScene scene{{.candidates = {.messages_max = 2, .bytes_max = 100}}};
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.offer("alice", "bob", "o1");
  for (const char* candidate : {"c1", "c2", "c3"}) {
    EXPECT_THAT(scene.ice("alice", candidate), SizeIs(1)) << "those who ring get all of them";
  }
  EXPECT_THAT(scene.connect("bob/tablet"),
              ElementsAre("bob/tablet <- offer o1 from alice", "bob/tablet <- ice c1", "bob/tablet <- ice c2"));
}

TEST(PairRule1, ThirtyTwoDevicesAreRung) {
  PairScene scene;
  scene.connect("alice");
  for (int i = 1; i <= 33; ++i) scene.connect("bob/" + std::to_string(i));
  const Lines lines = scene.offer("alice", "bob", "o1");
  ASSERT_THAT(lines, SizeIs(33)) << "and the record";
  EXPECT_EQ(lines.front(), "bob/33 <- offer o1 from alice");
  EXPECT_EQ(lines[31], "bob/2 <- offer o1 from alice");
  EXPECT_THAT(scene.answer("bob/1", "a1"), ElementsAre("bob/1 <- error not-in-call"));
  EXPECT_THAT(scene.connect("bob/34"), IsEmpty()) << "no room while all of them are there";
}

// ---- 2: the first answer wins ---------------------------------------------------------------------------------------

TEST(PairRule2, TheFirstAnswerWinsAndTheOtherDevicesHearSo) {
  PairScene scene;
  scene.connect("alice");
  for (const char* label : {"bob/1", "bob/2", "bob/3"}) scene.connect(label);
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.answer("bob/2", "a2"), ElementsAre("alice <- answer a2", "bob/3 <- hangup answered-elsewhere",
                                                       "bob/1 <- hangup answered-elsewhere", "save alice>bob active"));
  EXPECT_THAT(scene.answer("bob/1", "a1"), ElementsAre("bob/1 <- error not-in-call"));
  EXPECT_THAT(scene.answer("bob/2", "a3"), ElementsAre("alice <- answer a3")) << "an answer to a renegotiation";
}

TEST(PairRule2, ADeclineThatComesAfterTheAnswerOfAnotherDeviceIsRefused) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.hangup("bob/tablet"), ElementsAre("bob/tablet <- error not-in-call"));
  EXPECT_EQ(scene.calls().call_count(), 1U);
}

TEST(PairRule2, AnAnswerThatComesAfterTheDeclineOfAnotherDeviceIsRefused) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.hangup("bob/tablet"), ElementsAre("alice <- hangup declined", "bob/phone <- hangup declined",
                                                      "save alice>bob ended declined 0s"));
  EXPECT_THAT(scene.answer("bob/phone", "a1"), ElementsAre("bob/phone <- error not-in-call"));
}

TEST(PairRule2, TheCallerHasNothingToAnswer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.answer("alice", "a1"), ElementsAre("alice <- error not-in-call"));
  EXPECT_THAT(scene.answer("bob", "a2"), ElementsAre("alice <- answer a2", "save alice>bob active"));
}

// ---- 3: candidates before the answer --------------------------------------------------------------------------------

TEST(PairRule3, CandidatesOfACalleesDeviceFollowItsAnswerInOrder) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.ice("bob/phone", "p1"), IsEmpty());
  EXPECT_THAT(scene.ice("bob/tablet", "t1"), IsEmpty());
  EXPECT_THAT(scene.ice("bob/phone", "p2"), IsEmpty());
  EXPECT_THAT(scene.answer("bob/phone", "a1"),
              ElementsAre("alice <- answer a1", "alice <- ice p1", "alice <- ice p2",
                          "bob/tablet <- hangup answered-elsewhere", "save alice>bob active"))
      << "those of the tablet are thrown away";
  EXPECT_THAT(scene.ice("bob/phone", "p3"), ElementsAre("alice <- ice p3"));
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

TEST(PairRule3, ADeviceMayKeepSoManyCandidatesAndNoMore) {
  PairScene scene{{.candidates = {.messages_max = 64, .bytes_max = 5}}};
  scene.connect("alice");
  scene.connect("bob");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.ice("bob", "12"), IsEmpty());
  EXPECT_THAT(scene.ice("bob", "3456"), ElementsAre("bob <- error bad-message"));
  EXPECT_THAT(scene.ice("bob", "345"), IsEmpty());
  EXPECT_THAT(scene.answer("bob", "a"),
              ElementsAre("alice <- answer a", "alice <- ice 12", "alice <- ice 345", "save alice>bob active"));
}

TEST(PairRule3, CandidatesOfTheCallerGoToEveryRungDeviceAndAfterTheAnswerToTheWinner) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.ice("alice", "c1"), ElementsAre("bob/tablet <- ice c1", "bob/phone <- ice c1"));
  scene.answer("bob/tablet", "a1");
  EXPECT_THAT(scene.ice("alice", "c2"), ElementsAre("bob/tablet <- ice c2"));
  EXPECT_THAT(scene.ice("bob/phone", "p1"), ElementsAre("bob/phone <- error not-in-call"));
}

// ---- 4: candidates before the offer ---------------------------------------------------------------------------------

TEST(PairRule4, CandidatesThatOvertookTheirOfferFollowIt) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  EXPECT_THAT(scene.ice("alice", "c1"), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{499}), IsEmpty());
  EXPECT_THAT(scene.offer("alice", "bob", "o1"),
              ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing", "bob <- ice c1"));
  EXPECT_THAT(scene.wait(seconds{1}), IsEmpty());
}

TEST(PairRule4, EachIsRefusedHalfASecondAfterItCame) {
  PairScene scene;
  scene.connect("alice");
  scene.ice("alice", "c1");
  scene.wait(milliseconds{300});
  scene.ice("alice", "c2");
  EXPECT_THAT(scene.wait(milliseconds{200}), ElementsAre("alice <- error not-in-call"));
  EXPECT_THAT(scene.wait(milliseconds{299}), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{1}), ElementsAre("alice <- error not-in-call"));
  EXPECT_EQ(scene.calls().next_timeout(), TimePoint::max());
}

TEST(PairRule4, WithoutAHoldTheyAreRefusedAtOnce) {
  PairScene scene{{.early_ice_hold = Duration::zero()}};
  scene.connect("alice");
  EXPECT_THAT(scene.ice("alice", "c1"), ElementsAre("alice <- error not-in-call"));
}

TEST(PairRule4, CandidatesOfARefusedOfferNeverReachAnotherUser) {
  PairScene scene;
  for (const char* label : {"alice", "bob", "carol", "dave"}) scene.connect(label);
  scene.offer("carol", "dave", "x");
  scene.ice("alice", "for carol");
  scene.offer("alice", "carol", "o1");
  EXPECT_THAT(scene.offer("alice", "bob", "o2"), ElementsAre("bob <- offer o2 from alice", "save alice>bob ringing"));
}

TEST(PairRule4, EarlyCandidatesOfADeviceThatIsRungFollowWhatItSaysNext) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.ice("bob", "b1");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.wait(seconds{1}), IsEmpty());
  scene.ice("bob", "b2");
  EXPECT_THAT(scene.answer("bob", "a1"),
              ElementsAre("alice <- answer a1", "alice <- ice b1", "alice <- ice b2", "save alice>bob active"));
}

TEST(PairRule4, EarlyCandidatesAreBounded) {
  PairScene scene{{.candidates = {.messages_max = 1, .bytes_max = 100}}};
  scene.connect("alice");
  EXPECT_THAT(scene.ice("alice", "c1"), IsEmpty());
  EXPECT_THAT(scene.ice("alice", "c2"), ElementsAre("alice <- error not-in-call"));
}

// ---- 5: renegotiation and glare -------------------------------------------------------------------------------------

TEST(PairRule5, AnOfferToThePeerIsRelayedToTheDeviceInTheCall) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), ElementsAre("alice <- offer o2 from bob"));
  EXPECT_THAT(scene.answer("alice", "a2"), ElementsAre("bob/phone <- answer a2"));
  EXPECT_THAT(scene.offer("alice", "bob", "o3"), ElementsAre("bob/phone <- offer o3 from alice"));
  EXPECT_THAT(scene.records(), SizeIs(2)) << "the call is one call";
}

TEST(PairRule5, ARenegotiationMayNameTheChatOfTheCall) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "chat", "o1");
  scene.found(1, "bob");
  scene.answer("bob", "a1");
  EXPECT_THAT(scene.offer_chat("alice", "chat", "o2"), ElementsAre("bob <- offer o2 from alice"));
  EXPECT_THAT(scene.offer_chat("bob", "chat", "o3"), ElementsAre("alice <- offer o3 from bob"));
  EXPECT_THAT(scene.offer_chat("bob", "other chat", "o4"), ElementsAre("look up chat other chat for bob #2"));
}

TEST(PairRule5, CrossingOffersAreOneCallAndTheCallersAnswerAnswersIt) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  scene.ice("bob/phone", "p1");
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o2"), ElementsAre("alice <- offer o2 from bob", "alice <- ice p1"));
  EXPECT_THAT(scene.ice("bob/phone", "p2"), ElementsAre("alice <- ice p2"));
  EXPECT_THAT(
      scene.answer("alice", "a2"),
      ElementsAre("bob/phone <- answer a2", "bob/tablet <- hangup answered-elsewhere", "save alice>bob active"));
  EXPECT_THAT(scene.hangup("bob/phone"), ElementsAre("alice <- hangup hangup", "save alice>bob ended hangup 0s"));
}

TEST(PairRule5, AfterACrossingOfferTheCalleeMayStillAnswer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer("alice", "bob", "o1");
  scene.offer("bob", "alice", "o2");
  EXPECT_THAT(scene.answer("bob", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
}

TEST(PairRule5, AnotherDeviceOfTheCalleeMayAnswerDespiteACrossingOffer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  scene.offer("bob/phone", "alice", "o2");
  EXPECT_THAT(scene.answer("bob/tablet", "a1"),
              ElementsAre("alice <- answer a1", "bob/phone <- hangup answered-elsewhere", "save alice>bob active"));
}

TEST(PairRule5, OneDeviceAtATimeMayCross) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  scene.offer("bob/phone", "alice", "o2");
  EXPECT_THAT(scene.offer("bob/tablet", "alice", "o3"), ElementsAre("bob/tablet <- error busy"));
  EXPECT_THAT(scene.offer("bob/phone", "alice", "o4"), ElementsAre("alice <- offer o4 from bob"));
}

TEST(PairRule5, CrossingLookUpsBecomeOneCall) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "chat", "oa");
  scene.offer_chat("bob", "chat", "ob");
  scene.ice("bob", "b1");
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("bob <- offer oa from alice", "save alice>bob ringing"));
  EXPECT_THAT(scene.found(2, "alice"), ElementsAre("alice <- offer ob from bob", "alice <- ice b1"));
  EXPECT_EQ(scene.calls().call_count(), 1U);
}

TEST(PairRule5, AnOfferToThePeerIsNotBusyWhileAnotherOfferIsBeingPlaced) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.offer_chat("alice", "chat", "o2"), ElementsAre("look up chat chat for alice #1"));
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.offer("alice", "bob", "o3"),
              ElementsAre("bob/phone <- offer o3 from alice", "bob/phone <- ice c1"));
  EXPECT_THAT(scene.found(1, "bob"), IsEmpty()) << "the newer offer took its place";
}

// ---- 6: busy --------------------------------------------------------------------------------------------------------

TEST(PairRule6, AnOfferToSomebodyInACallIsBusyAndAMissedCall) {
  PairScene scene;
  start_active(scene);
  scene.connect("carol");
  for (const char* target : {"alice", "bob"}) {
    EXPECT_THAT(scene.offer("carol", target, "o"),
                ElementsAre("carol <- error busy", "save carol>" + std::string{target} + " ended busy 0s"));
  }
}

TEST(PairRule6, AnOfferToSomebodyWhoIsRungIsBusy) {
  PairScene scene;
  for (const char* label : {"alice", "bob", "carol"}) scene.connect(label);
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.offer("carol", "bob", "o2"), ElementsAre("carol <- error busy", "save carol>bob ended busy 0s"));
  EXPECT_THAT(scene.offer("carol", "alice", "o2"),
              ElementsAre("carol <- error busy", "save carol>alice ended busy 0s"));
}

TEST(PairRule6, WhoeverIsRungMayNotCallSomebodyElse) {
  PairScene scene;
  for (const char* label : {"alice", "bob", "carol"}) scene.connect(label);
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.offer("bob", "carol", "o2"), ElementsAre("bob <- error busy", "save bob>carol ended busy 0s"));
  EXPECT_THAT(scene.offer("alice", "carol", "o2"),
              ElementsAre("alice <- error busy", "save alice>carol ended busy 0s"));
  EXPECT_THAT(scene.answer("bob", "a1"), ElementsAre("alice <- answer a1", "save alice>bob active"));
}

TEST(PairRule6, SomebodyInACallIsBusyEvenWhileAllDevicesAreGone) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.connect("carol");
  scene.offer("alice", "bob", "o1");
  scene.answer("bob", "a1");
  scene.drop("bob");
  EXPECT_THAT(scene.offer("carol", "bob", "o2"), ElementsAre("carol <- error busy", "save carol>bob ended busy 0s"));
}

TEST(PairRule6, AnOfferToOneselfIsABadMessage) {
  PairScene scene;
  scene.connect("alice/1");
  scene.connect("alice/2");
  EXPECT_THAT(scene.offer("alice/1", "alice", "o1"), ElementsAre("alice/1 <- error bad-message"));
  scene.offer_chat("alice/1", "with myself", "o1");
  EXPECT_THAT(scene.found(1, "alice"), ElementsAre("alice/1 <- error bad-message"));
}

// ---- 7: hangup ------------------------------------------------------------------------------------------------------

TEST(PairRule7, BeforeTheAnswerTheCallerCancels) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.hangup("alice", "{x}"),
              ElementsAre("bob/tablet <- hangup canceled with {x}", "bob/phone <- hangup canceled with {x}",
                          "save alice>bob ended canceled 0s"));
  EXPECT_THAT(scene.hangup("alice"), ElementsAre("alice <- error not-in-call"));
}

TEST(PairRule7, BeforeTheAnswerADeviceOfTheCalleeDeclinesForAll) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.hangup("bob/phone", "{x}", "no time"),
              ElementsAre("alice <- hangup declined with {x} (own reason)", "bob/tablet <- hangup declined",
                          "save alice>bob ended declined 0s"));
}

TEST(PairRule7, AfterTheAnswerEitherSideHangsUp) {
  for (const auto& [who, other] : {std::pair{"alice", "bob/phone"}, std::pair{"bob/phone", "alice"}}) {
    PairScene scene;
    start_active(scene);
    scene.wait(milliseconds{61'999});
    EXPECT_THAT(scene.hangup(who),
                ElementsAre(std::string{other} + " <- hangup hangup", "save alice>bob ended hangup 61s"));
    EXPECT_EQ(scene.calls().counts().users_in_calls, 0U);
    EXPECT_EQ(scene.calls().next_timeout(), TimePoint::max());
  }
}

TEST(PairRule7, WhatTheSenderWroteGoesToTheOtherSideAlone) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/tablet");
  scene.connect("bob/laptop");
  scene.offer("alice", "bob", "o1");
  scene.hangup("bob/tablet", "{x}");
  scene.offer("alice", "bob", "o2");
  EXPECT_THAT(scene.hangup("alice", "{x}", "changed my mind"),
              ElementsAre("bob/laptop <- hangup canceled with {x} (own reason)",
                          "bob/tablet <- hangup canceled with {x} (own reason)",
                          "bob/phone <- hangup canceled with {x} (own reason)", "save alice>bob ended canceled 0s"));
  scene.offer("alice", "bob", "o3");
  scene.answer("bob/phone", "a3");
  EXPECT_THAT(scene.hangup("bob/phone", "{y}", "bye"),
              ElementsAre("alice <- hangup hangup with {y} (own reason)", "save alice>bob ended hangup 0s"));
}

// ---- 8: no answer ---------------------------------------------------------------------------------------------------

TEST(PairRule8, NobodyAnswers) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.wait(milliseconds{44'999}), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{1}),
              ElementsAre("alice <- hangup no-answer", "bob <- hangup no-answer", "save alice>bob ended no-answer 0s"));
  EXPECT_THAT(scene.answer("bob", "a1"), ElementsAre("bob <- error not-in-call"));
}

TEST(PairRule8, TheAnswerEndsTheWaiting) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.wait(hours{24}), IsEmpty());
  EXPECT_EQ(scene.calls().call_count(), 1U);
}

// ---- 10: devices that are not in the call ---------------------------------------------------------------------------

TEST(PairRule10, AnotherDeviceOfSomebodyInACallIsNotInTheCall) {
  PairScene scene;
  start_active(scene);
  scene.connect("alice/second");
  scene.connect("carol");
  for (const char* label : {"bob/tablet", "alice/second"}) {
    const std::string refused = std::string{label} + " <- error not-in-call";
    EXPECT_THAT(scene.answer(label, "a"), ElementsAre(refused));
    EXPECT_THAT(scene.ice(label, "c"), ElementsAre(refused));
    EXPECT_THAT(scene.hangup(label), ElementsAre(refused));
  }
  EXPECT_THAT(scene.offer("alice/second", "carol", "o"),
              ElementsAre("alice/second <- error busy", "save alice>carol ended busy 0s"));
}

TEST(PairRule10, AnotherDeviceMayNotCallThePeerEitherAndThatIsNoMissedCall) {
  PairScene scene;
  start_active(scene);
  EXPECT_THAT(scene.offer("bob/tablet", "alice", "o"), ElementsAre("bob/tablet <- error busy"));
}

// ---- targets --------------------------------------------------------------------------------------------------------

TEST(PairTarget, AnOfflineUserIsLookedUpBeforeAnythingIsSaid) {
  PairScene scene;
  scene.connect("alice");
  EXPECT_THAT(scene.offer("alice", "bob", "o1"), ElementsAre("look up user bob for alice #1"));
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("alice <- error offline", "save alice>bob ended offline 0s"));
  EXPECT_THAT(scene.offer("alice", "nobody", "o2"), ElementsAre("look up user nobody for alice #2"));
  EXPECT_THAT(scene.missing(2), ElementsAre("alice <- error target-unknown")) << "not in the history";
  EXPECT_THAT(scene.offer("alice", "bob", "o3"), ElementsAre("look up user bob for alice #3"));
  EXPECT_THAT(scene.lookup_failed(3), ElementsAre("alice <- error unavailable"));
  EXPECT_EQ(scene.calls().counts().lookups, 0U);
}

TEST(PairTarget, AChatNamesItsOtherMemberAndIsKeptInTheRecord) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.ice("alice", "c0");
  EXPECT_THAT(scene.offer_chat("alice", "7", "o1"), ElementsAre("look up chat 7 for alice #1"));
  EXPECT_THAT(scene.ice("alice", "c1"), IsEmpty());
  EXPECT_THAT(scene.ice("alice", "c2"), IsEmpty());
  EXPECT_THAT(scene.wait(seconds{2}), IsEmpty());
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing",
                                                 "bob <- ice c0", "bob <- ice c1", "bob <- ice c2"));
  EXPECT_EQ(scene.records().back().chat, ChatId{"7"});
}

TEST(PairTarget, AUserWhoConnectsDuringTheLookUpIsRung) {
  PairScene scene;
  scene.connect("alice");
  scene.offer("alice", "bob", "o1");
  scene.connect("bob");
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing"));
}

TEST(PairTarget, AHangupDuringTheLookUpWithdrawsTheOffer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.hangup("alice"), IsEmpty());
  EXPECT_THAT(scene.found(1, "bob"), IsEmpty());
  EXPECT_THAT(scene.records(), IsEmpty());
  EXPECT_EQ(scene.calls().counts().kept_messages, 0U);
}

TEST(PairTarget, ADropDuringTheLookUpWithdrawsTheOffer) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  scene.drop("alice");
  EXPECT_THAT(scene.found(1, "bob"), IsEmpty());
  EXPECT_EQ(scene.calls().counts().lookups, 0U);
}

TEST(PairTarget, ASecondOfferDuringTheLookUpIsBusy) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  EXPECT_THAT(scene.offer("alice", "bob", "o2"), ElementsAre("alice <- error busy"));
  EXPECT_THAT(scene.found(1, "bob"), ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing"));
}

TEST(PairTarget, ANewerOfferToTheSameTargetStandsForBoth) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.offer_chat("alice", "7", "o2"), IsEmpty());
  EXPECT_THAT(scene.found(1, "bob"),
              ElementsAre("bob <- offer o2 from alice", "save alice>bob ringing", "bob <- ice c1"));
}

TEST(PairTarget, WhoeverAnswersWhileItsOwnOfferIsLookedUpHasWithdrawnIt) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("bob", "7", "o1");
  scene.ice("bob", "c1");
  scene.offer("alice", "bob", "o2");
  EXPECT_THAT(scene.answer("bob", "a2"), ElementsAre("alice <- answer a2", "save alice>bob active"));
  EXPECT_THAT(scene.found(1, "alice"), IsEmpty());
}

TEST(PairTarget, CandidatesDuringTheLookUpAreBounded) {
  PairScene scene{{.candidates = {.messages_max = 1, .bytes_max = 100}}};
  scene.connect("alice");
  scene.connect("bob");
  scene.offer_chat("alice", "7", "o1");
  scene.ice("alice", "c1");
  EXPECT_THAT(scene.ice("alice", "c2"), ElementsAre("alice <- error bad-message"));
  EXPECT_THAT(scene.found(1, "bob"),
              ElementsAre("bob <- offer o1 from alice", "save alice>bob ringing", "bob <- ice c1"));
}

TEST(PairTarget, AUserOnlineByAnotherDialectAloneIsOffline) {
  PairScene scene;
  scene.presence().connect(
      {.connection = ConnectionId{900}, .user = UserId{"bob"}, .name = {}, .dialect = Dialect::SocketIo});
  scene.connect("alice");
  EXPECT_THAT(scene.offer("alice", "bob", "o1"),
              ElementsAre("alice <- error offline", "save alice>bob ended offline 0s"));
}

// ---- the whole
// --------------------------------------------------------------------------------------------------------

TEST(PairCalls, TheDefaultsAreThoseOfTheProtocolPage) {
  const PairOptions options;
  EXPECT_EQ(options.ring_timeout, seconds{45});
  EXPECT_EQ(options.reconnect_grace, seconds{10});
  EXPECT_EQ(options.early_ice_hold, milliseconds{500});
  EXPECT_EQ(options.rung_devices_max, 32U);
  EXPECT_EQ(options.for_missing_device.messages_max, 1000U);
  EXPECT_EQ(options.for_missing_device.bytes_max, 256U * 1024);
  EXPECT_EQ(Presence::kWatchedUsersMax, 500U);
}

TEST(PairCalls, TheServerTakesNoMoreCallsThanItMay) {
  PairScene scene{{.calls_max = 1}};
  for (const char* label : {"alice", "bob", "carol", "dave"}) scene.connect(label);
  scene.offer("alice", "bob", "o1");
  EXPECT_THAT(scene.offer("carol", "dave", "o2"), ElementsAre("carol <- error unavailable"));
  scene.hangup("alice");
  EXPECT_THAT(scene.offer("carol", "dave", "o3"), SizeIs(2));
}

TEST(PairCalls, AShutdownEndsEveryCallAndRefusesNewOnes) {
  PairScene scene;
  start_active(scene);
  for (const char* label : {"carol", "dave", "erin"}) scene.connect(label);
  scene.offer("carol", "dave", "o2");
  scene.offer("erin", "frank", "o3");
  scene.wait(seconds{3});
  EXPECT_THAT(scene.shutdown(), ElementsAre("alice <- hangup server-shutdown", "bob/phone <- hangup server-shutdown",
                                            "save alice>bob ended server-shutdown 3s",
                                            "carol <- hangup server-shutdown", "dave <- hangup server-shutdown",
                                            "save carol>dave ended server-shutdown 0s", "erin <- error unavailable"));
  EXPECT_THAT(scene.offer("carol", "dave", "o4"), ElementsAre("carol <- error unavailable"));
  EXPECT_THAT(scene.found(1, "frank"), IsEmpty());
  const auto counts = scene.calls().counts();
  EXPECT_EQ(counts.calls + counts.lookups + counts.deadlines + counts.kept_messages, 0U);
}

TEST(PairCalls, MessagesOfUnknownConnectionsAreIgnored) {
  PairScene scene;
  const ConnectionId stranger{4711};
  EXPECT_THAT(scene.tell(Offer{stranger, UserId{"bob"}, "o"}), IsEmpty());
  EXPECT_THAT(scene.tell(Answer{stranger, "a"}), IsEmpty());
  EXPECT_THAT(scene.tell(Ice{stranger, "c"}), IsEmpty());
  EXPECT_THAT(scene.tell(Hangup{stranger, "", {}}), IsEmpty());
  EXPECT_THAT(scene.tell(Hello{stranger}), IsEmpty());
  EXPECT_THAT(scene.tell(WatchPresence{stranger, {}}), IsEmpty());
  EXPECT_THAT(scene.tell(DeviceDisconnected{stranger}), IsEmpty());
}

TEST(PairCalls, ARecordOnlyBecomesMoreComplete) {
  PairScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.offer("alice", "bob", "o1");
  scene.wait(seconds{5});
  scene.answer("bob", "a1");
  scene.wait(milliseconds{2'700});
  scene.hangup("bob");
  ASSERT_THAT(scene.records(), SizeIs(3));
  const auto& [ringing, active, ended] = std::tie(scene.records()[0], scene.records()[1], scene.records()[2]);
  EXPECT_EQ(ringing.id.value().size(), 36U);
  EXPECT_EQ(ringing.kind, CallKind::Pair);
  EXPECT_EQ(ringing.ringing_at, ringing.started_at);
  EXPECT_FALSE(ringing.answered_at || ringing.ended_at || ringing.reason);
  CallRecord expected = ringing;
  expected.state = CallState::Active;
  expected.answered_at = ringing.started_at + seconds{5};
  EXPECT_EQ(active, expected);
  expected.state = CallState::Ended;
  expected.ended_at = *expected.answered_at + milliseconds{2'700};
  expected.reason = EndReason::Hangup;
  expected.duration_seconds = 2;
  EXPECT_EQ(ended, expected);
}

TEST(PairCalls, AWallClockThatJumpsBackDoesNotTurnTheRecordAround) {
  Presence presence;
  CountingEntropy entropy;
  PairCalls calls{{}, presence, entropy};
  Effects effects;
  Now now{.mono = TimePoint{hours{1}}, .wall = wall_from_unix_milliseconds(1'000'000)};
  const ConnectionId alice{1};
  const ConnectionId bob{2};
  calls.handle(DeviceConnected{alice, UserId{"alice"}, {}}, now, effects);
  calls.handle(DeviceConnected{bob, UserId{"bob"}, {}}, now, effects);
  calls.handle(Offer{alice, UserId{"bob"}, "o"}, now, effects);
  now = {.mono = now.mono + seconds{5}, .wall = wall_from_unix_milliseconds(500'000)};
  calls.handle(Answer{bob, "a"}, now, effects);
  now = {.mono = now.mono + seconds{7}, .wall = wall_from_unix_milliseconds(100'000)};
  calls.handle(Hangup{bob, "", {}}, now, effects);
  const CallRecord& record = std::get<SaveRecord>(effects.back()).record;
  EXPECT_EQ(record.answered_at, record.started_at);
  EXPECT_EQ(record.ended_at, record.started_at);
  EXPECT_EQ(record.duration_seconds, 7);
}

}  // namespace
}  // namespace zvonok::call
