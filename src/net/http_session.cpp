#include "net/http_session.h"

#include <algorithm>

#include "net/http_writer.h"
#include "net/server.h"
#include "net/stream_session.h"
#include "net/ws_session.h"
#include "proto/websocket/handshake.h"

namespace zvonok::net {
namespace {

// Answers that the client does not read must not pile up: the next pipelined request waits until they have left.
constexpr std::size_t kUnsentBytesMax = 256 * 1024;
// What a client may send behind a request that waits for its answer.
constexpr std::size_t kPipelinedBytesMax = 16 * 1024;
constexpr std::size_t kRequestIdBytes = 12;
constexpr std::size_t kRequestIdCharactersMax = 64;

const HttpOptions& http_options(Connection& connection) {
  return connection.server().options().http;
}

/// A client's request id is kept when it is harmless in a log line and a header.
bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdCharactersMax && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

HttpSession::HttpSession(Connection& connection, TimePoint now)
    : connection_{connection}, deadline_{now + http_options(connection).header_timeout} {}

TimePoint HttpSession::now() const {
  return connection_.server().now().mono;
}

void HttpSession::enter(State state, Duration allowed) {
  state_ = state;
  deadline_ = now() + allowed;
}

void HttpSession::on_bytes(MutableBytes bytes) {
  if (state_ == State::Done) return;
  input_.append(as_text(bytes));
  parse();
}

void HttpSession::parse() {
  if (parsing_) return;  // respond() from within hand_over(): the loop below goes on by itself
  parsing_ = true;
  while (!connection_.closed() && !connection_.finishing() && !input_.empty() &&
         (state_ == State::Idle || state_ == State::Header || state_ == State::Body)) {
    const HttpOptions& options = http_options(connection_);
    if (state_ == State::Idle) {
      if (connection_.unsent_bytes() > kUnsentBytesMax) break;  // on_drained() comes back here
      parser_.emplace(HttpLimits{.header_bytes_max = options.header_bytes_max,
                                 .header_fields_max = options.header_fields_max,
                                 .body_bytes_max = options.body_bytes_max,
                                 .stops_before_body = true});
      continue_sent_ = false;
      enter(State::Header, options.header_timeout);
    }
    std::size_t consumed = 0;
    const HttpParser::Progress progress = parser_->feed(as_bytes(input_), consumed);
    input_.erase(0, consumed);
    if (progress == HttpParser::Progress::Failed) {
      refuse(parser_->failure_status(), parser_->failure_reason(), CloseReason::BadRequest);
      break;
    }
    if (progress == HttpParser::Progress::Complete) {
      hand_over();
      continue;
    }
    if (progress == HttpParser::Progress::NeedsBody && state_ == State::Header) {
      enter(State::Body, options.body_timeout);
      if (!begin_body()) break;
      if (parser_->expects_continue() && !continue_sent_) {
        continue_sent_ = true;
        connection_.output() += "HTTP/1.1 100 Continue\r\n\r\n";
        connection_.flush_later();
      }
    }
    if (consumed == 0 || input_.empty()) break;
  }
  parsing_ = false;
  if (connection_.closed() || connection_.finishing() || state_ == State::Done) return;
  if (may_read()) {
    connection_.resume_reading();
  } else {
    connection_.pause_reading();
  }
}

/// While a request is handled, or its answer waits for a slow reader, nothing more is read; but only who reads hears
/// that a client has gone.
bool HttpSession::may_read() const {
  switch (state_) {
    case State::Idle:
    case State::Header:
    case State::Body: return connection_.unsent_bytes() <= kUnsentBytesMax;
    case State::Handling: return waiting_ && input_.size() <= kPipelinedBytesMax;
    case State::Done: break;
  }
  return false;
}

bool HttpSession::begin_body() {
  const BodyRules rules = connection_.server().handler().on_body(parser_->head(), connection_.id());
  watcher_ = rules.watcher;
  if (parser_->limit_body(rules.bytes_max)) return true;
  refuse(413, "request body too large", CloseReason::BadRequest);
  return false;
}

void HttpSession::hand_over() {
  Server& server = connection_.server();
  keep_alive_ = parser_->keep_alive() && !server.draining();
  HttpRequest request = parser_->take();
  parser_.reset();
  ++server.counters().http_requests;
  connection_.set_proven();
  is_head_ = request.method == Method::Head;
  request.remote_address = connection_.peer_address();
  request.is_tls = connection_.is_tls();
  const auto client_id = request.header("X-Request-Id");
  request.request_id =
      client_id && is_request_id(*client_id) ? std::string{*client_id} : make_secret(server.entropy(), kRequestIdBytes);
  upgrade_offer_.reset();
  watcher_ = nullptr;
  waiting_ = false;
  const auto upgrade = request.header("Upgrade");
  if (upgrade && websocket::has_token(*upgrade, "websocket")) {
    const auto connection_header = request.header("Connection");
    upgrade_offer_ = UpgradeOffer{
        .key = std::string{request.header("Sec-WebSocket-Key").value_or("")},
        .version = std::string{request.header("Sec-WebSocket-Version").value_or("")},
        .proper = request.method == Method::Get && request.body.empty() && connection_header &&
                  websocket::has_token(*connection_header, "upgrade"),
    };
    request.is_websocket = true;
  }
  enter(State::Handling, http_options(connection_).handler_timeout);
  ++request_number_;
  server.handler().on_request(std::move(request), Responder{server, connection_.id(), request_number_});
}

void HttpSession::refuse(int status, std::string_view reason, CloseReason counted) {
  if (status == 413 || status == 431) ++connection_.server().counters().request_too_large;
  keep_alive_ = false;
  is_head_ = false;
  waiting_ = false;
  if (watcher_ != nullptr) std::exchange(watcher_, nullptr)->on_request_refused(connection_.id());
  HttpResponse response;
  response.status = status;
  response.add_header("Content-Type", "application/problem+json");
  response.body = R"({"type":"about:blank","status":)" + std::to_string(status) + R"(,"title":")" +
                  std::string{reason} + R"(","error":")" + std::string{reason} + R"(","code":"bad-request"})";
  if (parser_ && parser_->has_head()) connection_.server().handler().on_body_refused(parser_->head(), response);
  write_response(response);
  state_ = State::Done;
  connection_.finish(counted, now() + http_options(connection_).linger_timeout);
}

void HttpSession::respond(std::uint64_t request, HttpResponse response) {
  if (request != request_number_ || state_ != State::Handling) return;
  watcher_ = nullptr;
  waiting_ = false;
  if (response.ends_connection) keep_alive_ = false;
  write_response(response);
  if (!keep_alive_) {
    state_ = State::Done;
    connection_.finish(CloseReason::Finished, now() + http_options(connection_).linger_timeout);
    return;
  }
  enter(State::Idle, http_options(connection_).keep_alive_timeout);
  parse();
}

void HttpSession::write_response(const HttpResponse& response) {
  Server& server = connection_.server();
  const auto status = static_cast<std::size_t>(response.status);
  if (status < server.counters().http_responses.size()) ++server.counters().http_responses[status];
  append_response(connection_.output(), response,
                  {.keep_alive = keep_alive_, .without_body = is_head_, .date = server.now().wall});
  connection_.flush_later();
}

void HttpSession::wait(std::uint64_t request, RequestWatcher& watcher) {
  if (request != request_number_ || state_ != State::Handling) return;
  waiting_ = true;
  watcher_ = &watcher;
  deadline_ = TimePoint::max();
  if (!parsing_ && may_read()) connection_.resume_reading();
}

bool HttpSession::upgrade(std::uint64_t request, WsHandler& handler, const WsRules& rules) {
  if (request != request_number_ || state_ != State::Handling) return false;
  const auto accept = upgrade_offer_ ? websocket::accept_key(upgrade_offer_->key) : std::nullopt;
  if (!accept || !upgrade_offer_->proper || upgrade_offer_->version != "13") {
    const bool wrong_version = upgrade_offer_ && upgrade_offer_->proper && upgrade_offer_->version != "13";
    HttpResponse response;
    response.status = !upgrade_offer_ || wrong_version ? 426 : 400;
    response.add_header("Upgrade", "websocket");
    response.add_header("Sec-WebSocket-Version", "13");  // RFC 6455 section 4.4
    respond(request, std::move(response));
    return false;
  }
  std::string& out = connection_.output();
  out += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  out += *accept;
  if (!rules.protocol.empty()) out += "\r\nSec-WebSocket-Protocol: " + rules.protocol;
  out += "\r\n\r\n";
  ++connection_.server().counters().http_responses[101];
  state_ = State::Done;
  std::string rest = std::move(input_);
  connection_.set_session(std::make_unique<WsSession>(connection_, handler, rules, now()));
  connection_.flush_later();
  if (rest.empty()) {
    connection_.resume_reading();
    return true;
  }
  // A client that did not wait for the 101: its first bytes are here, and come before anything that is read.
  connection_.pause_reading();
  connection_.server().loop().post(
      [&server = connection_.server(), id = connection_.id(), text = std::move(rest)]() mutable {
        Connection* const connection = server.find(id);
        if (connection == nullptr) return;
        connection->resume_reading();  // first: what is fed may pause it again
        connection->feed({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
      });
  return true;
}

bool HttpSession::stream(std::uint64_t request, HttpResponse header, StreamWatcher& watcher) {
  if (request != request_number_ || state_ != State::Handling) return false;
  if (is_head_ || connection_.server().draining()) {
    header.ends_connection = true;
    respond(request, std::move(header));
    return false;
  }
  watcher_ = nullptr;
  Server& server = connection_.server();
  ++server.counters().http_responses[static_cast<std::size_t>(header.status)];
  append_response(connection_.output(), header, {.keep_alive = false, .until_close = true, .date = server.now().wall});
  state_ = State::Done;
  connection_.set_session(std::make_unique<StreamSession>(connection_, watcher));
  connection_.flush_later();
  connection_.resume_reading();  // who does not read does not hear that the client has gone
  return true;
}

void HttpSession::on_drained() {
  if (state_ == State::Idle) parse();
}

void HttpSession::on_closed(CloseReason) {
  if (watcher_ != nullptr) std::exchange(watcher_, nullptr)->on_client_gone(connection_.id());
}

void HttpSession::on_drain(std::string_view) {
  keep_alive_ = false;
  if (state_ == State::Idle)
    connection_.finish(CloseReason::Shutdown, now() + http_options(connection_).linger_timeout);
}

void HttpSession::on_sweep(TimePoint now) {
  if (now < deadline_) return;
  switch (state_) {
    case State::Idle:
      connection_.close(connection_.proven() ? CloseReason::KeepAliveTimeout : CloseReason::HeaderTimeout);
      return;
    case State::Header: refuse(408, "request header took too long", CloseReason::HeaderTimeout); return;
    case State::Body: refuse(408, "request body took too long", CloseReason::BodyTimeout); return;
    case State::Handling: refuse(503, "the server took too long", CloseReason::HandlerTimeout); return;
    case State::Done: return;
  }
}

// ---- Responder -----------------------------------------------------------------------------------------------------

namespace {

HttpSession* find_http(Server& server, ConnectionId id) {
  Connection* connection = server.find(id);
  if (connection == nullptr || connection->closed()) return nullptr;
  return connection->session().as_http();
}

}  // namespace

Responder::Responder(Responder&& other) noexcept
    : server_{std::exchange(other.server_, nullptr)}, connection_{other.connection_}, request_{other.request_} {}

Responder& Responder::operator=(Responder&& other) noexcept {
  std::swap(server_, other.server_);
  std::swap(connection_, other.connection_);
  std::swap(request_, other.request_);
  return *this;
}

Responder::~Responder() {
  if (server_ == nullptr) return;
  HttpResponse response;
  response.status = 500;
  send(std::move(response));
}

void Responder::send(HttpResponse response) {
  Server* server = std::exchange(server_, nullptr);
  if (server == nullptr) return;
  if (HttpSession* session = find_http(*server, connection_)) session->respond(request_, std::move(response));
}

void Responder::wait(RequestWatcher& watcher) {
  HttpSession* session = server_ == nullptr ? nullptr : find_http(*server_, connection_);
  if (session != nullptr) session->wait(request_, watcher);
}

bool Responder::stream(HttpResponse header, StreamWatcher& watcher) {
  Server* server = std::exchange(server_, nullptr);
  if (server == nullptr) return false;
  HttpSession* session = find_http(*server, connection_);
  return session != nullptr && session->stream(request_, std::move(header), watcher);
}

bool Responder::upgrade(WsHandler& handler, const WsRules& rules) {
  Server* server = std::exchange(server_, nullptr);
  if (server == nullptr) return false;
  HttpSession* session = find_http(*server, connection_);
  return session != nullptr && session->upgrade(request_, handler, rules);
}

bool Responder::connection_alive() const {
  const Connection* connection = server_ == nullptr ? nullptr : server_->find(connection_);
  return connection != nullptr && !connection->closed();
}

}  // namespace zvonok::net
