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
  };
  explicit Socket(Parts parts);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  [[nodiscard]] SocketId number() const { return number_; }
  /// What the client knows as its id. Public: other clients may hear it.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string_view nsp() const { return nsp_; }
  /// The first request of its connection: query, addresses, authorization.
  [[nodiscard]] const engineio::Handshake& handshake() const;
  [[nodiscard]] bool is_joined() const { return state_ == State::Joined; }

  /// Lets the client in. What was emitted before goes out behind the answer, and what came meanwhile is handed to the
  /// handler before this returns.
  void accept();
  /// `data`, when it is not empty, is JSON that the client finds in its error's `data`.
  void refuse(std::string_view message, std::string_view data = {});

  /// False when it was dropped (counted): the socket has left, or too much waits.
  bool emit(std::string_view name, std::string_view args = {}, Attachments attachments = {});
  /// Handler::on_ack hears of the answer by the number that is returned; nullopt when it was dropped.
  std::optional<AckId> emit_with_ack(std::string_view name, std::string_view args = {}, Attachments attachments = {});
  bool acknowledge(AckId ack, std::string_view args = {}, Attachments attachments = {});
  /// For many receivers: an event encoded once, by `encode_event` with this socket's namespace.
  bool emit_encoded(std::string_view event);

  /// Puts the client out of the namespace for good: the libraries do not come back by themselves after it.
  void disconnect();
  /// Ends the connection with all its namespaces; the libraries reconnect.
  void close_connection(TimePoint now);

 private:
  friend class Connection;
  enum class State : std::uint8_t { Joining, Joined, Gone };
  struct HeldEvent {
    std::string name;
    std::string args;
    std::vector<std::string> attachments;
    std::optional<AckId> ack;
  };
  struct HeldPacket {
    std::string text;
    std::vector<std::string> attachments;
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
  void end(DisconnectReason reason);

  bool send(std::string_view packet, Attachments attachments);
  [[nodiscard]] bool hold(std::size_t bytes);
  void release_held();
  void leave();

  Server& server_;
  Connection& connection_;
  Handler& handler_;
  const std::string_view nsp_;
  const SocketId number_;
  const std::string id_;
  std::vector<AckId> open_acks_;
  std::unique_ptr<Held> held_;
  AckId next_ack_ = 0;
  State state_ = State::Joining;
};

/// `4` and an event packet, for `Socket::emit_encoded`.
[[nodiscard]] std::string encode_event(std::string_view nsp, std::string_view name, std::string_view args = {});

}  // namespace zvonok::socketio
