#include "net/engineio_edge.h"

#include <utility>

namespace zvonok::net {
namespace {

void add_cors(HttpResponse& response, OriginRule rule, std::string_view origin) {
  switch (rule) {
    case OriginRule::Refused:
    case OriginRule::Own: return;
    case OriginRule::Wildcard: response.add_header("Access-Control-Allow-Origin", "*"); return;
    case OriginRule::Named:
      response.add_header("Vary", "Origin");
      if (origin.empty()) return;
      response.add_header("Access-Control-Allow-Origin", std::string{origin});
      response.add_header("Access-Control-Allow-Credentials", "true");
  }
}

std::string origin_of(const HttpRequest& request) {
  return std::string{request.header("Origin").value_or("")};
}

HttpResponse preflight(const HttpRequest& request, OriginRule rule) {
  HttpResponse response;
  response.status = 204;
  add_cors(response, rule, origin_of(request));
  if (!response.header("Access-Control-Allow-Origin")) return response;
  response.add_header("Access-Control-Allow-Methods", "GET, POST");
  response.add_header("Vary", "Access-Control-Request-Headers");
  if (const auto asked = request.header("Access-Control-Request-Headers")) {
    response.add_header("Access-Control-Allow-Headers", std::string{*asked});
  }
  response.add_header("Access-Control-Max-Age", "600");
  return response;
}

HttpResponse to_response(const engineio::Answer& answer) {
  HttpResponse response;
  response.status = answer.status;
  response.add_header("Content-Type", std::string{engineio::content_type(answer.content)});
  response.add_header("Cache-Control", "no-store");
  response.body = answer.body;
  return response;
}

}  // namespace

EngineIoEdge::EngineIoEdge(Server& server, engineio::Acceptor& acceptor, Options options)
    : server_{server},
      loop_{server.loop()},
      options_{std::move(options)},
      hub_{options_.engine, {.wire = *this, .acceptor = acceptor, .entropy = server.entropy()}} {}

EngineIoEdge::~EngineIoEdge() {
  if (timer_) loop_.cancel(*timer_);  // the server may have gone before
}

// ---- requests ------------------------------------------------------------------------------------------------------

void EngineIoEdge::handle(HttpRequest http, Responder respond) {
  const Turn turn{*this};
  const OriginRule rule = options_.origin_rule(http);
  if (http.method == Method::Options) {
    respond.send(preflight(http, rule));
    return;
  }
  const engineio::Request request = engineio::read_request(http);
  auto error = hub_.verify(request, http.remote_address);
  if (!error && rule == OriginRule::Refused) error = engineio::RequestError::Forbidden;
  if (error) {
    HttpResponse response = to_response(hub_.refuse(*error));
    add_cors(response, rule, origin_of(http));
    response.ends_connection = http.is_websocket;
    respond.send(std::move(response));
  } else if (request.is_websocket) {
    open_websocket(http, request, std::move(respond));
  } else {
    const ConnectionId connection = respond.connection();
    if (!request.sid.empty()) respond.wait(*this);
    waiting_.insert_or_assign(connection,
                              Waiting{.respond = std::move(respond), .rule = rule, .origin = origin_of(http)});
    hub_.handle_request(http, request, connection, now());
  }
}

void EngineIoEdge::open_websocket(const HttpRequest& http, const engineio::Request& request, Responder respond) {
  const ConnectionId connection = respond.connection();
  const WsRules rules{.binary = WsBinary::AsBytes,
                      .heartbeat = WsHeartbeat::None,
                      .message_bytes_max = options_.engine.payload_bytes_max};
  if (respond.upgrade(*this, rules)) hub_.handle_ws_open(http, request, connection, now());
}

BodyRules EngineIoEdge::body_rules(const RequestHead& head, ConnectionId connection) {
  const Turn turn{*this};
  const bool watched = hub_.handle_post_begun(engineio::read_request_line(head.method, head.query), connection);
  return {.bytes_max = options_.engine.payload_bytes_max, .watcher = watched ? this : nullptr};
}

void EngineIoEdge::add_cors_to_refusal(const RequestHead& head, HttpResponse& response) const {
  HttpRequest request;
  request.method = head.method;
  request.headers.assign(head.headers.begin(), head.headers.end());
  add_cors(response, options_.origin_rule(request), origin_of(request));
}

void EngineIoEdge::on_client_gone(ConnectionId id) {
  const Turn turn{*this};
  waiting_.erase(id);
  hub_.handle_client_gone(id, now());
}

void EngineIoEdge::on_request_refused(ConnectionId id) {
  const Turn turn{*this};
  hub_.handle_post_refused(id);
}

void EngineIoEdge::answer(ConnectionId connection, const engineio::Answer& answer) {
  auto node = waiting_.extract(connection);
  if (!node) return;
  Waiting& waiting = node.mapped();
  HttpResponse response = to_response(answer);
  add_cors(response, waiting.rule, waiting.origin);
  ready_.push_back({.respond = std::move(waiting.respond), .response = std::move(response)});
  if (depth_ > 0 || std::exchange(send_posted_, true)) return;
  server_.loop().post([this] { send_ready(); });
}

void EngineIoEdge::send_ready() {
  send_posted_ = false;
  if (std::exchange(sending_, true)) return;  // the one that is at it goes on
  while (!ready_.empty()) {
    for (Ready& ready : std::exchange(ready_, {})) ready.respond.send(std::move(ready.response));
  }
  sending_ = false;
}

// ---- WebSockets ----------------------------------------------------------------------------------------------------

void EngineIoEdge::on_ws_message(ConnectionId id, std::string_view text) {
  const Turn turn{*this};
  hub_.handle_ws_text(id, text, now());
}

void EngineIoEdge::on_ws_binary(ConnectionId id, std::string_view bytes) {
  const Turn turn{*this};
  hub_.handle_ws_binary(id, bytes, now());
}

void EngineIoEdge::on_ws_close(ConnectionId id) {
  const Turn turn{*this};
  hub_.handle_ws_closed(id, now());
}

bool EngineIoEdge::ws_text(ConnectionId connection, std::string_view text) {
  return server_.ws_send(connection, text);
}

bool EngineIoEdge::ws_binary(ConnectionId connection, std::string_view bytes) {
  return server_.ws_send_binary(connection, bytes);
}

void EngineIoEdge::ws_close(ConnectionId connection) {
  server_.ws_close(connection, websocket::CloseCode::Normal, {});
}

// ---- time ----------------------------------------------------------------------------------------------------------

void EngineIoEdge::arm(TimePoint at) {
  if (timer_) server_.loop().cancel(*timer_);
  timer_.reset();
  if (at != TimePoint::max()) timer_ = server_.loop().schedule(at, [this] { on_timer(); });
}

void EngineIoEdge::on_timer() {
  const Turn turn{*this};
  timer_.reset();
  hub_.handle_timeout(now());
}

void EngineIoEdge::shut_down() {
  const Turn turn{*this};
  hub_.shut_down();
}

}  // namespace zvonok::net
