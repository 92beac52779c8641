// The room dialect, client to server: what is taken, how it is read, what is ignored and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/json_scan.h"
#include "signal/room/decode.h"

namespace zvonok::signal::room {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr ConnectionId kFrom{7};

template <class Message>
Message taken(const std::string& text) {
  auto command = decode(kFrom, text);
  EXPECT_TRUE(command.has_value()) << text << ": " << (command ? "" : to_text(command.error()));
  if (!command || !std::holds_alternative<Message>(*command)) {
    ADD_FAILURE() << "another message: " << text;
    return {};
  }
  Message message = std::get<Message>(*std::move(command));
  EXPECT_EQ(message.connection, kFrom);
  return message;
}

DecodeError refused(const std::string& text) {
  const auto command = decode(kFrom, text);
  EXPECT_FALSE(command.has_value()) << text;
  return command ? DecodeError::NotAnObject : command.error();
}

TEST(RoomDecode, TheMessagesOfTheContract) {
  const auto join = taken<call::JoinRoom>(R"({"type":"join","roomId":1,"sessionId":"unique-session-id"})");
  EXPECT_EQ(join.session, call::SessionId{"unique-session-id"});
  EXPECT_EQ(join.room_id, "1");
  EXPECT_EQ(join.name, "");
  const auto offer = taken<call::SendSignal>(
      R"({"type":"offer","payload":{"type":"offer","sdp":"v=0\r\n"},"roomId":1,"sessionId":"s"})");
  EXPECT_EQ(offer.kind, call::RoomSignal::Offer);
  EXPECT_EQ(offer.payload, "v=0\r\n");
  const auto answer = taken<call::SendSignal>(R"({"type":"answer","payload":{"type":"answer","sdp":"v=0"}})");
  EXPECT_EQ(answer.kind, call::RoomSignal::Answer);
  const auto ice = taken<call::SendSignal>(R"({"type":"ice","payload":{"candidate":"c","sdpMLineIndex":0}})");
  EXPECT_EQ(ice.kind, call::RoomSignal::Ice);
  EXPECT_EQ(ice.payload, R"({"candidate":"c","sdpMLineIndex":0})");
  taken<call::LeaveRoom>(R"({"type":"leave","roomId":1,"sessionId":"s"})");
}

TEST(RoomDecode, OffersSayWhetherTheyYield) {
  const auto politeness = [](const std::string& type, const std::string& rest) {
    return taken<call::SendSignal>(R"({"type":")" + type + R"(","payload":{"sdp":"v=0")" + rest + "}}").politeness;
  };
  EXPECT_EQ(politeness("offer", ""), call::Politeness::Polite);
  EXPECT_EQ(politeness("offer", R"(,"polite":true)"), call::Politeness::Polite);
  EXPECT_EQ(politeness("offer", R"(,"polite":false)"), call::Politeness::Impolite);
  EXPECT_EQ(politeness("answer", R"(,"polite":false)"), call::Politeness::Polite) << "it says nothing there";
}

TEST(RoomDecode, PayloadMayBeATextThatHoldsTheObject) {
  EXPECT_EQ(
      taken<call::SendSignal>(R"({"type":"offer","payload":"{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}"})").payload,
      "v=0\r\n");
  EXPECT_EQ(taken<call::SendSignal>(R"({"type":"ice","payload":" {\"candidate\":\"\"} "})").payload,
            R"({"candidate":""})");
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":"{\"name\":\"Bob\"}"})").name, "Bob");
}

TEST(RoomDecode, CandidatesComeInAnyForm) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"type":"ice"})", "null"},
      {R"({"type":"ice","payload":null})", "null"},
      {R"({"type":"ice","payload":"candidate:1 1 udp"})", R"("candidate:1 1 udp")"},
      {R"({"type":"ice","payload":[1]})", "[1]"},
      {R"({"type":"ice","payload":{}})", "{}"},
  };
  for (const auto& [text, payload] : table) EXPECT_EQ(taken<call::SendSignal>(text).payload, payload) << text;
  const std::string candidate = '"' + std::string(kCandidateBytesMax - 1, 'c') + '"';
  EXPECT_EQ(refused(R"({"type":"ice","payload":)" + candidate + "}"), DecodeError::BadCandidate);
}

TEST(RoomDecode, HowAJoinNamesTheRoomAndItself) {
  struct Case {
    std::string members;
    std::string room_id;
    std::string session;
  };
  const std::string long_session(kSessionBytesMax, 's');
  const Case table[] = {
      {"", "", ""},
      {R"(,"roomId":"a\"b","sessionId":"s")", R"("a\"b")", "s"},
      {R"(,"roomId":1.5e3,"sessionId":12)", "1.5e3", "12"},
      {R"(,"roomId":{},"sessionId":null)", "", ""},
      {R"(,"roomId":null,"sessionId":"")", "", ""},
      {R"(,"sessionId":"\u00e9")", "", "é"},
      {R"(,"roomId":1,"roomId":2,"sessionId":"a","sessionId":"b")", "2", "b"},
      {R"(,"sessionId":")" + long_session + '"', "", long_session},
      {R"(,"roomId":")" + std::string(kRoomIdBytesMax, 'r') + '"', "", ""},
  };
  for (const Case& row : table) {
    const auto join = taken<call::JoinRoom>(R"({"type":"join")" + row.members + "}");
    EXPECT_EQ(join.room_id, row.room_id) << row.members;
    EXPECT_EQ(join.session.value(), row.session) << row.members;
  }
  EXPECT_EQ(refused(R"({"type":"join","sessionId":true})"), DecodeError::BadSession);
  EXPECT_EQ(refused(R"({"type":"join","sessionId":")" + long_session + "s\"}"), DecodeError::BadSession);
  EXPECT_EQ(refused(R"({"type":"join","payload":{"name":1}})"), DecodeError::BadName);
  EXPECT_EQ(refused(R"({"type":"join","payload":{"name":")" + std::string(401, 'n') + "\"}}"), DecodeError::BadName);
}

TEST(RoomDecode, TracksAndViews) {
  const auto track =
      taken<call::UpdateTrack>(R"({"type":"track","payload":{"mid":"1","source":"screen-audio","muted":true}})");
  EXPECT_EQ(track.mid, "1");
  EXPECT_EQ(track.source, call::TrackSource::ScreenAudio);
  EXPECT_EQ(track.muted, true);
  const auto bare = taken<call::UpdateTrack>(R"({"type":"track","payload":{"mid":0,"source":null}})");
  EXPECT_EQ(bare.mid, "0");
  EXPECT_FALSE(bare.source);
  EXPECT_FALSE(bare.muted);
  const auto view = taken<call::ViewTracks>(
      R"({"type":"view","payload":{"tracks":{"5":{"height":360.2,"priority":2},"6":{"height":0},)"
      R"("7":{"height":1e9,"priority":-1e9},"8":{},"x":{"height":1},"-1":{},"99999999999999999999":{}}}})");
  EXPECT_THAT(view.wishes,
              ElementsAre(call::TrackWish{TrackId{5}, 361, 2}, call::TrackWish{TrackId{6}, 0, 0},
                          call::TrackWish{TrackId{7}, kHeightMax, -32767}, call::TrackWish{TrackId{8}, kHeightMax, 0}));
  EXPECT_THAT(taken<call::ViewTracks>(R"({"type":"view","payload":{"tracks":{}}})").wishes, IsEmpty());
}

TEST(RoomDecode, Moderation) {
  const auto mute = taken<call::MuteParticipant>(R"({"type":"mute","payload":{"sessionId":"b","kind":"video"}})");
  EXPECT_EQ(mute.session, call::SessionId{"b"});
  EXPECT_EQ(mute.kind, call::TrackKind::Video);
  EXPECT_EQ(taken<call::KickParticipant>(R"({"type":"kick","sessionId":"me","payload":{"sessionId":"b"}})").session,
            call::SessionId{"b"});
  const auto role = taken<call::SetRoomRole>(R"({"type":"role","payload":{"sessionId":"b","role":"host"}})");
  EXPECT_EQ(role.role, call::RoomRole::Host);
  taken<call::LockRoom>(R"({"type":"lock"})");
  taken<call::UnlockRoom>(R"({"type":"unlock","payload":7})");
  taken<call::PingRoom>(R"({"type":"ping"})");
  const auto invite = taken<call::InvitePhone>(
      R"({"type":"invite-phone","payload":{"number":"+491512345678","name":"Anna","requestId":"p\u0031"}})");
  EXPECT_EQ(invite.number, call::phone::PhoneNumber{"+491512345678"});
  EXPECT_EQ(invite.name, "Anna");
  EXPECT_EQ(invite.request, R"("p\u0031")") << "as it was written";
  EXPECT_EQ(taken<call::InvitePhone>(R"({"type":"invite-phone","payload":{"number":"+491512345678"}})").request, "");
  EXPECT_EQ(taken<call::HangUpPhone>(R"({"type":"hang-up-phone","payload":{"sessionId":"phone-1"}})").session,
            call::SessionId{"phone-1"});
  EXPECT_EQ(taken<call::SendSignal>(R"({"type":"restart"})").kind, call::RoomSignal::Restart);
}

TEST(RoomDecode, WhoMakesTheFirstOffer) {
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join"})").first_offer, call::FirstOffer::Client);
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":{"offers":true}})").first_offer,
            call::FirstOffer::Client);
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":{"offers":false}})").first_offer,
            call::FirstOffer::Server);
}

TEST(RoomDecode, EndToEndEncryption) {
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":{}})").encryption, call::JoinEncryption::Unable);
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":{"e2e":"supported"}})").encryption,
            call::JoinEncryption::Supported);
  EXPECT_EQ(taken<call::JoinRoom>(R"({"type":"join","payload":{"e2e":"required"}})").encryption,
            call::JoinEncryption::Required);
  const auto to_one = taken<call::SendKeyWords>(R"({"type":"e2e","payload":{"to":"b","data":{"v": 1,"x":[]}}})");
  EXPECT_EQ(to_one.to, call::SessionId{"b"});
  EXPECT_EQ(to_one.data, R"({"v": 1,"x":[]})");
  const auto to_all = taken<call::SendKeyWords>(R"({"type":"e2e","payload":{"data":{}}})");
  EXPECT_FALSE(to_all.to.has_value());
  EXPECT_EQ(to_all.data, "{}");
}

TEST(RoomDecode, WhatIsNoMessageIsIgnored) {
  const std::pair<const char*, DecodeError> table[] = {
      {"", DecodeError::NotAnObject},
      {"[]", DecodeError::NotAnObject},
      {R"({"type":"ping"},)", DecodeError::NotAnObject},
      {R"({"type":"ping")", DecodeError::NotAnObject},
      {"{}", DecodeError::NoType},
      {R"({"type":1})", DecodeError::NoType},
      {R"({"event":"call:offer"})", DecodeError::NoType},
      {R"({"type":""})", DecodeError::UnknownType},
      {R"({"type":"Join"})", DecodeError::UnknownType},
  };
  for (const auto& [text, error] : table) {
    EXPECT_EQ(refused(text), error) << text;
    EXPECT_TRUE(is_ignored(error));
  }
}

TEST(RoomDecode, WhatIsRefused) {
  const std::pair<const char*, DecodeError> table[] = {
      {R"({"type":"offer"})", DecodeError::BadPayload},
      {R"({"type":"offer","payload":"v=0"})", DecodeError::BadPayload},
      {R"({"type":"offer","payload":"[{}]"})", DecodeError::BadPayload},
      {R"({"type":"offer","payload":{}})", DecodeError::BadDescription},
      {R"({"type":"offer","payload":{"sdp":1}})", DecodeError::BadDescription},
      {R"({"type":"offer","payload":{"sdp":""}})", DecodeError::BadDescription},
      {R"({"type":"offer","payload":{"type":"answer","sdp":"v=0"}})", DecodeError::BadDescription},
      {R"({"type":"offer","payload":{"sdp":"v=0","polite":"no"}})", DecodeError::BadPoliteness},
      {R"({"type":"offer","payload":{"sdp":"v=0","polite":0}})", DecodeError::BadPoliteness},
      {R"({"type":"track"})", DecodeError::BadTrack},
      {R"({"type":"track","payload":{"muted":true}})", DecodeError::BadTrack},
      {R"({"type":"track","payload":{"mid":"0","source":"moon"}})", DecodeError::BadTrack},
      {R"({"type":"track","payload":{"mid":"0","muted":"yes"}})", DecodeError::BadTrack},
      {R"({"type":"view","payload":{}})", DecodeError::BadView},
      {R"({"type":"view","payload":{"tracks":{"1":5}}})", DecodeError::BadView},
      {R"({"type":"view","payload":{"tracks":{"1":{"height":-1}}}})", DecodeError::BadView},
      {R"({"type":"view","payload":{"tracks":{"1":{"height":1e999}}}})", DecodeError::BadView},
      {R"({"type":"mute","payload":{"kind":"audio"}})", DecodeError::BadSession},
      {R"({"type":"mute","payload":{"sessionId":"b"}})", DecodeError::BadKind},
      {R"({"type":"kick","sessionId":"b"})", DecodeError::BadSession},
      {R"({"type":"role","payload":{"sessionId":"b","role":"king"}})", DecodeError::BadRole},
      {R"({"type":"join","payload":{"offers":"no"}})", DecodeError::BadOffers},
      {R"({"type":"join","payload":{"e2e":true}})", DecodeError::BadEncryption},
      {R"({"type":"join","payload":{"e2e":"maybe"}})", DecodeError::BadEncryption},
      {R"({"type":"e2e"})", DecodeError::BadKeyWords},
      {R"({"type":"e2e","payload":{"to":"b","data":"{}"}})", DecodeError::BadKeyWords},
      {R"({"type":"e2e","payload":{"to":"","data":{}}})", DecodeError::BadKeyWords},
      {R"({"type":"e2e","payload":{"to":{},"data":{}}})", DecodeError::BadKeyWords},
  };
  for (const auto& [text, error] : table) {
    EXPECT_EQ(refused(text), error) << text;
    EXPECT_FALSE(is_ignored(error));
    EXPECT_FALSE(to_text(error).empty());
  }
  EXPECT_EQ(refused(R"({"type":"offer","payload":{"sdp":")" + std::string(kSdpBytesMax + 1, 's') + "\"}}"),
            DecodeError::BadDescription);
  EXPECT_EQ(refused(R"({"type":"e2e","payload":{"data":{"k":")" + std::string(kKeyWordsBytesMax, 'k') + "\"}}}"),
            DecodeError::BadKeyWords);
  std::string tracks;
  for (std::size_t i = 0; i <= kViewedTracksMax; ++i) tracks += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  EXPECT_EQ(refused(R"({"type":"view","payload":{"tracks":{)" + tracks + "}}}"), DecodeError::BadView);
}

TEST(RoomDecode, AnInvitationThatIsNone) {
  EXPECT_EQ(refused(R"({"type":"invite-phone"})"), DecodeError::BadInvitation);
  EXPECT_EQ(refused(R"({"type":"invite-phone","payload":{"number":491512345678}})"), DecodeError::BadInvitation);
  EXPECT_EQ(refused(R"({"type":"invite-phone","payload":{"number":"112"}})"), DecodeError::BadNumber);
  EXPECT_EQ(refused(R"({"type":"invite-phone","payload":{"number":"+491512345678","name":7}})"), DecodeError::BadName);
  EXPECT_EQ(refused(R"({"type":"hang-up-phone","payload":{}})"), DecodeError::BadSession);
  EXPECT_EQ(code_of(DecodeError::BadNumber), call::RoomErrorCode::BadNumber);
  EXPECT_EQ(code_of(DecodeError::BadInvitation), call::RoomErrorCode::BadMessage);
}

TEST(RoomDecode, WhichRequestItWas) {
  EXPECT_EQ(request_of(R"({"type":"invite-phone","payload":{"number":"112","requestId":7}})"), "7");
  EXPECT_EQ(request_of(R"({"type":"invite-phone","payload":{"requestId":{"a":1}}})"), "");
  EXPECT_EQ(request_of(R"({"payload":{"requestId":")" + std::string(200, 'x') + R"("}})"), "") << "too long";
  EXPECT_EQ(request_of("nothing"), "");
}

}  // namespace
}  // namespace zvonok::signal::room
