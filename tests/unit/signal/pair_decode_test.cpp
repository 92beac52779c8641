// The pair dialect, client to server: what is taken, how it is read, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "call/presence.h"
#include "signal/pair/decode.h"

namespace zvonok::signal::pair {
namespace {

using testing::ElementsAre;

PairMessage taken(std::string_view text) {
  auto message = decode(text);
  EXPECT_TRUE(message.has_value()) << text << ": " << (message ? "" : to_text(message.error()));
  return message ? *std::move(message) : PairMessage{HelloMessage{}};
}

TEST(PairDecode, TheEventsOfTheContract) {
  EXPECT_EQ(taken(R"({"event":"call:offer","payload":{"sdp":"v=0","userId":"bob"}})"),
            PairMessage(OfferMessage{.target = UserId{"bob"}, .payload = R"({"sdp":"v=0","userId":"bob"})"}));
  EXPECT_EQ(taken(R"({"event":"call:answer","payload":{"sdp":"v=0"}})"),
            PairMessage(AnswerMessage{.payload = R"({"sdp":"v=0"})"}));
  EXPECT_EQ(taken(R"({"event":"call:ice","payload":{"candidate":{"sdpMid":"0"}}})"),
            PairMessage(IceMessage{.payload = R"({"candidate":{"sdpMid":"0"}})"}));
  EXPECT_EQ(taken(R"({"event":"call:hangup"})"), PairMessage(HangupMessage{.payload = "", .reason = {}}));
}

TEST(PairDecode, PayloadsAreSpansOfTheTextByteForByte) {
  EXPECT_EQ(taken(" {\"payload\" :\t{ \"b\":1.50 ,\"a\" : \"\\u00e9\" } , \"x\":[1], \"event\" : \"call:ice\" } \n"),
            PairMessage(IceMessage{.payload = "{ \"b\":1.50 ,\"a\" : \"\\u00e9\" }"}));
  EXPECT_EQ(taken(R"({"event":"call:answer","payload":{}})"), PairMessage(AnswerMessage{.payload = "{}"}));
}

TEST(PairDecode, WhomAnOfferNames) {
  const std::string long_id(kIdBytesMax, 'x');
  const std::pair<std::string, call::CallTarget> table[] = {
      {R"("userId":"bob")", UserId{"bob"}},
      {R"("targetUserId":"bob")", UserId{"bob"}},
      {R"("chatId":"7")", ChatId{"7"}},
      {R"("chatId":7)", ChatId{"7"}},
      {R"("userId":42)", UserId{"42"}},
      {R"("userId":12345678901234567890123)", UserId{"12345678901234567890123"}},
      {R"("chatId":"c","targetUserId":"b","userId":"a")", UserId{"a"}},
      {R"("chatId":"c","targetUserId":"b")", UserId{"b"}},
      {R"("userId":"","targetUserId":null,"chatId":"c")", ChatId{"c"}},
      {R"("userId":"a","chatId":{} )", UserId{"a"}},
      {R"("userId":"a","userId":"b")", UserId{"b"}},
      {R"("user\u0049d":"\u0062ob")", UserId{"bob"}},
      {R"("userId":")" + long_id + '"', UserId{long_id}},
      {R"("nested":{"userId":"a"},"chatId":"c")", ChatId{"c"}},
  };
  for (const auto& [members, target] : table) {
    const std::string text = R"({"event":"call:offer","payload":{)" + members + "}}";
    const PairMessage message = taken(text);
    const auto* const offer = std::get_if<OfferMessage>(&message);
    ASSERT_NE(offer, nullptr) << members;
    EXPECT_EQ(offer->target, target) << members;
  }
}

TEST(PairDecode, AHangupMayBringItsOwnReason) {
  struct Case {
    const char* payload;
    std::string_view relayed;
    std::optional<std::string> reason;
  };
  const Case table[] = {
      {R"(,"payload":{})", "{}", std::nullopt},
      {R"(,"payload":null)", "", std::nullopt},
      {R"(,"payload":{"reason":"no \u0074ime"})", R"({"reason":"no \u0074ime"})", "no time"},
      {R"(,"payload":{"reason":""})", R"({"reason":""})", ""},
      {R"(,"payload":{"reason":5})", R"({"reason":5})", std::nullopt},
      {R"(,"payload":{"reason":null,"x":1})", R"({"reason":null,"x":1})", std::nullopt},
  };
  for (const Case& c : table) {
    const std::string text = std::string{R"({"event":"call:hangup")"} + c.payload + "}";
    EXPECT_EQ(taken(text), PairMessage(HangupMessage{.payload = c.relayed, .reason = c.reason})) << c.payload;
  }
}

TEST(PairDecode, TheAddedEvents) {
  EXPECT_EQ(taken(R"({"event":"client:hello"})"), PairMessage(HelloMessage{}));
  EXPECT_EQ(taken(R"({"event":"client:hello","payload":{"later":1}})"), PairMessage(HelloMessage{}));
  EXPECT_EQ(taken(R"({"event":"presence:watch","payload":{"userIds":["a",7,"b\n"]}})"),
            PairMessage(WatchMessage{.users = {UserId{"a"}, UserId{"7"}, UserId{"b\n"}}}));
  EXPECT_EQ(taken(R"({"event":"presence:watch","payload":{"userIds":[]}})"), PairMessage(WatchMessage{}));
}

TEST(PairDecode, ATokenMayComeInThreeForms) {
  for (const char* text : {R"({"event":"auth","payload":{"token":"t.o.k"}})", R"({"event":"auth","token":"t.o.k"})",
                           R"({"token":"t.o.k"})", R"({"token":"t\u002eo.k","device":1})"}) {
    EXPECT_EQ(taken(text), PairMessage(AuthMessage{.token = Private<std::string>{"t.o.k"}})) << text;
  }
  EXPECT_EQ(taken(R"({"event":"call:hangup","token":"t"})"), PairMessage(HangupMessage{}))
      << "a token beside an event is nothing";
}

std::string watch_of(std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) list += (i > 0 ? ",\"u" : "\"u") + std::to_string(i) + '"';
  return R"({"event":"presence:watch","payload":{"userIds":[)" + list + "]}}";
}

TEST(PairDecode, WhatIsRefused) {
  const std::string long_id(kIdBytesMax + 1, 'x');
  const auto offer = [](const std::string& members) { return R"({"event":"call:offer","payload":{)" + members + "}}"; };
  const std::pair<std::string, DecodeError> table[] = {
      {"", DecodeError::NotAnObject},
      {"hello", DecodeError::NotAnObject},
      {"[]", DecodeError::NotAnObject},
      {R"("call:ice")", DecodeError::NotAnObject},
      {R"({"event":"call:ice","payload":{}},)", DecodeError::NotAnObject},
      {R"({"event":"call:ice","payload":{"a":01}})", DecodeError::NotAnObject},
      {"{}", DecodeError::NoEvent},
      {R"({"payload":{}})", DecodeError::NoEvent},
      {R"({"event":5})", DecodeError::NoEvent},
      {R"({"event":null,"token":"t"})", DecodeError::NoEvent},
      {R"({"event":"call:Offer","payload":{}})", DecodeError::UnknownEvent},
      {R"({"event":"call:error","payload":{}})", DecodeError::UnknownEvent},
      {R"({"event":"","payload":{}})", DecodeError::UnknownEvent},
      {R"({"event":"call:ice"})", DecodeError::NoPayload},
      {R"({"event":"call:ice","payload":null})", DecodeError::NoPayload},
      {R"({"event":"call:answer","payload":"v=0"})", DecodeError::NoPayload},
      {R"({"event":"client:hello","payload":1})", DecodeError::NoPayload},
      {R"({"event":"presence:watch"})", DecodeError::NoPayload},
      {offer(R"("sdp":"v=0")"), DecodeError::NoTarget},
      {offer(R"("userId":"","chatId":null)"), DecodeError::NoTarget},
      {offer(R"("userId":true)"), DecodeError::BadTarget},
      {offer(R"("userId":-1)"), DecodeError::BadTarget},
      {offer(R"("userId":1.0)"), DecodeError::BadTarget},
      {offer(R"("userId":1e3)"), DecodeError::BadTarget},
      {offer(R"("userId":["bob"])"), DecodeError::BadTarget},
      {offer(R"("userId":")" + long_id + '"'), DecodeError::BadTarget},
      {R"({"event":"presence:watch","payload":{}})", DecodeError::BadWatchList},
      {R"({"event":"presence:watch","payload":{"userIds":"a"}})", DecodeError::BadWatchList},
      {R"({"event":"presence:watch","payload":{"userIds":["a",{}]}})", DecodeError::BadWatchList},
      {R"({"event":"presence:watch","payload":{"userIds":[""]}})", DecodeError::BadWatchList},
      {watch_of(call::Presence::kWatchedUsersMax + 1), DecodeError::BadWatchList},
      {R"({"event":"auth"})", DecodeError::BadToken},
      {R"({"event":"auth","payload":{"token":7}})", DecodeError::BadToken},
      {R"({"token":null})", DecodeError::BadToken},
  };
  for (const auto& [text, error] : table) {
    const auto message = decode(text);
    ASSERT_FALSE(message.has_value()) << text;
    EXPECT_EQ(to_text(message.error()), to_text(error)) << text;
  }
  EXPECT_TRUE(decode(watch_of(call::Presence::kWatchedUsersMax)));
}

TEST(PairDecode, MessagesBecomeCommandsOfTheirConnection) {
  const ConnectionId from{7};
  const auto command = [&](std::string_view text) { return to_command(from, taken(text)).value(); };
  const auto offer = std::get<call::Offer>(command(R"({"event":"call:offer","payload":{"chatId":"c"}})"));
  EXPECT_EQ(offer.connection, from);
  EXPECT_EQ(offer.target, call::CallTarget{ChatId{"c"}});
  EXPECT_EQ(offer.payload, R"({"chatId":"c"})");
  EXPECT_EQ(std::get<call::Answer>(command(R"({"event":"call:answer","payload":{"a":1}})")).payload, R"({"a":1})");
  EXPECT_EQ(std::get<call::Ice>(command(R"({"event":"call:ice","payload":{"a":1}})")).payload, R"({"a":1})");
  const auto hangup = std::get<call::Hangup>(command(R"({"event":"call:hangup","payload":{"reason":"x"}})"));
  EXPECT_EQ(hangup.payload, R"({"reason":"x"})");
  EXPECT_EQ(hangup.reason, "x");
  EXPECT_EQ(std::get<call::Hello>(command(R"({"event":"client:hello"})")).connection, from);
  EXPECT_THAT(std::get<call::WatchPresence>(command(R"({"event":"presence:watch","payload":{"userIds":["u"]}})")).users,
              ElementsAre(UserId{"u"}));
  EXPECT_FALSE(to_command(from, taken(R"({"token":"t"})")).has_value());
}

}  // namespace
}  // namespace zvonok::signal::pair
