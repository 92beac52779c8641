// The pair dialect, server to client: the golden text of every message.
#include <gtest/gtest.h>

#include "proto/json_scan.h"
#include "signal/pair/encode.h"

namespace zvonok::signal::pair {
namespace {

using namespace call;

constexpr ConnectionId kTo{1};
const CallId kCall{"c-1"};
const UserId kAlice{"alice"};

template <class Delivery>
std::string text_of(const Delivery& delivery) {
  std::string out;
  encode(out, delivery);
  EXPECT_TRUE(json::scan(out)) << out;
  return out;
}

TEST(PairEncode, AnOfferGetsItsSenderAndKeepsEveryOtherByte) {
  const std::pair<const char*, const char*> table[] = {
      {R"({})", R"({"fromUserId":"alice"})"},
      {R"({ })", R"({ "fromUserId":"alice"})"},
      {R"({"sdp":"v=0\r\n","n":1.50})", R"({"sdp":"v=0\r\n","n":1.50,"fromUserId":"alice"})"},
      {"{ \"a\" : 1 , \"b\" : [ 2 ] }", "{ \"a\" : 1 , \"b\" : [ 2 ] ,\"fromUserId\":\"alice\"}"},
      {R"({"fromUserId":"eve"})", R"({"fromUserId":"alice"})"},
      {R"({"fromUserId":"eve","a":1})", R"({"a":1,"fromUserId":"alice"})"},
      {R"({"a":1,"fromUserId":"eve"})", R"({"a":1,"fromUserId":"alice"})"},
      {R"({"a":1,"fromUserId":{"x":[]},"b":2})", R"({"a":1,"b":2,"fromUserId":"alice"})"},
      {R"({"fromUserId":1,"fromUserId":2,"a":1,"fromUserId":3,"fromUserId":4,"b":2,"fromUserId":5})",
       R"({"a":1,"b":2,"fromUserId":"alice"})"},
      {R"({"a":1,"\u0066romUserI\u0064":"eve"})", R"({"a":1,"fromUserId":"alice"})"},
      {R"({"a":{"fromUserId":"kept"}})", R"({"a":{"fromUserId":"kept"},"fromUserId":"alice"})"},
      {R"({"a":"\"fromUserId\":1}"})", R"({"a":"\"fromUserId\":1}","fromUserId":"alice"})"},
  };
  for (const auto& [payload, relayed] : table) {
    EXPECT_EQ(text_of(DeliverOffer{.to = kTo, .from = kAlice, .payload = payload}),
              std::string{R"({"event":"call:offer","payload":)"} + relayed + "}")
        << payload;
  }
}

TEST(PairEncode, ASendersIdIsEscaped) {
  EXPECT_EQ(text_of(DeliverOffer{.to = kTo, .from = UserId{"a\"b\\\n"}, .payload = "{}"}),
            R"({"event":"call:offer","payload":{"fromUserId":"a\"b\\\n"}})");
}

TEST(PairEncode, AnswersAndCandidatesGoAsTheyCame) {
  EXPECT_EQ(text_of(DeliverAnswer{.to = kTo, .payload = R"({ "sdp" : "v=0" })"}),
            R"({"event":"call:answer","payload":{ "sdp" : "v=0" }})");
  EXPECT_EQ(text_of(DeliverIce{.to = kTo, .payload = R"({"candidate":null})"}),
            R"({"event":"call:ice","payload":{"candidate":null}})");
}

TEST(PairEncode, AHangupHasAReason) {
  EXPECT_EQ(text_of(DeliverHangup{.to = kTo, .reason = HangupReason::NoAnswer}),
            R"({"event":"call:hangup","payload":{"reason":"no-answer"}})");
  EXPECT_EQ(text_of(DeliverHangup{.to = kTo, .reason = HangupReason::Declined, .payload = R"({"x":1})"}),
            R"({"event":"call:hangup","payload":{"x":1,"reason":"declined"}})");
  EXPECT_EQ(text_of(DeliverHangup{.to = kTo, .reason = HangupReason::Declined, .payload = R"({"reason":5,"x":1})"}),
            R"({"event":"call:hangup","payload":{"x":1,"reason":"declined"}})")
      << "a reason that is no text is not one";
  EXPECT_EQ(text_of(DeliverHangup{.to = kTo,
                                  .reason = HangupReason::Hangup,
                                  .payload = R"({"reason":"gone fishing"})",
                                  .reason_from = ReasonFrom::Client}),
            R"({"event":"call:hangup","payload":{"reason":"gone fishing"}})");
}

TEST(PairEncode, AnErrorHasACodeAndAText) {
  EXPECT_EQ(text_of(DeliverError{.to = kTo, .code = ErrorCode::NotInCall, .message = "nothing to answer"}),
            R"({"event":"call:error","payload":{"code":"not-in-call","message":"nothing to answer"}})");
}

TEST(PairEncode, TheAddedEvents) {
  EXPECT_EQ(text_of(DeliverCallStarted{.to = kTo, .call = kCall, .peer = kAlice, .role = Role::Callee}),
            R"({"event":"call:started","payload":{"callId":"c-1","peerUserId":"alice","role":"callee"}})");
  EXPECT_EQ(text_of(DeliverRinging{.to = kTo, .call = kCall, .devices = 12}),
            R"({"event":"call:ringing","payload":{"callId":"c-1","devices":12}})");
  EXPECT_EQ(text_of(DeliverAnswered{.to = kTo, .call = kCall}),
            R"({"event":"call:answered","payload":{"callId":"c-1"}})");
  EXPECT_EQ(text_of(DeliverPeerState{.to = kTo, .call = kCall, .state = PeerState::Reconnecting}),
            R"({"event":"call:peer","payload":{"callId":"c-1","state":"reconnecting"}})");
  EXPECT_EQ(
      text_of(DeliverPresence{.to = kTo, .users = {{kAlice, true}, {UserId{"b\""}, false}}}),
      R"({"event":"presence","payload":{"users":[{"userId":"alice","online":true},{"userId":"b\"","online":false}]}})");
  EXPECT_EQ(text_of(DeliverPresence{.to = kTo, .users = {}}), R"({"event":"presence","payload":{"users":[]}})");
}

TEST(PairEncode, HelloTellsTheCallOrNull) {
  DeliverServerHello hello{.to = kTo,
                           .user = kAlice,
                           .device = {},
                           .reconnect_grace = seconds{10},
                           .ring_timeout = milliseconds{45'500},
                           .call = {}};
  EXPECT_EQ(text_of(hello),
            R"({"event":"server:hello","payload":{"userId":"alice","device":null,"reconnectGraceMs":10000,)"
            R"("ringTimeoutMs":45500,"call":null}})");
  hello.device = DeviceName{"phone"};
  hello.call = CallSummary{.call = kCall, .peer = UserId{"bob"}, .state = CallState::Active, .role = Role::Caller};
  EXPECT_EQ(text_of(hello),
            R"({"event":"server:hello","payload":{"userId":"alice","device":"phone","reconnectGraceMs":10000,)"
            R"("ringTimeoutMs":45500,"call":{"callId":"c-1","peerUserId":"bob","state":"active","role":"caller"}}})");
}

TEST(PairEncode, WhatTheEngineNeverSees) {
  std::string out;
  encode_auth_ok(out, kAlice);
  EXPECT_EQ(out, R"({"event":"auth:ok","payload":{"userId":"alice"}})");
  out.clear();
  encode_error(out, ErrorCode::BadMessage, "no event");
  EXPECT_EQ(out, R"({"event":"call:error","payload":{"code":"bad-message","message":"no event"}})");
}

TEST(PairEncode, MessagesAreAppended) {
  std::string out = "before ";
  encode(out, DeliverAnswered{.to = kTo, .call = kCall});
  EXPECT_EQ(out, R"(before {"event":"call:answered","payload":{"callId":"c-1"}})");
}

}  // namespace
}  // namespace zvonok::signal::pair
