// The WebSocket on a connection, server side: framing, limits, heartbeat, closing handshake.
#pragma once
#include "base/token_bucket.h"
#include "net/connection.h"
#include "net/responder.h"
#include "net/session.h"
#include "proto/websocket/frame.h"

namespace zvonok::net {

class WsSession final : public Session, private websocket::MessageSink {
 public:
  WsSession(Connection& connection, WsHandler& handler, TimePoint now);
  ~WsSession() override;

  /// Queues a text message; false when the closing handshake has begun or the queue's limit was reached.
  bool send(std::string_view text);
  void close(websocket::CloseCode code, std::string_view reason) { close_for(code, reason, CloseReason::Application); }

  void on_bytes(MutableBytes bytes) override;
  void on_drained() override {}
  void on_sweep(TimePoint now) override;
  void on_closed(CloseReason reason) override;
  void on_drain(std::string_view reason) override;
  [[nodiscard]] WsSession* as_websocket() override { return this; }

 private:
  void on_message(websocket::Opcode opcode, std::string_view payload) override;
  void on_ping(std::string_view payload) override;
  void on_pong(std::string_view payload) override;
  void on_close(std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] bool wants_more() const override { return !paused_; }

  void close_for(websocket::CloseCode code, std::string_view reason, CloseReason counted);
  void charge(std::size_t bytes);
  void slow_down();
  void pause_for(Duration wait);
  void tell_end();
  void tell_end_later();
  void resume();
  [[nodiscard]] bool queue_has_room(std::size_t bytes);

  Connection& connection_;
  WsHandler& handler_;
  websocket::Decoder decoder_;
  TokenBucket messages_;
  TokenBucket bytes_;
  TimePoint last_heard_;
  TimePoint next_ping_;
  TimePoint close_deadline_ = TimePoint::max();
  CloseReason close_reason_ = CloseReason::Finished;
  bool paused_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
  bool end_told_ = false;
};

}  // namespace zvonok::net
