// Engine.IO's heartbeat, exactly in time.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/proto/engineio/scene.h"

namespace zvonok::test {
namespace {

using engineio::CloseReason;
using Texts = std::vector<std::string>;

struct Heartbeat : testing::Test {
  EngineEcho echo;
  EngineScene scene{echo, {.ping_interval = milliseconds{300}, .ping_timeout = milliseconds{200}}};
};

TEST_F(Heartbeat, PingsAfterTheHandshakeAndAfterEachPong) {
  const ConnectionId socket = scene.websocket();
  scene.take_sent(socket);
  for (int i = 0; i < 3; ++i) {
    scene.advance(milliseconds{299});
    EXPECT_EQ(scene.take_sent(socket), Texts{});
    scene.advance(milliseconds{1});
    EXPECT_EQ(scene.take_sent(socket), Texts{"2"});
    scene.advance(milliseconds{150});
    scene.say(socket, "3");
  }
  EXPECT_EQ(scene.hub.size(), 1U);
}

TEST_F(Heartbeat, WithoutPongTheSessionEndsAtIntervalAndTimeout) {
  const ConnectionId socket = scene.websocket();
  scene.advance(milliseconds{499});
  EXPECT_FALSE(scene.is_closed(socket));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(socket));
  EXPECT_EQ(scene.hub.counters().of(CloseReason::PingTimeout), 1U);
}

TEST_F(Heartbeat, PingIsQueuedForAnAbsentPollAndTimesOutAllTheSame) {
  const std::string sid = scene.open();
  scene.advance(milliseconds{499});
  EXPECT_EQ(scene.hub.size(), 1U);
  scene.advance(milliseconds{1});
  EXPECT_EQ(scene.hub.size(), 0U) << "nobody asks after an abandoned session, and it ends by itself";
  EXPECT_EQ(echo.of(sid).closed, std::vector{CloseReason::PingTimeout});
}

TEST_F(Heartbeat, OnPollingPingsGoOutByPoll) {
  const std::string sid = scene.open();
  for (int i = 0; i < 3; ++i) {
    const ConnectionId waiting = scene.get(sid);
    scene.advance(milliseconds{300});
    EXPECT_EQ(scene.body_of(waiting), "2");
    EXPECT_EQ(scene.body_of(scene.post(sid, {"3"})), "ok");
  }
  scene.advance(milliseconds{300});
  EXPECT_EQ(scene.poll(sid), "2");
}

TEST_F(Heartbeat, OtherPacketsAreNoPong) {
  const ConnectionId socket = scene.websocket();
  for (int i = 0; i < 499; ++i) {
    scene.advance(milliseconds{1});
    scene.say(socket, "4hello");
  }
  EXPECT_FALSE(scene.is_closed(socket));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(socket));
}

TEST_F(Heartbeat, PongThatNobodyAskedForChangesNothing) {
  const ConnectionId socket = scene.websocket();
  scene.take_sent(socket);
  scene.advance(milliseconds{200});
  scene.say(socket, "3");
  scene.advance(milliseconds{100});
  EXPECT_EQ(scene.take_sent(socket), Texts{"2"});
  scene.say(socket, "3whatever");
  scene.advance(milliseconds{299});
  EXPECT_FALSE(scene.is_closed(socket));
}

TEST_F(Heartbeat, LateTimersDoNotAddUp) {
  // A wake-up that is one millisecond late each time: the end stays within one of where it belongs.
  const ConnectionId socket = scene.websocket();
  scene.stand_still(milliseconds{301});
  scene.advance(milliseconds{198});
  EXPECT_FALSE(scene.is_closed(socket));
  scene.stand_still(milliseconds{2});
  EXPECT_TRUE(scene.is_closed(socket)) << "501 ms";
}

TEST_F(Heartbeat, ServerThatStoodStillPingsFirstAndThenWaitsInFull) {
  const ConnectionId socket = scene.websocket();
  scene.take_sent(socket);
  scene.stand_still(seconds{30});
  EXPECT_EQ(scene.take_sent(socket), Texts{"2"});
  scene.advance(milliseconds{199});
  EXPECT_FALSE(scene.is_closed(socket));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(socket));
}

TEST_F(Heartbeat, ServerThatStoodStillWhileAPongWasDueGivesASecondChance) {
  const ConnectionId socket = scene.websocket();
  scene.advance(milliseconds{300});
  scene.stand_still(seconds{5});
  EXPECT_FALSE(scene.is_closed(socket)) << "the pong may lie unread";
  scene.say(socket, "3");
  scene.advance(milliseconds{300});
  scene.stand_still(seconds{5});
  scene.stand_still(seconds{5});
  EXPECT_TRUE(scene.is_closed(socket)) << "but not twice";
}

TEST_F(Heartbeat, RunsThroughAnUpgrade) {
  const std::string sid = scene.open();
  scene.advance(milliseconds{250});
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.advance(milliseconds{50});
  EXPECT_EQ(scene.poll(sid), "2") << "polling still is the transport";
  scene.say(socket, "5");
  scene.advance(milliseconds{199});
  EXPECT_FALSE(scene.is_closed(socket));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(socket)) << "the pong is due on the new transport";
}

TEST_F(Heartbeat, PingThatWasQueuedGoesOutOnTheNewTransport) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.take_sent(socket);
  scene.advance(milliseconds{300});
  scene.say(socket, "5");
  EXPECT_EQ(scene.take_sent(socket), Texts{"2"});
  scene.say(socket, "3");
  scene.advance(milliseconds{300});
  EXPECT_EQ(scene.take_sent(socket), Texts{"2"});
}

TEST_F(Heartbeat, TenThousandSessionsEachEndInTheirOwnTime) {
  EngineScene many{
      echo,
      {.ping_interval = milliseconds{300}, .ping_timeout = milliseconds{200}, .sessions_per_address_max = 20'000}};
  std::vector<std::string> sids;
  for (int i = 0; i < 10'000; ++i) {
    sids.push_back(many.open());
    many.advance(microseconds{10});
  }
  many.advance(milliseconds{400} - microseconds{1});
  EXPECT_EQ(many.hub.size(), 10'000U);
  many.advance(microseconds{1});
  EXPECT_EQ(many.hub.size(), 9'999U);
  many.advance(milliseconds{50});
  EXPECT_EQ(many.hub.size(), 4'999U);
  many.advance(milliseconds{50});
  EXPECT_EQ(many.hub.size(), 0U);
}

}  // namespace
}  // namespace zvonok::test
