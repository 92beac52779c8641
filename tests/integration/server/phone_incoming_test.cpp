// Telephones that call a user, over the API of a whole server: the mock's numbers that call back.
#include <string>

#include "integration/server/phone_scene.h"

namespace zvonok::test {
namespace {

constexpr const char* kCallsBack = "+15005550010";
constexpr const char* kCallsBackAndGivesUp = "+15005550011";
constexpr const char* kAnswers = "+491512345678";
/// Such as a browser would answer, had it been offered something.
constexpr const char* kBrowserAnswer =
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "a=fingerprint:sha-256 "
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0 101\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:active\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=rtcp-mux\r\na=sendrecv\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n";

std::string act(const std::string& id, const char* what) {
  return "/api/calls/" + id + "/" + what;
}

/// The next event of another call than `other`.
json::value next_of_another(Events& events, const std::string& other) {
  for (;;) {
    json::value event = events.next();
    if (event.is_null() || id_of(event) != other) return event;
  }
}

/// Lets the telephone call the person: the event with which the device behind `events` rings.
json::value be_called(const TestNode& node, const Person& who, const char* number, Events& events) {
  const json::value call = initiate(node, who, number);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id_of(call)}}, who)).status, 200);
  return next_of_another(events, id_of(call));
}

TEST(IncomingPhone, RingsEveryDeviceAndTheFirstThatAcceptsHasIt) {
  const TestNode node;
  const Person alice = node.person("alice");
  const Person mallory = node.person("mallory");
  Events desk{node.port(), "/api/calls/events", alice};
  Events pocket{node.port(), "/api/calls/events", alice};
  const json::value rung = be_called(node, alice, kCallsBack, desk);
  const std::string id = id_of(rung);
  EXPECT_EQ(rung.at("direction"), "incoming");
  EXPECT_EQ(rung.at("status"), "ringing");
  EXPECT_EQ(rung.at("phone_number"), kCallsBack);
  EXPECT_EQ(rung.at("accepted"), false);
  EXPECT_FALSE(rung.as_object().contains("sdp_offer")) << "only who accepts needs one";
  EXPECT_EQ(node.call(post(act(id, "accept"), {}, mallory)).status, 403);
  EXPECT_EQ(node.call(post(act(id, "reject"), {}, mallory)).status, 403);
  EXPECT_EQ(node.call(get("/api/calls/" + id, mallory)).status, 403);
  EXPECT_EQ(node.call(get("/api/calls/" + id, alice)).status, 200);
  for (const auto& [what, body] :
       {std::pair{"answer", json::object{{"sdp_answer", kBrowserAnswer}}}, {"ice-restart", {}}}) {
    const HttpReply early = node.call(post(act(id, what), body, alice));
    EXPECT_EQ(early.status, 409) << what << early.body;
    EXPECT_EQ(json::parse(early.body).at("code"), "wrong_status");
    EXPECT_EQ(json::parse(early.body).at("call").at("browser_ready"), false);
  }

  const HttpReply accepted = node.call(post(act(id, "accept"), {}, alice));
  EXPECT_EQ(accepted.status, 200) << accepted.body;
  EXPECT_TRUE(json::parse(accepted.body).at("sdp_offer").as_string().starts_with("v=0\r\n"));
  const HttpReply late = node.call(post(act(id, "accept"), {}, alice));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(json::parse(late.body).at("code"), "accepted_already");
  EXPECT_EQ(json::parse(late.body).at("call").at("accepted"), true);
  EXPECT_EQ(node.call(post(act(id, "reject"), {}, alice)).status, 409);
  json::value told = pocket.next();
  while (id_of(told) != id || told.at("status") != "in_progress") {
    if (id_of(told) == id && told.at("accepted").as_bool()) {
      EXPECT_EQ(told.at("cause"), "callee") << "the other device stops to ring";
    }
    told = pocket.next();
  }
  EXPECT_EQ(node.call(post(act(id, "dtmf"), {{"digits", "1"}}, alice)).status, 200);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id}}, alice)).status, 200);
  const json::array history = node.await_history(alice, 2);
  EXPECT_EQ(history[0].at("direction"), "incoming");
  EXPECT_EQ(history[0].at("status"), "completed");
  EXPECT_EQ(history[0].at("phone_number"), kCallsBack);
  EXPECT_FALSE(node.log().contains(kCallsBack)) << "numbers are masked";
}

TEST(IncomingPhone, IsRejectedByTheUserOrGivenUpByTheCaller) {
  const TestNode node;
  const Person alice = node.person("alice");
  const Person bob = node.person("bob");
  Events of_alice{node.port(), "/api/calls/events", alice};
  Events of_bob{node.port(), "/api/calls/events", bob};
  const json::value to_bob = initiate(node, bob, kCallsBackAndGivesUp);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id_of(to_bob)}}, bob)).status, 200);
  const std::string id = id_of(be_called(node, alice, kCallsBack, of_alice));
  const HttpReply rejected = node.call(post(act(id, "reject"), {}, alice));
  EXPECT_EQ(rejected.status, 200);
  EXPECT_EQ(json::parse(rejected.body).at("status"), "declined");
  EXPECT_EQ(of_alice.next().at("status"), "declined");
  const HttpReply late = node.call(post(act(id, "accept"), {}, alice));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(json::parse(late.body).at("code"), "call_over");

  EXPECT_EQ(next_of_another(of_bob, id_of(to_bob)).at("status"), "ringing");
  const json::value given_up = of_bob.next();
  EXPECT_EQ(given_up.at("status"), "canceled");
  EXPECT_EQ(given_up.at("cause"), "provider");
}

TEST(IncomingPhone, ToOneWhoIsBusyOrAwayIsAMissedCall) {
  const TestNode node;
  const Person alice = node.person("alice");
  const Person bob = node.person("bob");
  const json::value of_bob = initiate(node, bob, kCallsBack);  // and is not there when it calls back
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id_of(of_bob)}}, bob)).status, 200);
  Events events{node.port(), "/api/calls/events", alice};
  const json::value first = initiate(node, alice, kCallsBack);
  EXPECT_EQ(node.call(post("/api/calls/terminate", {{"call_id", id_of(first)}}, alice)).status, 200);
  const json::value second = initiate(node, alice, kAnswers);
  json::value missed = next_of_another(events, id_of(first));
  while (id_of(missed) == id_of(second)) missed = events.next();
  EXPECT_EQ(missed.at("direction"), "incoming");
  EXPECT_EQ(missed.at("status"), "busy");
  EXPECT_EQ(missed.at("cause"), "user_busy");
  EXPECT_EQ(json::parse(node.call(get("/api/calls/" + id_of(second), alice)).body).at("status"), "in_progress");
  const json::array history = node.await_history(bob, 2);
  EXPECT_EQ(history[0].at("status"), "no_answer");
  EXPECT_EQ(history[0].at("direction"), "incoming");
}

}  // namespace
}  // namespace zvonok::test
