// The program as an operator meets it: commands, signals, restarts.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "support/self_signed.h"
#include "support/server_process.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

struct Ran {
  int status = 0;
  std::string output;
};

class Program : public ::testing::Test {
 protected:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  [[nodiscard]] ProcessOptions options(std::vector<std::string> arguments, const Environment& extra = {}) const {
    ProcessOptions out{.arguments = std::move(arguments), .environment = {}, .input = {}, .folder = folder_.path()};
    out.environment = {{"SERVER_PORT", std::to_string(port_)}, {"BIND_ADDRESS", "127.0.0.1"},
                       {"DATA_DIR", folder_.path() + "/data"}, {"NODE_NAME", "test"},
                       {"PASSWORD_MEMORY_KIB", "8"},           {"PASSWORD_PASSES", "1"}};
    out.environment.insert(out.environment.end(), extra.begin(), extra.end());
    return out;
  }
  [[nodiscard]] Ran run(std::vector<std::string> arguments, const std::string& input = {},
                        const Environment& extra = {}) const {
    ProcessOptions wanted = options(std::move(arguments), extra);
    wanted.input = input;
    ServerProcess process{wanted};
    const int status = process.wait();
    return Ran{status, process.output()};
  }
  [[nodiscard]] std::unique_ptr<ServerProcess> serve(const Environment& extra = {}) const {
    auto process = std::make_unique<ServerProcess>(options({"serve"}, extra));
    process->await_output("Backend running on port " + std::to_string(port_) + " (HTTP + WebSocket /ws)");
    return process;
  }
  [[nodiscard]] Person login(const std::string& email, const std::string& password = "a long password") const {
    const HttpReply reply = http(port_, {.method = "POST",
                                         .target = "/api/auth/login",
                                         .headers = {},
                                         .body = R"({"email":")" + email + R"(","password":")" + password + "\"}",
                                         .token = {}});
    if (reply.status != 200) throw std::runtime_error{std::to_string(reply.status) + " " + reply.body};
    const json::value answer = json::parse(reply.body);
    return Person{.id = std::string{answer.at("user").at("id").as_string()},
                  .email = email,
                  .token = std::string{answer.at("access_token").as_string()},
                  .refresh_token = std::string{answer.at("refresh_token").as_string()}};
  }
  void add(const std::string& name) const {
    const Ran added = run({"user", "add", name + "@example.org", "--name", name}, "a long password\n");
    ASSERT_EQ(added.status, 0) << added.output;
  }
  /// A call between two users over `a` and `b`.
  void establish(WsClient& a, WsClient& b, const Person& bob) const {
    a.send("call:offer", R"({"sdp":"s","userId":")" + bob.id + "\"}");
    b.expect("call:offer");
    b.send("call:answer", R"({"sdp":"s"})");
    a.expect("call:answer");
  }

  TempFolder folder_;
  std::uint16_t port_ = free_port();
};

TEST_F(Program, ExplainsItselfAndRefusesNonsenseClearly) {
  EXPECT_EQ(run({"version"}).output, run({"--version"}).output);
  const Ran help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"serve", "config", "migrate", "user", "token", "doctor", "version"}) {
    EXPECT_NE(help.output.find(std::string{"\n  "} + command), std::string::npos) << command;
    EXPECT_EQ(run({command, "--help"}).status, 0) << command;
  }
  EXPECT_EQ(run({}).status, 2);
  EXPECT_EQ(run({"sing"}).status, 2);
  const Ran port = run({"serve", "--server-port", "70000"});
  EXPECT_EQ(port.status, 2);
  EXPECT_NE(port.output.find("SERVER_PORT"), std::string::npos) << port.output;
  const Ran secret = run({"serve"}, {}, {{"JWT_SECRET", "too short"}});
  EXPECT_EQ(secret.status, 2);
  EXPECT_NE(secret.output.find("JWT_SECRET"), std::string::npos) << secret.output;
  EXPECT_EQ(secret.output.find("too short"), std::string::npos) << secret.output;
}

TEST_F(Program, ConfigSaysWhatIsInForceAndKeepsSecrets) {
  std::ofstream{folder_.path() + "/.env"} << "CALL_RING_TIMEOUT=7s\nSERVER_PORT=1\n";
  const Ran shown = run({"config", "--log-level", "debug"}, {}, {{"POSTGRES_PASSWORD", "hush"}});
  EXPECT_EQ(shown.status, 0);
  EXPECT_NE(shown.output.find("CALL_RING_TIMEOUT=7s"), std::string::npos) << shown.output;
  EXPECT_NE(shown.output.find("SERVER_PORT=" + std::to_string(port_)), std::string::npos) << shown.output;
  EXPECT_NE(shown.output.find("LOG_LEVEL=debug"), std::string::npos) << shown.output;
  EXPECT_EQ(shown.output.find("hush"), std::string::npos) << shown.output;
}

TEST_F(Program, UsersAndTokensAreMadeByCommands) {
  add("alice");
  EXPECT_NE(run({"user", "add", "alice@example.org"}, "a long password\n").status, 0) << "the address is taken";
  EXPECT_NE(run({"user", "list"}).output.find("alice@example.org"), std::string::npos);
  const auto server = serve();
  const Person alice = login("alice@example.org");
  const Ran token = run({"token", "issue", "--user", alice.id, "--ttl", "5m"});
  ASSERT_EQ(token.status, 0) << token.output;
  // Standard error shares the pipe: the token is the last line.
  std::string text = token.output;
  text.pop_back();
  text = text.substr(text.rfind('\n') + 1);
  WsClient socket{port_, text};
  socket.expect_nothing();
  EXPECT_EQ(run({"user", "disable", "alice@example.org"}).status, 0);
  EXPECT_THROW(static_cast<void>(login("alice@example.org")), std::runtime_error);
  EXPECT_EQ(run({"user", "enable", alice.id}).status, 0);
  EXPECT_EQ(login("alice@example.org").id, alice.id);
}

TEST_F(Program, MigrateAndDoctorReport) {
  EXPECT_EQ(run({"migrate"}).status, 0);
  EXPECT_NE(run({"migrate", "--status"}).output.find("add_webrtc_fields_to_calls"), std::string::npos);
  const Ran healthy = run({"doctor"});
  EXPECT_EQ(healthy.status, 0) << healthy.output;
  const Ran sick = run({"doctor"}, {}, {{"POSTGRES_HOST", "127.0.0.1"}, {"POSTGRES_PORT", std::to_string(port_)}});
  EXPECT_NE(sick.status, 0);
}

TEST_F(Program, SecretsOnDiskAreForTheOwnerOnly) {
  const auto server = serve();
  for (const auto& entry : std::filesystem::directory_iterator{folder_.path() + "/data"}) {
    struct stat info{};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0U) << entry.path();
  }
}

TEST_F(Program, ATakenPortIsNamed) {
  const auto first = serve();
  const Ran second = run({"serve"});
  EXPECT_NE(second.status, 0);
  EXPECT_NE(second.output.find(std::to_string(port_)), std::string::npos) << second.output;
}

TEST_F(Program, TermEndsAnIdleServerAtOnceAndTellsSockets) {
  add("alice");
  const auto server = serve();
  WsClient socket{port_, login("alice@example.org").token};
  socket.expect_nothing();
  server->signal(SIGTERM);
  const WsIncoming end = socket.next();
  EXPECT_EQ(end.code, 1001);
  socket.close(1001);
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(Program, TermLetsARunningCallEnd) {
  add("alice");
  add("bob");
  const auto server = serve({{"SHUTDOWN_TIMEOUT", "15s"}});
  const Person alice = login("alice@example.org");
  const Person bob = login("bob@example.org");
  {
    WsClient a{port_, alice.token};
    WsClient b{port_, bob.token};
    establish(a, b, bob);
    server->signal(SIGTERM);
    server->await_output("shutting down");
    a.send("call:ice", R"({"candidate":"still here"})");
    EXPECT_EQ(b.expect("call:ice").at("candidate"), "still here");
    b.send("call:hangup", "{}");
    EXPECT_EQ(a.expect("call:hangup").at("reason"), "hangup");
    EXPECT_EQ(a.next().code, 1001);
  }
  EXPECT_EQ(server->wait(), 0);
  const auto again = serve();
  const HttpReply history =
      http(port_, {.method = "GET", .target = "/api/calls/history", .headers = {}, .body = {}, .token = alice.token});
  EXPECT_EQ(json::parse(history.body).at("calls").at(0).at("status"), "completed");
}

TEST_F(Program, TermEndsCallsThatOutliveTheTimeout) {
  add("alice");
  add("bob");
  const auto server = serve({{"SHUTDOWN_TIMEOUT", "300ms"}});
  const Person bob = login("bob@example.org");
  WsClient a{port_, login("alice@example.org").token};
  WsClient b{port_, bob.token};
  establish(a, b, bob);
  server->signal(SIGTERM);
  EXPECT_EQ(a.expect("call:hangup").at("reason"), "server-shutdown");
  EXPECT_EQ(a.next().code, 1001);
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(Program, CallsThatACrashCutOffAreClosedAtTheNextStart) {
  add("alice");
  add("bob");
  auto server = serve();
  const Person alice = login("alice@example.org");
  const Person bob = login("bob@example.org");
  {
    WsClient a{port_, alice.token};
    WsClient b{port_, bob.token};
    establish(a, b, bob);
    const HttpCall ask{
        .method = "GET", .target = "/api/calls/history", .headers = {}, .body = {}, .token = alice.token};
    EXPECT_EQ(json::parse(http(port_, ask).body).at("calls").at(0).at("status"), "active");
    server->signal(SIGKILL);
    EXPECT_EQ(server->wait(), 128 + SIGKILL);
  }
  server = serve();
  const HttpReply history =
      http(port_, {.method = "GET", .target = "/api/calls/history", .headers = {}, .body = {}, .token = alice.token});
  const json::value call = json::parse(history.body).at("calls").at(0);
  EXPECT_EQ(call.at("reason"), "server-shutdown") << history.body;
  EXPECT_FALSE(call.at("end_time").is_null());
}

TEST_F(Program, PhoneProvidersNameTheSettingThatTheyMiss) {
  const std::pair<const char*, const char*> providers[] = {{"twilio", "VOIP_ACCOUNT_SID"}, {"sip", "VOIP_SIP_SERVER"}};
  for (const auto& [provider, setting] : providers) {
    const Ran ran = run({"serve"}, {}, {{"VOIP_PROVIDER", provider}});
    EXPECT_NE(ran.status, 0);
    EXPECT_NE(ran.output.find(setting), std::string::npos) << ran.output;
  }
}

TEST_F(Program, SaysAtStartThatStrangersMayDialEveryCountry) {
  Environment settings{{"VOIP_PROVIDER", "twilio"},
                       {"VOIP_ACCOUNT_SID", "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
                       {"VOIP_AUTH_TOKEN", "your_auth_token"},
                       {"VOIP_FROM_NUMBER", "+1234567890"}};
  EXPECT_NE(serve(settings)->output().find("lets strangers dial every country"), std::string::npos);
  settings.emplace_back("VOIP_ALLOW_PREFIXES", "+49");
  EXPECT_EQ(serve(settings)->output().find("strangers"), std::string::npos);
}

TEST_F(Program, HangupSignalReadsCertificatesAgain) {
  const std::string certificate = folder_.path() + "/cert.pem";
  const std::string key = folder_.path() + "/key.pem";
  write_self_signed("first.example.org", certificate, key);
  const auto server = serve({{"TLS_CERT", certificate}, {"TLS_KEY", key}});
  const ConnectOptions tls{.tls = true, .source_address = {}, .receive_buffer = 0};
  TcpClient before{port_, tls};
  EXPECT_EQ(before.peer_name(), "first.example.org");
  write_self_signed("second.example.org", certificate, key);
  server->signal(SIGHUP);
  server->await_output("reloaded");
  TcpClient after{port_, tls};
  EXPECT_EQ(after.peer_name(), "second.example.org");
  // Connections made before go on.
  before.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(before.read_reply()->status, 200);
  // A broken file is refused, and the server keeps what it has.
  std::ofstream{certificate} << "nonsense";
  server->signal(SIGHUP);
  server->await_output("the certificate is kept as it was");
  TcpClient still{port_, tls};
  EXPECT_EQ(still.peer_name(), "second.example.org");
}

TEST_F(Program, WebSocketsWorkOverTls) {
  write_self_signed("localhost", folder_.path() + "/cert.pem", folder_.path() + "/key.pem");
  add("alice");
  const auto server = serve({{"TLS_CERT", folder_.path() + "/cert.pem"}, {"TLS_KEY", folder_.path() + "/key.pem"}});
  const Ran token = run({"token", "issue", "--user", "unknown"});
  const ConnectOptions tls{.tls = true, .source_address = {}, .receive_buffer = 0};
  TcpClient client{port_, tls};
  client.send(request_bytes({.method = "POST",
                             .target = "/api/auth/login",
                             .headers = {},
                             .body = R"({"email":"alice@example.org","password":"a long password"})",
                             .token = {}}));
  const json::value answer = json::parse(client.read_reply()->body);
  WsClient socket{port_, WsOpenOptions{.target = "/ws?token=" + std::string{answer.at("access_token").as_string()},
                                       .headers = {},
                                       .connect = tls}};
  for (int i = 0; i < 200; ++i) socket.send("client:hello");
  for (int i = 0; i < 200; ++i) socket.expect("server:hello");
}

TEST_F(Program, TheLoadTestGoesOverTlsToWhomItTrusts) {
  write_self_signed("localhost", folder_.path() + "/cert.pem", folder_.path() + "/key.pem");
  const std::string secret = "a secret that is long enough for tokens";
  const auto server = serve({{"TLS_CERT", folder_.path() + "/cert.pem"},
                             {"TLS_KEY", folder_.path() + "/key.pem"},
                             {"JWT_SECRET", secret},
                             {"AUTH_PROVISION", "jit"}});
  const std::vector<std::string> load{"loadtest",  "--url",      "wss://localhost:" + std::to_string(port_),
                                      "--secret",  secret,       "--subscribers",
                                      "2",         "--duration", "300ms",
                                      "--warm-up", "100ms"};
  const Ran distrusted = run(load);
  EXPECT_THAT(distrusted.output, testing::HasSubstr("certificate"));
  EXPECT_THAT(distrusted.output, testing::HasSubstr("joined                    0 of 3"));
  std::vector<std::string> insecure = load;
  insecure.emplace_back("--insecure");
  EXPECT_THAT(run(insecure).output, testing::HasSubstr("joined                    3 of 3"));
}

TEST_F(Program, JsonLogsAreJsonAndHoldNoSecrets) {
  add("alice");
  const auto server = serve({{"LOG_FORMAT", "json"}, {"LOG_LEVEL", "trace"}});
  const Person alice = login("alice@example.org");
  WsClient{port_, alice.token}.expect_nothing();
  server->signal(SIGTERM);
  server->wait();
  std::istringstream lines{server->output()};
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    boost::system::error_code error;
    json::parse(line, error);
    EXPECT_FALSE(error) << line;
  }
  EXPECT_GE(count, 4);
  EXPECT_EQ(server->output().find(alice.token), std::string::npos);
  EXPECT_EQ(server->output().find("a long password"), std::string::npos);
}

}  // namespace
}  // namespace zvonok::test
