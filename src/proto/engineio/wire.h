// The two sides of Engine.IO's sessions: `Wire` is the way out to the clients, `Listener` is what lives on a session.
#pragma once
#include <memory>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "proto/engineio/counters.h"
#include "proto/engineio/request.h"

namespace zvonok::engineio {

class Session;

/// Implemented by the edge, called from within the hub. Views are valid until the method returns. Implementations must
/// not call the hub back before they return.
class Wire {
 public:
  virtual ~Wire() = default;
  /// The answer to the request that waits on the connection.
  virtual void answer(ConnectionId connection, const Answer& answer) = 0;
  /// False when the WebSocket is gone or its queue is full; that it ended is told separately.
  virtual bool ws_text(ConnectionId connection, std::string_view text) = 0;
  virtual bool ws_binary(ConnectionId connection, std::string_view bytes) = 0;
  virtual void ws_close(ConnectionId connection) = 0;
  /// Asks for `Hub::handle_timeout` at that time, or at once when it is past, in place of what was asked for before.
  virtual void arm(TimePoint at) = 0;
};

/// One for each session; owned by it. Views are valid until the method returns.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_message(Session& session, std::string_view text, TimePoint now) = 0;
  virtual void on_binary(Session& session, std::string_view bytes, TimePoint now) = 0;
  /// The session has ended: the last call. Nothing can be sent any more. When it ends because something was sent, `now`
  /// is when the hub was called last.
  virtual void on_close(Session& session, CloseReason reason, TimePoint now) = 0;
  /// The client has answered a ping: it has received all that was sent before that ping, and so all that was sent
  /// before the call that came before this one.
  virtual void on_pong(Session&) {}
  /// A deadline of the listener's own. May only move to an earlier time within a call of the listener.
  [[nodiscard]] virtual TimePoint next_timeout() const { return TimePoint::max(); }
  virtual void handle_timeout(Session&, TimePoint) {}
};

/// Makes the listener of a session that was opened. The client has the handshake already, so the listener may send; it
/// must not close before it was returned.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  [[nodiscard]] virtual std::unique_ptr<Listener> accept(Session& session, TimePoint now) = 0;
  /// A deadline that belongs to no session. May only move to an earlier time within a call of the acceptor or of one of
  /// its listeners.
  [[nodiscard]] virtual TimePoint next_timeout() const { return TimePoint::max(); }
  virtual void handle_timeout(TimePoint) {}
};

}  // namespace zvonok::engineio
