// An HTTP request as Engine.IO reads it, and the answers it gives.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "proto/engineio/counters.h"
#include "proto/http_message.h"

namespace zvonok::engineio {

/// The query of a request, and what else decides what it is.
struct Request {
  Method method = Method::Get;
  bool is_websocket = false;
  bool has_bad_origin = false;  // characters that a header can't have
  bool is_version_4 = false;
  std::optional<Transport> transport;  // nullopt: missing or not offered
  std::string sid;                     // empty: a handshake
};

[[nodiscard]] Request read_request(const HttpRequest& http);
/// What can be told before the headers are known to be good: for a request whose body is still to come.
[[nodiscard]] Request read_request_line(Method method, std::string_view query);

/// Who opened a session: what of its first request is kept for as long as it lives.
struct Handshake {
  std::string query;  // as sent; may hold a token, so never log it
  std::string remote_address;
  std::string origin;
  std::string authorization;
  std::string user_agent;
  std::string host;  // as the client named the server
  bool is_tls = false;
};

[[nodiscard]] Handshake read_handshake(const HttpRequest& http);

enum class Content : std::uint8_t {
  Packets,  // text/plain; charset=UTF-8
  Ok,       // text/html, which some user agents want of "ok"
  Error,    // application/json
};

struct Answer {
  int status = 200;
  Content content = Content::Packets;
  std::string body;
};

/// `{"code":1,"message":"Session ID unknown"}` with its status.
[[nodiscard]] Answer answer_of(RequestError error);

[[nodiscard]] std::string_view content_type(Content content);

}  // namespace zvonok::engineio
