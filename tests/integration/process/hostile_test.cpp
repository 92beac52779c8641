// What an attacker sends: enormous, endless, half-open and random. The server lives, answers others, and gives the
// memory back. Against the program itself, so that its memory and descriptors are its own.
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/server_process.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

class Hostile : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<ServerProcess> serve(
      std::vector<std::pair<std::string, std::string>> environment = {}) const {
    environment.insert(environment.end(), {{"SERVER_PORT", std::to_string(port_)},
                                           {"BIND_ADDRESS", "127.0.0.1"},
                                           {"DATA_DIR", folder_.path() + "/data"},
                                           {"JWT_SECRET", "a secret of tests that is 32 bytes long or more"},
                                           {"PASSWORD_MEMORY_KIB", "8"},
                                           {"LOG_LEVEL", "error"},
                                           {"METRICS_ACCESS", "any"},
                                           {"PASSWORD_PASSES", "1"}});
    auto process = std::make_unique<ServerProcess>(ProcessOptions{.arguments = {"serve", "--log-level", "info"},
                                                                  .environment = environment,
                                                                  .input = {},
                                                                  .folder = folder_.path()});
    process->await_output("Backend running");
    return process;
  }
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string text =
        http(port_, {.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .token = {}}).body;
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) throw std::runtime_error{"no metric " + name};
    return std::stod(text.substr(at + name.size() + 2));
  }
  [[nodiscard]] double resident() const { return metric("process_resident_memory_bytes"); }
  /// Sanitizers keep freed memory on purpose: there the bytes say nothing.
  void expect_growth_below(double megabytes, double before) const {
#ifndef ZVONOK_SANITIZED
    EXPECT_LT(resident() - before, megabytes * kMegabyte);
#else
    EXPECT_GT(resident(), 0) << "after " << before / kMegabyte << " MB, and " << megabytes << " more at most";
#endif
  }
  [[nodiscard]] std::string token() const {
    const HttpReply reply = http(port_, {.method = "POST",
                                         .target = "/api/auth/register",
                                         .headers = {},
                                         .body = R"({"email":"alice@example.org","password":"a long password"})",
                                         .token = {}});
    return std::string{boost::json::parse(reply.body).at("access_token").as_string()};
  }
  void expect_well(ServerProcess& server) const {
    EXPECT_EQ(http(port_, {}).status, 200);
    EXPECT_EQ(http(port_, {.method = "GET", .target = "/readyz", .headers = {}, .body = {}, .token = {}}).status, 200);
    EXPECT_EQ(server.output().find("Sanitizer"), std::string::npos) << server.output();
  }

  static constexpr double kMegabyte = 1 << 20;
  TempFolder folder_;
  std::uint16_t port_ = free_port();
};

TEST_F(Hostile, AGigabyteOfBodyIsRefusedEarly) {
  const auto server = serve();
  const double before = resident();
  const std::string block(1 << 20, 'a');
  for (const std::string framing : {"Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
    TcpClient client{port_};
    client.send("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing);
    if (framing[0] == 'C') {
      // Announced: refused before the first byte of it.
      const auto reply = client.read_reply();
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->status, 413);
    }
    // What is sent nevertheless is thrown away, for a moment, so that a client that writes first sees the answer.
    for (int i = 0; i < 1024 && client.send(framing[0] == 'T' ? "100000\r\n" + block + "\r\n" : block); ++i) {
    }
  }
  expect_growth_below(32, before);
  expect_well(*server);
}

TEST_F(Hostile, AFiveMegabyteFrameEndsItsSocketOnly) {
  const auto server = serve();
  const std::string alice = token();
  WsClient other{port_, alice, "other"};
  WsClient client{port_, alice, "hostile"};
  const double before = resident();
  client.send_text(std::string(5 << 20, 'x'));
  WsIncoming end;
  try {
    end = client.next();
    EXPECT_EQ(end.code, 1009);
  } catch (const std::runtime_error&) {
    // The server may have ended the connection while we were still sending.
  }
  other.expect_nothing();
  expect_growth_below(16, before);
  expect_well(*server);
}

TEST_F(Hostile, TenThousandHalfOpenConnectionsShutNobodyOut) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  constexpr std::size_t kConnections = 10'000;
  ASSERT_GE(files.rlim_cur, kConnections + 200) << "raise the hard limit of open files (ulimit -Hn)";
  const auto server = serve({{"HTTP_HEADER_TIMEOUT", "4s"}});
  const std::string alice = token();
  WsClient witness{port_, alice};
  const double before = resident();
  {
    std::vector<TcpClient> half_open;
    for (std::size_t i = 0; i < kConnections; ++i) {
      half_open.emplace_back(
          port_,
          ConnectOptions{.tls = false, .source_address = "127.0.1." + std::to_string(1 + i % 10), .receive_buffer = 0});
      if (i % 2 == 0) half_open.back().send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow:");
    }
    expect_well(*server);
    witness.expect_nothing();
    // And from one address alone, which may hold 1,100.
    for (std::size_t i = 0; i < 2000; ++i) half_open[i] = TcpClient{port_};
    expect_well(*server);
    witness.expect_nothing();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (metric("zvonok_connections") > 10 && std::chrono::steady_clock::now() < end) {
    }
    EXPECT_LE(metric("zvonok_connections"), 10) << "half-open connections end by the header timeout";
  }
  expect_growth_below(64, before);
}

TEST_F(Hostile, RandomBytesOnEveryEndpointHarmNobody) {
  const auto server = serve();
  const std::string alice = token();
  WsClient witness{port_, alice, "witness"};
  std::mt19937_64 random{20240501};
  const auto noise = [&](std::size_t most) {
    std::string out(random() % most, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
  };
  const std::vector<std::string> targets{"/",
                                         "/ws",
                                         "/api/auth/login",
                                         "/api/auth/register",
                                         "/metrics",
                                         "/api/users",
                                         "/api/chats",
                                         "/api/calls/history",
                                         "/api/auth/refresh",
                                         "/openapi.yaml",
                                         "/readyz",
                                         "/api/auth/ws-ticket"};
  const std::vector<std::string> methods{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"};
  for (int i = 0; i < 1500; ++i) {
    TcpClient client{port_};
    const std::string& target = targets[random() % targets.size()];
    switch (random() % 4) {
      case 0: client.send(noise(2000)); break;
      case 1:
        client.send(methods[random() % methods.size()] + " " + target + " HTTP/1.1\r\nHost: x\r\n" + noise(500) +
                    "\r\n\r\n");
        break;
      case 2:
        client.send(request_bytes({.method = methods[random() % methods.size()],
                                   .target = target,
                                   .headers = {},
                                   .body = noise(3000),
                                   .token = alice}));
        break;
      default:
        client.send(request_bytes({.method = "GET",
                                   .target = target + "?" + std::to_string(random()),
                                   .headers = {{"Range", "bytes=" + std::to_string(random()) + "-"}},
                                   .body = {},
                                   .token = alice}));
        break;
    }
    if (random() % 2 == 0) client.reset();
  }
  for (int i = 0; i < 300; ++i) {
    WsClient client{port_, alice, "noise"};
    if (i % 2 == 0) client.tcp().send(noise(3000));
    for (int k = 0; k < 5; ++k) {
      client.send_frame(
          {.opcode = static_cast<WsOpcode>(random() % 16), .payload = noise(200), .fin = random() % 2 == 0});
    }
    client.tcp().reset();
  }
  witness.expect_nothing();
  expect_well(*server);
}

TEST_F(Hostile, AReaderThatNeverReadsIsLetGoAndOthersAreNotSlowed) {
  const auto server = serve();
  const std::string alice = token();
  WsClient witness{port_, alice, "witness"};
  WsClient deaf{port_, WsOpenOptions{.target = "/ws?device=deaf&token=" + alice,
                                     .headers = {},
                                     .connect = {.tls = false, .source_address = {}, .receive_buffer = 4096}}};
  std::string flood;
  for (int i = 0; i < 200; ++i) flood += frame_bytes({.opcode = WsOpcode::Text, .payload = "not JSON"});
  // Whoever sends without reading is not read from for ever; sending ends in one way or the other.
  const double before = resident();
  for (int i = 0; i < 50; ++i) deaf.tcp().send(flood);
  witness.expect_nothing();
  expect_growth_below(32, before);
  expect_well(*server);
}

}  // namespace
}  // namespace zvonok::test
