// One WebSocket client of the load generator: non-blocking connect, upgrade with the token in the query, text both
// ways. It checks the server's side of the handshake and framing only as far as a benchmark needs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/websocket/frame.h"
#include "signalling/hub.h"

namespace zvonok::bench {

class WsClient;

class WsClientHandler {
 public:
  virtual ~WsClientHandler() = default;
  /// The server has answered 101.
  virtual void on_open(WsClient& client) = 0;
  /// `text` is valid until the method returns.
  virtual void on_text(WsClient& client, std::string_view text) = 0;
  /// The connection could not be made or has ended, unasked. The last call for this connection.
  virtual void on_end(WsClient& client, std::string_view why) = 0;
};

struct WsTarget {
  std::uint16_t port = 0;
  std::string token;
  std::uint32_t source_address = 0;  // IPv4 in host order, of 127.0.0.0/8; 0: any
};

class WsClient final : private websocket::MessageSink {
 public:
  /// `number` is the owner's, to know the client by.
  WsClient(Hub& hub, WsClientHandler& handler, std::size_t number);
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;
  ~WsClient() override;

  /// Begins to connect. Only when there is no connection.
  void open(const WsTarget& target);
  /// Queues a text message; it leaves at the end of the hub's turn.
  void send(std::string_view text);
  /// Ends the connection with a reset, so that no port waits in TIME_WAIT. `on_end` is not called.
  void reset();

  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] std::size_t unsent_bytes() const { return output_.size(); }

  // For Hub.
  void on_ready(std::uint32_t events);
  void flush();

 private:
  enum class State { Closed, Connecting, Upgrading, Open };

  void begin_upgrade();
  void read();
  void read_upgrade(std::string_view text);
  void feed(MutableBytes bytes);
  void end(std::string_view why);
  void mark_dirty();

  void on_message(websocket::Opcode opcode, std::string_view payload) override;
  void on_ping(std::string_view payload) override;
  void on_pong(std::string_view) override {}
  void on_close(std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] bool wants_more() const override { return state_ == State::Open; }

  Hub& hub_;
  WsClientHandler& handler_;
  const std::size_t number_;
  int fd_ = -1;
  State state_ = State::Closed;
  websocket::Decoder decoder_;
  std::string request_;  // until it is sent
  std::string answer_;   // until its header is whole
  std::string output_;
  std::uint32_t next_mask_;
  bool dirty_ = false;
  bool write_blocked_ = false;
};

}  // namespace zvonok::bench
