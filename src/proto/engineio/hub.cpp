#include "proto/engineio/hub.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::engineio {
namespace {

constexpr std::size_t kSidBytes = 18;  // 24 characters

}  // namespace

Hub::Hub(Options options, Parts parts)
    : options_{options}, wire_{parts.wire}, acceptor_{parts.acceptor}, entropy_{parts.entropy} {}

Hub::~Hub() = default;

// ---- requests ------------------------------------------------------------------------------------------------------

std::optional<RequestError> Hub::verify(const Request& request, std::string_view remote_address) const {
  if (!request.transport) return RequestError::TransportUnknown;
  if (request.has_bad_origin) return RequestError::BadRequest;
  const bool wants_websocket = *request.transport == Transport::WebSocket;
  if (!request.sid.empty()) {
    const Session* const session = find(request.sid);
    if (session == nullptr) return RequestError::SessionUnknown;
    // Only an upgrade may name another transport than the one that the session is on.
    const bool fits =
        request.is_websocket ? wants_websocket : !wants_websocket && *request.transport == session->transport();
    return fits ? std::nullopt : std::optional{RequestError::BadRequest};
  }
  if (request.method != Method::Get) return RequestError::BadHandshakeMethod;
  if (wants_websocket != request.is_websocket) return RequestError::BadRequest;
  if (!request.is_version_4) return RequestError::UnsupportedVersion;
  if (sessions_.size() >= options_.sessions_max) return RequestError::TooManySessions;
  const auto address = by_address_.find(std::string{remote_address});
  if (address != by_address_.end() && address->second >= options_.sessions_per_address_max) {
    return RequestError::TooManySessions;
  }
  return std::nullopt;
}

Answer Hub::refuse(RequestError error) {
  counters_.count(error);
  return answer_of(error);
}

void Hub::handle_request(const HttpRequest& http, const Request& request, ConnectionId connection, TimePoint now) {
  const Turn turn{*this, now};
  if (request.sid.empty()) {
    make_session(http, Transport::Polling, connection, now);
    return;
  }
  Session* const session = find(request.sid);
  ZVONOK_CHECK(session != nullptr);  // verified
  if (request.method == Method::Get) {
    session->handle_poll(connection, now);
  } else if (request.method == Method::Post) {
    session->handle_post(connection, http, now);
  } else {
    session->handle_other_method(connection);
  }
}

bool Hub::handle_post_begun(const Request& request, ConnectionId connection) {
  if (request.sid.empty() || request.method != Method::Post || verify(request, {})) return false;
  const Turn turn{*this};
  find(request.sid)->handle_post_begun(connection);
  return true;
}

void Hub::handle_client_gone(ConnectionId connection, TimePoint now) {
  const Turn turn{*this, now};
  if (Session* const session = find(connection)) session->handle_client_gone(connection);
}

void Hub::handle_post_refused(ConnectionId connection) {
  const Turn turn{*this};
  if (Session* const session = find(connection)) session->handle_post_refused(connection);
}

// ---- WebSockets ----------------------------------------------------------------------------------------------------

void Hub::handle_ws_open(const HttpRequest& http, const Request& request, ConnectionId connection, TimePoint now) {
  const Turn turn{*this, now};
  if (request.sid.empty()) {
    make_session(http, Transport::WebSocket, connection, now);
    return;
  }
  Session* const session = find(request.sid);
  ZVONOK_CHECK(session != nullptr);  // verified
  session->handle_candidate(connection, now);
}

void Hub::handle_ws_text(ConnectionId connection, std::string_view text, TimePoint now) {
  const Turn turn{*this, now};
  if (Session* const session = find(connection)) session->handle_ws_text(connection, text, now);
}

void Hub::handle_ws_binary(ConnectionId connection, std::string_view bytes, TimePoint now) {
  const Turn turn{*this, now};
  if (Session* const session = find(connection)) session->handle_ws_binary(connection, bytes, now);
}

void Hub::handle_ws_closed(ConnectionId connection, TimePoint now) {
  const Turn turn{*this, now};
  if (Session* const session = find(connection)) session->handle_ws_closed(connection);
}

// ---- time ----------------------------------------------------------------------------------------------------------

TimePoint Hub::next_timeout() const {
  return ended_.empty() ? std::min(timers_.earliest(), acceptor_.next_timeout()) : TimePoint{};
}

void Hub::handle_timeout(TimePoint now) {
  const Turn turn{*this, now};
  armed_ = TimePoint::max();
  while (Session* const session = timers_.due(now)) {
    session->handle_timeout(now);
    if (session->state_ != Session::State::Closed) set_timer(*session);
  }
  if (now >= acceptor_.next_timeout()) acceptor_.handle_timeout(now);
}

void Hub::set_timer(Session& session) {
  timers_.set(session, session.next_timeout());
  if (depth_ == 0) arm(timers_.earliest());
}

/// A timer that comes too early finds nothing to do, so only an earlier one has to be asked for.
void Hub::arm(TimePoint at) {
  if (at >= armed_) return;
  armed_ = at;
  wire_.arm(at);
}

// ---- sessions ------------------------------------------------------------------------------------------------------

Session* Hub::find(std::string_view sid) const {
  const auto found = sessions_.find(sid);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Session* Hub::find(ConnectionId connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? nullptr : found->second;
}

Session& Hub::make_session(const HttpRequest& http, Transport transport, ConnectionId connection, TimePoint now) {
  auto made = std::make_unique<Session>(*this, make_secret(entropy_, kSidBytes), read_handshake(http), now);
  Session& session = *made;
  const bool fresh = sessions_.emplace(session.sid(), std::move(made)).second;
  ZVONOK_CHECK(fresh);
  ++by_address_[session.handshake().remote_address];
  ++counters_.sessions;
  counters_.count(transport);
  session.open_on(transport, connection, now);
  session.listen(acceptor_.accept(session, now));
  set_timer(session);
  return session;
}

void Hub::flush_later(Session& session) {
  if (depth_ == 0) {
    session.flush_poll();
  } else if (!std::exchange(session.flush_queued_, true)) {
    to_flush_.push_back(&session);
  }
}

void Hub::on_ended(Session& session, CloseReason reason) {
  timers_.remove(session);
  --counters_.sessions;
  counters_.count(reason);
  const auto address = by_address_.find(session.handshake().remote_address);
  if (address != by_address_.end() && --address->second == 0) by_address_.erase(address);
  const auto found = sessions_.find(session.sid());
  ZVONOK_CHECK(found != sessions_.end());
  ended_.push_back(std::move(found->second));
  sessions_.erase(found);
  if (depth_ == 0) arm(TimePoint{});  // it may be on the call stack: destroyed later
}

void Hub::shut_down() {
  const Turn turn{*this};
  while (!sessions_.empty()) sessions_.begin()->second->shut_down();
}

/// Still one turn deep, so that a turn within this one does not end it.
void Hub::end_turn() {
  ++depth_;
  for (std::size_t i = 0; i < to_flush_.size(); ++i) {
    to_flush_[i]->flush_queued_ = false;
    to_flush_[i]->flush_poll();
  }
  to_flush_.clear();
  --depth_;
  ended_.clear();
  arm(next_timeout());
}

}  // namespace zvonok::engineio
