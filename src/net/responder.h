// The right to answer one request, once. Move-only; dropping it unused answers 500, so that no client is left hanging.
// Belongs to the loop's thread. Harmless when the connection has gone meanwhile.
#pragma once
#include <string_view>

#include "base/id.h"
#include "proto/http_message.h"

namespace zvonok::net {

class Server;

/// Hears of a WebSocket. Views are valid until the method returns.
class WsHandler {
 public:
  virtual ~WsHandler() = default;
  /// A text message, or a binary one that is valid UTF-8.
  virtual void on_ws_message(ConnectionId id, std::string_view text) = 0;
  /// The WebSocket has ended, or its closing handshake has begun: nothing can be sent to it. The last call for this id.
  /// Must outlive the loop's work.
  virtual void on_ws_close(ConnectionId id) = 0;
};

class Responder {
 public:
  Responder(Server& server, ConnectionId connection, std::uint64_t request)
      : server_{&server}, connection_{connection}, request_{request} {}
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  void send(HttpResponse response);
  /// Answers an upgrade request with 101 and speaks WebSocket from then on. The caller has checked who it is; a request
  /// that is not a proper handshake gets 400 or 426 instead. True when the WebSocket is open.
  bool upgrade(WsHandler& handler);
  /// The connection's id: that of the WebSocket after an upgrade.
  [[nodiscard]] ConnectionId connection() const { return connection_; }
  [[nodiscard]] bool connection_alive() const;

 private:
  Server* server_;  // null once used
  ConnectionId connection_;
  std::uint64_t request_;
};

}  // namespace zvonok::net
