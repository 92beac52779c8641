// Incremental HTTP/1.1 request parsing (RFC 9112), without sockets. Boost.Beast's parser behind a plain header, since
// a unit that includes Beast is slow to compile.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "proto/http_message.h"

namespace zvonok::net {

struct HttpLimits {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t header_fields_max = 100;
  std::size_t body_bytes_max = 1024 * 1024;
  /// `feed` returns NeedsBody once before it takes anything of a body, so that `limit_body` can be asked first.
  bool stops_before_body = false;
};

/// What is known of a request when its header is there. Views are valid until the parser is fed or goes.
struct RequestHead {
  Method method = Method::Other;
  std::string_view path;
  std::string_view query;
  std::span<const HttpHeader> headers;
  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

class HttpParser {
 public:
  enum class Progress {
    NeedsHeader,  // the header is not whole yet
    NeedsBody,    // the header is whole, the body is not
    Complete,     // take() the request
    Failed,       // answer failure_status() and close
  };

  explicit HttpParser(const HttpLimits& limits);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  /// Parses from the front of `data`; `consumed` says how much. Give the rest again, with what follows it. After
  /// Complete nothing more is consumed, so that the next request stays with the caller.
  [[nodiscard]] Progress feed(Bytes data, std::size_t& consumed);

  /// 400, 413, 431, 501 or 505; the reason is static text.
  [[nodiscard]] int failure_status() const { return failure_status_; }
  [[nodiscard]] std::string_view failure_reason() const { return failure_reason_; }
  /// The client waits for "100 Continue" before it sends its body.
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] bool keep_alive() const;
  /// From NeedsBody on, and when the body was refused.
  [[nodiscard]] bool has_head() const;
  /// Only then.
  [[nodiscard]] RequestHead head() const;
  /// Lowers the limit of this request's body. False when the header says already that the body is larger.
  [[nodiscard]] bool limit_body(std::size_t bytes_max);
  /// The request, without what the parser can't know (addresses, ids). Once, after Complete.
  [[nodiscard]] HttpRequest take();

 private:
  Progress failed(int status, std::string_view reason);

  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::size_t fields_max_;
  std::size_t body_bytes_max_;
  bool stops_before_body_;
  int failure_status_ = 0;
  std::string_view failure_reason_;
};

}  // namespace zvonok::net
