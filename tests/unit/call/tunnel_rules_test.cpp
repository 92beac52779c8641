// The rules of docs/protocol/tunnel.md, as scripts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call/pair_calls.h"
#include "unit/call/tunnel_scene.h"

namespace zvonok::call::tunnel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Nothing is kept of anybody who has gone.
void expect_nothing_left(TunnelScene& scene) {
  const auto counts = scene.calls().counts();
  EXPECT_EQ(counts.calls, 0U);
  EXPECT_EQ(counts.users_in_calls, 0U);
  EXPECT_EQ(counts.lookups, 0U);
  EXPECT_EQ(counts.deadlines, 0U);
  EXPECT_EQ(scene.presence().engaged_count(), 0U);
}

TEST(TunnelCalls, AWholeCallGoesAsInTheContract) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  EXPECT_THAT(scene.initiate("alice", "bob"),
              ElementsAre("alice <- call-initiated alice bob", "bob <- incoming-call alice bob", "save ringing"));
  EXPECT_THAT(scene.accept("bob"), ElementsAre("alice <- call-accepted", "open tunnel alice bob", "save active"));
  EXPECT_THAT(scene.opened(),
              ElementsAre("alice <- vpn-config-received as caller", "bob <- vpn-config-received as callee"));
  EXPECT_THAT(scene.ready("alice"), ElementsAre("bob <- vpn-connected as callee"));
  EXPECT_THAT(scene.ready("bob"), ElementsAre("alice <- vpn-connected as caller"));
  EXPECT_THAT(scene.wait(seconds{61}), IsEmpty());
  EXPECT_THAT(scene.hangup("bob"), ElementsAre("alice <- call-hangup hangup", "close tunnel", "save ended hangup"));
  EXPECT_EQ(scene.records().back().duration_seconds, 61);
  EXPECT_EQ(scene.records().back().kind, CallKind::Tunnel);
  expect_nothing_left(scene);
}

TEST(TunnelCalls, RefusesWithTheContractsTexts) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.connect("mallory");
  EXPECT_THAT(scene.initiate("alice", "alice"), ElementsAre("alice <- call-error Cannot call yourself"));
  EXPECT_THAT(scene.accept("alice", "no-such"), ElementsAre("alice <- call-error Call not found"));
  EXPECT_THAT(scene.ready("alice", "no-such"), ElementsAre("alice <- call-error Call not found"));
  EXPECT_THAT(scene.reject("alice", "no-such"), ElementsAre("alice <- call-error Call not found"));
  EXPECT_THAT(scene.hangup("alice", "no-such"), ElementsAre("alice <- call-error Call not found"));
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.accept("alice"), ElementsAre("alice <- call-error Not authorized to accept this call"));
  EXPECT_THAT(scene.accept("mallory"), ElementsAre("mallory <- call-error Not authorized to accept this call"));
  EXPECT_THAT(scene.reject("mallory"), ElementsAre("mallory <- call-error Not authorized for this call"));
  EXPECT_THAT(scene.hangup("mallory"), ElementsAre("mallory <- call-error Not authorized for this call"));
  EXPECT_THAT(scene.ready("mallory"), ElementsAre("mallory <- call-error Not authorized for this call"));
  EXPECT_THAT(scene.ready("bob"), ElementsAre("bob <- call-error Call has not been accepted yet"));
  EXPECT_EQ(scene.calls().call_count(), 1U) << "nobody of them has ended it";
}

TEST(TunnelCalls, ACalleeWhoIsNotThereIsLookedUp) {
  TunnelScene scene;
  scene.connect("alice");
  EXPECT_THAT(scene.initiate("alice", "bob"), ElementsAre("look up bob as 1"));
  EXPECT_THAT(scene.initiate("alice", "carol"),
              ElementsAre("alice <- call-error Another call of yours is still being placed"));
  EXPECT_THAT(scene.tell(CalleeFound{LookupId{1}}),
              ElementsAre("alice <- call-error User is offline", "save ended offline"));
  EXPECT_THAT(scene.initiate("alice", "nobody"), ElementsAre("look up nobody as 2"));
  EXPECT_THAT(scene.tell(CalleeMissing{LookupId{2}}), ElementsAre("alice <- call-error User not found"));
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.tell(CalleeUnknown{LookupId{3}}),
              ElementsAre("alice <- call-error Calls are not possible at the moment, try again"));
  scene.initiate("alice", "bob");
  scene.connect("bob");
  EXPECT_THAT(scene.tell(CalleeFound{LookupId{4}}),
              ElementsAre("alice <- call-initiated alice bob", "bob <- incoming-call alice bob", "save ringing"))
      << "came while the store was asked";
}

TEST(TunnelCalls, ALookUpOfWhoHasGoneIsForgotten) {
  TunnelScene scene;
  scene.connect("alice");
  scene.initiate("alice", "bob");
  scene.drop("alice");
  EXPECT_THAT(scene.tell(CalleeFound{LookupId{1}}), IsEmpty());
  expect_nothing_left(scene);
}

TEST(TunnelCalls, OneCallForEachUserAtATime) {
  TunnelScene scene;
  scene.active();
  scene.connect("carol");
  EXPECT_THAT(scene.initiate("carol", "bob"), ElementsAre("carol <- call-error User is busy", "save ended busy"));
  EXPECT_THAT(scene.initiate("bob", "carol"),
              ElementsAre("bob <- call-error You are in another call", "save ended busy"));
}

TEST(TunnelCalls, TheOtherDialectIsSeenAndRefusedClearly) {
  TunnelScene scene;
  CountingEntropy entropy;
  PairCalls pairs{PairOptions{}, scene.presence(), entropy};
  const Now now{};
  call::Effects effects;
  pairs.handle(DeviceConnected{ConnectionId{900}, UserId{"bob"}, {}}, now, effects);
  pairs.handle(DeviceConnected{ConnectionId{901}, UserId{"carol"}, {}}, now, effects);
  scene.connect("alice");
  EXPECT_THAT(scene.watch("alice", {"bob", "dave"}), ElementsAre("alice <- presence bob+ dave-"));
  EXPECT_THAT(scene.initiate("alice", "bob"),
              ElementsAre("alice <- call-error User is connected, but not for tunnelled calls", "save ended offline"));

  effects.clear();
  pairs.handle(Offer{ConnectionId{900}, UserId{"alice"}, "{}"}, now, effects);
  ASSERT_FALSE(effects.empty());
  ASSERT_TRUE(std::holds_alternative<DeliverError>(effects[0]));
  EXPECT_EQ(std::get<DeliverError>(effects[0]).message, "the user is connected only for tunnelled calls");

  // One call at most, whatever its kind.
  effects.clear();
  pairs.handle(Offer{ConnectionId{900}, UserId{"carol"}, "{}"}, now, effects);
  EXPECT_EQ(pairs.call_count(), 1U);
  scene.connect("bob");
  EXPECT_THAT(scene.initiate("alice", "bob"), ElementsAre("alice <- call-error User is busy", "save ended busy"));
  pairs.handle(call::Hangup{ConnectionId{900}, "", std::nullopt}, now, effects);
  EXPECT_THAT(scene.initiate("alice", "bob"),
              ElementsAre("alice <- call-initiated alice bob", "bob <- incoming-call alice bob", "save ringing"));
  effects.clear();
  pairs.handle(Offer{ConnectionId{901}, UserId{"bob"}, "{}"}, now, effects);
  EXPECT_EQ(std::get<DeliverError>(effects.at(0)).code, ErrorCode::Busy);

  // And what the other dialect's devices do is told here.
  effects.clear();
  pairs.handle(DeviceConnected{ConnectionId{902}, UserId{"dave"}, {}}, now, effects);
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(std::get<DeliverPresence>(effects[0]).users,
            (std::vector<UserPresence>{{.user = UserId{"dave"}, .online = true}}));
}

TEST(TunnelCalls, AllDevicesRingAndOneAnswers) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/desk");
  EXPECT_THAT(scene.initiate("alice", "bob"),
              ElementsAre("alice <- call-initiated alice bob", "bob/desk <- incoming-call alice bob",
                          "bob/phone <- incoming-call alice bob", "save ringing"));
  EXPECT_THAT(scene.connect("bob/watch"), ElementsAre("bob/watch <- incoming-call alice bob"));
  EXPECT_THAT(scene.accept("bob/phone"),
              ElementsAre("bob/desk <- call-hangup answered-elsewhere", "bob/watch <- call-hangup answered-elsewhere",
                          "alice <- call-accepted", "open tunnel alice bob", "save active"));
  EXPECT_THAT(scene.accept("bob/desk"), ElementsAre("bob/desk <- call-error Call was accepted already"));
  EXPECT_THAT(scene.reject("bob/desk"), ElementsAre("bob/desk <- call-error Call was accepted already"));
}

TEST(TunnelCalls, RejectingEndsItForAllDevices) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob/phone");
  scene.connect("bob/desk");
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.reject("alice"), ElementsAre("alice <- call-error Not authorized for this call"));
  EXPECT_THAT(scene.reject("bob/desk"),
              ElementsAre("alice <- call-rejected", "bob/phone <- call-hangup declined", "save ended declined"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, TheCallerMayThinkBetterOfIt) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.hangup("alice"), ElementsAre("bob <- call-hangup canceled", "save ended canceled"));
  EXPECT_THAT(scene.accept("bob"), ElementsAre("bob <- call-error Call not found"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, ACalleeWhoHangsUpInsteadOfRejectingIsUnderstood) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.hangup("bob"), ElementsAre("alice <- call-hangup hangup", "save ended declined"));
}

TEST(TunnelCalls, RingingEnds) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.wait(milliseconds{44'999}), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{1}),
              ElementsAre("alice <- call-hangup no-answer", "bob <- call-hangup no-answer", "save ended no-answer"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, ATunnelThatDoesNotComeUpEndsTheCall) {
  TunnelScene scene;
  scene.connecting();
  EXPECT_THAT(scene.ready("alice"), ElementsAre("bob <- vpn-connected as callee"));
  EXPECT_THAT(scene.wait(milliseconds{29'999}), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{1}),
              ElementsAre("alice <- call-hangup vpn-setup-timeout", "bob <- call-hangup vpn-setup-timeout",
                          "close tunnel", "save ended failed"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, NoTunnelAtAcceptIsAnErrorAndTheEnd) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  scene.accept("bob");
  EXPECT_THAT(scene.refused(), ElementsAre("alice <- call-error Calls are not possible at the moment, try again",
                                           "bob <- call-error Calls are not possible at the moment, try again",
                                           "alice <- call-hangup vpn-failed", "bob <- call-hangup vpn-failed",
                                           "close tunnel", "save ended failed"));
  EXPECT_THAT(scene.opened(), IsEmpty()) << "late";
  expect_nothing_left(scene);
}

TEST(TunnelCalls, ATunnelThatIsLostEndsTheCall) {
  TunnelScene scene;
  scene.active();
  EXPECT_THAT(scene.lost(), ElementsAre("alice <- call-hangup vpn-failed", "bob <- call-hangup vpn-failed",
                                        "close tunnel", "save ended failed"));
}

TEST(TunnelCalls, NoCallLastsForEver) {
  TunnelScene scene;
  scene.active();
  EXPECT_THAT(scene.wait(hours{4}), ElementsAre("alice <- call-hangup too-long", "bob <- call-hangup too-long",
                                                "close tunnel", "save ended hangup"));
}

TEST(TunnelCalls, WhatOneEndSaysOfItsKeyComesToTheOtherAlone) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.connect("mallory");
  EXPECT_THAT(scene.say("alice", "{}", "no-such"), ElementsAre("alice <- call-error Call not found"));
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.say("alice", "{}"), ElementsAre("alice <- call-error Call has not been accepted yet"));
  scene.accept("bob");
  EXPECT_THAT(scene.say("alice", R"({"v":1})"), ElementsAre(R"(bob <- e2e {"v":1})"));
  EXPECT_THAT(scene.say("bob", R"({"v":2})"), ElementsAre(R"(alice <- e2e {"v":2})"));
  EXPECT_THAT(scene.say("mallory", "{}"), ElementsAre("mallory <- call-error Not authorized for this call"));
  scene.drop("bob");
  EXPECT_THAT(scene.say("alice", "{}"), IsEmpty()) << "nothing is kept for whoever is not there";
}

TEST(TunnelCalls, NobodySaysMoreOfAKeyThanAnAgreementNeeds) {
  TunnelScene scene({.words = {.burst = 3, .per_second = 1}});
  scene.connecting();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(scene.say("alice", "{}"), ElementsAre("bob <- e2e {}"));
  EXPECT_THAT(scene.say("alice", "{}"),
              ElementsAre("alice <- call-error Too many messages about the key of this call"));
  EXPECT_THAT(scene.say("bob", "{}"), ElementsAre("alice <- e2e {}")) << "each side has its own";
  scene.wait(seconds{1});
  EXPECT_THAT(scene.say("alice", "{}"), ElementsAre("bob <- e2e {}"));
}

TEST(TunnelCalls, WhoComesBackInTimeHearsWhatWasMissed) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  scene.accept("bob");
  EXPECT_THAT(scene.drop("alice"), IsEmpty());
  EXPECT_THAT(scene.opened(), ElementsAre("bob <- vpn-config-received as callee"));
  EXPECT_THAT(scene.ready("bob"), IsEmpty());
  EXPECT_THAT(scene.wait(milliseconds{9'999}), IsEmpty());
  EXPECT_THAT(scene.connect("alice:2"),
              ElementsAre("alice:2 <- call-initiated alice bob", "alice:2 <- call-accepted",
                          "alice:2 <- vpn-config-received as caller", "alice:2 <- vpn-connected as caller"));
  EXPECT_THAT(scene.ready("alice:2"), ElementsAre("bob <- vpn-connected as callee"));
  EXPECT_THAT(scene.wait(seconds{60}), IsEmpty());
}

TEST(TunnelCalls, WhoDoesNotComeBackEndsTheCall) {
  TunnelScene scene;
  scene.active();
  scene.drop("alice");
  EXPECT_THAT(scene.wait(seconds{10}),
              ElementsAre("bob <- call-hangup disconnected", "close tunnel", "save ended disconnected"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, TheLateDeathOfAnOldSocketEndsNothing) {
  TunnelScene scene;
  scene.active();
  EXPECT_THAT(scene.connect("alice:2"), IsEmpty()) << "the old socket still looks alive";
  EXPECT_THAT(scene.drop("alice"),
              ElementsAre("alice:2 <- call-initiated alice bob", "alice:2 <- call-accepted",
                          "alice:2 <- vpn-config-received as caller", "alice:2 <- vpn-connected as caller"));
  EXPECT_THAT(scene.wait(seconds{60}), IsEmpty());
  EXPECT_THAT(scene.hangup("bob"), ElementsAre("alice:2 <- call-hangup hangup", "close tunnel", "save ended hangup"));
}

TEST(TunnelCalls, WhoSpeaksOnANewSocketHasTheCallThere) {
  TunnelScene scene;
  scene.connecting();
  scene.connect("alice:2");
  EXPECT_THAT(scene.ready("alice:2"), ElementsAre("bob <- vpn-connected as callee"));
  EXPECT_THAT(scene.drop("alice"), IsEmpty());
  EXPECT_THAT(scene.ready("bob"), ElementsAre("alice:2 <- vpn-connected as caller"));
  EXPECT_THAT(scene.wait(seconds{60}), IsEmpty());
}

TEST(TunnelCalls, ANamedDeviceReplacesItsOldSocket) {
  TunnelScene scene;
  scene.connect("alice/phone");
  scene.connect("bob/desk");
  scene.initiate("alice/phone", "bob");
  EXPECT_THAT(scene.connect("bob/desk:2"), ElementsAre("bob/desk:2 <- incoming-call alice bob", "close bob/desk"));
  scene.accept("bob/desk:2");
  scene.opened();
  EXPECT_THAT(scene.connect("alice/phone:2"),
              ElementsAre("close alice/phone", "alice/phone:2 <- call-initiated alice bob",
                          "alice/phone:2 <- call-accepted", "alice/phone:2 <- vpn-config-received as caller"));
}

TEST(TunnelCalls, WithoutGraceAClosedSocketEndsTheCallAtOnceButNotOneThatIsReplaced) {
  TunnelScene scene{{.reconnect_grace = Duration::zero()}};
  scene.connect("alice");
  scene.connect("bob/desk");
  scene.initiate("alice", "bob");
  EXPECT_THAT(scene.connect("bob/desk:2"), ElementsAre("bob/desk:2 <- incoming-call alice bob", "close bob/desk"));
  EXPECT_THAT(scene.drop("bob/desk:2"), ElementsAre("alice <- call-hangup disconnected", "save ended disconnected"));
}

TEST(TunnelCalls, ACalleeWithoutDevicesMayComeBackWhileItRings) {
  TunnelScene scene;
  scene.connect("alice");
  scene.connect("bob");
  scene.initiate("alice", "bob");
  scene.drop("bob");
  EXPECT_THAT(scene.wait(seconds{9}), IsEmpty());
  EXPECT_THAT(scene.connect("bob:2"), ElementsAre("bob:2 <- incoming-call alice bob"));
  scene.drop("bob:2");
  EXPECT_THAT(scene.wait(seconds{10}), ElementsAre("alice <- call-hangup disconnected", "save ended disconnected"));
}

TEST(TunnelCalls, SayingReadyTwiceTellsOnce) {
  TunnelScene scene;
  scene.active();
  EXPECT_THAT(scene.ready("alice"), IsEmpty());
}

TEST(TunnelCalls, ADrainingServerTakesNoNewCallsAndAStoppingOneEndsThem) {
  TunnelScene scene;
  scene.active();
  scene.connect("carol");
  scene.connect("dave");
  scene.tell(Drain{});
  EXPECT_THAT(scene.initiate("carol", "dave"),
              ElementsAre("carol <- call-error Calls are not possible at the moment, try again"));
  EXPECT_THAT(scene.tell(Shutdown{}),
              ElementsAre("alice <- call-hangup server-shutdown", "bob <- call-hangup server-shutdown", "close tunnel",
                          "save ended server-shutdown"));
  expect_nothing_left(scene);
}

TEST(TunnelCalls, NoMoreDevicesRingThanAllowedAndNoMoreCallsThanAllowed) {
  TunnelScene scene{{.rung_devices_max = 2, .calls_max = 1}};
  scene.connect("alice");
  scene.connect("carol");
  for (const char* device : {"bob/1", "bob/2", "bob/3"}) scene.connect(device);
  EXPECT_THAT(scene.initiate("alice", "bob"),
              ElementsAre("alice <- call-initiated alice bob", "bob/3 <- incoming-call alice bob",
                          "bob/2 <- incoming-call alice bob", "save ringing"));
  scene.connect("dave");
  EXPECT_THAT(scene.initiate("carol", "dave"),
              ElementsAre("carol <- call-error Calls are not possible at the moment, try again"));
}

}  // namespace
}  // namespace zvonok::call::tunnel
