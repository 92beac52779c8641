// POSTs JSON to one URL, for HttpAuthorizer. http_poster.cpp is the only unit that sees the HTTP library.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/private.h"
#include "base/result.h"
#include "base/time.h"

namespace zvonok::authorizer_http {

struct HttpPosterOptions {
  std::string url;              // http: or https:
  Private<std::string> secret;  // sent as a bearer token; empty: none is sent
  std::string ca_file;          // PEM of the CAs to trust; empty: the system's
  milliseconds connect_timeout{2000};
  milliseconds total_timeout{5000};  // name look-up, TLS and the whole answer included
  std::size_t response_bytes_max = 64 * 1024;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Thread-safe. Keeps connections open between requests, follows no redirect, uses no proxy and no cookie.
class HttpPoster {
 public:
  /// The error is one line that names the setting, and never the secret.
  [[nodiscard]] static Result<std::unique_ptr<HttpPoster>, std::string> create(HttpPosterOptions options);
  /// No `post` may be running.
  ~HttpPoster();
  HttpPoster(const HttpPoster&) = delete;
  HttpPoster& operator=(const HttpPoster&) = delete;

  /// Blocks up to `total_timeout`. The error is one line for logs.
  [[nodiscard]] Result<HttpAnswer, std::string> post(const std::string& json);

 private:
  struct Handles;
  HttpPoster(HttpPosterOptions options, std::unique_ptr<Handles> handles);

  const HttpPosterOptions options_;
  std::unique_ptr<Handles> handles_;
};

}  // namespace zvonok::authorizer_http
