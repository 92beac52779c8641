// The room dialect, server to client: the golden text of every message.
#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "proto/json_scan.h"
#include "signal/room/encode.h"

namespace zvonok::signal::room {
namespace {

using namespace call;

constexpr ConnectionId kTo{1};
const RoomAddress kAddress{.room_id = "1", .session = SessionId{"me"}};
const std::string kEnd = R"(,"roomId":1,"sessionId":"me"})";
const TrackInfo kTrack{TrackId{17}, SessionId{"b"}, TrackKind::Video, TrackSource::Screen, true};

template <class Delivery>
std::string text_of(const Delivery& delivery, const RoomAddress& address = kAddress) {
  std::string out;
  encode(out, delivery, address);
  EXPECT_TRUE(json::scan(out)) << out;
  return out;
}

TEST(RoomEncode, Joined) {
  const DeliverJoined joined{
      .to = kTo,
      .session = SessionId{"me"},
      .user = UserId{"alice"},
      .role = RoomRole::Host,
      .resumed = true,
      .locked = false,
      .encrypted = true,
      .phone_role = RoomRole::Moderator,
      .reconnect_grace = seconds{30},
      .participants = {{SessionId{"b"}, UserId{"bob"}, "B\"", RoomRole::Member, ConnectionState::Connected},
                       {SessionId{"c"}, UserId{"carol"}, "", RoomRole::Moderator, ConnectionState::New}},
      .tracks = {kTrack}};
  std::string out;
  encode(out, joined, kAddress, R"([{"urls":"stun:h"}])");
  EXPECT_EQ(
      out,
      R"({"type":"joined","payload":{"sessionId":"me","userId":"alice","role":"host","resumed":true,"locked":false,)"
      R"("e2e":true,"phoneRole":"moderator","reconnectGraceMs":30000,"participants":[{"sessionId":"b","userId":"bob","name":"B\"","role":"member",)"
      R"("state":"connected"},{"sessionId":"c","userId":"carol","name":"","role":"moderator","state":"new"}],)"
      R"("tracks":[{"trackId":"17","sessionId":"b","kind":"video","source":"screen","muted":true}],)"
      R"("iceServers":[{"urls":"stun:h"}]})" +
          kEnd);
  out.clear();
  encode(out, DeliverJoined{}, {}, "");
  EXPECT_TRUE(json::scan(out)) << out;
  EXPECT_TRUE(out.ends_with(R"("participants":[],"tracks":[],"iceServers":[]}})")) << out;
}

TEST(RoomEncode, AMessageToManyIsThatOfEach) {
  const std::array<RoomAddress, 4> receivers{kAddress,
                                             RoomAddress{.room_id = R"("a\"b")", .session = SessionId{"x\"y"}},
                                             RoomAddress{.room_id = "", .session = SessionId{"z"}}, RoomAddress{}};
  const DeliverState state{.to = kTo, .session = SessionId{"me"}, .state = ConnectionState::Connected};
  for (const RoomAddress& first : receivers) {
    std::string text = text_of(state, first);
    const std::size_t body = body_bytes(text, first);
    for (const RoomAddress& next : receivers) {
      readdress(text, body, next);
      EXPECT_EQ(text, text_of(state, next));
    }
  }
}

TEST(RoomEncode, PeopleAndTracks) {
  EXPECT_EQ(
      text_of(DeliverParticipantJoined{kTo, SessionId{"b"}, UserId{"bob"}, "Bob", RoomRole::Member}),
      R"({"type":"participant-joined","payload":{"sessionId":"b","userId":"bob","name":"Bob","role":"member"})" + kEnd);
  EXPECT_EQ(
      text_of(DeliverParticipantLeft{kTo, SessionId{"b"}, UserId{"bob"}, LeaveReason::ServerShutdown}),
      R"({"type":"participant-left","payload":{"sessionId":"b","userId":"bob","reason":"server-shutdown"})" + kEnd);
  const std::string track =
      R"({"type":"track","payload":{"trackId":"17","sessionId":"b","kind":"video","source":"screen",)";
  EXPECT_EQ(text_of(DeliverTrack{kTo, kTrack, "", TrackState::Published}),
            track + R"("muted":true,"state":"published"})" + kEnd);
  EXPECT_EQ(text_of(DeliverTrack{kTo, kTrack, "4", TrackState::Updated}),
            track + R"("muted":true,"mid":"4","state":"updated"})" + kEnd);
}

TEST(RoomEncode, MediaMessages) {
  EXPECT_EQ(text_of(DeliverDescription{kTo, DescriptionKind::Offer, "v=0\r\n"}),
            R"({"type":"offer","payload":{"type":"offer","sdp":"v=0\r\n"})" + kEnd);
  EXPECT_EQ(text_of(DeliverDescription{kTo, DescriptionKind::Answer, "v=0"}),
            R"({"type":"answer","payload":{"type":"answer","sdp":"v=0"})" + kEnd);
  EXPECT_EQ(text_of(DeliverSpeakers{kTo, {{SessionId{"b"}, 127}, {SessionId{"c"}, 0}}}),
            R"({"type":"speakers","payload":{"speakers":[{"sessionId":"b","level":127},{"sessionId":"c","level":0}]})" +
                kEnd);
  ConnectionQuality quality{
      .score = 4.256, .rtt_ms = 20, .loss_percent = 0.5, .bitrate = 1'500'000, .layers = {{TrackId{17}, "h"}}};
  EXPECT_EQ(text_of(DeliverQuality{kTo, SessionId{"me"}, quality}),
            R"({"type":"quality","payload":{"sessionId":"me","score":4.26,"rttMs":20,"lossPercent":0.50,)"
            R"("bitrate":1500000,"layers":{"17":"h"}})" +
                kEnd);
  quality.score = std::numeric_limits<double>::quiet_NaN();
  quality.loss_percent = std::numeric_limits<double>::infinity();
  text_of(DeliverQuality{kTo, SessionId{"me"}, quality});  // valid JSON
  EXPECT_EQ(text_of(DeliverLayers{kTo, "1", {{"h", false}, {"l", true}}}),
            R"({"type":"layers","payload":{"mid":"1","active":{"h":false,"l":true}})" + kEnd);
  EXPECT_EQ(text_of(DeliverState{kTo, SessionId{"b"}, ConnectionState::Connected}),
            R"({"type":"state","payload":{"sessionId":"b","state":"connected"})" + kEnd);
}

TEST(RoomEncode, ModerationErrorsAndPong) {
  EXPECT_EQ(text_of(DeliverMute{kTo, TrackKind::Audio, SessionId{"m"}}),
            R"({"type":"mute","payload":{"kind":"audio","by":"m"})" + kEnd);
  EXPECT_EQ(text_of(DeliverLocked{kTo, true, SessionId{"m"}}), R"({"type":"locked","payload":{"by":"m"})" + kEnd);
  EXPECT_EQ(text_of(DeliverLocked{kTo, false, SessionId{"m"}}), R"({"type":"unlocked","payload":{"by":"m"})" + kEnd);
  EXPECT_EQ(text_of(DeliverRole{kTo, SessionId{"b"}, RoomRole::Host, SessionId{}}).find("by"), std::string::npos);
  EXPECT_EQ(text_of(DeliverRole{kTo, SessionId{"b"}, RoomRole::Moderator, SessionId{"h"}}),
            R"({"type":"role","payload":{"sessionId":"b","role":"moderator","by":"h"})" + kEnd);
  EXPECT_EQ(text_of(DeliverRoomError{kTo, RoomErrorCode::TooManyRooms, "no"}),
            R"({"type":"error","payload":{"code":"too-many-rooms","message":"no"})" + kEnd);
  EXPECT_EQ(text_of(DeliverKeyWords{kTo, SessionId{"b\""}, R"({"v": 1})"}),
            R"({"type":"e2e","payload":{"from":"b\"","data":{"v": 1}})" + kEnd);
  EXPECT_EQ(text_of(DeliverPong{kTo}), R"({"type":"pong","payload":{})" + kEnd);
}

TEST(RoomEncode, Telephones) {
  const PhoneInfo phone{.status = phone::Status::Ringing, .number = "+49*78", .by = UserId{"max"}};
  EXPECT_EQ(text_of(DeliverParticipantJoined{.to = kTo,
                                             .session = SessionId{"phone-c"},
                                             .user = {},
                                             .name = "Anna",
                                             .role = RoomRole::Member,
                                             .phone = phone}),
            R"({"type":"participant-joined","payload":{"sessionId":"phone-c","userId":"","name":"Anna",)"
            R"("role":"member","phone":{"status":"ringing","number":"+49*78","by":"max"}})" +
                kEnd);
  EXPECT_EQ(text_of(DeliverPhone{kTo, SessionId{"phone-c"}, phone::Status::NoAnswer, phone::Cause::RingTimeout}),
            R"({"type":"phone","payload":{"sessionId":"phone-c","status":"no_answer","cause":"ring_timeout"})" + kEnd);
  EXPECT_EQ(text_of(DeliverPhoneInvited{kTo, SessionId{"phone-c"}, CallId{"c"}, R"("p1")"}),
            R"({"type":"phone-invited","payload":{"sessionId":"phone-c","callId":"c","requestId":"p1"})" + kEnd);
  EXPECT_EQ(text_of(DeliverRoomError{kTo, RoomErrorCode::DailyLimit, "no", "7"}),
            R"({"type":"error","payload":{"code":"daily-limit","message":"no","requestId":7})" + kEnd);
}

TEST(RoomEncode, TheAddressIsTheReceivers) {
  EXPECT_EQ(text_of(DeliverPong{kTo}, {}), R"({"type":"pong","payload":{}})");
  EXPECT_EQ(text_of(DeliverPong{kTo}, {.room_id = R"("a\n")", .session = {}}),
            R"({"type":"pong","payload":{},"roomId":"a\n"})");
  EXPECT_EQ(text_of(DeliverPong{kTo}, {.room_id = {}, .session = SessionId{"a\"\n"}}),
            R"({"type":"pong","payload":{},"sessionId":"a\"\n"})");
}

TEST(RoomEncode, CloseCodes) {
  EXPECT_EQ(close_of(RoomCloseReason::Removed).code, 4003);
  EXPECT_EQ(close_of(RoomCloseReason::Silent).code, 4008);
  EXPECT_EQ(close_of(RoomCloseReason::Replaced).code, 4009);
}

}  // namespace
}  // namespace zvonok::signal::room
