#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signal/tunnel/decode.h"
#include "signal/tunnel/encode.h"

namespace zvonok::signal::tunnel {
namespace {

namespace words = call::tunnel;
constexpr ConnectionId kFrom{7};

template <class Wanted>
Wanted decoded(std::string_view event, std::string_view arguments) {
  auto command = decode(kFrom, event, arguments);
  if (!command || !*command || !std::holds_alternative<Wanted>(**command)) {
    ADD_FAILURE() << event << " " << arguments;
    return {};
  }
  return std::get<Wanted>(**command);
}

TEST(TunnelDecode, ReadsTheContractsEvents) {
  EXPECT_EQ(decoded<words::Initiate>("initiate-call", R"([{"calleeId":"bob"}])").callee, UserId{"bob"});
  EXPECT_EQ(decoded<words::Initiate>("initiate-call", R"([{"calleeId":42}])").callee, UserId{"42"});
  EXPECT_EQ(decoded<words::Accept>("accept-call", R"([{"callId":"c-1"}])").call, CallId{"c-1"});
  EXPECT_EQ(decoded<words::Ready>("vpn-ready", R"([{"callId":"c-1","localEndpoint":"192.168.1.100"}])").call,
            CallId{"c-1"});
  EXPECT_EQ(decoded<words::Reject>("reject-call", R"([{"x":[{}],"callId":"c-1"},1])").call, CallId{"c-1"});
  EXPECT_EQ(decoded<words::Hangup>("hangup", R"([{"callId":"old","callId":"\u0063-1"}])").call, CallId{"c-1"});
  EXPECT_EQ(decoded<words::Watch>("watch-presence", R"([{"userIds":["a",2]}])").users,
            (std::vector{UserId{"a"}, UserId{"2"}}));
  EXPECT_EQ(decoded<words::Hangup>("hangup", R"([{"callId":"c-1"}])").connection, kFrom);
  const auto relay = decoded<words::Relay>("e2e", R"([{"callId":"c-1","data":{"v":1, "key":"\u0061"}}])");
  EXPECT_EQ(relay.call, CallId{"c-1"});
  EXPECT_EQ(relay.data, R"({"v":1, "key":"\u0061"})") << "as it came";
}

TEST(TunnelDecode, IgnoresEventsThatAreNotItsOwn) {
  const auto unknown = decode(kFrom, "message", "[1]");
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(*unknown);
}

TEST(TunnelDecode, SaysWhatIsWrong) {
  const std::string long_id(kIdBytesMax + 1, 'x');
  std::string many = R"([{"userIds":[)";
  for (int i = 0; i <= 500; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + '"';
  many += "]}]";
  const struct {
    std::string event, arguments;
    DecodeError error;
  } cases[] = {
      {"initiate-call", "[]", DecodeError::NotAnObject},
      {"initiate-call", "[null]", DecodeError::NotAnObject},
      {"initiate-call", "[\"bob\"]", DecodeError::NotAnObject},
      {"initiate-call", "[[]]", DecodeError::NotAnObject},
      {"initiate-call", R"([{"calleeId":"bob"})", DecodeError::NotAnObject},
      {"initiate-call", "[{}]", DecodeError::BadCalleeId},
      {"initiate-call", R"([{"calleeId":""}])", DecodeError::BadCalleeId},
      {"initiate-call", R"([{"calleeId":null}])", DecodeError::BadCalleeId},
      {"initiate-call", R"([{"calleeId":1.5}])", DecodeError::BadCalleeId},
      {"initiate-call", R"([{"calleeId":{"a":1}}])", DecodeError::BadCalleeId},
      {"initiate-call", R"([{"calleeId":")" + long_id + R"("}])", DecodeError::BadCalleeId},
      {"accept-call", R"([{"id":"c"}])", DecodeError::BadCallId},
      {"hangup", R"([{"callId":true}])", DecodeError::BadCallId},
      {"e2e", R"([{"data":{}}])", DecodeError::BadCallId},
      {"e2e", R"([{"callId":"c"}])", DecodeError::BadWords},
      {"e2e", R"([{"callId":"c","data":"v"}])", DecodeError::BadWords},
      {"e2e", R"([{"callId":"c","data":{"v":")" + std::string(kWordsBytesMax, 'x') + R"("}}])", DecodeError::BadWords},
      {"watch-presence", R"([{"userIds":"a"}])", DecodeError::BadWatchList},
      {"watch-presence", R"([{"userIds":[""]}])", DecodeError::BadWatchList},
      {"watch-presence", many, DecodeError::BadWatchList},
  };
  for (const auto& one : cases) {
    const auto result = decode(kFrom, one.event, one.arguments);
    ASSERT_FALSE(result) << one.event << " " << one.arguments;
    EXPECT_EQ(result.error(), one.error) << one.arguments;
    EXPECT_FALSE(to_text(result.error()).empty());
  }
}

MATCHER_P2(Is, event, argument, "") {
  return arg.event == std::string_view{event} && arg.argument == argument;
}

TEST(TunnelEncode, WritesTheContractsEvents) {
  const CallId call{"c-1"};
  const UserId alice{"alice"};
  const UserId bob{"b\"b"};
  const auto parties = R"({"callId":"c-1","callerId":"alice","calleeId":"b\"b"})";
  EXPECT_THAT(encode(words::CallInitiated{kFrom, call, alice, bob}), Is("call-initiated", parties));
  EXPECT_THAT(encode(words::IncomingCall{kFrom, call, alice, bob}), Is("incoming-call", parties));
  EXPECT_THAT(encode(words::CallAccepted{kFrom, call}), Is("call-accepted", R"({"callId":"c-1"})"));
  EXPECT_THAT(encode(words::CallRejected{kFrom, call}), Is("call-rejected", R"({"callId":"c-1"})"));
  EXPECT_THAT(encode(words::Relayed{kFrom, call, R"({"v":1})"}), Is("e2e", R"({"callId":"c-1","data":{"v":1}})"));
  EXPECT_THAT(encode(words::CallOver{kFrom, call, words::Over::Hangup}), Is("call-hangup", R"({"callId":"c-1"})"));
  EXPECT_THAT(encode(words::CallOver{kFrom, call, words::Over::NoAnswer}),
              Is("call-hangup", R"({"callId":"c-1","reason":"no-answer"})"));
  EXPECT_THAT(encode(words::CallError{kFrom, words::Error::UserOffline, {}}),
              Is("call-error", R"({"message":"User is offline"})"));
  EXPECT_THAT(encode(words::CallError{kFrom, words::Error::CallNotFound, call}),
              Is("call-error", R"({"message":"Call not found","callId":"c-1"})"));
  EXPECT_THAT(encode(words::PeerConnected{kFrom, call, call::Role::Caller}, "198.18.0.1:4000"),
              Is("vpn-connected", R"({"callId":"c-1","peerEndpoint":"198.18.0.1:4000"})"));
  EXPECT_THAT(encode(words::PeerConnected{kFrom, call, call::Role::Caller}, ""),
              Is("vpn-connected", R"({"callId":"c-1"})"));
  EXPECT_THAT(encode(call::DeliverPresence{kFrom, {{alice, true}, {bob, false}}}),
              Is("presence", R"({"users":[{"userId":"alice","online":true},{"userId":"b\"b","online":false}]})"));
}

TEST(TunnelEncode, TheSixTextsAreTheContracts) {
  using enum words::Error;
  EXPECT_EQ(to_text(CallYourself), "Cannot call yourself");
  EXPECT_EQ(to_text(UserNotFound), "User not found");
  EXPECT_EQ(to_text(UserOffline), "User is offline");
  EXPECT_EQ(to_text(CallNotFound), "Call not found");
  EXPECT_EQ(to_text(NotAuthorized), "Not authorized for this call");
  EXPECT_EQ(to_text(NotAuthorizedToAccept), "Not authorized to accept this call");
}

ClientConfig config() {
  ClientConfig config;
  config.server = "vpn.example.com";
  config.user = Private<std::string>{"11111111-2222-4333-8444-555555555555"};
  config.encryption_key = Private<std::string>{"a2V5"};
  config.peer_endpoint = "198.18.0.1:4000";
  return config;
}

TEST(TunnelEncode, TheConfigurationHasTheContractsShape) {
  EXPECT_THAT(
      encode(words::ConfigReceived{kFrom, CallId{"c-1"}, call::Role::Caller}, config()),
      Is("vpn-config-received",
         R"({"callId":"c-1","vpnServer":"vpn.example.com","vpnPort":443,"encryptionKey":"a2V5","version":"1.0",)"
         R"("xrayConfig":{"version":"1.0","log":{"loglevel":"warning"},)"
         R"("inbounds":[{"tag":"socks-in","listen":"127.0.0.1","port":10808,"protocol":"socks",)"
         R"("settings":{"auth":"noauth","udp":true,"ip":"127.0.0.1"}}],)"
         R"("outbounds":[{"tag":"call-out","protocol":"vless","settings":{"vnext":[{"address":"vpn.example.com",)"
         R"("port":443,"users":[{"id":"11111111-2222-4333-8444-555555555555","encryption":"none"}]}]},)"
         R"("streamSettings":{"network":"ws","security":"tls","wsSettings":{"path":"/call"},)"
         R"("tlsSettings":{"serverName":"vpn.example.com"}}}]},"peerEndpoint":"198.18.0.1:4000"})"));
}

TEST(TunnelEncode, AConfigurationForANewXrayHasNoVersionAndNeverAllowsInsecure) {
  ClientConfig own = config();
  own.version_inside = VersionInside::No;
  own.certificate = {"-----BEGIN CERTIFICATE-----", "AAAA", "-----END CERTIFICATE-----"};
  own.server_name = "zvonok.local";
  std::string out;
  append_client_config(out, own);
  EXPECT_TRUE(out.starts_with(R"({"log":)")) << out;
  EXPECT_THAT(
      out, testing::HasSubstr(R"("tlsSettings":{"serverName":"zvonok.local","disableSystemRoot":true,"certificates":[)"
                              R"({"usage":"verify","certificate":["-----BEGIN CERTIFICATE-----","AAAA",)"
                              R"("-----END CERTIFICATE-----"]}]})"));
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("allowInsecure")));
  own.security = Security::None;
  out.clear();
  append_client_config(out, own);
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("tlsSettings")));
  EXPECT_THAT(out, testing::HasSubstr(R"("security":"none")"));
}

TEST(TunnelEncode, KnowsWhichXrayRefusesATextAsVersion) {
  for (const char* version : {"", "v2ray", "4.34.0", "1.8.24", "25.8.2", "v25.7", "25"}) {
    EXPECT_EQ(version_inside_for(version), VersionInside::Yes) << version;
  }
  for (const char* version : {"25.8.3", "v25.8.3", "25.8.30", "25.9", "26", "26.7.28", "100.0.0-rc1"}) {
    EXPECT_EQ(version_inside_for(version), VersionInside::No) << version;
  }
}

}  // namespace
}  // namespace zvonok::signal::tunnel
