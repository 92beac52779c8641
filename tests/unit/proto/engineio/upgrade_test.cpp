// Engine.IO on a WebSocket, from the start or by upgrade.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/proto/engineio/scene.h"

namespace zvonok::test {
namespace {

using engineio::CloseReason;
using engineio::UpgradeEnd;
using Texts = std::vector<std::string>;

struct Upgrade : testing::Test {
  EngineEcho echo;
  EngineScene scene{echo};

  [[nodiscard]] std::uint64_t upgrades(UpgradeEnd end) { return scene.hub.counters().of(end); }
};

TEST_F(Upgrade, WebSocketFromTheStartOffersNoUpgrade) {
  const ConnectionId socket = scene.websocket();
  const Texts sent = scene.take_sent(socket);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], R"(0{"sid":")" + EngineScene::sid_in(sent[0]) +
                         R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})");
}

TEST_F(Upgrade, WebSocketCarriesTextAndBinaryAsTheyAre) {
  const ConnectionId socket = scene.websocket();
  scene.take_sent(socket);
  scene.say(socket, "4hello");
  scene.say_binary(socket, std::string_view{"\0\x01", 2});
  EXPECT_EQ(scene.take_sent(socket), (Texts{"4hello", std::string{"b:\0\x01", 4}}));
}

TEST_F(Upgrade, BadPacketsEndTheWebSocketSession) {
  for (const std::string_view text : {"abc", "", "2", "2probe", "7", "1", "b*"}) {
    const ConnectionId socket = scene.websocket();
    scene.say(socket, text);
    EXPECT_TRUE(scene.is_closed(socket)) << text;
    scene.say(socket, "4late");  // what was on its way
  }
  EXPECT_EQ(scene.hub.size(), 0U);
  EXPECT_EQ(scene.hub.counters().messages_in, 0U);
}

TEST_F(Upgrade, LostWebSocketEndsItsSession) {
  const ConnectionId socket = scene.websocket();
  const std::string sid = EngineScene::sid_in(scene.take_sent(socket).at(0));
  scene.drop(socket);
  EXPECT_EQ(echo.of(sid).closed, std::vector{CloseReason::TransportClosed});
  EXPECT_EQ(scene.hub.size(), 0U);
}

TEST_F(Upgrade, GoesByProbeAndUpgrade) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  const ConnectionId socket = scene.websocket(sid);
  EXPECT_FALSE(scene.answered(waiting));
  EXPECT_EQ(scene.take_sent(socket), Texts{}) << "no second open packet";
  scene.say(socket, "2probe");
  EXPECT_EQ(scene.take_sent(socket), Texts{"3probe"});
  EXPECT_EQ(scene.body_of(waiting), "6");
  scene.say(socket, "5");
  EXPECT_EQ(scene.status_of(scene.get(sid)), 400);
  EXPECT_EQ(scene.status_of(scene.post(sid, {"4x"})), 400);
  scene.say(socket, "4hello");
  EXPECT_EQ(scene.take_sent(socket), Texts{"4hello"});
  EXPECT_EQ(upgrades(UpgradeEnd::Done), 1U);
}

TEST_F(Upgrade, PollThatComesBehindTheProbeIsReleasedToo) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  EXPECT_EQ(scene.poll(sid), "6");
}

TEST_F(Upgrade, EveryPollIsReleasedButNotInABusyLoop) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  const ConnectionId first = scene.get(sid);
  scene.say(socket, "2probe");
  EXPECT_EQ(scene.body_of(first), "6");
  int polls = 0;
  const TimePoint end = scene.now + milliseconds{500};
  while (scene.now < end) {
    const ConnectionId poll = scene.get(sid);
    ++polls;
    const TimePoint asked = scene.now;
    while (!scene.answered(poll)) scene.advance(milliseconds{1});
    EXPECT_EQ(scene.body_of(poll), "6");
    EXPECT_LE(scene.now - asked, milliseconds{100});
  }
  EXPECT_LE(polls, 10);
  EXPECT_GE(polls, 5);
}

TEST_F(Upgrade, NoNoopWithoutProbeNorOnTheWebSocket) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  const ConnectionId socket = scene.websocket(sid);
  scene.advance(seconds{5});
  EXPECT_FALSE(scene.answered(waiting));
  scene.say(socket, "2probe");
  scene.say(socket, "5");
  scene.advance(seconds{19});
  EXPECT_EQ(scene.take_sent(socket), Texts{"3probe"});
}

TEST_F(Upgrade, UntilTheUpgradePacketPollingIsTheTransport) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.take_sent(socket);
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4a"})), "ok");
  EXPECT_EQ(scene.poll(sid), "4a");
  scene.post(sid, {"4b\x1e"
                   "bAQI="});
  EXPECT_EQ(scene.take_sent(socket), Texts{});
  scene.say(socket, "5");
  EXPECT_EQ(scene.take_sent(socket), (Texts{"4b", "b:\x01\x02"})) << "what was queued moves, in order";
  EXPECT_EQ(echo.of(sid).messages, (Texts{"a", "b", "b:\x01\x02"}));
}

TEST_F(Upgrade, PollThatStillWaitsAtTheSwitchIsReleased) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  const ConnectionId waiting = scene.get(sid);
  scene.say(socket, "5");
  EXPECT_EQ(scene.body_of(waiting), "6");
  scene.drop(waiting);
  EXPECT_EQ(scene.hub.size(), 1U);
}

TEST_F(Upgrade, SecondWebSocketIsClosedAndTheFirstGoesOn) {
  const std::string sid = scene.open();
  const ConnectionId first = scene.websocket(sid);
  const ConnectionId second = scene.websocket(sid);
  EXPECT_TRUE(scene.is_closed(second));
  scene.say(first, "2probe");
  scene.say(first, "5");
  const ConnectionId third = scene.websocket(sid);
  EXPECT_TRUE(scene.is_closed(third));
  scene.drop(second);
  scene.drop(third);
  scene.say(first, "4hello");
  EXPECT_EQ(scene.take_sent(first), (Texts{"3probe", "4hello"}));
  EXPECT_EQ(upgrades(UpgradeEnd::Second), 2U);
}

TEST_F(Upgrade, WrongPacketsCloseTheNewWebSocketAndNotTheSession) {
  for (const std::string_view text : {"2", "2prob", "2probes", "4hello", "3probe", "1", "abc", "", "6", "0"}) {
    const std::string sid = scene.open();
    const ConnectionId socket = scene.websocket(sid);
    scene.say(socket, text);
    EXPECT_TRUE(scene.is_closed(socket)) << text;
    EXPECT_EQ(scene.body_of(scene.post(sid, {"4a"})), "ok") << text;
    EXPECT_EQ(scene.poll(sid), "4a") << text;
    scene.post(sid, {"1"});
  }
  EXPECT_EQ(upgrades(UpgradeEnd::WrongPacket), 10U);
}

TEST_F(Upgrade, MessageBehindTheProbeClosesTheNewWebSocket) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.say_binary(socket, "x");
  EXPECT_TRUE(scene.is_closed(socket));
  const ConnectionId waiting = scene.get(sid);
  EXPECT_FALSE(scene.answered(waiting)) << "no upgrade is under way any more";
}

TEST_F(Upgrade, LostOnTheWayLeavesTheSessionOnPolling) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.drop(socket);
  scene.post(sid, {"4a"});
  EXPECT_EQ(scene.poll(sid), "4a");
  EXPECT_EQ(upgrades(UpgradeEnd::Lost), 1U);
  const ConnectionId again = scene.websocket(sid);
  scene.say(again, "2probe");
  scene.say(again, "5");
  scene.say(again, "4b");
  EXPECT_EQ(scene.take_sent(again), (Texts{"3probe", "4b"}));
}

TEST_F(Upgrade, ThatIsNotFinishedIsGivenUpAfterTenSeconds) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.say(socket, "2probe");
  scene.advance(seconds{10} - milliseconds{1});
  EXPECT_FALSE(scene.is_closed(socket));
  scene.advance(milliseconds{1});
  EXPECT_TRUE(scene.is_closed(socket));
  EXPECT_EQ(scene.hub.size(), 1U);
  EXPECT_EQ(upgrades(UpgradeEnd::TimedOut), 1U);
}

TEST_F(Upgrade, SessionThatEndsTakesTheNewWebSocketAlong) {
  const std::string sid = scene.open();
  const ConnectionId socket = scene.websocket(sid);
  scene.post(sid, {"1"});
  EXPECT_TRUE(scene.is_closed(socket));
  const std::string other = scene.open();
  const ConnectionId second = scene.websocket(other);
  echo.of(other).session->close(scene.now);
  EXPECT_TRUE(scene.is_closed(second));
  EXPECT_EQ(scene.poll(other), "1");
  EXPECT_EQ(upgrades(UpgradeEnd::SessionEnded), 2U);
}

TEST_F(Upgrade, WebSocketOfAClosingSessionIsClosed) {
  const std::string sid = scene.open();
  echo.of(sid).session->close(scene.now);
  EXPECT_TRUE(scene.is_closed(scene.websocket(sid)));
  EXPECT_EQ(scene.poll(sid), "1");
}

TEST_F(Upgrade, ServerCloseOnAWebSocketIsAtOnce) {
  ConnectionId socket{};
  const std::string sid = scene.open_upgraded(socket);
  echo.of(sid).session->close(scene.now);
  EXPECT_TRUE(scene.is_closed(socket));
  EXPECT_FALSE(scene.is_known(sid));
  scene.advance({});
  EXPECT_EQ(echo.of(sid).closed, std::vector{CloseReason::ServerClosed});
}

TEST_F(Upgrade, WebSocketThatTakesNoMoreIsReported) {
  const ConnectionId socket = scene.websocket();
  const std::string sid = EngineScene::sid_in(scene.take_sent(socket).at(0));
  scene.websockets_are_full = true;
  EXPECT_FALSE(echo.of(sid).session->send("4a"));
  scene.drop(socket);
  EXPECT_EQ(echo.of(sid).closed, std::vector{CloseReason::TransportClosed});
}

}  // namespace
}  // namespace zvonok::test
