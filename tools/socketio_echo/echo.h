// What the echo server answers: a raw Engine.IO echo, and Socket.IO namespaces that tell back what they were told.
#pragma once
#include <memory>
#include <string_view>

#include "net/loop.h"
#include "proto/engineio/session.h"
#include "proto/engineio/wire.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/server.h"
#include "proto/socketio/socket.h"

namespace zvonok::echo {

/// Every message goes back as it came, text or binary.
class RawEcho final : public engineio::Acceptor {
 public:
  [[nodiscard]] std::unique_ptr<engineio::Listener> accept(engineio::Session& session, TimePoint now) override;
};

/// Emits `auth` with what the client connected with. With recovery a client that comes back has had it; its session is
/// that of `user` in `auth`, and the `token` "bad" is none.
class AuthEcho : public socketio::Handler {
 public:
  explicit AuthEcho(const net::Loop& loop) : loop_{loop} {}
  void on_connect(socketio::Socket& socket, std::string_view auth) override;
  void on_event(socketio::Socket&, const socketio::Event&) override {}
  void on_disconnect(socketio::Socket&, socketio::DisconnectReason) override {}

 protected:
  [[nodiscard]] TimePoint now() const { return loop_.now().mono; }

 private:
  const net::Loop& loop_;
};

/// And `message-back` for `message`, an acknowledgement for `message-with-ack`.
class MessageEcho final : public AuthEcho {
 public:
  using AuthEcho::AuthEcho;
  /// With recovery there are rooms as well.
  void offer_rooms(socketio::Server& server) { server_ = &server; }
  void on_event(socketio::Socket& socket, const socketio::Event& event) override;

 private:
  void on_room_event(socketio::Socket& socket, const socketio::Event& event);
  socketio::Server* server_ = nullptr;
};

}  // namespace zvonok::echo
