// Telephones in rooms through the whole server, with the mock telephone company behind it: who may invite them, what
// the room is told, and that no call is left when the room has gone. The sound is measured in
// tests/e2e/room_phone.test.mjs.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "integration/server/phone_scene.h"

namespace zvonok::test {
namespace {

constexpr const char* kAnswersAtOnce = "+15005550008";
constexpr const char* kBusy = "+15005550001";
constexpr const char* kNeverAnswers = "+15005550002";
constexpr const char* kCannotBeDialed = "+15005550003";
constexpr const char* kHangsUp = "+15005550006";

/// A participant's socket.
class Caller {
 public:
  Caller(const TestNode& node, const Person& person, const std::string& session)
      : session_{session},
        ws_{node.port(),
            {.target = "/api/v1/group/team/call",
             .headers = {{"Authorization", "Bearer " + person.token}},
             .connect = {}}} {
    say("join");
    joined_ = expect("joined");
  }
  [[nodiscard]] const json::object& joined() const { return joined_; }
  void say(const std::string& type, const json::object& payload = {}) {
    ws_.send_text(
        json::serialize(json::object{{"type", type}, {"roomId", 1}, {"sessionId", session_}, {"payload", payload}}));
  }
  /// Reads until that type comes; returns its payload.
  json::object expect(const std::string& type) {
    for (;;) {
      const WsIncoming in = ws_.next();
      if (in.kind != WsIncoming::Kind::Text) throw std::runtime_error{"closed before " + type};
      const json::object message = json::parse(in.text).as_object();
      if (message.at("type").as_string() == type) return message.at("payload").as_object();
    }
  }
  /// The telephone's sessionId.
  std::string invite(const char* number, const json::object& more = {}) {
    json::object payload{{"number", number}, {"requestId", "r1"}};
    for (const auto& [key, value] : more) payload[key] = value;
    say("invite-phone", payload);
    const json::object invited = expect("phone-invited");
    EXPECT_EQ(invited.at("requestId"), "r1");
    return std::string{invited.at("sessionId").as_string()};
  }
  /// Why not.
  std::string refused(const char* number) {
    say("invite-phone", {{"number", number}, {"requestId", 7}});
    const json::object error = expect("error");
    EXPECT_EQ(error.at("requestId"), 7);
    return std::string{error.at("code").as_string()};
  }
  void expect_status(const std::string& status) {
    while (expect("phone").at("status").as_string() != status) continue;
  }

 private:
  std::string session_;
  WsClient ws_;
  json::object joined_;
};

class RoomPhones : public ::testing::Test {
 protected:
  RoomPhones() : node_{[](app::Config& config) { config.voip_calls_per_user_max = 1; }} {
    const HttpReply made = node_.call(
        post("/api/v1/groups", {{"id", "team"}, {"title", "Team"}, {"members", json::array{bob_.id}}}, alice_));
    EXPECT_EQ(made.status, 201) << made.body;
  }
  HttpReply invite(const Person& who, const json::object& body, const std::string& key = {}) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    return node_.call(post("/api/v1/group/team/room/phones", body, who, headers));
  }
  HttpReply drop(const Person& who, const std::string& session) {
    return node_.call({.method = "DELETE",
                       .target = "/api/v1/group/team/room/phones/" + session,
                       .headers = {},
                       .body = {},
                       .token = who.token});
  }
  /// Alice's newest call of that kind, once it is over.
  json::object ended(const std::string& kind) {
    for (int i = 0; i < 1000; ++i) {
      const HttpReply reply = node_.call(get("/api/calls/history?kind=" + kind, alice_));
      const json::array calls = json::parse(reply.body).at("calls").as_array();
      if (!calls.empty() && !calls[0].at("end_time").is_null()) return calls[0].as_object();
    }
    ADD_FAILURE() << "no " << kind << " has ended";
    return {};
  }
  std::string code_of(const HttpReply& reply) { return std::string{json::parse(reply.body).at("code").as_string()}; }

  TestNode node_;
  Person alice_ = node_.person("alice");
  Person bob_ = node_.person("bob");
  Person eve_ = node_.person("eve");
};

TEST_F(RoomPhones, AreParticipantsOfTheirRoomAndCallsOfTheirInviter) {
  Caller alice{node_, alice_, "a"};
  Caller bob{node_, bob_, "b"};
  const std::string phone = alice.invite(kHangsUp, {{"name", "Anna"}});
  const json::object came = bob.expect("participant-joined");
  EXPECT_EQ(came.at("sessionId"), phone.c_str());
  EXPECT_EQ(came.at("userId"), "");
  EXPECT_EQ(came.at("name"), "Anna");
  EXPECT_EQ(came.at("phone").at("by"), alice_.id.c_str());
  EXPECT_FALSE(std::string{came.at("phone").at("number").as_string()}.contains("555")) << "it is masked";
  bob.expect_status("ringing");
  bob.expect_status("in_progress");
  EXPECT_EQ(bob.expect("state").at("state"), "connected");
  const json::object track = bob.expect("track");
  EXPECT_EQ(track.at("sessionId"), phone.c_str());
  EXPECT_EQ(track.at("kind"), "audio");
  EXPECT_EQ(track.at("muted"), false);
  const HttpReply room = node_.call(get("/api/v1/group/team/room", bob_));
  const json::value peer = json::parse(room.body).at("peers").at(phone);
  EXPECT_EQ(peer.at("phone").at("status"), "in_progress");
  EXPECT_EQ(peer.at("state"), "connected");
  EXPECT_EQ(node_.metric("zvonok_room_phones"), 1);
  bob.expect_status("completed");
  EXPECT_EQ(bob.expect("participant-left").at("reason"), "left");
  EXPECT_EQ(node_.metric("zvonok_room_phones"), 0);
  const json::object record = ended("phone");
  EXPECT_EQ(record.at("phone_number"), kHangsUp);
  EXPECT_EQ(record.at("chat_id"), "team");
  EXPECT_EQ(record.at("room_kind"), "group");
  EXPECT_EQ(record.at("status"), "completed");
  EXPECT_FALSE(node_.log().contains(kHangsUp)) << "numbers are masked";
}

TEST_F(RoomPhones, TellOfWhatCameOfThem) {
  Caller alice{node_, alice_, "a"};
  alice.invite(kBusy);
  alice.expect_status("busy");
  EXPECT_EQ(alice.expect("participant-left").at("reason"), "busy");
  alice.invite(kCannotBeDialed);
  alice.expect_status("failed");
  EXPECT_EQ(alice.expect("participant-left").at("reason"), "failed");
}

TEST_F(RoomPhones, AreForThoseWhoMay) {
  Caller alice{node_, alice_, "a"};
  Caller bob{node_, bob_, "b"};
  EXPECT_EQ(bob.refused(kAnswersAtOnce), "forbidden");
  EXPECT_EQ(alice.refused("112"), "bad-number");
  EXPECT_EQ(alice.refused("+8821234567"), "number-not-allowed");
  const std::string phone = alice.invite(kNeverAnswers);
  EXPECT_EQ(alice.refused(kAnswersAtOnce), "in-another-call") << "VOIP_CALLS_PER_USER_MAX";
  bob.say("hang-up-phone", {{"sessionId", phone}});
  EXPECT_EQ(bob.expect("error").at("code"), "forbidden");
  alice.say("hang-up-phone", {{"sessionId", phone}});
  EXPECT_EQ(bob.expect("participant-left").at("reason"), "hung-up");
  EXPECT_EQ(ended("phone").at("status"), "canceled");
}

TEST_F(RoomPhones, AreInvitedOverRest) {
  const json::object body{{"phone_number", kNeverAnswers}, {"name", "Anna"}};
  EXPECT_EQ(code_of(invite(alice_, body)), "room_empty");
  Caller alice{node_, alice_, "a"};
  EXPECT_EQ(invite(eve_, body).status, 403);
  EXPECT_EQ(invite(bob_, body).status, 403) << "a member";
  EXPECT_EQ(invite(alice_, {{"phone_number", "112"}}).status, 400);
  const HttpReply made = invite(alice_, body, "key");
  EXPECT_EQ(made.status, 201) << made.body;
  const json::value call = json::parse(made.body);
  EXPECT_EQ(call.at("room"), (json::object{{"kind", "group"}, {"id", "team"}}));
  EXPECT_FALSE(call.as_object().contains("sdp_offer"));
  const json::object came = alice.expect("participant-joined");
  EXPECT_EQ(came.at("name"), "Anna");
  EXPECT_EQ(came.at("sessionId"), ("phone-" + id_of(call)).c_str());
  const HttpReply again = invite(alice_, body, "key");
  EXPECT_EQ(again.body, made.body);
  EXPECT_EQ(code_of(invite(alice_, body)), "in_another_call");
  const std::string session{came.at("sessionId").as_string()};
  EXPECT_EQ(drop(bob_, session).status, 403);
  EXPECT_EQ(drop(alice_, "phone-none").status, 404);
  EXPECT_EQ(drop(alice_, session).status, 204);
  EXPECT_EQ(alice.expect("participant-left").at("reason"), "hung-up");
  EXPECT_EQ(invite(alice_, {{"phone_number", kCannotBeDialed}}).status, 503);
  EXPECT_EQ(node_.metric("zvonok_phone_calls"), 0);
}

TEST_F(RoomPhones, HaveNothingThatABrowserWouldAnswer) {
  Caller alice{node_, alice_, "a"};
  const json::value call = json::parse(invite(alice_, {{"phone_number", kAnswersAtOnce}}).body);
  const std::string path = "/api/calls/" + id_of(call);
  alice.expect_status("in_progress");
  for (const char* what : {"/ice-restart", "/hold", "/mute"}) {
    EXPECT_EQ(code_of(node_.call(post(path + what, {}, alice_))), "wrong_status") << what;
  }
  EXPECT_EQ(node_.call(post(path + "/dtmf", {{"digits", "1"}}, alice_)).status, 200);
  EXPECT_EQ(node_.call(post("/api/calls/terminate", {{"call_id", id_of(call)}}, alice_)).status, 200);
  EXPECT_EQ(alice.expect("participant-left").at("reason"), "hung-up");
}

TEST_F(RoomPhones, AreHungUpWhenTheLastPersonHasLeft) {
  {
    Caller alice{node_, alice_, "a"};
    alice.invite(kAnswersAtOnce);
    alice.expect_status("in_progress");
    alice.say("leave");
    EXPECT_EQ(ended("phone").at("status"), "completed");
    EXPECT_EQ(ended("room").at("status"), "completed") << "two have talked";
  }
  EXPECT_EQ(node_.metric("zvonok_phone_calls"), 0);
  EXPECT_EQ(node_.metric("zvonok_phone_legs"), 0);
  EXPECT_EQ(node_.metric("zvonok_rooms"), 0);
}

}  // namespace
}  // namespace zvonok::test
