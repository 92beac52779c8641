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
  WsSession(Connection& connection, WsHandler& handler, const WsRules& rules, TimePoint now);
  ~WsSession() override;

  /// Queues a text message; false when the closing handshake has begun or the queue's limit was reached.
  bool send(std::string_view text) { return send(websocket::Opcode::Text, text); }
  bool send_binary(std::string_view bytes) { return send(websocket::Opcode::Binary, bytes); }
  /// Room for one binary message, to be filled before anything else is done here. Empty when the closing handshake has
  /// begun, or more than `unsent_max` waits already: then WsHandler::on_ws_drained tells when all of it has left.
  [[nodiscard]] MutableBytes claim(std::size_t bytes, std::size_t unsent_max);
  /// Whether messages are handed over. One that was received already may still be.
  void hold_reading();
  void release_reading();
  void close(websocket::CloseCode code, std::string_view reason) { close_for(code, reason, CloseReason::Application); }

  void on_bytes(MutableBytes bytes) override;
  void on_drained() override;
  void on_sweep(TimePoint now) override;
  void on_closed(CloseReason reason) override;
  void on_drain(std::string_view reason) override;
  [[nodiscard]] WsSession* as_websocket() override { return this; }

 private:
  bool send(websocket::Opcode opcode, std::string_view payload);
  void on_message(websocket::Opcode opcode, std::string_view payload) override;
  void on_ping(std::string_view payload) override;
  void on_pong(std::string_view payload) override;
  void on_close(std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] bool wants_more() const override { return !paused_ && !held_; }

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
  const WsBinary binary_;
  const WsHeartbeat heartbeat_;
  const WsRate rate_;
  bool paused_ = false;
  bool held_ = false;          // by the handler
  bool owes_drained_ = false;  // on_ws_drained
  bool resume_posted_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
  bool end_told_ = false;
};

}  // namespace zvonok::net
