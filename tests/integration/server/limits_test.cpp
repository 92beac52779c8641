// Every limit of the edge: its setting, what a client meets there, and the counter that tells the operator.
#include <fstream>

#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {
namespace {

std::string closed(const std::string& reason) {
  return "zvonok_connections_closed_total{reason=\"" + reason + "\"}";
}
const auto kOne = [](double value) { return value >= 1; };

std::string offer_to(const Person& callee) {
  return R"({"sdp":"s","userId":")" + callee.id + R"("})";
}

TEST(Limit, HeaderBytes) {
  TestNode node{[](app::Config& config) { config.http_header_bytes_max = 2048; }};
  const HttpReply reply = node.call({.method = "GET",
                                     .target = "/healthz",
                                     .headers = {{"X-Long", std::string(3000, 'x')}},
                                     .body = {},
                                     .token = {}});
  EXPECT_EQ(reply.status, 431);
  EXPECT_GE(node.metric("zvonok_requests_too_large_total"), 1);
}

TEST(Limit, BodyBytes) {
  TestNode node{[](app::Config& config) { config.http_body_bytes_max = 4096; }};
  TcpClient client{node.port()};
  client.send("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 413);
  TcpClient chunked{node.port()};
  chunked.send("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" +
               std::string(5000, 'a') + "\r\n");
  EXPECT_EQ(chunked.read_reply()->status, 413);
  EXPECT_GE(node.metric("zvonok_requests_too_large_total"), 2);
}

TEST(Limit, PagesOfOtherOriginsReadWhatIsRefusedForItsBody) {
  TestNode node{[](app::Config& config) {
    config.http_body_bytes_max = 4096;
    config.http_body_timeout = milliseconds{100};
    config.cors_allowed_origins = {"https://chat.example.org"};
  }};
  const auto allowed = [&](const std::string& path, const std::string& origin, const std::string& length) {
    TcpClient client{node.port()};
    client.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nOrigin: " + origin + "\r\nContent-Length: " + length +
                "\r\n\r\n");
    const auto reply = client.read_reply();
    return std::to_string(reply->status) + " " + reply->header("access-control-allow-origin");
  };
  for (const char* path : {"/api/auth/login", "/socket.io/?EIO=4&transport=polling&sid=x"}) {
    EXPECT_EQ(allowed(path, "https://chat.example.org", "1000000000"), "413 https://chat.example.org") << path;
    EXPECT_EQ(allowed(path, "https://evil.example", "1000000000"), "413 ") << path;
    EXPECT_EQ(allowed(path, "https://chat.example.org", "10"), "408 https://chat.example.org") << path;
  }
}

TEST(Limit, TimeForAHeaderAndABody) {
  TestNode node{[](app::Config& config) {
    // Long enough for a client that the machine holds up between two lines.
    config.http_header_timeout = milliseconds{700};
    config.http_body_timeout = milliseconds{700};
    config.http_keep_alive_timeout = milliseconds{700};
  }};
  TcpClient silent{node.port()};
  EXPECT_EQ(silent.read_all(), "");
  TcpClient slow{node.port()};
  slow.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_EQ(slow.read_reply()->status, 408);
  EXPECT_EQ(slow.read_all(), "");
  TcpClient body{node.port()};
  body.send("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(body.read_reply()->status, 408);
  TcpClient idle{node.port()};
  idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(idle.read_reply()->status, 200);
  EXPECT_EQ(idle.read_all(), "");
  node.await_metric(closed("header_timeout"), [](double count) { return count >= 2; });
  node.await_metric(closed("body_timeout"), kOne);
  node.await_metric(closed("keep_alive_timeout"), kOne);
}

TEST(Limit, ConnectionsPerAddress) {
  TestNode node{[](app::Config& config) { config.connections_per_ip_max = 3; }};
  const Person alice = node.person("alice");
  // Two that are proven (a WebSocket each), one that never said anything: it gives its place to the next.
  WsClient first = node.connect(alice);
  WsClient second = node.connect(alice);
  TcpClient mute{node.port()};
  node.call({.method = "GET", .target = "/healthz", .headers = {}, .body = {}, .token = {}});
  EXPECT_EQ(mute.read_all(), "");
  EXPECT_GE(node.metric(closed("evicted")), 1);
  WsClient third = node.connect(alice);
  // All three places are taken by live WebSockets: the next is refused, others are not touched.
  TcpClient refused{node.port()};
  refused.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(refused.read_all(), "");
  TcpClient elsewhere{node.port(), {.tls = false, .source_address = "127.0.0.9", .receive_buffer = 0}};
  elsewhere.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto reply = elsewhere.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_NE(reply->body.find(closed("refused") + " 1"), std::string::npos) << reply->body;
  first.expect_nothing();
  third.expect_nothing();
}

TEST(Limit, ConnectionsAtOnce) {
  TestNode node{[](app::Config& config) { config.connections_max = 2; }};
  const Person alice = node.person("alice");
  WsClient stays = node.connect(alice);
  {
    WsClient leaves = node.connect(alice);
    TcpClient refused{node.port()};
    refused.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(refused.read_all(), "");
    leaves.close();
    EXPECT_EQ(leaves.next().kind, WsIncoming::Kind::Closed);
    EXPECT_EQ(leaves.tcp().read_all(), "");
    leaves.tcp().reset();
  }
  stays.expect_nothing();
  EXPECT_GE(node.metric(closed("refused")), 1);
}

TEST(Limit, SocketsOfAUser) {
  TestNode node{[](app::Config& config) { config.ws_sockets_per_user_max = 2; }};
  const Person alice = node.person("alice");
  WsClient first = node.connect(alice, "a");
  WsClient second = node.connect(alice, "b");
  WsClient third = node.connect(alice, "c");
  const WsIncoming end = third.next();
  EXPECT_EQ(end.code, 4029);
  EXPECT_EQ(end.reason, "Too many connections");
  first.expect_nothing();
  EXPECT_GE(node.metric("zvonok_ws_too_many_total"), 1);
}

TEST(Limit, UnauthenticatedTime) {
  TestNode node{[](app::Config& config) { config.ws_auth_timeout = milliseconds{50}; }};
  WsClient client{node.port(), WsOpenOptions{}};
  EXPECT_EQ(client.next().code, 4001);
  EXPECT_GE(node.metric("zvonok_ws_auth_timeouts_total"), 1);
}

TEST(Limit, MessageBytesAndFragments) {
  TestNode node{[](app::Config& config) {
    config.ws_message_bytes_max = 2000;
    config.ws_fragments_max = 4;
  }};
  const Person alice = node.person("alice");
  WsClient large = node.connect(alice);
  large.send_text(std::string(2001, ' '));
  EXPECT_EQ(large.next().code, 1009);
  WsClient pieces = node.connect(alice);
  pieces.send_frame({.opcode = WsOpcode::Text, .payload = "{", .fin = false});
  for (int i = 0; i < 4; ++i) pieces.send_frame({.opcode = WsOpcode::Continuation, .payload = " ", .fin = false});
  const WsIncoming end = pieces.next();
  EXPECT_TRUE(end.code == 1008 || end.code == 1009) << end.code;
  WsClient promise = node.connect(alice);
  promise.tcp().send(std::string{"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10});  // a frame of 2^63 - 1 bytes
  EXPECT_EQ(promise.next().code, 1009);
  node.await_metric(closed("protocol_error"), [](double value) { return value >= 3; });
}

TEST(Limit, MessageRateReadsSlowerAndLosesNothing) {
  TestNode node{[](app::Config& config) {
    config.ws_messages_burst = 10;
    config.ws_messages_per_second = 200;
  }};
  const Person alice = node.person("alice");
  WsClient client = node.connect(alice);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) client.send("client:hello");
  for (int i = 0; i < 100; ++i) client.expect("server:hello");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{300});  // 90 messages at 200 a second
  EXPECT_GE(node.metric("zvonok_ws_slowed_total"), 1);
}

TEST(Limit, PingsCountAsMessages) {
  TestNode node{[](app::Config& config) {
    config.ws_messages_burst = 10;
    config.ws_messages_per_second = 200;
  }};
  const Person alice = node.person("alice");
  WsClient client = node.connect(alice);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) client.send_frame({.opcode = WsOpcode::Ping, .payload = "p"});
  client.send("client:hello");
  client.expect("server:hello");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{300});
  EXPECT_GE(node.metric("zvonok_ws_slowed_total"), 1);
}

TEST(Limit, UnreadOutputOfASocket) {
  TestNode node{[](app::Config& config) { config.ws_send_queue_bytes_max = 64 * 1024; }};
  const Person alice = node.person("alice");
  const Person bob = node.person("bob");
  WsClient a = node.connect(alice);
  WsClient b{node.port(), WsOpenOptions{.target = "/ws?token=" + bob.token,
                                        .headers = {},
                                        .connect = {.tls = false, .source_address = {}, .receive_buffer = 4096}}};
  a.send("call:offer", offer_to(bob));
  b.expect("call:offer");
  b.send("call:answer", R"({"sdp":"s"})");
  a.expect("call:answer");
  const std::string large = R"({"candidate":")" + std::string(60'000, 'c') + "\"}";
  for (int i = 0; i < 200; ++i) a.send("call:ice", large);
  node.await_metric(closed("slow_consumer"), kOne);
}

TEST(Limit, OutputThatNobodyTakes) {
  const TempFolder web;
  std::ofstream{web.path() + "/large.bin"} << std::string(4 << 20, 'x');
  TestNode node{[&](app::Config& config) {
    config.write_stall_timeout = milliseconds{200};
    config.web_root = web.path();
  }};
  TcpClient client{node.port(), {.tls = false, .source_address = {}, .receive_buffer = 4096}};
  client.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
  node.await_metric(closed("write_stalled"), kOne);
}

TEST(Limit, SilenceOfASocket) {
  TestNode node{[](app::Config& config) {
    config.ws_ping_interval = milliseconds{50};
    config.ws_pong_timeout = milliseconds{100};
  }};
  const Person alice = node.person("alice");
  WsClient client = node.connect(alice);  // never reads, so never answers a ping
  node.await_metric(closed("pong_timeout"), kOne);
}

TEST(Limit, PasswordQueue) {
  TestNode node{[](app::Config& config) {
    config.password_queue_max = 1;
    config.password_memory_kib = 64 * 1024;
    config.password_passes = 4;
  }};
  std::vector<TcpClient> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back(node.port());
    clients.back().send(
        request_bytes({.method = "POST",
                       .target = "/api/auth/register",
                       .headers = {},
                       .body = R"({"email":"u)" + std::to_string(i) + R"(@example.org","password":"a long password"})",
                       .token = {}}));
  }
  int full = 0;
  for (TcpClient& client : clients) {
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->status == 201 || reply->status == 503) << reply->status;
    if (reply->status != 503) continue;
    ++full;
    EXPECT_FALSE(reply->header("retry-after").empty());
  }
  EXPECT_GE(full, 1);
  EXPECT_LT(full, 12);
  EXPECT_EQ(node.metric("zvonok_password_queue_refused_total"), full);
}

TEST(Limit, WrongPasswords) {
  TestNode node{[](app::Config& config) { config.login_failures_per_account = 3; }};
  const Person alice = node.person("alice");
  const auto login = [&](const std::string& password) {
    return node.call({.method = "POST",
                      .target = "/api/auth/login",
                      .headers = {},
                      .body = R"({"email":")" + alice.email + R"(","password":")" + password + "\"}",
                      .token = {}});
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(login("wrong password").status, 401);
  const HttpReply throttled = login("wrong password");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_FALSE(throttled.header("retry-after").empty());
  EXPECT_EQ(node.metric("zvonok_http_responses_total{code=\"429\"}"), 1);
}

}  // namespace
}  // namespace zvonok::test
