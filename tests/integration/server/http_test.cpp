// HTTP/1.1 as clients meet it: framing, static files, policy headers.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {
namespace {

HttpCall get(const std::string& target, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.method = "GET", .target = target, .headers = std::move(headers), .body = {}, .token = {}};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << text;
}

/// A node with a small web app; the precompressed forms are recognisable texts.
class Web : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    const std::filesystem::path root{folder_->path()};
    write_file(root / "index.html", "<!doctype html><title>t</title>");
    write_file(root / "assets/app-0123abcd.js", std::string(3000, 'j'));
    write_file(root / "assets/app-0123abcd.js.br", "as brotli");
    write_file(root / "assets/app-0123abcd.js.gz", "as gzip");
    write_file(root / "plain.txt", "0123456789");
    write_file(std::filesystem::path{folder_->path() + ".secret"}, "outside");
    node_ = new TestNode{[](app::Config& config) {
      config.web_root = folder_->path();
      config.cors_allowed_origins = {"https://chat.example.org"};
    }};
  }
  static void TearDownTestSuite() {
    delete node_;
    std::filesystem::remove(folder_->path() + ".secret");
    delete folder_;
  }
  static HttpReply call(const HttpCall& request) { return node_->call(request); }

  static TempFolder* folder_;
  static TestNode* node_;
};
TempFolder* Web::folder_ = nullptr;
TestNode* Web::node_ = nullptr;

TEST_F(Web, AConnectionIsKeptForManyRequests) {
  TcpClient client{node_->port()};
  for (int i = 0; i < 100; ++i) {
    client.send(request_bytes(get("/healthz")));
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
  }
  client.send(request_bytes(get("/healthz", {{"Connection", "close"}})));
  EXPECT_EQ(client.read_reply()->header("connection"), "close");
  EXPECT_EQ(client.read_some(), "");
}

TEST_F(Web, PipelinedRequestsAreAnsweredInOrder) {
  TcpClient client{node_->port()};
  std::string all;
  // Slow answers (from the worker pool) stand between quick ones.
  for (int i = 0; i < 60; ++i) {
    all += request_bytes(get(i % 3 == 0 ? "/readyz" : "/healthz", {{"X-Request-Id", "r" + std::to_string(i)}}));
  }
  client.send(all);
  for (int i = 0; i < 60; ++i) {
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->header("x-request-id"), "r" + std::to_string(i));
  }
}

TEST_F(Web, ARequestMayComeByteByByteAndItsBodyInChunks) {
  TcpClient client{node_->port()};
  const std::string request =
      "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\n{\"ema\r\n1f;extension=1\r\nil\":\"n@example.org\",\"password\":\r\n4\r\n\"p\"}\r\n0\r\n\r\n";
  for (const char byte : request) client.send(std::string_view{&byte, 1});
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 401);
  EXPECT_EQ(reply->header("content-type"), "application/problem+json");
}

TEST_F(Web, ContinueIsSentToWhoAsksForIt) {
  TcpClient client{node_->port()};
  client.send(
      "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_exactly(25), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_EQ(client.read_reply()->status, 400);
}

TEST_F(Web, BrokenRequestsAreRefusedAndTheConnectionEnds) {
  const std::vector<std::string> requests{
      "GARBAGE\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",                                                         // no Host
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",                                   // two of them
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",  // smuggling
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
      std::string{"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29},
  };
  for (const std::string& request : requests) {
    TcpClient client{node_->port()};
    client.send(request);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << request;
    EXPECT_GE(reply->status, 400) << request;
    EXPECT_NE(reply->status, 500) << request;
    EXPECT_EQ(client.read_all(), "") << request;
  }
}

TEST_F(Web, FilesHaveTypesTagsAndRanges) {
  const HttpReply index = call(get("/"));
  EXPECT_EQ(index.status, 200);
  EXPECT_EQ(index.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(index.header("cache-control"), "no-cache");
  const HttpReply plain = call(get("/plain.txt"));
  EXPECT_EQ(plain.body, "0123456789");
  EXPECT_EQ(call(get("/plain.txt", {{"If-None-Match", plain.header("etag")}})).status, 304);
  EXPECT_EQ(call(get("/plain.txt", {{"If-None-Match", "\"other\""}})).status, 200);
  const HttpReply part = call(get("/plain.txt", {{"Range", "bytes=2-4"}}));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(call(get("/plain.txt", {{"Range", "bytes=-3"}})).body, "789");
  EXPECT_EQ(call(get("/plain.txt", {{"Range", "bytes=7-"}})).body, "789");
  EXPECT_EQ(call(get("/plain.txt", {{"Range", "bytes=10-"}})).status, 416);
  EXPECT_EQ(call(get("/plain.txt", {{"Range", "lines=1-2"}})).status, 200);
  HttpCall head = get("/plain.txt");
  head.method = "HEAD";
  const HttpReply headers = call(head);
  EXPECT_EQ(headers.header("content-length"), "10");
  EXPECT_EQ(headers.body, "");
}

TEST_F(Web, HashedFilesAreServedCompressedAndForEver) {
  const std::string path = "/assets/app-0123abcd.js";
  const HttpReply brotli = call(get(path, {{"Accept-Encoding", "gzip, br"}}));
  EXPECT_EQ(brotli.header("content-encoding"), "br");
  EXPECT_EQ(brotli.body, "as brotli");
  EXPECT_EQ(brotli.header("vary"), "Accept-Encoding");
  EXPECT_NE(brotli.header("cache-control").find("immutable"), std::string::npos);
  EXPECT_EQ(call(get(path, {{"Accept-Encoding", "gzip"}})).body, "as gzip");
  EXPECT_EQ(call(get(path, {{"Accept-Encoding", "br;q=0, gzip"}})).body, "as gzip");
  const HttpReply identity = call(get(path));
  EXPECT_EQ(identity.header("content-encoding"), "");
  EXPECT_EQ(identity.body.size(), 3000U);
  EXPECT_NE(identity.header("etag"), brotli.header("etag"));
}

TEST_F(Web, NothingOutsideTheFolderIsServed) {
  const std::string name = std::filesystem::path{folder_->path()}.filename().string() + ".secret";
  for (const std::string& path : {"/../" + name, "/%2e%2e/" + name, "/assets/../../" + name, "//" + name,
                                  "/..%2f" + name, "/assets/%2e%2e/%2e%2e/" + name, std::string{"/..\\" + name}}) {
    const HttpReply reply = call(get(path));
    EXPECT_EQ(reply.body.find("outside"), std::string::npos) << path;
    EXPECT_GE(reply.status, 400) << path;
  }
}

TEST_F(Web, PagesCarrySecurityHeadersAndARequestId) {
  const HttpReply page = call(get("/"));
  EXPECT_NE(page.header("content-security-policy").find("default-src 'self'"), std::string::npos);
  EXPECT_EQ(page.header("content-security-policy").find("unsafe"), std::string::npos);
  EXPECT_EQ(page.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.header("referrer-policy"), "no-referrer");
  EXPECT_FALSE(page.header("x-request-id").empty());
  EXPECT_EQ(page.header("server"), "");
  EXPECT_EQ(call(get("/healthz", {{"X-Request-Id", "kept-1"}})).header("x-request-id"), "kept-1");
  EXPECT_NE(call(get("/healthz", {{"X-Request-Id", "no good <id>"}})).header("x-request-id"), "no good <id>");
}

TEST_F(Web, OnlyAllowedOriginsMayCallFromOtherSites) {
  HttpCall preflight{.method = "OPTIONS",
                     .target = "/api/auth/login",
                     .headers = {{"Origin", "https://chat.example.org"},
                                 {"Access-Control-Request-Method", "POST"},
                                 {"Access-Control-Request-Headers", "content-type, authorization"}},
                     .body = {},
                     .token = {}};
  const HttpReply allowed = call(preflight);
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("access-control-allow-origin"), "https://chat.example.org");
  EXPECT_NE(allowed.header("vary").find("Origin"), std::string::npos);
  preflight.headers[0].second = "https://evil.example.org";
  EXPECT_EQ(call(preflight).header("access-control-allow-origin"), "");
  EXPECT_EQ(call(get("/healthz", {{"Origin", "https://chat.example.org"}})).header("access-control-allow-origin"),
            "https://chat.example.org");
  EXPECT_EQ(call(get("/healthz", {{"Origin", "https://evil.example.org"}})).header("access-control-allow-origin"), "");
}

TEST_F(Web, UnknownPathsAndMethodsAreProblems) {
  const HttpReply nothing = call(get("/api/nothing"));
  EXPECT_EQ(nothing.status, 404);
  const boost::json::value problem = boost::json::parse(nothing.body);
  EXPECT_EQ(problem.at("status"), 404);
  EXPECT_EQ(problem.at("request_id"), boost::json::value(nothing.header("x-request-id")));
  HttpCall wrong = get("/api/auth/login");
  wrong.method = "DELETE";
  const HttpReply refused = call(wrong);
  EXPECT_EQ(refused.status, 405);
  EXPECT_NE(refused.header("allow").find("POST"), std::string::npos);
  EXPECT_EQ(call(get("/api/auth/me")).status, 401);
  EXPECT_NE(call(get("/api/auth/me")).header("www-authenticate").find("Bearer"), std::string::npos);
}

TEST(IceServers, AreListedForUsersWithCredentialsOfTheirOwn) {
  TestNode node{[](app::Config& config) {
    config.stun_urls = {"stun:stun.example.org:3478"};
    config.turn_urls = {"turn:turn.example.org:3478", "turns:turn.example.org:5349"};
    config.turn_secret = Private<std::string>{"shared with coturn"};
    config.turn_credential_ttl = hours{1};
  }};
  const Person alice = node.person("alice");
  HttpCall ask = get("/api/v1/ice-servers");
  EXPECT_EQ(node.call(ask).status, 401);
  ask.token = alice.token;
  const boost::json::value answer = boost::json::parse(node.call(ask).body);
  EXPECT_EQ(answer.at("expires_in"), 3600);
  const auto& servers = answer.at("ice_servers").as_array();
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0].at("urls").at(0), "stun:stun.example.org:3478");
  EXPECT_EQ(servers[1].at("urls").as_array().size(), 2U);
  EXPECT_TRUE(servers[1].at("username").as_string().ends_with(":" + alice.id));
  EXPECT_EQ(boost::json::serialize(answer).find("shared with coturn"), std::string::npos);
}

TEST_F(Web, TheApiDescriptionAndProbesAreThere) {
  EXPECT_TRUE(call(get("/openapi.yaml")).body.starts_with("openapi: 3."));
  EXPECT_EQ(call(get("/healthz")).status, 200);
  EXPECT_EQ(call(get("/readyz")).status, 200);
  EXPECT_NE(call(get("/metrics")).body.find("zvonok_connections "), std::string::npos);
}

}  // namespace
}  // namespace zvonok::test
