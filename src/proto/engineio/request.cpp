#include "proto/engineio/request.h"

#include <algorithm>

namespace zvonok::engineio {
namespace {

std::string header_text(const HttpRequest& http, std::string_view name) {
  return std::string{http.header(name).value_or("")};
}

/// What may stand in a header's value: RFC 9110 section 5.5.
bool is_header_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

std::optional<Transport> transport_of(std::string_view query) {
  const auto name = query_value(query, "transport");
  if (name == "polling") return Transport::Polling;
  if (name == "websocket") return Transport::WebSocket;
  return std::nullopt;
}

}  // namespace

Request read_request(const HttpRequest& http) {
  Request request = read_request_line(http.method, http.query);
  request.is_websocket = http.is_websocket;
  request.has_bad_origin = !is_header_value(http.header("Origin").value_or(""));
  return request;
}

Request read_request_line(Method method, std::string_view query) {
  Request request;
  request.method = method;
  request.is_version_4 = query_value(query, "EIO") == "4";
  request.transport = transport_of(query);
  request.sid = query_value(query, "sid").value_or("");
  return request;
}

Handshake read_handshake(const HttpRequest& http) {
  return {.query = http.query,
          .remote_address = http.remote_address,
          .origin = header_text(http, "Origin"),
          .authorization = header_text(http, "Authorization"),
          .user_agent = header_text(http, "User-Agent"),
          .host = header_text(http, "Host"),
          .is_tls = http.is_tls};
}

Answer answer_of(RequestError error) {
  Answer answer{.status = 400, .content = Content::Error, .body = {}};
  if (error == RequestError::Forbidden) answer.status = 403;
  if (error == RequestError::TooManySessions) answer.status = 503;
  answer.body = R"({"code":)" + std::to_string(static_cast<int>(error)) + R"(,"message":")";
  answer.body += to_text(error);
  answer.body += "\"}";
  return answer;
}

std::string_view content_type(Content content) {
  switch (content) {
    case Content::Packets: return "text/plain; charset=UTF-8";
    case Content::Ok: return "text/html";
    case Content::Error: return "application/json";
  }
  return "application/octet-stream";
}

}  // namespace zvonok::engineio
