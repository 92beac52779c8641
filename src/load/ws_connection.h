// The client's end of one WebSocket (RFC 6455) over TCP or TLS: connects without blocking, upgrades with a bearer
// token, and passes texts both ways. It believes the server's side of the handshake: both ends are ours.
//
// Threads: none of its own; everything on the loop's thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "proto/websocket/frame.h"

namespace zvonok::load {

class WsHandler {
 public:
  virtual ~WsHandler() = default;
  /// The server has answered 101.
  virtual void on_ws_open() = 0;
  /// `text` is valid until the method returns.
  virtual void on_ws_text(std::string_view text) = 0;
  /// It could not be made or has ended, unasked. The last call.
  virtual void on_ws_end(std::string_view why) = 0;
};

class WsConnection final : public net::ReadyHandler, private websocket::MessageSink {
 public:
  struct Target {
    SocketAddress server;
    std::string host;                                // as in the Host header
    std::string path;                                // begins with /
    std::string token;                               // empty: none in the request
    std::shared_ptr<const net::TlsClient> tls = {};  // null: plain
    std::string name = {};                           // TLS: of the host, without the port
  };
  /// Begins to connect; what the system refuses at once is in `refused`. `loop` and `handler` outlive it. As with every
  /// ReadyHandler, give it to Loop::discard rather than to destroy it.
  WsConnection(net::Loop& loop, WsHandler& handler, const Target& target, std::uint32_t seed);
  WsConnection(const WsConnection&) = delete;
  WsConnection& operator=(const WsConnection&) = delete;
  ~WsConnection() override { close(); }

  void on_ready(std::uint32_t events) override;

  /// Writes at once what the system takes, and the rest when it does. Nothing once the connection has ended.
  void send(std::string_view text);
  /// No call comes after this.
  void close();
  /// Why there is nothing to wait for; empty: there is.
  [[nodiscard]] const std::string& refused() const { return refused_; }

 private:
  enum class State : std::uint8_t { Connecting, Upgrading, Open, Ended };

  void connect(const Target& target);
  void watch();
  void begin_upgrade();
  void read();
  void read_upgrade(MutableBytes bytes);
  void flush();
  void end(std::string_view why);
  [[nodiscard]] std::uint32_t next_mask();

  void on_message(websocket::Opcode opcode, std::string_view payload) override;
  void on_ping(std::string_view payload) override;
  void on_pong(std::string_view) override {}
  void on_close(std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] bool wants_more() const override { return state_ == State::Open; }

  net::Loop& loop_;
  WsHandler& handler_;
  std::optional<net::Stream> stream_;  // until the end
  State state_ = State::Connecting;
  std::string refused_;
  std::string output_;
  std::string answer_;  // until its header is whole
  websocket::Decoder decoder_;
  std::uint32_t mask_;
  bool write_blocked_ = true;
  bool read_wants_write_ = false;  // of TLS
};

}  // namespace zvonok::load
