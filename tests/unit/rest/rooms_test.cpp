// A room in JSON: the contract's names, what is shown of others, and how much of a great room.
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "rest/rooms_api.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;
constexpr WallTime kTime = wall_from_unix_milliseconds(1'770'122'096'789);  // 2026-02-03T12:34:56.789Z
const UserId kAlice{"alice"};

call::RoomKey key() {
  return {.kind = call::RoomKind::Group, .id = ChatId{"team"}};
}

call::RoomView::Member member(std::uint64_t id, const std::string& user, std::vector<call::TrackInfo> tracks) {
  return {.participant = ParticipantId{id},
          .info = {.session = call::SessionId{user + "-1"},
                   .user = UserId{user},
                   .name = user,
                   .role = id == 1 ? call::RoomRole::Host : call::RoomRole::Member,
                   .state = call::ConnectionState::Connected},
          .tracks = std::move(tracks)};
}

/// alice publishes a video in two layers, bob gets the lower one.
RoomReport two() {
  const call::TrackInfo video{.track = TrackId{7},
                              .session = call::SessionId{"alice-1"},
                              .kind = call::TrackKind::Video,
                              .source = call::TrackSource::Screen,
                              .muted = false};
  RoomReport room{.key = key(), .view = call::RoomView{}, .peers = {}, .tracks = {}, .pairs = 2};
  room.view->call = CallId{"call"};
  room.view->started_at = kTime;
  room.view->members = {member(1, "alice", {video}), member(2, "bob", {})};
  room.tracks[TrackId{7}] = {.mid = "1", .codec = {.name = "VP8", .type = 96, .clock_rate = 90'000, .channels = 0}};
  RoomPeerDetail alice{.joined_at = kTime,
                       .connected_after = milliseconds{300},
                       .pending_ice = {R"({"candidate":"c","sdpMid":"0"})"},
                       .received = {},
                       .statistics = {}};
  alice.statistics =
      RoomPeerStatistics{.score = 4.418,
                         .round_trip = microseconds{24'140},
                         .up = {.bitrate = 1000, .packets = 10, .bytes = 100, .loss = 0.004, .jitter = {}},
                         .down = {},
                         .estimate = {}};
  RoomPeerDetail bob{
      .joined_at = kTime,
      .connected_after = std::nullopt,
      .pending_ice = {R"({"candidate":"secret"})", "no JSON"},
      .received = {{.track = TrackId{7}, .mid = "3", .layer = "h"}, {.track = TrackId{99}, .mid = "4", .layer = ""}},
      .statistics = {}};
  room.peers = {{ParticipantId{1}, alice}, {ParticipantId{2}, bob}};
  return room;
}

json::value shown_to(const RoomReport& room, const UserId& viewer) {
  const HttpResponse response = encode_room(room, viewer);
  EXPECT_EQ(response.status, 200);
  return json::parse(response.body);
}

TEST(RoomJson, HasTheNamesOfTheContract) {
  const json::value room = shown_to(two(), kAlice);
  EXPECT_EQ(room.at("peers").as_object().size(), 2U);
  const json::value& bob = room.at("peers").at("bob-1");
  EXPECT_EQ(bob.at("sessionId"), "bob-1");
  EXPECT_EQ(bob.at("userId"), "bob");
  EXPECT_EQ(bob.at("state"), "connected");
  EXPECT_EQ(bob.at("tracks"), json::parse(R"({"7":{"track":{"id":"7","kind":"video","sessionId":"alice-1"},)"
                                          R"("sender":{"mid":"3","layer":"h"}}})"))
      << "and nothing of a track that has ended";
  EXPECT_EQ(room.at("published"),
            json::parse(R"({"7":{"remote":{"sessionId":"alice-1","kind":"video","source":"screen","muted":false,)"
                        R"("mid":"1"},"codec":{"mimeType":"video/VP8","clockRate":90000,"payloadType":96},)"
                        R"("locals":{"bob-1":{"mid":"3","layer":"h"}}}})"));
  EXPECT_EQ(room.at("roomId"), "team");
  EXPECT_EQ(room.at("kind"), "group");
  EXPECT_EQ(room.at("callId"), "call");
  EXPECT_EQ(room.at("startedAt"), "2026-02-03T12:34:56.789Z");
  EXPECT_EQ(room.at("truncated"), false);
}

TEST(RoomJson, ShowsCandidatesToTheirOwnerAlone) {
  const RoomReport room = two();
  const auto pending = [&](const std::string& viewer, const std::string& session) {
    return json::serialize(shown_to(room, UserId{viewer}).at("peers").at(session).at("pendingICE"));
  };
  EXPECT_EQ(pending("alice", "alice-1"), R"([{"candidate":"c","sdpMid":"0"}])");
  EXPECT_EQ(pending("alice", "bob-1"), "[]");
  EXPECT_EQ(pending("bob", "bob-1"), R"([{"candidate":"secret"}])") << "and what is no JSON is left out";
  EXPECT_EQ(encode_room(room, kAlice).body.find("secret"), std::string::npos);
}

TEST(RoomJson, StatisticsAreOfThoseWhoAreConnected) {
  const json::value room = shown_to(two(), kAlice);
  EXPECT_TRUE(room.at("peers").at("bob-1").at("statistics").is_null());
  EXPECT_TRUE(room.at("peers").at("bob-1").at("connectedAfterMs").is_null());
  const json::value& alice = room.at("peers").at("alice-1");
  EXPECT_DOUBLE_EQ(alice.at("connectedAfterMs").as_double(), 300);
  EXPECT_DOUBLE_EQ(alice.at("statistics").at("score").as_double(), 4.42);
  EXPECT_DOUBLE_EQ(alice.at("statistics").at("rttMs").as_double(), 24.1);
  EXPECT_DOUBLE_EQ(alice.at("statistics").at("up").at("lossPercent").as_double(), 0.4);
  EXPECT_FALSE(alice.at("statistics").as_object().contains("estimate"));
  const json::value& all = room.at("statistics");
  EXPECT_EQ(all.at("participants").to_number<int>(), 2);
  EXPECT_EQ(all.at("connected").to_number<int>(), 1);
  EXPECT_EQ(all.at("tracks").to_number<int>(), 1);
  EXPECT_EQ(all.at("up").at("bytes").to_number<int>(), 100);
  EXPECT_DOUBLE_EQ(all.at("score").as_double(), 4.42);
}

TEST(RoomJson, OfAnEmptyRoomIsWholeAndEmpty) {
  const json::value room = shown_to({.key = key(), .view = {}, .peers = {}, .tracks = {}, .pairs = 0}, kAlice);
  EXPECT_EQ(room.at("peers"), json::object{});
  EXPECT_EQ(room.at("published"), json::object{});
  EXPECT_TRUE(room.at("callId").is_null());
  EXPECT_TRUE(room.at("startedAt").is_null());
  EXPECT_EQ(room.at("locked"), false);
  EXPECT_EQ(room.at("e2e"), false);
  EXPECT_TRUE(room.at("statistics").at("score").is_null());
}

TEST(RoomJson, OfAGreatRoomLeavesOutWhoGetsWhat) {
  RoomReport room = two();
  room.pairs = kRoomPairsMax;
  EXPECT_EQ(shown_to(room, kAlice).at("truncated"), false);
  room.pairs = kRoomPairsMax + 1;
  const json::value great = shown_to(room, kAlice);
  EXPECT_EQ(great.at("truncated"), true);
  EXPECT_EQ(great.at("peers").at("bob-1").at("tracks"), json::object{});
  EXPECT_EQ(great.at("published").at("7").at("locals"), json::object{});
  EXPECT_EQ(great.at("peers").as_object().size(), 2U);
}

TEST(RoomJson, IsOfRoomsThatCanBeCalledSo) {
  EXPECT_EQ(room_key_of(call::RoomKind::Chat, "A-z_0.9:x")->id, ChatId{"A-z_0.9:x"});
  for (const std::string& id : {std::string{}, std::string{"a b"}, std::string{"ü"}, std::string(129, 'x')}) {
    EXPECT_EQ(room_key_of(call::RoomKind::Group, id).error().status, 404) << id;
  }
}

}  // namespace
}  // namespace zvonok::rest
