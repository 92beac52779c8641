// What speaks on a connection: HTTP first, WebSocket after an upgrade. Later: anything else that begins with HTTP.
#pragma once
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "net/counters.h"

namespace zvonok::net {

class WsSession;
class HttpSession;
class StreamSession;

class Session {
 public:
  virtual ~Session() = default;
  /// Bytes from the peer; modifiable in place, valid until the method returns.
  virtual void on_bytes(MutableBytes bytes) = 0;
  /// The output that waited has left.
  virtual void on_drained() = 0;
  /// Called about twice a second, for deadlines.
  virtual void on_sweep(TimePoint now) = 0;
  /// The server is about to stop: end in order, as soon as what is under way is done.
  virtual void on_drain(std::string_view reason) = 0;
  /// This session, when it is a WebSocket; null otherwise.
  [[nodiscard]] virtual WsSession* as_websocket() { return nullptr; }
  /// Likewise for HTTP.
  [[nodiscard]] virtual HttpSession* as_http() { return nullptr; }
  /// Likewise for an answer that is sent bit by bit.
  [[nodiscard]] virtual StreamSession* as_stream() { return nullptr; }
  /// The connection is gone. The last call a session gets.
  virtual void on_closed(CloseReason reason) = 0;
};

}  // namespace zvonok::net
