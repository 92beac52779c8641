// The listening server: accepts, limits, sweeps deadlines, and owns every connection. Answers requests through
// HttpHandler, and carries WebSocket text for WsHandler.
//
// Threads: everything belongs to the loop's thread.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "base/log.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/counters.h"
#include "net/http_parser.h"
#include "net/loop.h"
#include "net/options.h"
#include "net/responder.h"
#include "net/tls.h"
#include "proto/http_message.h"
#include "proto/websocket/frame.h"

namespace zvonok::net {

/// What holds for one request's body.
struct BodyRules {
  /// More is answered with 413. Only lowers the limit of the server's options.
  std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
  RequestWatcher* watcher = nullptr;  // until the request is handed over
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Must answer through `respond`, now or later. One request of a connection at a time.
  virtual void on_request(HttpRequest request, Responder respond) = 0;
  /// The header of a request is there, and a body is to come.
  virtual BodyRules on_body(const RequestHead&, ConnectionId) { return {}; }
  /// The server refuses a request for its body, too large or too slow: what `response` is to say besides, such as who
  /// may read it.
  virtual void on_body_refused(const RequestHead&, HttpResponse& /*response*/) {}
};

class WsSession;
class StreamSession;

class Server final : public ReadyHandler {
 public:
  struct Dependencies {
    Loop& loop;
    HttpHandler& handler;
    Entropy& entropy;
    Logger& log;
  };
  /// Binds and listens. The error is one line that names the address and what is wrong.
  [[nodiscard]] static Result<std::unique_ptr<Server>, std::string> create(ServerOptions options,
                                                                           Dependencies dependencies);
  ~Server() override;

  /// The port in use; differs from the option when that was 0.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Serves TLS to connections accepted from now on.
  void set_tls(TlsContext context) { tls_ = std::move(context); }
  [[nodiscard]] bool has_tls() const { return tls_.has_value(); }

  /// Sends a text message. False when the connection is gone or closing (counted).
  bool ws_send(ConnectionId id, std::string_view text);
  /// The same for a binary message.
  bool ws_send_binary(ConnectionId id, std::string_view bytes);
  /// Starts the closing handshake; the handler hears of the end by `on_ws_close`.
  void ws_close(ConnectionId id, websocket::CloseCode code, std::string_view reason);

  /// Bytes of an answer that was begun by Responder::stream. False when its connection is gone or closing.
  bool stream_send(ConnectionId id, std::string_view bytes);
  /// Ends it; the watcher hears when the connection has gone.
  void stream_end(ConnectionId id);

  /// Refuses new connections and closes idle ones; WebSockets get 1001 with `reason`.
  void drain(std::string_view reason);
  void stop_listening();
  /// Ends every connection at once.
  void close_all();
  [[nodiscard]] std::size_t connection_count() const { return counters_.connections; }

  [[nodiscard]] NetCounters& counters() { return counters_; }
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const Now& now() const { return loop_.now(); }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] HttpHandler& handler() { return handler_; }
  [[nodiscard]] Entropy& entropy() { return entropy_; }
  [[nodiscard]] bool draining() const { return draining_; }

  /// Null when the connection is gone.
  [[nodiscard]] Connection* find(ConnectionId id);
  [[nodiscard]] WsSession* find_ws(ConnectionId id);
  [[nodiscard]] StreamSession* find_stream(ConnectionId id);

  // What connections tell their server.
  [[nodiscard]] MutableBytes scratch() { return scratch_; }
  void on_dirty(ConnectionId id) { dirty_.push_back(id); }
  /// Media: of what a turn has to send, no more of it than kUrgentMax messages wait for the turn's end.
  void on_urgent() { ++urgent_; }
  /// A connection is done with what it was told of; nothing of it is on the stack.
  void after_ready();
  void on_proven(Connection& connection);
  void read_again_later(ConnectionId id) { read_again_.push_back(id); }
  void release(Connection& connection);

  void on_ready(std::uint32_t events) override;  // the listening socket

 private:
  struct Slot {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 1;
  };
  struct Address {
    std::size_t connections = 0;
    std::map<std::uint64_t, ConnectionId> unproven;  // by order of acceptance
  };
  struct Accepted {
    Fd fd;
    std::string address;
  };

  Server(ServerOptions options, Dependencies dependencies, Fd listener, std::uint16_t port);
  void accept_some();
  [[nodiscard]] std::optional<Accepted> accept_one();
  void admit(Accepted accepted);
  [[nodiscard]] bool make_room(const std::string& address);
  bool evict_oldest(std::map<std::uint64_t, ConnectionId>& unproven);
  [[nodiscard]] std::uint32_t take_slot();
  void sweep();
  void end_turn();
  void flush_dirty();

  ServerOptions options_;
  Loop& loop_;
  HttpHandler& handler_;
  Entropy& entropy_;
  Logger& log_;
  Fd listener_;
  Fd spare_fd_;  // given up for a moment to refuse a connection when the process is out of descriptors
  std::uint16_t port_;
  std::optional<TlsContext> tls_;
  NetCounters counters_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::unordered_map<std::string, Address> addresses_;
  std::map<std::uint64_t, ConnectionId> unproven_;
  std::uint64_t accept_sequence_ = 0;
  std::vector<ConnectionId> dirty_;
  std::size_t urgent_ = 0;  // messages that were made since the last flush
  std::vector<ConnectionId> flushing_;
  std::vector<ConnectionId> read_again_;
  std::vector<std::uint8_t> scratch_;
  Loop::TimerKey sweep_timer_{};
  bool draining_ = false;
};

}  // namespace zvonok::net
