// The pair protocol as a client sees it, over real sockets, on both databases: docs/protocol/pair.md, rule by rule.
#include <map>

#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

std::string offer_to(const Person& callee, std::string_view sdp = "v=0 offer") {
  return R"({"sdp":")" + std::string{sdp} + R"(","userId":")" + callee.id + R"("})";
}

std::string code_of(WsClient& client) {
  return std::string{client.expect("call:error").at("code").as_string()};
}
std::string reason_of(WsClient& client) {
  return std::string{client.expect("call:hangup").at("reason").as_string()};
}

/// Two events whose order is left open.
std::map<std::string, json::object> next_two(WsClient& client) {
  std::map<std::string, json::object> found;
  for (int i = 0; i < 2; ++i) {
    WsEvent event = client.event();
    found[event.name] = std::move(event.payload);
  }
  return found;
}

class Pair : public ::testing::TestWithParam<Database> {
 protected:
  void establish(WsClient& caller, WsClient& callee) {
    caller.send("call:offer", offer_to(bob_));
    callee.expect("call:offer");
    callee.send("call:answer", R"({"sdp":"v=0 answer"})");
    caller.expect("call:answer");
  }

  TestNode node_{{}, GetParam()};
  Person alice_ = node_.person("alice");
  Person bob_ = node_.person("bob");
  Person carol_ = node_.person("carol");
};

TEST_P(Pair, OfferAnswerCandidatesAndHangupReachTheOtherSide) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  WsClient c = node_.connect(carol_);
  a.send("call:offer", R"({"sdp":"v=0 offer","userId":")" + bob_.id + R"(","callType":"video","x":[1,{"y":null}]})");
  const auto offer = b.expect("call:offer");
  EXPECT_EQ(offer.at("sdp"), "v=0 offer");
  EXPECT_EQ(offer.at("fromUserId"), json::value(alice_.id));
  EXPECT_EQ(offer.at("callType"), "video");
  EXPECT_EQ(json::serialize(offer.at("x")), R"([1,{"y":null}])");
  b.send("call:answer", R"({"sdp":"v=0 answer","extra":1e3})");
  EXPECT_EQ(a.event().raw, R"({"event":"call:answer","payload":{"sdp":"v=0 answer","extra":1e3}})");
  for (int i = 0; i < 50; ++i) {
    const std::string candidate = R"({"candidate":{"candidate":"candidate:)" + std::to_string(i) + R"("}})";
    a.send("call:ice", candidate);
    b.send("call:ice", candidate);
  }
  for (int i = 0; i < 50; ++i) {
    const std::string wanted = "candidate:" + std::to_string(i);
    EXPECT_EQ(b.expect("call:ice").at("candidate").at("candidate"), json::value(wanted));
    EXPECT_EQ(a.expect("call:ice").at("candidate").at("candidate"), json::value(wanted));
  }
  a.send("call:hangup", "{}");
  EXPECT_EQ(reason_of(b), "hangup");
  a.expect_nothing();
  b.expect_nothing();
  c.expect_nothing();
  const auto record = node_.await_history(alice_, 1)[0].as_object();
  EXPECT_EQ(record.at("status"), "completed");
  EXPECT_EQ(record.at("direction"), "outgoing");
  EXPECT_EQ(record.at("peer_user_id"), json::value(bob_.id));
  EXPECT_EQ(node_.await_history(bob_, 1)[0].at("direction"), "incoming");
  EXPECT_TRUE(node_.await_history(carol_, 0).empty());
}

TEST_P(Pair, FromUserIdIsTheServersWord) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  a.send("call:offer", R"({"fromUserId":"somebody","sdp":"s","targetUserId":")" + bob_.id + "\"}");
  const auto offer = b.event();
  EXPECT_EQ(offer.payload.at("fromUserId"), json::value(alice_.id));
  EXPECT_EQ(offer.raw.find("somebody"), std::string::npos) << offer.raw;
}

TEST_P(Pair, EveryDeviceRingsAndTheFirstAnswerWins) {
  WsClient a = node_.connect(alice_);
  WsClient phone = node_.connect(bob_, "phone");
  WsClient desk = node_.connect(bob_, "desk");
  a.send("call:offer", offer_to(bob_));
  phone.expect("call:offer");
  desk.expect("call:offer");
  a.send("call:ice", R"({"candidate":"early"})");
  EXPECT_EQ(phone.expect("call:ice").at("candidate"), "early");
  EXPECT_EQ(desk.expect("call:ice").at("candidate"), "early");
  desk.send("call:ice", R"({"candidate":"lost"})");
  phone.send("call:ice", R"({"candidate":"before the answer"})");
  phone.send("call:answer", R"({"sdp":"phone"})");
  EXPECT_EQ(a.expect("call:answer").at("sdp"), "phone");
  EXPECT_EQ(a.expect("call:ice").at("candidate"), "before the answer");
  EXPECT_EQ(reason_of(desk), "answered-elsewhere");
  desk.send("call:answer", R"({"sdp":"desk"})");
  EXPECT_EQ(code_of(desk), "not-in-call");
  a.send("call:ice", R"({"candidate":"to the phone only"})");
  EXPECT_EQ(phone.expect("call:ice").at("candidate"), "to the phone only");
  desk.expect_nothing();
  a.expect_nothing();
}

TEST_P(Pair, ADeviceThatComesWhileItsUserIsRungGetsTheOfferAndTheCandidates) {
  WsClient a = node_.connect(alice_);
  WsClient phone = node_.connect(bob_, "phone");
  a.send("call:offer", offer_to(bob_));
  a.send("call:ice", R"({"candidate":"1"})");
  phone.expect("call:offer");
  phone.expect("call:ice");
  WsClient desk = node_.connect(bob_, "desk");
  EXPECT_EQ(desk.expect("call:offer").at("fromUserId"), json::value(alice_.id));
  EXPECT_EQ(desk.expect("call:ice").at("candidate"), "1");
  desk.send("call:answer", R"({"sdp":"desk"})");
  EXPECT_EQ(a.expect("call:answer").at("sdp"), "desk");
  EXPECT_EQ(reason_of(phone), "answered-elsewhere");
}

TEST_P(Pair, RefusalsNameTheirCode) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  a.send("call:offer", R"({"sdp":"s","userId":"nobody"})");
  EXPECT_EQ(code_of(a), "target-unknown");
  a.send("call:offer", R"({"sdp":"s","chatId":"none"})");
  EXPECT_EQ(code_of(a), "target-unknown");
  a.send("call:offer", offer_to(carol_));
  EXPECT_EQ(code_of(a), "offline");
  a.send("call:offer", offer_to(alice_));
  EXPECT_EQ(code_of(a), "bad-message");
  a.send("call:answer", R"({"sdp":"s"})");
  EXPECT_EQ(code_of(a), "not-in-call");
  a.send("call:hangup", "{}");
  EXPECT_EQ(code_of(a), "not-in-call");
  a.send("call:ice", R"({"candidate":"c"})");
  EXPECT_EQ(code_of(a), "not-in-call");
  for (const char* text : {"", "{", "[]", "1", "null", R"({"payload":{}})", R"({"event":1})", R"({"event":"x"})",
                           R"({"event":"call:offer"})", R"({"event":"call:offer","payload":[]})",
                           R"({"event":"call:offer","payload":{"sdp":"s"}})",
                           R"({"event":"call:offer","payload":{"sdp":"s","userId":true}})"}) {
    a.send_text(text);
    EXPECT_EQ(code_of(a), "bad-message") << text;
  }
  b.expect_nothing();
  // Refusals change nothing: a call still works.
  establish(a, b);
  const auto history = node_.await_history(carol_, 1);
  EXPECT_EQ(history[0].at("status"), "offline");
}

TEST_P(Pair, WhoIsInACallIsBusyForOthers) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  WsClient c = node_.connect(carol_);
  establish(a, b);
  c.send("call:offer", offer_to(bob_));
  EXPECT_EQ(code_of(c), "busy");
  b.send("call:offer", offer_to(carol_));
  EXPECT_EQ(code_of(b), "busy");
  c.expect_nothing();
  a.expect_nothing();
  b.send("call:hangup");
  EXPECT_EQ(reason_of(a), "hangup");
  c.send("call:offer", offer_to(bob_));
  EXPECT_EQ(b.expect("call:offer").at("fromUserId"), json::value(carol_.id));
}

TEST_P(Pair, ASecondOfferInACallIsARenegotiation) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  establish(a, b);
  b.send("call:offer", offer_to(alice_, "restart"));
  const auto offer = a.expect("call:offer");
  EXPECT_EQ(offer.at("sdp"), "restart");
  EXPECT_EQ(offer.at("fromUserId"), json::value(bob_.id));
  a.send("call:answer", R"({"sdp":"again"})");
  EXPECT_EQ(b.expect("call:answer").at("sdp"), "again");
  a.send("call:hangup");
  EXPECT_EQ(reason_of(b), "hangup");
  EXPECT_EQ(node_.await_history(alice_, 1).size(), 1U);
}

TEST_P(Pair, CrossingOffersAreOneCall) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  a.send("call:offer", offer_to(bob_, "from a"));
  b.send("call:offer", offer_to(alice_, "from b"));
  EXPECT_EQ(b.expect("call:offer").at("sdp"), "from a");
  EXPECT_EQ(a.expect("call:offer").at("sdp"), "from b");
  a.send("call:answer", R"({"sdp":"a yields"})");
  EXPECT_EQ(b.expect("call:answer").at("sdp"), "a yields");
  a.send("call:ice", R"({"candidate":"a"})");
  EXPECT_EQ(b.expect("call:ice").at("candidate"), "a");
  b.send("call:hangup");
  EXPECT_EQ(reason_of(a), "hangup");
  EXPECT_EQ(node_.await_history(alice_, 1).size(), 1U);
  EXPECT_EQ(node_.await_history(bob_, 1).size(), 1U);
}

TEST_P(Pair, HangupBeforeTheAnswerSaysWhoGaveUp) {
  WsClient a = node_.connect(alice_);
  WsClient phone = node_.connect(bob_, "phone");
  WsClient desk = node_.connect(bob_, "desk");
  a.send("call:offer", offer_to(bob_));
  phone.expect("call:offer");
  desk.expect("call:offer");
  a.send("call:hangup", "{}");
  EXPECT_EQ(reason_of(phone), "canceled");
  EXPECT_EQ(reason_of(desk), "canceled");
  a.send("call:offer", offer_to(bob_));
  phone.expect("call:offer");
  desk.expect("call:offer");
  desk.send("call:hangup");
  EXPECT_EQ(reason_of(a), "declined");
  EXPECT_EQ(reason_of(phone), "declined");
  const auto history = node_.await_history(bob_, 2);
  EXPECT_EQ(history[0].at("status"), "declined");
  EXPECT_EQ(history[1].at("status"), "canceled");
}

TEST_P(Pair, ADroppedDeviceComesBackIntoItsCallAndMissesNothing) {
  WsClient a = node_.connect(alice_, "laptop");
  {
    WsClient b = node_.connect(bob_, "phone");
    establish(a, b);
    b.tcp().reset();
  }
  node_.await_metric("zvonok_websockets", [](double open) { return open == 1; });
  a.send("call:ice", R"({"candidate":"1"})");
  a.send("call:ice", R"({"candidate":"2"})");
  a.expect_nothing();
  WsClient b = node_.connect(bob_, "phone");
  EXPECT_EQ(b.expect("call:ice").at("candidate"), "1");
  EXPECT_EQ(b.expect("call:ice").at("candidate"), "2");
  b.send("call:offer", offer_to(alice_, "restart"));
  EXPECT_EQ(a.expect("call:offer").at("sdp"), "restart");
}

TEST_P(Pair, ANamelessSocketThatClosesInOrderAndComesBackAtOnceKeepsItsCall) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  establish(a, b);
  b.close(1000);
  EXPECT_EQ(b.next().kind, WsIncoming::Kind::Closed);
  a.send("call:ice", R"({"candidate":"while away"})");
  a.expect_nothing();
  // The old TCP connection is still half open: only the closing handshake tells that the socket is gone.
  WsClient again = node_.connect(bob_);
  EXPECT_EQ(again.expect("call:ice").at("candidate"), "while away");
  again.send("call:ice", R"({"candidate":"back"})");
  EXPECT_EQ(a.expect("call:ice").at("candidate"), "back");
}

TEST_P(Pair, ANewSocketThatCameBeforeTheOldOneIsKnownDeadTakesItsPlaceWhenItSpeaks) {
  WsClient a = node_.connect(alice_);
  WsClient old = node_.connect(bob_);
  establish(a, old);
  WsClient fresh = node_.connect(bob_);
  fresh.expect_nothing();
  old.tcp().reset();
  node_.await_metric("zvonok_websockets", [](double open) { return open == 2; });
  fresh.send("call:offer", offer_to(alice_, "restart"));
  EXPECT_EQ(a.expect("call:offer").at("sdp"), "restart");
  a.send("call:answer", R"({"sdp":"again"})");
  EXPECT_EQ(fresh.expect("call:answer").at("sdp"), "again");
}

TEST_P(Pair, ALateCandidateOfAnEndedCallReachesNobodyElse) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  WsClient c = node_.connect(carol_);
  establish(a, b);
  a.send("call:hangup");
  EXPECT_EQ(reason_of(b), "hangup");
  b.send("call:ice", R"({"candidate":"for alice"})");
  EXPECT_EQ(code_of(b), "not-in-call");
  c.send("call:offer", offer_to(bob_));
  b.expect("call:offer");
  b.send("call:answer", R"({"sdp":"s"})");
  c.expect("call:answer");
  c.expect_nothing();
}

TEST_P(Pair, HundredsOfCandidatesBeforeTheAnswerAreKeptInOrder) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  a.send("call:offer", offer_to(bob_));
  b.expect("call:offer");
  for (int i = 0; i < 400; ++i) b.send("call:ice", "{\"candidate\":" + std::to_string(i) + "}");
  b.send("call:answer", R"({"sdp":"s"})");
  a.expect("call:answer");
  for (int i = 0; i < 400; ++i) EXPECT_EQ(a.expect("call:ice").at("candidate"), json::value(i));
}

TEST_P(Pair, AHangupIsOneWhateverItsPayload) {
  WsClient a = node_.connect(alice_);
  WsClient b = node_.connect(bob_);
  for (const char* payload : {"\"bye\"", "[]", "0", "null", "true"}) {
    establish(a, b);
    a.send("call:hangup", payload);
    EXPECT_EQ(reason_of(b), "hangup") << payload;
  }
}

TEST_P(Pair, HelloTellsOfTheCallAndOptsIntoEvents) {
  WsClient a = node_.connect(alice_, "laptop");
  a.send("client:hello", "{}");
  EXPECT_EQ(a.expect("server:hello").at("userId"), json::value(alice_.id));
  WsClient b = node_.connect(bob_, "phone");
  a.send("presence:watch", R"({"userIds":[")" + bob_.id + R"(",")" + carol_.id + R"("]})");
  const auto watched = a.expect("presence").at("users").as_array();
  ASSERT_EQ(watched.size(), 2U);
  EXPECT_EQ(watched[0].at("online"), true);
  EXPECT_EQ(watched[1].at("online"), false);
  WsClient c = node_.connect(carol_);
  EXPECT_EQ(a.expect("presence").at("users").at(0).at("userId"), json::value(carol_.id));
  a.send("call:offer", offer_to(bob_));
  const auto started = a.expect("call:started");
  EXPECT_EQ(started.at("role"), "caller");
  EXPECT_EQ(a.expect("call:ringing").at("devices"), 1);
  b.expect("call:offer");
  b.send("call:answer", R"({"sdp":"s"})");
  EXPECT_EQ(next_two(a).count("call:answered"), 1U);
  b.tcp().reset();
  auto seen = next_two(a);
  EXPECT_EQ(seen.at("presence").at("users").at(0).at("online"), false);
  EXPECT_EQ(seen.at("call:peer").at("state"), "reconnecting");
  WsClient again = node_.connect(bob_, "phone");
  seen = next_two(a);
  EXPECT_EQ(seen.at("presence").at("users").at(0).at("online"), true);
  EXPECT_EQ(seen.at("call:peer").at("state"), "connected");
  again.send("client:hello", "{}");
  const auto hello = again.expect("server:hello");
  EXPECT_EQ(hello.at("call").at("callId"), started.at("callId"));
  EXPECT_EQ(hello.at("call").at("state"), "active");
  EXPECT_EQ(hello.at("call").at("role"), "callee");
}

TEST_P(Pair, TheSameDeviceNameReplacesTheOlderSocket) {
  WsClient first = node_.connect(alice_, "tab");
  WsClient second = node_.connect(alice_, "tab");
  const WsIncoming end = first.next();
  EXPECT_EQ(end.kind, WsIncoming::Kind::Closed);
  EXPECT_EQ(end.code, 4000);
  second.expect_nothing();
}

INSTANTIATE_TEST_SUITE_P(On, Pair, ::testing::Values(Database::Sqlite, Database::Postgres),
                         [](const auto& param) { return param.param == Database::Sqlite ? "Sqlite" : "Postgres"; });

TEST(PairTimes, NobodyAnswersInTime) {
  TestNode node{[](app::Config& config) { config.call_ring_timeout = milliseconds{200}; }};
  const Person alice = node.person("alice");
  const Person bob = node.person("bob");
  WsClient a = node.connect(alice);
  WsClient b = node.connect(bob);
  a.send("call:offer", offer_to(bob));
  b.expect("call:offer");
  EXPECT_EQ(reason_of(a), "no-answer");
  EXPECT_EQ(reason_of(b), "no-answer");
  EXPECT_EQ(node.await_history(bob, 1)[0].at("status"), "no_answer");
}

TEST(PairTimes, ADeviceThatStaysAwayEndsTheCall) {
  TestNode node{[](app::Config& config) { config.call_reconnect_grace = milliseconds{100}; }};
  const Person alice = node.person("alice");
  const Person bob = node.person("bob");
  WsClient a = node.connect(alice);
  WsClient b = node.connect(bob);
  a.send("call:offer", offer_to(bob));
  b.expect("call:offer");
  b.send("call:answer", R"({"sdp":"s"})");
  a.expect("call:answer");
  b.tcp().reset();
  EXPECT_EQ(reason_of(a), "disconnected");
  EXPECT_EQ(node.await_history(alice, 1)[0].at("reason"), "disconnected");
}

TEST(PairLoad, TwoHundredPairsAtOnceStayApart) {
  TestNode node;
  constexpr int kPairs = 200;
  std::vector<Person> people;
  std::vector<WsClient> callers;
  std::vector<WsClient> callees;
  for (int i = 0; i < kPairs; ++i) {
    people.push_back(node.person("caller" + std::to_string(i)));
    people.push_back(node.person("callee" + std::to_string(i)));
    callers.push_back(node.connect(people[people.size() - 2]));
    callees.push_back(node.connect(people.back()));
  }
  const auto callee = [&](int pair) -> const Person& { return people[static_cast<std::size_t>(pair) * 2 + 1]; };
  for (int i = 0; i < kPairs; ++i) {
    callers[static_cast<std::size_t>(i)].send("call:offer", offer_to(callee(i), "offer " + std::to_string(i)));
  }
  for (int i = 0; i < kPairs; ++i) {
    WsClient& c = callees[static_cast<std::size_t>(i)];
    EXPECT_EQ(c.expect("call:offer").at("sdp"), json::value("offer " + std::to_string(i)));
    c.send("call:answer", R"({"sdp":"answer )" + std::to_string(i) + "\"}");
  }
  for (int k = 0; k < 20; ++k) {
    for (int i = 0; i < kPairs; ++i) {
      callers[static_cast<std::size_t>(i)].send("call:ice", R"({"candidate":")" + std::to_string(i * 100 + k) + "\"}");
    }
  }
  for (int i = 0; i < kPairs; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(callers[at].expect("call:answer").at("sdp"), json::value("answer " + std::to_string(i)));
    for (int k = 0; k < 20; ++k) {
      EXPECT_EQ(callees[at].expect("call:ice").at("candidate"), json::value(std::to_string(i * 100 + k)));
    }
    callees[at].send("call:hangup");
    EXPECT_EQ(reason_of(callers[at]), "hangup");
  }
  EXPECT_EQ(node.metric("zvonok_calls"), 0);
}

}  // namespace
}  // namespace zvonok::test
