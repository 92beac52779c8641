// What an application is for Socket.IO: one handler for each namespace. This, `Socket` and `Server` are the whole of
// the interface to write a dialect against:
//
//     class Chat final : public socketio::Handler {
//       void on_connect(Socket& socket, std::string_view auth) override { socket.accept(); }
//       void on_event(Socket& socket, const Event& event) override {
//         if (event.name == "say") socket.emit("said", event.args, event.attachments);
//         if (event.ack) socket.acknowledge(*event.ack, R"({"ok":true})");
//       }
//       void on_disconnect(Socket&, DisconnectReason) override {}
//     };
//     server.add_namespace("/chat", chat);
//
// Clients that lost their connection come back to what they had when they were let in by `accept_recoverable` and the
// server's options say so: docs/protocol/socketio.md.
//
// JSON is text in both directions. `args` are values with commas between them, as they stand in an array without its
// brackets: `1,"two",{"three":3}`; "" for none. Take them apart with `take_item` (json_text.h). Text from the client is
// valid JSON in valid UTF-8, at most kDepthMax deep; text to the client has to be.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/id.h"
#include "proto/socketio/counters.h"
#include "proto/socketio/packet.h"

namespace zvonok::socketio {

class Socket;

/// One client's stay in one namespace; never reused while the process lives. Remember it, not the Socket: find the
/// Socket by `Server::find`.
using SocketId = NumberId<struct SocketIdTag, std::uint64_t>;

/// Binary arguments. Where they stand, `args` has `{"_placeholder":true,"num":n}`.
using Attachments = std::span<const std::string>;

struct Event {
  std::string_view name;
  std::string_view args;
  Attachments attachments;
  std::optional<AckId> ack;  // the client waits for Socket::acknowledge with it
};

struct AckReply {
  AckId id = 0;
  std::string_view args;
  Attachments attachments;
};

/// What becomes of an event that its client does not get because its connection was lost, when it may come back.
enum class Delivery : std::uint8_t {
  Kept,      // it gets it then
  Volatile,  // it was of that moment
};

/// Views are valid until the method returns. A socket may be sent to, disconnected and closed within every method.
class Handler {
 public:
  virtual ~Handler() = default;
  /// A client asks to join. Answer with `accept` or `refuse`, here or later; what it sends meanwhile is kept for later.
  /// `auth` is a JSON object, or "" when it sent none.
  virtual void on_connect(Socket& socket, std::string_view auth) = 0;
  /// Of sockets that were accepted only. Unknown names are to be ignored.
  virtual void on_event(Socket& socket, const Event& event) = 0;
  /// The answer to an `emit_with_ack`; at most one each. None comes when the socket leaves first.
  virtual void on_ack(Socket&, const AckReply&) {}
  /// The last call for a socket, accepted or still waiting; not for a refused one.
  virtual void on_disconnect(Socket& socket, DisconnectReason reason) = 0;
};

}  // namespace zvonok::socketio
