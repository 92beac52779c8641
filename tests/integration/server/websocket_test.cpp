// Who may open a WebSocket, in which ways, and how broken frames end one.
#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

class Socket : public ::testing::Test {
 protected:
  WsClient open(const std::string& target, std::vector<std::pair<std::string, std::string>> headers = {}) {
    return WsClient{node_.port(), WsOpenOptions{.target = target, .headers = std::move(headers), .connect = {}}};
  }
  void expect_closed(WsClient& client, std::uint16_t code, const std::string& reason) {
    const WsIncoming end = client.next();
    EXPECT_EQ(end.kind, WsIncoming::Kind::Closed);
    EXPECT_EQ(end.code, code);
    EXPECT_EQ(end.reason, reason);
  }
  std::string ticket() {
    const HttpReply reply = node_.call(
        {.method = "POST", .target = "/api/auth/ws-ticket", .headers = {}, .body = {}, .token = alice_.token});
    return std::string{json::parse(reply.body).at("ticket").as_string()};
  }

  TestNode node_{[](app::Config& config) {
    config.cors_allowed_origins = {"https://chat.example.org"};
    config.ws_auth_timeout = milliseconds{300};
  }};
  Person alice_ = node_.person("alice");
};

TEST_F(Socket, OpensByTokenHeaderTicketAndFirstMessage) {
  open("/ws?token=" + alice_.token).expect_nothing();
  open("/ws", {{"Authorization", "Bearer " + alice_.token}}).expect_nothing();
  open("/ws?ticket=" + ticket()).expect_nothing();
  for (const std::string& first : {R"({"event":"auth","payload":{"token":")" + alice_.token + R"("}})",
                                   R"({"token":")" + alice_.token + R"("})"}) {
    WsClient client = open("/ws");
    client.send_text(first);
    EXPECT_EQ(client.expect("auth:ok").at("userId"), json::value(alice_.id)) << first;
    client.expect_nothing();
  }
}

TEST_F(Socket, IsClosedWith4001ForBadTokens) {
  const std::string spent = ticket();
  open("/ws?ticket=" + spent).expect_nothing();
  for (const std::string& target :
       {std::string{"/ws?token="}, std::string{"/ws?token=x"}, "/ws?token=" + alice_.token + "x", "/ws?ticket=" + spent,
        std::string{"/ws?ticket=unknown"}}) {
    WsClient client = open(target);
    expect_closed(client, 4001, "Unauthorized");
  }
  WsClient silent = open("/ws");
  expect_closed(silent, 4001, "Unauthorized");
  WsClient wrong = open("/ws");
  wrong.send("call:offer", R"({"sdp":"s","userId":"u"})");
  expect_closed(wrong, 4001, "Unauthorized");
}

TEST_F(Socket, IsOpenOnlyToOwnAndAllowedOrigins) {
  const std::string target = "/ws?token=" + alice_.token;
  open(target, {{"Origin", "http://localhost:" + std::to_string(node_.port())}}).expect_nothing();
  open(target, {{"Origin", "https://chat.example.org"}}).expect_nothing();
  for (const char* origin : {"https://evil.example.org", "null", "https://chat.example.org.evil.org"}) {
    EXPECT_THROW(open(target, {{"Origin", origin}}), std::runtime_error) << origin;
  }
}

TEST_F(Socket, ANonsenseHandshakeIsRefused) {
  const std::string path = "/ws?token=" + alice_.token;
  const HttpReply plain = node_.call({.method = "GET", .target = path, .headers = {}, .body = {}, .token = {}});
  EXPECT_EQ(plain.status, 426);
  const HttpReply old = node_.call({.method = "GET",
                                    .target = path,
                                    .headers = {{"Connection", "Upgrade"},
                                                {"Upgrade", "websocket"},
                                                {"Sec-WebSocket-Version", "8"},
                                                {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}},
                                    .body = {},
                                    .token = {}});
  EXPECT_EQ(old.status, 426);
  EXPECT_EQ(old.header("sec-websocket-version"), "13");
}

TEST_F(Socket, FragmentsControlFramesAndBinaryTextAreUnderstood) {
  WsClient client = open("/ws?token=" + alice_.token);
  client.send_frame({.opcode = WsOpcode::Text, .payload = R"({"event":"client)", .fin = false});
  client.send_frame({.opcode = WsOpcode::Ping, .payload = "between"});
  client.send_frame({.opcode = WsOpcode::Continuation, .payload = R"(:hello"})", .fin = true});
  client.expect("server:hello");
  client.send_frame({.opcode = WsOpcode::Binary, .payload = R"({"event":"client:hello"})"});
  client.expect("server:hello");
  client.close(1000);
  const WsIncoming end = client.next();
  EXPECT_EQ(end.kind, WsIncoming::Kind::Closed);
  EXPECT_EQ(end.code, 1000);
}

TEST_F(Socket, BrokenFramesEndItWithTheirCode) {
  struct Case {
    const char* what;
    WsFrame frame;
    std::uint16_t code;
  };
  const std::vector<Case> cases{
      {"unmasked", {.opcode = WsOpcode::Text, .payload = "{}", .masked = false}, 1002},
      {"reserved bits", {.opcode = WsOpcode::Text, .payload = "{}", .reserved = 4}, 1002},
      {"unknown opcode", {.opcode = static_cast<WsOpcode>(3), .payload = "{}"}, 1002},
      {"fragmented control frame", {.opcode = WsOpcode::Ping, .payload = "p", .fin = false}, 1002},
      {"long control frame", {.opcode = WsOpcode::Ping, .payload = std::string(126, 'p')}, 1002},
      {"continuation of nothing", {.opcode = WsOpcode::Continuation, .payload = "{}"}, 1002},
      {"close code of one byte", {.opcode = WsOpcode::Close, .payload = "x"}, 1002},
      {"forbidden close code", {.opcode = WsOpcode::Close, .payload = std::string{"\x03\xed", 2}}, 1002},
      {"not UTF-8", {.opcode = WsOpcode::Text, .payload = "\xff\xfe"}, 1007},
      {"overlong UTF-8", {.opcode = WsOpcode::Text, .payload = "\xc0\xaf"}, 1007},
      {"not UTF-8 in the close reason", {.opcode = WsOpcode::Close, .payload = std::string{"\x03\xe8\xff", 3}}, 1007},
      {"too long", {.opcode = WsOpcode::Text, .payload = std::string(256 * 1024 + 1, ' ')}, 1009},
  };
  for (const Case& broken : cases) {
    WsClient client = open("/ws?token=" + alice_.token);
    client.send_frame(broken.frame);
    const WsIncoming end = client.next();
    EXPECT_EQ(end.kind, WsIncoming::Kind::Closed) << broken.what;
    EXPECT_EQ(end.code, broken.code) << broken.what;
    EXPECT_EQ(client.tcp().read_all(), "") << broken.what;
  }
}

TEST_F(Socket, TokensAndTicketsAreInNoLogLine) {
  const std::string used = ticket();
  open("/ws?ticket=" + used).expect_nothing();
  open("/ws?token=" + alice_.token + "&device=phone").expect_nothing();
  node_.call({.method = "GET", .target = "/api/auth/me?token=" + alice_.token, .headers = {}, .body = {}, .token = {}});
  const std::string log = node_.log();
  ASSERT_NE(log.find("/ws"), std::string::npos) << "the access log is on";
  EXPECT_EQ(log.find(used), std::string::npos);
  EXPECT_EQ(log.find(alice_.token.substr(0, 20)), std::string::npos);
  EXPECT_EQ(log.find("a long password"), std::string::npos);
}

TEST_F(Socket, LogoutAndDisablingEndSockets) {
  WsClient client = open("/ws?token=" + alice_.token);
  client.expect_nothing();
  EXPECT_EQ(
      node_.call({.method = "POST", .target = "/api/auth/logout", .headers = {}, .body = {}, .token = alice_.token})
          .status,
      204);
  expect_closed(client, 4001, "Unauthorized");
}

}  // namespace
}  // namespace zvonok::test
