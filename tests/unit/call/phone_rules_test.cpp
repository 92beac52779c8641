// The rules of docs/protocol/phone.md, one after the other.
#include <gtest/gtest.h>

#include "unit/call/phone_scene.h"

namespace zvonok::call::phone {
namespace {

TEST(PhoneCalls, RingAreAnsweredAndHungUp) {
  PhoneScene scene;
  EXPECT_EQ(scene.initiate("c", "alice"), (Lines{"connecting by caller", "dial +491512345678"}));
  EXPECT_EQ(scene.event("c", TookOn{}), Lines{});
  EXPECT_EQ(scene.event("c", Rings{}), Lines{"ringing by provider"});
  EXPECT_EQ(scene.event("c", Answered{}), Lines{"in_progress by provider"});
  scene.wait(milliseconds{42'900});
  EXPECT_EQ(scene.terminate("c", "alice"), (Lines{"hang up", "completed by caller 42s"}));
  const CallRecord& record = scene.last_record();
  EXPECT_EQ(record.reason, EndReason::Hangup);
  EXPECT_EQ(record.duration_seconds, 42);
  EXPECT_EQ(record.phone, (PhoneSide{.number = "+491512345678", .session_id = "sess_c"}));
  EXPECT_EQ(scene.calls().call_count(), 0U);
}

TEST(PhoneCalls, OfTheTelephoneEndAsItSays) {
  struct Row {
    Over over;
    std::string before_answer;
    std::string after_answer;
  };
  const Over failed{.how = Over::How::Failed, .fault = ProviderFault::BadNumber};
  const Row table[] = {
      {{.how = Over::How::Hangup}, "failed by provider 0s", "completed by provider 7s"},
      {{.how = Over::How::Busy}, "busy by provider 0s", "completed by provider 7s"},
      {{.how = Over::How::NoAnswer}, "no_answer by provider 0s", "completed by provider 7s"},
      {failed, "failed by provider (bad_number) 0s", "completed by provider (bad_number) 7s"},
  };
  for (const Row& row : table) {
    PhoneScene scene;
    scene.initiate("c", "alice");
    EXPECT_EQ(scene.event("c", row.over), Lines{row.before_answer});
    scene.talking("d", "alice");
    scene.wait(seconds{7});
    EXPECT_EQ(scene.event("d", row.over), Lines{row.after_answer});
    EXPECT_EQ(scene.event("d", row.over), Lines{}) << "once";
    EXPECT_EQ(scene.outcome(), Outcome::Stale);
  }
}

TEST(PhoneCalls, EventsThatComeTwiceOrLateChangeNothing) {
  PhoneScene scene;
  scene.initiate("c", "alice");
  EXPECT_EQ(scene.event("c", Answered{}, 3), Lines{"in_progress by provider"}) << "nothing rang";
  EXPECT_EQ(scene.event("c", Rings{}, 2), Lines{});
  EXPECT_EQ(scene.event("c", Rings{}, 4), Lines{}) << "a later number is no reason to go back";
  EXPECT_EQ(scene.event("c", TookOn{}, 5), Lines{});
  EXPECT_EQ(scene.event("c", Answered{}, 3), Lines{});
  EXPECT_EQ(scene.event("c", Over{}, 3), Lines{"completed by provider 0s"}) << "an end is one whatever its number";
  EXPECT_EQ(scene.event("c", Over{}, 6), Lines{});
  EXPECT_EQ(scene.event("nobody", Rings{}), Lines{});
}

TEST(PhoneCalls, AnAnswerThatIsKnownByTheEndAloneIsNotLost) {
  PhoneScene scene;
  scene.initiate("c", "alice");
  scene.event("c", Rings{}, 1);
  scene.wait(seconds{30});
  const Over over{.how = Over::How::Hangup, .fault = ProviderFault::Other, .talked = seconds{21}};
  EXPECT_EQ(scene.event("c", over, 3), (Lines{"in_progress by provider", "completed by provider 21s"}));
  EXPECT_EQ(scene.last_record().answered_at, scene.now().wall - seconds{21});
  EXPECT_EQ(scene.event("c", Answered{}, 2), Lines{});
}

TEST(PhoneCalls, TimeOuts) {
  PhoneScene scene;
  scene.initiate("c", "alice");
  EXPECT_EQ(scene.wait(seconds{10}), (Lines{"hang up", "failed by dial_timeout (unreachable) 0s"}));
  scene.initiate("d", "alice");
  scene.event("d", TookOn{});
  EXPECT_EQ(scene.wait(milliseconds{59'999}), Lines{});
  EXPECT_EQ(scene.wait(milliseconds{1}), (Lines{"hang up", "no_answer by ring_timeout 0s"}));
  scene.talking("e", "alice");
  EXPECT_EQ(scene.wait(hours{2}), (Lines{"hang up", "completed by too_long 7200s"}));
  EXPECT_EQ(scene.calls().next_timeout(), kNever);
}

TEST(PhoneCalls, BelongToWhoBeganThem) {
  PhoneScene scene;
  scene.talking("c", "alice");
  for (const auto& command : {Command{Terminate{.call = CallId{"c"}, .user = UserId{"bob"}}},
                              Command{SetHold{.call = CallId{"c"}, .user = UserId{"bob"}}},
                              Command{SetMute{.call = CallId{"c"}, .user = UserId{"bob"}}},
                              Command{BrowserReady{.call = CallId{"c"}, .user = UserId{"bob"}}},
                              Command{SendDtmf{.call = CallId{"c"}, .user = UserId{"bob"}, .digits = "1"}}}) {
    EXPECT_EQ(scene.tell(command), Lines{});
    EXPECT_EQ(scene.outcome(), Outcome::NotYours);
  }
  scene.terminate("no-such", "bob");
  EXPECT_EQ(scene.outcome(), Outcome::NoSuchCall);
}

TEST(PhoneCalls, TonesAndHoldWaitForTheAnswerAndMuteDoesNot) {
  PhoneScene scene;
  scene.initiate("c", "alice");
  EXPECT_EQ(scene.dtmf("c", "alice", "1"), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  EXPECT_EQ(scene.hold("c", "alice", Switch::On), Lines{});
  EXPECT_EQ(scene.outcome(), Outcome::WrongStatus);
  EXPECT_EQ(scene.mute("c", "alice", Switch::On), (Lines{"mute on", "connecting by caller"}));
  scene.event("c", Answered{});
  EXPECT_EQ(scene.dtmf("c", "alice", "1#"), Lines{"dtmf 1#"});
  EXPECT_EQ(scene.hold("c", "alice", Switch::On), (Lines{"hold on", "in_progress by caller"}));
  EXPECT_EQ(scene.hold("c", "alice", Switch::On), Lines{}) << "it is";
  EXPECT_EQ(scene.outcome(), Outcome::Done);
  EXPECT_TRUE(scene.calls().find(CallId{"c"})->on_hold);
  EXPECT_TRUE(scene.calls().find(CallId{"c"})->muted);
  EXPECT_EQ(scene.hold("c", "alice", Switch::Off), (Lines{"hold off", "in_progress by caller"}));
}

TEST(PhoneCalls, AUserIsInOneCallWhateverItsKind) {
  PhoneScene scene;
  scene.presence().engage(UserId{"alice"});  // by a call of another kind
  scene.initiate("c", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  scene.presence().disengage(UserId{"alice"});
  scene.initiate("d", "alice");
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"alice"}));
  scene.initiate("e", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  scene.terminate("d", "alice");
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"alice"}));
  EXPECT_EQ(scene.last_record().reason, EndReason::Canceled);
}

TEST(PhoneCalls, SeveralOfAUserAreAllowedWhereTheSettingsSaySo) {
  PhoneScene scene{{.per_user_max = 2}};
  scene.initiate("c", "alice");
  scene.initiate("d", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done);
  scene.initiate("e", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::InAnotherCall);
  scene.terminate("c", "alice");
  EXPECT_TRUE(scene.presence().is_engaged(UserId{"alice"})) << "there is the other one";
  EXPECT_EQ(scene.incoming("f", "alice"), (Lines{"turn away: busy", "busy by user_busy 0s"}));
  scene.terminate("d", "alice");
  EXPECT_FALSE(scene.presence().is_engaged(UserId{"alice"}));
}

TEST(PhoneCalls, PrefixesSayWhichNumbersMayBeCalled) {
  PhoneScene scene{{.allow = {"+49", "+1202", "+4915123"}, .deny = {"+4915", "+1202555"}}};
  struct Row {
    std::string number;
    Outcome outcome;
  };
  const Row table[] = {
      {"+4930123456", Outcome::Done},
      {"+491512345678", Outcome::Done},  // the longest that fits allows
      {"+491522345678", Outcome::NumberNotAllowed},
      {"+12025550123", Outcome::NumberNotAllowed},
      {"+12021110123", Outcome::Done},
      {"+74951234567", Outcome::NumberNotAllowed},  // on neither list, and there is one of what is allowed
  };
  int i = 0;
  for (const Row& row : table) {
    const std::string call = "c" + std::to_string(++i);
    scene.initiate(call, "alice", row.number);
    EXPECT_EQ(scene.outcome(), row.outcome) << row.number;
    scene.terminate(call, "alice");
  }
  PhoneScene open{{.deny = {"+7"}}};
  open.initiate("c", "alice", "+491512345678");
  EXPECT_EQ(open.outcome(), Outcome::Done);
}

TEST(PhoneCalls, AUserHasSoManyCallsADay) {
  PhoneScene scene{{.a_day = {.calls_max = 2, .talk_max = {}}}};
  for (const char* call : {"c", "d"}) {
    scene.initiate(call, "alice");
    scene.terminate(call, "alice");
  }
  scene.initiate("e", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::DailyLimit);
  scene.initiate("f", "bob");
  EXPECT_EQ(scene.outcome(), Outcome::Done);
  EXPECT_EQ(DayBook::until_tomorrow(scene.now().wall), hours{12});
  scene.terminate("f", "bob");
  scene.wait(hours{12});
  scene.initiate("g", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done) << "another day";
}

TEST(PhoneCalls, TheServerHasSoManyMinutesADay) {
  PhoneScene scene{{.a_day = {.calls_max = 0, .talk_max = minutes{10}}}};
  scene.talking("c", "alice");
  scene.wait(minutes{4});
  scene.talking("d", "bob");
  EXPECT_EQ(scene.wait(milliseconds{179'999}), Lines{});
  // Four minutes of one, and then three of two at once.
  EXPECT_EQ(scene.wait(milliseconds{1}),
            (Lines{"hang up", "completed by spend_limit 420s", "hang up", "completed by spend_limit 180s"}));
  scene.initiate("f", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::SpendLimit);
  EXPECT_EQ(scene.calls().next_timeout(), kNever);
  scene.wait(hours{12});
  scene.initiate("g", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done);
}

TEST(PhoneCalls, AUserHasSoManyMinutesADay) {
  PhoneScene scene{{.per_user_max = 2, .a_day = {.user_talk_max = minutes{10}}}};
  scene.talking("c", "alice");
  scene.talking("b", "bob");
  scene.wait(minutes{4});
  scene.talking("d", "alice");  // two of hers use them up at twice the speed
  EXPECT_EQ(scene.wait(minutes{3} - milliseconds{1}), Lines{});
  EXPECT_EQ(scene.wait(milliseconds{1}),
            (Lines{"hang up", "completed by spend_limit 420s", "hang up", "completed by spend_limit 180s"}));
  scene.initiate("e", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::DailyLimit);
  scene.incoming("f", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done) << "she may be called";
  EXPECT_EQ(scene.wait(minutes{3} - milliseconds{1}), (Lines{"turn away: no_answer", "no_answer by ring_timeout 0s"}))
      << "nobody else is disturbed";
  scene.wait(hours{12});
  scene.initiate("g", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::Done) << "a new day";
}

TEST(PhoneCalls, ANewDayBringsNewMinutesToACallUnderWay) {
  PhoneScene scene{{.a_day = {.user_talk_max = minutes{60}}}};
  scene.wait(hours{11} + minutes{30});  // half an hour before midnight
  scene.talking("c", "alice");
  EXPECT_EQ(scene.wait(minutes{89}), Lines{});
  EXPECT_EQ(scene.wait(minutes{1}), (Lines{"hang up", "completed by spend_limit 5400s"}));
  scene.calls().restore({.calls = {}, .talked_by = {{UserId{"bob"}, minutes{60}}}, .talked = minutes{60}}, scene.now());
  scene.initiate("d", "bob");
  EXPECT_EQ(scene.outcome(), Outcome::DailyLimit) << "what was before a restart counts";
}

TEST(PhoneCalls, AreNotPaidForWithoutABrowser) {
  PhoneScene scene{{.browser_timeout = minutes{2}}};
  scene.talking("c", "alice");
  EXPECT_EQ(scene.wait(minutes{2} - milliseconds{1}), Lines{});
  EXPECT_EQ(scene.wait(milliseconds{1}), (Lines{"hang up", "completed by browser_lost 120s"}));
  EXPECT_EQ(scene.last_record().reason, EndReason::Disconnected);
  scene.talking("d", "alice");
  scene.wait(minutes{1});
  scene.tell(BrowserReady{.call = CallId{"d"}, .user = UserId{"alice"}});
  EXPECT_EQ(scene.wait(minutes{10}), Lines{});
  scene.terminate("d", "alice");
  scene.initiate("e", "alice");
  scene.tell(BrowserReady{.call = CallId{"e"}, .user = UserId{"alice"}});
  scene.event("e", Answered{});
  EXPECT_EQ(scene.wait(minutes{10}), Lines{}) << "it was there before the answer";
  scene.terminate("e", "alice");
  scene.incoming("f", "alice");
  scene.accept("f", "alice");
  scene.event("f", Answered{});
  EXPECT_EQ(scene.wait(minutes{2}), (Lines{"hang up", "completed by browser_lost 120s"})) << "the device fell asleep";
}

TEST(PhoneCalls, WhatTheDayHasSeenBeforeARestartCounts) {
  PhoneScene scene{{.a_day = {.calls_max = 3, .talk_max = minutes{10}}}};
  scene.calls().restore({.calls = {{UserId{"alice"}, 3}}, .talked_by = {}, .talked = minutes{9}}, scene.now());
  scene.initiate("c", "alice");
  EXPECT_EQ(scene.outcome(), Outcome::DailyLimit);
  scene.talking("d", "bob");
  EXPECT_EQ(scene.wait(minutes{2}), (Lines{"hang up", "completed by spend_limit 60s"}));
}

TEST(PhoneCalls, EndWithTheServer) {
  PhoneScene scene{{.per_user_max = 2}};
  scene.talking("c", "alice");
  scene.initiate("d", "alice");
  scene.tell(Drain{});
  scene.initiate("e", "bob");
  EXPECT_EQ(scene.outcome(), Outcome::Draining);
  EXPECT_EQ(scene.tell(Shutdown{}), (Lines{"hang up", "completed by shutdown 0s", "hang up", "failed by shutdown 0s"}));
  const PhoneCalls::Counts counts = scene.calls().counts();
  EXPECT_EQ(counts.calls + counts.users + counts.deadlines + counts.talking, 0U);
}

TEST(PhoneCalls, HaveNoNegativeTimesWhenTheClockIsSetBack) {
  PhoneScene scene;
  scene.initiate("c", "alice");
  const WallTime begun = scene.now().wall;
  scene.set_wall(begun - hours{1});
  scene.event("c", Rings{});
  scene.event("c", Answered{});
  scene.wait(seconds{5});
  scene.terminate("c", "alice");
  EXPECT_EQ(scene.last_record().ringing_at, begun);
  EXPECT_EQ(scene.last_record().answered_at, begun);
  EXPECT_EQ(scene.last_record().ended_at, begun);
  EXPECT_EQ(scene.last_record().duration_seconds, 5);
}

}  // namespace
}  // namespace zvonok::call::phone
