// Socket.IO on Engine.IO: the table of namespaces, and of everybody who is in one. Sans-IO and not thread-safe; give it
// to an engineio::Hub as its acceptor.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/entropy.h"
#include "base/time.h"
#include "proto/engineio/wire.h"
#include "proto/socketio/counters.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/packet.h"
#include "proto/socketio/recovery.h"
#include "proto/socketio/rooms.h"
#include "proto/socketio/socket.h"

namespace zvonok::socketio {

struct Options {
  /// A connection that is in no namespace by then is closed.
  Duration connect_timeout = seconds{45};
  /// Of one binary packet, its text and its attachments.
  std::size_t packet_bytes_max = 4 * 1024 * 1024;
  /// What is kept in each direction while a namespace decides whether to let a client in.
  std::size_t held_bytes_max = 256 * 1024;
  std::size_t open_acks_max = 1000;
  /// Of one socket.
  std::size_t rooms_max = 100;
  /// Of Socket::set_data.
  std::size_t data_bytes_max = 4096;
  /// Off by default.
  RecoveryOptions recovery{};
};

/// Whom an event goes to: who is in a room, but one. Clients that are away and may come back are in it, too.
struct Audience {
  std::string_view nsp;
  std::string_view room;
  SocketId except{};
  Delivery delivery = Delivery::Kept;
};

class Server final : public engineio::Acceptor {
 public:
  Server(Options options, Entropy& entropy);
  ~Server() override;

  /// `name` begins with "/". The handler must live as long as there are connections. Before the first connection.
  void add_namespace(std::string name, Handler& handler);
  /// Null when the socket has left.
  [[nodiscard]] Socket* find(SocketId number) const;
  /// How many it was sent to or is kept for.
  std::size_t emit(const Audience& audience, std::string_view name, std::string_view args = {},
                   Attachments attachments = {});
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] const Options& options() const { return options_; }

  [[nodiscard]] std::unique_ptr<engineio::Listener> accept(engineio::Session& session, TimePoint now) override;
  [[nodiscard]] TimePoint next_timeout() const override;
  void handle_timeout(TimePoint now) override;

 private:
  friend class Connection;
  friend class Socket;
  /// Null when there is no such namespace.
  [[nodiscard]] std::unique_ptr<Socket> make_socket(const Packet& connect, Connection& connection);
  void remember(Socket& socket) { sockets_[socket.number()] = &socket; }
  void forget(SocketId number) { sockets_.erase(number); }
  [[nodiscard]] std::unique_ptr<Stay> make_stay(const Socket& socket);
  /// For good.
  void end_stay(Stay& stay);
  [[nodiscard]] Rooms& rooms() { return rooms_; }
  /// Null when nobody comes back.
  [[nodiscard]] Recovery* recovery() { return recovery_ ? &*recovery_ : nullptr; }
  /// For encoding; empty, and its memory kept.
  [[nodiscard]] std::string& scratch() {
    scratch_.clear();
    return scratch_;
  }

  const Options options_;
  Entropy& entropy_;
  Counters counters_;
  std::map<std::string, Handler*, std::less<>> namespaces_;
  std::unordered_map<SocketId, Socket*> sockets_;
  Rooms rooms_;
  std::optional<Recovery> recovery_;
  std::string scratch_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_stay_ = 0;
};

}  // namespace zvonok::socketio
