// A messenger for tests: an HTTP server of one thread a connection, which answers each request by a function of the
// test's, raw bytes included. Shares no code with the server.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace zvonok::test {

struct StubRequest {
  std::string head;  // request line and header lines
  std::string body;
};

enum class Afterwards {
  KeepOpen,  // reads the next request
  Close,
  Hang,  // says nothing more and keeps the connection until the stub ends
};

struct StubReply {
  std::string bytes;  // all of the answer
  Afterwards afterwards = Afterwards::KeepOpen;
};

/// A whole response with Content-Length.
[[nodiscard]] std::string http_response(int status, const std::string& body);

class HttpStub {
 public:
  /// Runs on the connections' threads, several at once.
  using Answer = std::function<StubReply(const StubRequest&)>;
  explicit HttpStub(Answer answer);
  /// TLS with a certificate that this makes, for the name localhost.
  static std::unique_ptr<HttpStub> with_tls(Answer answer, const std::string& folder);
  ~HttpStub();
  HttpStub(const HttpStub&) = delete;
  HttpStub& operator=(const HttpStub&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string certificate() const { return certificate_; }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] std::vector<StubRequest> requests() const;

 private:
  struct Tls;
  HttpStub(Answer answer, std::unique_ptr<Tls> tls, std::string certificate);
  void accept_all();
  void serve(int fd);

  Answer answer_;
  std::unique_ptr<Tls> tls_;
  std::string certificate_;
  int listener_ = -1;
  int ended_ = -1;  // an eventfd that becomes readable when the stub ends
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<StubRequest> requests_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

/// A port of this machine on which nobody listens.
[[nodiscard]] std::uint16_t closed_port();

}  // namespace zvonok::test
