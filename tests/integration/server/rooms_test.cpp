// Rooms through the whole server: removal by REST, the room as it is shown, what is counted, and a messenger that is
// asked who may enter.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "contract/authorizer/http_stub.h"
#include "support/test_node.h"
#include "unit/media/negotiate/fixture.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

HttpReply send(const TestNode& node, const Person& person, const std::string& method, const std::string& target,
               const std::string& body = {}) {
  HttpCall call{.method = method, .target = target, .headers = {}, .body = body, .token = person.token};
  if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  return node.call(call);
}

/// A participant's socket.
class Caller {
 public:
  Caller(const TestNode& node, const Person& person, const std::string& room, const std::string& session)
      : ws_{node.port(),
            {.target = "/api/v1/" + room + "/call",
             .headers = {{"Authorization", "Bearer " + person.token}},
             .connect = {}}} {
    say("join", session);
    joined_ = expect("joined");
  }
  [[nodiscard]] const json::object& joined() const { return joined_; }
  void say(const std::string& type, const std::string& session, const std::string& payload = "{}") {
    ws_.send_text(R"({"type":")" + type + R"(","roomId":1,"sessionId":")" + session + R"(","payload":)" + payload +
                  "}");
  }
  /// Reads until that type comes; returns its payload.
  json::object expect(const std::string& type) {
    for (;;) {
      const WsIncoming in = ws_.next();
      if (in.kind != WsIncoming::Kind::Text) throw std::runtime_error{"closed before " + type};
      const json::object message = json::parse(in.text).as_object();
      if (message.at("type").as_string() == type)
        return message.contains("payload") ? message.at("payload").as_object() : json::object{};
    }
  }
  /// The close code, and the types of the messages before it.
  std::pair<std::uint16_t, std::vector<std::string>> closed() {
    std::vector<std::string> types;
    for (;;) {
      const WsIncoming in = ws_.next();
      if (in.kind != WsIncoming::Kind::Text) return {in.code, types};
      types.emplace_back(json::parse(in.text).at("type").as_string());
    }
  }

 private:
  WsClient ws_;
  json::object joined_;
};

int upgrade_status(const TestNode& node, const Person& person, const std::string& room) {
  return node
      .call({.method = "GET",
             .target = "/api/v1/" + room + "/call",
             .headers = {{"Connection", "Upgrade"},
                         {"Upgrade", "websocket"},
                         {"Sec-WebSocket-Version", "13"},
                         {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}},
             .body = {},
             .token = person.token})
      .status;
}

class Rooms : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto made = send(node_, alice_, "POST", "/api/v1/groups",
                           R"({"id":"team","title":"Team","members":[")" + bob_.id + R"(",")" + carol_.id + R"("]})");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  json::object room(const Person& who, const std::string& path = "/api/v1/group/team/room") {
    const HttpReply reply = send(node_, who, "GET", path);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body).as_object();
  }

  TestNode node_;
  Person alice_ = node_.person("alice");
  Person bob_ = node_.person("bob");
  Person carol_ = node_.person("carol");
  Person eve_ = node_.person("eve");
};

std::string payload_of(const std::string& sdp, bool polite) {
  return json::serialize(json::object{{"sdp", sdp}, {"polite", polite}});
}

TEST_F(Rooms, AnImpoliteOfferMakesTheServersVoidWhichIsOfferedAgainAfterTheAnswer) {
  Caller alice{node_, alice_, "group/team", "a"};
  const std::string ours{alice.expect("offer").at("sdp").as_string()};
  media::FakeClient client;
  media::FakeClient breaks_its_word = client;
  client.add(sdp::MediaKind::Video, true, false);
  alice.say("offer", "a", payload_of(client.offer(), false));
  alice.say("answer", "a", payload_of(breaks_its_word.answer(ours), true));
  client.take_answer(alice.expect("answer").at("sdp").as_string());
  EXPECT_EQ(alice.expect("error").at("code"), "bad-sdp") << "nobody waits for that answer";

  // Somebody comes whom the client has no section for.
  Caller bob{node_, bob_, "group/team", "b"};
  media::FakeClient other;
  other.add(sdp::MediaKind::Audio, true, false);
  bob.say("offer", "b", payload_of(other.offer(), false));
  other.take_answer(bob.expect("answer").at("sdp").as_string());
  const std::string next{alice.expect("offer").at("sdp").as_string()};
  client.add(sdp::MediaKind::Audio, true, false);
  alice.say("offer", "a", payload_of(client.offer(), false));  // crosses it
  client.take_answer(alice.expect("answer").at("sdp").as_string());
  const std::string again{alice.expect("offer").at("sdp").as_string()};
  alice.say("answer", "a", payload_of(client.answer(again), true));
  for (;;) {
    const json::object track = alice.expect("track");
    if (track.at("sessionId") != "b" || !track.contains("mid")) continue;
    EXPECT_EQ(track.at("mid").as_string(), client.transceivers.back().mid);
    break;
  }
  EXPECT_EQ(node_.metric("zvonok_room_crossings_total"), 2);
  EXPECT_EQ(node_.metric("zvonok_room_crossings_adopted_total"), 0);
}

TEST_F(Rooms, TheServersOfferComesAgainWhenTheImpoliteOneThatMadeItVoidIsRefused) {
  Caller alice{node_, alice_, "group/team", "a"};
  alice.expect("offer");
  const auto began = std::chrono::steady_clock::now();
  alice.say("offer", "a", payload_of("nonsense", false));
  EXPECT_EQ(alice.expect("error").at("code"), "bad-sdp");
  const std::string again{alice.expect("offer").at("sdp").as_string()};
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{10}) << "15 s: when it counts as lost";
  media::FakeClient client;
  alice.say("answer", "a", payload_of(client.answer(again), true));
  client.add(sdp::MediaKind::Audio, true);
  alice.say("offer", "a", payload_of(client.offer(), false));
  client.take_answer(alice.expect("answer").at("sdp").as_string());
}

TEST_F(Rooms, WhoIsRemovedFromTheGroupLeavesAtOnce) {
  Caller alice{node_, alice_, "group/team", "a"};
  Caller bob{node_, bob_, "group/team", "b"};
  const std::string path = "/api/v1/groups/team/members/" + bob_.id;
  EXPECT_EQ(send(node_, carol_, "DELETE", path).status, 403);
  EXPECT_EQ(send(node_, alice_, "DELETE", path).status, 204);
  EXPECT_EQ(bob.closed().first, 4003);
  const json::object left = alice.expect("participant-left");
  EXPECT_EQ(left.at("sessionId"), "b");
  EXPECT_EQ(left.at("reason"), "removed");
  EXPECT_EQ(upgrade_status(node_, bob_, "group/team"), 403);
  EXPECT_EQ(node_.metric("zvonok_room_removed_total"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_participants"), 1);
}

TEST_F(Rooms, WhoLeavesTheGroupLeavesItsRoom) {
  Caller bob{node_, bob_, "group/team", "b"};
  EXPECT_EQ(send(node_, bob_, "DELETE", "/api/v1/groups/team/members/" + bob_.id).status, 204);
  EXPECT_EQ(bob.closed().first, 4003);
}

TEST_F(Rooms, TakeOverARoleThatTheGroupGives) {
  Caller alice{node_, alice_, "group/team", "a"};
  Caller bob{node_, bob_, "group/team", "b"};
  bob.say("lock", "b");
  EXPECT_EQ(bob.expect("error").at("code"), "forbidden");
  EXPECT_EQ(send(node_, alice_, "PUT", "/api/v1/groups/team/members/" + bob_.id, R"({"role":"admin"})").status, 200);
  const json::object role = alice.expect("role");
  EXPECT_EQ(role.at("sessionId"), "b");
  EXPECT_EQ(role.at("role"), "moderator");
  EXPECT_FALSE(role.contains("by"));
  bob.say("lock", "b");
  EXPECT_EQ(alice.expect("locked").at("by"), "b");
}

TEST_F(Rooms, AreLeftByWhomAModeratorSendsOut) {
  Caller alice{node_, alice_, "group/team", "a"};
  Caller bob{node_, bob_, "group/team", "b"};
  const std::string path = "/api/v1/group/team/room/users/";
  EXPECT_EQ(send(node_, bob_, "DELETE", path + alice_.id).status, 403);
  EXPECT_EQ(send(node_, eve_, "DELETE", path + alice_.id).status, 403);
  EXPECT_EQ(send(node_, alice_, "DELETE", path + bob_.id).status, 204);
  EXPECT_EQ(bob.closed().first, 4003);
  EXPECT_EQ(alice.expect("participant-left").at("reason"), "removed");
  EXPECT_EQ(send(node_, alice_, "DELETE", path + bob_.id).status, 204) << "who is not there";
  const Caller again{node_, bob_, "group/team", "b"};
}

TEST_F(Rooms, OfADeletedGroupEndAndEverybodyHearsOfItselfAlone) {
  Caller alice{node_, alice_, "group/team", "a"};
  Caller bob{node_, bob_, "group/team", "b"};
  alice.expect("participant-joined");
  EXPECT_EQ(send(node_, bob_, "DELETE", "/api/v1/groups/team").status, 403);
  EXPECT_EQ(send(node_, alice_, "DELETE", "/api/v1/groups/team").status, 204);
  for (Caller* caller : {&alice, &bob}) {
    const auto [code, types] = caller->closed();
    EXPECT_EQ(code, 4003);
    EXPECT_EQ(std::ranges::count(types, "participant-left"), 1);
  }
  EXPECT_EQ(node_.metric("zvonok_rooms"), 0);
}

TEST_F(Rooms, LogoutClosesTheirSocketsToo) {
  Caller bob{node_, bob_, "group/team", "b"};
  EXPECT_EQ(send(node_, bob_, "POST", "/api/auth/logout").status, 204);
  EXPECT_EQ(bob.closed().first, 4001);
}

TEST_F(Rooms, AreShownToTheirMembers) {
  EXPECT_EQ(room(alice_).at("peers"), json::object{}) << "nobody is there";
  Caller alice{node_, alice_, "group/team", "a"};
  alice.say("ice", "a", R"({"candidate":"candidate:1 1 UDP 1 192.0.2.1 5 typ host","sdpMid":"0","sdpMLineIndex":0})");
  Caller bob{node_, bob_, "group/team", "b"};
  const json::object seen = room(bob_);
  const json::object& peers = seen.at("peers").as_object();
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peers.at("a").at("userId"), alice_.id.c_str());
  EXPECT_EQ(peers.at("a").at("role"), "host");
  EXPECT_EQ(peers.at("a").at("state"), "new");
  EXPECT_EQ(peers.at("a").at("pendingICE"), json::array{}) << "another's addresses";
  EXPECT_EQ(room(alice_).at("peers").at("a").at("pendingICE").as_array().size(), 1U);
  EXPECT_EQ(seen.at("published"), json::object{});
  EXPECT_EQ(seen.at("statistics").at("participants").to_number<int>(), 2);
  EXPECT_EQ(send(node_, eve_, "GET", "/api/v1/group/team/room").status, 403);
  EXPECT_EQ(send(node_, eve_, "GET", "/api/v1/group/none/room").status, 403);
  EXPECT_EQ(send(node_, alice_, "GET", "/api/v1/chat/team/room").status, 403) << "there is no such chat";
  EXPECT_EQ(send(node_, alice_, "GET", "/api/v1/group/a%20b/room").status, 404);
  EXPECT_EQ(
      node_.call({.method = "GET", .target = "/api/v1/group/team/room", .headers = {}, .body = {}, .token = {}}).status,
      401);
}

TEST(RoomsBehindNat, TellEachUserTheirOwnIceServers) {
  TestNode node{[](app::Config& config) {
    config.turn_urls = {"turn:turn.example.org:3478"};
    config.turn_secret = Private<std::string>{"shared with coturn"};
  }};
  const Person alice = node.person("alice");
  ASSERT_EQ(send(node, alice, "POST", "/api/v1/groups", R"({"id":"team","title":"Team","members":[]})").status, 201);
  const Caller caller{node, alice, "group/team", "a"};
  const auto& servers = caller.joined().at("iceServers").as_array();
  ASSERT_FALSE(servers.empty());
  const json::object& turn = servers.back().as_object();
  EXPECT_EQ(turn.at("urls").at(0), "turn:turn.example.org:3478");
  EXPECT_TRUE(turn.at("username").as_string().ends_with(":" + alice.id));
  EXPECT_FALSE(turn.at("credential").as_string().empty());
}

TEST_F(Rooms, AreCounted) {
  EXPECT_EQ(node_.metric("zvonok_rooms"), 0);
  Caller alice{node_, alice_, "group/team", "a"};
  alice.say("nonsense", "a");
  alice.say("offer", "a", R"({"type":"offer","sdp":"no sdp"})");
  EXPECT_EQ(alice.expect("error").at("code"), "bad-sdp");
  EXPECT_EQ(node_.metric("zvonok_rooms"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_participants_present"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_joins_total"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_bad_messages_total"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_bad_descriptions_total"), 1);
  EXPECT_EQ(node_.metric("zvonok_room_join_seconds_bucket{le=\"+Inf\"}"), 0);
  EXPECT_EQ(node_.metric("zvonok_room_entries_total{result=\"allowed\"}"), 1);
  EXPECT_EQ(node_.metric("zvonok_media_failures_total{reason=\"ice-timeout\"}"), 0);
  node_.await_metric("zvonok_media_peers", [](double peers) { return peers == 1; });
}

// ---- the messenger --------------------------------------------------------------------------------------------------

/// Lets in who is named; answers when it is let to.
class FakeMessenger {
 public:
  std::string allowed;
  std::atomic<int> status = 200;
  std::atomic<bool> holding = false;

  void await_held(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return held_ >= count; });
  }
  void release() {
    {
      const std::lock_guard lock{mutex_};
      holding = false;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;

 public:
  HttpStub stub{[this](const StubRequest& request) -> StubReply {
    if (status != 200) return {.bytes = http_response(status, "{}")};
    if (holding) {
      std::unique_lock lock{mutex_};
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !holding; });
    }
    const json::value asked = json::parse(request.body);
    const bool yes = asked.at("roomId") == "7" && asked.at("kind") == "group" && asked.at("userId") == allowed.c_str();
    return {.bytes = http_response(
                200, yes ? R"({"allowed":true,"role":"moderator","name":"From outside"})" : R"({"allowed":false})")};
  }};
};

class RoomsOfAMessenger : public ::testing::Test {
 protected:
  static TestNode::Tweak asking(const FakeMessenger& messenger) {
    return [&messenger](app::Config& config) {
      config.room_authorizer_url = messenger.stub.url();
      config.room_authorizer_secret = Private<std::string>{"shared"};
    };
  }
  FakeMessenger messenger_;
  TestNode node_{asking(messenger_)};
  Person alice_ = node_.person("alice");
  Person bob_ = node_.person("bob");
};

TEST_F(RoomsOfAMessenger, AreEnteredByWhomItNamesAndItIsAskedOnce) {
  messenger_.allowed = alice_.id;
  Caller alice{node_, alice_, "group/7", "a"};
  const HttpReply reply = send(node_, alice_, "GET", "/api/v1/group/7/room");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value peer = json::parse(reply.body).at("peers").at("a");
  EXPECT_EQ(peer.at("role"), "moderator");
  EXPECT_EQ(peer.at("name"), "From outside");
  EXPECT_EQ(upgrade_status(node_, bob_, "group/7"), 403);
  EXPECT_EQ(upgrade_status(node_, alice_, "chat/7"), 403);
  const auto requests = messenger_.stub.requests();
  ASSERT_EQ(requests.size(), 3U) << "alice's answer was remembered";
  EXPECT_NE(requests[0].head.find("Authorization: Bearer shared"), std::string::npos);
  EXPECT_EQ(node_.log().find("shared"), std::string::npos);
}

TEST_F(RoomsOfAMessenger, AreLeftByWhomItNamesNoMore) {
  messenger_.allowed = alice_.id;
  Caller alice{node_, alice_, "group/7", "a"};
  messenger_.allowed = "";
  EXPECT_EQ(upgrade_status(node_, alice_, "group/7"), 101) << "remembered for a moment";
  // The messenger's own account, or alice's last word: her role is remembered, too.
  EXPECT_EQ(send(node_, alice_, "DELETE", "/api/v1/group/7/room/users/" + alice_.id).status, 204);
  EXPECT_EQ(alice.closed().first, 4003);
  EXPECT_EQ(upgrade_status(node_, alice_, "group/7"), 403) << "asked anew";
}

TEST_F(RoomsOfAMessenger, AreClosedWhileItDoesNotAnswer) {
  messenger_.status = 500;
  const HttpReply reply = send(node_, alice_, "GET", "/api/v1/group/7/room");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("retry-after"), "1");
  EXPECT_EQ(upgrade_status(node_, alice_, "group/7"), 503);
  messenger_.status = 200;
  messenger_.allowed = alice_.id;
  EXPECT_EQ(send(node_, alice_, "GET", "/api/v1/group/7/room").status, 200) << "a failure is not remembered";
}

TEST_F(RoomsOfAMessenger, ItsSlownessHoldsUpNothingElse) {
  messenger_.holding = true;
  constexpr int kAtOnce = 8;  // all threads that wait for it
  std::vector<std::jthread> waiting;
  for (int i = 0; i < kAtOnce; ++i) {
    waiting.emplace_back([&, i] { send(node_, alice_, "GET", "/api/v1/group/" + std::to_string(i) + "/room"); });
  }
  messenger_.await_held(kAtOnce);
  EXPECT_EQ(send(node_, bob_, "GET", "/api/v1/groups").status, 200);
  EXPECT_EQ(send(node_, bob_, "GET", "/api/auth/me").status, 200);
  messenger_.release();
}

TEST_F(RoomsOfAMessenger, AGroupKeptHereUnderTheSameIdRemovesNobody) {
  messenger_.allowed = alice_.id;
  Caller alice{node_, alice_, "group/7", "a"};
  ASSERT_EQ(
      send(node_, bob_, "POST", "/api/v1/groups", R"({"id":"7","title":"Mine","members":[")" + alice_.id + R"("]})")
          .status,
      201);
  EXPECT_EQ(upgrade_status(node_, bob_, "group/7"), 403);
  EXPECT_EQ(send(node_, bob_, "DELETE", "/api/v1/groups/7/members/" + alice_.id).status, 204);
  EXPECT_EQ(send(node_, bob_, "DELETE", "/api/v1/groups/7").status, 204);
  alice.say("ping", "a");
  alice.expect("pong");
}

}  // namespace
}  // namespace zvonok::test
