// Requests from an event loop, to a server of ours on the same loop.
#include "adapter/http_client/http_client.h"

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/fd.h"
#include "net/listen.h"
#include "net/server.h"
#include "net/sockaddr.h"
#include "net/system_entropy.h"

namespace zvonok::http_client {
namespace {

class Requests : public testing::Test, private net::HttpHandler {
 protected:
  Requests() {
    auto loop = net::Loop::create();
    loop_ = std::move(*loop);
    net::ServerOptions options;
    options.bind_address = "127.0.0.1";
    options.port = 0;
    auto server = net::Server::create(options, {*loop_, *this, entropy_, log_});
    server_ = std::move(*server);
    make({});
  }
  ~Requests() override {
    client_.reset();
    held_.clear();
    server_.reset();
  }

  void make(Options options) {
    auto client = HttpClient::create(*loop_, std::move(options));
    ASSERT_TRUE(client.has_value());
    client_ = std::move(*client);
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  HttpClient::Outcome ask(Request request) {
    HttpClient::Outcome outcome = fail(Failure{.detail = "nothing came"});
    bool done = false;
    client_->send(std::move(request), [&](HttpClient::Outcome came) {
      outcome = std::move(came);
      done = true;
    });
    const auto give_up = loop_->schedule(loop_->now().mono + seconds{20}, [&] { done = true; });
    loop_->stop();  // from now on each run is one turn
    while (!done) loop_->run();
    loop_->cancel(give_up);
    return outcome;
  }
  HttpClient::Outcome get(const std::string& path) {
    Request request;
    request.url = url(path);
    return ask(std::move(request));
  }

  net::SystemEntropy entropy_;
  NullLogger log_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<HttpClient> client_;
  std::vector<net::Responder> held_;
  HttpRequest last_;

 private:
  void on_request(HttpRequest request, net::Responder respond) override {
    last_ = std::move(request);
    if (last_.path == "/silent") return held_.push_back(std::move(respond));
    HttpResponse response;
    if (last_.path == "/busy") {
      response.status = 429;
      response.add_header("Retry-After", "7");
    }
    response.body = last_.path == "/big" ? std::string(5000, 'x') : "hello";
    respond.send(std::move(response));
  }
};

}  // namespace

TEST_F(Requests, AreAnswered) {
  Request post;
  post.is_post = true;
  post.url = url("/path?a=b");
  post.headers = {"Content-Type: text/x-test"};
  post.body = "a body";
  post.user = "somebody";
  post.password = Private<std::string>{std::string{"secret"}};
  const auto outcome = ask(std::move(post));
  ASSERT_TRUE(outcome.has_value()) << outcome.error().detail;
  EXPECT_EQ(outcome->status, 200);
  EXPECT_EQ(outcome->body, "hello");
  EXPECT_EQ(last_.target, "/path?a=b");
  EXPECT_EQ(last_.body, "a body");
  EXPECT_EQ(last_.header("Content-Type"), "text/x-test");
  EXPECT_EQ(last_.header("Authorization"), "Basic c29tZWJvZHk6c2VjcmV0");
  const auto busy = get("/busy");
  ASSERT_TRUE(busy.has_value());
  EXPECT_EQ(busy->status, 429);
  EXPECT_EQ(busy->retry_after, seconds{7});
  EXPECT_EQ(client_->in_flight(), 0U);
}

TEST_F(Requests, SayWhetherTheyMayHaveArrived) {
  Options options;
  options.total_timeout = milliseconds{300};
  options.response_bytes_max = 1000;
  make(options);
  const auto silent = get("/silent");
  ASSERT_FALSE(silent.has_value());
  EXPECT_TRUE(silent.error().may_have_arrived) << silent.error().detail;
  const auto big = get("/big");
  ASSERT_FALSE(big.has_value());
  EXPECT_TRUE(big.error().may_have_arrived);
  Request nowhere;
  nowhere.url = "http://127.0.0.1:1/";
  const auto refused = ask(std::move(nowhere));
  ASSERT_FALSE(refused.has_value());
  EXPECT_FALSE(refused.error().may_have_arrived) << refused.error().detail;
  Request malformed;
  malformed.url = "ftp://127.0.0.1/";
  EXPECT_FALSE(ask(std::move(malformed)).has_value());
}

TEST(FirstRequests, AreTimedThoughTheLoopHasNotBegun) {
  auto loop = net::Loop::create();
  Options options;
  options.total_timeout = milliseconds{200};
  auto client = HttpClient::create(**loop, options);
  const auto silent = net::listen_tcp({.address = "127.0.0.1", .port = 0});  // accepts nobody
  Request request;
  request.url = "http://127.0.0.1:" + std::to_string(silent->port) + "/";
  bool failed = false;
  (*client)->send(std::move(request), [&](const HttpClient::Outcome& outcome) {
    failed = !outcome.has_value();
    (*loop)->stop();
  });
  (*loop)->run();
  EXPECT_TRUE(failed);
}

TEST_F(Requests, AreLimitedAndMayBeForgotten) {
  Options options;
  options.in_flight_max = 2;
  make(options);
  int told = 0;
  for (int i = 0; i < 2; ++i) {
    Request request;
    request.url = url("/silent");
    client_->send(std::move(request), [&](const HttpClient::Outcome&) { ++told; });
  }
  const auto third = get("/");
  ASSERT_FALSE(third.has_value());
  EXPECT_FALSE(third.error().may_have_arrived);
  client_.reset();
  EXPECT_EQ(told, 0) << "nobody is told";
}

/// Answers the first request of each connection and keeps that open; the next one on it is read, and the connection
/// closed without a word.
class Rude {
 public:
  Rude() {
    sockaddr_in6 address = net::to_sockaddr({.ip = IpAddress::v4(0x7F000001), .port = 0});
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = net::to_address(address).port;
    thread_ = std::thread{[this] { run(); }};
  }
  ~Rude() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  [[nodiscard]] int requests(const std::string& body) const {
    const std::lock_guard lock{mutex_};
    return static_cast<int>(std::ranges::count(bodies_, body));
  }

 private:
  struct Connection {
    net::Fd fd;
    std::string text;
    int answered = 0;
  };
  void run() {
    std::vector<Connection> connections;
    while (!stop_) {
      std::vector<pollfd> fds{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
      for (const Connection& c : connections) fds.push_back({.fd = c.fd.get(), .events = POLLIN, .revents = 0});
      if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
      for (std::size_t i = connections.size(); i > 0; --i) {
        if (fds[i].revents != 0 && !serve(connections[i - 1]))
          connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i - 1));
      }
      if (fds[0].revents != 0) {
        connections.push_back({.fd = net::Fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)}, .text = {}});
      }
    }
  }
  bool serve(Connection& c) {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::recv(c.fd.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    c.text.append(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t head = c.text.find("\r\n\r\n");
    constexpr std::size_t kBody = 3;
    if (head == std::string::npos || c.text.size() < head + 4 + kBody) return true;
    {
      const std::lock_guard lock{mutex_};
      bodies_.push_back(c.text.substr(head + 4, kBody));
    }
    c.text.clear();
    if (c.answered++ > 0) return false;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return ::send(c.fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
  }

  const net::Fd listener_{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;  // guards what was asked
  std::vector<std::string> bodies_;
  std::thread thread_;
};

TEST_F(Requests, AreCarriedOutOnceWhereThatMatters) {
  const Rude server;
  const auto post = [&](const std::string& body, bool only_once) {
    Request request;
    request.is_post = true;
    request.only_once = only_once;
    request.url = server.url();
    request.body = body;
    return ask(std::move(request));
  };
  // The library's way on a connection that was kept: again, without a word to us.
  ASSERT_TRUE(post("one", false).has_value());
  EXPECT_TRUE(post("two", false).has_value());
  EXPECT_EQ(server.requests("two"), 2);
  // On one of its own.
  EXPECT_TRUE(post("six", true).has_value());
  EXPECT_EQ(server.requests("six"), 1);
}

TEST(WebUrls, AreToldFromOthers) {
  for (const char* good : {"https://api.twilio.com", "http://127.0.0.1:8080/base", "https://[::1]:1/"}) {
    EXPECT_TRUE(is_web_url(good)) << good;
  }
  for (const char* bad : {"", "api.twilio.com", "ftp://a", "https://", "https://user:password@a", "https://a#b",
                          "https://a b", "https://a\n"}) {
    EXPECT_FALSE(is_web_url(bad)) << bad;
  }
}

}  // namespace zvonok::http_client
