// One client in one namespace. Owned by its connection; gone after Handler::on_disconnect, so remember its number.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proto/engineio/request.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/recovery.h"
#include "proto/socketio/stay.h"

namespace zvonok::socketio {

class Connection;
class Server;

class Socket {
 public:
  struct Parts {
    Server& server;
    Connection& connection;
    Handler& handler;
    std::string_view nsp;  // lives in the server
    SocketId number;
    std::string id;
    std::unique_ptr<Claim> claim;  // of a session of before
  };
  explicit Socket(Parts parts);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  [[nodiscard]] SocketId number() const { return number_; }
  /// What the client knows as its id; from `accept` on the same, whenever it comes back. Public: other clients may hear
  /// it.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string_view nsp() const { return nsp_; }
  /// The first request of its connection: query, addresses, authorization.
  [[nodiscard]] const engineio::Handshake& handshake() const;
  [[nodiscard]] bool is_joined() const { return state_ == State::Joined; }

  /// Lets the client in. What was emitted before goes out behind the answer, and what came meanwhile is handed to the
  /// handler before this returns.
  void accept();
  /// Likewise, and when its connection is lost the client may come back (Options::recovery): to the same `id`, rooms
  /// and data, and it is sent what it has missed. To the handler it is another socket, with a number of its own, which
  /// it has let in as any other. `owner` is whose token or cookie the client came in with: nobody else gets the
  /// session, whatever he knows of it. With an empty one whoever knows the client's secret does. The client's old
  /// connection, if it looks alive, is closed.
  void accept_recoverable(std::string_view owner, TimePoint now);
  /// The client has come back, and has all that it had.
  [[nodiscard]] bool is_recovered() const { return recovered_; }
  /// `data`, when it is not empty, is JSON that the client finds in its error's `data`.
  void refuse(std::string_view message, std::string_view data = {});

  /// False when it was dropped (counted): the socket has left, or too much waits.
  bool emit(std::string_view name, std::string_view args = {}, Attachments attachments = {});
  /// Handler::on_ack hears of the answer by the number that is returned; nullopt when it was dropped.
  std::optional<AckId> emit_with_ack(std::string_view name, std::string_view args = {}, Attachments attachments = {});
  bool acknowledge(AckId ack, std::string_view args = {}, Attachments attachments = {});
  /// An event that is of no use later: not sent to a client that has come back.
  bool emit_volatile(std::string_view name, std::string_view args = {}, Attachments attachments = {});
  /// For many receivers: an event encoded once, by `encode_event` with this socket's namespace.
  bool emit_encoded(std::string_view event);

  /// Rooms are for Server::emit. A socket that leaves its namespace leaves them. False when it is in there already, or
  /// may not join (counted).
  bool join(std::string_view room);
  bool leave_room(std::string_view room);
  [[nodiscard]] const std::vector<std::string>& rooms() const;
  /// Text of the application that is there again when the client comes back. False when it is too much (counted).
  bool set_data(std::string data);
  [[nodiscard]] const std::string& data() const;

  /// Puts the client out of the namespace for good: the libraries do not come back by themselves after it.
  void disconnect();
  /// Ends the connection with all its namespaces; the libraries reconnect.
  void close_connection(TimePoint now);

 private:
  friend class Connection;
  friend class Broadcast;
  enum class State : std::uint8_t { Joining, Joined, Gone };
  /// How a packet is to go out.
  enum class Out : std::uint8_t { AsItIs, Event, VolatileEvent };
  struct HeldEvent {
    std::string name;
    std::string args;
    std::vector<std::string> attachments;
    std::optional<AckId> ack;
  };
  struct HeldPacket {
    std::string text;
    std::vector<std::string> attachments;
    Out how = Out::AsItIs;
  };
  /// What waits for the decision to let the client in.
  struct Held {
    std::vector<HeldEvent> in;
    std::vector<HeldPacket> out;
    std::size_t bytes = 0;
  };

  // Input, by the connection.
  /// False when too much is held already.
  [[nodiscard]] bool handle_event(const Event& event);
  void handle_ack(const AckReply& reply);
  void handle_pong();
  /// `lost_at`: with its connection, after which the client may come back.
  void end(DisconnectReason reason, std::optional<TimePoint> lost_at = std::nullopt);

  /// `packet` may be changed.
  bool send(std::string& packet, Attachments attachments, Out how);
  bool send_joined(std::string& packet, Attachments attachments, Out how);
  bool send_encoded(std::string_view event, Attachments attachments);
  void let_in();
  /// The number of the last event that the client has seen, when the session that it claims is this socket's now.
  [[nodiscard]] std::optional<EventNumber> come_back(Recovery& recovery, std::string_view owner, TimePoint now);
  void replay(EventNumber seen);
  [[nodiscard]] bool hold(std::size_t bytes);
  void release_held();
  void leave();

  Server& server_;
  Connection& connection_;
  Handler& handler_;
  const std::string_view nsp_;
  const SocketId number_;
  std::string id_;
  std::vector<AckId> open_acks_;
  std::unique_ptr<Held> held_;
  std::unique_ptr<Claim> claim_;  // while joining
  std::unique_ptr<Stay> stay_;    // null when it has neither rooms nor data, and won't come back
  AckId next_ack_ = 0;
  State state_ = State::Joining;
  bool recovered_ = false;
};

/// `4` and an event packet, for `Socket::emit_encoded`.
[[nodiscard]] std::string encode_event(std::string_view nsp, std::string_view name, std::string_view args = {});

}  // namespace zvonok::socketio
