// The rules of docs/protocol/phone.md about calls that come in, one after the other.
#include <gtest/gtest.h>

#include "unit/call/phone_scene.h"

namespace zvonok::call::phone {
namespace {

TEST(IncomingPhoneCalls, RingAreAcceptedAndHungUp) {
  PhoneScene scene;
  EXPECT_EQ(scene.incoming("c", "alice"), (Lines{"ringing by provider", "ring"}));
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"alice"})) << "from the first ring on";
  EXPECT_EQ(scene.accept("c", "alice"), (Lines{"ringing by callee", "take up"}));
  EXPECT_TRUE(scene.calls().find(CallId{"c"})->accepted);
  EXPECT_EQ(scene.event("c", Answered{}), Lines{"in_progress by provider"});
  scene.wait(seconds{8});
  EXPECT_EQ(scene.event("c", Over{}), Lines{"completed by provider 8s"});
  const CallRecord& record = scene.last_record();
  EXPECT_TRUE(record.caller.empty());
  EXPECT_EQ(record.callee, UserId{"alice"});
  EXPECT_EQ(record.phone, (PhoneSide{.number = PhoneScene::kNumber, .session_id = "sess_c"}));
  EXPECT_EQ(record.ringing_at, record.started_at);
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"alice"}));
}

TEST(IncomingPhoneCalls, WhoIsMutedWhileItRingsIsMutedWhenItIsTaken) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  EXPECT_EQ(scene.mute("c", "alice", Switch::On), (Lines{"mute on", "ringing by caller"}));
  EXPECT_EQ(scene.accept("c", "alice"), (Lines{"ringing by callee", "take up", "mute on"}));
}

TEST(IncomingPhoneCalls, OfSeveralDevicesTheFirstHasIt) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  scene.accept("c", "alice");
  EXPECT_EQ(scene.accept("c", "alice"), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::AcceptedAlready);
  EXPECT_EQ(scene.decline("c", "alice"), Lines{}) << "a device that is late ends nothing";
  EXPECT_EQ(scene.outcome(), Outcome::AcceptedAlready);
  EXPECT_EQ(scene.terminate("c", "alice"), (Lines{"hang up", "canceled by caller 0s"})) << "but may hang up";
}

TEST(IncomingPhoneCalls, HaveNoBrowserBeforeTheyAreAccepted) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  EXPECT_EQ(scene.tell(BrowserReady{.call = CallId{"c"}, .user = UserId{"alice"}}), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  scene.accept("c", "alice");
  EXPECT_FALSE(scene.calls().find(CallId{"c"})->browser_ready);
  scene.tell(BrowserReady{.call = CallId{"c"}, .user = UserId{"alice"}});
  EXPECT_TRUE(scene.calls().find(CallId{"c"})->browser_ready);
}

TEST(IncomingPhoneCalls, AreDeclined) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  EXPECT_EQ(scene.decline("c", "alice"), (Lines{"turn away: declined", "declined by callee 0s"}));
  EXPECT_EQ(scene.last_record().reason, EndReason::Declined);
  scene.incoming("d", "alice");
  EXPECT_EQ(scene.terminate("d", "alice"), (Lines{"turn away: declined", "declined by callee 0s"}));
  EXPECT_EQ(scene.calls().next_timeout(), kNever);
}

TEST(IncomingPhoneCalls, MayBeGivenUpByTheCaller) {
  struct Row {
    Over over;
    std::string before;
    std::string accepted;
  };
  const Over failed{.how = Over::How::Failed, .fault = ProviderFault::Unreachable};
  const Row table[] = {
      {{.how = Over::How::Hangup}, "canceled by provider 0s", "canceled by provider 0s"},
      {{.how = Over::How::NoAnswer}, "canceled by provider 0s", "canceled by provider 0s"},
      {{.how = Over::How::Hangup, .talked = seconds{0}}, "canceled by provider 0s", "completed by provider 0s"},
      {failed, "failed by provider (unreachable) 0s", "failed by provider (unreachable) 0s"},
  };
  for (const Row& row : table) {
    PhoneScene scene;
    scene.incoming("c", "alice");
    EXPECT_EQ(scene.event("c", row.over), Lines{row.before});
    scene.incoming("d", "alice");
    scene.accept("d", "alice");
    EXPECT_EQ(scene.event("d", row.over).back(), row.accepted);
    EXPECT_EQ(scene.accept("d", "alice"), Lines{});
    EXPECT_EQ(scene.outcome(), Outcome::NoSuchCall);
  }
}

TEST(IncomingPhoneCalls, AreAnsweredByNobodyButTheUser) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  EXPECT_EQ(scene.event("c", Answered{}), Lines{}) << "not the provider";
  EXPECT_EQ(scene.outcome(), Outcome::Stale);
  EXPECT_EQ(scene.event("c", Rings{}), Lines{});
  EXPECT_EQ(scene.accept("c", "bob"), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::NotYours);
  scene.initiate("d", "bob");
  EXPECT_EQ(scene.accept("d", "bob"), Lines{}) << "this one goes out";
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  EXPECT_EQ(scene.decline("d", "bob"), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
}

TEST(IncomingPhoneCalls, TimeOuts) {
  PhoneScene scene;
  scene.incoming("c", "alice");
  EXPECT_EQ(scene.wait(milliseconds{59'999}), Lines{});
  EXPECT_EQ(scene.wait(milliseconds{1}), (Lines{"turn away: no_answer", "no_answer by ring_timeout 0s"}));
  scene.incoming("d", "alice");
  scene.accept("d", "alice");
  EXPECT_EQ(scene.wait(seconds{10}), (Lines{"hang up", "failed by dial_timeout (unreachable) 0s"}));
}

TEST(IncomingPhoneCalls, ToABusyUserAreTurnedAwayAndInTheHistory) {
  PhoneScene scene;
  scene.talking("c", "alice");
  EXPECT_EQ(scene.incoming("d", "alice"), (Lines{"turn away: busy", "busy by user_busy 0s"}));
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  EXPECT_EQ(scene.last_record().reason, EndReason::Busy);
  EXPECT_EQ(scene.calls().call_count(), 1U);
  scene.terminate("c", "alice");
  scene.presence().engage(UserId{"alice"});  // by a call of another kind
  EXPECT_EQ(scene.incoming("e", "alice"), (Lines{"turn away: busy", "busy by user_busy 0s"}));
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"alice"}));
}

TEST(IncomingPhoneCalls, FindAUserBusyWhoMayDialSeveral) {
  PhoneScene scene{{.per_user_max = 2}};
  scene.talking("c", "alice");
  EXPECT_EQ(scene.incoming("d", "alice"), (Lines{"turn away: busy", "busy by user_busy 0s"}));
  scene.initiate("e", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done);
}

TEST(IncomingPhoneCalls, ToNobodyWhoIsThereAreMissedCalls) {
  PhoneScene scene;
  EXPECT_EQ(scene.incoming("c", "alice", false), (Lines{"turn away: unavailable", "no_answer by offline 0s"}));
  EXPECT_EQ(scene.outcome(), Outcome::Unreachable);
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"alice"}));
  EXPECT_EQ(scene.calls().counts().users, 0U);
}

TEST(IncomingPhoneCalls, OfAServerThatStopsOrHasSpentItsDayAreTurnedAway) {
  PhoneScene scene{{.a_day = {.talk_max = minutes{1}}}};
  scene.talking("c", "alice");
  scene.wait(minutes{1});
  EXPECT_EQ(scene.incoming("d", "alice"), Lines{"turn away: unavailable"});
  EXPECT_EQ(scene.outcome(), Outcome::SpendLimit);
  PhoneScene stopping;
  stopping.incoming("c", "alice");
  EXPECT_EQ(stopping.tell(Shutdown{}), (Lines{"turn away: unavailable", "failed by shutdown 0s"}));
  EXPECT_EQ(stopping.incoming("d", "alice"), Lines{"turn away: unavailable"});
  EXPECT_EQ(stopping.outcome(), Outcome::Draining);
}

}  // namespace
}  // namespace zvonok::call::phone
