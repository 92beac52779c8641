// The right to answer one request, once. Move-only; dropping it unused answers 500, so that no client is left hanging.
// Belongs to the loop's thread. Harmless when the connection has gone meanwhile.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
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
  /// A binary message, of a WebSocket that was opened with WsBinary::AsBytes.
  virtual void on_ws_binary(ConnectionId, std::string_view) {}
  /// All output has left, after WsSession::claim had no room.
  virtual void on_ws_drained(ConnectionId) {}
  /// The WebSocket has ended, or its closing handshake has begun: nothing can be sent to it. The last call for this id.
  /// Must outlive the loop's work.
  virtual void on_ws_close(ConnectionId id) = 0;
};

enum class WsBinary { AsText, AsBytes };
enum class WsHeartbeat {
  Ping,  // ours, by the server's options
  None,  // what is spoken on the WebSocket has its own
};

enum class WsRate {
  Limited,    // by the server's options
  Unlimited,  // what is spoken on the WebSocket has its own limits
};

/// How one WebSocket differs from the others.
struct WsRules {
  WsBinary binary = WsBinary::AsText;
  WsHeartbeat heartbeat = WsHeartbeat::Ping;
  WsRate rate = WsRate::Limited;
  std::optional<std::size_t> message_bytes_max = std::nullopt;  // in place of the server's
  std::string protocol = {};  // told the client in Sec-WebSocket-Protocol; empty: none
};

/// Hears what becomes of a request that waits, for its body or for its answer. One of the two, once, unless the request
/// is handed over or answered. Must outlive the loop's work.
class RequestWatcher {
 public:
  virtual ~RequestWatcher() = default;
  /// The client ended the connection.
  virtual void on_client_gone(ConnectionId id) = 0;
  /// The server refused the request before it was whole: too large, too slow, or malformed.
  virtual void on_request_refused(ConnectionId id) = 0;
};

/// Hears of the end of an answer that is sent bit by bit.
class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  /// The connection is gone, whoever ended it. Must outlive the loop's work.
  virtual void on_stream_end(ConnectionId id) = 0;
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
  /// The answer may take as long as it likes: no timeout ends the wait, and the watcher hears when the client goes
  /// away.
  void wait(RequestWatcher& watcher);
  /// Answers an upgrade request with 101 and speaks WebSocket from then on. The caller has checked who it is; a request
  /// that is not a proper handshake gets 400 or 426 instead. True when the WebSocket is open.
  bool upgrade(WsHandler& handler, const WsRules& rules = {});
  /// Sends the header now and the body by Server::stream_send, until either side ends the connection. False, and
  /// nothing will be told to `watcher`, when the client has gone or asked for the header alone.
  [[nodiscard]] bool stream(HttpResponse header, StreamWatcher& watcher);
  /// The connection's id: that of the WebSocket after an upgrade.
  [[nodiscard]] ConnectionId connection() const { return connection_; }
  [[nodiscard]] bool connection_alive() const;

 private:
  Server* server_;  // null once used
  ConnectionId connection_;
  std::uint64_t request_;
};

}  // namespace zvonok::net
