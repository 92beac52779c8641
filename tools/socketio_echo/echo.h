// What the echo server answers: a raw Engine.IO echo, and Socket.IO namespaces that tell back what they were told.
#pragma once
#include <memory>
#include <string_view>

#include "proto/engineio/session.h"
#include "proto/engineio/wire.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/socket.h"

namespace zvonok::echo {

/// Every message goes back as it came, text or binary.
class RawEcho final : public engineio::Acceptor {
 public:
  [[nodiscard]] std::unique_ptr<engineio::Listener> accept(engineio::Session& session, TimePoint now) override;
};

/// Emits `auth` with what the client connected with.
class AuthEcho : public socketio::Handler {
 public:
  void on_connect(socketio::Socket& socket, std::string_view auth) override {
    socket.accept();
    socket.emit("auth", auth.empty() ? "{}" : auth);
  }
  void on_event(socketio::Socket&, const socketio::Event&) override {}
  void on_disconnect(socketio::Socket&, socketio::DisconnectReason) override {}
};

/// And `message-back` for `message`, an acknowledgement for `message-with-ack`.
class MessageEcho final : public AuthEcho {
 public:
  void on_event(socketio::Socket& socket, const socketio::Event& event) override {
    if (event.name == "message") {
      socket.emit("message-back", event.args, event.attachments);
    } else if (event.name == "message-with-ack" && event.ack) {
      socket.acknowledge(*event.ack, event.args, event.attachments);
    }
  }
};

}  // namespace zvonok::echo
