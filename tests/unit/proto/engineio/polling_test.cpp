// Engine.IO by long-polling: handshake, errors, polls, POSTs, and what ends a session.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/proto/engineio/scene.h"

namespace zvonok::test {
namespace {

using engineio::CloseReason;
using engineio::Drop;
using engineio::Options;
using engineio::RequestError;
using Messages = std::vector<std::string>;
using Reasons = std::vector<CloseReason>;

struct Polling : testing::Test {
  EngineEcho echo;
  EngineScene scene{echo};

  /// The session has ended for that reason: its listener knows, and its sid is not known any more.
  void expect_gone(const std::string& sid, CloseReason reason) {
    EXPECT_EQ(echo.of(sid).closed, Reasons{reason});
    EXPECT_EQ(scene.body_of(scene.get(sid)), R"({"code":1,"message":"Session ID unknown"})");
    EXPECT_EQ(scene.hub.counters().of(reason), 1U);
    EXPECT_EQ(scene.hub.size(), 0U);
  }
};

TEST_F(Polling, HandshakeHasTheFiveKeys) {
  const ConnectionId connection = scene.get({});
  const std::string sid = EngineScene::sid_in(scene.body_of(connection));
  EXPECT_EQ(scene.status_of(connection), 200);
  EXPECT_EQ(scene.body_of(connection), R"(0{"sid":")" + sid +
                                           R"(","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,)"
                                           R"("maxPayload":1000000})");
}

TEST_F(Polling, SidsAreLongPlainAndNeverTheSame) {
  std::set<std::string> sids;
  for (int i = 0; i < 1000; ++i) {
    const std::string sid = scene.open();
    EXPECT_GE(sid.size(), 20U);
    EXPECT_EQ(sid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
              std::string::npos);
    sids.insert(sid);
  }
  EXPECT_EQ(sids.size(), 1000U);
}

TEST_F(Polling, RequestsThatAreNoneGetTheirCode) {
  const std::string sid = scene.open();
  ConnectionId socket{};
  const std::string upgraded = scene.open_upgraded(socket);
  const struct {
    Method method;
    std::string query;
    bool websocket;
    int status;
    std::string body;
  } cases[] = {
      {Method::Get, "EIO=4", false, 400, R"({"code":0,"message":"Transport unknown"})"},
      {Method::Get, "EIO=4&transport=abc", false, 400, R"({"code":0,"message":"Transport unknown"})"},
      {Method::Get, "EIO=4&transport=__proto__", false, 400, R"({"code":0,"message":"Transport unknown"})"},
      {Method::Get, "EIO=4&transport=polling&sid=nobody", false, 400, R"({"code":1,"message":"Session ID unknown"})"},
      {Method::Get, "EIO=4&transport=polling&sid=__proto__", false, 400,
       R"({"code":1,"message":"Session ID unknown"})"},
      {Method::Post, "EIO=4&transport=polling", false, 400, R"({"code":2,"message":"Bad handshake method"})"},
      {Method::Put, "EIO=4&transport=polling", false, 400, R"({"code":2,"message":"Bad handshake method"})"},
      {Method::Get, "EIO=4&transport=websocket", false, 400, R"({"code":3,"message":"Bad request"})"},
      {Method::Get, "EIO=4&transport=polling", true, 400, R"({"code":3,"message":"Bad request"})"},
      {Method::Get, "EIO=4&transport=websocket&sid=" + sid, false, 400, R"({"code":3,"message":"Bad request"})"},
      {Method::Get, "EIO=4&transport=polling&sid=" + upgraded, false, 400, R"({"code":3,"message":"Bad request"})"},
      {Method::Put, "EIO=4&transport=polling&sid=" + sid, false, 400, R"({"code":3,"message":"Bad request"})"},
      {Method::Get, "transport=polling", false, 400, R"({"code":5,"message":"Unsupported protocol version"})"},
      {Method::Get, "EIO=3&transport=polling", false, 400, R"({"code":5,"message":"Unsupported protocol version"})"},
      {Method::Get, "EIO=abc&transport=websocket", true, 400, R"({"code":5,"message":"Unsupported protocol version"})"},
      // With several faults: transport, sid, method, upgrade, version.
      {Method::Post, "EIO=3&transport=abc&sid=nobody", false, 400, R"({"code":0,"message":"Transport unknown"})"},
      {Method::Post, "EIO=3&transport=websocket&sid=nobody", false, 400,
       R"({"code":1,"message":"Session ID unknown"})"},
      {Method::Post, "EIO=3&transport=websocket", false, 400, R"({"code":2,"message":"Bad handshake method"})"},
      {Method::Get, "EIO=3&transport=websocket", false, 400, R"({"code":3,"message":"Bad request"})"},
  };
  for (const auto& c : cases) {
    HttpRequest http = EngineScene::request(c.method, c.query);
    http.is_websocket = c.websocket;
    const ConnectionId connection = scene.send(http);
    EXPECT_EQ(scene.status_of(connection), c.status) << c.query;
    EXPECT_EQ(scene.body_of(connection), c.body) << c.query;
  }
  EXPECT_EQ(scene.hub.size(), 2U) << "the sessions that were named live on";
}

TEST_F(Polling, OriginThatIsNoHeaderValueIsRefusedBehindTheTransport) {
  HttpRequest http = EngineScene::request(Method::Get, "EIO=4&transport=polling&sid=nobody");
  http.headers.push_back({"Origin", "http://a\x7F"});
  EXPECT_EQ(scene.body_of(scene.send(http)), R"({"code":3,"message":"Bad request"})");
  http.query = "transport=x";
  EXPECT_EQ(scene.body_of(scene.send(http)), R"({"code":0,"message":"Transport unknown"})");
}

TEST_F(Polling, UnknownParametersAreIgnored) {
  EXPECT_EQ(scene.status_of(scene.send(EngineScene::request(Method::Get, "b64=1&EIO=4&t=x1&transport=polling&y"))),
            200);
}

TEST_F(Polling, PollWaitsForSomethingToSay) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  EXPECT_FALSE(scene.answered(waiting));
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4hello"})), "ok");
  EXPECT_EQ(scene.body_of(waiting), "4hello");
}

TEST_F(Polling, PollGetsEverythingThatWasQueuedInOrder) {
  const std::string sid = scene.open();
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4test1\x1e"
                                           "4test2\x1e"
                                           "bAQIDBA=="})),
            "ok");
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4test3"})), "ok");
  EXPECT_EQ(scene.poll(sid),
            "4test1\x1e"
            "4test2\x1e"
            "bAQIDBA==\x1e"
            "4test3");
  EXPECT_EQ(echo.of(sid).messages, (Messages{"test1", "test2", "b:\x01\x02\x03\x04", "test3"}));
  EXPECT_EQ(scene.poll(sid), "(waits)");
}

TEST_F(Polling, ManyPacketsInOnePostAreFine) {
  const std::string sid = scene.open();
  std::string body = "4x";
  for (int i = 1; i < 5000; ++i)
    body +=
        "\x1e"
        "4x";
  const ConnectionId post = scene.post(sid, {body});
  EXPECT_EQ(scene.poll(sid), body);
  EXPECT_FALSE(scene.answered(post)) << "4000 too many at once, and 500 a second are allowed";
  scene.advance(seconds{8} - milliseconds{1});
  EXPECT_FALSE(scene.answered(post));
  scene.advance(milliseconds{2});
  EXPECT_EQ(scene.body_of(post), "ok");
  EXPECT_EQ(scene.hub.counters().posts_slowed, 1U);
}

TEST_F(Polling, SecondPostWhileTheAnswerIsHeldBackEndsTheSession) {
  EngineScene slow{echo, Options{.posted_packets_burst = 0.5, .posted_packets_per_second = 1}};
  const std::string sid = slow.open();
  const ConnectionId first = slow.post(sid, {"4a"});
  EXPECT_FALSE(slow.answered(first));
  EXPECT_EQ(slow.status_of(slow.post(sid, {"4b"})), 400);
  EXPECT_EQ(slow.body_of(first), "ok");
  EXPECT_EQ(echo.of(sid).closed, Reasons{CloseReason::PostOverlap});
  const std::string other = slow.open();
  slow.drop(slow.post(other, {"4a"}));
  EXPECT_EQ(echo.of(other).closed, Reasons{CloseReason::TransportClosed});
  const std::string third = slow.open();
  const ConnectionId held = slow.post(third, {"4a"});
  echo.of(third).session->close(slow.now);
  EXPECT_EQ(slow.body_of(held), "ok");
}

TEST_F(Polling, ContentTypesOfTheAnswers) {
  const std::string sid = scene.open();
  const ConnectionId post = scene.post(sid, {"4a"});
  const ConnectionId get = scene.get(sid);
  EXPECT_EQ(engineio::content_type(scene.answers[post].content), "text/html");
  EXPECT_EQ(engineio::content_type(scene.answers[get].content), "text/plain; charset=UTF-8");
  EXPECT_EQ(engineio::content_type(scene.answers[scene.get("nobody")].content), "application/json");
}

TEST_F(Polling, SecondPollEndsTheSession) {
  const std::string sid = scene.open();
  const ConnectionId first = scene.get(sid);
  const ConnectionId second = scene.get(sid);
  EXPECT_EQ(scene.body_of(first), "1");
  EXPECT_EQ(scene.status_of(second), 400);
  expect_gone(sid, CloseReason::PollOverlap);
}

TEST_F(Polling, SecondPostWhileTheFirstIsOnItsWayEndsTheSession) {
  const std::string sid = scene.open();
  engineio::Request post;
  post.method = Method::Post;
  post.transport = engineio::Transport::Polling;
  post.sid = sid;
  EXPECT_TRUE(scene.hub.handle_post_begun(post, ConnectionId{900}));
  EXPECT_TRUE(scene.hub.handle_post_begun(post, ConnectionId{901}));
  EXPECT_EQ(scene.status_of(scene.post(sid, {"4a"})), 400);
  expect_gone(sid, CloseReason::PostOverlap);
}

TEST_F(Polling, SecondPostWithoutBodyToWaitForEndsTheSessionToo) {
  const std::string sid = scene.open();
  engineio::Request post;
  post.method = Method::Post;
  post.transport = engineio::Transport::Polling;
  post.sid = sid;
  EXPECT_TRUE(scene.hub.handle_post_begun(post, ConnectionId{900}));
  EXPECT_EQ(scene.status_of(scene.post(sid, {"4a"})), 400);
  expect_gone(sid, CloseReason::PostOverlap);
}

TEST_F(Polling, PostsOfNobodyAreNotWatched) {
  engineio::Request post;
  post.method = Method::Post;
  post.transport = engineio::Transport::Polling;
  EXPECT_FALSE(scene.hub.handle_post_begun(post, ConnectionId{900}));
  post.sid = "nobody";
  EXPECT_FALSE(scene.hub.handle_post_begun(post, ConnectionId{900}));
}

TEST_F(Polling, ClientThatDropsItsPollIsGone) {
  const std::string sid = scene.open();
  scene.drop(scene.get(sid));
  expect_gone(sid, CloseReason::TransportClosed);
}

TEST_F(Polling, ClientThatDropsItsPostIsGone) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  engineio::Request post;
  post.method = Method::Post;
  post.transport = engineio::Transport::Polling;
  post.sid = sid;
  EXPECT_TRUE(scene.hub.handle_post_begun(post, ConnectionId{900}));
  scene.drop(ConnectionId{900});
  EXPECT_EQ(scene.body_of(waiting), "1");
  expect_gone(sid, CloseReason::TransportClosed);
}

TEST_F(Polling, PostThatTheServerRefusesLeavesTheSessionAlone) {
  const std::string sid = scene.open();
  engineio::Request post;
  post.method = Method::Post;
  post.transport = engineio::Transport::Polling;
  post.sid = sid;
  EXPECT_TRUE(scene.hub.handle_post_begun(post, ConnectionId{900}));
  scene.hub.handle_post_refused(ConnectionId{900});
  scene.drop(ConnectionId{900});
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4a"})), "ok");
  EXPECT_EQ(scene.poll(sid), "4a");
}

TEST_F(Polling, DroppingAConnectionWithoutWaitingRequestIsNothing) {
  const std::string sid = scene.open();
  const ConnectionId poll = scene.get(sid);
  scene.post(sid, {"4a"});
  scene.drop(poll);
  EXPECT_EQ(scene.poll(sid), "(waits)");
}

TEST_F(Polling, ClosePacketReleasesThePollWithANoop) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  EXPECT_EQ(scene.body_of(scene.post(sid, {"1"})), "ok");
  EXPECT_EQ(scene.body_of(waiting), "6");
  expect_gone(sid, CloseReason::PeerClosed);
}

TEST_F(Polling, NothingBehindAClosePacketIsHeard) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  scene.post(sid, {"4a\x1e"
                   "1\x1e"
                   "4b"});
  EXPECT_EQ(echo.of(sid).messages, Messages{"a"});
  EXPECT_EQ(scene.body_of(waiting),
            "4a\x1e"
            "6");
  expect_gone(sid, CloseReason::PeerClosed);
}

TEST_F(Polling, BadPacketsEndTheSession) {
  for (const std::string body : {"abc", "", "4a\x1e",
                                 "\x1e"
                                 "4a",
                                 "7",
                                 "4a\x1e"
                                 "x\x1e"
                                 "4b",
                                 "bAAAAA", "b*", "4\xC3("}) {
    const std::string sid = scene.open();
    const ConnectionId waiting = scene.get(sid);
    EXPECT_EQ(scene.status_of(scene.post(sid, {body})), 400) << body;
    EXPECT_TRUE(scene.body_of(waiting).ends_with("1")) << body;
    EXPECT_EQ(echo.of(sid).closed, Reasons{CloseReason::BadPacket}) << body;
    EXPECT_EQ(scene.poll(sid), "(gone)") << body;
  }
}

TEST_F(Polling, BinaryContentIsAnsweredAndEndsTheSession) {
  for (const std::string type :
       {"application/octet-stream", "Application/Octet-Stream", "application/octet-stream; x=y"}) {
    const std::string sid = scene.open();
    EXPECT_EQ(scene.status_of(scene.post(sid, {"4a", type})), 400) << type;
    EXPECT_EQ(echo.of(sid).closed, Reasons{CloseReason::BadContent}) << type;
    EXPECT_EQ(scene.poll(sid), "(gone)") << type;
  }
}

TEST_F(Polling, PingFromTheClientEndsTheSession) {
  const std::string sid = scene.open();
  EXPECT_EQ(scene.status_of(scene.post(sid, {"2"})), 400);
  expect_gone(sid, CloseReason::BadHeartbeat);
}

TEST_F(Polling, OpenUpgradeAndNoopFromTheClientMeanNothing) {
  const std::string sid = scene.open();
  EXPECT_EQ(scene.body_of(scene.post(sid, {"0\x1e"
                                           "5\x1e"
                                           "6\x1e"
                                           "3\x1e"
                                           "4a"})),
            "ok");
  EXPECT_EQ(scene.poll(sid), "4a");
  EXPECT_EQ(scene.hub.counters().of(Drop::IdlePacket), 3U);
  EXPECT_EQ(scene.hub.counters().of(Drop::UnsolicitedPong), 1U);
}

TEST_F(Polling, EmptyMessageIsAMessage) {
  const std::string sid = scene.open();
  scene.post(sid, {"4\x1e"
                   "b"});
  EXPECT_EQ(echo.of(sid).messages, (Messages{"", "b:"}));
  EXPECT_EQ(scene.poll(sid),
            "4\x1e"
            "b");
}

TEST_F(Polling, SessionsOfOneAddressAndOfAllAreBounded) {
  EngineScene small{echo, Options{.sessions_max = 3, .sessions_per_address_max = 2}};
  const std::string first = small.open();
  small.open();
  const ConnectionId third = small.get({});
  EXPECT_EQ(small.status_of(third), 503);
  HttpRequest other = EngineScene::request(Method::Get, "EIO=4&transport=polling");
  other.remote_address = "192.0.2.2";
  EXPECT_EQ(small.status_of(small.send(other)), 200);
  other.remote_address = "192.0.2.3";
  EXPECT_EQ(small.status_of(small.send(other)), 503);
  small.post(first, {"1"});
  EXPECT_EQ(small.status_of(small.get({})), 200);
  EXPECT_EQ(small.hub.counters().of(RequestError::TooManySessions), 2U);
}

TEST_F(Polling, QueueThatGrowsTooLongEndsTheSession) {
  EngineScene small{echo, Options{.queue_bytes_max = 100}};
  const std::string sid = small.open();
  const std::string text(40, 'x');
  small.post(sid, {"4" + text});
  small.post(sid, {"4" + text});
  EXPECT_TRUE(echo.of(sid).closed.empty());
  EXPECT_EQ(small.body_of(small.post(sid, {"4" + text})), "ok");
  EXPECT_EQ(echo.of(sid).closed, Reasons{CloseReason::QueueFull});
  EXPECT_EQ(small.poll(sid), "(gone)");
  EXPECT_EQ(small.hub.counters().of(CloseReason::QueueFull), 1U);
}

TEST_F(Polling, TextWithASeparatorCannotBeSent) {
  const std::string sid = scene.open();
  EXPECT_FALSE(
      echo.of(sid).session->send("4a\x1e"
                                 "b"));
  EXPECT_TRUE(echo.of(sid).session->send("4c"));
  EXPECT_EQ(scene.poll(sid), "4c");
  EXPECT_EQ(scene.hub.counters().of(Drop::Unsendable), 1U);
}

// ---- what the server sends and closes of itself --------------------------------------------------------------------

TEST_F(Polling, SendingAtAnyTimeReleasesThePoll) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  EXPECT_TRUE(echo.of(sid).session->send("4news"));
  EXPECT_EQ(scene.body_of(waiting), "4news");
}

TEST_F(Polling, ServerCloseTellsTheWaitingPoll) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  echo.of(sid).session->close(scene.now);
  EXPECT_EQ(scene.body_of(waiting), "1");
  scene.advance({});
  expect_gone(sid, CloseReason::ServerClosed);
}

TEST_F(Polling, ServerCloseWaitsForTheNextPollAndLosesNothing) {
  const std::string sid = scene.open();
  scene.post(sid, {"4a"});
  echo.of(sid).session->close(scene.now);
  EXPECT_EQ(echo.of(sid).closed, Reasons{CloseReason::ServerClosed});
  scene.advance(seconds{29});
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4late"})), "ok");
  EXPECT_EQ(scene.poll(sid),
            "4a\x1e"
            "1");
  EXPECT_EQ(scene.poll(sid), "(gone)");
  EXPECT_EQ(echo.of(sid).messages, Messages{"a"});
  EXPECT_EQ(scene.hub.counters().of(Drop::WhileClosing), 1U);
}

TEST_F(Polling, ServerCloseThatNobodyAsksForEndsAfterHalfAMinute) {
  const std::string sid = scene.open();
  echo.of(sid).session->close(scene.now);
  scene.advance(seconds{30} - milliseconds{1});
  EXPECT_EQ(scene.hub.size(), 1U);
  scene.advance(milliseconds{1});
  expect_gone(sid, CloseReason::ServerClosed);
}

TEST_F(Polling, CloseWithinAMessageStopsThePayload) {
  const std::string sid = scene.open();
  const ConnectionId waiting = scene.get(sid);
  EXPECT_EQ(scene.body_of(scene.post(sid, {"4a\x1e"
                                           "4close!\x1e"
                                           "4b"})),
            "ok");
  EXPECT_EQ(echo.of(sid).messages, (Messages{"a", "close!"}));
  EXPECT_EQ(scene.body_of(waiting),
            "4a\x1e"
            "1");
  EXPECT_EQ(scene.hub.counters().of(Drop::AfterClose), 1U) << "the echo of close!";
  expect_gone(sid, CloseReason::ServerClosed);
}

TEST_F(Polling, ShutDownEndsAll) {
  const std::string first = scene.open();
  const std::string second = scene.open();
  const ConnectionId waiting = scene.get(first);
  ConnectionId socket{};
  scene.open_upgraded(socket);
  scene.hub.shut_down();
  EXPECT_EQ(scene.body_of(waiting), "1");
  EXPECT_TRUE(scene.is_closed(socket));
  EXPECT_EQ(scene.poll(second), "(gone)");
  EXPECT_EQ(scene.hub.counters().of(CloseReason::Shutdown), 3U);
  EXPECT_EQ(scene.hub.counters().sessions, 0U);
}

}  // namespace
}  // namespace zvonok::test
