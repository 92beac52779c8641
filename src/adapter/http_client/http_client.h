// HTTP requests to other servers from an event loop: nothing blocks, and answers come as calls on the loop's thread.
// http_client.cpp is the only unit that sees the HTTP library.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "net/loop.h"

namespace zvonok::http_client {

struct Options {
  std::string ca_file;  // PEM of the CAs to trust; empty: the system's
  milliseconds connect_timeout{4000};
  milliseconds total_timeout{20'000};  // name look-up, TLS and the whole answer included
  std::size_t response_bytes_max = 256 * 1024;
  std::size_t in_flight_max = 1000;  // more are refused
};

struct Request {
  bool is_post = false;
  /// Not to be carried out twice: goes over a connection of its own. On one that was kept open the HTTP library sends a
  /// request again, a POST too, when the other side closes without a word: it may have had it all the same.
  bool only_once = false;
  std::string url;  // http: or https:
  std::vector<std::string> headers;
  std::string body;  // of a POST
  std::string user;  // Basic authentication (RFC 7617) where it is not empty
  Private<std::string> password;
};

struct Answer {
  int status = 0;
  std::string body;
  std::optional<seconds> retry_after;  // as it said
};

struct Failure {
  /// Whether the server can have had the request: then it may have been carried out.
  bool may_have_arrived = false;
  std::string detail;  // one line for logs, without the password
};

/// Follows no redirect, uses no proxy and no cookie; keeps connections open between requests. Belongs to the loop's
/// thread.
class HttpClient {
 public:
  using Outcome = Result<Answer, Failure>;
  using Done = std::move_only_function<void(Outcome)>;

  /// The error is one line.
  [[nodiscard]] static Result<std::unique_ptr<HttpClient>, std::string> create(net::Loop& loop, Options options);
  /// What is under way ends; nobody is told. Not from within `done`.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `done` runs once, later.
  void send(Request request, Done done);
  [[nodiscard]] std::size_t in_flight() const;

 private:
  class Engine;
  explicit HttpClient(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

/// "http://host..." or "https://host...", without user, password, control characters or a fragment.
[[nodiscard]] bool is_web_url(const std::string& text);

}  // namespace zvonok::http_client
